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
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

/**
 * Threads that live at once; further clients wait their turn. Each takes some
 * 8 to 12 MB and 5 file descriptors.
 */
const maxThreads = 200;

/**
 * Serves one client, in a thread of its own: recv() and sendall() block the
 * thread, and no other. The thread sees this function and what JavaScript has
 * built in, but nothing else of this file.
 *
 * @param conn the connection to the client
 * @param addr the client's address as text
 */
export function handleClient(conn: Connection, addr: string): void {
  print(`Connected by ${addr}`);
  const decode = utf8Decoder();
  try {
    while (true) {
      const data = conn.recv(1024); // blocks until bytes arrive, takes 1024 at most
      if (!data) break; // FIN: the client has nothing more to send
      print(`Received from ${addr}: ${decode(data)}`);
      conn.sendall(data);
    }
    const rest = decode(); // a character that the client never finished
    if (rest) print(`Received from ${addr}: ${rest}`);
  } finally {
    conn.close();
  }
  print(`Connection with ${addr} closed`);
}

/**
 * Accepts clients until Ctrl+C and starts a thread for each.
 *
 * @param host name or address to listen on
 * @param port TCP port to listen on; 0 takes a free one
 * @throws the system's error with its code, EADDRINUSE when the port is in use
 */
export async function startServer(
  host = "127.0.0.1",
  port = 65432,
): Promise<void> {
  const s = socket();
  try {
    await s.bind(host, port);
    await s.listen(); // from here on TCP does the handshake with whoever comes
    print(`Server listening on ${host}:${s.getsockname().port}`);

    while (true) {
      const [conn, addr] = await s.accept(); // waits for the next client
      const thread = createThread({ target: handleClient, args: [conn, addr] });
      thread.start();
    }
  } catch (error) {
    if (!isKeyboardInterrupt(error)) throw error;
    print("\nServer is shutting down...");
  } finally {
    s.close();
  }
}

if (isMain()) {
  watchOutput();
  const { host, port } = parseFlags();
  startServer(host, port).catch((error) => fail(error, host, port));
}

// ---------------------------------------------------------------------------
// What Python's library gives for nothing
// ---------------------------------------------------------------------------

/** What a thread can do with its client; every call blocks the thread. */
export interface Connection {
  /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
  recv(size: number): Uint8Array | null;
  /** Sends all of data; a client that doesn't read makes the thread wait. */
  sendall(data: Uint8Array): void;
  /** Sends FIN. */
  close(): void;
}

/** Python's socket.socket(AF_INET, SOCK_STREAM), as far as a server needs it. */
function socket() {
  // allowHalfOpen: a client that has sent its FIN still gets the rest of its echo.
  // pauseOnConnect: nothing is read from a client before accept() has taken it.
  // noDelay: small pieces are sent at once; otherwise TCP holds the second one back
  // until the client has confirmed the first, which takes it up to 40 ms.
  const server = net.createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
  });
  const backlog: [net.Socket, string][] = []; // connected, and waiting for accept()
  let address = "";
  let port = 0;

  server.on("connection", (client) => {
    client.on("error", () => {});
    backlog.push([client, addressText(client)]);
  });

  // The first Ctrl+C wakes accept(); a second one finds no listener and ends the process.
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const onCtrlC = () => interrupt.abort();
  process.once("SIGINT", onCtrlC);

  return {
    /** Finds the address that belongs to the name; a name is looked up as IPv4, as AF_INET does. */
    async bind(bindHost: string, bindPort: number): Promise<void> {
      ({ address } = await dns.lookup(bindHost, { family: 4 }));
      port = bindPort;
    },

    /** bind(2) and listen(2), one step in Node. Throws EADDRINUSE and the like. */
    async listen(): Promise<void> {
      server.listen(port, address);
      await once(server, "listening");
    },

    /** The address this socket is bound to, with the real port. */
    getsockname(): net.AddressInfo {
      return server.address() as net.AddressInfo;
    },

    /**
     * Waits for a client, and for a free thread; returns the client's connection
     * and its address as text. Throws when Ctrl+C is pressed.
     */
    async accept(): Promise<[net.Socket, string]> {
      while (threads.size >= maxThreads)
        await once(threadEnds, "exit", { signal });
      if (backlog.length === 0) await once(server, "connection", { signal });
      signal.throwIfAborted();
      return backlog.shift()!;
    },

    /** Stops listening. Who still waits for accept() gets a reset, as from the kernel. */
    close(): void {
      process.off("SIGINT", onCtrlC);
      server.close();
      for (const [client] of backlog) client.resetAndDestroy();
    },
  };
}

/** What Ctrl+C throws out of accept(), Python's KeyboardInterrupt. */
function isKeyboardInterrupt(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** For each thread that lives, how the main thread serves it. */
const threads = new Set<() => void>();
const threadEnds = new EventEmitter();

/** Any thread rings it, by setting it to 1, when it wants something. */
const bell = new Int32Array(new SharedArrayBuffer(4));
let answering: Promise<void> | undefined;

/** Serves the threads whenever one rings, as long as there are any. */
async function answerBell(): Promise<void> {
  while (threads.size > 0) {
    Atomics.store(bell, 0, 0);
    for (const serve of threads) serve();
    await Atomics.waitAsync(bell, 0, 0).value;
  }
  answering = undefined;
}

/**
 * Python's threading.Thread: a Worker that runs `target`.
 *
 * A socket can't be given to a Worker, so the main thread keeps it and the two
 * share some memory: the thread asks there and sleeps (Atomics.wait), the main
 * thread does what it asks for and wakes it. The main thread itself never sleeps
 * (Atomics.waitAsync), so it works for all threads, and for whoever connects.
 */
function createThread(options: {
  target: typeof handleClient;
  args: [net.Socket, string];
}) {
  const { target } = options;
  const [client, addr] = options.args;
  const shared = new SharedArrayBuffer(memorySize);

  // The Worker is started on the text of the functions it needs: loading this
  // file again in every thread would take several times as long.
  const code = `
    const __name = (named) => named; // tsx puts calls of it into every function
    ${utf8Decoder}
    ${slotsOf}
    ${connectionInThread}
    const { bell, shared, addr } = require("node:worker_threads").workerData;
    (${target})(connectionInThread(bell, shared), addr);`;

  function onError(error: Error): void {
    const hint =
      error.name === "ReferenceError"
        ? " (a thread sees nothing else of this file)"
        : "";
    complain(`the thread of ${addr} failed: ${error}${hint}`);
  }

  return {
    /** Starts the thread. If it can't start, or fails, its client is disconnected. */
    start(): void {
      client.on("error", (error: NodeJS.ErrnoException) =>
        complain(`${addr} reset the connection (${error.code})`),
      );
      try {
        const workerData = { bell, shared, addr };
        const worker = new Worker(code, {
          eval: true,
          execArgv: [], // not tsx's, which would load it in every thread
          workerData,
          // An echo leaves little behind: more room for it would only fill up.
          resourceLimits: { maxYoungGenerationSizeMb: 2 },
        });
        worker.on("error", onError);
        serveThread(worker, client, shared);
      } catch (error) {
        onError(error as Error);
        client.destroy();
      }
    },
  };
}

/** Bytes that fit into a slot: what one recv() can bring at most. */
const slotSize = 65536;
const memorySize = 3 * (4 + slotSize);

/**
 * The memory that a thread and the main thread share: three slots, each with a
 * length that says what is in it.
 *
 *   received   -n: the thread waits for at most n bytes; n: here they are;
 *              0: the end of the stream
 *   toSend     n bytes to send; -1: FIN; 0: room for more
 *   toPrint    n bytes of text; 0: room for more
 */
function slotsOf(shared: SharedArrayBuffer) {
  const size = shared.byteLength / 3 - 4;
  const slot = (index: number) => ({
    length: new Int32Array(shared, index * 4, 1),
    bytes: new Uint8Array(shared, 12 + index * size, size),
  });
  return { received: slot(0), toSend: slot(1), toPrint: slot(2) };
}

/** The thread's side, which runs in the Worker: gives it print() and its connection. */
function connectionInThread(
  bell: Int32Array,
  shared: SharedArrayBuffer,
): Connection {
  const { received, toSend, toPrint } = slotsOf(shared);
  const encoder = new TextEncoder();
  type Slot = typeof toSend;

  function ring(): void {
    if (Atomics.exchange(bell, 0, 1) === 0) Atomics.notify(bell, 0);
  }

  // Every wait is a loop: a notify meant for the wait before may come late.
  function put(slot: Slot, bytes: Uint8Array): void {
    const room = slot.bytes.length;
    for (let start = 0; start < bytes.length; start += room) {
      const piece = bytes.subarray(start, start + room);
      waitUntilEmpty(slot);
      slot.bytes.set(piece);
      Atomics.store(slot.length, 0, piece.length);
      ring();
    }
  }

  function waitUntilEmpty(slot: Slot): void {
    for (let length; (length = Atomics.load(slot.length, 0)) !== 0;)
      Atomics.wait(slot.length, 0, length);
  }

  const print = (text: string) => put(toPrint, encoder.encode(`${text}\n`));
  Object.assign(globalThis, { print });
  console.log = (...values) => print(values.join(" ")); // its own would wait for a main loop

  return {
    recv(size) {
      Atomics.store(received.length, 0, -size);
      ring();
      while (Atomics.load(received.length, 0) < 0)
        Atomics.wait(received.length, 0, -size);
      const length = Atomics.load(received.length, 0);
      return length === 0 ? null : received.bytes.slice(0, length);
    },
    sendall(data) {
      put(toSend, data);
    },
    close() {
      waitUntilEmpty(toSend);
      Atomics.store(toSend.length, 0, -1);
      ring();
    },
  };
}

/** The main thread's side: does what the thread asks for, as soon as it can be done. */
function serveThread(
  worker: Worker,
  client: net.Socket,
  shared: SharedArrayBuffer,
): void {
  const { received, toSend, toPrint } = slotsOf(shared);
  const decode = utf8Decoder();
  let line = "";
  let running = true;

  function set(slot: typeof toSend, length: number): void {
    Atomics.store(slot.length, 0, length);
    Atomics.notify(slot.length, 0);
  }

  function printNow(): void {
    const length = Atomics.load(toPrint.length, 0);
    if (length === 0) return;
    if (printed.length > slotSize && running) {
      writing?.then(serve); // the output is slower than the threads
      return;
    }
    line += decode(toPrint.bytes.slice(0, length));
    set(toPrint, 0);
    if (!line.endsWith("\n")) return; // more than a slot can hold
    print(line.slice(0, -1));
    line = "";
  }

  function sendNow(): void {
    const length = Atomics.load(toSend.length, 0);
    if (length === 0 || client.writableNeedDrain) return;
    if (length < 0) client.destroySoon();
    else if (!client.destroyed) client.write(toSend.bytes.slice(0, length));
    set(toSend, 0);
  }

  function receiveNow(): void {
    const size = -Atomics.load(received.length, 0);
    if (size <= 0) return;
    const data = client.read(Math.min(size, slotSize, client.readableLength));
    if (data) {
      received.bytes.set(data);
      set(received, data.length);
    } else if (client.readableEnded || client.destroyed) set(received, 0);
  }

  function serve(): void {
    printNow();
    sendNow();
    receiveNow();
  }

  for (const event of ["readable", "drain", "end", "close"])
    client.on(event, serve);
  worker.on("exit", () => {
    running = false;
    serve(); // its last words
    client.destroySoon();
    threads.delete(serve);
    threadEnds.emit("exit");
  });
  threads.add(serve);
  answering ??= answerBell();
}

/**
 * The text Python prints for an address: ('127.0.0.1', 40610); with a ? for a client
 * that reset the connection before Node had accepted it and could ask who it is.
 */
function addressText(client: net.Socket): string {
  const { remoteAddress = "?", remotePort = 0, remoteFamily } = client;
  return remoteFamily === "IPv6"
    ? `('${remoteAddress}', ${remotePort}, 0, 0)`
    : `('${remoteAddress}', ${remotePort})`;
}

/**
 * Python's bytes.decode(), made for a stream: recv() may cut a character in two,
 * then its first bytes wait for the rest. Bytes that are no UTF-8 become U+FFFD.
 */
function utf8Decoder(): (data?: Uint8Array) => string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return (data) => decoder.decode(data, { stream: data !== undefined });
}

/** What is printed but not yet written, and the end of its writing. */
let printed = "";
let writing: Promise<void> | undefined;

/**
 * Python's print; control codes are shown as \x1b, so they can't drive the
 * terminal. While the server is busy, the lines of all threads that one turn of the
 * main thread's event loop brings go out in one write.
 */
function print(text: string): void {
  const visible = text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  printed += `${visible}\n`;
  writing ??= writeLines();
}

/** Writes the first line at once, and those that come meanwhile at the end of the turn. */
async function writeLines(): Promise<void> {
  while (printed) {
    const lines = printed;
    printed = "";
    await Promise.all([
      new Promise((resolve) => process.stdout.write(lines, resolve)),
      new Promise((resolve) => setImmediate(resolve)),
    ]);
  }
  writing = undefined;
}

/**
 * Python's `__name__ == "__main__"`: true if this file was started, not imported;
 * tsx starts it without its .ts as well.
 */
function isMain(): boolean {
  const [, started = ""] = process.argv;
  const file = existsSync(started) ? realpathSync(started) : `${started}.ts`;
  return file === import.meta.filename;
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags(): { host: string; port: number } {
  const usage =
    "usage: npx tsx lecture1_server_forever.ts [--host HOST] [--port PORT]";
  try {
    const { values } = parseArgs({
      options: {
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "65432" },
        help: { type: "boolean", default: false },
      },
    });
    const { host } = values;
    const port = Number(values.port);
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    if (!host) throw new Error("--host needs a name or an address");
    if (!/^\d+$/.test(values.port) || port > 65535)
      throw new Error(
        `--port ${values.port}: no port, write 0 to 65535 (0 takes a free one)`,
      );
    return { host, port };
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s|\n/);
    process.stderr.write(`lecture1_server_forever: ${what}; ${usage}\n`);
    process.exit(2);
  }
}

/** One line on stderr. */
function complain(what: string): void {
  process.stderr.write(`lecture1_server_forever: ${what}\n`);
}

/** Says in one line on stderr what went wrong and what to do; the exit code is 1. */
function fail(error: NodeJS.ErrnoException, host: string, port: number): void {
  const { code } = error;
  if (!code) throw error; // not the network's fault but ours: show the stack
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use, stop the program that listens there or take another --port`,
    EADDRNOTAVAIL: `${host} is no address of this machine, check --host`,
    EACCES: `port ${port} is reserved for the system, take a --port above 1023`,
    EINVAL: `${host} is no address to use here, check --host`,
    ENOTFOUND: `unknown host ${host}, check --host`,
    EAI_AGAIN: `unknown host ${host}, check --host and the network`,
  };
  complain(`${reasons[code] ?? error.message} (${code})`);
  process.exitCode = 1;
}

/** Ends the program when its output can't be written: nobody reads it, as in `| head -1`. */
function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const gone = error.code === "EPIPE";
    const why = gone
      ? "nobody reads the output any more"
      : "can't write the output";
    complain(`${why} (${error.code})`);
    process.exit(1);
  });
  process.stderr.on("error", () => {}); // complaints that nobody reads stop nothing
}
