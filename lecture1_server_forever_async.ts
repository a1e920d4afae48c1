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
import { parseArgs } from "node:util";

/**
 * Serves one client.
 *
 * @param reader brings what the client sends
 * @param writer takes what is sent to the client
 */
export async function handleClient(
  reader: StreamReader,
  writer: StreamWriter,
): Promise<void> {
  const addr = writer.getExtraInfo("peername");
  print(`Connected by ${addr}`);
  const decode = utf8Decoder();
  try {
    while (true) {
      const data = await reader.read(1024); // the others are served until bytes arrive
      if (!data) break; // FIN: the client has nothing more to send
      print(`Received from ${addr}: ${decode(data)}`);
      writer.write(data);
      await writer.drain(); // and while a client is slow to read
    }
    const rest = decode(); // a character that the client never finished
    if (rest) print(`Received from ${addr}: ${rest}`);
  } catch (error) {
    if (!isCancelled(error)) throw error; // Ctrl+C cancels quietly
  } finally {
    print(`Connection with ${addr} closed`);
    writer.close();
    await writer.waitClosed();
  }
}

/**
 * Serves every client who connects, until Ctrl+C.
 *
 * @param host name or address to listen on
 * @param port TCP port to listen on; 0 takes a free one
 * @throws the system's error with its code, EADDRINUSE when the port is in use;
 *   KeyboardInterrupt after Ctrl+C
 */
export async function main(host = "127.0.0.1", port = 65432): Promise<void> {
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
  watchOutput();
  const { host, port } = parseFlags();
  main(host, port).catch((error) => {
    if (!isKeyboardInterrupt(error)) return fail(error, host, port);
    print("\nServer is shutting down...");
  });
}

// ---------------------------------------------------------------------------
// What Python's asyncio gives for nothing
// ---------------------------------------------------------------------------

type StreamReader = Connection["reader"];
type StreamWriter = Connection["writer"];
type Connection = ReturnType<typeof openConnection>;

/**
 * Python's asyncio.start_server: listens, and calls `handler` for every client.
 * Throws EADDRINUSE and the like.
 */
async function startServer(
  handler: typeof handleClient,
  host: string,
  port: number,
) {
  // allowHalfOpen: a client that has sent its FIN still gets the rest of its echo.
  // pauseOnConnect: nothing is read before the handler asks for it.
  // noDelay: as in asyncio, small pieces are sent at once.
  const server = net.createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
  });
  const tasks = new Map<Connection, Promise<void>>();

  server.on("connection", (client) => {
    const connection = openConnection(client);
    const { reader, writer } = connection;
    const task = handler(reader, writer)
      .catch((error: NodeJS.ErrnoException) =>
        complain(handlerFailed(error, writer.getExtraInfo("peername"))),
      )
      .finally(() => {
        client.destroySoon();
        tasks.delete(connection);
      });
    tasks.set(connection, task);
  });

  const { address } = await dns.lookup(host, { family: 4 }); // a name is looked up as IPv4, as AF_INET does
  server.listen(port, address);
  await once(server, "listening");

  return {
    /** The address of the listening socket as text, with the real port. */
    getsockname(): string {
      const { address, port, family } = server.address() as net.AddressInfo;
      return addressText(address, port, family);
    },

    /** Runs until Ctrl+C, then throws; a second Ctrl+C ends the process at once. */
    async serveForever(): Promise<never> {
      await once(process, "SIGINT");
      throw Object.assign(new Error("Ctrl+C"), { name: "KeyboardInterrupt" });
    },

    /** Stops listening, cancels the handlers and waits until they have ended. */
    async close(): Promise<void> {
      server.close();
      for (const connection of tasks.keys()) connection.cancel();
      await Promise.all(tasks.values());
    },
  };
}

/** One line for a handler that ended with an error. */
function handlerFailed(error: NodeJS.ErrnoException, addr: string): string {
  return error.syscall
    ? `${addr} reset the connection (${error.code})`
    : `the handler of ${addr} failed: ${error}`;
}

/** True for what Ctrl+C throws out of serveForever(), Python's KeyboardInterrupt. */
function isKeyboardInterrupt(error: unknown): boolean {
  return error instanceof Error && error.name === "KeyboardInterrupt";
}

/** True for what a cancelled handler's await throws, Python's asyncio.CancelledError. */
function isCancelled(error: unknown): boolean {
  return error instanceof Error && error.name === "CancelledError";
}

/** The reader and the writer of a client, and how Ctrl+C cancels what waits for them. */
function openConnection(client: net.Socket) {
  const { remoteAddress, remotePort, remoteFamily } = client;
  const peername = addressText(remoteAddress, remotePort, remoteFamily);
  let failure: Error | undefined;
  let wakeReader = () => {};
  let wakeWriter = () => {};

  function wake(): void {
    wakeReader();
    wakeWriter();
  }
  client.on("readable", () => wakeReader());
  client.on("end", () => wakeReader());
  client.on("drain", () => wakeWriter());
  client.on("close", wake);
  client.on("error", (error) => (failure ??= error));

  const woken = () => new Promise<void>((resolve) => (wakeReader = resolve));

  const reader = {
    /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
    async read(size: number): Promise<Buffer | null> {
      while (printed.length > 65536 && !failure)
        await Promise.race([writing, woken()]); // the output is slower than the client
      while (true) {
        if (failure) throw failure;
        const data = client.read(Math.min(size, client.readableLength));
        if (data) return data;
        if (client.readableEnded || client.destroyed) return null;
        await woken();
      }
    },
  };

  const writer = {
    /** Queues data; Node sends as fast as the client's side takes it. */
    write(data: Uint8Array): void {
      client.write(data);
    },

    /** Waits while the queue is long: a client that doesn't read is not read from. */
    async drain(): Promise<void> {
      while (client.writableNeedDrain && !failure)
        await new Promise<void>((resolve) => (wakeWriter = resolve));
      if (failure) throw failure;
    },

    /** Sends what is queued, then FIN; a reset where the client's bytes lie unread. */
    close(): void {
      client.destroySoon();
    },

    /** Waits until the connection is closed. */
    async waitClosed(): Promise<void> {
      while (!client.closed)
        await new Promise<void>((resolve) => (wakeWriter = resolve));
    },

    /** What asyncio knows of the transport: of all that, the client's address. */
    getExtraInfo(_name: "peername"): string {
      return peername;
    },
  };

  /** Throws CancelledError where the handler waits, and cuts the client off after a second. */
  function cancel(): void {
    failure ??= Object.assign(new Error("cancelled"), {
      name: "CancelledError",
    });
    wake();
    setTimeout(() => client.destroy(), 1000).unref();
  }

  return { reader, writer, cancel };
}

/**
 * The text Python prints for an address: ('127.0.0.1', 40610); with a ? for a client
 * that reset the connection before Node had accepted it and could ask who it is.
 */
function addressText(address = "?", port = 0, family = "IPv4"): string {
  return family === "IPv6"
    ? `('${address}', ${port}, 0, 0)`
    : `('${address}', ${port})`;
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
 * terminal. While the server is busy, the lines of all clients that one turn of the
 * event loop serves go out in one write: a write for each would be a fifth of its work.
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
    "usage: npx tsx lecture1_server_forever_async.ts [--host HOST] [--port PORT]";
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
    process.stderr.write(`lecture1_server_forever_async: ${what}; ${usage}\n`);
    process.exit(2);
  }
}

/** One line on stderr. */
function complain(what: string): void {
  process.stderr.write(`lecture1_server_forever_async: ${what}\n`);
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
