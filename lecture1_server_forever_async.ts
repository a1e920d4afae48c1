// Lecture 1, exercise 3, the asynchronous server: one thread serves every
// client. While it waits for one client (await), it serves the others.
//
//   npx tsx lecture1_server_forever_async.ts
//
// Then, in another terminal, as often as you like: npx tsx lecture1_client.ts
// Ctrl+C disconnects the clients and stops the server.
// Compare this file with lecture1_server_forever_async.py. Its end provides
// what Python's asyncio already has (start_server, read, drain, ...).

import dns from "node:dns/promises";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { inspect, parseArgs } from "node:util";

/** Serves one client. */
export async function handleClient(reader: StreamReader, writer: StreamWriter) {
  const addr = writer.getExtraInfo("peername");
  print(`Connected by ${addr}`);
  // Joins a character that was split across two reads.
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    while (true) {
      const data = await reader.read(1024); // meanwhile others are served
      if (!data) break; // FIN: the client has nothing more to send
      print(`Received from ${addr}: ${utf8.decode(data, { stream: true })}`);
      writer.write(data);
      await writer.drain(); // waits while this client reads slowly
    }
  } catch (error) {
    if (error !== cancelledError) throw error; // Ctrl+C cancels quietly
  } finally {
    print(`Connection with ${addr} closed`);
    writer.close();
    await writer.waitClosed();
  }
}

/**
 * Serves every client that connects, until Ctrl+C. Port 0 picks a free port.
 */
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

// --- You can stop reading here: Python's asyncio already has the rest --------

type Handler = typeof handleClient;
type StreamReader = Connection["reader"];
type StreamWriter = Connection["writer"];
type Connection = ReturnType<typeof openConnection>;

const keyboardInterrupt = new Error("Ctrl+C");
const cancelledError = new Error("cancelled by Ctrl+C");

/**
 * Python's asyncio.start_server: listens, and calls the handler for every
 * client.
 */
async function startServer(handler: Handler, host: string, port: number) {
  const server = net.createServer({
    // A client that has sent FIN still gets the rest of its echo.
    allowHalfOpen: true,
    // Data that arrives early stays in the kernel until the first read().
    pauseOnConnect: true,
    // No Nagle, as in asyncio: a small piece is sent without waiting (up to 40
    // ms) for the acknowledgment of the previous one.
    noDelay: true,
    // TCP's keepalive: after 30 s of silence the kernel asks whether the client
    // is still there, ten times, 1 s apart. A robot without power is noticed
    // after 40 s; one whose cable is pulled for a few seconds stays connected.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  });
  // The handlers that have not returned yet.
  const tasks = new Map<Connection, Promise<void>>();

  server.on("connection", (client) => {
    const connection = openConnection(client);
    tasks.set(connection, runTask(connection, client));
  });
  // Stdout can't be written: its reader has exited (`| head`), or the disk is
  // full.
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });
  // A closed stderr must not stop the server.
  process.stderr.on("error", () => {});

  /**
   * Runs the handler for one client. If it fails, the other clients are not
   * affected.
   */
  async function runTask(connection: Connection, client: net.Socket) {
    const { reader, writer } = connection;
    try {
      await handler(reader, writer);
    } catch (error) {
      complain(`${writer.getExtraInfo("peername")} ${reasonOf(error, client)}`);
    } finally {
      writer.close();
      tasks.delete(connection);
    }
  }

  const { address } = await dns.lookup(host, { family: 4 }); // AF_INET: IPv4
  server.listen(port, address);
  await once(server, "listening");

  return {
    /** The address of the listening socket as text, with the real port. */
    getsockname() {
      const { address, port } = server.address() as net.AddressInfo;
      return addressText(address, port);
    },

    /** Waits for Ctrl+C, then throws. A second Ctrl+C kills the process. */
    async serveForever() {
      // If a promise that a handler didn't await fails, the server keeps
      // running.
      process.on("uncaughtException", (error) => complain(inspect(error)));
      const ignore = () => {};
      process.on("SIGINT", ignore);
      await once(process, "SIGINT");
      // npx and tsx can deliver the same Ctrl+C twice, so it is ignored for
      // half a second. Without our listener, Ctrl+C kills the process as usual.
      setTimeout(() => process.off("SIGINT", ignore), 500).unref();
      throw keyboardInterrupt;
    },

    /**
     * Stops listening, cancels the handlers and waits until they have returned.
     */
    async close() {
      server.close();
      for (const connection of tasks.keys()) connection.cancel();
      // A handler that awaits something other than read() can't be cancelled.
      const stillRunning = setTimeout(() => {
        complain(
          `handlers still running: ${tasks.size}; press Ctrl+C again to stop immediately`,
        );
      }, 300);
      await Promise.all(tasks.values());
      clearTimeout(stillRunning);
    },
  };
}

/**
 * A client's reader and writer, as asyncio gives them to the handler, and
 * cancel().
 */
function openConnection(client: net.Socket) {
  const peername = addressText(client.remoteAddress, client.remotePort);
  let isCancelled = false;
  let wakeReader = () => {}; // makes a waiting read() look again
  // read() and drain() report the error. Without a listener, Node would exit.
  client.on("error", () => {});
  client.on("end", () => wakeReader());
  client.on("close", () => wakeReader());

  const reader = {
    /**
     * Waits for data; returns 1 to `size` bytes, or null at the end of the
     * stream.
     */
    async read(size: number): Promise<Buffer | null> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(
          `read: the size must be a positive integer, not ${JSON.stringify(size)}`,
        );
      // Python's print waits for a slow terminal. Here, the next read does.
      if (lines) await writing;
      // This listener makes Node start reading from the kernel.
      if (client.listenerCount("readable") === 0)
        client.on("readable", () => wakeReader());
      while (true) {
        if (isCancelled) throw cancelledError;
        if (client.errored) throw client.errored;
        // null: nothing has arrived yet. (Node's read(1024) would wait for 1024
        // bytes.)
        const data = client.read(Math.min(size, client.readableLength));
        if (data || client.readableEnded || client.destroyed) return data;
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
    },
  };

  const writer = {
    /** Queues data; Node sends it as fast as the client accepts it. */
    write(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`write needs bytes, not ${typeName(data)}`);
      client.write(data);
    },

    /**
     * Waits while the send queue is long, so that the server stops reading from
     * a client that doesn't read.
     */
    async drain() {
      if (client.writableNeedDrain) await once(client, "drain");
    },

    /** Sends what is queued, then FIN; or RST, if there are unread bytes. */
    close() {
      client.destroySoon();
    },

    /** Waits until the connection is closed. */
    async waitClosed() {
      if (client.closed) return;
      try {
        await once(client, "close");
      } catch {
        // The connection was reset: it is closed as well.
      }
    },

    /** Returns the client's address. (asyncio's get_extra_info offers more.) */
    getExtraInfo(_name: "peername") {
      return peername;
    },
  };

  /**
   * Makes the handler's read() throw; a slow client has a second to get its
   * echo.
   */
  function cancel() {
    isCancelled = true;
    wakeReader();
    setTimeout(() => client.destroy(cancelledError), 1000).unref();
  }

  return { reader, writer, cancel };
}

/**
 * An address as Python prints it; "?": the client left before Node could ask
 * for it.
 */
function addressText(address = "?", port = 0) {
  return `('${address}', ${port})`;
}

/**
 * The lines that are not written yet, and a promise for when they are. They are
 * `var`, without a value: a print() that you add at the start of main() runs
 * before this line.
 */
var lines: string[] | undefined;
var writing: Promise<unknown> | undefined;

/**
 * Like Python's print, but characters that could control the terminal are shown
 * as their codes: ESC as \x1b, a direction control as \u202e. Newline, tab and
 * \r\n are unchanged.
 */
function print(text: string) {
  // Control codes but not tab and newline, \r without \n, direction controls.
  const controlCharacter =
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|\p{Bidi_Control}/gu;
  const shown = `${text}\n`.replace(controlCharacter, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
  lines ??= [];
  lines.push(shown);
  writing ??= writeLines();
}

/**
 * Writes the lines that are printed in the same turn of the event loop
 * together.
 */
async function writeLines() {
  await new Promise(setImmediate);
  const text = lines!.join("");
  lines = undefined;
  writing = undefined;
  await new Promise((written) => process.stdout.write(text, written));
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

// --- Error messages ----------------------------------------------------------

/** Prints one line on stderr. */
function complain(what: string) {
  console.error(`lecture1_server_forever_async: ${what}`);
}

/**
 * Why a handler failed: its client's connection broke, or anything else, with
 * its stack.
 */
function reasonOf(error: unknown, client: net.Socket) {
  const { code, syscall, message } = (client.errored ?? {}) as SystemError;
  if (error !== client.errored || !syscall) return inspect(error);
  if (code === "ECONNRESET" || code === "EPIPE")
    return `reset the connection (${message})`;
  return `no longer answers (${message}): check its cable, power and network`;
}
type SystemError = Partial<NodeJS.ErrnoException>;

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

/** "[object String]": names the type of a value that is not bytes. */
function typeName(value: unknown) {
  return Object.prototype.toString.call(value);
}
