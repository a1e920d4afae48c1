/**
 * Preloaded into a program by capture.ts: reports events of the program on file
 * descriptor 3 as they happen. Observed from outside they would be late, and
 * packets follow within microseconds.
 */
import { writeSync } from "node:fs";
import net from "node:net";
import { isMainThread } from "node:worker_threads";
import { monotonicMs } from "./clock.ts";

/** Something that a program does, without its time. */
type Happening =
  | { kind: "listens" }
  /** One line or several, on stdout or stderr. */
  | { kind: "prints"; text: string }
  /** The ports of the connection: this side's, and the other side's. */
  | { kind: "reads"; bytes: number; ports: (number | undefined)[] }
  | { kind: "exits"; code: number };

/** Something that a program has done, as this file reports it. */
export type ProgramEvent = Happening & {
  /** When it happened, by the monotonic clock of clock.ts. */
  timeMs: number;
};

/** Writes one event as a line of JSON. */
function report(happening: Happening): void {
  const event: ProgramEvent = { timeMs: monotonicMs(), ...happening };
  try {
    writeSync(3, `${JSON.stringify(event)}\n`);
  } catch {
    exitWithoutPackets();
  }
}

/** Exits, since packets has exited and can no longer stop this program. */
function exitWithoutPackets(): never {
  process.exit(1);
}

let reportedReads = 0;

/** How many bytes of each socket have been reported as read. */
const readBytes = new WeakMap<net.Socket, number>();

/** Reports that a program has read from a connection. Pipes have no ports. */
function reportRead(socket: net.Socket, data: Buffer | string): void {
  reportedReads++;
  const { localPort, remotePort } = socket;
  const isPipe = localPort === undefined && remotePort === undefined;
  if (isPipe) return;

  const before = readBytes.get(socket) ?? 0;
  const total = Math.max(before, totalRead(socket, data));
  readBytes.set(socket, total);
  const bytes = total - before;
  // Bytes that a program has put back with unshift() don't count twice.
  if (bytes === 0) return;
  report({ kind: "reads", bytes, ports: [localPort, remotePort] });
}

/**
 * How many bytes of a socket its program has read: those that Node has read,
 * minus those that still wait in Node. After setEncoding(), the program gets
 * text. Its bytes differ from the received ones if these are not UTF-8, or if a
 * character is cut.
 *
 * @param data what the program has just read
 */
function totalRead(socket: net.Socket, data: Buffer | string): number {
  const { bytesRead, readableLength, readableEncoding } = socket;
  // Waiting text is counted in characters, so its bytes are unknown. They are
  // counted when no text is waiting.
  if (readableEncoding && readableLength > 0) {
    const before = readBytes.get(socket) ?? 0;
    return before + Buffer.byteLength(data, readableEncoding);
  }
  return bytesRead - readableLength;
}

/**
 * Wraps a method, so that something happens before each call.
 *
 * @param action gets the object and the arguments of the call
 */
function before(
  object: any,
  name: string | symbol,
  action: (self: any, ...args: any[]) => void,
): void {
  const method = object[name];
  object[name] = function (...args: unknown[]) {
    action(this, ...args);
    return method.apply(this, args);
  };
}

function watchPrinting(): void {
  for (const stream of [process.stdout, process.stderr])
    before(stream, "write", (_stream, text) =>
      report({ kind: "prints", text: Buffer.from(text).toString() }),
    );
}

function watchListening(): void {
  before(net.Server.prototype, "emit", (_server, event) => {
    if (event === "listening") report({ kind: "listens" });
  });
}

/**
 * A program gets bytes from read(), from "data" events, or mostly from both:
 * Node's read() emits "data" itself. Then the read is reported once.
 */
function watchReading(): void {
  before(net.Socket.prototype, "emit", (socket, event, data) => {
    if (event === "data") reportRead(socket, data);
    if (event === "connect") watchOnread(socket);
  });
  const { read } = net.Socket.prototype;
  net.Socket.prototype.read = function (size) {
    const reportedBefore = reportedReads;
    const data = read.call(this, size);
    const isReported = reportedReads > reportedBefore;
    if (data !== null && !isReported) reportRead(this, data);
    return data;
  };
}

/**
 * With the option `onread`, Node puts bytes into the program's own buffer and
 * calls the program's function, which it keeps under this symbol.
 */
function watchOnread(socket: any): void {
  const symbols = Object.getOwnPropertySymbols(socket);
  const key = symbols.find(({ description }) => description === "kBufferCb");
  if (!key || typeof socket[key] !== "function") return;
  before(socket, key, (_socket, size, buffer) =>
    reportRead(socket, buffer.subarray(0, size)),
  );
}

function watchExit(): void {
  process.on("exit", (code) => report({ kind: "exits", code }));
}

/** Exits when packets has exited, even by kill -9. */
function exitWithPackets(): void {
  process.on("disconnect", exitWithoutPackets);
  // The parent, packets, can have exited before this line.
  if (!process.connected) exitWithoutPackets();
  // The channel must not keep the program running.
  process.channel?.unref();
}

// A Worker's output and data go through the main thread. A process that the
// program starts inherits this preload and the environment, and has something
// else on file descriptor 3.
const isProgram = process.env.LECTURE1_REPORTS === "1";
delete process.env.LECTURE1_REPORTS;

if (isMainThread && isProgram) {
  watchPrinting();
  watchListening();
  watchReading();
  watchExit();
  exitWithPackets();
}
