/**
 * npm run soak: tests that load the machine so much that they run alone, and
 * those that take a minute.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import type { Run } from "../scripts/compare/result.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";
import { noTerminal, notLinux } from "./helpers/machine.ts";
import {
  listening,
  nodeCommand,
  type ListeningServer,
} from "./helpers/programs.ts";
import { expectOneCtrlC, startByNpx } from "./helpers/pseudoTerminal.ts";
import { once } from "./helpers/servers.ts";
import {
  makeTwoComputers,
  noTwoComputers,
  serverAddress,
  type TwoComputers,
} from "./helpers/twoComputers.ts";

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
    assert.ok(forever! > 6 && forever! < 10, `a thread needs ${forever} MB`);
    assert.ok(async! < 0.5, `a client of the async server needs ${async} MB`);
  }
});

// --- A robot that vanishes ----------------------------------------------------

const serverNames = [
  "lecture1_server",
  "lecture1_server_forever",
  "lecture1_server_forever_async",
];

/** A server, and the robot that is connected to it. */
interface Pair {
  server: ListeningServer;
  robot: Launched;
}

/** A robot: sends what it reads from its stdin, and prints what comes back. */
const robotCode = `
  const [host, port] = process.argv.slice(1);
  const socket = require("node:net").connect(Number(port), host);
  process.stdin.pipe(socket).pipe(process.stdout);
`;

async function startPair(computers: TwoComputers, name: string): Promise<Pair> {
  const command = [...nodeCommand(`${name}.ts`), "--host", serverAddress];
  const started = launch(computers.onServer([...command, "--port", "0"]));
  const server = await listening(started);
  const port = String(server.port);
  const node = [process.execPath, "--eval", robotCode, serverAddress, port];
  const robot = launch(computers.onRobot(node), { messages: true });
  return { server, robot };
}

/** Sends a word and waits for its echo. */
async function echoes({ robot }: Pair, word: string): Promise<void> {
  robot.child.stdin!.write(word);
  await robot.prints(new RegExp(word), 30_000);
}

/**
 * Each server has a robot whose cable is out for 5 s, and later forever.
 *
 * @returns what each server has printed, and after how many seconds without the
 *   cable it noticed
 */
const vanishedRobots = once(async () => {
  const computers = await makeTwoComputers();
  const starting = serverNames.map((name) => startPair(computers, name));
  const pairs = await Promise.all(starting);
  for (const pair of pairs) await echoes(pair, "before");

  await computers.pullCable();
  await sleep(5000);
  await computers.plugCableIn();
  for (const pair of pairs) await echoes(pair, "again");
  await sleep(1000); // The last acknowledgments arrive.

  await computers.pullCable();
  const pulledAt = performance.now();
  const noticing = pairs.map(async ({ server }) => {
    await server.prints(/(no longer answers|can't be reached).*\n/, 90_000);
    return (performance.now() - pulledAt) / 1000;
  });
  const seconds = await Promise.all(noticing);
  await sleep(500); // The handlers end.
  computers.remove();
  return pairs.map(({ server }, i) => ({
    server,
    exitStatus: server.exitStatus,
    seconds: seconds[i]!,
  }));
});

const notPossible = await noTwoComputers();

for (const [index, name] of serverNames.entries()) {
  test.unless(notPossible)(`${name}: 5 s without a cable`, async () => {
    const robots = await vanishedRobots();
    const { server } = robots[index]!;

    assert.match(server.output.stdout, /Received.*: again\n/);
  });

  test.unless(notPossible)(`${name} notices a dead robot`, async () => {
    const robots = await vanishedRobots();
    const { seconds, server } = robots[index]!;

    console.log(`${name}: after ${seconds.toFixed(1)} s`);
    console.log(server.output.stderr.trimEnd());
    assert.ok(seconds < 60, `after ${seconds} s`);
  });

  test.unless(notPossible)(`${name} ends a dead robot's handler`, async () => {
    const robots = await vanishedRobots();
    const { server, exitStatus } = robots[index]!;

    if (name === "lecture1_server")
      assert.equal(exitStatus, { code: 1, signal: null });
    else assert.match(server.output.stdout, /Connection with .* closed\n$/);
  });
}

test.run();
