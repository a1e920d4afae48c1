/** What there is to say about a run, in words and numbers: terminal and page only draw it. */
import { designs } from "../designs.ts";
import type { Load, Outcome, Run, ServerResult, Visit } from "./result.ts";
import { fill, type Texts } from "./texts.ts";

export type Report = ReturnType<typeof report>;

/** A client on the axis of time, with what came of it; or the one who stays. */
export interface Lane {
  kind: "stays" | "good" | "bad";
  name: string;
  fromMs: number;
  toMs: number;
  said: string;
}

/** What there is to say about a server; nothing where it was not measured. */
type Tell<T = ServerResult> = (of: T, say: Texts) => Cell | undefined;

interface Cell {
  /** One line or two. */
  text: string;
  /** What the sentence says, if not the text. */
  said?: string;
  /** The length of the bar. */
  size?: number;
}

/** What there is to say about each server: a row of the table, perhaps a sentence. */
interface Figure {
  title: string;
  cell: Tell;
  /** How the sentence begins. */
  lead?: string | false;
  /** It goes on with the row above. */
  goesOn?: boolean;
}

/** The report of a run, in one language. */
export function report(run: Run, say: Texts) {
  const { servers, machine, tookSeconds, date } = run;
  const { system, runtime, cores } = machine;
  const n = run.options.clients;
  const figures = figuresOf(run, say);
  const ends = servers.flatMap(({ stay }) =>
    stay ? [stay.leftMs, ...stay.clients.map((one) => one.reportedMs)] : [],
  );
  const endMs = Math.max(1, ...ends);
  const where = `${runtime}, ${system}`;
  const took = tookSeconds.toFixed(1);
  const format = { dateStyle: "short", timeStyle: "short" } as const;
  const when = new Intl.DateTimeFormat("sv", format).format(new Date(date));
  return {
    ...{ language: say.language, title: say.title, answer: say.answer },
    failures: servers.flatMap((server) => failureOf(server, say)),
    sentences: figures.flatMap((figure) => sentence(figure, servers, say)),
    notes: notesOf(run, say),
    /** Who waited while one client stayed, on an axis from 0 to endMs. */
    picture: {
      ...{ title: say.picture, endMs, end: time(endMs) },
      experiment: fill(say.experiment, clients(n, say), n),
      panels: [...servers]
        .sort((a, b) => b.language.localeCompare(a.language)) // ours, then Python's
        .flatMap((server) => panelOf(server, say)),
      legend: { waits: say.waits, good: say.isAnswered, bad: say.isNot },
    },
    table: { title: say.figures, ...tableOf(figures, servers, say) },
    conditions: fill(say.conditions, clients(n, say), where, cores, took, when),
  };
}

/** All figures, in the order of the table. */
function figuresOf({ servers, options }: Run, say: Texts): Figure[] {
  const n = options.clients;
  const { step } = say;
  const loads = servers.flatMap(({ growth = [] }) => growth);
  const numbers = [...new Set(loads.map(({ connections }) => connections))];
  /** A row for each number of connections; the one of N is a sentence as well. */
  const ofEach = (what: string, tell: Tell<Load>, lead?: string) =>
    numbers
      .sort((a, b) => a - b)
      .map((number, index): Figure => {
        const some = clients(number, say);
        const title = index ? some : `${what}, ${some}`;
        const cell: Tell = ({ growth }) => {
          const load = growth?.find((it) => it.connections === number);
          return load && tell(load, say);
        };
        return { title, cell, lead: number === n && lead, goesOn: index > 0 };
      });
  return [
    { title: step["clients in turn"], cell: inTurn },
    { title: step["while one stays"], cell: meanwhile, lead: say.meanwhiles },
    { title: say.threadStart, cell: threadStart, lead: say.threadStarts },
    ...ofEach(say.cpu, cpuPerEcho(loads), fill(say.cpus, n)),
    ...ofEach(say.rate, rate, fill(say.rates, n)),
    ...ofEach(say.latency, latency),
    ...ofEach(say.longestEcho, ({ oldestWaitMs: ms }) => sized(time(ms), ms)),
    ...ofEach(say.cores, cores),
    { title: say.price, cell: price, lead: say.prices },
    { title: step["Ctrl+C"], cell: ctrlC, lead: say.ctrlCs },
  ];
}

const sized = (text: string, size: number): Cell => ({ text, size });

const inTurn: Tell = ({ inTurn }, say) =>
  inTurn && { text: counted(inTurn, say) };

/** How many were answered while one stayed, and after how long; what became of the rest. */
const meanwhile: Tell = ({ stay }, say) => {
  if (!stay) return undefined;
  const { leftMs, clients } = stay;
  const isLater = ({ outcome, reportedMs }: Visit) =>
    outcome !== "answered" || reportedMs > leftMs;
  const rest = clients.filter(isLater);
  const others = rest.length ? `\n${counted(rest, say)}` : "";
  const then = rest.length ? fill(say.then, counted(rest, say, ", ")) : "";
  const stayed = time(leftMs);
  if (rest.length === clients.length)
    return {
      text: fill(say.none, stayed) + others,
      said: fill(say.noneStayed, stayed) + then,
    };
  const waits = clients.filter((one) => !isLater(one)).map(waitOf);
  const size = Math.max(...waits);
  const text = rest.length ? say.some : say.all;
  const some = fill(text, waits.length, time(size), clients.length);
  return { text: some + others, said: some + then, size };
};

/** How long one thread takes to start, and whether that is what clients wait for. */
const threadStart: Tell = ({ idle, stay }, say) => {
  const { threadStartMs: size } = idle ?? {};
  if (size === undefined) return undefined;
  // Threads start one after another: the first client waits for one, the last for all.
  const waits = (stay?.clients ?? []).map(waitOf);
  const [least, most] = [Math.min(...waits), Math.max(...waits)];
  const all = size * waits.length;
  const fits = least > size / 2 && most > all / 2 && most < all * 3;
  const text = time(size);
  return { text, said: fits ? fill(say.waitsForThread, text) : text, size };
};

/** CPU time of an echo, and how many times the least of all with so many connections. */
function cpuPerEcho(all: Load[]): Tell<Load> {
  return ({ connections, cpuPerEchoUs: size }, say) => {
    if (size === undefined) return undefined;
    const others = all.filter((load) => load.connections === connections);
    const least = others.map(({ cpuPerEchoUs = Infinity }) => cpuPerEchoUs);
    const times = size / Math.min(...least);
    const text = `${two(size)} µs`;
    const more = times < 1.2 ? "" : fill(say.times, two(times));
    return { text, said: text + more, size };
  };
}

const rate: Tell<Load> = (load) => {
  const { echoesPerSecond: size } = load;
  return sized((isVague(load) ? "~" : "") + two(size), size);
};

/** Whether the windows differ by more than half of what they say. */
function isVague({ windows, echoesPerSecond }: Load): boolean {
  const rates = windows.map((window) => window.echoesPerSecond);
  return Math.max(...rates) - Math.min(...rates) > echoesPerSecond / 2;
}

const latency: Tell<Load> = ({ p50Ms, p99Ms }) => {
  if (p50Ms === undefined || p99Ms === undefined) return undefined;
  return sized(`${two(p50Ms)}, ${two(p99Ms)} ms`, p99Ms);
};

const cores: Tell<Load> = ({ coresUsed: size }) =>
  size === undefined ? undefined : sized(two(size), size);

const price: Tell = ({ idle }, say) => {
  if (!idle) return undefined;
  const { perClientMB: size, perClientThreads: threads } = idle;
  const all = [size < 0.1 ? "<0.1 MB" : `${two(size)} MB`];
  if (threads !== undefined) all.push(threadsOf(threads, say));
  return { text: all.join("\n"), said: all.join(", "), size };
};

const ctrlC: Tell = ({ ctrlC }, say) => {
  if (typeof ctrlC !== "object") return ctrlC && { text: say.notHere };
  const { echoed, disconnected, exit } = ctrlC;
  const rest = disconnected ? say.disconnected : say.ignored;
  const { code, signal } = exit;
  const end = signal ? fill(say.dies, signal) : fill(say.exits, code ?? "");
  const all = [echoed ? say.echoed : rest, end];
  return { text: all.join("\n"), said: all.join(", ") };
};

/** A figure of all servers as a sentence. */
function sentence(figure: Figure, servers: ServerResult[], say: Texts) {
  const { lead, cell } = figure;
  const groups = together(servers, (server) => {
    const { text, said = text } = cell(server, say) ?? {};
    return said?.replaceAll("\n", " ");
  });
  const list = new Intl.ListFormat(say.language);
  const parts = groups.map(
    ([said, some]) => `${list.format(some.map(nameOf))}: ${said}`,
  );
  return lead && parts.length ? [`${lead} – ${parts.join("; ")}.`] : [];
}

/** A row for each figure and language, a column for each design. */
function tableOf(figures: Figure[], servers: ServerResult[], say: Texts) {
  const has = (design: string) => servers.some((one) => one.design === design);
  const head = designs.filter(has);
  const languages = [...new Set(servers.map(({ language }) => language))];
  const rows = figures.flatMap(({ title, goesOn, cell }) => {
    const cells = new Map(servers.map((one) => [one, cell(one, say)]));
    const sizes = [...cells.values()].map((cell) => cell?.size ?? 0);
    return languages.map((language) => ({
      title: language === "Python" ? language : title,
      indent: Number(goesOn ?? false) + Number(language === "Python"),
      cells: head.map((design) => {
        const isIt = (one: Named) =>
          one.design + one.language === design + language;
        const { text = "", size = 0 } = cells.get(servers.find(isIt)!) ?? {};
        return { text, part: size && size / Math.max(...sizes) };
      }),
    }));
  });
  return {
    head,
    rows: rows.filter(({ cells }) => cells.some((it) => it.text)),
  };
}

/** Rows in the picture for the clients of one server, at most. */
const mostLanes = 10;

/** Who waited while one client stayed at a server. */
function panelOf({ file, stay, idle }: ServerResult, say: Texts) {
  if (!stay) return [];
  const { leftMs: toMs, clients } = stay;
  const some = clients.length > mostLanes ? mostLanes - 1 : clients.length;
  const lanes = clients.slice(0, some).map((client, index): Lane => {
    const { outcome, connectedMs, reportedMs: toMs } = client;
    const good = outcome === "answered";
    const said = good ? [] : [say.outcome[outcome]];
    if (connectedMs !== undefined) said.push(time(waitOf(client)));
    const [kind, name] = [good ? "good" : "bad", fill(say.client, index + 1)];
    const fromMs = connectedMs ?? toMs;
    return { kind, name, fromMs, toMs, said: said.join(" ") } as Lane;
  });
  const stays = { kind: "stays", name: say.stays, said: time(toMs) } as const;
  lanes.unshift({ ...stays, fromMs: 0, toMs });
  const rest = clients.slice(some);
  const more = [rest.length, counted(rest, say, ", ")] as const;
  const { perClientThreads: threads = NaN } = idle ?? {};
  const panel = {
    title: file.split(/[\\/]/).at(-1)!,
    about: isNaN(threads) ? "" : `${say.price}: ${threadsOf(threads, say)}`,
    more: rest.length ? fill(say.andMore, ...more) : "",
    leftMs: toMs,
  };
  return [{ ...panel, lanes }];
}

/** What one has to know before one trusts the figures. */
function notesOf({ servers, missing, stoppedSeconds }: Run, say: Texts) {
  const python = servers.some(({ language }) => language === "Python");
  const workers = servers.some(({ idle }) => idle?.perClientThreads);
  const vague = servers.some(({ growth }) => growth?.some(isVague));
  const leftOut = servers.map(({ growthEnd: end, ...server }) => {
    if (!end) return "";
    const why = fill(say.trouble[end.trouble], end.detail);
    const count = end.connections.toLocaleString("en-US");
    return fill(say.leftOut, nameOf(server), count, why);
  });
  return [
    workers && !python ? say.workers : "",
    vague ? say.vague : "",
    stoppedSeconds ? fill(say.stopped, time(stoppedSeconds * 1000)) : "",
    missing.length ? fill(say.missing, missing.join(", ")) : "",
    ...leftOut,
  ].filter(Boolean);
}

/** What went wrong with a server, and its last lines. */
function failureOf(server: ServerResult, say: Texts): string[] {
  if (!server.failure) return [];
  const { step, trouble, detail, lastLines } = server.failure;
  const why = fill(say.trouble[trouble], detail);
  const told = fill(say.failure, nameOf(server), say.step[step], why);
  const last = lastLines.join(" / ");
  return [last ? told + fill(say.lastLines, last) : told];
}

/** From the connection to the answer, or to what came instead; NaN where there was none. */
const waitOf = ({ connectedMs = NaN, reportedMs }: Visit) =>
  reportedMs - connectedMs;

/** How often each outcome came: "9 answered, 1 reset", perhaps on a line each. */
function counted(all: { outcome: Outcome }[], say: Texts, between = ",\n") {
  const groups = together(all, ({ outcome }) => fill(say.outcome[outcome]));
  return groups
    .map(([said, some]) => fill(say.counted, some.length, said))
    .join(between);
}

/** "server", "async (Python)". */
export const nameOf = ({ design, language }: Named) =>
  language === "Python" ? `${design} (Python)` : design;

type Named = Pick<ServerResult, "design" | "language">;

/** Groups what the same can be said of; undefined is nothing. */
function together<T>(all: T[], say: (one: T) => string | undefined) {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const said = say(one);
    if (said) groups.set(said, [...(groups.get(said) ?? []), one]);
  }
  return [...groups];
}

/** "1 client", "5,000 clients". */
function clients(count: number, { oneClient, clients }: Texts): string {
  return count === 1 ? oneClient : fill(clients, count.toLocaleString("en-US"));
}

/** "no thread", "1 thread", "2 threads". */
function threadsOf(number: number, say: Texts): string {
  const count = Math.round(number);
  return [say.noThread, say.oneThread][count] ?? fill(say.threads, count);
}

/** A number with two digits: a second run would show no more of them again. */
function two(number: number): string {
  if (!Number.isFinite(number)) throw new Error("a number is missing");
  return number.toLocaleString("en-US", { maximumSignificantDigits: 2 });
}

function time(ms: number): string {
  return ms < 995 ? `${two(ms)} ms` : `${two(ms / 1000)} s`;
}
