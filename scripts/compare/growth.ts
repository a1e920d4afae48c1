/** How the servers do with more and more connections: a table and bars. */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import type { Load, ServerResult } from "./result.ts";
import type { Texts } from "./texts.ts";
import { count, megabytes, padStart, rate, time } from "./words.ts";

/** Milliseconds at which the bar of a wait begins. */
const leastWaitMs = 0.1;

/**
 * The growth of every server, each as a table with two bars in it.
 *
 * @param columns width of the terminal
 */
export function growth(
  servers: ServerResult[],
  columns: number,
  words: Texts,
): string {
  const measured = servers.filter(({ growth = [] }) =>
    growth.some(({ unanswered }) => unanswered === 0),
  );
  const all = measured.flatMap(({ growth }) => growth!);
  if (all.length === 0) return "";
  const most = Math.max(...all.map(({ echoesPerSecond }) => echoesPerSecond));
  const longest = Math.max(...all.map(({ oldestWaitMs }) => oldestWaitMs));
  const said = measured.map(({ growth }) =>
    growth!.map((load) => cells(load, words)),
  );
  const heads = headsOf(words);
  const width = (column: number) =>
    Math.max(
      ...[heads, ...said.flat()].map((line) => stringWidth(line[column]!)),
    );
  const columnWidths = heads.map((_, column) => width(column));
  const taken = columnWidths.reduce((sum, width) => sum + width + 1, 0);
  const room = Math.min(12, Math.floor((columns - taken - 1) / 2));
  const bar = room < 3 ? 0 : room;

  const rateBar = (load: Load) => (bar * load.echoesPerSecond) / most;
  const decades = (ms: number) => Math.log10(Math.max(1, ms / leastWaitMs));
  const waitBar = (load: Load) =>
    (bar * decades(load.oldestWaitMs)) / Math.max(1, decades(longest));
  function line(texts: string[], load?: Load): string {
    const [connections, rate, oldest, ...rest] = texts.map((text, column) =>
      padStart(text, columnWidths[column]!),
    );
    const first = chalk.green(drawBar(load && rateBar(load), bar));
    const second = chalk.yellow(drawBar(load && waitBar(load), bar));
    const cells = bar
      ? [connections, rate, first, oldest, second, ...rest]
      : [connections, rate, oldest, ...rest];
    return cells.join(" ").trimEnd();
  }
  const blocks = measured.map(({ design, language, growth }, index) =>
    [
      chalk.bold(words.title(design, language)),
      chalk.dim(line(heads)),
      ...growth!.map((load, i) => line(said[index]![i]!, load)),
    ].join("\n"),
  );
  const scale = words.growth.scale(
    count(Number(most.toPrecision(2))),
    time(longest),
  );
  return [...blocks, wrapAnsi(scale, columns)].join("\n");
}

function headsOf({ growth }: Texts): string[] {
  const { connections, rate, oldest, firstEcho, memory, threads } = growth;
  return [connections, rate, oldest, firstEcho, memory, threads];
}

function cells(load: Load, { rows }: Texts): string[] {
  const { connections, unanswered, memoryWithMB, threadsWith } = load;
  const unknown = rows.unknown;
  return [
    count(connections) + (unanswered ? ` (${connections - unanswered})` : ""),
    rate(load),
    time(load.oldestWaitMs),
    time(load.firstEchoMs),
    memoryWithMB === undefined ? unknown : megabytes(memoryWithMB),
    threadsWith === undefined ? unknown : String(threadsWith),
  ];
}

/** A bar of eighths of a column. */
function drawBar(length = 0, width: number): string {
  const eighths = width && Math.round(length * 8);
  const rest = " ▏▎▍▌▋▊▉"[eighths % 8]!;
  return ("█".repeat(Math.floor(eighths / 8)) + rest)
    .slice(0, width)
    .padEnd(width);
}
