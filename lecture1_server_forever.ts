// Lecture 1, exercise 2, the server that runs forever: each client gets its own
// thread, so many clients are served at the same time.
//
//   npx tsx lecture1_server_forever.ts
//
// Then, in another terminal, as often as you like: npx tsx lecture1_client.ts
// Ctrl+C stops the server after its clients have disconnected; a second Ctrl+C
// stops it immediately.
// Compare this file with lecture1_server_forever.py. Its end provides what
// Python's standard library already has (accept, Thread, recv, ...).

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
    await s.listen(); // from now on, the kernel does the handshakes
    print(`Server listening on ${host}:${s.getsockname().port}`);

    while (true) {
      const [conn, addr] = await s.accept(); // waits for the next client
      const thread = createThread({ target: handleClient, args: [conn, addr] });
      await thread.start(); // returns when the thread is running
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

// --- You can stop reading here: Python's library already has the rest --------

const keyboardInterrupt = new Error("Ctrl+C");

/** The number of threads, and its maximum. Further clients wait. */
let threadCount = 0;
let maxThreads = 200;

/**
 * Emits "change" when accept() has to look again: a client has connected, a
 * thread has exited, or Ctrl+C was pressed.
 */
const changes = new EventEmitter();

/** The server's part of Python's socket.socket(AF_INET, SOCK_STREAM). */
function socket() {
  const server = net.createServer({
    // A client that has sent FIN still gets the rest of its echo.
    allowHalfOpen: true,
    // Data that arrives early stays in the kernel until the first recv().
    pauseOnConnect: true,
    // No Nagle: a small piece is sent without waiting (up to 40 ms) for the
    // acknowledgment of the previous one.
    noDelay: true,
    // TCP's keepalive: after 30 s of silence the kernel asks whether the client
    // is still there, ten times, 1 s apart. A robot without power is noticed
    // after 40 s; one whose cable is pulled for a few seconds stays connected.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  });
  // Clients that Node has accepted, but accept() has not returned yet, each
  // with its address.
  const waiting: [net.Socket, string][] = [];
  let bindHost = "";
  let bindPort = 0;

  server.on("connection", (client) => {
    // "?": the client left before Node could ask for its address.
    const { remoteAddress = "?", remotePort = 0 } = client;
    const addr = `('${remoteAddress}', ${remotePort})`; // as Python prints it
    client.on("error", (error) => complain(`${addr} ${howItEnded(error)}`));
    waiting.push([client, addr]);
    changes.emit("change");
  });
  // Stdout can't be written: its reader has exited (`| head`), or the disk is
  // full.
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });
  // A closed stderr must not stop the server.
  process.stderr.on("error", () => {});

  // The first Ctrl+C wakes accept(). npx can deliver it twice, so our listener
  // stays for half a second. After that, Ctrl+C kills the process as usual.
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

    /** Waits for a client and a free thread. Throws on Ctrl+C. */
    async accept() {
      while (!isInterrupted) {
        const isFull = threadCount >= maxThreads;
        if (waiting.length > 0 && !isFull) return waiting.shift()!;
        if (waiting.length > 0)
          complainOnce(
            `all ${maxThreads} threads are in use: further clients wait until one is free`,
          );
        await once(changes, "change");
      }
      throw keyboardInterrupt;
    },

    /** Stops listening; resets clients that still wait, as the kernel would. */
    close() {
      for (const [client] of waiting) client.resetAndDestroy();
      server.getConnections((_, n) => {
        if (n)
          complain(
            `still connected: ${n}; press Ctrl+C again to stop immediately`,
          );
      });
      server.close();
    },
  };
}

/**
 * The arguments of Python's threading.Thread(target=…, args=…). Instead of the
 * client's socket, target gets a Connection.
 */
interface ThreadArguments {
  target: typeof handleClient;
  args: [client: net.Socket, ...others: unknown[]];
}

/**
 * Python's threading.Thread: a Worker, Node's kind of thread.
 *
 * A socket can't be passed to a Worker, so the main thread keeps it. For each
 * call of the thread, the main thread gets a message:
 *
 *   print(text)          "print text"
 *   console.log(text)    "stdout text" or, console.error, "stderr text"
 *   conn.recv(1024)      "recv 1024"
 *   conn.sendall(bytes)  the bytes
 *   conn.close()         "close"
 *
 * A call that has to wait sleeps (Atomics.wait) until its answer is in memory
 * that both threads share. The main thread never sleeps: it works for all
 * threads, and accepts new clients.
 */
function createThread({ target, args: [client, ...args] }: ThreadArguments) {
  const memory = createSharedMemory();
  let isRunning = false;

  /**
   * Starts the thread. As in Python, start() returns when the thread runs. That
   * needs about 10 ms, in which other clients can connect. If the thread can't
   * start, its client is disconnected, and the server keeps running.
   */
  async function start() {
    threadCount++;
    let worker: Worker;
    try {
      worker = new Worker(workerCode, {
        eval: true,
        // Without the options of this process, which would load tsx in every
        // thread.
        execArgv: [],
        // A debugger shows this name.
        name: `${client.remoteAddress}:${client.remotePort}`,
        workerData: { memory, args, script: scriptOf(target) },
        // A small heap for new objects: an echo creates few.
        resourceLimits: { maxYoungGenerationSizeMb: 2 },
      });
    } catch (error) {
      onError(error);
      onExit();
      return;
    }
    worker.on("message", mainSide(client, memory));
    worker.on("error", onError);
    worker.on("exit", onExit);
    await new Promise<void>((resolve) => {
      worker.once("online", () => {
        isRunning = true;
        resolve();
      });
      worker.once("exit", resolve); // it could not start
    });
  }

  /**
   * The thread has exited: by itself or, after onError(), because of an error.
   */
  function onExit() {
    client.destroySoon();
    threadCount--;
    changes.emit("change");
  }

  function onError(error: unknown) {
    // This machine can't run more threads than the others. (threadCount
    // includes the failed one.)
    if (!isRunning) maxThreads = Math.max(1, threadCount - 1);
    complain(`the thread of ${args[0]} failed: ${reasonOf(error, isRunning)}`);
  }

  return { start };
}

/**
 * The memory that a thread and the main thread share. An array of one element
 * is used as a number.
 */
function createSharedMemory() {
  return {
    /**
     * recv's answer: the number of bytes; 0 at the end of the stream, -1 if
     * there is no answer yet.
     */
    receivedSize: new Int32Array(new SharedArrayBuffer(4)),
    /** recv's answer: the bytes. */
    received: new Uint8Array(new SharedArrayBuffer(65536)),
    /** How much of what the thread has sent and printed is not written yet. */
    unwritten: new Int32Array(new SharedArrayBuffer(4)),
  };
}
type Memory = ReturnType<typeof createSharedMemory>;

/**
 * If more is unwritten, the thread sleeps: its client or the terminal is slow.
 */
const maxUnwritten = 65536;

/**
 * The program of a Worker. It is made of source text: ${threadSide} is the text
 * of that function, and script that of handleClient. (Loading this whole file
 * in every thread would be several times slower.)
 */
const workerCode = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { memory, args, script } = workerData;
  // tsx makes functions keep their names by calls to __name.
  globalThis.__name = (named) => named;
  // An eval outside of this program: script doesn't see these names.
  const target = (0, eval)(script);
  const conn = (${threadSide})(parentPort, memory, ${maxUnwritten});
  target(conn, ...args);`;

/**
 * The thread's side: makes print(), and the connection that handleClient gets.
 * It runs in the Worker, so it can't use anything else in this file.
 */
function threadSide(port: MessagePort, memory: Memory, maxUnwritten: number) {
  const { receivedSize, received, unwritten } = memory;

  /**
   * Sends a message that is to be written; sleeps while too much is unwritten.
   */
  function write(message: string | Uint8Array) {
    const before = Atomics.add(unwritten, 0, message.length);
    port.postMessage(message);
    let size = before + message.length;
    while (size > maxUnwritten) {
      Atomics.wait(unwritten, 0, size); // sleeps as long as the number is still size
      size = Atomics.load(unwritten, 0);
    }
  }

  function print(text: string) {
    write(`print ${text}`);
  }
  Object.assign(globalThis, { print });

  // The Worker's own streams would write only when the thread is idle, after
  // its client has disconnected. Node's console uses these streams, too.
  process.stdout.write = streamTo("stdout");
  process.stderr.write = streamTo("stderr");

  function streamTo(name: "stdout" | "stderr") {
    // Joins a character that was split across two writes.
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    return (chunk: string | Uint8Array, ...options: unknown[]) => {
      const [encoding] = options as [BufferEncoding | undefined];
      const isText = typeof chunk === "string";
      const bytes = isText ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
      write(`${name} ${utf8.decode(bytes, { stream: true })}`);
      const written = options.at(-1);
      if (typeof written === "function") written();
      return true;
    };
  }

  return {
    /**
     * Waits for data; returns 1 to `size` bytes, or null at the end of the
     * stream.
     */
    recv(size: number) {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(
          `recv: the size must be a positive integer, not ${JSON.stringify(size)}`,
        );
      Atomics.store(receivedSize, 0, -1);
      port.postMessage(`recv ${size}`);
      while (Atomics.load(receivedSize, 0) === -1)
        Atomics.wait(receivedSize, 0, -1);
      const count = Atomics.load(receivedSize, 0);
      if (count === 0) return null;
      return Buffer.from(received.slice(0, count).buffer);
    },

    /** Sends all of data. Waits if the client reads too slowly. */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array)) {
        const type = Object.prototype.toString.call(data);
        throw TypeError(`sendall needs bytes, not ${type}`);
      }
      // postMessage would copy the whole buffer of which data can be a part.
      const isPart = data.length < data.buffer.byteLength;
      write(isPart ? new Uint8Array(data) : data);
    },

    /** Sends what is queued, then FIN; or RST, if there are unread bytes. */
    close() {
      port.postMessage("close");
    },
  };
}

/** A client's connection in its thread. Each call blocks only this thread. */
type Connection = ReturnType<typeof threadSide>;

/**
 * The main thread's side: returns a function that does what a message asks for.
 */
function mainSide(client: net.Socket, memory: Memory) {
  const { receivedSize, received, unwritten } = memory;
  let wanted = 0; // how many bytes recv waits for; 0: no recv is waiting
  client.on("end", answerRecv);
  client.on("close", answerRecv);

  function onRecv(size: number) {
    wanted = size;
    // Before the first recv, the bytes stay in the kernel. This makes Node read
    // them.
    if (client.listenerCount("readable") === 0)
      client.on("readable", answerRecv);
    answerRecv();
  }

  /** Answers recv if there is data, or the connection is over. */
  function answerRecv() {
    if (wanted === 0) return;
    const size = Math.min(wanted, received.length, client.readableLength);
    const data = client.read(size);
    const isOver = client.readableEnded || client.destroyed;
    if (!data && !isOver) return;
    wanted = 0;
    if (data) received.set(data);
    Atomics.store(receivedSize, 0, data?.length ?? 0);
    Atomics.notify(receivedSize, 0);
  }

  function onSendall(data: Uint8Array) {
    client.write(data, countWritten(data.length));
  }

  function onPrint(text: string, size: number) {
    print(text, countWritten(size));
  }

  function onStdout(text: string, size: number) {
    printUnchanged(text, countWritten(size));
  }

  function onStderr(text: string, size: number) {
    process.stderr.write(text, () => subtract(size));
  }

  /**
   * Counts a message as written. If the client and the terminal keep up, it
   * does so immediately, since a callback for each message would cost speed.
   * Otherwise it returns the callback, to be called when the message is
   * written.
   */
  function countWritten(size: number) {
    const isTerminalSlow = (unprinted?.text.length ?? 0) > maxUnwritten;
    if (client.writableNeedDrain || isTerminalSlow) return () => subtract(size);
    subtract(size);
    return undefined;
  }

  /**
   * Subtracts from what is unwritten, and wakes the thread, which checks
   * whether it can continue.
   */
  function subtract(size: number) {
    const before = Atomics.sub(unwritten, 0, size);
    if (before > maxUnwritten) Atomics.notify(unwritten, 0);
  }

  return function onMessage(message: unknown) {
    if (message instanceof Uint8Array) return onSendall(message);
    // With --watch, Node sends its own messages.
    if (typeof message !== "string") return;

    const [call, argument] = splitAtSpace(message);
    switch (call) {
      case "print":
        return onPrint(argument, message.length);
      case "stdout":
        return onStdout(argument, message.length);
      case "stderr":
        return onStderr(argument, message.length);
      case "recv":
        return onRecv(Number(argument));
      case "close":
        client.destroySoon();
    }
  };
}

/** "recv 1024" as ["recv", "1024"]; only the first space counts. */
function splitAtSpace(message: string): [call: string, argument: string] {
  const space = message.indexOf(" ");
  if (space === -1) return [message, ""];
  return [message.slice(0, space), message.slice(space + 1)];
}

/** The text to be written next, and the callbacks for when it is written. */
interface Unprinted {
  text: string;
  callbacks: (() => void)[];
}

/**
 * They are `var`, without a value: a print() that you add at the start of
 * startServer() runs before this line.
 */
var unprinted: Unprinted | undefined;
var writing: Promise<void> | undefined;

/**
 * Like Python's print, but characters that could control the terminal are shown
 * as their codes: ESC as \x1b, a direction control as \u202e. Newline, tab and
 * \r\n are unchanged.
 *
 * @param callback is called when the line is written
 */
function print(text: string, callback?: () => void) {
  // Control codes but not tab and newline, \r without \n, direction controls.
  const controlCharacter =
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|\p{Bidi_Control}/gu;
  const shown = `${text}\n`.replace(controlCharacter, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
  printUnchanged(shown, callback);
}

/** Prints a text unchanged, without a newline. */
function printUnchanged(text: string, callback?: () => void) {
  unprinted ??= { text: "", callbacks: [] };
  unprinted.text += text;
  if (callback) unprinted.callbacks.push(callback);
  writing ??= writeLines();
}

/**
 * Writes the first text immediately, and then what was printed in the meantime
 * together: one write for the lines of many threads.
 */
async function writeLines() {
  while (unprinted) {
    const { text, callbacks } = unprinted;
    unprinted = undefined;
    await new Promise((written) => process.stdout.write(text, written));
    for (const callback of callbacks) callback();
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
      throw new Error(
        "--host must not be empty, --port must be 0 (any free) to 65535",
      );
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

/** The messages that complainOnce() has printed. */
var printedOnce: Set<string> | undefined;

/** Prints one line on stderr, unless it was printed before. */
function complainOnce(what: string) {
  printedOnce ??= new Set();
  if (printedOnce.has(what)) return;
  printedOnce.add(what);
  complain(what);
}

/**
 * How an error broke a connection: a reset by the client, a mistake of the
 * handler (one of Node's errors, ERR_...), or a client that no longer answers.
 */
function howItEnded({ code = "", message }: NodeJS.ErrnoException) {
  if (code === "ECONNRESET" || code === "EPIPE")
    return `reset the connection (${message})`;
  if (code.startsWith("ERR_")) return `failed: ${message}`;
  return `no longer answers (${message}): check its cable, power and network`;
}

/** Advice for each network error, by the system's error code. */
const advice: Record<string, string> = {
  EADDRINUSE:
    "another program is using this port: stop it or choose another --port",
  EADDRNOTAVAIL: "this computer does not have that address: check --host",
  EACCES:
    "no permission: the port is below 1024, or reserved by Hyper-V or WSL; choose another --port",
  ENOTFOUND: "unknown host: check --host",
  EAI_AGAIN: "unknown host: check --host and the network",
  EPIPE: "the receiving end was closed",
};

/** Prints a network error with advice in one line; sets exit code 1. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  // No code, or one of Node's (ERR_...): a bug in this program. Show the stack.
  if (!code || code.startsWith("ERR_")) throw error;
  const hint = advice[code];
  complain(hint ? `${message}; ${hint}` : message);
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
  if (isRunning) reason += placeOfError(error);
  else reason += `; the thread limit is now ${maxThreads}`;
  if (what.includes("EMFILE")) reason += " (to allow more, raise ulimit -n)";
  if (/__(using|callDispose|decorat\w+) is not defined/.test(what))
    reason +=
      "; a thread doesn't have what tsx adds to a file for `using` and decorators";
  else if (what.startsWith("ReferenceError"))
    reason += "; handleClient can't use anything outside itself";
  return reason;
}

/** Limits threads and connections to what this machine can hold. */
function respectLimits(server: net.Server) {
  // Half of the files that can be open (ulimit -n) are for the threads: 5 for
  // each Worker, and its client's socket. Connections can use the other half as
  // well, less some that the process needs itself; Node closes any further
  // connection.
  const openFiles = maxOpenFiles();
  const filesPerThread = 6;
  server.maxConnections = openFiles / 2 - 5;

  // Half of a container's memory, or the free memory of the machine: at least a
  // quarter of all of it, since macOS reports too little.
  const container = process.constrainedMemory?.() || Infinity;
  const machine = Math.max(freemem(), totalmem() / 4);
  const memory = Math.min(container / 2, machine);
  const memoryPerThread = 12e6;

  maxThreads = Math.ceil(
    Math.min(
      maxThreads,
      openFiles / 2 / filesPerThread,
      memory / memoryPerThread,
    ),
  );
}

/**
 * How many files this process can open: ulimit -n. Infinity without a limit.
 */
function maxOpenFiles() {
  // Windows and Deno have no limit, and no getuid.
  if (!process.getuid) return Infinity;
  const report: any = process.report.getReport();
  return Number(report?.userLimits?.open_files.soft) || Infinity;
}

/** The place of a function in the code that this process runs. */
interface Place {
  url: string;
  linesBefore: number;
  columnsBefore: number;
}

var script: string | undefined;

/**
 * The code for a thread: the function's source text at its place, so that an
 * error in the thread names a line of this file, and a debugger finds its
 * breakpoints. This file is read once: when many clients are connected, no more
 * files can be opened.
 */
function scriptOf(target: typeof handleClient) {
  script ??= withPlace(`(${target})`, placeOfFunction(target));
  return script;
}

/** Adds empty lines and spaces before a text, so that it runs at a place. */
function withPlace(text: string, place: Place | undefined) {
  if (!place) return text;
  const { url, linesBefore, columnsBefore } = place;
  const before = "\n".repeat(linesBefore) + " ".repeat(columnsBefore);
  return `${before}${text}\n//# sourceURL=${url}`;
}

/**
 * The place of a function: a line of this file, or a column of tsx's output.
 * Undefined unless it is declared as `function NAME`.
 */
function placeOfFunction(target: typeof handleClient): Place | undefined {
  if (!/^(async )?function/.test(String(target))) return undefined;
  const url = import.meta.url;
  const file = readFileSync(new URL(url), "utf8");
  const declaration = `^ *(export )?(async )?function ${target.name}\\(`;
  const start = file.search(new RegExp(declaration, "m"));
  if (start === -1) return undefined;
  const linesBefore = file.slice(0, start).split("\n").length - 1;

  // tsx turns the whole file into one line, so only a column can be given.
  const isByTsx = module.findSourceMap?.(url) !== undefined;
  if (!isByTsx) return { url, linesBefore, columnsBefore: 0 };
  // One less, for the parenthesis before the text.
  const columnsBefore = columnInOutput(linesBefore + 1) - 1;
  return { url: `${url}?tsx`, linesBefore: 0, columnsBefore };
}

/**
 * The column of tsx's output at which a line of this file begins, counted from
 * 0. tsx's source map translates places in its output into places in this file,
 * but not back. So the columns are tried in order.
 */
function columnInOutput(line: number) {
  let column = 1;
  while (column < 100_000 && lineInFile(1, column) < line) column++;
  return column - 1;
}

/**
 * " (lecture1_server_forever.ts:30)", from an error's stack; "" if no line of
 * this file is in it.
 */
function placeOfError(error: unknown) {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  // The stack can begin with lines of a module that handleClient imports.
  const places = /(?<url>file:\S+?)(\?tsx)?:(?<line>\d+):(?<column>\d+)/g;
  for (const { groups } of stack.matchAll(places)) {
    if (groups!.url !== import.meta.url) continue;
    const line = lineInFile(Number(groups!.line), Number(groups!.column));
    return ` (lecture1_server_forever.ts:${line})`;
  }
  return "";
}

/**
 * The line of this file that became a place in tsx's output. Lines and columns
 * are counted from 1; in the source map, from 0.
 */
function lineInFile(line: number, column: number): number {
  // Bun has no source maps.
  const sourceMap: any = module.findSourceMap?.(import.meta.url);
  const entry = sourceMap?.findEntry(line - 1, column - 1);
  return (entry?.originalLine ?? line - 1) + 1;
}
