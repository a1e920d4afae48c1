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

/** Sends one message to a server and prints what comes back. */
export async function startClient(
  host = "127.0.0.1",
  port = 65432,
  message = "Hello, Server!",
) {
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
  const { host, port, message } = parseFlags();
  startClient(host, port, message).catch(fail);
}

// --- You may stop reading here: what Python's library gives for nothing -----

/** Python's socket.socket(AF_INET, SOCK_STREAM), as far as a client needs it. */
function socket() {
  const s = new net.Socket();
  s.on("error", () => {}); // whoever waits in connect() or recv() is told
  process.stdout.on("error", (error) => process.exit(fail(error)));

  return {
    /** Does the TCP handshake. AF_INET: a name is looked up as IPv4. */
    async connect(host: string, port: number) {
      s.connect({ host, port, family: 4 });
      await once(s, "connect");
    },

    /**
     * Sends all of data: Node keeps what the kernel can't take yet and sends it while we
     * read. In Python a message longer than the buffers makes both sides wait for ever.
     */
    sendall: (data: Buffer) => s.write(data),

    /** Waits for 1 to `size` bytes. At the end of the stream Python returns b"", this throws. */
    async recv(size: number): Promise<Buffer> {
      while (!s.readableEnded) {
        if (s.errored) throw s.errored;
        const data = s.read(Math.min(size, s.readableLength));
        if (data) return data;
        const waits = new AbortController();
        const either = ["end", "readable"].map((it) => once(s, it, waits));
        await Promise.race(either).finally(() => waits.abort());
      }
      throw Object.assign(new Error("EOF"), { code: "FIN" });
    },

    /**
     * Sends what is left, then FIN; closes after a second of silence. What the server
     * sends is dropped: closing with bytes unread is a reset (RFC 1122, 4.2.2.13).
     */
    async close() {
      s.resume();
      if (s.writableNeedDrain) await once(s, "drain");
      s.end();
      s.setTimeout(1000, () => s.destroy());
    },
  };
}

/** Python's print; control codes are shown as \x1b, so they can't drive the terminal. */
function print(text: string) {
  const visible = text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  process.stdout.write(`${visible}\n`);
}

/** Python's `__name__ == "__main__"`: this file was started, with or without its .ts, not imported. */
function isMain() {
  const [, started = ""] = process.argv;
  const file = existsSync(started) ? started : `${started}.ts`;
  return existsSync(file) && realpathSync(file) === import.meta.filename;
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_client.ts [--host HOST] [--port PORT] [--message TEXT]";
  const options = {
    help: { type: "boolean" },
    host: { type: "string" },
    port: { type: "string", default: "65432" },
    message: { type: "string" },
  } as const;
  try {
    const { help, host, port, message } = parseArgs({ options }).values;
    if (help) {
      console.log(usage);
      process.exit(0);
    }
    if (host === "" || !/^\d+$/.test(port) || +port < 1 || +port > 65535)
      throw new Error("--host takes a name, --port 1 to 65535");
    if (message === "") throw new Error("--message is empty: write a text");
    return { host, port: +port, message };
  } catch (error) {
    const [what] = (error as Error).message.split(/\.\s|\n/);
    console.error(`lecture1_client: ${what}; ${usage}`);
    process.exit(2);
  }
}

/** Says in one line what the system says, and what to do about it; returns the exit code. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  if (!code) throw error; // not the network's fault but ours: show the stack
  const advice: Record<string, string> = {
    FIN: "; the server closed without an answer",
    ECONNREFUSED: "; nobody listens there, is the server running?",
    ECONNRESET: "; the server reset the connection",
    ETIMEDOUT: "; no answer, check --host and --port",
    ENOTFOUND: "; unknown host, check --host",
    EAI_AGAIN: "; unknown host, check --host and the network",
    EPIPE: "; nobody reads it any more",
  };
  console.error(`lecture1_client: ${message}${advice[code] ?? ""}`);
  return (process.exitCode = 1);
}
