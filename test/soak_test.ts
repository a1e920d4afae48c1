/** npm run soak: tests that load the machine so much that they run alone. */
import * as assert from "uvu/assert";
import type { Run } from "../scripts/compare/result.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";
import { noTerminal, notLinux } from "./helpers/machine.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { expectOneCtrlC, startByNpx } from "./helpers/pseudoTerminal.ts";

const test = suite("soak");

test.unless(noTerminal)("ten times Ctrl+C through npx", async () => {
  const servers = await startTenByNpx();

  await Promise.all(servers.map(expectOneCtrlC));
});

test.unless(noTerminal)(
  "ten times Ctrl+C through npx while both cores are busy",
  async () => {
    const servers = await startTenByNpx();
    await Promise.all([keepCoreBusy(), keepCoreBusy()]);

    await Promise.all(servers.map(expectOneCtrlC));
  },
);

function startTenByNpx() {
  const starting = Array.from({ length: 10 }, () =>
    startByNpx("lecture1_server_forever"),
  );
  return Promise.all(starting);
}

/** Starts a program that computes until the test ends. */
async function keepCoreBusy(): Promise<void> {
  const code = "console.log(1); for (;;);";
  const program = launch([process.execPath, "-e", code]);
  await program.prints(/1/);
}

/** Runs compare four times at the same time, on one core. */
async function compareFourTimes(): Promise<Run[]> {
  const oneCore = ["taskset", "-c", "0"];
  const command = [...oneCore, ...nodeCommand("scripts/compare.ts")];
  const programs = [];
  for (let i = 0; i < 4; i++)
    programs.push(launch([...command, "--json", "-"]));
  return Promise.all(programs.map(resultOf));
}

async function resultOf(compare: Launched): Promise<Run> {
  const { code } = await compare.exit(110_000);
  assert.is(code, 0, compare.describe());
  return JSON.parse(compare.output.stdout);
}

test.unless(notLinux)("compare, four times on one core", async () => {
  for (const { servers } of await compareFourTimes()) {
    const answered = servers.map(({ stay }) => {
      const { clients, leftMs } = stay!;
      return clients.filter(({ reportedMs }) => reportedMs <= leftMs).length;
    });
    assert.equal(answered, [0, 10, 10], "while one client stayed");

    const [, forever, async] = servers.map(({ idle }) => idle?.perClientMB);
    assert.ok(forever! > 6 && forever! < 10, `a thread takes ${forever} MB`);
    assert.ok(async! < 0.5, `a client of the async server takes ${async} MB`);
  }
});

test.run();
