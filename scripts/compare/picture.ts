/** Step 2 as a picture: a row for each client on one time axis. */
import { basename } from "node:path";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import type { ClientRun, ServerResult } from "./result.ts";
import type { Texts } from "./texts.ts";
import {
  endOf,
  moreThreads,
  outcomesOf,
  padStart,
  time,
  waitOf,
} from "./words.ts";

/** Rows for the clients of one server at most. */
const mostRows = 10;

/** Columns beside the time axis: rails and name before it, the wait behind it. */
const nameWidth = 8;
const waitWidth = 15;

/**
 * Draws who waited how long while one client stayed, and who is served by which thread.
 *
 * @param results servers whose step 2 was measured
 * @param columns width of the terminal
 */
export function picture(
  results: ServerResult[],
  columns: number,
  words: Texts,
): string {
  const measured = results.filter(({ stay }) => stay?.clients.length);
  if (measured.length === 0) return "";
  const endMs = Math.max(
    ...measured.flatMap(({ stay }) => [
      stay!.leftMs,
      ...stay!.clients.map(endOf),
    ]),
  );
  const width = Math.max(
    10,
    Math.min(columns, 100) - nameWidth - waitWidth - 2,
  );
  const column = (ms: number) =>
    Math.min(width - 1, Math.floor((ms / endMs) * width));
  const drawn = (result: ServerResult) =>
    block(result, columns, width, column, words).join("\n");
  const axis = `0${time(endMs).padStart(width - 1)}`;
  return [
    ...measured.map(drawn),
    " ".repeat(nameWidth + 1) + axis,
    ...words.picture.legend.map((line) => wrapAnsi(line, columns)),
  ].join("\n");
}

/** One server: its threads, the one who stays, the others. */
function block(
  result: ServerResult,
  columns: number,
  width: number,
  column: (ms: number) => number,
  words: Texts,
): string[] {
  const { leftMs, clients } = result.stay!;
  const rows = clients.length > mostRows ? mostRows - 1 : clients.length;
  const served = (run: ClientRun) =>
    run.outcome === "answered" && endOf(run) <= leftMs;
  const rails = railsOf(result, clients.slice(0, rows).map(served));
  const row = (rail: string, name: string, bar: string, end: string) =>
    `${rail} ${padStart(name, nameWidth - 3)} ${bar} ${end}`.trimEnd();

  function clientRow(run: ClientRun, index: number): string {
    const at = column(endOf(run));
    const from = Math.min(at, column(run.startedMs));
    const connected = Math.min(at, column(run.connectedMs ?? Infinity));
    const good = run.outcome === "answered";
    const color = good ? chalk.green : chalk.red;
    const wait = waitOf(run);
    const bar =
      " ".repeat(from) +
      chalk.dim("·".repeat(connected - from)) +
      color("─".repeat(at - connected) + (good ? "●" : "✗")) +
      " ".repeat(width - at - 1);
    const said = good ? "" : `${words.outcomes[run.outcome]} `;
    const end = said + (wait === undefined ? "" : time(wait));
    return row(rails[index + 1]!, String(index + 1), bar, end.trimEnd());
  }

  const stays = chalk.cyan("█".repeat(column(leftMs) + 1).padEnd(width));
  const more = clients.slice(rows);
  return [
    wrapAnsi(
      chalk.bold(basename(result.file)) + threadsOf(result, words),
      columns,
    ),
    row(rails[0]!, words.picture.stays, stays, time(leftMs)),
    ...clients.slice(0, rows).map(clientRow),
    ...(more.length ? [moreRow(more, words)] : []),
  ];
}

/** Those without a row of their own. */
export function moreRow(more: ClientRun[], words: Texts): string {
  const said = outcomesOf(more, words);
  const waits = more.map(waitOf).filter((wait) => wait !== undefined);
  const range = waits.length
    ? `, ${time(Math.min(...waits))} – ${time(Math.max(...waits))}`
    : "";
  return `   ${words.picture.more(more.length, said + range)}`;
}

/** Which thread serves whom: a rail for each client, or one that they share. */
function railsOf(result: ServerResult, served: boolean[]): string[] {
  const shared = moreThreads(result.load) === 0 && served.some(Boolean);
  const known = moreThreads(result.load) !== undefined;
  const last = served.lastIndexOf(true) + 1;
  return [true, ...served].map((has, index) => {
    if (!has) return shared && index < last ? "║ " : "  ";
    if (!known) return "  ";
    if (!shared) return "══";
    return index === 0 ? "╔═" : index === last ? "╚═" : "╠═";
  });
}

export function threadsOf(
  { design, load }: ServerResult,
  words: Texts,
): string {
  const more = moreThreads(load);
  if (more === undefined || !load || design === "server") return "";
  const said = more
    ? words.picture.ownThreads(more, load.connections)
    : words.picture.oneThread(load.connections);
  return `: ${said}`;
}
