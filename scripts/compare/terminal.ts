/** Draws a report on a terminal. */
import Table from "cli-table3";
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import { drawsLines } from "../language.ts";
import { inLine, type Lane, type Report } from "./report.ts";

export interface TerminalOptions {
  /** The terminal's width in characters; if it is missing, that of stdout. */
  columns?: number;
  /**
   * Draws with ASCII characters only. If it is missing, the terminal's environment
   * decides.
   */
  ascii?: boolean;
}

/** A report as text for a terminal, with colors. */
export function terminalText(
  told: Report,
  options: TerminalOptions = {},
): string {
  const columns = options.columns ?? (process.stdout.columns || 80);
  const ascii = options.ascii ?? !drawsLines();
  const width = Math.max(20, Math.min(columns, 100));
  const { picture, failures, sentences, notes, table, conditions } = told;
  const heading = (text: string) => chalk.bold.underline(text);
  const item = (text: string) => `-${indented(text, 2, width).slice(1)}`;
  const parts = [
    ...(picture.panels.length
      ? [heading(picture.title), ...pictureOf(picture, width)]
      : []),
    heading(told.answer),
    ...failures.map((failure) => chalk.red(item(failure))),
    ...sentences.map(item),
    ...notes.map((note) => chalk.yellow(item(note))),
    heading(table.title),
    tableOf(table, width) ?? listOf(table, width),
    chalk.dim(indented(conditions, 0, width)),
  ];
  const text = `${parts.join("\n")}\n`;
  return ascii ? inAscii(text) : text;
}

/** Breaks and indents lines; not between a number and its unit. */
function indented(text: string, by: number, columns: number): string {
  const kept = text.replace(/(?<=\d) (?=\S)/g, "\xa0");
  const broken = wrapAnsi(kept, columns - by, { hard: true });
  return broken.replaceAll("\xa0", " ").replaceAll(/^/gm, " ".repeat(by));
}

const widest = (texts: string[]) =>
  Math.max(...texts.map((text) => stringWidth(text)));

/** Who waited while one client stayed, on an axis of time as wide as there is room. */
function pictureOf(picture: Report["picture"], columns: number): string[] {
  const { experiment, panels, endMs, end, waits, good, bad } = picture;
  const all = panels.flatMap(({ lanes }) => lanes);
  const names = widest(all.map(({ name }) => name)) + 1;
  const said = widest(all.map(({ said }) => said)) + 1;
  const width = Math.max(4, columns - names - said - 1);
  const column = (ms: number) => Math.floor((ms / endMs) * (width - 1));
  const [isGood, isBad] = [chalk.green("●"), chalk.red("✗")];

  function lane({ kind, name, fromMs, toMs, said }: Lane): string {
    const [from, to] = [column(fromMs), column(toMs)];
    const line = "─".repeat(to - from);
    const bar = {
      stays: chalk.cyan("█".repeat(to + 1)),
      good: chalk.green(line) + isGood,
      bad: chalk.red(line) + isBad,
    }[kind];
    const before = " ".repeat(names - stringWidth(name) - 1) + name;
    return `${before} ${" ".repeat(from)}${bar}${" ".repeat(width - to)}${said}`;
  }
  return [
    indented(experiment, 0, columns),
    ...panels.flatMap(({ title, about, lanes, more }) => [
      indented(chalk.bold(title) + (about && ` (${about})`), 0, columns),
      ...lanes.map(lane),
      ...(more ? [indented(more, names, columns)] : []),
    ]),
    `${" ".repeat(names)}0${end.padStart(width - 1)}`,
    indented(`─ ${waits}  ${isGood} ${good}  ${isBad} ${bad}`, 0, columns),
  ];
}

/** The figures as a table; undefined where there is too little room for it. */
function tableOf({ head, rows }: Report["table"], columns: number) {
  const style = { head: [], border: [], compact: true };
  const table = new Table({ head: ["", ...head], style });
  for (const { title, indent, cells } of rows) {
    const texts = cells.map((text) => text || "-");
    table.push([" ".repeat(2 * indent) + title, ...texts]);
  }
  const text = table.toString();
  return widest(text.split("\n")) <= columns ? text : undefined;
}

/** The figures as a list, for a narrow terminal. */
function listOf({ head, rows }: Report["table"], columns: number): string {
  const lines = rows.flatMap(({ title, indent, cells }) => {
    const said = cells.flatMap((text, index) =>
      text ? [`${head[index]}: ${inLine(text)}`] : [],
    );
    return [
      indented(chalk.bold(title), 2 * indent, columns),
      indented(said.join("; "), 2 * indent + 2, columns),
    ];
  });
  return lines.join("\n");
}

/** Characters of the same width for a terminal that can't draw the others. */
function inAscii(text: string): string {
  const [drawn, ascii] = ["─│█●✗–µ…", "-|#ox-u."];
  const each = (it: string) => ascii[drawn.indexOf(it)] ?? "+";
  return text.replace(/[─│█●✗–µ…┌┬┐├┼┤└┴┘]/g, each);
}
