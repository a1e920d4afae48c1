/** How numbers and results are said, in any language. */
import stringWidth from "string-width";
import type { ClientRun, Load, ServerResult } from "./result.ts";
import type { Texts } from "./texts.ts";

/** Rounds to a power of ten, or twice or five times that, which is at most `step`. */
function roundTo(value: number, step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const round = [5, 2, 1].find((digit) => digit * power <= step * 1.0001)!;
  return Math.round(value / (round * power)) * round * power;
}

/** Milliseconds with the digits that a second run would show again: two, below 10 ms one. */
export function time(ms: number): string {
  if (ms <= 0) return "0 ms";
  const digits = ms < 10 ? 1 : 2;
  const rounded = Number(ms.toPrecision(digits));
  if (rounded < 1000) return `${rounded} ms`;
  return `${(rounded / 1000).toFixed(rounded < 10_000 ? 1 : 0)} s`;
}

/** Memory in MB, in full MB from 10 on; less than a tenth is chance. */
export function megabytes(mb: number): string {
  if (mb < 0.1) return "<0.1 MB";
  return `${mb.toFixed(mb < 10 ? 1 : 0)} MB`;
}

/** Echoes per second, with as many digits as the windows agree on: two at most. */
export function rate({ echoesPerSecond, windows = [] }: Load): string {
  const rates = windows.map((window) => window.echoesPerSecond);
  const spread = rates.length ? Math.max(...rates) - Math.min(...rates) : 0;
  const step = Math.min(
    Math.max(spread, echoesPerSecond / 10),
    echoesPerSecond,
  );
  return count(step > 0 ? roundTo(echoesPerSecond, step) : 0);
}

export function count(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function answered(runs: ClientRun[] = []): ClientRun[] {
  return runs.filter(({ outcome }) => outcome === "answered");
}

/** When its answer, or what came instead, was there. */
export const endOf = ({ reportedMs, endedMs }: ClientRun) =>
  reportedMs ?? endedMs;

/** From the connection to the answer, or to what came instead; undefined where there was none. */
export function waitOf(run: ClientRun): number | undefined {
  if (run.connectedMs === undefined) return undefined;
  return endOf(run) - run.connectedMs;
}

/** The longest that a client waited in step 2, once it was connected. */
export function longestWait({ stay }: ServerResult): number | undefined {
  const waits = (stay?.clients ?? [])
    .map(waitOf)
    .filter((wait) => wait !== undefined);
  return waits.length ? Math.max(...waits) : undefined;
}

/** Those answered before the one who stayed had left. */
export function answeredMeanwhile({ stay }: ServerResult): number {
  return answered(stay?.clients).filter((run) => endOf(run) <= stay!.leftMs)
    .length;
}

/** How many more threads the server has with the connections; undefined: not known. */
export function moreThreads(load?: Load): number | undefined {
  if (load?.threadsWith === undefined || load.threadsBefore === undefined)
    return undefined;
  return load.threadsWith - load.threadsBefore;
}

/** Groups what the same can be said of. */
export function together<T>(
  all: T[],
  say: (one: T) => string | undefined,
): [said: string, group: T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const said = say(one);
    if (said !== undefined)
      groups.set(said, [...(groups.get(said) ?? []), one]);
  }
  return [...groups];
}

/** How often each outcome came: "9 answered, 1 reset". */
export function outcomesOf(runs: ClientRun[], words: Texts): string {
  const order = Object.keys(words.outcomes);
  return together(runs, ({ outcome }) => outcome)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([, group]) => words.outcome(group.length, group[0]!.outcome))
    .join(", ");
}

/** As String.padStart, with wide letters counted as two columns. */
export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - stringWidth(text))) + text;
}
