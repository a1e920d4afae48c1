// Lecture 1, exercise 2, the server that goes on for ever: every client gets a
// thread of its own, so many clients are served at the same time.
//
//   npx tsx lecture1_server_forever.ts
//
// Then, in another terminal, as often as you like: npx tsx lecture1_client.ts
// Ctrl+C stops the server when its clients have left, a second one at once.
// Read it beside lecture1_server_forever.py. What Python's library gives for
// nothing (accept, Thread, recv, ...) stands at the end of this file.

import dns from "node:dns/promises";
import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import module from "node:module";
import net from "node:net";
import { freemem, totalmem } from "node:os";
import { inspect, parseArgs } from "node:util";
import { Worker, type MessagePort } from "node:worker_threads";

/** Serves one client, in a thread of its own, which sees nothing else of this file. */
export function handleClient(conn: Connection, addr: string) {
  print(`Connected by ${addr}`);
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true }); // joins a character that recv cut in two
  try {
    while (true) {
      const data = conn.recv(1024); // blocks the thread until bytes arrive, takes 1024 at most
      if (!data) break; // FIN: the client has nothing more to send
      print(`Received from ${addr}: ${utf8.decode(data, { stream: true })}`);
      conn.sendall(data);
    }
  } finally {
    conn.close();
  }
  print(`Connection with ${addr} closed`);
}

/** Accepts clients until Ctrl+C and starts a thread for each. Port 0 takes a free one. */
export async function startServer(host = "127.0.0.1", port = 65432) {
  const s = socket();
  try {
    s.bind(host, port);
    await s.listen(); // from here on TCP does the handshake with whoever comes
    print(`Server listening on ${host}:${s.getsockname().port}`);

    while (true) {
      const [conn, addr] = await s.accept(); // waits for the next client
      const thread = createThread({ target: handleClient, args: [conn, addr] });
      await thread.start();
    }
  } catch (error) {
    if (error !== keyboardInterrupt) throw error;
    print("\nServer is shutting down...");
  } finally {
    s.close();
  }
}

if (isMain()) {
  const { host, port } = parseFlags();
  startServer(host, port).catch(fail);
}

// --- You may stop reading here: what Python's library gives for nothing -----

/** What a thread can do with its client; every call may block the thread, and no other. */
type Connection = ReturnType<typeof threadSide>;
type Thread = { target: typeof handleClient; args: [net.Socket, ...unknown[]] };
type Memory = ReturnType<typeof sharedMemory>;

/** Threads that live at once; further clients wait. Each takes 8 to 12 MB and 5 open files. */
let maxThreads = 200;
let threads = 0;
let script: unknown[] | undefined; // what they run, read once: later no more files may be open

const keyboardInterrupt = new Error("Ctrl+C");
const changes = new EventEmitter(); // tells accept() of a client, a thread's end, Ctrl+C

/** Python's socket.socket(AF_INET, SOCK_STREAM), as far as a server needs it. */
function socket() {
  const server = net.createServer({
    allowHalfOpen: true, // who has sent FIN still gets the rest of its echo
    pauseOnConnect: true, // what comes early lies in the kernel until the first recv()
    noDelay: true, // a small piece doesn't wait (40 ms) until the last one is confirmed
  });
  const backlog: [net.Socket, string][] = []; // connected, and waiting for accept()
  let [bindHost, bindPort] = ["", 0];

  server.on("connection", (client) => {
    const { remoteAddress = "?", remotePort = 0 } = client; // "?": it left before Node could ask
    const addr = `('${remoteAddress}', ${remotePort})`; // as Python prints it
    client.on("error", ({ message }) =>
      complain(`${addr} reset the connection (${message})`),
    );
    backlog.push([client, addr]);
    changes.emit("change");
  });
  process.stdout.on("error", (error) => process.exit(fail(error)));
  process.stderr.on("error", () => {}); // complaints that nobody reads stop nothing

  // The first Ctrl+C wakes accept(), a second one ends the process; npx may pass one on twice.
  let interrupted = false;
  process.on("SIGINT", function interrupt() {
    interrupted = true;
    changes.emit("change");
    setTimeout(() => process.off("SIGINT", interrupt), 500).unref();
  });

  return {
    bind(host: string, port: number) {
      [bindHost, bindPort] = [host, port];
    },

    /** bind(2) and listen(2) are one step in Node. AF_INET: a name is looked up as IPv4. */
    async listen() {
      const { address } = await dns.lookup(bindHost, { family: 4 });
      // Of the files that may be open (ulimit -n), half are for threads, half for who waits.
      const report: any = process.getuid && process.report.getReport(); // Windows and Deno have no limits
      const openFiles = Number(report?.userLimits?.open_files.soft) || Infinity;
      server.maxConnections = openFiles / 2 - 5; // more are disconnected at once
      // Of a container's memory, half; of a machine's what is free: macOS says too little.
      const half = (process.constrainedMemory?.() || Infinity) / 2;
      const free = Math.min(half, Math.max(freemem(), totalmem() / 4));
      maxThreads = Math.ceil(Math.min(maxThreads, openFiles / 12, free / 12e6));
      server.listen(bindPort, address);
      await once(server, "listening");
    },

    getsockname: () => server.address() as net.AddressInfo,

    /** Waits for a client, and for a free thread. Throws when Ctrl+C is pressed. */
    async accept() {
      while (!interrupted && (threads >= maxThreads || backlog.length === 0))
        await once(changes, "change");
      if (interrupted) throw keyboardInterrupt;
      return backlog.shift()!;
    },

    /** Stops listening. Who still waits for accept() gets a reset, as from the kernel. */
    close() {
      for (const [client] of backlog) client.resetAndDestroy();
      server.getConnections((_, n) => {
        if (n) complain(`still connected: ${n}; Ctrl+C again stops at once`);
      });
      server.close();
    },
  };
}

/**
 * Python's threading.Thread: a Worker that runs `target`.
 *
 * A socket can't be given to a Worker, so the main thread keeps it, and the thread sends
 * it a message for each call: "print ...", "recv 1024", "close", and bytes, which only
 * sendall sends: an array or object costs a tenth of the speed. Where a call must wait, the
 * thread sleeps (Atomics.wait) until the answer stands in memory that both share. The
 * main thread never sleeps: it works for all threads, and for whoever connects.
 */
function createThread({ target, args: [client, ...args] }: Thread) {
  const memory = sharedMemory();
  // It gets the text of what it needs: to load this file again takes several times as long.
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    globalThis.__name = (named) => named; // tsx puts calls of it into every function
    const target = require("node:vm").runInThisContext(...workerData.script);
    target((${threadSide})(parentPort, workerData.memory), ...workerData.args);`;

  let ran = false;
  function failed(error: any) {
    if (!ran) maxThreads = Math.max(1, threads - 1); // as many as live
    const told = error instanceof Error ? `${error}` : inspect(error);
    const [what = ""] = told.split("\n");
    const [, line, column] = /file:\S+?:(\d+):(\d+)/.exec(error?.stack) ?? [];
    let more = "";
    if (line) more = ` (lecture1_server_forever.ts:${lineOf(+line, +column!)})`;
    if (!ran) more = `; from now on ${maxThreads} at a time`;
    if (/EMFILE/.test(what)) more += ", ulimit -n may allow more";
    if (/^Reference/.test(what)) more += "; it sees nothing outside itself";
    complain(`the thread of ${args[0]} failed: ${what}${more}`);
  }

  /** A thread's life. One that can't start costs its client, not the server. */
  async function run(running: () => void) {
    threads++;
    await new Promise((ended) => {
      const worker = new Worker(code, {
        eval: true,
        execArgv: [], // not tsx's, which would load it in every thread
        name: `${client.remoteAddress}:${client.remotePort}`,
        workerData: { memory, args, script: (script ??= scriptOf(target)) },
        resourceLimits: { maxYoungGenerationSizeMb: 2 }, // an echo leaves little behind
      });
      worker.on("message", mainSide(client, memory));
      worker.on("online", () => (ran = true)).on("online", running);
      worker.on("error", failed).on("exit", ended);
    }).catch(failed);
    running();
    client.destroySoon();
    threads--;
    changes.emit("change");
  }

  // As in Python start() returns when the thread runs: until then (10 ms) others connect.
  return { start: () => new Promise<void>(run) };
}

/** A function's text, and where it stands: in this file, or in the one line that tsx makes of it. */
function scriptOf(target: typeof handleClient) {
  const text = `(${target})`;
  const filename = import.meta.url;
  const file = readFileSync(new URL(filename), "utf8");
  const [before = ""] = file.split(`function ${target.name}(`);
  const lineOffset = before.split("\n").length - 1;
  if (text.includes("\n")) return [text, { filename, lineOffset }];
  let column = 1;
  while (column < 1e5 && lineOf(1, column) <= lineOffset) column++;
  return [text, { filename: `${filename}?tsx`, columnOffset: column - 2 }];
}

/** The line of this file that something stood in before tsx; all are counted from 1. */
function lineOf(line: number, column: number): number {
  const map: any = module.findSourceMap?.(import.meta.url);
  return (map?.findEntry(line - 1, column - 1).originalLine ?? line - 1) + 1;
}

/** recv's answer: how many bytes (-1: none yet) and which; and how many are still to be written. */
const sharedMemory = () => ({
  length: new Int32Array(new SharedArrayBuffer(4)),
  received: new Uint8Array(new SharedArrayBuffer(65536)),
  unwritten: new Int32Array(new SharedArrayBuffer(4)),
});

/** The thread's side, which runs in the Worker: gives it print() and its connection. */
function threadSide(out: MessagePort, { length, received, unwritten }: Memory) {
  /** Waits while more than 64 KB are to be written: the client or the terminal is slow. */
  function write(message: string | Uint8Array) {
    out.postMessage(message);
    let size = Atomics.add(unwritten, 0, message.length) + message.length;
    for (; size > 65536; size = Atomics.load(unwritten, 0))
      Atomics.wait(unwritten, 0, size);
  }

  const print = (text: string) => write(`print ${text}`);
  Object.assign(globalThis, { print });
  console.log = (...values) => print(values.join(" ")); // its own would wait for a main loop

  return {
    /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
    recv(size: number) {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      length[0] = -1;
      out.postMessage(`recv ${size}`);
      while (Atomics.wait(length, 0, -1) !== "not-equal"); // until there is an answer
      return length[0] > 0 ? received.slice(0, length[0]) : null;
    },

    /** Sends all of data; a client that doesn't read makes the thread wait. */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall takes bytes, not ${{}.toString.call(data)}`);
      write(data);
    },

    /** Sends FIN. */
    close: () => out.postMessage("close"),
  };
}

/** The main thread's side: does what a message asks for; Node's own, with --watch, ask for nothing. */
function mainSide(client: net.Socket, { length, received, unwritten }: Memory) {
  let wanted = 0; // by recv
  client.on("end", receive).on("close", receive);

  function receive() {
    if (wanted === 0) return;
    const data = client.read(Math.min(wanted, 65536, client.readableLength));
    if (!data && !client.readableEnded && !client.destroyed) return;
    wanted = 0;
    if (data) received.set(data);
    Atomics.store(length, 0, data?.length ?? 0);
    Atomics.notify(length, 0);
  }
  function written(size: number) {
    if (Atomics.sub(unwritten, 0, size) > 65536) Atomics.notify(unwritten, 0);
  }

  return (it: unknown) => {
    if (typeof it !== "string" && !(it instanceof Uint8Array)) return;
    const slow = client.writableNeedDrain || printed.length > 65536;
    const done = slow ? () => written(it.length) : undefined;
    const [call, text = ""] = typeof it === "string" ? it.split(/ (.*)/s) : [];
    if (call === "close") client.destroySoon();
    if (call === "print") print(text, done);
    if (typeof it !== "string") client.write(it, done);
    if ((!call || call === "print") && !slow) written(it.length);
    if (call !== "recv") return;
    wanted = +text;
    if (client.listenerCount("readable") === 0) client.on("readable", receive); // from now on Node reads
    receive();
  };
}

/** What is printed and not yet written (a line goes out at once, further ones of a turn together). */
let printed = "";
let writing: Promise<void> | undefined;

/** Python's print; what could drive the terminal is shown as its code: \x1b, \u202e. */
function print(text: string, written?: () => void) {
  const s = `${text}`.replace(/[^\P{Cc}\t\n\r]|\r(?!\n)|\p{Bidi_C}/gu, (c) => {
    const hex = c.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${hex}`.replace("u00", "x");
  });
  printed += `${s}\n`;
  writing ??= (async () => {
    for (let lines = ""; (lines = printed); await new Promise(setImmediate)) {
      printed = "";
      await new Promise((done) => process.stdout.write(lines, done));
    }
    writing = undefined;
  })();
  if (written) writing.then(written);
}

/** Python's `__name__ == "__main__"`: this file was started, as .ts, .js or without, not imported. */
function isMain() {
  const [, started = ""] = process.argv;
  const names = [started, `${started}.ts`, started.replace(/js$/, "ts")];
  const file = realpathSync(names.find((it) => existsSync(it)) ?? ".");
  return file === realpathSync(new URL(import.meta.url));
}

/** One line on stderr. */
function complain(what: string) {
  console.error(`lecture1_server_forever: ${what}`);
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_server_forever.ts [--host HOST] [--port PORT]";
  const [flag, text] = [{ type: "boolean" }, { type: "string" }] as const;
  const options = { help: flag, host: text, port: text };
  try {
    const { help, host, port = "65432" } = parseArgs({ options }).values;
    if (help) process.exit(void console.log(usage));
    if (host === "" || !/^\d+$/.test(port) || +port > 65535)
      throw new Error("--host takes a name, --port 0 (any free) to 65535");
    return { host, port: +port };
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s|\n/);
    complain(`${what}; ${usage}`);
    process.exit(2);
  }
}

/** Says in one line what the system says, and what to do about it; returns the exit code. */
function fail(error: NodeJS.ErrnoException) {
  const { code = "ERR_", message } = error;
  if (code.startsWith("ERR_")) throw error; // not the network's fault but ours: show the stack
  const advice: Record<string, string> = {
    EADDRINUSE: "; stop the program that listens there or take another --port",
    EADDRNOTAVAIL: "; no address of this machine, check --host",
    EACCES: "; below 1024, or reserved by Hyper-V or WSL: take another --port",
    ENOTFOUND: "; unknown host, check --host",
    EAI_AGAIN: "; unknown host, check --host and the network",
    EPIPE: "; nobody reads it any more",
  };
  complain(`${message}${advice[code] ?? ""}`);
  return (process.exitCode = 1);
}
