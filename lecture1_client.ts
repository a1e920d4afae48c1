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
  let sent = Promise.resolve(); // when the kernel has taken all there is to send
  let late: NodeJS.Timeout | undefined;
  s.on("error", () => {}); // whoever waits in connect() or recv() is told
  process.stdout.on("error", (error) => process.exit(fail(error)));

  return {
    /** Does the TCP handshake. AF_INET: a name is looked up as IPv4. */
    async connect(host: string, port: number) {
      s.connect({ host, port, family: 4 });
      await once(s, "connect");
    },

    /** Sends all of data while we go on: in Python a long message makes both sides wait for ever. */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall takes bytes, not ${{}.toString.call(data)}`);
      for (let start = 0; start < data.length; start += 16384) {
        const piece = data.subarray(start, start + 16384);
        sent = sent.then(async () => {
          await new Promise((taken) => s.write(piece, taken));
          late?.refresh();
        });
      }
    },

    /** Waits for 1 to `size` bytes. At the end of the stream Python returns b"", this throws. */
    async recv(size: number): Promise<Buffer> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
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
     * Sends what is left, then FIN, and closes after a second of silence, more for a long
     * message. What comes is dropped: closing with bytes unread is a reset (RFC 1122, 4.2.2.13).
     */
    async close() {
      const limit = (ms: number) => setTimeout(() => s.destroy(), ms).unref();
      s.on("data", () => (late ??= limit(4000))); // who sends and doesn't read is not waited for
      await sent;
      if (s.errored && !/ECANCELED/.test(`${s.errored}`)) throw s.errored; // that is our own limit
      s.end();
      clearTimeout(late);
      late = limit(1000 + s.bytesWritten / 2000); // a long echo takes long, and may pause
      const echoed = performance.now() + 500 + s.bytesWritten / 100;
      s.on("data", () => performance.now() < echoed && late!.refresh());
    },
  };
}

/** Python's print; what could drive the terminal is shown as its code: \x1b, \u202e. */
function print(text: string) {
  const s = `${text}`.replace(/[^\P{Cc}\t\n\r]|\r(?!\n)|\p{Bidi_C}/gu, (c) => {
    const hex = c.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${hex}`.replace("u00", "x");
  });
  process.stdout.write(`${s}\n`);
}

/** Python's `__name__ == "__main__"`: this file was started, as .ts, .js or without, not imported. */
function isMain() {
  const [, started = ""] = process.argv;
  const names = [started, `${started}.ts`, started.replace(/js$/, "ts")];
  const file = realpathSync(names.find((it) => existsSync(it)) ?? ".");
  return file === realpathSync(new URL(import.meta.url));
}

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_client.ts [--host HOST] [--port PORT] [--message TEXT]";
  const [flag, text] = [{ type: "boolean" }, { type: "string" }] as const;
  const options = { help: flag, host: text, port: text, message: text };
  try {
    const { values } = parseArgs({ options });
    const { help, host, port = "65432", message } = values;
    if (help) process.exit(void console.log(usage));
    if (host === "" || !/^\d+$/.test(port) || +port < 1 || +port > 65535)
      throw new Error("--host takes a name, --port 1 to 65535");
    if (message === "") throw new Error("--message is empty: write a text");
    return { host, port: +port, message };
  } catch (error) {
    const [what = ""] = (error as Error).message.split(/\.\s|\n/);
    const [, flag = ""] = /'(--\w+).*ambiguous/.exec(what) ?? [];
    const value = process.argv[process.argv.indexOf(flag) + 1];
    const how = flag && `; write ${flag}=${value}`;
    console.error(`lecture1_client: ${what}${how}; ${usage}`);
    process.exit(2);
  }
}

/** Says in one line what the system says, and what to do about it; returns the exit code. */
function fail(error: NodeJS.ErrnoException) {
  const { code = "ERR_", message } = error;
  if (code.startsWith("ERR_")) throw error; // not the network's fault but ours: show the stack
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
