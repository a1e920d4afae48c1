// Lecture 1, the client: it connects to a server, sends one message, waits for
// the answer and prints it.
//
//   npx tsx lecture1_client.ts
//
// A server has to run first, in another terminal: npx tsx lecture1_server.ts
// Read it beside lecture1_client.py. What Python's library gives for nothing
// (connect, recv, sendall, ...) stands at the end of this file.

import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { parseArgs } from "node:util";

/**
 * Sends one message to a server and prints what comes back.
 *
 * @param host name or address of the server
 * @param port TCP port of the server, 1 to 65535
 * @param message text to send, as UTF-8
 * @throws the system's error with its code: ECONNREFUSED when nobody listens,
 *   ECONNRESET when the server resets before it has the whole message or has
 *   answered, ENOTFOUND for an unknown host; EOF when it closes without an answer
 */
export async function startClient(
  host = "127.0.0.1",
  port = 65432,
  message = "Hello, Server!",
): Promise<void> {
  const s = socket();
  try {
    await s.connect(host, port); // handshake: SYN, SYN+ACK, ACK
    s.sendall(Buffer.from(message)); // TCP carries bytes, not text: UTF-8
    const data = await s.recv(1024); // waits until something arrives, 1024 bytes at most
    print(`Received from server: ${data.toString()}`);
  } finally {
    await s.close(); // FIN: we have nothing more to send
  }
}

if (isMain()) {
  watchOutput();
  const { host, port, message } = parseFlags();
  startClient(host, port, message).catch((error) => fail(error, host, port));
}

// ---------------------------------------------------------------------------
// What Python's library gives for nothing
// ---------------------------------------------------------------------------

/** Python's socket.socket(AF_INET, SOCK_STREAM), as far as a client needs it. */
function socket() {
  const s = new net.Socket();
  s.on("error", () => {}); // whoever waits in connect() or recv() is told

  return {
    /** Does the TCP handshake; a name is looked up as IPv4. Throws as connect(2) fails. */
    async connect(host: string, port: number): Promise<void> {
      s.connect({ host, port, family: 4 });
      await once(s, "connect");
    },

    /**
     * Sends all of data. Node keeps what the kernel can't take yet and goes on
     * sending while we read, so client and server never wait for each other,
     * as they do for ever in Python when a message is longer than the buffers.
     */
    sendall(data: Buffer): void {
      s.write(data);
    },

    /**
     * Waits for bytes and returns what is there, 1 to `size` bytes.
     * Where Python's recv returns b"" at the end of the stream, this throws EOF.
     */
    async recv(size: number): Promise<Buffer> {
      if (s.readableLength === 0) await once(s, "readable");
      const data = s.read(Math.min(size, s.readableLength));
      if (data) return data;
      throw Object.assign(new Error("end of stream"), { code: "EOF" });
    },

    /**
     * Sends what is left of the message, then FIN; throws when that fails. What the
     * server still sends is read and dropped: closing with bytes unread would reset
     * the connection (RFC 1122, 4.2.2.13). After a second of silence it is closed,
     * whether the server closes or not.
     */
    async close(): Promise<void> {
      if (s.destroyed || s.writableFinished) return;
      const unsent = s.writableLength > 0;
      s.resume();
      await new Promise<void>((resolve, reject) =>
        s.end((error?: Error | null) =>
          error && unsent ? reject(error) : resolve(),
        ),
      );
      s.setTimeout(1000, () => s.destroy());
    },
  };
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
function parseFlags(): { host: string; port: number; message: string } {
  const usage =
    "usage: npx tsx lecture1_client.ts [--host HOST] [--port PORT] [--message TEXT]";
  try {
    const { values } = parseArgs({
      options: {
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "65432" },
        message: { type: "string", default: "Hello, Server!" },
        help: { type: "boolean", default: false },
      },
    });
    const { host, message } = values;
    const port = Number(values.port);
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    if (!host) throw new Error("--host needs a name or an address");
    if (!/^\d+$/.test(values.port) || port < 1 || port > 65535)
      throw new Error(`--port ${values.port}: no port, write 1 to 65535`);
    if (!message)
      throw new Error("--message is empty, nothing to answer: write a text");
    return { host, port, message };
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s|\n/);
    process.stderr.write(`lecture1_client: ${what}; ${usage}\n`);
    process.exit(2);
  }
}

/** Says in one line on stderr what went wrong and what to do; the exit code is 1. */
function fail(error: NodeJS.ErrnoException, host: string, port: number): void {
  const { code } = error;
  if (!code) throw error; // not the network's fault but ours: show the stack
  const reasons: Record<string, string> = {
    ECONNREFUSED: `nobody listens on ${host}:${port}, is the server running?`,
    ECONNRESET: `the server at ${host}:${port} reset the connection`,
    EPIPE: `the server at ${host}:${port} reset the connection`,
    EOF: `the server at ${host}:${port} closed without an answer`,
    EINVAL: `${host} is no address to use here, check --host`,
    ENOTFOUND: `unknown host ${host}, check --host`,
    EAI_AGAIN: `unknown host ${host}, check --host and the network`,
    ENETUNREACH: `no way to ${host}, check --host and the network`,
    EHOSTUNREACH: `no way to ${host}, check --host and the network`,
    ETIMEDOUT: `no answer from ${host}:${port}, check --host and --port`,
  };
  const reason = reasons[code] ?? error.message;
  process.stderr.write(`lecture1_client: ${reason} (${code})\n`);
  process.exitCode = 1;
}

/** Ends the program when its output can't be written: nobody reads it, as in `| head -1`. */
function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const gone = error.code === "EPIPE";
    const why = gone
      ? "nobody reads the output any more"
      : "can't write the output";
    process.stderr.write(`lecture1_client: ${why} (${error.code})\n`);
    process.exit(1);
  });
  process.stderr.on("error", () => {}); // complaints that nobody reads stop nothing
}
