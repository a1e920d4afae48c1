// Lecture 1, exercise 2, the server that runs forever: each client gets its own
// thread, so many clients are served at the same time.
//
//   npx tsx lecture1_server_forever.ts
//
// Then, in another terminal, as often as you like: npx tsx lecture1_client.ts
// Ctrl+C stops the server after its clients have left, a second one
// immediately. Read it beside lecture1_server_forever.py. What Python's library
// gives for nothing (accept, Thread, recv, ...) stands at the end of this file.

import dns from "node:dns/promises";
import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import module from "node:module";
import net from "node:net";
import { freemem, totalmem } from "node:os";
import { inspect, parseArgs } from "node:util";
import { Worker, type MessagePort } from "node:worker_threads";

/**
 * Serves one client in its own thread, which can't use anything else in this
 * file.
 */
export function handleClient(conn: Connection, addr: string) {
  print(`Connected by ${addr}`);
  // Joins a character that was split across two reads.
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    while (true) {
      const data = conn.recv(1024); // blocks this thread until data arrives
      if (!data) break; // FIN: the client has nothing more to send
      print(`Received from ${addr}: ${utf8.decode(data, { stream: true })}`);
      conn.sendall(data);
    }
  } finally {
    conn.close();
  }
  print(`Connection with ${addr} closed`);
}

/** Starts a thread for every client, until Ctrl+C. Port 0 picks a free port. */
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

const keyboardInterrupt = new Error("Ctrl+C");

/** Wakes accept(): a client has connected, a thread has ended, or Ctrl+C. */
const changes = new EventEmitter();

/** The number of threads, and how many there may be. Further clients wait. */
let threads = 0;
let maxThreads = 200;

/** What a server needs of Python's socket.socket(AF_INET, SOCK_STREAM). */
function socket() {
  const server = net.createServer({
    // A client that has sent FIN still gets the rest of its echo.
    allowHalfOpen: true,
    // Data that arrives early stays in the kernel until the first recv().
    pauseOnConnect: true,
    // No Nagle: a small piece is sent without waiting (up to 40 ms) for the
    // acknowledgment of the previous one.
    noDelay: true,
  });
  // Accepted by Node, not yet by accept(); each with its address.
  const waiting: [net.Socket, string][] = [];
  let bindHost = "";
  let bindPort = 0;

  server.on("connection", (client) => {
    // "?": the client left before Node could ask for its address.
    const { remoteAddress = "?", remotePort = 0 } = client;
    const addr = `('${remoteAddress}', ${remotePort})`; // as Python prints it
    client.on("error", ({ message }) =>
      complain(`${addr} reset the connection (${message})`),
    );
    waiting.push([client, addr]);
    changes.emit("change");
  });
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });
  // A closed stderr must not stop the server.
  process.stderr.on("error", () => {});

  // The first Ctrl+C wakes accept(), a second one kills the process. npx may
  // deliver the same one twice: within half a second it counts once.
  let isInterrupted = false;
  process.on("SIGINT", function interrupt() {
    isInterrupted = true;
    changes.emit("change");
    setTimeout(() => process.off("SIGINT", interrupt), 500).unref();
  });

  return {
    bind(host: string, port: number) {
      bindHost = host;
      bindPort = port;
    },

    /** In Node, listen() does bind(2) as well. AF_INET: the address is IPv4. */
    async listen() {
      const { address } = await dns.lookup(bindHost, { family: 4 });
      respectLimits(server);
      server.listen(bindPort, address);
      await once(server, "listening");
    },

    getsockname() {
      return server.address() as net.AddressInfo;
    },

    /** Waits for a client, and until it can have a thread. Throws on Ctrl+C. */
    async accept() {
      while (!isInterrupted && (waiting.length === 0 || threads >= maxThreads))
        await once(changes, "change");
      if (isInterrupted) throw keyboardInterrupt;
      return waiting.shift()!;
    },

    /** Stops listening; resets clients that still wait, as the kernel would. */
    close() {
      for (const [client] of waiting) client.resetAndDestroy();
      server.getConnections((_, n) => {
        if (n) complain(`still connected: ${n}; Ctrl+C again stops at once`);
      });
      server.close();
    },
  };
}

/** The arguments of Python's threading.Thread. */
interface Thread {
  target: typeof handleClient;
  args: [client: net.Socket, ...others: unknown[]];
}

/**
 * Python's threading.Thread: a Worker that runs `target`.
 *
 * A socket can't be passed to a Worker, so the main thread keeps it. For each
 * call, the thread sends the main thread a message: the text "print ...", "recv
 * 1024" or "close", or, for sendall, only the bytes. (With an object for each
 * message, the server would be about 10 % slower.) When a call has to wait, the
 * thread sleeps (Atomics.wait) until the answer is in their shared memory. The
 * main thread never sleeps: it works for all threads and accepts new clients.
 */
function createThread({ target, args: [client, ...args] }: Thread) {
  const memory = createSharedMemory();
  let isRunning = false;

  /**
   * Starts the thread. As in Python, returns when the thread runs (after some
   * 10 ms); meanwhile other clients can connect. If the thread can't start, its
   * client is disconnected, and the server keeps running.
   */
  async function start() {
    threads++;
    let worker: Worker;
    try {
      worker = new Worker(workerCode, {
        eval: true,
        // None of this process's: tsx would be loaded in every thread.
        execArgv: [],
        // A debugger shows the name.
        name: `${client.remoteAddress}:${client.remotePort}`,
        workerData: { memory, args, script: scriptOf(target) },
        // An echo creates little garbage.
        resourceLimits: { maxYoungGenerationSizeMb: 2 },
      });
    } catch (error) {
      failed(error);
      ended();
      return;
    }
    worker.on("message", mainSide(client, memory));
    worker.on("error", failed);
    worker.on("exit", ended);
    await new Promise<void>((resolve) => {
      worker.once("exit", resolve);
      worker.once("online", () => {
        isRunning = true;
        resolve();
      });
    });
  }

  function ended() {
    client.destroySoon();
    threads--;
    changes.emit("change");
  }

  function failed(error: unknown) {
    if (!isRunning) maxThreads = Math.max(1, threads - 1); // as many as run now
    complain(`the thread of ${args[0]} failed: ${reasonOf(error, isRunning)}`);
  }

  return { start };
}

/** What a thread and the main thread share. */
function createSharedMemory() {
  return {
    /**
     * The number of bytes that recv returns; 0: end of the stream, -1: no
     * answer yet.
     */
    length: new Int32Array(new SharedArrayBuffer(4)),
    /** The bytes that recv returns. */
    received: new Uint8Array(new SharedArrayBuffer(65536)),
    /** How much of what the thread has sent and printed is not written yet. */
    unwritten: new Int32Array(new SharedArrayBuffer(4)),
  };
}
type Memory = ReturnType<typeof createSharedMemory>;

/** With more unwritten, a thread sleeps: its client or the terminal is slow. */
const mostUnwritten = 65536;

/**
 * The program of a Worker. It gets the source text of what it runs: to load
 * this whole file again would take several times as long.
 */
const workerCode = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { memory, args, script } = workerData;
  // tsx inserts calls to __name into every function.
  globalThis.__name = (named) => named;
  const target = require("node:vm").runInThisContext(...script);
  const conn = (${threadSide})(parentPort, memory, ${mostUnwritten});
  target(conn, ...args);`;

/**
 * The thread's side: defines print(), and returns the connection. It runs in
 * the Worker, so it can't use anything else in this file.
 */
function threadSide(main: MessagePort, memory: Memory, mostUnwritten: number) {
  const { length, received, unwritten } = memory;

  /** Sends bytes, or a text to print; sleeps while too much is unwritten. */
  function write(message: string | Uint8Array) {
    main.postMessage(message);
    let size = Atomics.add(unwritten, 0, message.length) + message.length;
    while (size > mostUnwritten) {
      Atomics.wait(unwritten, 0, size);
      size = Atomics.load(unwritten, 0);
    }
  }

  function print(text: string) {
    write(`print ${text}`);
  }
  Object.assign(globalThis, { print });
  // The Worker's own console.log would wait for its blocked event loop.
  console.log = (...values) => print(values.join(" "));

  return {
    /**
     * Waits for data; returns 1 to `size` bytes, or null at the end of the
     * stream.
     */
    recv(size: number) {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      length[0] = -1;
      main.postMessage(`recv ${size}`);
      while (Atomics.load(length, 0) === -1) Atomics.wait(length, 0, -1);
      return length[0] > 0 ? received.slice(0, length[0]) : null;
    },

    /** Sends all of data; waits as long as the client doesn't read. */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array)) {
        const type = Object.prototype.toString.call(data);
        throw TypeError(`sendall takes bytes, not ${type}`);
      }
      write(data);
    },

    /** Sends what is queued, then FIN; or RST, if there are unread bytes. */
    close() {
      main.postMessage("close");
    },
  };
}

/**
 * What a thread can do with its client. A call may block this thread, but no
 * other.
 */
type Connection = ReturnType<typeof threadSide>;

/**
 * The main thread's side: returns the function that serves the thread's
 * messages.
 */
function mainSide(client: net.Socket, memory: Memory) {
  const { length, received, unwritten } = memory;
  let wanted = 0; // the number of bytes that recv waits for
  client.on("end", answerRecv);
  client.on("close", answerRecv);

  function recv(size: number) {
    wanted = size;
    // This listener makes Node start reading from the kernel.
    if (client.listenerCount("readable") === 0)
      client.on("readable", answerRecv);
    answerRecv();
  }

  /** Answers recv as soon as there is data, or the end of the stream. */
  function answerRecv() {
    if (wanted === 0) return;
    const size = Math.min(wanted, received.length, client.readableLength);
    const data = client.read(size);
    const isOver = client.readableEnded || client.destroyed;
    if (!data && !isOver) return;
    wanted = 0;
    if (data) received.set(data);
    Atomics.store(length, 0, data?.length ?? 0);
    Atomics.notify(length, 0);
  }

  /**
   * Whether data has to wait: the client doesn't read, or the terminal is slow.
   */
  function isSlow() {
    return client.writableNeedDrain || (printed ?? "").length > mostUnwritten;
  }

  /** Counts what is written; wakes the thread if it sleeps. */
  function written(size: number) {
    const before = Atomics.sub(unwritten, 0, size);
    if (before > mostUnwritten) Atomics.notify(unwritten, 0);
  }

  function sendall(data: Uint8Array) {
    if (isSlow()) {
      client.write(data, () => written(data.length));
      return;
    }
    client.write(data);
    written(data.length);
  }

  function printFor(text: string, size: number) {
    if (isSlow()) {
      print(text, () => written(size));
      return;
    }
    print(text);
    written(size);
  }

  return function serve(message: unknown) {
    if (message instanceof Uint8Array) return sendall(message);
    // With --watch, Node sends messages of its own.
    if (typeof message !== "string") return;

    const [call, argument] = callOf(message);
    switch (call) {
      case "print":
        return printFor(argument, message.length);
      case "recv":
        return recv(Number(argument));
      case "close":
        client.destroySoon();
    }
  };
}

/**
 * The two parts of a thread's message: the call, and its argument after a
 * space.
 */
function callOf(message: string): [call: string, argument: string] {
  const space = message.indexOf(" ");
  if (space === -1) return [message, ""];
  return [message.slice(0, space), message.slice(space + 1)];
}

/**
 * Text that is printed but not yet written, and the promise of its writing.
 * `var` without a value, since print() can be called before this line has run:
 * the guard above starts the server first.
 */
var printed: string | undefined;
var writing: Promise<void> | undefined;

/**
 * Like Python's print, but characters that could control the terminal are shown
 * as their codes: ESC as \x1b, a direction control as \u202e. Newline, tab and
 * \r\n are unchanged.
 *
 * @param written is called when the line is written
 */
function print(text: string, written?: () => void) {
  // Control codes but not tab and newline, \r without \n, direction controls.
  const controlCharacter =
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|\p{Bidi_Control}/gu;
  const shown = `${text}`.replace(controlCharacter, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
  printed = `${printed ?? ""}${shown}\n`;
  writing ??= writeLines();
  if (written) writing.then(written);
}

/**
 * Writes the first line immediately, and the lines that are printed in the same
 * turn of the event loop together.
 */
async function writeLines() {
  while (printed) {
    const text = printed;
    printed = undefined;
    await new Promise((done) => process.stdout.write(text, done));
    await new Promise(setImmediate);
  }
  writing = undefined;
}

/**
 * Like Python's `__name__ == "__main__"`: whether this file was started, not
 * imported. A program can be started through a link, and without its ".ts".
 */
function isMain() {
  const started = process.argv[1] ?? "";
  const thisFile = realpathSync(new URL(import.meta.url));
  const names = [started, `${started}.ts`, started.replace(/js$/, "ts")];
  const found = names.find((name) => existsSync(name));
  return found !== undefined && realpathSync(found) === thisFile;
}

/** Parses the command line; on --help or a mistake, prints usage and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_server_forever.ts [--host HOST] [--port PORT]";
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean" },
        host: { type: "string" },
        port: { type: "string", default: "65432" },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const { host } = values;
    const port = Number(values.port);
    const isPort = /^\d+$/.test(values.port) && port <= 65535;
    if (host === "" || !isPort)
      throw new Error("--host takes a name, --port 0 (any free) to 65535");
    return { host, port };
  } catch (error) {
    const mistake = firstSentence((error as Error).message);
    complain(`${mistake}; ${usage}`);
    process.exit(2);
  }
}

// --- Error messages, small machines, debuggers -------------------------------

/** Prints one line on stderr. */
function complain(what: string) {
  console.error(`lecture1_server_forever: ${what}`);
}

/** What to do about an error of the network, by the system's code for it. */
const advice: Record<string, string> = {
  EADDRINUSE: "stop the program that listens there or take another --port",
  EADDRNOTAVAIL: "no address of this machine, check --host",
  EACCES: "below 1024, or reserved by Hyper-V or WSL: take another --port",
  ENOTFOUND: "unknown host, check --host",
  EAI_AGAIN: "unknown host, check --host and the network",
  EPIPE: "nobody reads it any more",
};

/** Prints an error of the network and advice in one line; sets exit code 1. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  // No code, or one of Node's own (ERR_...): a bug here. Show the stack.
  if (!code || code.startsWith("ERR_")) throw error;
  const todo = advice[code];
  complain(todo ? `${message}; ${todo}` : message);
  process.exitCode = 1;
}

/** The first sentence of Node's message about the command line, in one line. */
function firstSentence(message: string) {
  const [sentence = ""] = message.split(". ");
  return sentence.replaceAll("\n", " ").replace(/\.$/, "");
}

/**
 * Why a thread failed, in one line: the error, the line of the handler, advice.
 */
function reasonOf(error: unknown, isRunning: boolean) {
  const text = error instanceof Error ? String(error) : inspect(error);
  const [what = ""] = text.split("\n");
  let reason = what;
  if (isRunning) reason += placeOf(error);
  else reason += `; from now on ${maxThreads} at a time`;
  if (what.includes("EMFILE")) reason += ", ulimit -n may allow more";
  if (what.startsWith("ReferenceError"))
    reason += "; it sees nothing outside itself";
  return reason;
}

/**
 * Lowers maxThreads to what this machine can hold, and limits the connections.
 * A thread needs 8 to 12 MB of memory and 5 open files.
 */
function respectLimits(server: net.Server) {
  // Half of the open files (ulimit -n) are for threads, half for clients that
  // wait. Further connections are closed.
  const openFiles = mostOpenFiles();
  server.maxConnections = openFiles / 2 - 5;

  // Half of a container's memory, or a machine's free memory (macOS reports too
  // little).
  const container = process.constrainedMemory?.() || Infinity;
  const machine = Math.max(freemem(), totalmem() / 4);
  const memory = Math.min(container / 2, machine);
  maxThreads = Math.ceil(Math.min(maxThreads, openFiles / 12, memory / 12e6));
}

/**
 * How many files this process can open; Infinity if the system has no limit.
 */
function mostOpenFiles() {
  // Windows and Deno have none.
  if (!process.getuid) return Infinity;
  const report: any = process.report.getReport();
  return Number(report?.userLimits?.open_files.soft) || Infinity;
}

/**
 * The arguments of vm.runInThisContext, read once: later no file may be left to
 * open.
 */
var script: [string, ScriptOptions] | undefined;

/**
 * Where a text is, in this file or in tsx's output: for stacks and for
 * debuggers.
 */
interface ScriptOptions {
  filename: string;
  lineOffset?: number;
  columnOffset?: number;
}

function scriptOf(target: typeof handleClient) {
  script ??= [`(${target})`, positionOf(target)];
  return script;
}

function positionOf(target: typeof handleClient): ScriptOptions {
  const url = import.meta.url;
  const file = readFileSync(new URL(url), "utf8");
  const [before = ""] = file.split(`function ${target.name}(`);
  const linesBefore = before.split("\n").length - 1;

  // tsx puts the whole file into one line.
  const isOneLine = !String(target).includes("\n");
  if (!isOneLine) return { filename: url, lineOffset: linesBefore };
  const columnOffset = columnInTsx(linesBefore + 1) - 1;
  return { filename: `${url}?tsx`, columnOffset };
}

/**
 * The column of tsx's one line where a line of this file begins, less one for
 * "(".
 */
function columnInTsx(line: number) {
  let column = 1;
  while (column < 100_000 && lineInFile(1, column) < line) column++;
  return column - 1;
}

/**
 * " (lecture1_server_forever.ts:29)", from an error's stack; "" if it has none.
 */
function placeOf(error: unknown) {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const place = /file:\S+?:(?<line>\d+):(?<column>\d+)/.exec(stack);
  if (!place?.groups) return "";
  const { line, column } = place.groups;
  const lineHere = lineInFile(Number(line), Number(column));
  return ` (lecture1_server_forever.ts:${lineHere})`;
}

/**
 * Maps a position in tsx's output to the line of this file; all are counted
 * from 1.
 */
function lineInFile(line: number, column: number): number {
  // Bun has no source maps.
  const sourceMap: any = module.findSourceMap?.(import.meta.url);
  const entry = sourceMap?.findEntry(line - 1, column - 1);
  return (entry?.originalLine ?? line - 1) + 1;
}
