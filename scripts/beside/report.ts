/** The contents of `beside`, which the terminal and the page draw. */
import { pythonSource } from "./python.ts";
import { compareSources, type Comparison, type Row } from "./rows.ts";
import type { Texts } from "./texts.ts";
import { typescriptSource } from "./typescript.ts";

/** An original and its port, as texts of files. */
export interface Programs {
  /** The name of the original's file. */
  original: string;
  originalText: string;
  /** The name of the port's file. */
  port: string;
  portText: string;
}

/** An original and its port in rows. */
export interface ProgramReport {
  /** The name of the original's file. */
  original: string;
  /** The name of the port's file. */
  port: string;
  rows: Row[];
  /** How many statements have a counterpart, and which ones don't. */
  sentence: string;
}

export interface Report {
  title: string;
  /** The meaning of the rows and of the marks. */
  legend: string;
  /** Which originals are missing. */
  notes: string[];
  programs: ProgramReport[];
}

/** Compares all programs. */
export function report(
  programs: Programs[],
  notes: string[],
  say: Texts,
): Report {
  return {
    title: say.title,
    legend: say.legend,
    notes,
    programs: programs.map((pair) => programReport(pair, say)),
  };
}

function programReport(programs: Programs, say: Texts): ProgramReport {
  const { original, port } = programs;
  const comparison = comparisonOf(programs, say);
  const sentence = sentenceOf(comparison, programs, say);
  return { original, port, rows: comparison.rows, sentence };
}

/** Compares an original and its port. */
export function comparisonOf(
  { originalText, portText }: Programs,
  say: Texts,
): Comparison {
  const original = pythonSource(originalText);
  const port = typescriptSource(portText);
  return compareSources(original, port, say.endOfWith);
}

function sentenceOf(
  { statements, unmatched }: Comparison,
  { original, port }: Programs,
  say: Texts,
): string {
  if (unmatched.length === 0) return say.all(original, port, statements);
  const matched = statements - unmatched.length;
  const start = say.some(original, port, statements, matched);
  const lines = unmatched.map(({ line, text }) => say.line(line, text));
  return `${start} ${lines.join(", ")}.`;
}
