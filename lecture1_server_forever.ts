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
type Memory = ReturnType<typeof createSharedMemory>;

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
  let bindHost = "";
  let bindPort = 0;

  server.on("connection", (client) => {
    const { remoteAddress = "?", remotePort = 0 } = client; // "?": it left before Node could ask
    const addr = `('${remoteAddress}', ${remotePort})`; // as Python prints it
    client.on("error", ({ message }) =>
      complain(`${addr} reset the connection (${message})`),
    );
    backlog.push([client, addr]);
    changes.emit("change");
  });
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });
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
      bindHost = host;
      bindPort = port;
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
 * it a message for each call: the text "print ...", "recv 1024" or "close", and for
 * sendall just the bytes. (An object for each message would cost a tenth of the speed.)
 * Where a call must wait, the thread sleeps (Atomics.wait) until the answer stands in
 * memory that both share. The main thread never sleeps: it works for all threads, and
 * for whoever connects.
 */
function createThread({ target, args: [client, ...args] }: Thread) {
  const memory = createSharedMemory();
  let isRunning = false;

  /**
   * As in Python start() returns when the thread runs: until then (10 ms) others connect.
   * A thread that can't start costs its client, not the server.
   */
  async function start() {
    threads++;
    let worker: Worker;
    try {
      worker = new Worker(workerCode(), {
        eval: true,
        execArgv: [], // not tsx's, which would load it in every thread
        name: `${client.remoteAddress}:${client.remotePort}`, // what a debugger shows
        workerData: { memory, args, script: (script ??= scriptOf(target)) },
        resourceLimits: { maxYoungGenerationSizeMb: 2 }, // an echo leaves little behind
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

  /** Says in one line what went wrong, and in which line of the handler. */
  function failed(error: any) {
    const [what = ""] = describe(error).split("\n");
    let advice = "";
    if (isRunning) advice = placeOf(error);
    else {
      maxThreads = Math.max(1, threads - 1); // as many as live
      advice = `; from now on ${maxThreads} at a time`;
    }
    if (what.includes("EMFILE")) advice += ", ulimit -n may allow more";
    if (what.startsWith("Reference"))
      advice += "; it sees nothing outside itself";
    complain(`the thread of ${args[0]} failed: ${what}${advice}`);
  }

  return { start };
}

/** What a Worker runs: the text of what it needs, since to load this file again takes several times as long. */
function workerCode() {
  return `
    const { parentPort, workerData } = require("node:worker_threads");
    globalThis.__name = (named) => named; // tsx puts calls of it into every function
    const target = require("node:vm").runInThisContext(...workerData.script);
    const conn = (${threadSide})(parentPort, workerData.memory);
    target(conn, ...workerData.args);`;
}

/** "TypeError: ..."; of what is no Error (throw "text") what Node shows of it. */
function describe(error: unknown) {
  return error instanceof Error ? String(error) : inspect(error);
}

/** " (lecture1_server_forever.ts:29)", by the stack of an error; "" where it has none. */
function placeOf(error: { stack?: string } | null) {
  const [, line, column] =
    /file:\S+?:(\d+):(\d+)/.exec(error?.stack ?? "") ?? [];
  if (!line || !column) return "";
  return ` (lecture1_server_forever.ts:${lineInFile(+line, +column)})`;
}

/** The arguments of vm.runInThisContext: a function's text, and where it stands, for its stack and for debuggers. */
function scriptOf(target: typeof handleClient) {
  const text = `(${target})`;
  const url = import.meta.url;
  const file = readFileSync(new URL(url), "utf8");
  const [before = ""] = file.split(`function ${target.name}(`);
  const linesBefore = before.split("\n").length - 1;
  const isOneLine = !text.includes("\n"); // tsx puts the whole file into one
  if (isOneLine) {
    const columnOffset = columnInTsx(linesBefore + 1) - 1;
    return [text, { filename: `${url}?tsx`, columnOffset }];
  }
  return [text, { filename: url, lineOffset: linesBefore }];
}

/** The line of this file that something stood in before tsx; all are counted from 1. */
function lineInFile(line: number, column: number): number {
  const sourceMap: any = module.findSourceMap?.(import.meta.url); // Bun has none
  const entry = sourceMap?.findEntry(line - 1, column - 1);
  return (entry?.originalLine ?? line - 1) + 1;
}

/** The column, less one for our parenthesis, where a line of this file begins in tsx's one line. */
function columnInTsx(line: number) {
  let column = 1;
  while (column < 100_000 && lineInFile(1, column) < line) column++;
  return column - 1;
}

/** What a thread and the main thread share. */
function createSharedMemory() {
  return {
    /** recv's answer: how many bytes there are; 0 at the end of the stream, -1: none yet. */
    length: new Int32Array(new SharedArrayBuffer(4)),
    /** ... and these bytes. */
    received: new Uint8Array(new SharedArrayBuffer(65536)),
    /** How much of what the thread has sent or printed is still to be written. */
    unwritten: new Int32Array(new SharedArrayBuffer(4)),
  };
}

/** The thread's side: gives it print() and its connection. It runs in the Worker, and sees nothing outside itself. */
function threadSide(main: MessagePort, memory: Memory) {
  const { length, received, unwritten } = memory;
  const mostUnwritten = 65536;

  /** Sends a message that has to be written; sleeps while too much is: the client or the terminal is slow. */
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
  console.log = (...values) => print(values.join(" ")); // its own would wait for a main loop

  return {
    /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
    recv(size: number) {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      length[0] = -1;
      main.postMessage(`recv ${size}`);
      while (Atomics.load(length, 0) === -1) Atomics.wait(length, 0, -1);
      return length[0] > 0 ? received.slice(0, length[0]) : null;
    },

    /** Sends all of data; a client that doesn't read makes the thread wait. */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(
          `sendall takes bytes, not ${Object.prototype.toString.call(data)}`,
        );
      write(data);
    },

    /** Sends FIN. */
    close() {
      main.postMessage("close");
    },
  };
}

/** The main thread's side: returns what does what a message of the thread asks for. */
function mainSide(client: net.Socket, memory: Memory) {
  const { length, received, unwritten } = memory;
  const mostUnwritten = 65536;
  let wanted = 0; // bytes that recv waits for

  /** Answers recv as soon as there is something, or the end. */
  function answerRecv() {
    if (wanted === 0) return;
    const most = Math.min(wanted, received.length, client.readableLength);
    const data = client.read(most);
    const isOver = client.readableEnded || client.destroyed;
    if (!data && !isOver) return;
    wanted = 0;
    if (data) received.set(data);
    Atomics.store(length, 0, data?.length ?? 0);
    Atomics.notify(length, 0);
  }
  client.on("end", answerRecv);
  client.on("close", answerRecv);

  function recv(size: number) {
    wanted = size;
    // Only from the first recv on does Node read from the kernel.
    if (client.listenerCount("readable") === 0)
      client.on("readable", answerRecv);
    answerRecv();
  }

  /**
   * Writes for the thread. Where nothing is queued, it counts as written at once;
   * otherwise when it is, so that the thread waits for a slow client or terminal.
   */
  function write(size: number, start: (written?: () => void) => void) {
    function written() {
      const before = Atomics.sub(unwritten, 0, size);
      if (before > mostUnwritten) Atomics.notify(unwritten, 0); // it sleeps
    }
    const isSlow =
      client.writableNeedDrain || (printed ?? "").length > mostUnwritten;
    if (isSlow) return start(written);
    start();
    written();
  }

  return function serve(message: unknown) {
    if (message instanceof Uint8Array)
      return write(message.length, (done) => client.write(message, done));
    if (typeof message !== "string") return; // Node's own, with --watch
    const [call, argument = ""] = message.split(/ (.*)/s); // at the first space
    switch (call) {
      case "print":
        return write(message.length, (done) => print(argument, done));
      case "recv":
        return recv(Number(argument));
      case "close":
        client.destroySoon();
    }
  };
}

/**
 * What is printed and not yet written, and the end of its writing. (`var` without a value, since
 * the guard above runs before this line is reached, and a program may print at once.)
 */
var printed: string | undefined;
var writing: Promise<void> | undefined;

/**
 * Python's print; what could drive the terminal is shown as its code: \x1b, \u202e.
 *
 * @param written called when the line is written
 */
function print(text: string, written?: () => void) {
  // Control codes but for tab and newline, \r where no \n follows, and direction controls.
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

/** Writes the first line at once, and those that come in the same turn of the event loop together. */
async function writeLines() {
  while (printed) {
    const lines = printed;
    printed = undefined;
    await new Promise((done) => process.stdout.write(lines, done));
    await new Promise(setImmediate);
  }
  writing = undefined;
}

/**
 * Python's `__name__ == "__main__"`: this file was started, not imported. A program may
 * be started through a link, and without its ".ts".
 */
function isMain() {
  const started = process.argv[1] ?? "";
  const thisFile = realpathSync(new URL(import.meta.url));
  const names = [started, `${started}.ts`, started.replace(/js$/, "ts")];
  const found = names.find((name) => existsSync(name));
  return found !== undefined && realpathSync(found) === thisFile;
}

/** One line on stderr. */
function complain(what: string) {
  console.error(`lecture1_server_forever: ${what}`);
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
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
    const [what = ""] = (error as Error).message.split(/\.\s|\n/);
    complain(`${what}; ${usage}`);
    process.exit(2);
  }
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

/** Says in one line what the system says, and what to do about it; the exit code will be 1. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  // No code, or one of Node's own (ERR_...): not the network's fault but ours, show the stack.
  if (!code || code.startsWith("ERR_")) throw error;
  const todo = advice[code];
  complain(todo ? `${message}; ${todo}` : message);
  process.exitCode = 1;
}
