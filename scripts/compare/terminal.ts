/** Draws a report on a terminal. */
import Table from "cli-table3";
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import { drawsLines } from "../language.ts";
import type { FigureTable } from "./figures.ts";
import type { Lane, Panel, Picture, Report } from "./report.ts";
import { inOneLine } from "./wording.ts";

export interface TerminalOptions {
  /** The terminal's width in characters; if it is missing, that of stdout. */
  columns?: number;
  /**
   * Draws with ASCII characters only. If it is missing, the terminal's
   * environment decides.
   */
  ascii?: boolean;
}

/** A report as text for a terminal, with colors. */
export function terminalText(
  report: Report,
  options: TerminalOptions = {},
): string {
  const columns = options.columns ?? (process.stdout.columns || 80);
  const ascii = options.ascii ?? !drawsLines();
  const width = Math.max(20, Math.min(columns, 100));
  const blocks: string[] = [];

  // Which clients waited while one stayed.
  const { picture } = report;
  if (picture.panels.length > 0)
    blocks.push(heading(picture.title), ...drawPicture(picture, width));

  // The differences, after the failures.
  blocks.push(heading(report.answerTitle));
  for (const failure of report.failures)
    blocks.push(chalk.red(listItem(failure, width)));
  for (const sentence of report.sentences)
    blocks.push(listItem(sentence, width));
  for (const note of report.notes)
    blocks.push(chalk.yellow(listItem(note, width)));

  // All figures.
  for (const table of report.tables) {
    const drawn = drawTable(table);
    const fits = widest(drawn.split("\n")) <= width;
    blocks.push(heading(table.title), fits ? drawn : drawList(table, width));
  }
  blocks.push(chalk.dim(wrapped(report.conditions, width)));

  const text = `${blocks.join("\n")}\n`;
  return ascii ? inAscii(text) : text;
}

function heading(text: string): string {
  return chalk.bold.underline(text);
}

/** A text after a dash; its other lines are indented. */
function listItem(text: string, width: number): string {
  return wrapped(text, width, 2).replace("  ", "- ");
}

/**
 * Wraps and indents a text, but never between a number and its unit.
 *
 * @param width how wide the lines can be, with their indentation
 */
function wrapped(text: string, width: number, indentation = 0): string {
  const noBreak = "\xa0";
  const kept = text.replace(/(?<=\d) (?=\S)/g, noBreak);
  const lines = wrapAnsi(kept, width - indentation, { hard: true });
  return lines
    .replaceAll(noBreak, " ")
    .replaceAll(/^/gm, " ".repeat(indentation));
}

/** The width of the widest of some lines. */
function widest(lines: string[]): number {
  return Math.max(...lines.map((line) => stringWidth(line)));
}

/**
 * The columns of a picture: names, the axis of time, and the clients' results.
 */
interface Layout {
  /** The width of the longest name. */
  nameWidth: number;
  axisWidth: number;
  /** The time of the last column of the axis; the first column is 0 ms. */
  endMs: number;
}

function layoutOf({ panels, endMs }: Picture, width: number): Layout {
  const lanes = panels.flatMap((panel) => panel.lanes);
  const nameWidth = widest(lanes.map(({ name }) => name));
  const resultWidth = widest(lanes.map(({ result }) => result));
  // A space on each side of the axis; the terminal's last column stays empty.
  const spaces = 3;
  const axisWidth = width - nameWidth - resultWidth - spaces;
  return { nameWidth, axisWidth: Math.max(4, axisWidth), endMs };
}

/**
 * Which clients waited while one stayed, on an axis as wide as there is room.
 */
function drawPicture(picture: Picture, width: number): string[] {
  const { experiment, panels, end, legend } = picture;
  const layout = layoutOf(picture, width);
  const axisIndentation = " ".repeat(layout.nameWidth + 1);
  const axis = `0${end.padStart(layout.axisWidth - 1)}`;
  const marks = [
    `─ ${legend.waits}`,
    `${answeredMark()} ${legend.answered}`,
    `${notAnsweredMark()} ${legend.notAnswered}`,
  ];
  return [
    wrapped(experiment, width),
    ...panels.flatMap((panel) => drawPanel(panel, layout, width)),
    axisIndentation + axis,
    wrapped(marks.join("  "), width),
  ];
}

function drawPanel(panel: Panel, layout: Layout, width: number): string[] {
  const { title, about, lanes, more } = panel;
  const name = chalk.bold(title);
  const titleLine = about ? `${name} (${about})` : name;
  const lines = [wrapped(titleLine, width)];
  for (const lane of lanes) lines.push(drawLane(lane, layout));
  if (more) lines.push(wrapped(more, width, layout.nameWidth + 1));
  return lines;
}

function drawLane(lane: Lane, layout: Layout): string {
  const { nameWidth, axisWidth, endMs } = layout;
  const columnOf = (ms: number) => Math.floor((ms / endMs) * (axisWidth - 1));
  const from = columnOf(lane.fromMs);
  const to = columnOf(lane.toMs);

  const beforeName = " ".repeat(nameWidth - stringWidth(lane.name));
  const beforeBar = " ".repeat(from);
  const bar = drawBar(lane.kind, to - from + 1);
  const afterBar = " ".repeat(axisWidth - 1 - to);
  const axis = beforeBar + bar + afterBar;
  return `${beforeName}${lane.name} ${axis} ${lane.result}`;
}

function drawBar(kind: Lane["kind"], width: number): string {
  const wait = "─".repeat(width - 1);
  switch (kind) {
    case "stays":
      return chalk.cyan("█".repeat(width));
    case "answered":
      return chalk.green(wait) + answeredMark();
    case "notAnswered":
      return chalk.red(wait) + notAnsweredMark();
  }
}

function answeredMark(): string {
  return chalk.green("●");
}

function notAnsweredMark(): string {
  return chalk.red("✗");
}

function drawTable({ designs, rows }: FigureTable): string {
  const table = new Table({
    head: ["", ...designs],
    style: { head: [], border: [], compact: true },
  });
  for (const { title, indent, cells } of rows) {
    const indentation = " ".repeat(2 * indent);
    const texts = cells.map((text) => text || "-");
    table.push([indentation + title, ...texts]);
  }
  return table.toString();
}

/** The table as a list, for a terminal that is too narrow for the table. */
function drawList({ designs, rows }: FigureTable, width: number): string {
  const lines: string[] = [];
  for (const { title, indent, cells } of rows) {
    const texts: string[] = [];
    for (const [index, text] of cells.entries())
      if (text) texts.push(`${designs[index]}: ${inOneLine(text)}`);
    const indentation = 2 * indent;
    lines.push(
      wrapped(chalk.bold(title), width, indentation),
      wrapped(texts.join("; "), width, indentation + 2),
    );
  }
  return lines.join("\n");
}

/**
 * The characters that not every terminal can draw, and those that replace them.
 */
const asciiCharacters = {
  "─": "-",
  "│": "|",
  "┌": "+",
  "┬": "+",
  "┐": "+",
  "├": "+",
  "┼": "+",
  "┤": "+",
  "└": "+",
  "┴": "+",
  "┘": "+",
  "█": "#",
  "●": "o",
  "✗": "x",
  "–": "-",
  µ: "u",
  "…": ".",
  "→": ">",
};

/**
 * A text in which ASCII characters of the same width replace all other marks.
 */
function inAscii(text: string): string {
  let replaced = text;
  for (const [character, ascii] of Object.entries(asciiCharacters))
    replaced = replaced.replaceAll(character, ascii);
  return replaced;
}
