// Lecture 1, exercise 1, the server: it accepts one client, sends back
// everything that the client sends, and exits when the client closes.
//
//   npx tsx lecture1_server.ts
//
// Then, in another terminal: npx tsx lecture1_client.ts
// Compare this file with lecture1_server.py. Its end provides what Python's
// standard library already has (accept, recv, sendall, ...).

import dns from "node:dns/promises";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { parseArgs } from "node:util";

/** Serves one client, then returns. Port 0 picks a free port. */
export async function startServer(host = "127.0.0.1", port = 65432) {
  const s = socket();
  try {
    s.bind(host, port);
    await s.listen(); // from now on, the kernel does the handshakes
    print(`Server listening on ${host}:${s.getsockname().port}`);

    const [conn, addr] = await s.accept(); // waits for the first client
    try {
      print(`Connected by ${addr}`);
      // Joins a character that was split across two reads.
      const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
      while (true) {
        const data = await conn.recv(1024); // waits; returns up to 1024 bytes
        if (!data) break; // FIN: the client has nothing more to send
        print(`Received: ${utf8.decode(data, { stream: true })}`);
        await conn.sendall(data);
      }
    } finally {
      conn.close();
    }
  } finally {
    s.close();
  }
}

if (isMain()) {
  const { host, port } = parseFlags();
  startServer(host, port).catch(fail);
}

// --- You can stop reading here: Python's library already has the rest --------

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
  // Clients that Node has accepted, but accept() has not returned yet.
  const waiting: net.Socket[] = [];
  let bindHost = "";
  let bindPort = 0;

  server.on("connection", (client) => {
    // recv() and sendall() throw the error. Without a listener, Node would
    // exit.
    client.on("error", () => {});
    waiting.push(client);
  });
  // Stdout can't be written: its reader has exited (`| head`), or the disk is
  // full.
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });

  return {
    bind(host: string, port: number) {
      bindHost = host;
      bindPort = port;
    },

    /** In Node, listen() does bind(2) as well. AF_INET: the address is IPv4. */
    async listen() {
      const { address } = await dns.lookup(bindHost, { family: 4 });
      server.listen(bindPort, address);
      await once(server, "listening");
    },

    getsockname() {
      return server.address() as net.AddressInfo;
    },

    /**
     * Waits for a client; returns its connection, and its address as Python
     * prints it.
     */
    async accept(): Promise<[Connection, string]> {
      if (waiting.length === 0) await once(server, "connection");
      const client = waiting.shift()!;
      // "?": the client left before Node could ask for its address.
      const { remoteAddress = "?", remotePort = 0 } = client;
      return [connection(client), `('${remoteAddress}', ${remotePort})`];
    },

    /** Stops listening; resets clients that still wait, as the kernel would. */
    close() {
      server.close();
      for (const client of waiting) client.resetAndDestroy();
    },
  };
}

type Connection = ReturnType<typeof connection>;

/** The socket that Python's accept() returns. */
function connection(client: net.Socket) {
  let wakeRecv = () => {}; // makes a waiting recv() look again
  client.on("end", () => wakeRecv());
  client.on("close", () => wakeRecv());

  return {
    /**
     * Waits for data; returns 1 to `size` bytes, or null at the end of the
     * stream. If an earlier recv() was abandoned (Promise.race with a timer),
     * data that arrives from now on goes to this recv.
     */
    async recv(size: number): Promise<Buffer | null> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(
          `recv: the size must be a positive integer, not ${JSON.stringify(size)}`,
        );
      // Python's print waits for a slow terminal. Here, the next recv does.
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
      // This listener makes Node start reading from the kernel.
      if (client.listenerCount("readable") === 0)
        client.on("readable", () => wakeRecv());
      while (true) {
        if (client.errored) throw client.errored;
        // null: nothing has arrived yet. (Node's read(1024) would wait for 1024
        // bytes.)
        const data = client.read(Math.min(size, client.readableLength));
        if (data || client.readableEnded || client.destroyed) return data;
        await new Promise<void>((resolve) => {
          wakeRecv = resolve;
        });
      }
    },

    /**
     * Waits until all of data has been handed to the kernel. If the client
     * doesn't read, the kernel's buffers fill up, and this waits.
     */
    sendall(data: Uint8Array): Promise<void> {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall needs bytes, not ${typeName(data)}`);
      return new Promise((resolve, reject) => {
        client.write(data, (error) => {
          if (error) reject(client.errored ?? error);
          else resolve();
        });
      });
    },

    /** Sends what is queued, then FIN; or RST, if there are unread bytes. */
    close() {
      client.destroySoon();
    },
  };
}

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
  process.stdout.write(shown);
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
  const usage = "usage: npx tsx lecture1_server.ts [--host HOST] [--port PORT]";
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
    console.error(`lecture1_server: ${mistake}; ${usage}`);
    process.exit(2);
  }
}

// --- Error messages ----------------------------------------------------------

/** Advice for each network error, by the system's error code. */
const advice: Record<string, string> = {
  EADDRINUSE:
    "another program is using this port: stop it or choose another --port",
  EADDRNOTAVAIL: "this computer does not have that address: check --host",
  EACCES:
    "no permission: the port is below 1024, or reserved by Hyper-V or WSL; choose another --port",
  ENOTFOUND: "unknown host: check --host",
  EAI_AGAIN: "unknown host: check --host and the network",
  ECONNRESET: "the client reset the connection",
  ETIMEDOUT: "the client no longer answers: check its cable, power and network",
  EHOSTUNREACH:
    "the client can't be reached: check its cable, power and network",
  ENETUNREACH: "the client can't be reached: check cables and network",
  EHOSTDOWN: "the client can't be reached: check its cable, power and network",
  ENETDOWN: "the client can't be reached: check cables and network",
  ECONNABORTED:
    "the client no longer answers: check its cable, power and network",
  EPIPE: "the receiving end was closed",
};

/** Prints a network error with advice in one line; sets exit code 1. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  // No code, or one of Node's (ERR_...): a bug in this program. Show the stack.
  if (!code || code.startsWith("ERR_")) throw error;
  const hint = advice[code];
  console.error(`lecture1_server: ${hint ? `${message}; ${hint}` : message}`);
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
