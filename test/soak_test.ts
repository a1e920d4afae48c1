/** npm run soak: what takes long and loads the machine, so that no other test runs beside it. */
import { launch } from "../scripts/processes.ts";
import { suite } from "./harness.ts";
import { noTerminal, startByNpx } from "./terminal.ts";

const test = suite("soak");
const name = "lecture1_server_forever";

for (const how of ["", ", while others keep both cores busy"])
  test.unless(noTerminal)(`ten times Ctrl+C through npx${how}`, async () => {
    const ten = Array.from({ length: 10 }, () => startByNpx(name));
    const ctrlC = await Promise.all(ten);
    const forEver = [process.execPath, "-e", "console.log(1); for (;;);"];
    const others = how ? [launch(forEver), launch(forEver)] : [];
    await Promise.all(others.map((other) => other.saw(/1/)));
    await Promise.all(ctrlC.map((press) => press()));
  });

test.run();
