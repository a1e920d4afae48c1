/** What was measured as a table: a row for each thing, a column for each server. */
import Table from "cli-table3";
import stringWidth from "string-width";
import { usualSteps } from "./load.ts";
import type { Comparison, CtrlC, Load, ServerResult } from "./result.ts";
import type { Texts } from "./texts.ts";
import {
  answered,
  count,
  longestWait,
  median,
  megabytes,
  outcomesOf,
  rate,
  time,
  waitOf,
} from "./words.ts";

interface Row {
  title: string;
  /** The cell of a server; undefined where it was not measured. */
  cell(result: ServerResult): string | undefined;
}

/** Milliseconds below which the time that Ctrl+C takes is chance. */
const chanceMs = 100;

/** The rows that carry the answer. */
function mainRows(clients: number, words: Texts): Row[] {
  const { rows } = words;
  const levels = new Set(usualSteps(clients));
  return [
    {
      title: rows.inTurn,
      cell: ({ inTurn }) => inTurn && outcomesOf(inTurn, words),
    },
    {
      title: rows.stay,
      cell: ({ stay }) => stay && outcomesOf(stay.clients, words),
    },
    {
      title: rows.longestWait,
      cell: (result) => show(longestWait(result), time),
    },
    ...[...levels].map((level) => ({
      title: rows.rates(level),
      cell: (result: ServerResult) => rateAt(result, level),
    })),
    {
      title: rows.perClient,
      cell: ({ idle }) =>
        idle &&
        [
          megabytes(idle.perClientMB),
          show(idle.perClientThreads, (threads) =>
            rows.threadsOf(Math.round(threads)),
          ),
        ]
          .filter(Boolean)
          .join("\n"),
    },
    {
      title: rows.ctrlC,
      cell: (result) =>
        stop(
          result,
          (found) => `${client(found, words)}\n${end(found, words)}`,
          words,
        ),
    },
  ];
}

/** Everything else. */
function furtherRows(words: Texts): Row[] {
  const { rows } = words;
  const figure = (
    title: string,
    number: (load: Load) => number | undefined,
    say: (number: number) => string,
  ): Row => ({
    title,
    cell: ({ load }) => load && one(load, show(number(load), say)),
  });
  const pair = (
    title: string,
    numbers: (result: ServerResult) => (number | undefined)[],
    say: (number: number) => string,
  ): Row => ({
    title,
    cell: (result) => {
      const known = numbers(result).filter((number) => number !== undefined);
      return known.length === 2 ? known.map(say).join(", ") : undefined;
    },
  });
  return [
    {
      title: rows.clientStart,
      cell: ({ inTurn = [] }) =>
        middle(
          inTurn.map(({ startedMs, connectedMs }) =>
            connectedMs === undefined ? undefined : connectedMs - startedMs,
          ),
        ),
    },
    {
      title: rows.wait,
      cell: ({ inTurn }) => middle(answered(inTurn).map(waitOf)),
    },
    {
      title: rows.unanswered,
      cell: ({ load }) =>
        load && rows.echo(load.connections - load.unanswered, load.connections),
    },
    figure(rows.firstEcho, ({ firstEchoMs }) => firstEchoMs, time),
    {
      title: rows.range,
      cell: ({ load }) => load?.windows && one(load, range(load, words)),
    },
    figure(rows.p50, ({ p50Ms }) => p50Ms, time),
    figure(rows.p90, ({ p90Ms }) => p90Ms, time),
    figure(rows.p99, ({ p99Ms }) => p99Ms, time),
    figure(rows.oldest, ({ oldestWaitMs }) => oldestWaitMs, time),
    {
      title: rows.withoutEcho,
      cell: ({ load }) => show(load?.withoutEcho, String),
    },
    figure(rows.cores, ({ coresUsed }) => coresUsed, cores),
    figure(rows.others, ({ coresOfOthers }) => coresOfOthers, cores),
    pair(
      rows.threads,
      ({ load }) => [load?.threadsBefore, load?.threadsWith],
      String,
    ),
    pair(
      rows.memory,
      ({ load }) => [load?.memoryBeforeMB, load?.memoryWithMB],
      megabytes,
    ),
    pair(
      rows.idleMemory,
      ({ idle }) => [idle?.memoryOneMB, idle?.memoryAllMB],
      megabytes,
    ),
    {
      title: rows.overflows,
      cell: ({ load }) => show(load?.listenOverflows, String),
    },
    {
      title: rows.ctrlC + rows.ctrlCTakes.replace(/^ +/, ": "),
      cell: (result) =>
        stop(
          result,
          ({ tookMs }) =>
            tookMs < chanceMs ? rows.below(time(chanceMs)) : time(tookMs),
          words,
        ),
    },
  ];
}

/**
 * The cells of the table: a row for each thing and language, a column for each design.
 *
 * @param all every row, not only those that carry the answer
 */
export function cellsOf(
  { servers, options }: Comparison,
  all: boolean,
  words: Texts,
): { head: string[]; lines: string[][] } {
  const languages = ["TypeScript", "Python"] as const;
  const designs = [...new Set(servers.map(({ design }) => design))];
  const rows = [
    ...mainRows(options.clients, words),
    ...(all ? furtherRows(words) : []),
    ...(servers.some(({ failure }) => failure) ? [failedRow(words)] : []),
  ];
  const lines = rows.flatMap(({ title, cell }) =>
    languages
      .filter((language) => servers.some((one) => one.language === language))
      .map((language) => [
        language === "Python" ? words.rows.python : title,
        ...designs.map((design) => {
          const result = servers.find(
            (one) => one.design === design && one.language === language,
          );
          return (result && cell(result)) || words.rows.unknown;
        }),
      ]),
  );
  return { head: ["", ...designs], lines };
}

/**
 * The table, for a terminal.
 *
 * @param columns width of the terminal; what is wider wraps
 * @param all shows every row, not only those that carry the answer
 */
export function table(
  comparison: Comparison,
  columns: number,
  all: boolean,
  words: Texts,
): string {
  const { head, lines } = cellsOf(comparison, all, words);
  const style = { head: [], border: [], compact: true };
  const colWidths = widths([head, ...lines], Math.max(columns, 40));
  const drawn = new Table({ head, style, colWidths, wordWrap: true });
  drawn.push(...lines);
  return drawn.toString();
}

/** Widths of the columns: what they need, or what there is, shared. */
function widths(lines: string[][], columns: number): number[] {
  const widest = (column: number) =>
    Math.max(
      ...lines.flatMap((line) =>
        line[column]!.split("\n").map((text) => stringWidth(text)),
      ),
    ) + 2;
  const [title = 0, ...cells] = lines[0]!.map((_, column) => widest(column));
  const borders = cells.length + 2;
  const titleWidth = Math.min(title, Math.floor(columns * 0.36));
  const share = Math.floor((columns - borders - titleWidth) / cells.length);
  return [titleWidth, ...cells.map((width) => Math.min(width, share))];
}

function failedRow(words: Texts): Row {
  return {
    title: words.rows.failed,
    cell: ({ failure }) =>
      failure && (words.steps[failure.step] ?? failure.step),
  };
}

/** The echoes per second of so many connections, whether others wait beside them or not. */
function rateAt(
  { growth = [], load }: ServerResult,
  connections: number,
): string | undefined {
  const found = [...growth, load].find(
    (load) => load && load.connections - load.unanswered === connections,
  );
  return found && rate(found);
}

/** A figure that stands for all connections, or for the one that was answered. */
function one(load: Load, said: string | undefined): string | undefined {
  const served = load.connections - load.unanswered;
  return served === 1 && load.connections > 1 ? undefined : said;
}

function range({ windows }: Load, words: Texts): string {
  const rates = windows.map(({ echoesPerSecond }) =>
    Number(echoesPerSecond.toPrecision(2)),
  );
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  return words.rows.fromTo(count(low), count(high));
}

function middle(numbers: (number | undefined)[]): string | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.length ? time(median(known)) : undefined;
}

const cores = (number: number) => number.toFixed(1);

function show(
  number: number | undefined,
  say: (number: number) => string,
): string | undefined {
  return number === undefined ? undefined : say(number);
}

function stop(
  { ctrlC }: ServerResult,
  say: (found: CtrlC) => string,
  { rows }: Texts,
): string | undefined {
  return typeof ctrlC === "string" ? rows.notHere : ctrlC && say(ctrlC);
}

function client({ echoed, disconnected }: CtrlC, { rows }: Texts): string {
  if (echoed) return rows.getsEcho;
  return disconnected ? rows.disconnected : rows.noEcho;
}

function end({ exit }: CtrlC, { rows }: Texts): string {
  return exit.signal ? rows.dies(exit.signal) : rows.exits(exit.code);
}
