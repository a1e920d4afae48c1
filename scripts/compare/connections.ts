/** Connections of compare itself, and what they make the server do. */
import { once } from "node:events";
import net from "node:net";
import { freemem, totalmem } from "node:os";
import { createHistogram } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { activeSleep } from "../waiting.ts";
import { expectAnswers, failed } from "./failure.ts";
import type { Server } from "./programs.ts";
import type { Idle, Load, Visit } from "./result.ts";
import type { Outcome } from "./texts.ts";

export const hello = Buffer.from("Hello, Server!");

/** What comes of a message; the last two: the server ended the connection, by FIN or RST. */
type Answer = Extract<Outcome, "answered" | "wrong" | "closed" | "reset">;

/** A connection of this process to a server. */
export type Connection = ReturnType<typeof open>;

/** Opens a connection to a server on this machine. */
function open(port: number) {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  let ending: Answer | undefined;
  let missing: Buffer = Buffer.alloc(0); // what has not yet come back
  let tell = (_: Answer) => {};

  const ended = new Promise<Answer>((resolve) => {
    function end(how: Answer): void {
      tell((ending ??= how));
      resolve(ending);
    }
    socket.on("error", () => end("reset"));
    socket.on("end", () => end("closed")).on("close", () => end("closed"));
  });
  socket.on("data", (data) => {
    const same = data.equals(missing.subarray(0, data.length));
    missing = missing.subarray(data.length);
    if (!same) tell("wrong");
    else if (missing.length === 0) tell("answered");
  });

  return {
    /** When it is connected; rejects with the system's error. */
    connected: once(socket, "connect"),
    /** How the server ended it. */
    ended,
    /** Sends a message and tells what comes of it. */
    echo: (message: Buffer): Promise<Answer> =>
      new Promise((resolve) => {
        if (ending) return resolve(ending);
        [missing, tell] = [message, resolve];
        socket.write(message);
      }),
    /** Sends FIN, and waits for the server's, but not for ever. */
    async leave(): Promise<void> {
      socket.end();
      await Promise.race([ended, sleep(1000, undefined, { ref: false })]);
      socket.destroy();
    },
  };
}

/**
 * Waits until all have come, or no more does.
 *
 * @param quietMs how long nothing comes then, in ms in which this process isn't stopped
 * @returns what has come; undefined in the place of what has not
 */
export async function arrivals<T>(awaited: Promise<T>[], quietMs: number) {
  const came = awaited.map((): T | undefined => undefined);
  let count = 0;
  const all = awaited.map(async (one, index) => {
    came[index] = await one;
    count++;
  });
  const done = new AbortController();
  for (let before = -1; before < count;) {
    before = count;
    const quiet = activeSleep(quietMs, done.signal);
    await Promise.race([Promise.all(all), quiet]);
  }
  done.abort();
  return came;
}

async function greet({ connected, echo }: Connection): Promise<Answer> {
  await connected;
  return echo(hello);
}

/**
 * So many connections, each of which has had an echo.
 *
 * @throws the system's error, or what it says about the server where one has had none
 */
export async function greeted({ port, patienceMs }: Server, count: number) {
  const connections: Connection[] = [];
  while (connections.length < count) {
    const some = Math.min(100, count - connections.length); // a listen queue may hold no more
    const more = Array.from({ length: some }, () => open(port));
    connections.push(...more);
    expectAnswers(await arrivals(more.map(greet), patienceMs), patienceMs);
  }
  return connections;
}

/** A client that comes, sends one message, and leaves. */
export async function visit(port: number, ms: () => number): Promise<Visit> {
  const { connected, echo, leave } = open(port);
  function refused(error: NodeJS.ErrnoException): undefined {
    if (error.code !== "ECONNREFUSED") throw error;
  }
  const connectedMs = await connected.then(ms, refused);
  const outcome = connectedMs === undefined ? "refused" : await echo(hello);
  void leave();
  return { outcome, connectedMs, reportedMs: ms() };
}

/**
 * What one more idle client takes: with the first one, and with many more.
 *
 * @returns undefined where the system doesn't tell, or nobody but the first is served
 */
export async function priceOfOne(server: Server): Promise<Idle | undefined> {
  await server.footprint(); // to be asked the first time takes memory itself
  await greeted(server, 1);
  await sleep(200); // until it has settled
  const one = await server.footprint();
  const others = Array.from({ length: 20 }, () => greet(open(server.port)));
  const answers = await arrivals(others, 1000);
  await sleep(200);
  const all = await server.footprint();
  const connections = answers.filter((it) => it === "answered").length; // for others there was no thread
  const each = (all = NaN, one = NaN) => Math.max(0, all - one) / connections;
  const perClientMB = each(all.memoryMB, one.memoryMB);
  if (!Number.isFinite(perClientMB)) return undefined;
  const perClientThreads = each(all.threads, one.threads);
  const { threadStartMs } = one;
  return { connections, perClientMB, perClientThreads, threadStartMs };
}

/**
 * All connections send one message after another, each as soon as its last one is back.
 *
 * @param secondsEach how long each window is, longer where that is too short for an echo of each
 * @param windowCount an odd number of them, which show how far the figures can be trusted
 * @throws what it says about the server where an echo doesn't come or isn't right
 */
export async function echoAtOnce(
  connections: Connection[],
  server: Server,
  secondsEach: number,
  windowCount: number,
): Promise<Load> {
  const latency = createHistogram();
  const sentMs = connections.map(() => 0);
  let [echoes, going] = [0, true];

  async function talk({ echo }: Connection, index: number): Promise<Answer> {
    const message = Buffer.from(`robot ${String(index).padStart(8, "0")}`);
    while (going) {
      const sent = (sentMs[index] = performance.now());
      const answer = await echo(message);
      if (answer !== "answered") return answer;
      latency.record(Math.ceil((performance.now() - sent) * 1e6));
      echoes++;
    }
    return "answered";
  }

  const taken = async () => ({ ...(await server.footprint()), echoes });
  async function measure(): Promise<Load> {
    const warmUp = connections.length === 1 ? 300 : 100; // a new server isn't yet as fast as it can be
    await sleep(Math.min(warmUp, secondsEach * 5000)); // no longer than five windows
    const start = await taken();
    latency.reset();
    const windows: Load["windows"] = [];
    while (windows.length < windowCount) {
      const [began, before] = [performance.now(), echoes];
      let seconds = 0;
      do {
        await sleep(secondsEach * 1000);
        seconds = (performance.now() - began) / 1000;
      } while (echoes - before < connections.length && seconds < 10);
      if (echoes === before) throw failed("hangs", `${seconds.toFixed()} s`);
      windows.push({ seconds, echoesPerSecond: (echoes - before) / seconds });
      server.dropOutput();
    }
    const oldestMs = performance.now() - Math.min(...sentMs);
    const end = await taken();
    const cpu = end.cpuSeconds! - start.cpuSeconds! || undefined; // or less than Linux counts
    const ms = (percent: number) => latency.percentile(percent) / 1e6;
    const rates = windows.map(({ echoesPerSecond }) => echoesPerSecond);
    const seconds = windows.reduce((sum, window) => sum + window.seconds, 0);
    return {
      ...{ connections: connections.length, seconds, windows },
      echoesPerSecond: rates.sort((a, b) => a - b)[(windowCount - 1) / 2]!,
      ...{ p50Ms: ms(50), p99Ms: ms(99) },
      oldestWaitMs: Math.max(ms(100), oldestMs),
      coresUsed: cpu && cpu / seconds,
      cpuPerEchoUs: cpu && (cpu * 1e6) / (end.echoes - start.echoes),
    };
  }

  const talks = connections.map(talk);
  const measured = measure();
  await Promise.race([measured, Promise.all(talks)]); // these end when all are cut off
  going = false;
  expectAnswers(await arrivals(talks, server.patienceMs), server.patienceMs);
  return measured;
}

/** Checks that so many connections, of which one takes that, do with half of the free memory. */
export function expectMemory(
  count: number,
  { perClientMB = 0 }: Partial<Idle> = {},
  freeMB = freeMemoryMB(),
): void {
  const needMB = count * perClientMB;
  if (needMB <= freeMB / 2) return;
  const detail = `${Math.round(needMB)} MB > ${Math.round(freeMB)} MB / 2`;
  throw Object.assign(failed("memory", detail), { beyond: count });
}

/** Megabytes of memory that are free, as far as the system or a container tells. */
function freeMemoryMB(): number {
  const system = Math.max(freemem(), totalmem() / 4); // macOS calls free what nobody ever used
  const limit = process.constrainedMemory?.() || Infinity;
  const container = process.availableMemory?.() ?? limit / 2; // Node 18 doesn't know it
  return Math.min(system, limit < totalmem() ? container : Infinity) / 2 ** 20;
}
