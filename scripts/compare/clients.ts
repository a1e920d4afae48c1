/** The clients: the lecture's client program as a process. */
import { freemem, totalmem } from "node:os";
import type { Mark } from "./marks.ts";
import type { ClientRun, Outcome } from "./result.ts";
import type { Program } from "./servers.ts";

/**
 * Bytes of memory that are free. A quarter counts as free in any case, since macOS calls
 * free what nobody ever used.
 */
export const freeMemory = () => Math.max(freemem(), totalmem() / 4);

/** Client processes at the same moment: 80 MB of memory for each. */
export const processesAtOnce = Math.max(
  2,
  Math.min(100, Math.floor(freeMemory() / 80e6)),
);

/** Milliseconds that a process may take to start and connect, however busy the machine is. */
export const startPatience = 60_000;

/** What the client prints or says on stderr, in TypeScript and in Python. */
const outcomes: [RegExp, Outcome][] = [
  [/^Received from server: Hello, Server!\r?$/m, "answered"],
  [/^Received from server: \r?$/m, "closed"],
  [/^Received from server: /m, "wrong"],
  [/ECONNREFUSED|ConnectionRefusedError/, "refused"],
  [/ECONNRESET|EPIPE|ConnectionResetError|BrokenPipeError/, "reset"],
  [/: EOF;/, "closed"],
];

/** Now, in ms since 1970, to the microsecond: the same clock in every process. */
export const now = () => performance.timeOrigin + performance.now();

/**
 * Runs a client program to its end and reads from its output what became of it.
 *
 * @param since now() when the step began
 * @param ms how long it may wait for an answer once it is connected
 * @param onConnected told when it is connected
 */
export async function clientRun(
  program: Program,
  port: number,
  since: number,
  ms: number,
  onConnected = () => {},
): Promise<ClientRun> {
  const times: Partial<Record<Mark["event"], number>> = {};
  let connected = () => {};
  const connecting = new Promise<void>((resolve) => (connected = resolve));
  const startedMs = now() - since;
  const client = await program.client(port, ({ event, atMs }) => {
    times[event] ??= atMs - since;
    if (event === "connected") connected();
  });
  connecting.then(onConnected);

  const exit = client.exit(startPatience + ms);
  const ended = await Promise.race([connecting, exit])
    .then(() => client.exit(ms))
    .catch(() => undefined);
  exit.catch(() => {});
  const endedMs = now() - since;
  if (!ended) await client.stop();

  const lines = client.all().trimEnd().split(/\r?\n/);
  const known = outcomes.find(([pattern]) => pattern.test(client.all()));
  const outcome = ended ? (known?.[1] ?? "failed") : "no answer";
  const error = lines.find((line) => /^\w*Error\b/.test(line));
  return {
    startedMs,
    ...(times.connected === undefined ? {} : { connectedMs: times.connected }),
    ...(times.reported === undefined ? {} : { reportedMs: times.reported }),
    endedMs,
    outcome,
    text: ended ? (error ?? lines.at(-1) ?? "") : `no answer in ${ms / 1000} s`,
  };
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
