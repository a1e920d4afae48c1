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
import net from "node:net";
import { parseArgs } from "node:util";
import { Worker, type MessagePort } from "node:worker_threads";

/** Serves one client, in a thread of its own, which sees nothing else of this file. */
export function handleClient(conn: Connection, addr: string) {
  print(`Connected by ${addr}`);
  const utf8 = new TextDecoder(); // joins a character that recv cut in two
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

const keyboardInterrupt = new Error("Ctrl+C");

/** Threads that live at once; further clients wait. Each takes 8 to 12 MB and 5 open files. */
let maxThreads = 200;
let threads = 0;
let script: unknown[] | undefined; // what they run, read once: later no more files may be open

/** Tells accept() of a new client, of the end of a thread, and of Ctrl+C. */
const changes = new EventEmitter();

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
    const addr = addressText(client);
    client.on("error", ({ message }) =>
      complain(`${addr} reset the connection (${message})`),
    );
    backlog.push([client, addr]);
    changes.emit("change");
  });
  process.stdout.on("error", (error) => process.exit(fail(error)));
  process.stderr.on("error", () => {}); // complaints that nobody reads stop nothing

  // The first Ctrl+C wakes accept(), a second one ends the process at once. npx and
  // tsx may pass one on twice: within half a second it counts as the same.
  let interrupted = false;
  function interrupt() {
    interrupted = true;
    changes.emit("change");
    setTimeout(() => process.off("SIGINT", interrupt), 500).unref();
  }
  process.on("SIGINT", interrupt);

  return {
    bind(host: string, port: number) {
      [bindHost, bindPort] = [host, port];
    },

    /** bind(2) and listen(2) are one step in Node. AF_INET: a name is looked up as IPv4. */
    async listen() {
      const { address } = await dns.lookup(bindHost, { family: 4 });
      // Of the files that may be open (ulimit -n), half are for threads, half for who waits.
      const report: any = process.getuid && process.report.getReport(); // Windows and Deno have no limits
      const openFiles = Number(report?.userLimits?.open_files.soft); // or "unlimited"
      if (openFiles < 2400) maxThreads = Math.ceil(openFiles / 12);
      server.maxConnections = openFiles / 2 - 5; // more are disconnected at once
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
        if (n > 0)
          complain(`still connected: ${n}; Ctrl+C again stops at once`);
      });
      server.close();
    },
  };
}

/**
 * Python's threading.Thread: a Worker that runs `target`.
 *
 * A socket can't be given to a Worker, so the main thread keeps it. For each call the
 * thread sends it a message: a text to print, bytes to send, the number of bytes to
 * receive, null for FIN. Where a call must wait, the thread sleeps (Atomics.wait) until
 * the answer stands in memory that both share. The main thread never sleeps: it works
 * for all threads, and for whoever connects: on macOS the kernel's queue holds 128.
 */
function createThread({ target, args: [client, ...args] }: Thread) {
  const memory = sharedMemory();
  // The Worker gets the text of the functions it needs: loading this file again in
  // every thread would take several times as long.
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { memory, args, script } = workerData;
    globalThis.__name = (named) => named; // tsx puts calls of it into every function
    const target = require("node:vm").runInThisContext(...script);
    target((${threadSide})(parentPort, memory), ...args);`;

  let ran = false;
  function failed({ name, message }: Error) {
    if (!ran) maxThreads = Math.max(1, threads - 1); // as many as live
    let advice = ran ? "" : `; from now on ${maxThreads} at a time`;
    if (/EMFILE/.test(message)) advice += ", ulimit -n may allow more";
    if (name === "ReferenceError") advice = "; it sees nothing outside itself";
    complain(`the thread of ${args[0]} failed: ${name}: ${message}${advice}`);
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

/** A function's text, and where it stands in this file, for the debugger; tsx doesn't keep the lines. */
function scriptOf(target: typeof handleClient) {
  const text = `(${target})`;
  const file = readFileSync(import.meta.filename, "utf8");
  const [before = ""] = file.split(`function ${target.name}(`);
  const lineOffset = before.split("\n").length - 1;
  const place = { filename: import.meta.url, lineOffset };
  return text.includes("\n") ? [text, place] : [text];
}

/** recv's answer: how many bytes (-1: none yet) and which; and how many are still to be written. */
const sharedMemory = () => ({
  length: new Int32Array(new SharedArrayBuffer(4)),
  received: new Uint8Array(new SharedArrayBuffer(65536)),
  unwritten: new Int32Array(new SharedArrayBuffer(4)),
});

/** The thread's side, which runs in the Worker: gives it print() and its connection. */
function threadSide(mainThread: MessagePort, memory: Memory) {
  const { length, received, unwritten } = memory;

  /** Waits while more than 64 KB are to be written: the client or the terminal is slow. */
  function write(data: string | Uint8Array) {
    mainThread.postMessage(data);
    let size = Atomics.add(unwritten, 0, data.length) + data.length;
    for (; size > 65536; size = Atomics.load(unwritten, 0))
      Atomics.wait(unwritten, 0, size);
  }

  const print = (text: string) => write(`${text}`);
  Object.assign(globalThis, { print });
  console.log = (...values) => print(values.join(" ")); // its own would wait for a main loop

  return {
    /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
    recv(size: number) {
      length[0] = -1;
      mainThread.postMessage(size);
      while (Atomics.wait(length, 0, -1) !== "not-equal"); // until there is an answer
      return length[0] > 0 ? received.slice(0, length[0]) : null;
    },

    /** Sends all of data; a client that doesn't read makes the thread wait. */
    sendall: (data: Uint8Array) => write(data),

    /** Sends FIN. */
    close: () => mainThread.postMessage(null),
  };
}

/** The main thread's side: does what a message asks for. */
function mainSide(client: net.Socket, memory: Memory) {
  const { length, received, unwritten } = memory;
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

  async function write(data: string | Uint8Array) {
    if (typeof data === "string") {
      print(data);
      if (printed.length > 65536) await writing;
    } else if (!client.destroyed && !client.write(data))
      await once(client, "drain").catch(() => {}); // it failed: then recv ends, too
    Atomics.sub(unwritten, 0, data.length);
    Atomics.notify(unwritten, 0);
  }

  return (message: string | Uint8Array | number | null) => {
    if (message === null) return client.destroySoon();
    if (typeof message !== "number") return write(message);
    wanted = message;
    if (client.listenerCount("readable") === 0) client.on("readable", receive); // from now on Node reads
    receive();
  };
}

/** The text Python prints for an address; "?" for a client that left before Node could ask. */
function addressText({ remoteAddress = "?", remotePort = 0 }: net.Socket) {
  return `('${remoteAddress}', ${remotePort})`;
}

/** What is printed but not yet written, and the end of its writing. */
let printed = "";
let writing: Promise<void> | undefined;

/**
 * Python's print; control codes are shown as \x1b, so they can't drive the terminal.
 * The first line doesn't wait; further lines of a turn of the event loop go out together.
 */
function print(text: string) {
  const visible = text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  printed += `${visible}\n`;
  writing ??= writeLines();
}

async function writeLines() {
  while (printed) {
    const lines = printed;
    printed = "";
    await new Promise((resolve) => process.stdout.write(lines, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  writing = undefined;
}

/** Python's `__name__ == "__main__"`: this file was started, with or without its .ts, not imported. */
function isMain() {
  const [, started = ""] = process.argv;
  const file = existsSync(started) ? started : `${started}.ts`;
  return existsSync(file) && realpathSync(file) === import.meta.filename;
}

/** One line on stderr. */
function complain(what: string) {
  console.error(`lecture1_server_forever: ${what}`);
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_server_forever.ts [--host HOST] [--port PORT]";
  const options = {
    help: { type: "boolean" },
    host: { type: "string" },
    port: { type: "string", default: "65432" },
  } as const;
  try {
    const { help, host, port } = parseArgs({ options }).values;
    if (help) {
      console.log(usage);
      process.exit(0);
    }
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
  const { code, message } = error;
  if (!code) throw error; // not the network's fault but ours: show the stack
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
