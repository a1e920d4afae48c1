/** The clients: the lecture's client program as a process. */
import { freemem, availableParallelism } from "node:os";
import { type Launched } from "../launch.ts";
import type { ClientRun, Outcome } from "./result.ts";

/** Milliseconds that a client may take before it counts as one without an answer. */
const patience = 10_000;

/** Client processes at the same moment: 8 for each core, and 150 MB of free memory for each. */
export const processesAtOnce = Math.max(
  2,
  Math.min(8 * availableParallelism(), Math.floor(freemem() / 150e6)),
);

/** What the client prints or says on stderr, in TypeScript and in Python. */
const outcomes: [RegExp, Outcome][] = [
  [/^Received from server: Hello, Server!$/m, "answered"],
  [/^Received from server: $/m, "closed"],
  [/^Received from server: /m, "wrong"],
  [/ECONNREFUSED|ConnectionRefusedError/, "refused"],
  [/ECONNRESET|EPIPE|ConnectionResetError|BrokenPipeError/, "reset"],
  [/\(EOF\)/, "closed"],
];

/**
 * Waits for a client program and reads from its output what became of it.
 *
 * @param client the started program
 * @param since performance.now() when the step began
 */
export async function clientRun(
  client: Launched,
  since: number,
  ms = patience,
): Promise<ClientRun> {
  const startedMs = performance.now() - since;
  const ended = await client.exit(ms).catch(() => undefined);
  const endedMs = performance.now() - since;
  if (!ended) await client.stop();
  const lines = client.all().trimEnd().split("\n");
  const outcome = ended
    ? outcomes.find(([pattern]) => pattern.test(client.all()))?.[1]
    : undefined;
  const text = ended ? (lines.at(-1) ?? "") : `no answer in ${ms / 1000} s`;
  return { startedMs, endedMs, outcome: outcome ?? "no answer", text };
}

/** Does a task for 0, 1, 2, … up to `count`, so many at the same moment. */
export async function atOnce<T>(
  count: number,
  atTheSameMoment: number,
  task: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await task(i);
  };
  await Promise.all(Array.from({ length: atTheSameMoment }, worker));
  return results;
}
