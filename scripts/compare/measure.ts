/** The four steps for one server. Each starts it anew and ends it. */
import { readFile } from "node:fs/promises";
import { createHistogram } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import pidusage from "pidusage";
import { connect, type Connection } from "../connection.ts";
import { within } from "../launch.ts";
import { atOnce, clientRun, processesAtOnce } from "./clients.ts";
import type { Options } from "./options.ts";
import type { ClientRun, CtrlC, Load, ServerResult, Stay } from "./result.ts";
import type { Program, Running } from "./servers.ts";

/** Told how far a step is. */
export type Tell = (done: number, of: number, what: string) => void;

/** Milliseconds that a server may take to answer one client, when nobody else is there. */
const patience = 5000;

const hello = Buffer.from("Hello, Server!");

/** A result to fill, for a program. */
export function emptyResult({ design, language, file }: Program): ServerResult {
  return { design, language, file, transcript: [] };
}

/**
 * Does one step with a fresh server, unless an earlier one failed. Whatever goes
 * wrong is written into the result, with the server's last lines.
 */
export async function step(
  name: string,
  program: Program,
  result: ServerResult,
  measure: (server: Running) => Promise<void>,
): Promise<void> {
  if (result.failure) return;
  let server: Running | undefined;
  try {
    server = await program.start();
    await measure(server);
  } catch (error) {
    const { message: whole, output } = error as Error & { output?: string };
    const [message = ""] = whole.split("\n");
    const lines = (server?.all() ?? output ?? "").trimEnd().split("\n");
    const lastLines = lines.slice(-4).map((line) => line.slice(0, 200));
    result.failure = { step: name, message, lastLines };
  } finally {
    await server?.stop();
  }
}

/** Step 1: the client program, run once after another. */
export async function inTurn(
  program: Program,
  server: Running,
  result: ServerResult,
  { clients }: Options,
  tell: Tell,
): Promise<void> {
  const runs: ClientRun[] = [];
  result.inTurn = runs;
  const since = performance.now();
  for (let i = 0; i < clients; i++) {
    tell(i, clients, "clients in turn");
    const client = program.client(server.port);
    runs.push(await clientRun(client, since, patience));
    checkAnswer(runs.at(-1)!);
    checkAlive(program, server);
  }
  result.transcript = withoutPorts(server.lines());
}

/**
 * Step 2: one client stays connected, the client programs come at the same time.
 * It stays until all of them have ended, or have waited for the time of --stay.
 */
export async function whileSomeoneStays(
  program: Program,
  server: Running,
  result: ServerResult,
  { clients, stayMs }: Options,
  tell: Tell,
): Promise<void> {
  const stayer = await connect(server.port);
  await answers(stayer);
  const since = performance.now();
  const stay: Stay = { leftMs: 0, clients: [] };
  result.stay = stay;

  function leave(): void {
    if (stay.leftMs) return;
    stay.leftMs = performance.now() - since;
    stayer.leave();
  }
  const end = setTimeout(leave, stayMs);

  let done = 0;
  tell(done, clients, "clients while one stays");
  stay.clients = await atOnce(clients, processesAtOnce, async () => {
    end.refresh(); // who comes last has its time to wait as well
    const client = program.client(server.port);
    const run = await clientRun(client, since, stayMs + 2 * patience);
    tell(++done, clients, "clients while one stays");
    return run;
  });
  clearTimeout(end);
  leave();
  stay.clients.forEach(checkAnswer);
  checkAlive(program, server);
}

/** Step 3: many connections echo one message after another, all at once. */
export async function allAtOnce(
  program: Program,
  server: Running,
  result: ServerResult,
  { clients, loadSeconds }: Options,
  tell: Tell,
): Promise<void> {
  tell(0, clients, "connections at once");
  const before = await footprint(server.pid);
  const since = performance.now();
  const connections = await Promise.all(
    Array.from({ length: clients }, () => connect(server.port)),
  );

  const latency = createHistogram();
  let echoes = 0;
  let wrong = 0;
  let firsts = 0;
  let firstEchoMs = 0;
  let measuring = false;
  let running = true;
  // Until the first echo of all that get one: a server may answer only one of them.
  const expected = program.design === "server" ? 1 : clients;
  let allAnswered = () => {};
  const answered = new Promise<void>((resolve) => (allAnswered = resolve));

  function talk({ socket }: Connection, index: number): void {
    const message = Buffer.from(`robot ${String(index).padStart(8, "0")}`);
    let sent = performance.now();
    let received = Buffer.alloc(0);
    let first = true;
    socket.on("data", (data) => {
      received = received.length ? Buffer.concat([received, data]) : data;
      if (received.length < message.length) return;
      const now = performance.now();
      if (!received.equals(message)) wrong++;
      if (measuring) {
        echoes++;
        latency.record(Math.max(1, Math.round((now - sent) * 1e6)));
      }
      if (first) {
        first = false;
        firstEchoMs = now - since;
        if (++firsts === expected) allAnswered();
      }
      received = Buffer.alloc(0);
      sent = now;
      if (running) socket.write(message);
    });
    socket.write(message);
  }
  connections.forEach(talk);
  const limit = 3 * patience + 100 * clients;
  await within(limit, `the first echo of ${expected} connections`, answered);

  measuring = true;
  const began = performance.now();
  for (let rest = loadSeconds; rest > 0; rest--) {
    tell(firsts, clients, "connections echo at once");
    await sleep(1000 * Math.min(1, rest));
  }
  measuring = running = false;
  const seconds = (performance.now() - began) / 1000;
  const now = await footprint(server.pid);
  checkAlive(program, server);
  const load: Load = {
    connections: clients,
    unanswered: clients - firsts,
    wrong,
    seconds,
    firstEchoMs,
    echoesPerSecond: echoes / seconds,
    p50Ms: latency.percentile(50) / 1e6,
    p99Ms: latency.percentile(99) / 1e6,
    memoryBeforeMB: before.memoryMB,
    memoryWithMB: now.memoryMB,
  };
  if (before.threads !== undefined && now.threads !== undefined)
    Object.assign(load, {
      threadsBefore: before.threads,
      threadsWith: now.threads,
    });
  result.load = load;
  for (const connection of connections) connection.destroy();
  if (wrong)
    throw new Error(`it answers wrongly: ${wrong} of ${echoes} echoes differ`);
}

/** Step 4: Ctrl+C while a client is connected. */
export async function ctrlC(
  server: Running,
  result: ServerResult,
  tell: Tell,
): Promise<void> {
  tell(0, 1, "Ctrl+C");
  if (process.platform === "win32") {
    result.ctrlC = "not on this system";
    return;
  }
  const client = await connect(server.port);
  await answers(client);
  const pressed = performance.now();
  server.kill("SIGINT");
  const reacts = Promise.race([
    client.ended,
    server.saw(/shutting down/, patience),
  ]);
  await within(patience, "a reaction to Ctrl+C", reacts);
  const reacted = performance.now();
  const echoed = await Promise.race([
    client.echo(hello),
    sleep(500).then(() => false),
  ]);
  const disconnected =
    !echoed &&
    (await Promise.race([
      client.ended.then(() => true),
      sleep(500).then(() => false),
    ]));
  client.leave();
  const left = performance.now();
  const exit = await server.exit(patience);
  const tookMs = performance.now() - pressed - (left - reacted);
  const found: CtrlC = { echoed, disconnected, exit, tookMs };
  result.ctrlC = found;
}

/** Has one message echoed; throws when nothing or something else comes back. */
async function answers(connection: Connection): Promise<void> {
  const same = await within(patience, "an echo", connection.echo(hello));
  if (!same) throw new Error("it answers wrongly: the echo differs");
}

function checkAnswer({ outcome, text }: ClientRun): void {
  if (outcome === "no answer") throw new Error(`it hangs: ${text}`);
  if (outcome === "wrong") throw new Error(`it answers wrongly: ${text}`);
}

/** Only lecture1_server may end while clients come. */
function checkAlive({ design }: Program, { ended }: Running): void {
  if (!ended || (design === "server" && ended.code === 0)) return;
  const how = ended.signal ?? `exit code ${ended.code}`;
  if (design === "server" && !ended.signal && ended.code === 1) return;
  throw new Error(`it died: ${how}`);
}

/** Memory in MB, and threads where Linux's /proc tells them. */
async function footprint(pid: number) {
  const { memory } = await pidusage(pid);
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const threads = status.match(/^Threads:\s+(\d+)/m)?.[1];
  return {
    memoryMB: memory / 2 ** 20,
    ...(threads ? { threads: Number(threads) } : {}),
  };
}

/** A transcript without the numbers that differ from run to run. */
function withoutPorts(lines: string[]): string[] {
  return lines.map((line) => line.replace(/\b\d{4,5}\b/g, "PORT"));
}
