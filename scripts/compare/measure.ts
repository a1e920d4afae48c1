/** The steps for one server. Each starts it anew and ends it, and returns what it measured. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Connection } from "../old/connection.ts";
import { within } from "../processes.ts";
import {
  atOnce,
  clientRun,
  now,
  processesAtOnce,
  startPatience,
} from "./clients.ts";
import type { Footprint } from "./footprint.ts";
import type { Options } from "./options.ts";
import type { ClientRun, CtrlC, Idle, ServerResult, Stay } from "./result.ts";
import type { Program, Running } from "./servers.ts";

/** Told how far a step is. */
type Tell = (what: Doing, done?: number, of?: number) => void;
export type Doing =
  | "starting"
  | "in turn"
  | "idle"
  | "one stays"
  | "connecting"
  | "warming up"
  | "echoing"
  | "leaving"
  | "Ctrl+C"
  | "crosswise"
  | "";

/** What goes wrong with a server, or with the client that asks it. */
export type Trouble = "hangs" | "wrong" | "died" | "cut" | "client";

/** An error that says what went wrong with a server. */
export function failed(trouble: Trouble, detail: string): Error {
  return Object.assign(new Error(detail), { trouble });
}

/** What a step needs to know. */
export interface Task {
  program: Program;
  server: Running;
  options: Options;
  tell: Tell;
}

/** What a step finds out. */
export type Found = Partial<ServerResult>;

/** Milliseconds that a server may take to answer one client, when nobody else is there. */
const patience = 5000;

/** Milliseconds until a process has settled after something has happened. */
const settleMs = 400;

const hello = Buffer.from("Hello, Server!");

/** Step 1: the client program, run once after another. */
export async function inTurn(task: Task): Promise<Found> {
  const { program, server, options, tell } = task;
  const runs: ClientRun[] = [];
  let tellsClosed = true;
  const since = now();
  for (let i = 0; i < options.clients; i++) {
    tell("in turn", i, options.clients);
    const run = await clientRun(program, server.port, since, patience);
    checkAnswer(run);
    checkAlive(task);
    runs.push(run);
    // A client may be gone before the server has said so, which belongs before the next.
    if (run.outcome === "answered" && tellsClosed)
      tellsClosed = await toldClosed(server, runs.length);
  }
  return { inTurn: runs, transcript: withoutPorts(server.lines()) };
}

/** Waits until a server has said of so many connections that they are closed; false if it doesn't. */
function toldClosed(server: Running, count: number): Promise<boolean> {
  const told = () => server.lines().filter((line) => line.endsWith("closed"));
  const all = server.until("closed", () => told().length >= count, patience);
  return all.then(
    () => true,
    () => false,
  );
}

/** Connections with which the price of one is measured, at most. */
const manyIdle = 50;

/** What each of N connections takes that does nothing. */
export async function idle(task: Task): Promise<Found> {
  const { server, options, tell } = task;
  const open: Connection[] = [];
  let served = 0;
  const come = async () => {
    const connection = await connect(server.port);
    open.push(connection);
    await answers(connection);
    served++;
  };
  /** What the server takes, after a while, with so many connections more. */
  async function footprintWith(more: number): Promise<Footprint> {
    // Those for whom there is no thread don't count.
    await Promise.allSettled(Array.from({ length: more }, come));
    if (served === 0) throw failed("hangs", `no echo in ${patience / 1000} s`);
    tell("idle", served);
    await sleep(settleMs);
    return server.footprint();
  }
  await server.footprint(); // to be asked the first time takes memory itself
  const one = await footprintWith(1);
  let all = await footprintWith(Math.min(options.clients, manyIdle));
  // What is small shows with many only.
  if (served > 1 && served <= manyIdle && taken(one, all) / (served - 1) < 1)
    all = await footprintWith(manyIdle + 1 - served);
  const connections = served - 1;
  for (const connection of open) connection.destroy();
  if (connections === 0) return {};
  if (one.memoryMB === undefined || all.memoryMB === undefined) return {};
  const found: Idle = {
    connections,
    memoryOneMB: one.memoryMB,
    memoryAllMB: all.memoryMB,
    perClientMB: Math.max(0, taken(one, all)) / connections,
  };
  if (one.threads !== undefined && all.threads !== undefined)
    found.perClientThreads = (all.threads - one.threads) / connections;
  return { idle: found };
}

/** Memory that came in between, in MB; NaN where it isn't known. */
function taken(before: Footprint, after: Footprint): number {
  return (after.memoryMB ?? NaN) - (before.memoryMB ?? NaN);
}

/** Milliseconds without work after which a server does nothing for those who wait. */
const idleMs = 250;

/**
 * Step 2: one client stays connected, the client programs come at the same time. It
 * stays until each of them has been answered, or connected for the time of --stay while
 * the server no longer works for it; those that find no room among the processes come
 * when others have left.
 *
 * @param limitMs how long it stays at most
 */
export async function whileOneStays(
  task: Task,
  limitMs = startPatience,
): Promise<Found> {
  const { program, server, options, tell } = task;
  const { clients, stayMs } = options;
  const stayer = await connect(server.port);
  await answers(stayer);
  const since = now();
  const stay: Stay = { leftMs: 0, clients: [] };
  const here = new Set<number>();
  const patient = new Set<number>(); // of these, those that may wait on
  let started = 0;
  let resting: Promise<void> | undefined;

  /** Whether somebody still has time to wait, or is about to come. */
  const isAwaited = () =>
    patient.size > 0 || (started < clients && here.size < processesAtOnce);
  function leave(): void {
    if (stay.leftMs) return;
    stay.leftMs = now() - since;
    stayer.leave();
  }
  /** One has been answered or has waited enough; when it was the last, the stayer leaves. */
  async function done(index: number): Promise<void> {
    if (patient.delete(index))
      tell("one stays", started - patient.size, clients);
    if (isAwaited()) return;
    if (here.size) await (resting ??= atRest(server).catch(() => {}));
    resting = undefined;
    if (!isAwaited()) leave(); // nobody has come meanwhile
  }
  const limit = setTimeout(() => {
    stay.limitReached = true;
    leave();
  }, limitMs + stayMs);

  tell("one stays", 0, clients);
  const come = async (index: number) => {
    started++;
    here.add(index);
    patient.add(index);
    let waits: NodeJS.Timeout | undefined;
    const onConnected = () => {
      waits = setTimeout(done, Math.max(0, stayMs - idleMs), index);
    };
    const { port } = server;
    const answer = limitMs + stayMs + patience;
    const run = await clientRun(program, port, since, answer, onConnected);
    clearTimeout(waits);
    here.delete(index);
    void done(index);
    return run;
  };
  try {
    stay.clients = await atOnce(clients, processesAtOnce, come);
  } finally {
    clearTimeout(limit);
    leave();
  }
  stay.clients.forEach(checkAnswer);
  checkAlive(task);
  return { stay };
}

/**
 * Waits until the server has nothing to do: on a busy machine it may take seconds to
 * start its threads. Where its CPU time isn't known it counts as idle.
 */
async function atRest(server: Running): Promise<void> {
  for (let before = await server.footprint(); ;) {
    await sleep(idleMs);
    const after = await server.footprint();
    const worked = (after.cpuSeconds ?? 0) - (before.cpuSeconds ?? 0);
    if (worked * 1000 < idleMs / 100) return;
    before = after;
  }
}

/** Step 4: Ctrl+C while a client is connected. */
export async function ctrlC({ server, tell }: Task): Promise<Found> {
  tell("Ctrl+C");
  if (process.platform === "win32") return { ctrlC: "not on this system" };
  const client = await connect(server.port);
  await answers(client);
  await sleep(100); // CPython misses a Ctrl+C that comes just before accept or recv blocks
  const pressed = performance.now();
  const since = () => performance.now() - pressed;
  let disconnectedMs: number | undefined;
  void client.ended.then(() => (disconnectedMs = since()));
  server.kill("SIGINT");
  const reacts = Promise.race([
    client.ended,
    server.saw(/shutting down/, patience),
  ]);
  await within(patience, "a reaction to Ctrl+C", reacts);
  const reactedMs = since();
  const echoed = await Promise.race([
    client.echo(hello),
    sleep(500, false, { ref: false }),
  ]);
  const lastEchoMs = since();
  if (!echoed)
    await Promise.race([client.ended, sleep(500, 0, { ref: false })]);
  const disconnected = disconnectedMs !== undefined;
  client.leave();
  const leftMs = since();
  const exit = await server.exit(patience);
  const exitMs = since();
  const found: CtrlC = {
    echoed,
    disconnected,
    exit,
    tookMs: exitMs - (leftMs - reactedMs),
    exitMs,
    ...(echoed ? { lastEchoMs } : {}),
    ...(disconnected ? { disconnectedMs } : { leftMs }),
  };
  return { ctrlC: found };
}

/** Has one message echoed; throws when nothing or something else comes back. */
async function answers(connection: Connection): Promise<void> {
  const same = await within(patience, "an echo", connection.echo(hello));
  if (!same) throw failed("wrong", "the echo differs");
}

function checkAnswer({ outcome, text }: ClientRun): void {
  if (outcome === "no answer") throw failed("hangs", text);
  if (outcome === "failed") throw failed("client", text);
  if (outcome === "wrong") throw failed("wrong", text);
}

/** Only lecture1_server may end while clients come. */
export function checkAlive({ program, server }: Task): void {
  const { ended } = server;
  if (!ended || (program.design === "server" && ended.code === 0)) return;
  if (program.design === "server" && !ended.signal && ended.code === 1) return;
  throw failed("died", ended.signal ?? `exit code ${ended.code}`);
}

/** A transcript without the numbers that differ from run to run. */
function withoutPorts(lines: string[]): string[] {
  return lines.map((line) => line.replace(/\b\d{4,5}\b/g, "PORT"));
}
