/** What the documents tell a learner to do can be done, and prints what they show. */
import { pageNames, readPage, type Section } from "./helpers/documents.ts";
import { suite } from "./helpers/harness.ts";
import { follow } from "./helpers/lesson.ts";
import { hasCommands } from "./helpers/lessonSteps.ts";
import { notLinux } from "./helpers/machine.ts";

const test = suite("what the documents tell to do");

const sections = pageNames
  .flatMap((name) => readPage(name, "en").sections)
  .filter(hasCommands);

/** What went wrong in each section; undefined if nothing did. */
type Mistakes = Map<Section, unknown>;

let mistakes: Promise<Mistakes> | undefined;

/** Follows all sections, once for all tests: four at a time, since they wait a lot. */
function followAll(): Promise<Mistakes> {
  mistakes ??= followEach();
  return mistakes;
}

async function followEach(): Promise<Mistakes> {
  const found: Mistakes = new Map();
  // The four take their sections from the same iterator.
  const rest = sections.values();
  async function worker(): Promise<void> {
    for (const section of rest) found.set(section, await mistakeIn(section));
  }
  await Promise.all([worker(), worker(), worker(), worker()]);
  return found;
}

async function mistakeIn(section: Section): Promise<unknown> {
  try {
    await follow(section);
    return undefined;
  } catch (error) {
    return error;
  }
}

for (const section of sections)
  test.unless(notLinux)(section.heading, async () => {
    const mistake = (await followAll()).get(section);
    if (mistake) throw mistake;
  });

test.run();
