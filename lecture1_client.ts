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
  const nodeSocket = new net.Socket();
  // connect(), recv() and close() report the error. Without a listener, Node
  // would end the program.
  nodeSocket.on("error", () => {});
  // The program that reads our output has exited, or a disk is full.
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });

  // Is fulfilled when the kernel has taken all that sendall() was given.
  let sending = Promise.resolve();
  let stallTimer: NodeJS.Timeout | undefined;
  let hasGivenUp = false;

  return {
    /** Connects: the TCP handshake. AF_INET: the server's address is IPv4. */
    async connect(host: string, port: number) {
      nodeSocket.connect({ host, port, family: 4 });
      await once(nodeSocket, "connect");
    },

    /**
     * Queues data, which is sent in the background. Python's sendall waits
     * until the kernel has taken all of it. With a message longer than all
     * buffers that can last forever: the client reads nothing while it sends,
     * so the server can't get rid of its echo, and reads no more of the
     * message.
     */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall takes bytes, not ${typeName(data)}`);
      sending = sending.then(() => sendInPieces(data));
    },

    /**
     * Waits for data; returns 1 to `size` bytes. At the end of the stream,
     * Python's recv returns b"". Here it throws: the client has got no answer.
     */
    async recv(size: number): Promise<Buffer> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(`recv takes 1, 2 … bytes, not ${JSON.stringify(size)}`);
      while (!nodeSocket.readableEnded) {
        if (nodeSocket.errored) throw nodeSocket.errored;
        // null: nothing has arrived yet.
        const data = nodeSocket.read(Math.min(size, nodeSocket.readableLength));
        if (data) return data;
        await waitForDataOrEnd(nodeSocket);
      }
      const error: NodeJS.ErrnoException = new Error("EOF");
      error.code = "FIN"; // our own code: fail() has advice for it
      throw error;
    },

    /** Sends what is still queued, then FIN. */
    async close() {
      await finishSending();
      if (hasGivenUp) return;
      if (nodeSocket.errored) throw nodeSocket.errored;
      nodeSocket.end();

      // The process exits when the server has sent its FIN, too. Until then,
      // bytes that arrive are read and dropped: closing with unread bytes would
      // send a reset (RFC 1122, 4.2.2.13). The server has a second, and 5 s for
      // each MB of echo.
      nodeSocket.resume();
      const limitMs = 1000 + 5 * (nodeSocket.bytesWritten / 1000);
      setTimeout(() => nodeSocket.destroy(), limitMs).unref();
    },
  };

  /**
   * Gives the kernel data piece by piece. When it takes a piece, it has room
   * again: the server's side still takes bytes.
   */
  async function sendInPieces(data: Uint8Array) {
    const pieceSize = 16384;
    for (let start = 0; start < data.length; start += pieceSize) {
      const piece = data.subarray(start, start + pieceSize);
      await new Promise((taken) => nodeSocket.write(piece, taken));
      stallTimer?.refresh();
    }
  }

  /**
   * Waits until the kernel has taken everything. A server that sends and never
   * reads would let us wait forever: when its first byte arrives, the stall
   * timer starts.
   */
  async function finishSending() {
    nodeSocket.once("data", startStallTimer);
    await sending;
    nodeSocket.off("data", startStallTimer);
    clearTimeout(stallTimer);
  }

  /** Gives up on the server when the kernel takes no piece for 4 seconds. */
  function startStallTimer() {
    stallTimer = setTimeout(() => {
      hasGivenUp = true;
      nodeSocket.destroy();
    }, 4000);
  }
}

/**
 * Waits until data can be read, or the stream ends. Throws the socket's error.
 */
async function waitForDataOrEnd(nodeSocket: net.Socket) {
  const other = new AbortController();
  const { signal } = other;
  try {
    await Promise.race([
      once(nodeSocket, "readable", { signal }),
      once(nodeSocket, "end", { signal }),
    ]);
  } finally {
    other.abort(); // stops to listen for the other event
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
  const hint = advice[code];
  console.error(`lecture1_client: ${hint ? `${message}; ${hint}` : message}`);
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
