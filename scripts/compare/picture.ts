/** Step 2 as a picture: a row for each client on one time axis. */
import { basename } from "node:path";
import { chalk } from "zx";
import type { ClientRun, ServerResult } from "./result.ts";
import { outcomesOf } from "./words.ts";

/** Rows for one server at most. */
const mostRows = 20;

/**
 * Draws who waited how long while one client stayed.
 *
 * @param results servers whose step 2 was measured
 * @param columns width of the terminal
 */
export function picture(results: ServerResult[], columns: number): string {
  const measured = results.filter(({ stay }) => stay?.clients.length);
  if (measured.length === 0) return "";
  const endMs = Math.max(
    ...measured.flatMap(({ stay }) => [
      stay!.leftMs,
      ...stay!.clients.map(({ endedMs }) => endedMs),
    ]),
  );
  const label = 8;
  const outcome = 10;
  const width = Math.max(10, Math.min(columns, 100) - label - outcome - 2);
  const column = (ms: number) =>
    Math.min(width - 1, Math.floor((ms / endMs) * width));
  const row = (name: string, bar: string, end: string) =>
    `${name.padEnd(label)}${bar} ${end}`.trimEnd();

  function clientRow(run: ClientRun, index: number): string {
    const from = column(run.startedMs);
    const to = Math.max(from, column(run.endedMs));
    const good = run.outcome === "answered";
    const mark = good ? chalk.green("●") : chalk.red("✗");
    const waits = "─".repeat(to - from);
    const bar = " ".repeat(from) + (good ? waits : chalk.red(waits)) + mark;
    const rest = " ".repeat(width - to - 1);
    return row(`${index + 1}`.padStart(label - 2), bar + rest, run.outcome);
  }

  const axis = `0${`${(endMs / 1000).toFixed(1)} s`.padStart(width - 1)}`;
  const blocks = measured.map((result) => {
    const { leftMs, clients } = result.stay!;
    const stays = "█".repeat(column(leftMs) + 1).padEnd(width);
    const more = clients.slice(mostRows);
    const rows = clients.slice(0, mostRows).map(clientRow);
    if (more.length)
      rows.push(`        … and ${more.length} more: ${outcomesOf(more)}`);
    return [
      chalk.bold(basename(result.file)),
      row("stays", chalk.cyan(stays), "leaves"),
      ...rows,
    ].join("\n");
  });
  const legend = `─ waits, its start included  ${chalk.green("●")} is answered  ${chalk.red("✗")} is not`;
  return [...blocks, row("", axis, ""), legend].join("\n");
}
