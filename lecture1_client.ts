// Lecture 1, the client: it connects to a server, sends one message, waits for
// the answer and prints it.
//
//   npx tsx lecture1_client.ts
//
// Start a server first, in another terminal: npx tsx lecture1_server.ts
// Compare this file with lecture1_client.py. Its end provides what Python's
// standard library already has (connect, recv, sendall, ...).

import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import net from "node:net";
import { parseArgs } from "node:util";

/** Sends one message to a server and prints the answer. */
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

// --- You can stop reading here: Python's library already has the rest --------

/** The client's part of Python's socket.socket(AF_INET, SOCK_STREAM). */
function socket() {
  // When the server has sent FIN, we can still send.
  const nodeSocket = new net.Socket({ allowHalfOpen: true });
  // connect(), recv() and close() throw the error. Without a listener, Node
  // would exit.
  nodeSocket.on("error", () => {});
  // Stdout can't be written: its reader has exited (`| head`), or the disk is
  // full.
  process.stdout.on("error", (error) => {
    fail(error);
    process.exit();
  });

  let wakeRecv = () => {}; // makes a waiting recv() look again
  nodeSocket.on("end", () => wakeRecv());
  nodeSocket.on("close", () => wakeRecv());

  // Settles when all bytes have been handed to the kernel, or the connection
  // has broken.
  let sending = Promise.resolve();
  let stallTimer: NodeJS.Timeout | undefined;
  let hasGivenUp = false;

  return {
    /** Connects (the TCP handshake). AF_INET: the server's address is IPv4. */
    async connect(host: string, port: number) {
      nodeSocket.connect({ host, port, family: 4 });
      // If no answer arrives at all, the system gives up (Linux after about two
      // minutes), and once() throws its error.
      const stillWaiting = setTimeout(() => {
        console.error(
          `lecture1_client: still waiting for ${host}:${port}; is that computer on, and does its firewall allow the port?`,
        );
      }, 3000);
      try {
        await once(nodeSocket, "connect");
      } finally {
        clearTimeout(stillWaiting);
      }
    },

    /**
     * Queues data and returns immediately; it is sent in the background.
     * Python's sendall returns when all of data has been handed to the kernel.
     * With a message longer than all buffers, that never happens: the client
     * doesn't read while it sends, so the server can't send its echo, and stops
     * reading the message.
     */
    sendall(data: Uint8Array) {
      if (!(data instanceof Uint8Array))
        throw TypeError(`sendall needs bytes, not ${typeName(data)}`);
      sending = sending.then(() => sendInPieces(data));
    },

    /**
     * Waits for data; returns 1 to `size` bytes. At the end of the stream,
     * Python's recv returns b""; this recv throws, since the client has got no
     * answer. If an earlier recv() was abandoned (Promise.race with a timer),
     * data that arrives from now on goes to this recv.
     */
    async recv(size: number): Promise<Buffer> {
      if (!Number.isInteger(size) || size < 1)
        throw TypeError(
          `recv: the size must be a positive integer, not ${JSON.stringify(size)}`,
        );
      if (nodeSocket.listenerCount("readable") === 0)
        nodeSocket.on("readable", () => wakeRecv());
      while (!nodeSocket.readableEnded) {
        if (nodeSocket.errored) throw nodeSocket.errored;
        // null: nothing has arrived yet. (Node's read(1024) would wait for 1024
        // bytes.)
        const data = nodeSocket.read(Math.min(size, nodeSocket.readableLength));
        if (data) return data;
        await new Promise<void>((resolve) => {
          wakeRecv = resolve;
        });
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

      // The open socket keeps the process alive until the server has sent its
      // FIN, too. Until then, bytes that arrive are read and discarded: closing
      // with unread bytes would send a reset (RFC 1122, 4.2.2.13).
      nodeSocket.resume();

      // The server has one second to do so, and 5 s more for each MB of echo.
      // (unref: the timer alone doesn't keep the process alive.)
      const echoMB = nodeSocket.bytesWritten / 1e6;
      const limitMs = 1000 + 5000 * echoMB;
      setTimeout(() => nodeSocket.destroy(), limitMs).unref();
    },
  };

  /**
   * Hands data to the kernel piece by piece. The kernel accepts a piece when
   * its send buffer has room, because earlier bytes were acknowledged. So each
   * piece is a sign of progress.
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
   * Waits until all data has been handed to the kernel. Meanwhile, the "data"
   * listener makes Node read and discard the bytes that arrive, so that the
   * server can keep sending. With a server that sends and never reads, this
   * would wait forever, so the first bytes that arrive start the stall timer.
   */
  async function finishSending() {
    nodeSocket.removeAllListeners("readable");
    nodeSocket.once("data", startStallTimer);
    await sending;
    nodeSocket.off("data", startStallTimer);
    clearTimeout(stallTimer);
  }

  /** Gives up on the server if the kernel accepts no piece for 4 seconds. */
  function startStallTimer() {
    stallTimer = setTimeout(() => {
      hasGivenUp = true;
      nodeSocket.destroy();
    }, 4000);
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
      throw new Error("--host must not be empty, --port must be 1 to 65535");
    if (message === "") throw new Error("--message must not be empty");
    return { host, port, message };
  } catch (error) {
    const mistake = firstSentence((error as Error).message);
    console.error(`lecture1_client: ${mistake}; ${usage}`);
    process.exit(2);
  }
}

// --- Error messages ----------------------------------------------------------

/** Advice for each network error, by the system's error code. */
const advice: Record<string, string> = {
  FIN: "the server closed the connection without an answer",
  ECONNREFUSED: "nothing is listening on that port: is the server running?",
  ECONNRESET: "the server reset the connection",
  ETIMEDOUT:
    "no answer: is that computer on, and does its firewall allow the port?",
  EHOSTUNREACH:
    "that computer can't be reached: check power, cable, firewall, --host, subnet",
  EHOSTDOWN:
    "that computer can't be reached: check power, cable, firewall, --host, subnet",
  ENETUNREACH:
    "there is no route to that network: check your cable, --host, subnet",
  ENETDOWN:
    "there is no route to that network: check your cable, --host, subnet",
  ECONNABORTED: "the connection broke: check cable, power and network",
  ENOTFOUND: "unknown host: check --host",
  EAI_AGAIN: "unknown host: check --host and the network",
  EPIPE: "the receiving end was closed",
};

/** The advice for an error. It depends on the call that failed. */
function adviceFor(error: NodeJS.ErrnoException & { address?: string }) {
  const { code = "", syscall, address = "127." } = error;
  const noAnswer = /^(ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN)$/;
  if (noAnswer.test(code) && syscall !== "connect")
    return "the server no longer answers: check its cable, power and network";
  // A server that listens on 127.0.0.1 can't be reached from another computer.
  if (code === "ECONNREFUSED" && !address.startsWith("127."))
    return "nothing is listening on that port: is the server running with --host 0.0.0.0?";
  return advice[code];
}

/** Prints a network error with advice in one line; sets exit code 1. */
function fail(error: NodeJS.ErrnoException) {
  const { code, message } = error;
  // No code, or one of Node's (ERR_...): a bug in this program. Show the stack.
  if (!code || code.startsWith("ERR_")) throw error;
  const hint = adviceFor(error);
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
