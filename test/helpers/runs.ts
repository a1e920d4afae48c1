/** A run for the tests of its views, with round numbers. */
import { report } from "../../scripts/compare/report.ts";
import type { Run, ServerResult } from "../../scripts/compare/result.ts";
import { textsIn } from "../../scripts/compare/texts.ts";
import type { Language } from "../../scripts/language.ts";

/** What is otherwise in a run, by its path: "servers.1.stay.leftMs" say. */
export type Changes = Record<string, unknown>;

const load = (connections: number, rate: number, cpuPerEchoUs: number) => ({
  ...{ connections, seconds: 0.5, echoesPerSecond: rate, cpuPerEchoUs },
  windows: [0.9, 1, 1.1].map((part) => {
    return { seconds: 0.1, echoesPerSecond: part * rate };
  }),
  ...{ p50Ms: 0.12, p99Ms: 12.3, oldestWaitMs: 30, coresUsed: 1.2 },
});

const thread = { perClientMB: 8.14, perClientThreads: 1, threadStartMs: 100 };
const none = { perClientMB: 0.02, perClientThreads: 0 };

/** A server for many; of the two that come while one stays, the second waits twice as long. */
function server(
  design: ServerResult["design"],
  [rate, us, waitMs]: [number, number, number],
  echoed = false,
): ServerResult {
  const outcome = "answered";
  const clients = [10 + waitMs, 10 + 2 * waitMs].map((reportedMs) => {
    return { connectedMs: 10, reportedMs, outcome } as const;
  });
  const [one, two] = [load(1, rate / 2, us * 2), load(2, rate, us)];
  const exit = { code: 0, signal: null };
  return {
    ...{ design, language: "TypeScript", file: `/lecture/${design}.ts` },
    inTurn: clients.map(() => ({ outcome, text: "" })),
    stay: { leftMs: 10 + 3 * waitMs, clients },
    idle: { connections: 20, ...(echoed ? thread : none) },
    ...{ load: two, growth: [one, two] },
    ctrlC: { echoed, disconnected: !echoed, exit },
  };
}

const servers = [
  server("server", [0, 0, 0]),
  server("forever", [10_000, 60, 110], true),
  server("async", [30_000, 15, 5]),
];
const reset = { connectedMs: 10, reportedMs: 1006, outcome: "reset" };
/** It serves one client: the others are refused, or reset in the end. */
const first: Changes = {
  "servers.0.file": "/lecture/lecture1_server.ts",
  "servers.0.inTurn.1.outcome": "refused",
  "servers.0.stay": { leftMs: 1003, clients: [reset, reset] },
  "servers.0.growth": [load(1, 9000, 70)],
  "servers.0.ctrlC.exit": { code: null, signal: "SIGINT" },
  ...{ "servers.0.idle": undefined, "servers.0.load": undefined },
};

export function fixed(changes: Changes = {}): Run {
  const run: Run = structuredClone({
    version: 2,
    machine: { system: "Linux", cores: 2, runtime: "Node" },
    date: "2026-11-24T00:00:00.000Z",
    options: { clients: 2, loadSeconds: 0.5, grow: false },
    ...{ tookSeconds: 9, servers, missing: [] },
  });
  const all = structuredClone({ ...first, ...changes });
  for (const [path, value] of Object.entries(all)) {
    const keys = path.split(".");
    const last = keys.pop()!;
    const part = keys.reduce((part: any, key) => part[key], run);
    if (value === undefined) delete part[last];
    else part[last] = value;
  }
  return run;
}

/** The same beside Python's, whose threads cost less. */
export function besidePython(changes: Changes = {}): Run {
  const threads = { ...thread, perClientMB: 0.04, threadStartMs: 0.09 };
  const theirs = fixed({ "servers.1.idle": threads }).servers;
  for (const it of theirs) it.file = it.file.replace(/ts$/, "py");
  const both = fixed().servers.flatMap((ours, index) => {
    return [ours, { ...theirs[index], language: "Python" }];
  });
  return fixed({ ...{ servers: both }, ...changes });
}

/** What there is to say about a run. */
export const told = (run: Run, language: Language = "en") =>
  report(run, textsIn(language));

/** Every line of every text in a report. */
export function textsOf(part: unknown): string[] {
  if (typeof part === "string") return part.split("\n");
  const { language, kind, ...parts } = Object(part);
  return Object.values(parts).flatMap(textsOf);
}
