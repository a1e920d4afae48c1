/**
 * Draws a report on a terminal: in two columns, or, on a narrow terminal, one
 * program under the other, pair by pair.
 */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import type { ProgramReport, Report } from "./report.ts";
import type { Line, Part } from "./rows.ts";
import { textOf, wrap } from "./wrap.ts";

export interface TerminalOptions {
  /** The width of the terminal. */
  columns: number;
  /** Whether the terminal can draw │; otherwise an ASCII character is used. */
  drawsLines: boolean;
  /** Without colors, the marked words have ~ under them. */
  hasColors: boolean;
}

/** From this width on, there are two columns. */
const leastForColumns = 100;

/** A narrower terminal is drawn for as if it had this width. */
const leastColumns = 40;

/** A report as text for a terminal. */
export function terminalText(report: Report, options: TerminalOptions): string {
  const columns = Math.max(options.columns, leastColumns);
  const wrapped = (text: string) => wrapAnsi(text, columns, { hard: true });
  const lines = [
    wrapped(chalk.bold.underline(report.title)),
    wrapped(report.legend),
  ];
  // Without hard wrapping, because an address must not be broken.
  for (const note of report.notes)
    lines.push(chalk.yellow(wrapAnsi(note, columns)));

  const draw = columns < leastForColumns ? drawInTurn : drawInColumns;
  for (const program of report.programs) {
    const drawn = draw(program, { ...options, columns });
    lines.push("", ...drawn, "", wrapped(program.sentence));
  }
  return `${lines.join("\n")}\n`;
}

/** The two programs side by side. */
function drawInColumns(
  { original, port, rows }: ProgramReport,
  { columns, drawsLines, hasColors }: TerminalOptions,
): string[] {
  const separator = drawsLines ? " │ " : " | ";
  const originalLines = rows.flatMap((row) => row.original);
  const portLines = rows.flatMap((row) => row.port);
  const [left, right] = widthsOfColumns(
    columns - separator.length,
    widthOf(originalLines),
    widthOf(portLines),
  );
  const originalDrawing = new SideDrawing(originalLines, {
    width: left,
    hasColors,
  });
  const portDrawing = new SideDrawing(portLines, { width: right, hasColors });

  const lines: string[] = [];
  function add(originals: string[], ports: string[]): void {
    const height = Math.max(originals.length, ports.length);
    for (let index = 0; index < height; index++) {
      const text = originals[index] ?? "";
      const padding = " ".repeat(Math.max(0, left - stringWidth(text)));
      const line = text + padding + separator + (ports[index] ?? "");
      lines.push(line.trimEnd());
    }
  }
  add(originalDrawing.heading(original), portDrawing.heading(port));
  for (const row of rows)
    add(originalDrawing.lines(row.original), portDrawing.lines(row.port));
  return lines;
}

/**
 * The widths of the two columns: half of the room each, or more if the other
 * column needs less.
 */
function widthsOfColumns(
  room: number,
  leftNeeds: number,
  rightNeeds: number,
): [number, number] {
  const half = Math.floor(room / 2);
  const left = Math.min(leftNeeds, Math.max(half, room - rightNeeds));
  return [left, room - left];
}

/** The width of the widest of some lines, with its number. */
function widthOf(lines: Line[]): number {
  const widths = lines.map(({ parts }) => stringWidth(textOf(parts)));
  return Math.max(0, ...widths) + widthOfNumbers(lines) + 1;
}

function widthOfNumbers(lines: Line[]): number {
  const numbers = lines.map(({ number = 0 }) => number);
  return String(Math.max(0, ...numbers)).length;
}

/** For each row, first the lines of the original, then those of the port. */
function drawInTurn(
  { original, port, rows }: ProgramReport,
  { columns: width, hasColors }: TerminalOptions,
): string[] {
  const originalDrawing = new SideDrawing(
    rows.flatMap((row) => row.original),
    { width, hasColors, label: "py " },
  );
  const portDrawing = new SideDrawing(
    rows.flatMap((row) => row.port),
    { width, hasColors, label: "ts " },
  );
  const lines = [
    ...originalDrawing.heading(original),
    ...portDrawing.heading(port),
    "",
  ];
  for (const row of rows) {
    const isPair = row.kind === "pair";
    // An empty line above and below each pair; those of the programs are left
    // out.
    if (isPair && lines.at(-1) !== "") lines.push("");
    lines.push(
      ...originalDrawing.lines(row.original.filter(hasText)),
      ...portDrawing.lines(row.port.filter(hasText)),
    );
    if (isPair) lines.push("");
  }
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function hasText({ parts }: Line): boolean {
  return textOf(parts).trim() !== "";
}

interface SideOptions {
  /** The width of this side. */
  width: number;
  hasColors: boolean;
  /** The text before each number. */
  label?: string;
}

/** Draws the lines of one side, each with its number. */
class SideDrawing {
  readonly #options: Required<SideOptions>;
  readonly #numberWidth: number;

  /** @param all all lines that will be drawn */
  constructor(all: Line[], { label = "", ...options }: SideOptions) {
    this.#options = { ...options, label };
    this.#numberWidth = widthOfNumbers(all);
  }

  heading(name: string): string[] {
    return this.lines([{ parts: [{ text: name, kind: "heading" }] }]);
  }

  lines(lines: Line[]): string[] {
    return lines.flatMap((line) => this.#line(line));
  }

  /** A line, wrapped if it is too long, with marks under it if needed. */
  #line({ number, parts }: Line): string[] {
    const { width, hasColors, label } = this.#options;
    const startWidth = label.length + this.#numberWidth + 1;
    const drawn: string[] = [];
    let shown = String(number ?? "");
    for (const wrapped of wrap(parts, width - startWidth)) {
      const start = `${label}${shown.padStart(this.#numberWidth)} `;
      drawn.push(chalk.dim(start) + wrapped.map(drawPart).join(""));
      // Only the first line has the number.
      shown = "";

      const marks = hasColors ? "" : marksUnder(wrapped);
      if (marks) drawn.push(" ".repeat(startWidth) + marks);
    }
    return drawn;
  }
}

function drawPart({ text, kind }: Part): string {
  switch (kind) {
    case "plain":
      return text;
    case "heading":
      return chalk.bold(text);
    case "unlike":
      return chalk.bold.magenta(text);
    case "comment":
    case "note":
      return chalk.dim(text);
  }
}

/** A ~ under each column of a marked word; "" if there are no marks. */
function marksUnder(parts: Part[]): string {
  const marks = parts.map(({ text, kind }) => {
    const mark = kind === "unlike" ? "~" : " ";
    return mark.repeat(stringWidth(text));
  });
  return marks.join("").trimEnd();
}
