/** compare's own connections to a server. */
import { once } from "node:events";
import net from "node:net";
import { freemem, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { activeSleep } from "../waiting.ts";
import { expectAnswers, ServerFailure } from "./failure.ts";
import type { Footprint } from "./footprint.ts";
import type { Server } from "./server.ts";
import type { Idle, Visit } from "./result.ts";
import type { Outcome } from "./texts.ts";

export const hello = Buffer.from("Hello, Server!");

/**
 * The outcome of a message. "closed" and "reset": the server has ended the
 * connection, with FIN or RST.
 */
export type Answer = Extract<
  Outcome,
  "answered" | "wrong" | "closed" | "reset"
>;

/** A connection of this process to a server on this machine. */
export class Connection {
  /** Resolves when the handshake is done; rejects with the system's error. */
  readonly connected: Promise<unknown>;
  /**
   * Resolves to "closed" or "reset" when the server has ended the connection.
   */
  readonly ended: Promise<Answer>;

  readonly #socket: net.Socket;
  /** How the server has ended the connection; undefined if it has not. */
  #end: Answer | undefined;
  /** The part of the message whose echo has not arrived. */
  #unechoed: Buffer = Buffer.alloc(0);
  /** Resolves the promise of the last echo(). */
  #answer: (answer: Answer) => void = () => {};

  constructor(port: number) {
    this.#socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    this.connected = once(this.#socket, "connect");
    this.#socket.on("data", (data) => this.#compare(data));
    this.ended = new Promise((resolve) => {
      const end = (how: Answer) => {
        this.#end ??= how;
        this.#answer(this.#end);
        resolve(this.#end);
      };
      this.#socket.on("error", () => end("reset"));
      this.#socket.on("end", () => end("closed"));
      this.#socket.on("close", () => end("closed"));
    });
  }

  /** Whether the server has not ended the connection. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Compares bytes that have arrived with the message that was sent. */
  #compare(data: Buffer): void {
    const expected = this.#unechoed.subarray(0, data.length);
    this.#unechoed = this.#unechoed.subarray(data.length);
    if (!data.equals(expected)) this.#answer("wrong");
    else if (this.#unechoed.length === 0) this.#answer("answered");
  }

  /** Sends a message; resolves to its outcome. */
  echo(message: Buffer): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#end) return resolve(this.#end);
      this.#unechoed = message;
      this.#answer = resolve;
      this.#socket.write(message);
    });
  }

  /** Waits until the connection is open, and has one message echoed. */
  async greet(): Promise<Answer> {
    await this.connected;
    return this.echo(hello);
  }

  /**
   * Sends FIN, and waits for the server's FIN, but not longer than a second.
   */
  async leave(): Promise<void> {
    this.#socket.end();
    await Promise.race([this.ended, sleep(1000, undefined, { ref: false })]);
    this.#socket.destroy();
  }
}

/**
 * Waits until all promises have resolved, or no further one does.
 *
 * @param quietMs how long to wait for the next one, in milliseconds in which
 *   this process isn't suspended
 * @returns the results; undefined for a promise that has not resolved
 * @throws the error of a promise that rejects
 */
export async function resultsUntilQuiet<T>(
  promises: Promise<T>[],
  quietMs: number,
): Promise<(T | undefined)[]> {
  const results: (T | undefined)[] = promises.map(() => undefined);
  let resolved = 0;
  const all = promises.map(async (promise, index) => {
    results[index] = await promise;
    resolved++;
  });

  const done = new AbortController();
  let resolvedBefore: number;
  try {
    do {
      resolvedBefore = resolved;
      const quiet = activeSleep(quietMs, done.signal);
      await Promise.race([Promise.all(all), quiet]);
    } while (resolved > resolvedBefore);
  } finally {
    done.abort();
  }
  return results;
}

/**
 * Opens connections and waits until each has had one echo.
 *
 * @throws ServerFailure if a connection got no echo, or a wrong one
 * @throws the system's error if a connection can't be opened
 */
export async function openConnections(
  { port, patienceMs }: Server,
  count: number,
): Promise<Connection[]> {
  // A listen queue can be too short for more.
  const mostAtOneTime = 100;
  const connections: Connection[] = [];
  while (connections.length < count) {
    const length = Math.min(mostAtOneTime, count - connections.length);
    const more = Array.from({ length }, () => new Connection(port));
    const greetings = more.map((connection) => connection.greet());
    const answers = await resultsUntilQuiet(greetings, patienceMs);
    expectAnswers(answers, { waitedMs: patienceMs });
    connections.push(...more);
  }
  return connections;
}

/** Opens one connection, as openConnections() does. */
export async function openConnection(server: Server): Promise<Connection> {
  const [connection] = await openConnections(server, 1);
  return connection!;
}

/**
 * Connects, has one message echoed, and leaves.
 *
 * @param startMs the time from which the visit's times are counted, by
 *   performance.now()
 * @throws the system's error, unless the server refuses the connection
 */
export async function visit(port: number, startMs: number): Promise<Visit> {
  const elapsedMs = () => performance.now() - startMs;
  const connection = new Connection(port);
  try {
    await connection.connected;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ECONNREFUSED") throw error;
    return { outcome: "refused", reportedMs: elapsedMs() };
  }
  const connectedMs = elapsedMs();
  const outcome = await connection.echo(hello);
  const reportedMs = elapsedMs();
  void connection.leave();
  return { outcome, connectedMs, reportedMs };
}

/**
 * Measures the cost of one more idle client: compares one client with many.
 *
 * @returns undefined if the system can't report a process's memory and threads,
 *   or if the server serves only its first client, or keeps no connection
 */
export async function costOfIdleClient(
  server: Server,
): Promise<Idle | undefined> {
  // The first query itself allocates memory.
  await server.footprint();

  const first = await openConnection(server);
  await settle();
  const withOne = await server.footprint();

  const others = Array.from({ length: 20 }, () => new Connection(server.port));
  const greetings = others.map((connection) => connection.greet());
  const answers = await resultsUntilQuiet(greetings, 1000);
  await settle();
  const withMany = await server.footprint();

  // A server with threads has started none for the others. It has ended the
  // thread of a connection that it has closed.
  if (!first.isOpen) return undefined;
  const served = others.filter(
    (connection, index) => answers[index] === "answered" && connection.isOpen,
  );
  return costPerClient(withOne, withMany, served.length);
}

/** Waits until a server's memory no longer changes. */
function settle(): Promise<void> {
  return sleep(200);
}

/** The cost of each client that has connected between two footprints. */
function costPerClient(
  before: Footprint,
  after: Footprint,
  connections: number,
): Idle | undefined {
  if (connections === 0) return undefined;
  if (before.memoryMB === undefined || after.memoryMB === undefined)
    return undefined;
  if (before.threads === undefined || after.threads === undefined)
    return undefined;
  const moreMB = Math.max(0, after.memoryMB - before.memoryMB);
  const moreThreads = Math.max(0, after.threads - before.threads);
  return {
    connections,
    perClientMB: moreMB / connections,
    perClientThreads: moreThreads / connections,
    threadStartMs: before.threadStartMs,
  };
}

export interface MemoryNeed {
  connections: number;
  /** The cost of one connection to the server; 0 if it isn't known. */
  perClientMB?: number;
  /** The memory that is free; the machine's, unless given. */
  freeMB?: number;
}

/**
 * Checks that there is enough memory for a number of connections.
 *
 * @throws ServerFailure if they would need more than half of the free memory
 */
export function expectMemory({
  connections,
  perClientMB = 0,
  freeMB = freeMemoryMB(),
}: MemoryNeed): void {
  const needMB = connections * perClientMB;
  if (needMB <= freeMB / 2) return;
  const detail = `${Math.round(needMB)} MB > ${Math.round(freeMB)} MB / 2`;
  const failure = new ServerFailure("memory", detail);
  failure.connections = connections;
  throw failure;
}

/**
 * How much memory is free on this machine, or in the container that this
 * process is in.
 */
function freeMemoryMB(): number {
  const bytesPerMB = 2 ** 20;
  // macOS counts only memory that was never used as free.
  const systemBytes = Math.max(freemem(), totalmem() / 4);
  const limitBytes = process.constrainedMemory?.() || Infinity;
  if (limitBytes >= totalmem()) return systemBytes / bytesPerMB;

  // Node 18 knows a container's limit, and not how much of it is left.
  const containerBytes = process.availableMemory?.() ?? limitBytes / 2;
  return Math.min(systemBytes, containerBytes) / bytesPerMB;
}
