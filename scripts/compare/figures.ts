/**
 * The figures of a report: what was measured of each server, as rows of a
 * table, and the most important ones as sentences.
 */
import { designs, type Design } from "../designs.ts";
import type { Load, Run, ServerResult, Visit } from "./result.ts";
import { fill, type Texts } from "./texts.ts";
import {
  clientCount,
  groupBy,
  inOneLine,
  nameOf,
  outcomeCounts,
  threadCount,
  timeText,
  twoDigits,
  waitMsOf,
} from "./wording.ts";

/** One figure of one server, in words. */
interface FigureText {
  /** The text in the table, of one line or more. */
  row: string;
  /** The text in the sentence. */
  sentence: string;
}

/** Undefined if the figure was not measured. */
type Description = FigureText | undefined;

/** Something that was measured of one server or more. */
export interface Figure {
  /** The title of its row. */
  title: string;
  /** By how many steps the row is indented. */
  indent: number;
  /** How its sentence begins; missing if it has a row only. */
  lead?: string;
  /** The servers of which it was measured, in the order of the run. */
  texts: Map<ServerResult, FigureText>;
}

/** A table of figures. */
export interface FigureTable {
  title: string;
  /** The columns: designs of which at least one of the figures was measured. */
  designs: Design[];
  rows: FigureRow[];
}

/** A figure of the servers of one language. */
export interface FigureRow {
  title: string;
  /** By how many steps the title is indented. */
  indent: number;
  /** A text for each design; "" if the figure was not measured. */
  cells: string[];
}

/** The figures of a run. Some have not been measured for any server. */
export interface Figures {
  /** The figures that answer what differs between the servers. */
  important: Figure[];
  /** The load tests in detail. */
  further: Figure[];
}

/** All figures of a run, in the order of the tables. */
export function figuresOf(run: Run, say: Texts): Figures {
  const { servers } = run;
  const n = run.options.clients;
  const loads = loadsOf(servers);
  const counts = [...new Set(loads.map(({ connections }) => connections))];
  const ascending = counts.sort((a, b) => a - b);
  const others = ascending.filter((count) => count !== n);

  const cpu: LoadFigureOptions = {
    title: say.cpu,
    lead: fill(say.cpuLead, n),
    describe: (load) => describeCpu(load, loads, say),
  };
  const rate: LoadFigureOptions = {
    title: say.rate,
    lead: fill(say.rateLead, n),
    describe: describeRate,
  };
  const loadFigures = (clientCounts: number[], options: LoadFigureOptions) =>
    loadFiguresOf(servers, clientCounts, say, options);

  const important = [
    figureOf(servers, {
      title: say.step["clients in turn"],
      describe: (server) => describeTurns(server, say),
    }),
    figureOf(servers, {
      title: say.step["while one stays"],
      lead: say.whileOneStaysLead,
      describe: (server) => describeStay(server, say),
    }),
    figureOf(servers, {
      title: say.threadStart,
      lead: say.threadStartLead,
      describe: (server) => describeThreadStart(server, say),
    }),
    ...loadFigures([n], cpu),
    ...loadFigures([n], rate),
    figureOf(servers, {
      title: say.perClient,
      lead: say.perClientLead,
      describe: (server) => describeOneMore(server, say),
    }),
    figureOf(servers, {
      title: say.step["Ctrl+C"],
      lead: say.ctrlCLead,
      describe: (server) => describeCtrlC(server, say),
    }),
  ];
  const further = [
    ...loadFigures(others, cpu),
    ...loadFigures(others, rate),
    ...loadFigures(ascending, {
      title: say.latency,
      describe: describeLatency,
    }),
    ...loadFigures(ascending, {
      title: say.longestEcho,
      describe: describeLongestEcho,
    }),
    ...loadFigures(ascending, { title: say.cores, describe: describeCores }),
  ];
  return { important, further };
}

/** How a figure is made from the results of servers. */
interface FigureOptions {
  title: string;
  lead?: string;
  /** Steps of indentation; none unless given. */
  indent?: number;
  describe: (server: ServerResult) => Description;
}

function figureOf(servers: ServerResult[], options: FigureOptions): Figure {
  const { title, lead, indent = 0, describe } = options;
  const texts = new Map<ServerResult, FigureText>();
  for (const server of servers) {
    const text = describe(server);
    if (text) texts.set(server, text);
  }
  return { title, lead, indent, texts };
}

/** How figures are made from the load tests of servers. */
interface LoadFigureOptions {
  title: string;
  lead?: string;
  describe: (load: Load) => Description;
}

/**
 * A figure for each number of clients in a load test.
 *
 * @param clientCounts the numbers of clients, in the order of the rows
 */
function loadFiguresOf(
  servers: ServerResult[],
  clientCounts: number[],
  say: Texts,
  { title, lead, describe }: LoadFigureOptions,
): Figure[] {
  return clientCounts.map((connections, index) => {
    const clients = clientCount(connections, say);
    const isFirst = index === 0;
    return figureOf(servers, {
      title: isFirst ? `${title}, ${clients}` : clients,
      lead,
      indent: isFirst ? 0 : 1,
      describe({ growth = [] }) {
        const load = growth.find((one) => one.connections === connections);
        return load && describe(load);
      },
    });
  });
}

function loadsOf(servers: ServerResult[]): Load[] {
  return servers.flatMap(({ growth = [] }) => growth);
}

/** A figure that reads the same in the table and in the sentence. */
function sameInBoth(row: string): FigureText {
  return { row, sentence: inOneLine(row) };
}

function describeTurns({ inTurn }: ServerResult, say: Texts): Description {
  if (!inTurn) return undefined;
  return sameInBoth(outcomeCounts(inTurn, say));
}

/**
 * How many clients were answered while one stayed connected, how long they
 * waited, and what happened to the others.
 */
function describeStay({ stay }: ServerResult, say: Texts): Description {
  if (!stay) return undefined;
  const { leftMs, clients } = stay;
  const isInTime = ({ outcome, reportedMs }: Visit) =>
    outcome === "answered" && reportedMs <= leftMs;
  const inTime = clients.filter(isInTime);
  const others = clients.filter((client) => !isInTime(client));

  const counts = outcomeCounts(others, say);
  const hasOthers = others.length > 0;
  const rowEnd = hasOthers ? `\n${counts}` : "";
  const sentenceEnd = hasOthers ? fill(say.thenOthers, inOneLine(counts)) : "";

  if (inTime.length === 0) {
    const stayed = timeText(leftMs);
    return {
      row: fill(say.noneAnswered, stayed) + rowEnd,
      sentence: fill(say.noneAnsweredSentence, stayed) + sentenceEnd,
    };
  }

  const longestWait = timeText(Math.max(...waitsMsOf(inTime)));
  const answered = hasOthers
    ? fill(say.someAnswered, inTime.length, longestWait, clients.length)
    : fill(say.allAnswered, inTime.length, longestWait);
  return {
    row: answered + rowEnd,
    sentence: answered.replace("\n", " ") + sentenceEnd,
  };
}

/** How long the clients waited that were connected, in milliseconds. */
function waitsMsOf(clients: Visit[]): number[] {
  return clients.map(waitMsOf).filter((waitMs) => waitMs !== undefined);
}

/** How long one thread takes to start, and whether clients wait for this. */
function describeThreadStart(
  { idle, stay }: ServerResult,
  say: Texts,
): Description {
  if (idle?.threadStartMs === undefined) return undefined;
  const row = timeText(idle.threadStartMs);
  if (!stay || !waitForThreads(stay.clients, idle.threadStartMs))
    return sameInBoth(row);
  return { row, sentence: fill(say.waitForThreads, row) };
}

/**
 * Whether several clients wait about as long as threads need to start one after
 * another: the first client waits for one thread, the last client for all of
 * them.
 */
function waitForThreads(clients: Visit[], threadStartMs: number): boolean {
  const waitsMs = waitsMsOf(clients);
  const allConnected = waitsMs.length === clients.length;
  const shortestMs = Math.min(...waitsMs);
  const longestMs = Math.max(...waitsMs);
  const allStartMs = threadStartMs * clients.length;
  return (
    allConnected &&
    clients.length > 1 &&
    shortestMs > threadStartMs / 2 &&
    longestMs > allStartMs / 2 &&
    longestMs < allStartMs * 3
  );
}

/**
 * CPU time per echo, and how many times the lowest value for this number of
 * connections.
 *
 * @param allLoads the load tests of all servers
 */
function describeCpu(load: Load, allLoads: Load[], say: Texts): Description {
  if (load.cpuPerEchoUs === undefined) return undefined;
  const row = `${twoDigits(load.cpuPerEchoUs)} µs`;

  let lowestUs = load.cpuPerEchoUs;
  for (const { connections, cpuPerEchoUs = Infinity } of allLoads)
    if (connections === load.connections)
      lowestUs = Math.min(lowestUs, cpuPerEchoUs);
  const times = load.cpuPerEchoUs / lowestUs;

  if (times < 1.2) return sameInBoth(row);
  return { row, sentence: row + fill(say.timesTheLowest, twoDigits(times)) };
}

function describeRate(load: Load): Description {
  const mark = isVague(load) ? "~" : "";
  return sameInBoth(mark + twoDigits(load.echoesPerSecond));
}

/**
 * Whether the windows of a load test differ by more than half of their median.
 */
export function isVague({ windows, echoesPerSecond }: Load): boolean {
  const rates = windows.map((window) => window.echoesPerSecond);
  const range = Math.max(...rates) - Math.min(...rates);
  return range > echoesPerSecond / 2;
}

function describeLatency({ p50Ms, p99Ms }: Load): Description {
  return sameInBoth(`${twoDigits(p50Ms)}, ${twoDigits(p99Ms)} ms`);
}

function describeLongestEcho({ oldestWaitMs }: Load): Description {
  return sameInBoth(timeText(oldestWaitMs));
}

function describeCores({ coresUsed }: Load): Description {
  if (coresUsed === undefined) return undefined;
  return sameInBoth(twoDigits(coresUsed));
}

function describeOneMore({ idle }: ServerResult, say: Texts): Description {
  if (!idle) return undefined;
  const { perClientMB, perClientThreads } = idle;
  const memory = perClientMB < 0.1 ? "<0.1" : twoDigits(perClientMB);
  return sameInBoth(`${memory} MB\n${threadCount(perClientThreads, say)}`);
}

/** The effect of Ctrl+C on the connected client and on the server. */
function describeCtrlC({ ctrlC }: ServerResult, say: Texts): Description {
  if (!ctrlC) return undefined;
  if (ctrlC === "not on this system") return sameInBoth(say.notOnThisSystem);
  const { echoed, disconnected, exit } = ctrlC;

  let toClient = say.noLongerAnswers;
  if (disconnected) toClient = say.disconnects;
  if (echoed) toClient = say.stillAnswers;

  const toServer = exit.signal
    ? fill(say.killedBySignal, exit.signal)
    : fill(say.exitsWithCode, exit.code ?? "");
  return sameInBoth(`${toClient}\n${toServer}`);
}

/**
 * The sentence of a figure. Servers with the same text are named together.
 *
 * @returns undefined if the figure has no sentence, or was not measured of any
 *   server
 */
export function sentenceOf(figure: Figure, say: Texts): string | undefined {
  const { lead, texts } = figure;
  if (!lead || texts.size === 0) return undefined;
  const list = new Intl.ListFormat(say.language);
  const groups = groupBy(texts, ([, { sentence }]) => sentence);
  const parts: string[] = [];
  for (const [sentence, entries] of groups) {
    const names = entries.map(([server]) => nameOf(server));
    parts.push(`${list.format(names)}: ${sentence}`);
  }
  return `${lead} – ${parts.join("; ")}.`;
}

/**
 * A table of figures: a row for each figure and language. Rows without any text
 * are left out.
 *
 * @param title the table's heading
 * @param servers all servers of the run
 */
export function tableOf(
  title: string,
  figures: Figure[],
  servers: ServerResult[],
): FigureTable {
  const measured = figures.flatMap(({ texts }) => [...texts.keys()]);
  const shown = designs.filter((design) =>
    measured.some((server) => server.design === design),
  );
  const languages = new Set(measured.map(({ language }) => language));
  const rows: FigureRow[] = [];
  for (const { title, indent, texts } of figures)
    for (const language of languages) {
      const cells = shown.map((design) => {
        const server = servers.find(
          (one) => one.design === design && one.language === language,
        );
        const text = server && texts.get(server);
        return text ? text.row : "";
      });
      const isPython = language === "Python";
      rows.push({
        title: isPython ? "Python" : title,
        indent: isPython ? indent + 1 : indent,
        cells,
      });
    }
  const filled = rows.filter(({ cells }) => cells.some((text) => text !== ""));
  return { title, designs: shown, rows: filled };
}
