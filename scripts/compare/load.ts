/** Step 3: many connections echo one message after another, all at once. */
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { createHistogram } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Connection } from "../old/connection.ts";
import type { Design } from "../designs.ts";
import { within } from "../processes.ts";
import { freeMemory } from "./clients.ts";
import type { Footprint } from "./footprint.ts";
import { checkAlive, failed, type Found, type Task } from "./measure.ts";
import type { GrowthEnd, Load, Window } from "./result.ts";
import type { Running } from "./servers.ts";
import { median } from "./words.ts";

/** Milliseconds without a first echo after which those that still wait are not served. */
const quietMs = 5000;

/**
 * Milliseconds that don't count, but no more than --load: of the first load on a server,
 * of N connections, of others.
 */
const warmUpMs = { first: 400, ofN: 300, ofOthers: 100 };

/** Windows in which N connections are measured, and other numbers of them. */
const windows = { ofN: 5, ofOthers: 3 };

/** Connections that --grow tries, and more for who needs little for each, or has a limit. */
const steps = [1, 2, 5, 10, 20, 50, 100, 200];
const furtherSteps = { server: [], forever: [250], async: [500, 1000, 5000] };

/** 1, N and 5 N connections, 5 N where that isn't too many for a thread each. */
export function usualSteps(clients: number): number[] {
  return [1, clients, Math.max(clients, Math.min(5 * clients, 250))];
}

/** The numbers of connections to measure with. */
export function levelsOf(design: Design, clients: number, grow: boolean) {
  if (design === "server") return [clients]; // it has one client
  const levels = grow
    ? [...steps, ...furtherSteps[design], ...usualSteps(clients)]
    : usualSteps(clients);
  return [...new Set(levels)].sort((a, b) => a - b);
}

/**
 * Measures with one number of connections after another. Beyond N, what goes wrong
 * ends this and nothing else.
 */
export async function allAtOnce(task: Task): Promise<Found> {
  const { program, server, options } = task;
  const [before, files] = await Promise.all([server.footprint(), openFiles()]);
  const growth: Load[] = [];
  let growthEnd: GrowthEnd | undefined;
  const levels = levelsOf(program.design, options.clients, options.grow);
  for (const connections of levels) {
    const more = connections > options.clients;
    growthEnd = more ? lackOfMemory(connections, before, growth) : undefined;
    if (growthEnd) break;
    try {
      growth.push(await loadOf(connections, before, growth.length === 0, task));
      checkAlive(task);
    } catch (error) {
      if (!more) throw error;
      growthEnd = endOf(
        connections,
        error as NodeJS.ErrnoException,
        server,
        files,
      );
      break;
    }
  }
  const load = growth.find(
    ({ connections }) => connections === options.clients,
  )!;
  return { load, growth, ...(growthEnd ? { growthEnd } : {}) };
}

/** Whether so many connections would take more than half of the free memory. */
function lackOfMemory(
  connections: number,
  before: Footprint,
  growth: Load[],
): GrowthEnd | undefined {
  const { memoryWithMB, connections: last } = growth.at(-1)!;
  if (memoryWithMB === undefined || before.memoryMB === undefined) return;
  const each = (memoryWithMB - before.memoryMB) / last;
  const free = freeMemory() / 2 ** 20;
  const more = each * connections - (memoryWithMB - before.memoryMB);
  if (last < 10 || more < free / 2) return undefined;
  const message = `${Math.round(more)} MB more, of ${Math.round(free)} MB free`;
  return { connections, code: "memory", message };
}

/** What went wrong with so many connections, and which limit it may have been. */
function endOf(
  connections: number,
  { code = "", message }: NodeJS.ErrnoException,
  server: Running,
  files: number | undefined,
): GrowthEnd {
  const [known] = /\bE[A-Z]{4,}\b/.exec(code + server.output.stderr) ?? [code];
  const [firstLine = ""] = message.split("\n");
  return {
    connections,
    code: known,
    message: firstLine,
    ...(files === undefined ? {} : { openFiles: files }),
  };
}

/** Measures with so many connections, which all come at once and all leave again. */
async function loadOf(
  count: number,
  before: Footprint,
  first: boolean,
  task: Task,
): Promise<Load> {
  const { program, server, options, tell } = task;
  tell("connecting", 0, count);
  const since = performance.now();
  const overflowsBefore = await listenOverflows();
  const connections = await connectAll(server.port, count);
  const talks = connections.map(talk);
  try {
    const expected = program.design === "server" ? 1 : count;
    const progress = (done: number) => tell("connecting", done, count);
    const firstEchoMs = await firstEchoes(talks, expected, since, progress);
    const overflows = difference(await listenOverflows(), overflowsBefore);

    checkAlive(task);
    const served = talks.filter(({ echoes }) => echoes > 0);
    if (served.length === 0)
      throw failed("hangs", `no echo in ${quietMs / 1000} s`);
    const isN = options.clients === count;
    const measured = isN ? windows.ofN : windows.ofOthers;
    const seconds = options.loadSeconds / windows.ofN;
    tell("warming up", 0, count);
    for (const { go } of served) go();
    const warmUp = warmUpMs[first ? "first" : isN ? "ofN" : "ofOthers"];
    await sleep(Math.min(warmUp, options.loadSeconds * 1000));
    const found = await measure(talks, server, seconds, measured, (done) =>
      tell("echoing", done, measured),
    );
    for (const { stop } of served) stop();

    const wrong = talks.reduce((sum, { wrong }) => sum + wrong, 0);
    if (wrong) throw failed("wrong", `${wrong} echoes differ`);
    const cut = served.filter(({ connection }) => connection.socket.destroyed);
    if (cut.length && program.design !== "server")
      throw failed("cut", `${cut.length} of ${count}`);
    const unanswered = count - served.length;
    tell("leaving", 0, count);
    await leave(served);
    const rest = talks.filter((talk) => !served.includes(talk));
    if (unanswered && program.design !== "server")
      await firstEchoes(rest, rest.length, 0, progress);
    server.forget();
    return {
      connections: count,
      unanswered,
      ...(unanswered
        ? { answeredLater: rest.filter(({ echoes }) => echoes > 0).length }
        : {}),
      wrong,
      firstEchoMs,
      ...known({
        threadsBefore: before.threads,
        memoryBeforeMB: before.memoryMB,
        listenOverflows: overflows,
      }),
      ...found,
    };
  } catch (error) {
    // Whatever shows when a server dies: that it died says more.
    await server.exit(2000).catch(() => {});
    checkAlive(task);
    throw error;
  } finally {
    for (const { destroy } of connections) destroy();
  }
}

/** Connects so often at once; throws when one can't, and leaves none behind. */
async function connectAll(port: number, count: number): Promise<Connection[]> {
  const all = await Promise.allSettled(
    Array.from({ length: count }, () => connect(port)),
  );
  const connections = all.flatMap((one) =>
    one.status === "fulfilled" ? [one.value] : [],
  );
  const refused = all.find((one) => one.status === "rejected");
  if (!refused) return connections;
  for (const { destroy } of connections) destroy();
  throw refused.reason;
}

/** How many files this process may open, where Linux tells it. */
async function openFiles(): Promise<number | undefined> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const [, files] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return files === undefined ? undefined : Number(files);
}

/** An object without what is undefined. */
function known<T extends object>(object: T) {
  const entries = Object.entries(object);
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined),
  ) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

/** A connection that sends its message again whenever it has come back. */
type Talk = ReturnType<typeof talk>;

function talk(connection: Connection, index: number) {
  const { socket } = connection;
  const message = Buffer.from(`robot ${String(index).padStart(8, "0")}`);
  let going = false;
  let received = Buffer.alloc(0);
  const talk = {
    connection,
    sent: 0,
    pending: false,
    echoes: 0,
    wrong: 0,
    /** Told how long an echo took, in ms. */
    onEcho: (_ms: number) => {},
    send() {
      talk.sent = performance.now();
      talk.pending = true;
      socket.write(message);
    },
    go() {
      going = true;
      if (!talk.pending) talk.send();
    },
    stop() {
      going = false;
    },
  };
  socket.on("data", (data) => {
    received = received.length ? Buffer.concat([received, data]) : data;
    if (received.length < message.length) return;
    if (!received.equals(message)) talk.wrong++;
    received = Buffer.alloc(0);
    talk.pending = false;
    talk.echoes++;
    talk.onEcho(performance.now() - talk.sent);
    if (going) talk.send();
  });
  return talk;
}

/**
 * Sends each connection's first message and waits for the echoes, until `expected`
 * have come or none has for a while.
 *
 * @param since performance.now() from where it counts
 * @returns when the last of them came, in ms; 0 when none did
 */
async function firstEchoes(
  talks: Talk[],
  expected: number,
  since: number,
  progress: (done: number) => void,
): Promise<number> {
  let last = 0;
  let done = talks.filter(({ echoes }) => echoes > 0).length;
  await new Promise<void>((resolve) => {
    if (done >= expected) return resolve();
    const quiet = setTimeout(resolve, quietMs);
    for (const talk of talks) {
      talk.onEcho = () => {
        last = performance.now() - since;
        progress(++done);
        quiet.refresh();
        if (done < expected) return;
        clearTimeout(quiet);
        resolve();
      };
      if (!talk.pending && !talk.echoes) talk.send();
    }
  });
  for (const talk of talks) talk.onEcho = () => {};
  return last;
}

/** Counts and times the echoes of all, in windows one after another. */
async function measure(
  talks: Talk[],
  server: Running,
  seconds: number,
  count: number,
  progress: (done: number) => void,
) {
  let latency = createHistogram();
  let longest = 0;
  const echoesBefore = talks.map(({ echoes }) => echoes);
  const measured: Window[] = [];
  for (const talk of talks)
    talk.onEcho = (ms) => {
      if (ms > longest) longest = ms;
      latency.record(Math.max(1, Math.round(ms * 1e6)));
    };
  const [before, busyBefore] = [await server.footprint(), busySeconds()];
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    progress(i);
    latency = createHistogram();
    const began = performance.now();
    await sleep(seconds * 1000);
    const took = (performance.now() - began) / 1000;
    const percentile = (p: number) => latency.percentile(p) / 1e6;
    measured.push({
      seconds: took,
      echoesPerSecond: latency.count / took,
      p50Ms: percentile(50),
      p90Ms: percentile(90),
      p99Ms: percentile(99),
    });
  }
  const end = performance.now();
  const [after, busy] = [await server.footprint(), busySeconds()];
  for (const talk of talks) talk.onEcho = () => {};
  const pending = talks.filter(({ pending, echoes }) => pending && echoes);
  const oldest = Math.max(longest, ...pending.map(({ sent }) => end - sent));
  const of = (figure: (window: Window) => number) =>
    median(measured.map(figure));
  const cpu = difference(after.cpuSeconds, before.cpuSeconds);
  const clock = (after.atMs - before.atMs) / 1000;
  const others =
    cpu && (busy - busyBefore - cpu) / ((performance.now() - start) / 1000);
  return {
    withoutEcho: talks.filter(({ echoes }, i) => echoes === echoesBefore[i])
      .length,
    seconds: (end - start) / 1000,
    windows: measured,
    echoesPerSecond: of((window) => window.echoesPerSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p90Ms: of(({ p90Ms }) => p90Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    oldestWaitMs: oldest,
    ...known({
      coresUsed: cpu && cpu / clock,
      coresOfOthers: others && Math.max(0, others),
      threadsWith: after.threads,
      memoryWithMB: after.memoryMB,
    }),
  };
}

/** CPU seconds that this machine has worked since it started, but for this process. */
function busySeconds(): number {
  const ms = cpus().reduce(
    (sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq,
    0,
  );
  const { user, system } = process.cpuUsage();
  return ms / 1000 - (user + system) / 1e6;
}

/** Lets the echoes that are on their way arrive, and says goodbye with FIN. */
async function leave(talks: Talk[]): Promise<void> {
  const gone = Promise.all(
    talks.map(async (talk) => {
      const { connection } = talk;
      if (talk.pending)
        await new Promise<void>((resolve) => {
          talk.onEcho = () => resolve();
          void connection.ended.then(() => resolve());
        });
      connection.leave();
      await connection.ended;
    }),
  );
  await within(quietMs, "the server's FIN", gone).catch(() => {});
}

function difference(now: number | undefined, before: number | undefined) {
  return now === undefined || before === undefined ? undefined : now - before;
}

/** How often a listen queue has run over on this machine; Linux tells. */
async function listenOverflows(): Promise<number | undefined> {
  const text = await readFile("/proc/net/netstat", "utf8").catch(() => "");
  const [names, values] = text
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const index = names?.indexOf("ListenOverflows") ?? -1;
  return index < 0 ? undefined : Number(values![index]);
}
