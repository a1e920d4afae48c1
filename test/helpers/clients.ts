/**
 * TCP clients of the tests: they send, wait, stall, reset, and look into the
 * kernel.
 */
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { withDeadline } from "../../scripts/waiting.ts";
import { eventually, sockets } from "./harness.ts";

/**
 * Connects to a server on this machine.
 *
 * @param options.reading false leaves what the server sends in the kernel,
 *   until client.socket.resume()
 * @throws the system's error, or Error after 10 seconds
 */
export async function connect(
  port: number,
  { reading = true } = {},
): Promise<Client> {
  const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  if (!reading) socket.pause();
  sockets.add(socket);
  const client = new Client(socket);
  const connected = once(socket, "connect");
  await withDeadline(10_000, `a connection to port ${port}`, connected);
  return client;
}

/** A connection of a test to a server. */
export class Client {
  readonly socket: net.Socket;

  #received: Buffer[] = [];
  #length = 0;
  #end = "";
  /** The socket forgets its port when it is closed. */
  #port: number | undefined;
  /** Emits "change" when bytes arrive and when the stream ends. */
  readonly #events = new EventEmitter().setMaxListeners(0);

  /** Is called by connect() only. */
  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("connect", () => {
      this.#port = socket.localPort;
    });
    socket.on("data", (data) => {
      this.#received.push(data);
      this.#length += data.length;
      this.#events.emit("change");
    });
    socket.on("end", () => this.#ended("FIN"));
    socket.on("close", () => this.#ended("closed here"));
    socket.on("error", ({ code = "" }: NodeJS.ErrnoException) =>
      this.#ended(code),
    );
  }

  #ended(how: string): void {
    this.#end ||= how;
    this.#events.emit("change");
  }

  /** The client's address, as the servers print it. */
  get addr(): string {
    return `('127.0.0.1', ${this.#port})`;
  }

  /** How many bytes have arrived that recv() has not returned. */
  get length(): number {
    return this.#length;
  }

  /** Sends bytes; resolves when all of them have been handed to the kernel. */
  async send(data: Uint8Array | string): Promise<void> {
    await new Promise((taken) => this.socket.write(data, taken));
  }

  /**
   * Waits for exactly `size` bytes.
   *
   * @param ms the deadline, in milliseconds
   * @throws Error when the stream ends before, or the deadline passes
   */
  async recv(size: number, ms = 30_000): Promise<Buffer> {
    const what = `${size} bytes`;
    const isOver = () => this.#length >= size || this.#end !== "";
    await this.#until(what, isOver, ms);
    if (this.#length < size) throw new Error(`${this.#end} instead of ${what}`);
    const all = Buffer.concat(this.#received);
    this.#received = [all.subarray(size)];
    this.#length = all.length - size;
    return all.subarray(0, size);
  }

  /**
   * Waits for the end of the stream.
   *
   * @param ms the deadline, in milliseconds
   * @returns "FIN", or the system's error code
   * @throws Error when the deadline passes
   */
  async endOfStream(ms = 30_000): Promise<string> {
    await this.#until("the end of the stream", () => this.#end !== "", ms);
    return this.#end;
  }

  async #until(what: string, holds: () => boolean, ms: number): Promise<void> {
    const wait = async () => {
      while (!holds()) await once(this.#events, "change");
    };
    const describe = () => `${this.#length} bytes have arrived, ${this.#end}`;
    await withDeadline(ms, what, wait(), describe);
  }

  /** Half-closes: sends FIN, and still receives. */
  sendFin(): void {
    this.socket.end();
  }

  /** Sends RST. */
  sendReset(): void {
    this.socket.resetAndDestroy();
  }
}

/**
 * Sends until the server reads no more, because the client doesn't read its
 * echo.
 *
 * @param limit how many bytes are sent at most; the server is allowed to read
 *   less than half of it
 * @returns all that was sent
 * @throws Error when the server reads all, or half of it
 */
export async function sendUntilBlocked(
  { socket }: Client,
  limit = 48 * 2 ** 20,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let sent = 0; sent < limit; sent += 65536) {
    const piece = Buffer.from(randomBytes(49152).toString("base64"));
    pieces.push(piece);
    const written = new Promise((resolve) => socket.write(piece, resolve));
    const isTaken = await Promise.race([written.then(() => true), sleep(1000)]);
    if (isTaken) continue;

    const taken = socket.bytesWritten - socket.writableLength;
    assert.ok(taken < limit / 2, `the server took ${taken} bytes`);
    return Buffer.concat(pieces);
  }
  throw new Error(`the server took all ${limit} bytes`);
}

/** Sends bytes and asserts that exactly these bytes are echoed. */
export async function expectEcho(
  client: Client,
  data: Uint8Array | string,
): Promise<void> {
  const bytes = Buffer.from(data);
  const [answer] = await Promise.all([
    client.recv(bytes.length),
    client.send(bytes),
  ]);
  if (!answer.equals(bytes)) assert.unreachable("the echo differs");
}

/** Sends FIN and asserts that the server answers with FIN. */
export async function leave(client: Client): Promise<void> {
  client.sendFin();
  assert.is(await client.endOfStream(), "FIN");
}

/** Connects, has one message echoed, and leaves. */
export async function visit(
  port: number,
  message = "Hello, Server!",
): Promise<void> {
  const client = await connect(port);
  await expectEcho(client, message);
  await leave(client);
}

/**
 * How many bytes are unread in the receive queue of each connection of a port,
 * by /proc/net/tcp. Linux only.
 *
 * @param peerPort counts only the connection to this port
 */
export function unreadBytes(port: number, peerPort?: number): number[] {
  const table = readFileSync("/proc/net/tcp", "utf8");
  const local = hexPort(port);
  const peer = peerPort === undefined ? "\\w+" : hexPort(peerPort);
  const established = new RegExp(
    `:${local} (?<peer>\\w+:${peer}) 01 \\w+:(?<queue>\\w+)`,
    "g",
  );
  // While others connect, the kernel can list a connection twice.
  const sizes = new Map<string, number>();
  for (const { groups } of table.matchAll(established))
    sizes.set(groups!.peer!, parseInt(groups!.queue!, 16));
  return [...sizes.values()];
}

/**
 * After how many seconds of silence the kernel asks the peer of each connection
 * of a port whether it is still there, by /proc/net/tcp: keepalive's timer.
 * Linux only.
 */
export function keepaliveSeconds(port: number): number[] {
  const table = readFileSync("/proc/net/tcp", "utf8");
  const queues = "\\w+:\\w+";
  // Timer 2 is keepalive's; its time is in hundredths of a second.
  const established = new RegExp(
    `:${hexPort(port)} \\w+:\\w+ 01 ${queues} 02:(?<time>\\w+)`,
    "g",
  );
  const found = Array.from(table.matchAll(established));
  return found.map(({ groups }) => parseInt(groups!.time!, 16) / 100);
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/**
 * Waits until nothing listens on a port: a server prints its last line a moment
 * before.
 */
export function untilRefused(port: number): Promise<void> {
  return eventually(async () => {
    const code = await connect(port).then(
      () => "connected",
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.is(code, "ECONNREFUSED");
  });
}
