/** Every measured thing in one table: a row each, a column for each server. */
import Table from "cli-table3";
import type { Comparison, CtrlC, ServerResult } from "./result.ts";
import {
  answered,
  count,
  median,
  megabytes,
  outcomesOf,
  time,
  titleOf,
} from "./words.ts";

interface Row {
  title: string;
  /** The cell of a server; undefined where it was not measured. */
  cell(result: ServerResult): string | undefined;
  /** The number behind it, for the ratio of Python and TypeScript. */
  number?(result: ServerResult): number | undefined;
}

const rows: Row[] = [
  {
    title: "1. clients in turn",
    cell: ({ inTurn }) => inTurn && outcomesOf(inTurn, "\n"),
  },
  {
    title: "   one client, median",
    cell: (result) => show(clientMedian(result), time),
    number: clientMedian,
  },
  {
    title: "2. while one stays",
    cell: ({ stay }) => stay && outcomesOf(stay.clients, "\n"),
  },
  {
    title: "   longest wait",
    cell: (result) => show(longestWait(result), time),
    number: longestWait,
  },
  {
    title: "3. all at once",
    cell: ({ load }) =>
      load &&
      `${load.connections - load.unanswered} of ${load.connections} echo`,
  },
  figure("   first echo of all", ({ load }) => load?.firstEchoMs, time),
  figure("   echoes per second", ({ load }) => load?.echoesPerSecond, count),
  figure("   latency p50", ({ load }) => load?.p50Ms, time),
  figure("   latency p99", ({ load }) => load?.p99Ms, time),
  {
    title: "   threads before, with",
    cell: ({ load }) =>
      load &&
      (load.threadsBefore === undefined
        ? "not on this system"
        : `${load.threadsBefore}, ${load.threadsWith}`),
  },
  {
    title: "   memory before, with",
    cell: ({ load }) =>
      load &&
      `${megabytes(load.memoryBeforeMB)}, ${megabytes(load.memoryWithMB)}`,
    number: ({ load }) => load?.memoryWithMB,
  },
  {
    title: "4. Ctrl+C: the client",
    cell: (result) =>
      stop(result, ({ echoed, disconnected }) =>
        echoed
          ? "gets its echo"
          : disconnected
            ? "disconnected"
            : "gets no echo",
      ),
  },
  {
    title: "   Ctrl+C: the server",
    cell: (result) =>
      stop(result, ({ exit }) =>
        exit.signal ? `dies of ${exit.signal}` : `exits with ${exit.code}`,
      ),
  },
  {
    title: "   Ctrl+C: takes",
    cell: (result) => stop(result, ({ tookMs }) => time(tookMs)),
  },
];

/**
 * The table, for a terminal.
 *
 * @param columns width of the terminal; where the table is wider its cells wrap
 */
export function table({ servers }: Comparison, columns = 80): string {
  const designs = [...new Set(servers.map(({ design }) => design))];
  const pairs = designs.map((design) => {
    const pair = servers.filter((server) => server.design === design);
    return pair.sort((a, b) => a.language.localeCompare(b.language));
  });
  const head = ["", ...pairs.map((pair) => pair.map(titleOf).join("\n"))];
  const width = Math.floor((Math.max(columns, 40) - 1) / head.length) - 1;
  const colWidths = columns < 80 ? head.map(() => width) : [];
  const style = { head: [], border: [], compact: true };
  const table = new Table({ head, style, colWidths, wordWrap: true });
  // In a narrow table the titles wrap, which the spaces before them would prevent.
  const titleIn = ({ title }: Row) => (columns < 80 ? title.trim() : title);
  for (const row of rows)
    table.push([titleIn(row), ...pairs.map((pair) => cellOf(row, pair))]);
  if (servers.some(({ failure }) => failure))
    table.push([
      "failed",
      ...pairs.map((pair) => pair.map(failureOf).join("\n")),
    ]);
  return table.toString();
}

/** One server's cell, or Python's and TypeScript's with their ratio. */
function cellOf({ cell, number }: Row, pair: ServerResult[]): string {
  const cells = pair.map((result) => cell(result) ?? "-");
  const [python, typescript] = pair.map((result) => number?.(result));
  const ratio =
    python && typescript ? [`x${(typescript / python).toFixed(2)}`] : [];
  return [...cells, ...ratio].join("\n");
}

function failureOf({ failure }: ServerResult): string {
  return failure ? `${failure.step}:\n${failure.message}` : "";
}

function figure(
  title: string,
  number: (result: ServerResult) => number | undefined,
  say: (number: number) => string,
): Row {
  return { title, number, cell: (result) => show(number(result), say) };
}

function show(number: number | undefined, say: (number: number) => string) {
  return number === undefined ? undefined : say(number);
}

function stop({ ctrlC }: ServerResult, say: (found: CtrlC) => string) {
  return typeof ctrlC === "object" ? say(ctrlC) : ctrlC;
}

function clientMedian({ inTurn }: ServerResult): number | undefined {
  const runs = answered(inTurn);
  return runs.length
    ? median(runs.map((run) => run.endedMs - run.startedMs))
    : undefined;
}

/** The longest time from a client program's start to its end in step 2. */
export function longestWait({ stay }: ServerResult): number | undefined {
  if (!stay?.clients.length) return undefined;
  return Math.max(...stay.clients.map((run) => run.endedMs - run.startedMs));
}
