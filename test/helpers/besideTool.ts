/** What the tests of beside share. */
import { comparisonOf } from "../../scripts/beside/report.ts";
import type { Comparison, Line, Part } from "../../scripts/beside/rows.ts";
import { textsIn } from "../../scripts/beside/texts.ts";

/** Compares two programs, given as text. */
export function compareTexts(python: string, typescript: string): Comparison {
  const programs = {
    original: "original.py",
    originalText: python,
    port: "port.ts",
    portText: typescript,
  };
  return comparisonOf(programs, textsIn("en"));
}

/**
 * The lines of each row that has code, as their numbers: "1-2 | 3" for a
 * statement of two lines and its counterpart, "| 4" for one without.
 */
export function pairsOf(python: string, typescript: string): string[] {
  const { rows } = compareTexts(python, typescript);
  return rows
    .filter(({ kind }) => kind !== "aside")
    .map(({ original, port }) =>
      `${numbersOf(original)} | ${numbersOf(port)}`.trim(),
    );
}

/** The numbers of the first and the last line; a note is "end". */
function numbersOf(lines: Line[]): string {
  if (lines.length === 0) return "";
  const first = lines[0]!.number ?? "end";
  const last = lines.at(-1)!.number ?? "end";
  return first === last ? `${first}` : `${first}-${last}`;
}

/** The texts of one kind in the lines of both sides. */
export function partsOf(
  { rows }: Comparison,
  side: "original" | "port",
  kind: Part["kind"],
): string[] {
  const lines = rows.flatMap((row) => row[side]);
  const parts = lines.flatMap((line) => line.parts);
  return parts.filter((part) => part.kind === kind).map(({ text }) => text);
}
