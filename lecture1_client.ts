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
    const data = await s.recv(1024); // waits for data; returns up to 1024 bytes
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

/** What a client needs of Python's socket.socket(AF_INET, SOCK_STREAM). */
function socket() {
  const s = new net.Socket();
  s.on("error", () => {}); // connect(), recv() and close() throw it
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });

  // Resolves when the kernel has taken everything that sendall() was given.
  let sending = Promise.resolve();
  let stallTimer: NodeJS.Timeout | undefined;
  let hasGivenUp = false;

  /** Gives the server up if it reads nothing of our message for 4 seconds. */
  function giveUpOnStall() {
    stallTimer = setTimeout(() => {
      hasGivenUp = true;
      s.destroy();
    }, 4000);
  }

  return {
    /** Does the TCP handshake. AF_INET: the address is IPv4. */
    async connect(host: string, port: number) {
      s.connect({ host, port, family: 4 });
      await once(s, "connect");
    },

    /**
     * Sends all of data, in the background. Python waits here until the kernel
     * has taken all of it: with a message longer than all buffers, client and
     * server would wait for each other forever.
     */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall takes bytes, not ${typeName(data)}`);
      sending = sending.then(() => sendInPieces(data));
    },

    /**
     * Waits for data and returns 1 to `size` bytes. At the end of the stream
     * Python returns b"", and this throws: a client that expects an answer has
     * got none.
     */
    async recv(size: number): Promise<Buffer> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      while (!s.readableEnded) {
        if (s.errored) throw s.errored;
        const data = s.read(Math.min(size, s.readableLength));
        if (data) return data;
        await readableOrEnd(s);
      }
      const error: NodeJS.ErrnoException = new Error("EOF");
      error.code = "FIN";
      throw error;
    },

    /**
     * Sends what is left of the message, then FIN, and waits for the server's
     * FIN, but not forever.
     */
    async close() {
      // Bytes that still arrive are read and dropped: closing with unread bytes
      // would send a reset (RFC 1122, 4.2.2.13). A server that sends and never
      // reads would keep us here forever, so from its first byte on the stall
      // timer runs.
      s.once("data", giveUpOnStall);
      await sending;
      s.off("data", giveUpOnStall);
      clearTimeout(stallTimer);
      if (hasGivenUp) return;
      if (s.errored) throw s.errored;

      // The server has a second for its FIN, and 5 s for each megabyte of echo.
      s.resume();
      s.end();
      const limitMs = 1000 + s.bytesWritten / 200;
      setTimeout(() => s.destroy(), limitMs).unref();
    },
  };

  /**
   * Hands data to the kernel piece by piece. When the kernel takes a piece, the
   * server has read some of the pieces before: the stall timer starts again.
   */
  async function sendInPieces(data: Uint8Array) {
    const pieceSize = 16384;
    for (let start = 0; start < data.length; start += pieceSize) {
      const piece = data.subarray(start, start + pieceSize);
      await new Promise((taken) => s.write(piece, taken));
      stallTimer?.refresh();
    }
  }
}

/** Waits for data or for the end of the stream; throws the socket's error. */
async function readableOrEnd(s: net.Socket) {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    await Promise.race([
      once(s, "readable", { signal }),
      once(s, "end", { signal }),
    ]);
  } finally {
    waiting.abort(); // removes the other listener
  }
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
  const shown = `${text}`.replace(controlCharacter, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
  process.stdout.write(`${shown}\n`);
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
    const mistake = firstSentence((error as Error).message);
    console.error(`lecture1_client: ${mistake}; ${usage}`);
    process.exit(2);
  }
}

// --- Error messages ----------------------------------------------------------

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

/** Prints an error of the network and advice in one line; sets exit code 1. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  // No code, or one of Node's own (ERR_...): a bug here. Show the stack.
  if (!code || code.startsWith("ERR_")) throw error;
  const todo = advice[code];
  console.error(`lecture1_client: ${todo ? `${message}; ${todo}` : message}`);
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
