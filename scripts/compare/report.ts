/** What there is to say about a run, in words and numbers: terminal and page only draw it. */
import { designs } from "../designs.ts";
import type { Load, Run, ServerResult, Visit } from "./result.ts";
import { fill, type Outcome, type Texts } from "./texts.ts";

export type Report = ReturnType<typeof report>;

/** A client on the axis of time, with what came of it; or the one who stays. */
export type Lane = Report["picture"]["panels"][number]["lanes"][number];

/** What the table has, on one line or two, and what the sentence says, if not the same. */
type Cell = [row: string, sentence?: string];

/** What there is to say about a server; nothing where it was not measured. */
type Tell<T = ServerResult> = (of: T, say: Texts) => Cell | undefined;

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
  const where = [`${runtime}, ${system}`, cores, tookSeconds.toFixed(1)];
  const when = new Date(date).toLocaleString("sv").slice(0, 16);
  return {
    ...{ language: say.language, title: say.title, answer: say.answer },
    failures: servers.flatMap((server) => failureOf(server, say)),
    sentences: figures.flatMap((figure) => sentence(figure, say)),
    notes: notesOf(run, say),
    /** Who waited while one client stayed, on an axis from 0 to endMs. */
    picture: {
      ...{ title: say.picture, endMs, end: time(endMs) },
      experiment: fill(say.experiment, clients(n, say), n),
      panels: [...servers]
        .sort((a, b) => b.language.localeCompare(a.language)) // ours, then Python's
        .flatMap((server) => panelOf(server, say)),
      ...{ waits: say.waits, good: say.isAnswered, bad: say.isNot },
    },
    table: { title: say.figures, ...tableOf(figures, servers) },
    conditions: fill(say.conditions, clients(n, say), ...where, when),
  };
}

/** All figures, in the order of the table: each has a row there, those with a lead a sentence. */
function figuresOf({ servers, options }: Run, say: Texts) {
  const n = options.clients;
  const loads = servers.flatMap(({ growth = [] }) => growth);
  const counts = loads.map(({ connections }) => connections);
  const numbers = [...new Set(counts)].sort((a, b) => a - b);

  function figure(title: string, tell: Tell, lead = "", indent = 0) {
    const cells = servers.map((server) => {
      const [row = "", said = inLine(row)] = tell(server, say) ?? [];
      return { name: nameOf(server), row, said };
    });
    return { title, lead, indent, cells };
  }
  /** A row for each number of connections; the one of N is a sentence as well. */
  const ofEach = (what: string, tell: Tell<Load>, lead = "") =>
    numbers.map((number, index) => {
      const some = clients(number, say);
      const ofNumber: Tell = ({ growth }) => {
        const load = growth?.find((it) => it.connections === number);
        return load && tell(load, say);
      };
      const title = index ? some : `${what}, ${some}`;
      return figure(title, ofNumber, number === n ? lead : "", index && 1);
    });
  return [
    figure(say.step["clients in turn"], inTurn),
    figure(say.step["while one stays"], meanwhile, say.meanwhiles),
    figure(say.threadStart, threadStart, say.threadStarts),
    ...ofEach(say.cpu, cpuPerEcho(loads), fill(say.cpus, n)),
    ...ofEach(say.rate, rate, fill(say.rates, n)),
    ...ofEach(say.latency, latency),
    ...ofEach(say.longestEcho, ({ oldestWaitMs }) => [time(oldestWaitMs)]),
    ...ofEach(say.cores, cores),
    figure(say.price, price, say.prices),
    figure(say.step["Ctrl+C"], ctrlC, say.ctrlCs),
  ];
}
type Figures = ReturnType<typeof figuresOf>;

const inTurn: Tell = ({ inTurn }, say) => inTurn && [counted(inTurn, say)];

/** How many were answered while one stayed, and after how long; what became of the rest. */
const meanwhile: Tell = ({ stay }, say) => {
  if (!stay) return undefined;
  const { leftMs, clients } = stay;
  const isInTime = ({ outcome, reportedMs }: Visit) =>
    outcome === "answered" && reportedMs <= leftMs;
  const waits = clients.filter(isInTime).map(waitOf);
  const late = clients.filter((one) => !isInTime(one));
  const rest = counted(late, say);
  const then = rest && fill(say.then, inLine(rest));
  const others = rest && `\n${rest}`;
  const stayed = time(leftMs);
  let [row, said] = [say.none, say.noneStayed].map((it) => fill(it, stayed));
  if (waits.length) {
    const values = [waits.length, time(Math.max(...waits)), clients.length];
    row = fill(rest ? say.some : say.all, ...values);
    said = row.replace("\n", " ");
  }
  return [row + others, said + then];
};

/** How long one thread takes to start, and whether that is what clients wait for. */
const threadStart: Tell = ({ idle, stay }, say) => {
  const { threadStartMs: one } = idle ?? {};
  if (one === undefined) return undefined;
  // Threads start one after another: the first client waits for one, the last for all.
  const waits = (stay?.clients ?? []).map(waitOf);
  const [least, most] = [Math.min(...waits), Math.max(...waits)];
  const all = one * waits.length;
  const fits = least > one / 2 && most > all / 2 && most < all * 3;
  return [time(one), fits ? fill(say.waitsForThread, time(one)) : undefined];
};

/** CPU time of an echo, and how many times the least of all with so many connections. */
function cpuPerEcho(all: Load[]): Tell<Load> {
  return ({ connections, cpuPerEchoUs }, say) => {
    if (cpuPerEchoUs === undefined) return undefined;
    const others = all.filter((load) => load.connections === connections);
    const least = others.map(({ cpuPerEchoUs = Infinity }) => cpuPerEchoUs);
    const times = cpuPerEchoUs / Math.min(...least);
    const text = `${two(cpuPerEchoUs)} µs`;
    return [text, text + (times < 1.2 ? "" : fill(say.times, two(times)))];
  };
}

const rate: Tell<Load> = (load) => [vague(load) + two(load.echoesPerSecond)];

/** "~" where the windows differ by more than half of what they say. */
function vague({ windows, echoesPerSecond }: Load): string {
  const rates = windows.map((window) => window.echoesPerSecond);
  const range = Math.max(...rates) - Math.min(...rates);
  return range > echoesPerSecond / 2 ? "~" : "";
}

const latency: Tell<Load> = (it) => [`${two(it.p50Ms)}, ${two(it.p99Ms)} ms`];

const cores: Tell<Load> = ({ coresUsed }) =>
  coresUsed === undefined ? undefined : [two(coresUsed)];

const price: Tell = ({ idle }, say) => {
  if (!idle) return undefined;
  const { perClientMB, perClientThreads } = idle;
  const memory = perClientMB < 0.1 ? "<0.1" : two(perClientMB);
  return [`${memory} MB\n${threadsOf(perClientThreads, say)}`];
};

const ctrlC: Tell = ({ ctrlC }, say) => {
  if (typeof ctrlC !== "object") return ctrlC && [say.notHere];
  const { echoed, disconnected, exit } = ctrlC;
  const rest = disconnected ? say.disconnected : say.ignored;
  const { code, signal } = exit;
  const end = signal ? fill(say.dies, signal) : fill(say.exits, code ?? "");
  return [`${echoed ? say.echoed : rest}\n${end}`];
};

/** The lines of a cell as one. */
export const inLine = (row: string) => row.replaceAll(/,?\n/g, ", ");

/** A figure of all servers as a sentence. */
function sentence({ lead, cells }: Figures[number], say: Texts): string[] {
  const list = new Intl.ListFormat(say.language);
  const parts = together(cells, ({ said }) => said).map(([said, some]) => {
    return `${list.format(some.map(({ name }) => name))}: ${said}`;
  });
  return lead && parts.length ? [`${lead} – ${parts.join("; ")}.`] : [];
}

/** A row for each figure and language, a column for each design. */
function tableOf(figures: Figures, servers: ServerResult[]) {
  const head = designs.filter((it) => servers.some((one) => one.design === it));
  const languages = [...new Set(servers.map(({ language }) => language))];
  const rows = figures.flatMap(({ title, indent, cells }) =>
    languages.map((language) => ({
      title: language === "Python" ? language : title,
      indent: indent + Number(language === "Python"),
      cells: head.map((design) => {
        const name = nameOf({ design, language });
        return cells.find((cell) => cell.name === name)?.row ?? "";
      }),
    })),
  );
  return { head, rows: rows.filter(({ cells }) => cells.some(Boolean)) };
}

/** Who waited while one client stayed at a server. */
function panelOf({ file, stay, idle }: ServerResult, say: Texts) {
  if (!stay) return [];
  const { leftMs, clients } = stay;
  const some = clients.length > 10 ? 9 : clients.length; // as many as there is room for
  const rest = clients.slice(some);
  const others = counted(rest, say);
  const stays = { kind: "stays", name: say.stays, said: time(leftMs) } as const;
  const lanes = clients.slice(0, some).map((client, index) => {
    const { outcome, connectedMs, reportedMs: toMs } = client;
    const isGood = outcome === "answered";
    const said = isGood ? [] : [say.outcome[outcome]];
    if (connectedMs !== undefined) said.push(time(waitOf(client)));
    return {
      kind: isGood ? ("good" as const) : ("bad" as const),
      name: fill(say.client, index + 1),
      ...{ fromMs: connectedMs ?? toMs, toMs, said: said.join(" ") },
    };
  });
  const threads = idle && threadsOf(idle.perClientThreads, say);
  return {
    title: file.split(/[\\/]/).at(-1)!,
    about: threads ? `${say.price}: ${threads}` : "",
    lanes: [{ ...stays, fromMs: 0, toMs: leftMs }, ...lanes],
    more: others && fill(say.andMore, rest.length, inLine(others)),
    leftMs,
  };
}

/** What one has to know before one trusts the figures. */
function notesOf({ servers, missing, stoppedSeconds }: Run, say: Texts) {
  const python = servers.some(({ language }) => language === "Python");
  const workers = servers.some(({ idle }) => idle?.perClientThreads);
  const isVague = servers.some(({ growth }) => growth?.some(vague));
  const leftOut = servers.map(({ growthEnd: end, ...server }) => {
    if (!end) return "";
    const why = fill(say.trouble[end.trouble], end.detail);
    const count = end.connections.toLocaleString("en-US");
    return fill(say.leftOut, nameOf(server), count, why);
  });
  return [
    workers && !python ? say.workers : "",
    isVague ? say.vague : "",
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

/** How often each outcome came: "9 answered", "1 reset", each on a line. */
function counted(all: { outcome: Outcome }[], say: Texts): string {
  const groups = together(all, ({ outcome }) => fill(say.outcome[outcome]));
  return groups
    .map(([said, some]) => fill(say.counted, some.length, said))
    .join(",\n");
}

type Named = Pick<ServerResult, "design" | "language">;

/** "server", "async (Python)". */
export const nameOf = ({ design, language }: Named) =>
  language === "Python" ? `${design} (Python)` : design;

/** Groups what the same can be said of; "" is nothing. */
function together<T>(all: T[], say: (one: T) => string) {
  const groups = [...new Set(all.map(say))].filter(Boolean);
  return groups.map(
    (said) => [said, all.filter((it) => say(it) === said)] as const,
  );
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
