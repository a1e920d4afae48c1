/** Draws a report on a terminal. */
import Table from "cli-table3";
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx";
import { drawsLines } from "../language.ts";
import type { Lane, Report } from "./report.ts";

/**
 * A report as text.
 *
 * @param columns of the terminal
 * @param lines whether it draws more than ASCII
 */
export function terminal(
  told: Report,
  columns = process.stdout.columns || 80,
  lines = drawsLines(),
): string {
  const width = Math.max(20, Math.min(columns, 100));
  const { picture, failures, sentences, notes, conditions } = told;
  const heading = (text: string) => chalk.bold.underline(text);
  const item = (text: string) =>
    `- ${wrap(text, width - 2).replaceAll("\n", "\n  ")}`;
  const parts = [
    ...(picture.panels.length ? [heading(picture.title)] : []),
    ...(picture.panels.length ? pictureOf(picture, width) : []),
    heading(told.answer),
    ...failures.map((failure) => chalk.red(item(failure))),
    ...sentences.map(item),
    ...notes.map((note) => chalk.yellow(item(note))),
    heading(told.table.title),
    tableOf(told.table, width) ?? listOf(told.table, width),
    chalk.dim(wrap(conditions, width)),
  ];
  const text = `${parts.join("\n")}\n`;
  return lines ? text : inAscii(text);
}

/** Breaks lines, but not between a number and its unit. */
function wrap(text: string, columns: number): string {
  const kept = text.replace(/(?<=\d) (?=\S)/g, "\xa0");
  return wrapAnsi(kept, columns, { hard: true }).replaceAll("\xa0", " ");
}

/** Who waited while one client stayed, on an axis of time as wide as there is room. */
function pictureOf(picture: Report["picture"], columns: number): string[] {
  const { experiment, panels, endMs, end, legend } = picture;
  const all = panels.flatMap(({ lanes }) => lanes);
  const widest = (texts: string[]) =>
    Math.max(...texts.map((text) => stringWidth(text)));
  const names = widest(all.map(({ name }) => name)) + 1;
  const said = widest(all.map(({ said }) => said)) + 1;
  const width = Math.max(4, columns - names - said - 1);
  const column = (ms: number) => Math.floor((ms / endMs) * (width - 1));

  function lane({ kind, name, fromMs, toMs, said }: Lane): string {
    const [from, to] = [column(fromMs), column(toMs)];
    const line = "─".repeat(to - from);
    const bar = {
      stays: chalk.cyan("█".repeat(to + 1)),
      good: chalk.green(`${line}●`),
      bad: chalk.red(`${line}✗`),
    }[kind];
    const before = padStart(name, names - 1) + " ".repeat(from + 1);
    return `${before}${bar}${" ".repeat(width - to)}${said}`;
  }
  const { waits, good, bad } = legend;
  const [isGood, isBad] = [chalk.green("●"), chalk.red("✗")];
  const before = " ".repeat(names);
  const indented = (text: string) =>
    wrap(text, columns - names).replaceAll(/^/gm, before);
  return [
    wrap(experiment, columns),
    ...panels.flatMap(({ title, about, lanes, more }) => [
      wrap(chalk.bold(title) + (about && ` (${about})`), columns),
      ...lanes.map(lane),
      ...(more ? [indented(more)] : []),
    ]),
    `${before}0${end.padStart(width - 1)}`,
    wrap(`─ ${waits}  ${isGood} ${good}  ${isBad} ${bad}`, columns),
  ];
}

/** The figures as a table; undefined where there is too little room for it. */
function tableOf({ head, rows }: Report["table"], columns: number) {
  const style = { head: [], border: [], compact: true };
  const table = new Table({ head: ["", ...head], style });
  for (const { title, indent, cells } of rows) {
    const texts = cells.map(({ text }) => text || "-");
    table.push([" ".repeat(2 * indent) + title, ...texts]);
  }
  const text = table.toString();
  const width = Math.max(...text.split("\n").map((line) => stringWidth(line)));
  return width <= columns ? text : undefined;
}

/** The figures as a list, for a narrow terminal. */
function listOf({ head, rows }: Report["table"], columns: number): string {
  const indented = (text: string, by: number) =>
    wrap(text, columns - by).replaceAll(/^/gm, " ".repeat(by));
  const lines = rows.flatMap(({ title, indent, cells }) => {
    const said = cells.flatMap(({ text }, index) =>
      text ? [`${head[index]}: ${text.replaceAll(/,?\n/g, ", ")}`] : [],
    );
    const heading = indented(chalk.bold(title), 2 * indent);
    return [heading, indented(said.join("; "), 2 * indent + 2)];
  });
  return lines.join("\n");
}

/** As String.padStart, with wide letters counted as two columns. */
function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - stringWidth(text))) + text;
}

/** Characters of the same width for a terminal that can't draw the others. */
function inAscii(text: string): string {
  const [drawn, ascii] = ["─│█●✗–µ…", "-|#ox-u."];
  const each = (it: string) => ascii[drawn.indexOf(it)] ?? "+";
  return text.replace(/[─│█●✗–µ…┌┬┐├┼┤└┴┘]/g, each);
}
