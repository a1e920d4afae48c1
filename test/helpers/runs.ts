/**
 * Runs of compare for the tests of its report, with round numbers: three
 * servers, each visited by two clients. Every call makes a new object, which a
 * test may change.
 */
import type { Design } from "../../scripts/designs.ts";
import { report, type Report } from "../../scripts/compare/report.ts";
import type {
  Idle,
  Load,
  Run,
  ServerResult,
} from "../../scripts/compare/result.ts";
import { textsIn } from "../../scripts/compare/texts.ts";
import type { Language } from "../../scripts/language.ts";

/**
 * A run of the three servers in TypeScript.
 *
 * @param changes what is different from it
 */
export function aRun(changes: Partial<Run> = {}): Run {
  return {
    version: 2,
    machine: { system: "Linux", cores: 2, runtime: "Node" },
    date: "2026-11-24T00:00:00.000Z",
    options: { clients: 2, loadSeconds: 0.5, grow: false },
    tookSeconds: 9,
    servers: [aServer("server"), aServer("forever"), aServer("async")],
    missing: [],
    ...changes,
  };
}

/**
 * A run of the three servers, each followed by its original in Python, whose
 * threads need less memory and start sooner.
 *
 * @param changes what is different from it
 */
export function besidePython(changes: Partial<Run> = {}): Run {
  const { servers: originals } = aRun();
  for (const original of originals) {
    original.language = "Python";
    original.file = original.file.replace(/ts$/, "py");
  }
  const threaded = serverOf({ servers: originals }, "forever");
  threaded.idle = { ...oneThread, perClientMB: 0.04, threadStartMs: 0.09 };

  const servers: ServerResult[] = [];
  for (const [index, server] of aRun().servers.entries())
    servers.push(server, originals[index]!);
  return aRun({ servers, ...changes });
}

/**
 * A run about which as much is reported as possible: six servers, and a
 * failure.
 */
export function aLongRun(): Run {
  const run = besidePython({ missing: ["x.py"] });
  serverOf(run, "server").failure = {
    step: "Ctrl+C",
    trouble: "ended",
    detail: "1",
    lastLines: ["7".repeat(150), "<b>"],
  };
  return run;
}

/** A run in which only those figures were measured that every system has. */
export function barelyMeasuredRun(): Run {
  const run = aRun();
  for (const server of run.servers) {
    delete server.idle;
    delete server.stay;
    for (const load of server.growth ?? []) {
      delete load.cpuPerEchoUs;
      delete load.coresUsed;
    }
  }
  return run;
}

/**
 * The first server of a design in a run; in besidePython() it is the one in
 * TypeScript.
 *
 * @throws Error if the run has none
 */
export function serverOf(
  { servers }: Pick<Run, "servers">,
  design: Design,
): ServerResult {
  const server = servers.find((one) => one.design === design);
  if (!server) throw new Error(`this run has no server ${design}`);
  return server;
}

/**
 * The result of a server in TypeScript.
 *
 * @param changes what is different from it
 */
export function aServer(
  design: Design,
  changes: Partial<ServerResult> = {},
): ServerResult {
  return { ...measured(design), ...changes };
}

function measured(design: Design): ServerResult {
  switch (design) {
    case "server":
      return singleClientServer();
    case "forever":
      return threadedServer();
    case "async":
      return asyncServer();
  }
}

/** It has one client: others are refused, or reset when that one leaves. */
function singleClientServer(): ServerResult {
  return {
    design: "server",
    language: "TypeScript",
    file: "/lecture/lecture1_server.ts",
    inTurn: [
      { outcome: "answered", text: "" },
      { outcome: "refused", text: "" },
    ],
    stay: {
      leftMs: 1003,
      clients: [
        { connectedMs: 10, reportedMs: 1006, outcome: "reset" },
        { connectedMs: 10, reportedMs: 1006, outcome: "reset" },
      ],
    },
    ctrlC: {
      echoed: false,
      disconnected: true,
      exit: { code: null, signal: "SIGINT" },
    },
  };
}

/**
 * Its threads start one after another: the second client waits for two of them.
 */
function threadedServer(): ServerResult {
  const twoClients = aLoad({
    connections: 2,
    echoesPerSecond: 10_000,
    cpuPerEchoUs: 60,
  });
  const tenClients = aLoad({
    connections: 10,
    echoesPerSecond: 20_000,
    cpuPerEchoUs: 50,
  });
  return {
    design: "forever",
    language: "TypeScript",
    file: "/lecture/forever.ts",
    inTurn: [
      { outcome: "answered", text: "" },
      { outcome: "answered", text: "" },
    ],
    stay: {
      leftMs: 340,
      clients: [
        { connectedMs: 10, reportedMs: 120, outcome: "answered" },
        { connectedMs: 10, reportedMs: 230, outcome: "answered" },
      ],
    },
    idle: { ...oneThread },
    load: twoClients,
    growth: [twoClients, tenClients],
    ctrlC: {
      echoed: true,
      disconnected: false,
      exit: { code: 0, signal: null },
    },
  };
}

/** The fastest one, with the least memory. */
function asyncServer(): ServerResult {
  const twoClients = aLoad({
    connections: 2,
    echoesPerSecond: 30_000,
    cpuPerEchoUs: 15,
  });
  const tenClients = aLoad({
    connections: 10,
    echoesPerSecond: 40_000,
    cpuPerEchoUs: 12,
  });
  return {
    design: "async",
    language: "TypeScript",
    file: "/lecture/async.ts",
    inTurn: [
      { outcome: "answered", text: "" },
      { outcome: "answered", text: "" },
    ],
    stay: {
      leftMs: 25,
      clients: [
        { connectedMs: 10, reportedMs: 15, outcome: "answered" },
        { connectedMs: 10, reportedMs: 20, outcome: "answered" },
      ],
    },
    idle: { connections: 20, perClientMB: 0.02, perClientThreads: 0 },
    load: twoClients,
    growth: [twoClients, tenClients],
    ctrlC: {
      echoed: false,
      disconnected: true,
      exit: { code: 0, signal: null },
    },
  };
}

/** What one more client costs a server that starts a thread for it. */
const oneThread: Idle = {
  connections: 20,
  perClientMB: 8.14,
  perClientThreads: 1,
  threadStartMs: 100,
};

/** The result of a load test, except for what the servers differ in. */
function aLoad(
  differing: Pick<Load, "connections" | "echoesPerSecond" | "cpuPerEchoUs">,
): Load {
  const { echoesPerSecond } = differing;
  return {
    ...differing,
    seconds: 0.5,
    windows: [
      { seconds: 0.1, echoesPerSecond: 0.9 * echoesPerSecond },
      { seconds: 0.1, echoesPerSecond },
      { seconds: 0.1, echoesPerSecond: 1.1 * echoesPerSecond },
    ],
    p50Ms: 0.12,
    p99Ms: 12.3,
    oldestWaitMs: 30,
    coresUsed: 1.2,
  };
}

/** The report of a run, in one language. */
export function reportOf(run: Run, language: Language = "en"): Report {
  return report(run, textsIn(language));
}

/**
 * Every line of every text in an object and what it contains, but names of
 * kinds.
 */
export function textsOf(part: unknown): string[] {
  if (typeof part === "string") return part.split("\n");
  if (typeof part !== "object" || part === null) return [];
  const texts: string[] = [];
  for (const [name, value] of Object.entries(part)) {
    const isForPrograms = name === "language" || name === "kind";
    if (!isForPrograms) texts.push(...textsOf(value));
  }
  return texts;
}
