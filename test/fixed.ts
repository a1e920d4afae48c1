/** A run for the tests of its views, with round numbers. */
import type { Load, Run, ServerResult } from "../scripts/compare/result.ts";

export function fixed(): Run {
  const load = (connections: number, rate: number, cpuPerEchoUs: number) =>
    ({
      connections,
      seconds: 0.5,
      windows: [0.9, 1, 1.1].map((factor) => ({
        seconds: 0.1,
        echoesPerSecond: rate * factor,
      })),
      echoesPerSecond: rate,
      ...{ p50Ms: 0.12, p99Ms: 12.3, oldestWaitMs: 30 },
      ...{ coresUsed: 1.2, cpuPerEchoUs },
    }) satisfies Load;
  const alone: ServerResult = {
    design: "server",
    language: "TypeScript",
    file: "/lecture/lecture1_server.ts",
    inTurn: [
      { outcome: "answered", text: "" },
      { outcome: "refused", text: "" },
    ],
    stay: {
      leftMs: 1003,
      clients: [1004, 1006].map((reportedMs) => ({
        ...{ connectedMs: 4, reportedMs, outcome: "reset" },
      })),
    },
    growth: [load(1, 9000, 70)],
    ctrlC: {
      ...{ echoed: false, disconnected: true },
      exit: { code: null, signal: "SIGINT" },
    },
  };
  const many = (
    design: "forever" | "async",
    [rate, cpuUs, waitMs, perClientMB, perClientThreads]: number[],
    echoed: boolean,
  ): ServerResult => ({
    ...{ design, language: "TypeScript", file: `/lecture/${design}.ts` },
    inTurn: Array(2).fill({ outcome: "answered", text: "" }),
    stay: {
      leftMs: 10 + 3 * waitMs!,
      clients: [1, 2].map((n) => ({
        connectedMs: 10,
        reportedMs: 10 + n * waitMs!,
        outcome: "answered",
      })),
    },
    idle: {
      ...{
        connections: 20,
        perClientMB: perClientMB!,
        perClientThreads: perClientThreads!,
      },
      ...(perClientThreads ? { threadStartMs: 100 } : {}),
    },
    load: load(2, rate!, cpuUs!),
    growth: [
      load(1, rate! / 2, cpuUs! * 2),
      load(2, rate!, cpuUs!),
      load(10, rate!, cpuUs!),
    ],
    ctrlC: {
      ...{ echoed, disconnected: !echoed },
      exit: { code: 0, signal: null },
    },
  });
  return {
    version: 2,
    machine: { system: "Linux", cores: 2, runtime: "Node" },
    date: "2026-11-24T00:00:00.000Z",
    options: { clients: 2, loadSeconds: 0.5, grow: false },
    tookSeconds: 9,
    servers: [
      alone,
      many("forever", [10_000, 60, 110, 8.14, 1], true),
      many("async", [30_000, 15, 5, 0.02, 0], false),
    ],
    missing: [],
  };
}

/** The same beside Python's, whose threads cost less. */
export function besidePython(): Run {
  const run = fixed();
  const python = structuredClone(run.servers).map((server): ServerResult => {
    const file = server.file.replace(/ts$/, "py");
    return { ...server, file, language: "Python" };
  });
  Object.assign(python[1]!.idle!, { perClientMB: 0.04, threadStartMs: 0.09 });
  run.servers = run.servers.flatMap((ours, index) => [ours, python[index]!]);
  return run;
}
