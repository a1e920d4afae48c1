// Lecture 1, exercise 1, the server: it accepts one client, sends back whatever
// the client sends, and ends when the client closes.
//
//   npx tsx lecture1_server.ts
//
// Then, in another terminal: npx tsx lecture1_client.ts
// Read it beside lecture1_server.py. What Python's library gives for nothing
// (accept, recv, sendall, ...) stands at the end of this file.

import dns from "node:dns/promises";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { parseArgs } from "node:util";

/**
 * Serves one client, then ends.
 *
 * @param host name or address to listen on
 * @param port TCP port to listen on; 0 takes a free one
 * @throws the system's error with its code: EADDRINUSE when the port is in use,
 *   ECONNRESET when the client resets the connection
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

    const [conn, addr] = await s.accept(); // waits for the first client
    try {
      print(`Connected by ${addr}`);
      const decode = utf8Decoder();
      while (true) {
        const data = await conn.recv(1024); // waits for bytes, takes 1024 at most
        if (!data) break; // FIN: the client has nothing more to send
        print(`Received: ${decode(data)}`);
        await conn.sendall(data);
      }
      const rest = decode(); // a character that the client never finished
      if (rest) print(`Received: ${rest}`);
    } finally {
      conn.close();
    }
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

    /** Waits for a client; returns its connection and its address as text. */
    async accept(): Promise<[ReturnType<typeof connection>, string]> {
      if (backlog.length === 0) await once(server, "connection");
      const [client, addr] = backlog.shift()!;
      return [connection(client), addr];
    },

    /** Stops listening. Who still waits for accept() gets a reset, as from the kernel. */
    close(): void {
      server.close();
      for (const [client] of backlog) client.resetAndDestroy();
    },
  };
}

/** The socket that Python's accept() returns. */
function connection(client: net.Socket) {
  let failure: Error | undefined;
  let wake = () => {};
  client.on("error", (error) => (failure = error));
  for (const event of ["readable", "end", "close"])
    client.on(event, () => wake());

  return {
    /** Waits for bytes; returns 1 to `size` of them, or null at the end of the stream. */
    async recv(size: number): Promise<Buffer | null> {
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
      while (true) {
        const data = client.read(Math.min(size, client.readableLength));
        if (data) return data;
        if (failure) throw failure;
        if (client.readableEnded || client.destroyed) return null;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },

    /** Returns when the kernel has taken every byte; a client that doesn't read makes it wait. */
    sendall(data: Buffer): Promise<void> {
      return new Promise((resolve, reject) =>
        client.write(data, (error) =>
          error ? reject(failure ?? error) : resolve(),
        ),
      );
    },

    /** Sends FIN. */
    close(): void {
      client.destroySoon();
    },
  };
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

/** Python's print; control codes are shown as \x1b, so they can't drive the terminal. */
function print(text: string): void {
  const visible = text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  process.stdout.write(`${visible}\n`);
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
  const usage = "usage: npx tsx lecture1_server.ts [--host HOST] [--port PORT]";
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
    process.stderr.write(`lecture1_server: ${what}; ${usage}\n`);
    process.exit(2);
  }
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
    ECONNRESET: "the client reset the connection",
    EPIPE: "the client closed the connection before it had the whole echo",
  };
  const reason = reasons[code] ?? error.message;
  process.stderr.write(`lecture1_server: ${reason} (${code})\n`);
  process.exitCode = 1;
}

/** Ends the program when its output can't be written: nobody reads it, as in `| head -1`. */
function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const gone = error.code === "EPIPE";
    const why = gone
      ? "nobody reads the output any more"
      : "can't write the output";
    process.stderr.write(`lecture1_server: ${why} (${error.code})\n`);
    process.exit(1);
  });
  process.stderr.on("error", () => {}); // complaints that nobody reads stop nothing
}
