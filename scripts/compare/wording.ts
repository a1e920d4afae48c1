/** Words and numbers that the parts of a report share. */
import type { ServerResult, Visit } from "./result.ts";
import { fill, type Outcome, type Texts } from "./texts.ts";

/** A server's name in a report: "server", "async (Python)". */
export function nameOf(
  server: Pick<ServerResult, "design" | "language">,
): string {
  const { design, language } = server;
  return language === "Python" ? `${design} (Python)` : design;
}

/**
 * How long a client waited for its answer, or for what it got instead.
 *
 * @returns the time since its connection, in milliseconds; undefined if it was
 *   never connected
 */
export function waitMsOf(client: Visit): number | undefined {
  const { connectedMs, reportedMs } = client;
  if (connectedMs === undefined) return undefined;
  return reportedMs - connectedMs;
}

/** A number of clients as text: "1 client", "5,000 clients". */
export function clientCount(count: number, say: Texts): string {
  if (count === 1) return say.oneClient;
  return fill(say.clients, count.toLocaleString("en-US"));
}

/**
 * A number of threads as text: "no thread", "1 thread", "2 threads".
 *
 * @param average threads per client, as measured; the text has it rounded
 */
export function threadCount(average: number, say: Texts): string {
  const count = Math.round(average);
  switch (count) {
    case 0:
      return say.noThread;
    case 1:
      return say.oneThread;
    default:
      return fill(say.threads, count);
  }
}

/**
 * How often each outcome occurred.
 *
 * @returns a line for each outcome: "9 answered,\n1 reset"
 */
export function outcomeCounts(
  clients: { outcome: Outcome }[],
  say: Texts,
): string {
  const groups = groupBy(clients, ({ outcome }) => outcome);
  const lines = [...groups].map(([outcome, { length }]) =>
    fill(say.outcomeCount, length, say.outcome[outcome]),
  );
  return lines.join(",\n");
}

/**
 * Joins the lines of a text, as a sentence needs it.
 *
 * @param text "9 answered,\n1 reset", or without the comma
 * @returns "9 answered, 1 reset"
 */
export function inOneLine(text: string): string {
  return text.replaceAll(/,?\n/g, ", ");
}

/**
 * Groups items that have the same key.
 *
 * @returns the groups by their keys, in the order in which the keys first occur
 */
export function groupBy<Item, Key>(
  items: Iterable<Item>,
  keyOf: (item: Item) => Key,
): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** A number with two digits: further digits would differ in a second run. */
export function twoDigits(number: number): string {
  return number.toLocaleString("en-US", { maximumSignificantDigits: 2 });
}

/** A time as text, "30 ms" or "1.2 s". */
export function timeText(ms: number): string {
  if (ms < 995) return `${twoDigits(ms)} ms`;
  return `${twoDigits(ms / 1000)} s`;
}
