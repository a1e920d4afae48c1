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
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });

  let sending = Promise.resolve(); // is over when the kernel has taken every byte
  let deadline: NodeJS.Timeout | undefined; // when it comes, we close, whatever is left

  /** Closes at once when nothing has called deadline.refresh() for so many milliseconds. */
  function closeAfter(ms: number) {
    clearTimeout(deadline);
    deadline = setTimeout(() => s.destroy(), ms).unref();
  }

  return {
    /** Does the TCP handshake. AF_INET: a name is looked up as IPv4. */
    async connect(host: string, port: number) {
      s.connect({ host, port, family: 4 });
      await once(s, "connect");
    },

    /**
     * Sends all of data while the program goes on: Python waits here, so with a message
     * longer than all buffers client and server wait for each other for ever.
     */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall takes bytes, not ${typeName(data)}`);
      const pieceSize = 16384; // handed to the kernel one by one: so we see whether the server reads
      sending = sending.then(async () => {
        for (let start = 0; start < data.length; start += pieceSize) {
          const piece = data.subarray(start, start + pieceSize);
          await new Promise((taken) => s.write(piece, taken));
          deadline?.refresh(); // the server still reads
        }
      });
    },

    /** Waits for 1 to `size` bytes. At the end of the stream Python returns b"", this throws. */
    async recv(size: number): Promise<Buffer> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      while (!s.readableEnded) {
        if (s.errored) throw s.errored;
        const data = s.read(Math.min(size, s.readableLength));
        if (data) return data;
        await readableOrEnd(s);
      }
      throw Object.assign(new Error("EOF"), { code: "FIN" });
    },

    /**
     * Sends what is left, then FIN, and waits a moment for the server's FIN. What comes
     * meanwhile is dropped: closing with bytes unread is a reset (RFC 1122, 4.2.2.13).
     */
    async close() {
      // While we still send: a server that only sends and never reads is given up.
      s.on("data", () => {
        if (!deadline) closeAfter(4000);
      });
      await sending;
      const weGaveUp = s.errored && s.errored.message.includes("ECANCELED");
      if (s.errored && !weGaveUp) throw s.errored;

      // A second for the server's FIN; a long echo takes longer, and may pause.
      s.end();
      closeAfter(1000 + s.bytesWritten / 2000);
      const echoIsOver = performance.now() + 500 + s.bytesWritten / 100;
      s.on("data", () => {
        if (performance.now() < echoIsOver) deadline?.refresh();
      });
    },
  };
}

/** Waits until there is something to read, or the end of the stream; throws the socket's error. */
async function readableOrEnd(s: net.Socket) {
  const waiting = new AbortController();
  try {
    await Promise.race([
      once(s, "readable", { signal: waiting.signal }),
      once(s, "end", { signal: waiting.signal }),
    ]);
  } finally {
    waiting.abort(); // takes the listener away that is left over
  }
}

/** "[object String]": what a learner has given instead of bytes. */
function typeName(value: unknown) {
  return Object.prototype.toString.call(value);
}

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
  process.stdout.write(`${shown}\n`);
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

/** Reads the command line; on --help or a mistake it says what to write and exits. */
function parseFlags() {
  const usage =
    "usage: npx tsx lecture1_client.ts [--host HOST] [--port PORT] [--message TEXT]";
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean" },
        host: { type: "string" },
        port: { type: "string", default: "65432" },
        message: { type: "string" },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const { host, message } = values;
    const port = Number(values.port);
    const isPort = /^\d+$/.test(values.port) && port >= 1 && port <= 65535;
    if (host === "" || !isPort)
      throw new Error("--host takes a name, --port 1 to 65535");
    if (message === "") throw new Error("--message is empty: write a text");
    return { host, port, message };
  } catch (error) {
    const [what = ""] = (error as Error).message.split(/\.\s|\n/);
    console.error(`lecture1_client: ${what}${hintFor(what)}; ${usage}`);
    process.exit(2);
  }
}

/** For `--message -90,0,90`, of which Node says "Option '--message' argument is ambiguous". */
function hintFor(what: string) {
  const flag = /'(--\w+).*ambiguous/.exec(what)?.[1];
  if (!flag) return "";
  const value = process.argv[process.argv.indexOf(flag) + 1];
  return `; write ${flag}=${value}`;
}

/** What to do about an error of the network, by the system's code for it. */
const advice: Record<string, string> = {
  FIN: "the server closed without an answer",
  ECONNREFUSED: "nobody listens there, is the server running?",
  ECONNRESET: "the server reset the connection",
  ETIMEDOUT: "no answer, check --host and --port",
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
  console.error(`lecture1_client: ${todo ? `${message}; ${todo}` : message}`);
  process.exitCode = 1;
}
