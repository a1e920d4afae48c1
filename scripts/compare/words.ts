/** How numbers and results are said. */
import type { ClientRun, Outcome, ServerResult } from "./result.ts";

type Named = Pick<ServerResult, "design" | "language">;

/** A server's short name, as in --only. */
export function titleOf({ design, language }: Named): string {
  return language === "Python" ? `${design} (Python)` : design;
}

/** Milliseconds as people read them. */
export function time(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

export function megabytes(mb: number): string {
  return `${mb.toFixed(mb < 10 ? 1 : 0)} MB`;
}

export function count(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}

/** How often each outcome came: "9 answered, 1 reset". */
export function outcomesOf(runs: ClientRun[], separator = ", "): string {
  const order: Outcome[] = [
    "answered",
    "reset",
    "refused",
    "closed",
    "wrong",
    "no answer",
  ];
  return order
    .map((outcome) => [
      runs.filter((run) => run.outcome === outcome).length,
      outcome,
    ])
    .filter(([number]) => number)
    .map(([number, outcome]) => `${number} ${outcome}`)
    .join(separator);
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

/** "a", "a and b", "a, b and c". */
export function list(words: string[]): string {
  return words.length < 2
    ? words.join()
    : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
