/**
 * A relay between the client program and a server: it passes on the bytes, FIN
 * and RST of each to the other, and sees whether the server answers. The
 * output of the programs doesn't matter: a learner may have changed it.
 */
import { once } from "node:events";
import net from "node:net";
import { shortened } from "../visible.ts";
import { withDeadline } from "../waiting.ts";
import type { Outcome } from "./texts.ts";

const host = "127.0.0.1";

/** How a program has ended its side of a connection: with FIN or RST. */
type End = "closed" | "reset";

/**
 * The side that has closed or reset a connection first. The other side only
 * reacts.
 */
type Side = "client" | "server";

/** Listens for the client program, and connects it to a server. */
export class Relay {
  /** The port on which the relay listens. */
  port = 0;

  /** The data of each connection; empty if the client has not connected. */
  readonly exchanges: Exchange[] = [];

  readonly #listener: net.Server;

  /** @param serverPort the port on which the server listens */
  static async listen(serverPort: number): Promise<Relay> {
    const relay = new Relay(serverPort);
    relay.#listener.listen(0, host);
    await once(relay.#listener, "listening");
    relay.port = (relay.#listener.address() as net.AddressInfo).port;
    return relay;
  }

  private constructor(serverPort: number) {
    const options = { allowHalfOpen: true, noDelay: true };
    this.#listener = net.createServer(options, (client) => {
      this.exchanges.push(new Exchange(client, serverPort));
    });
  }

  /**
   * Waits until the connections are over. The client program has exited before.
   *
   * @param ms how long to wait for the server, in milliseconds
   */
  async over(ms: number): Promise<void> {
    const overs = this.exchanges.map((exchange) => exchange.over);
    try {
      await withDeadline(ms, "the end of the connections", Promise.all(overs));
    } catch {
      // The exchanges show what is missing.
    }
  }

  /** Stops listening, and destroys the connections. */
  close(): void {
    this.#listener.close();
    for (const exchange of this.exchanges) exchange.destroy();
  }
}

/**
 * The most bytes that are on their way at a time. The relay then stops reading
 * from the client until the server has sent some of them back.
 */
const maxUnechoedBytes = 16 * 2 ** 20;

/** How many bytes of a message are shown on each side of a difference. */
const shownBytes = 20;

/** A connection of the client program, and its connection to the server. */
export class Exchange {
  /** Resolves when nothing more can come back from the server. */
  readonly over: Promise<void>;

  readonly #client: net.Socket;
  readonly #server: net.Socket;
  #isRefused = false;
  #firstEnd: Side | undefined;
  readonly #ends: Partial<Record<Side, End>> = {};
  #sentBytes = 0;
  #echoedBytes = 0;
  /** The bytes that the client has sent and the server has not sent back. */
  #unechoed: Buffer = Buffer.alloc(0);
  /** The end of the bytes that the server has sent back. */
  #lastEchoed: Buffer = Buffer.alloc(0);
  /** The server's bytes from the first wrong one; undefined if none is wrong. */
  #wrong: Buffer | undefined;
  #resolveOver = () => {};

  constructor(client: net.Socket, serverPort: number) {
    const options = { allowHalfOpen: true, noDelay: true };
    const server = net.connect({ host, port: serverPort, ...options });
    this.#client = client;
    this.#server = server;
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });

    client.on("data", (data) => this.#onClientData(data));
    client.on("drain", () => server.resume());
    client.on("end", () => this.#onEnd("client", "closed"));
    client.on("error", () => this.#onEnd("client", "reset"));
    server.on("data", (data) => this.#onServerData(data));
    server.on("drain", () => this.#resumeClient());
    server.on("end", () => this.#onEnd("server", "closed"));
    server.on("error", ({ code }: NodeJS.ErrnoException) => {
      this.#isRefused = code === "ECONNREFUSED";
      this.#onEnd("server", "reset");
    });
  }

  #onClientData(data: Buffer): void {
    if (this.#server.writable) this.#server.write(data);
    this.#sentBytes += data.length;
    // After a wrong byte, only the bytes that difference() shows are of use.
    const isShown = this.#unechoed.length <= 2 * shownBytes;
    if (!this.#wrong || isShown)
      this.#unechoed = Buffer.concat([this.#unechoed, data]);
    this.#client.pause();
    this.#resumeClient();
  }

  /** Reads from the client again if not too many bytes are on their way. */
  #resumeClient(): void {
    const isTooMuch = this.#unechoed.length > maxUnechoedBytes;
    if (!isTooMuch && !this.#server.writableNeedDrain) this.#client.resume();
  }

  /** TCP is a stream: the pieces can differ from those that were sent. */
  #onServerData(data: Buffer): void {
    const hasRoom = !this.#client.writable || this.#client.write(data);
    if (!hasRoom) this.#server.pause();
    if (this.#wrong) return;

    const rightBytes = commonLength(data, this.#unechoed);
    this.#echoedBytes += rightBytes;
    this.#unechoed = this.#unechoed.subarray(rightBytes);
    const echoed = [this.#lastEchoed, data.subarray(0, rightBytes)];
    this.#lastEchoed = Buffer.concat(echoed).subarray(-shownBytes);
    if (rightBytes < data.length) this.#wrong = data.subarray(rightBytes);
    this.#resumeClient();
    this.#checkWhetherOver();
  }

  #onEnd(side: Side, end: End): void {
    this.#firstEnd ??= side;
    this.#ends[side] = end;
    const other = side === "client" ? this.#server : this.#client;
    if (end === "closed") other.end();
    else other.resetAndDestroy();
    this.#checkWhetherOver();
  }

  #checkWhetherOver(): void {
    const { client, server } = this.#ends;
    const needsNoMore = this.#wrong || this.#unechoed.length === 0;
    if (server || client === "reset" || (client && needsNoMore))
      this.#resolveOver();
  }

  /**
   * What happened to the client's message. It is answered if all its bytes have
   * been echoed, in any pieces. If the client has reset the connection earlier,
   * the bytes that had been echoed by then are enough.
   *
   * @returns "failed" if the client has sent nothing, or has not waited
   */
  outcome(): Outcome {
    const { client, server } = this.#ends;
    if (this.#isRefused) return "refused";
    if (this.#wrong) return "wrong";
    const hasEcho = this.#echoedBytes > 0;
    if (this.hasSent && this.#unechoed.length === 0) return "answered";

    const isByClient = this.#firstEnd === "client";
    if (!this.hasSent && (isByClient || !server)) return "failed";
    if (isByClient && client === "reset")
      return hasEcho ? "answered" : "failed";
    if (!server) return "no answer";
    // The server has closed and kept a part of the message.
    if (server === "closed" && hasEcho) return "wrong";
    return server;
  }

  /** Whether the client has sent a byte. */
  get hasSent(): boolean {
    return this.#sentBytes > 0;
  }

  /**
   * The sent bytes and the received ones, near the first difference:
   * "Hello" → "Hullo".
   */
  difference(): string {
    const { length } = this.#lastEchoed;
    const before = length < this.#echoedBytes ? "…" : "";
    const sent = excerpt([this.#lastEchoed, this.#unechoed]);
    const received = excerpt([
      this.#lastEchoed,
      this.#wrong ?? Buffer.alloc(0),
    ]);
    return `${before}${sent} → ${before}${received}`;
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** How many bytes at the start of two buffers are the same. */
function commonLength(one: Buffer, other: Buffer): number {
  const length = Math.min(one.length, other.length);
  if (one.subarray(0, length).equals(other.subarray(0, length))) return length;
  let index = 0;
  while (one[index] === other[index]) index++;
  return index;
}

/** The beginning of some bytes, as text in quotation marks. */
function excerpt(parts: Buffer[]): string {
  const bytes = Buffer.concat(parts).subarray(0, 2 * shownBytes + 1);
  return JSON.stringify(shortened(bytes.toString(), 2 * shownBytes));
}
