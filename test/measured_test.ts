/** The lecture's last question, and the run of compare that answers it, with the machine to itself. */
import { suite } from "./harness.ts";
import { shown, testSection } from "./lecture.ts";
import { sectionsOf } from "./readme.ts";

const test = suite("the lecture, measured");

for (const section of sectionsOf("README.md").slice(1))
  if (shown(section).includes("npm run compare")) testSection(test, section);

test.run();
