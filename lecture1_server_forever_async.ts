// Lecture 1, exercise 3, the asynchronous server: one thread serves every client.
// Wherever a client makes it wait (await), it works for the others meanwhile.
//
//   npx tsx lecture1_server_forever_async.ts
//
// Then, in another terminal, as often as you like: npx tsx lecture1_client.ts
// Ctrl+C disconnects the clients and stops the server.
// Read it beside lecture1_server_forever_async.py. What Python's asyncio gives
// for nothing (start_server, read, drain, ...) stands at the end of this file.

import dns from "node:dns/promises";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { inspect, parseArgs } from "node:util";

/** Serves one client. */
export async function handleClient(reader: StreamReader, writer: StreamWriter) {
  const addr = writer.getExtraInfo("peername");
  print(`Connected by ${addr}`);
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true }); // joins a character that a read cut in two
  try {
    while (true) {
      const data = await reader.read(1024); // the others are served until bytes arrive
      if (!data) break; // FIN: the client has nothing more to send
      print(`Received from ${addr}: ${utf8.decode(data, { stream: true })}`);
      writer.write(data);
      await writer.drain(); // and while a client is slow to read
    }
  } catch (error) {
    if (error !== cancelledError) throw error; // Ctrl+C cancels quietly
  } finally {
    print(`Connection with ${addr} closed`);
    writer.close();
    await writer.waitClosed();
  }
}

/** Serves every client who connects, until Ctrl+C. Port 0 takes a free one. */
export async function main(host = "127.0.0.1", port = 65432) {
  const server = await startServer(handleClient, host, port);
  const addr = server.getsockname();
  print(`Server listening on ${addr}`);
  try {
    await server.serveForever();
  } finally {
    await server.close();
  }
}

if (isMain()) {
  const { host, port } = parseFlags();
  main(host, port).catch((error) => {
    if (error !== keyboardInterrupt) return fail(error);
    print("\nServer is shutting down...");
  });
}

// --- You may stop reading here: what Python's asyncio gives for nothing -----

type Handler = typeof handleClient;
type StreamReader = Connection["reader"];
type StreamWriter = Connection["writer"];
type Connection = ReturnType<typeof openConnection>;

const keyboardInterrupt = new Error("Ctrl+C");
const cancelledError = new Error("cancelled by Ctrl+C");

/** Python's asyncio.start_server: listens, and calls `handler` for every client. */
async function startServer(handler: Handler, host: string, port: number) {
  const server = net.createServer({
    allowHalfOpen: true, // who has sent FIN still gets the rest of its echo
    pauseOnConnect: true, // what comes early lies in the kernel until the first read()
    noDelay: true, // as in asyncio, a small piece doesn't wait (40 ms) until the last one is confirmed
  });
  const tasks = new Map<Connection, Promise<void>>();
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });
  process.stderr.on("error", () => {}); // complaints that nobody reads stop nothing

  server.on("connection", (client) => {
    const connection = openConnection(client);
    const { reader, writer } = connection;
    const task = (async () => handler(reader, writer))()
      .catch((e?: NodeJS.ErrnoException) => {
        const reset = e?.syscall && `reset the connection (${e.message})`;
        complain(`${writer.getExtraInfo("peername")} ${reset || inspect(e)}`);
      })
      .finally(() => {
        client.destroySoon();
        tasks.delete(connection);
      });
    tasks.set(connection, task);
  });

  const { address } = await dns.lookup(host, { family: 4 }); // AF_INET: IPv4
  server.listen(port, address);
  await once(server, "listening");

  return {
    /** The address of the listening socket as text, with the real port. */
    getsockname() {
      const { address, port } = server.address() as net.AddressInfo;
      return addressText(address, port);
    },

    /** Runs until Ctrl+C, then throws; a second Ctrl+C ends the process at once. */
    async serveForever() {
      const ignore = () => {};
      process.on("SIGINT", ignore);
      // What a handler doesn't wait for costs the others nothing when it fails, as in asyncio.
      process.on("uncaughtException", (error) => complain(inspect(error)));
      await once(process, "SIGINT");
      // npx and tsx may pass one on twice: within half a second it counts as the same.
      setTimeout(() => process.off("SIGINT", ignore), 500).unref();
      throw keyboardInterrupt;
    },

    /** Stops listening, cancels the handlers and waits until they have ended. */
    async close() {
      server.close();
      for (const connection of tasks.keys()) connection.cancel();
      await Promise.all(tasks.values());
    },
  };
}

/** A client's reader and writer, as asyncio hands them to the handler, and its task's cancel(). */
function openConnection(client: net.Socket) {
  const peername = addressText(client.remoteAddress, client.remotePort);
  let cancelled = false;
  let wake = () => {};
  client.on("error", () => {}); // whoever waits for the client is told
  client.on("end", () => wake()).on("close", () => wake());

  const reader = {
    /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
    async read(size: number): Promise<Buffer | null> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`read takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      if (lines) await writing; // who prints waits until it is written
      if (client.listenerCount("readable") === 0)
        client.on("readable", () => wake()); // from now on Node reads
      while (true) {
        if (cancelled) throw cancelledError;
        if (client.errored) throw client.errored;
        const data = client.read(Math.min(size, client.readableLength));
        if (data || client.readableEnded || client.destroyed) return data;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };

  const writer = {
    /** Queues data; Node sends as fast as the client's side takes it. */
    write(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(
          `write takes bytes, not ${Object.prototype.toString.call(data)}`,
        );
      client.write(data);
    },

    /** Waits while the queue is long: a client that doesn't read is not read from. */
    async drain() {
      if (client.writableNeedDrain) await once(client, "drain");
    },

    /** Sends what is queued, then FIN; a reset where the client's bytes lie unread. */
    close: () => client.destroySoon(),

    /** Waits until the connection is closed. */
    async waitClosed() {
      if (!client.closed) await once(client, "close").catch(() => {});
    },

    /** What asyncio knows of the transport: of all that, the client's address. */
    getExtraInfo: (_name: "peername") => peername,
  };

  /** Throws cancelledError where the handler waits; a slow client has a second to take its echo. */
  function cancel() {
    cancelled = true;
    wake();
    setTimeout(() => client.destroy(cancelledError), 1000).unref();
  }

  return { reader, writer, cancel };
}

/** The text Python prints for an address; "?" for a client that left before Node could ask. */
function addressText(address = "?", port = 0) {
  return `('${address}', ${port})`;
}

/**
 * Lines that go out together after this turn of the event loop, and the end of their writing.
 * (`var` without a value, since the guard above runs before this line is reached.)
 */
var lines: string[] | undefined;
var writing: Promise<unknown> | undefined;

/**
 * Python's print. Characters that could drive the terminal are shown as their code: ESC
 * as \x1b, a direction control as \u202e. Newline, tab and \r\n stay as they are.
 */
function print(text: string) {
  // Control codes but for tab and newline, \r where no \n follows, and direction controls.
  const controlCharacter =
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|\p{Bidi_Control}/gu;
  const shown = `${text}`.replace(controlCharacter, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
  lines ??= [];
  lines.push(`${shown}\n`);
  writing ??= new Promise((written) => {
    setImmediate(() => {
      process.stdout.write(lines!.join(""), written);
      lines = undefined;
      writing = undefined;
    });
  });
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
  console.error(`lecture1_server_forever_async: ${what}`);
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_server_forever_async.ts [--host HOST] [--port PORT]";
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
