/** A comparison for the tests of its views. */
import type {
  Comparison,
  Load,
  ServerResult,
} from "../scripts/compare/result.ts";

/** A run as it might have been, with round numbers. */
export function fixed(): Comparison {
  const load = (
    connections: number,
    echoesPerSecond: number,
    threadsWith: number,
    unanswered = 0,
  ): Load => ({
    connections,
    unanswered,
    withoutEcho: unanswered,
    wrong: 0,
    seconds: 0.5,
    windows: [0.9, 1, 1.1].map((factor) => ({
      seconds: 0.1,
      echoesPerSecond: echoesPerSecond * factor,
      p50Ms: 0.1,
      p90Ms: 1,
      p99Ms: 12.3,
    })),
    firstEchoMs: 20,
    echoesPerSecond,
    p50Ms: 0.1,
    p90Ms: 1,
    p99Ms: 12.3,
    oldestWaitMs: 30,
    coresUsed: 1.2,
    coresOfOthers: 0,
    threadsBefore: 11,
    threadsWith,
    memoryBeforeMB: 40,
    memoryWithMB: 60,
    listenOverflows: 0,
  });
  const server = (
    design: ServerResult["design"],
    outcome: "answered" | "reset",
    reportedMs: number,
    echoesPerSecond: number,
    threads: number,
    echoed: boolean,
  ): ServerResult => {
    const client = (startedMs: number) => {
      const times = { startedMs, connectedMs: 100, reportedMs };
      return { ...times, endedMs: reportedMs + 20, outcome, text: "" };
    };
    const alone = design === "server";
    const ofN = load(2, echoesPerSecond, 11 + 2 * threads, alone ? 1 : 0);
    return {
      design,
      language: "TypeScript",
      file: `/lecture/lecture1_${design}.ts`,
      inTurn: [client(0), client(50)],
      stay: { leftMs: 1000, clients: [client(0), client(10)] },
      ...(alone
        ? {}
        : {
            idle: {
              connections: 2,
              memoryOneMB: 40,
              memoryAllMB: threads ? 56 : 40.04,
              perClientMB: threads ? 8 : 0.02,
              perClientThreads: threads,
            },
          }),
      load: ofN,
      growth: alone
        ? [ofN]
        : [
            load(1, echoesPerSecond / 2, 11 + threads),
            ofN,
            load(10, echoesPerSecond, 11 + 10 * threads),
          ],
      ctrlC: {
        echoed,
        disconnected: !echoed,
        exit: { code: 0, signal: null },
        ...(echoed
          ? { lastEchoMs: 2.5, leftMs: 9.25 }
          : { disconnectedMs: 4.75 }),
        tookMs: 15,
        exitMs: 15,
      },
      transcript: [],
    };
  };
  return {
    machine: { system: "Linux", cores: 2, runtime: "Node", start: "node" },
    date: "2026-11-24T00:00:00.000Z",
    options: { clients: 2, stayMs: 1000, loadSeconds: 0.5, grow: false },
    processesAtOnce: 2,
    tookSeconds: 9,
    servers: [
      server("server", "reset", 1100, 500, 0, false),
      server("forever", "answered", 300, 10_000, 1, true),
      server("async", "answered", 110, 30_000, 0, false),
    ],
    crosswise: [],
    missing: [],
  };
}
