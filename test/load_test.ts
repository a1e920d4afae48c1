/**
 * The load that compare puts on a server, and the figures that are computed
 * from it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { allAtOnce, connectionCounts, type Task } from "../scripts/compare.ts";
import { ServerFailure } from "../scripts/compare/failure.ts";
import { loadOf, type Measurements } from "../scripts/compare/loadTest.ts";
import type { Found, Load, RunOptions } from "../scripts/compare/result.ts";
import type { Design } from "../scripts/designs.ts";
import { suite } from "./helpers/harness.ts";
import { countsOf, doStep, echo, type Handler } from "./helpers/steps.ts";

const test = suite("load");

/** The load of a server whose speed and CPU time are known. */
interface KnownLoad {
  loads: Load[];
  /** How many echoes the server has returned, warming up included. */
  echoes: number;
}

const cpuPerEchoUs = 200;

/** Puts load on a server that waits for 5 ms before each echo. */
async function loadSlowServer(): Promise<KnownLoad> {
  let echoes = 0;
  const slowEcho: Handler = (client) => {
    client.on("data", async (data) => {
      await sleep(5);
      echoes++;
      client.write(data);
    });
  };
  const footprint = async () => ({ cpuSeconds: (echoes * cpuPerEchoUs) / 1e6 });
  const found = await doStep(allAtOnce, slowEcho, { server: { footprint } });
  return { loads: found.growth!, echoes };
}

/** The one load that the next tests look at. */
const slowServer = loadSlowServer();

/** How many echoes the windows of a load have counted. */
function echoesOf({ windows }: Load): number {
  let echoes = 0;
  for (const { seconds, echoesPerSecond } of windows)
    echoes += seconds * echoesPerSecond;
  return echoes;
}

test("N and 5 N connections are measured", async () => {
  const { loads } = await slowServer;

  assert.equal(countsOf({ growth: loads }), [4, 20]);
});

test("a server that needs 5 ms is not measured as faster", async () => {
  const { loads } = await slowServer;

  // Each connection waits for its echo before it sends again. How much slower
  // the server is than that depends on the machine.
  for (const { connections, echoesPerSecond } of loads)
    assert.ok(
      echoesPerSecond <= connections / 0.0045,
      `${echoesPerSecond} echoes/s of ${connections}`,
    );
});

test("p50, p99 and the longest echo are in order, from 5 ms", async () => {
  const { loads } = await slowServer;

  for (const { p50Ms, p99Ms, oldestWaitMs } of loads) {
    const times = `${p50Ms}, ${p99Ms}, ${oldestWaitMs} ms`;
    assert.ok(4.5 <= p50Ms, times);
    assert.ok(p50Ms <= p99Ms, times);
    // A histogram rounds.
    assert.ok(p99Ms <= oldestWaitMs + 0.1, times);
    assert.ok(oldestWaitMs + 0.1 <= 5000, times);
  }
});

test("N connections: five windows; other numbers: three", async () => {
  const { loads } = await slowServer;

  const windows = loads.map((load) => load.windows.length);
  assert.equal(windows, [5, 3]);
  // --load is 0.3 seconds, which are five windows.
  const [four, twenty] = loads.map((load) => load.seconds);
  assert.ok(four! >= 0.29, `${four} s`);
  assert.ok(twenty! >= 0.17, `${twenty} s`);
});

test("the CPU time of an echo is what the server has used for it", async () => {
  const { loads } = await slowServer;

  for (const load of loads) {
    // An echo may be on its way when the server is asked for its CPU time.
    const onTheirWay = (2 * load.connections) / echoesOf(load);
    const difference = Math.abs(load.cpuPerEchoUs! - cpuPerEchoUs);
    assert.ok(
      difference <= cpuPerEchoUs * onTheirWay,
      `${load.cpuPerEchoUs} µs`,
    );
  }
});

test("the cores used are the CPU time of all echoes of a second", async () => {
  const { loads } = await slowServer;

  for (const load of loads) {
    const cpuSeconds = (echoesOf(load) * load.cpuPerEchoUs!) / 1e6;
    const ratio = load.coresUsed! / (cpuSeconds / load.seconds);
    assert.ok(Math.abs(ratio - 1) < 0.5, `${load.coresUsed} cores`);
  }
});

test("the windows count no more echoes than the server returns", async () => {
  const { loads, echoes } = await slowServer;

  let counted = 0;
  for (const load of loads) counted += echoesOf(load);
  // The echoes of warming up don't count.
  assert.ok(counted < echoes, `${counted} of ${echoes}`);
  assert.ok(counted > echoes / 8, `${counted} of ${echoes}`);
});

interface CountsCase {
  title: string;
  design: Design;
  options: Partial<RunOptions>;
  counts: number[];
}

const countsCases: CountsCase[] = [
  {
    title: "lecture1_server: none, with --grow, too",
    design: "server",
    options: { grow: true },
    counts: [],
  },
  {
    title: "N and 5 N connections",
    design: "forever",
    options: {},
    counts: [10, 50],
  },
  {
    title: "one client: the load of one connection is not measured",
    design: "forever",
    options: { clients: 1 },
    counts: [5],
  },
  {
    title: "5 N: not more than 200 connections",
    design: "forever",
    options: { clients: 90 },
    counts: [90, 200],
  },
  {
    title: "--grow: up to 200 connections of the threaded server",
    design: "forever",
    options: { grow: true },
    counts: [5, 10, 20, 50, 100, 200],
  },
  {
    title: "--grow: up to 5,000 connections of the async server",
    design: "async",
    options: { grow: true },
    counts: [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
  },
];

for (const { title, design, options, counts } of countsCases)
  test(title, async () => {
    const usual: RunOptions = { clients: 10, loadSeconds: 0.4, grow: false };

    assert.equal(connectionCounts(design, { ...usual, ...options }), counts);
  });

test("up to 200 connections are opened with --grow", async () => {
  const found = await doStep(allAtOnce, echo, {
    server: { design: "forever" },
    options: { loadSeconds: 0.1, clients: 200, grow: true },
  });

  assert.equal(countsOf(found), [5, 10, 20, 50, 100, 200]);
});

test("lecture1_server has no load", async () => {
  const found = await doStep(allAtOnce, echo, {
    server: { design: "server" },
    options: { loadSeconds: 0.1, clients: 200, grow: true },
  });

  assert.equal(found, {});
});

/** Puts load on a server that waits for 1.2 seconds before each echo. */
async function loadLateServer(): Promise<Found> {
  const lateEcho: Handler = (client) => {
    client.on("data", async (data) => {
      await sleep(1200);
      client.write(data);
    });
  };
  const server = { patienceMs: 3000 };
  return doStep(allAtOnce, lateEcho, { server });
}

/** The one load that the next tests look at. */
const lateServer = loadLateServer();

test("an echo that needs seconds: fewer windows", async () => {
  const { growth } = await lateServer;

  // The first window may begin shortly before the echoes arrive.
  const { length } = growth![0]!.windows;
  assert.ok(length <= 2, `${length} windows`);
});

test("an echo that needs seconds: no more connections than N", async () => {
  const { growth, growthEnd } = await lateServer;

  assert.equal(countsOf({ growth }), [4]);
  assert.is(growthEnd!.connections, 20);
  assert.is(growthEnd!.trouble, "slow");
  assert.match(growthEnd!.detail, /^1\.[2-9] s$/);
});

/** How long a server is warmed up, in milliseconds. */
async function warmUpMs(handler: Handler): Promise<number> {
  let firstMessageMs = 0;
  let measuredMs = 0;
  await doStep(
    allAtOnce,
    (client, number) => {
      client.once("data", () => {
        firstMessageMs ||= performance.now();
      });
      handler(client, number);
    },
    {
      server: {
        // It is asked for its CPU time when it has been warmed up.
        async footprint() {
          measuredMs ||= performance.now();
          return {};
        },
      },
      options: { loadSeconds: 0.5 },
    },
  );
  return measuredMs - firstMessageMs;
}

/** Waits less and less before an echo, for 0.6 seconds. */
function speedingUp(): Handler {
  let startMs = 0;
  return (client) => {
    client.on("data", async (data) => {
      startMs ||= performance.now();
      const elapsedMs = performance.now() - startMs;
      await sleep(Math.max(2, 60 - elapsedMs / 10));
      client.write(data);
    });
  };
}

test("a server that gets faster is warmed up for longer", async () => {
  const ms = await warmUpMs(speedingUp());

  assert.ok(ms > 450, `${ms} ms`);
  assert.ok(ms < 3000, `${ms} ms`);
});

test("a server is warmed up for 0.3 seconds at least", async () => {
  const ms = await warmUpMs(echo);

  assert.ok(ms >= 295, `${ms} ms`);
});

test("no message is sent after the measuring has failed", async () => {
  let isMeasured = false;
  let messagesAfter = 0;
  const handler: Handler = (client) => {
    client.on("data", (data) => {
      if (isMeasured) messagesAfter++;
      client.write(data);
    });
  };
  const step = async (task: Task): Promise<Found> => {
    try {
      return await allAtOnce(task);
    } catch {
      // Messages that are on their way may still arrive.
      await sleep(50);
      isMeasured = true;
      await sleep(200);
      return {};
    }
  };
  const footprint = () => Promise.reject(new ServerFailure("hangs", "1 s"));
  await doStep(step, handler, { server: { footprint } });

  assert.ok(isMeasured);
  assert.is(messagesAfter, 0);
});

/** Measurements with round numbers: the window in the middle is the slowest. */
function measured(changes: Partial<Measurements> = {}): Measurements {
  return {
    connections: 2,
    windows: [
      { seconds: 0.5, echoesPerSecond: 300 },
      { seconds: 0.5, echoesPerSecond: 100 },
      { seconds: 1, echoesPerSecond: 250 },
    ],
    latencies: { percentile: (percent) => percent * 1e6 },
    unansweredMs: 120,
    before: { cpuSeconds: 1, echoes: 100 },
    after: { cpuSeconds: 1.5, echoes: 600 },
    ...changes,
  };
}

test("the figures of known measurements", async () => {
  assert.equal(loadOf(measured()), {
    connections: 2,
    seconds: 2,
    windows: measured().windows,
    echoesPerSecond: 250,
    p50Ms: 50,
    p99Ms: 99,
    oldestWaitMs: 120,
    coresUsed: 0.25,
    cpuPerEchoUs: 1000,
  });
});

test("the longest echo may be one that has arrived", async () => {
  const load = loadOf(measured({ unansweredMs: 7 }));

  assert.is(load.oldestWaitMs, 100);
});

test("no CPU time if the system can't report it", async () => {
  const load = loadOf(measured({ before: { echoes: 1 } }));

  assert.is(load.coresUsed, undefined);
  assert.is(load.cpuPerEchoUs, undefined);
});

test("no CPU time if it was too little to be counted", async () => {
  const { after } = measured();
  const load = loadOf(measured({ before: { ...after, echoes: 1 } }));

  assert.is(load.coresUsed, undefined);
  assert.is(load.cpuPerEchoUs, undefined);
});

test.run();
