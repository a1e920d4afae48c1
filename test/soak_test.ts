/** npm run soak: what takes long and loads the machine, so that no other test runs beside it. */
import * as assert from "uvu/assert";
import type { Run } from "../scripts/compare/result.ts";
import { launch } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";
import { notLinux } from "./helpers/machine.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { noTerminal, startByNpx } from "./helpers/pseudoTerminal.ts";

const test = suite("soak");
const name = "lecture1_server_forever";

for (const how of ["", ", while others keep both cores busy"])
  test.unless(noTerminal)(`ten times Ctrl+C through npx${how}`, async () => {
    const ten = Array.from({ length: 10 }, () => startByNpx(name));
    const ctrlC = await Promise.all(ten);
    const forEver = [process.execPath, "-e", "console.log(1); for (;;);"];
    const others = how ? [launch(forEver), launch(forEver)] : [];
    await Promise.all(others.map((other) => other.prints(/1/)));
    await Promise.all(ctrlC.map((press) => press()));
  });

test.unless(notLinux)("compare, four times at once on one core", async () => {
  const one = ["taskset", "-c", "0", ...nodeCommand("scripts/compare.ts")];
  const all = Array.from({ length: 4 }, () => launch([...one, "--json", "-"]));
  for (const compare of all) {
    assert.is((await compare.exit(110_000)).code, 0, compare.describe());
    const { servers }: Run = JSON.parse(compare.output.stdout);
    const answered = servers.map(({ stay }) => {
      const { clients, leftMs } = stay!;
      return clients.filter(({ reportedMs }) => reportedMs <= leftMs).length;
    });
    assert.equal(answered, [0, 10, 10], "while one stayed");
    const [, forever, async] = servers.map(({ idle }) => idle?.perClientMB);
    assert.ok(forever! > 6 && forever! < 10 && async! < 0.5, "one more's MB");
  }
});

test.run();
