/** What every test uses: a suite that cleans up, TCP clients, what is left behind. */
import { randomBytes, randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as uvu from "uvu";
import * as assert from "uvu/assert";
import {
  launch,
  launched,
  patience,
  projectFile,
  stopAll,
  within,
  type Launched,
} from "../scripts/processes.ts";

export type Client = Awaited<ReturnType<typeof connect>>;

/** Why something can't be tested here; false where it can. */
export type Why = string | false;

export const onLinux = process.platform === "linux";
export const notLinux: Why = !onLinux && "it takes Linux' /proc or its tools";

/** A program on Windows can't send another one Ctrl+C. */
export const hasSignals = process.platform !== "win32";
export const noSignals: Why = !hasSignals && "Windows has no signals";

/**
 * The command that runs a program of the project, lecture1_client.ts say. npm test
 * compiles all of them once, and plain node runs that: in a third of the CPU time that
 * the tsx loader takes. What the loader does has tests of its own.
 *
 * @param folder the project, or a copy of it
 */
export const program = (file: string, folder = projectFile(".")) => [
  process.execPath,
  join(folder, file.replace(/ts$/, "js")),
];

/** Starts one of the four scripts, given without .ts. */
export function launchScript(name: string, args: string[] = []): Launched {
  return launch([...program(`${name}.ts`), ...args]);
}

/**
 * Waits until a started server says that it listens.
 *
 * @returns the server, with its port
 * @throws when it ends before, or says nothing for 10 seconds
 */
export async function listening<T extends Launched>(server: T) {
  const [, port] = await server.saw(/^Server listening on .*?(\d+)\)?$/m);
  return Object.assign(server, { port: Number(port) });
}

/** Waits until a text has come so many times on stdout or stderr of a process. */
export function sawTimes(
  script: Launched,
  text: string,
  times: number,
  ms = patience,
) {
  const enough = () => script.all().split(text).length > times;
  return script.until(`${times} times ${text}`, enough, ms);
}

const sockets = new Set<net.Socket>();
const folders = new Set<string>();

process.once("SIGINT", () => process.exit(130)); // and launch ends what it started

/**
 * A uvu suite whose tests leave nothing behind: after each one, failed or not, every
 * client is disconnected, every process ended, every folder removed. A failed test says
 * what the processes had printed.
 */
export function suite(name: string) {
  const suite = uvu.suite(name);
  const add = (title: string, body: () => Promise<void>) =>
    suite(title, async () => {
      try {
        await within(120_000, "the test's end", body());
      } catch (error) {
        const reports = launched().map((script) => script.report());
        (error as Error).message += `\n${reports.join("\n")}`;
        throw error;
      } finally {
        for (const socket of sockets) socket.destroy();
        sockets.clear();
        await stopAll();
        // On Windows it may take a moment until nobody has a file of it open.
        const options = { recursive: true, force: true, maxRetries: 5 };
        for (const folder of folders) await rm(folder, options);
        folders.clear();
      }
    });
  /** As the test itself; where there is a reason it counts as skipped, and the reason is said. */
  const unless = (why: Why): typeof add => {
    if (!why) return add;
    return (title) => {
      console.log(`skipped, since ${why}: ${name}: ${title}`);
      suite.skip(title);
    };
  };
  const { after, run } = suite;
  return Object.assign(add, { unless, after, run });
}

/** A new folder, whose path begins like that; it is removed after the test. */
export async function temporaryFolder(
  begin = join(tmpdir(), "lecture1-test-"),
): Promise<string> {
  const folder = await mkdtemp(begin);
  folders.add(folder);
  return folder;
}

/**
 * Connects to a server on this machine.
 *
 * @param port the server's TCP port
 * @param options reading: false leaves what the server sends unread
 */
export async function connect(port: number, { reading = true } = {}) {
  const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  if (!reading) socket.pause(); // what comes lies in the kernel, until resume()
  sockets.add(socket);
  const changed = new EventEmitter().setMaxListeners(0);
  let received: Buffer[] = [];
  let length = 0;
  let ending: string | undefined;

  const end = (how: string) => {
    ending ??= how;
    changed.emit("change");
  };
  socket.on("data", (data) => {
    received.push(data);
    length += data.length;
    changed.emit("change");
  });
  socket.on("end", () => end("FIN"));
  socket.on("close", () => end("closed here"));
  const connected = once(socket, "connect");
  socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? ""));
  await within(10_000, `a connection to port ${port}`, connected);

  async function until(what: string, ms: number, holds: () => boolean) {
    const wait = async () => {
      while (!holds()) await once(changed, "change");
    };
    await within(ms, what, wait(), () => `${length} bytes there, ${ending}`);
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
    send(data: Uint8Array | string): Promise<void> {
      return new Promise((resolve) => socket.write(data, () => resolve()));
    },

    /** Waits for exactly `size` bytes. */
    async recv(size: number, ms = 30_000): Promise<Buffer> {
      const what = `${size} bytes`;
      await until(what, ms, () => length >= size || ending !== undefined);
      if (length < size) throw new Error(`${ending} instead of ${what}`);
      const all = Buffer.concat(received);
      received = [all.subarray(size)];
      length = all.length - size;
      return all.subarray(0, size);
    },

    /** Waits for the end of the stream: "FIN" or the system's error code. */
    async ending(ms = 30_000): Promise<string> {
      await until("the end of the stream", ms, () => ending !== undefined);
      return ending ?? "";
    },

    /** Sends FIN: nothing more comes from here. */
    fin(): void {
      socket.end();
    },

    /** Sends RST. */
    reset(): void {
      socket.resetAndDestroy();
    },
  };
}

/**
 * Sends piece after piece until the server takes no more, since nobody reads what it
 * sends back: a stall, which has to happen before all is sent.
 *
 * @param limit the bytes of which the server may take not even half
 * @returns all that was sent
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

/**
 * Looks again and again, for 10 seconds at most, since other tests may have the cores.
 *
 * @param look says what is wrong, nothing where all is well
 */
export async function eventually(look: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (let wrong = await look(); wrong; wrong = await look()) {
    if (performance.now() > deadline) throw new Error(`after 10 s: ${wrong}`);
    await sleep(20);
  }
}

/**
 * Reads from Linux' /proc how many bytes lie unread in the kernel.
 *
 * @param port of the side that doesn't read
 * @param peer the other side's port; any unless told
 * @returns a number for each connection
 */
export async function unread(port: number, peer?: number): Promise<number[]> {
  const hex = (port?: number) =>
    port?.toString(16).toUpperCase().padStart(4, "0") ?? "\\w+";
  const established = `:${hex(port)} \\w+:${hex(peer)} 01 \\w+:(\\w+)`;
  const table = await readFile("/proc/net/tcp", "utf8");
  const rows = table.matchAll(new RegExp(established, "g"));
  return Array.from(rows, ([, size]) => parseInt(size!, 16));
}

/**
 * Starts a program that starts others: all of them inherit a mark in their
 * environment, so that left() can find what the program leaves behind.
 *
 * @param env added to the environment
 */
export function launchMarked(command: string[], env: NodeJS.ProcessEnv = {}) {
  const mark = randomUUID();
  const marked = { ...process.env, ...env, LECTURE1_MARK: mark };
  return Object.assign(launch(command, marked), { mark });
}

/** The processes that still carry the mark, each with its number and command; Linux only. */
export async function left(mark: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = (pid: string, file: string) =>
    readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (!(await read(pid, "environ")).includes(mark)) return "";
      return `${pid} ${(await read(pid, "cmdline")).replaceAll("\0", " ")}`;
    }),
  );
  return found.filter(Boolean);
}

/**
 * Asserts that no process carries the mark any more. One that was ended by another
 * may take a moment: tshark's dumpcap, esbuild under the tsx loader. Linux only.
 */
export async function noneLeft(mark: string): Promise<void> {
  if (!onLinux) return;
  await eventually(async () => {
    const found = await left(mark);
    return found.length ? `left behind: ${found.join("; ")}` : "";
  });
}
