/** TCP clients of the tests: they send, wait, stall, reset, and look into the kernel. */
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { within } from "../scripts/processes.ts";
import { eventually, sockets } from "./harness.ts";

export type Client = Awaited<ReturnType<typeof connect>>;

/** Connects to a server on this machine; what the server sends is left unread where that is said. */
export async function connect(port: number, { reading = true } = {}) {
  const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  if (!reading) socket.pause(); // what comes lies in the kernel, until resume()
  sockets.add(socket);
  const changed = new EventEmitter().setMaxListeners(0);
  let received: Buffer[] = [];
  let [length, ended] = [0, ""];
  const end = (how: string) => changed.emit("change", (ended ||= how));
  socket.on("data", (data) => {
    received.push(data);
    length += data.length;
    changed.emit("change");
  });
  socket.on("end", () => end("FIN")).on("close", () => end("closed here"));
  const connected = once(socket, "connect");
  socket.on("error", ({ code }: NodeJS.ErrnoException) => end(code!));
  await within(10_000, `a connection to port ${port}`, connected);

  async function until(what: string, ms: number, holds: () => boolean) {
    const wait = async () => {
      while (!holds()) await once(changed, "change");
    };
    await within(ms, what, wait(), () => `${length} bytes there, ${ended}`);
  }

  return {
    socket,
    /** The client's address as the servers print it. */
    addr: `('127.0.0.1', ${socket.localPort})`,
    /** How many bytes lie here unread by the test. */
    get length() {
      return length;
    },

    /** Sends; resolves when the kernel has taken everything. */
    send: (data: Uint8Array | string) =>
      new Promise<unknown>((resolve) => socket.write(data, resolve)),

    /** Waits for exactly `size` bytes. */
    async recv(size: number, ms = 30_000): Promise<Buffer> {
      const what = `${size} bytes`;
      await until(what, ms, () => length >= size || ended !== "");
      if (length < size) throw new Error(`${ended} instead of ${what}`);
      const all = Buffer.concat(received);
      received = [all.subarray(size)];
      length = all.length - size;
      return all.subarray(0, size);
    },

    /** Waits for the end of the stream: "FIN" or the system's error code. */
    async ending(ms = 30_000): Promise<string> {
      await until("the end of the stream", ms, () => ended !== "");
      return ended;
    },

    /** Sends FIN: nothing more comes from here. */
    fin: () => void socket.end(),

    /** Sends RST. */
    reset: () => void socket.resetAndDestroy(),
  };
}

/**
 * Sends piece after piece until the server takes no more, since nobody reads its echo: a
 * stall, for which it may take not even half of so many bytes. Returns all that was sent.
 */
export async function stall({ socket }: Client, limit = 48 * 2 ** 20) {
  const pieces: Buffer[] = [];
  const taken = () => socket.bytesWritten - socket.writableLength;
  for (let sent = 0; sent < limit; sent += 65536) {
    const piece = Buffer.from(randomBytes(49152).toString("base64"));
    pieces.push(piece);
    const done = new Promise((resolve) => socket.write(piece, resolve));
    const inTime = await Promise.race([done.then(() => true), sleep(1000)]);
    if (inTime) continue;
    assert.ok(taken() < limit / 2, `the server took ${taken()} bytes`);
    return Buffer.concat(pieces);
  }
  throw new Error(`no stall: the server took all ${limit} bytes`);
}

/** Sends data and checks that exactly this comes back. */
export async function echo(client: Client, data: Uint8Array | string) {
  const bytes = Buffer.from(data);
  const [answer] = await Promise.all([
    client.recv(bytes.length),
    client.send(bytes),
  ]);
  if (!answer.equals(bytes)) assert.unreachable("the echo differs");
}

/** Sends FIN, and waits for the server's. */
export async function leave(client: Client) {
  client.fin();
  assert.is(await client.ending(), "FIN");
}

/** Connects, has one message echoed and leaves. */
export async function visit(port: number, message = "Hello, Server!") {
  const client = await connect(port);
  await echo(client, message);
  await leave(client);
}

/** How many bytes of each connection lie unread at a port, as Linux' /proc tells; of one peer where told. */
export function unread(port: number, peer?: number): number[] {
  const hex = (port?: number) =>
    port?.toString(16).toUpperCase().padStart(4, "0") ?? "\\w+";
  const established = `:${hex(port)} (\\w+:${hex(peer)}) 01 \\w+:(\\w+)`;
  const table = readFileSync("/proc/net/tcp", "utf8"); // some are in it twice while others come
  const rows = table.matchAll(new RegExp(established, "g"));
  const sizes = new Map(Array.from(rows, ([, of, size]) => [of, size!]));
  return Array.from(sizes.values(), (size) => parseInt(size, 16));
}

/** Waits until nobody listens on a port any more: a server says goodbye a moment before. */
export function refused(port: number): Promise<void> {
  return eventually(() =>
    connect(port).then(
      () => `port ${port} still accepts`,
      ({ code }) => (code === "ECONNREFUSED" ? "" : `port ${port}: ${code}`),
    ),
  );
}
