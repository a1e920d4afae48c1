/**
 * Preloaded into a program by capture.ts: reports events of the program on file
 * descriptor 3 as they happen. Observed from outside they would be late, and
 * packets follow within microseconds.
 */
import { writeSync } from "node:fs";
import net from "node:net";
import { isMainThread } from "node:worker_threads";

/** Something that a program does, without its time. */
type Happening =
  | { kind: "listens" }
  /** One line or several, on stdout or stderr. */
  | { kind: "prints"; text: string }
  /** The ports of the connection: at this end, and at the other. */
  | { kind: "reads"; bytes: number; ports: (number | undefined)[] }
  | { kind: "exits"; code: number };

/** Something that a program has done, as this file reports it. */
export type ProgramEvent = Happening & {
  /** When it happened, in milliseconds since 1970. */
  timeMs: number;
};

/**
 * Finds the time at which performance.now() was 0. Node's own
 * performance.timeOrigin is too late if Node was descheduled during its start.
 *
 * Date.now() drops the fraction of a millisecond, so one reading leaves an
 * interval: the real time is at least what it returns, and less than 1 ms
 * later. The reading happens between two calls of performance.now(), so the
 * interval of the origin is a little wider than 1 ms. The origin is in the
 * interval of every reading, so it is in their intersection. Readings just
 * before and just after Date.now() changes make that narrow.
 *
 * @returns the origin, in milliseconds since 1970
 */
function clockOrigin(): number {
  const wantedPrecisionMs = 0.01;
  const longestSearchMs = 5000;
  let earliest = 0;
  let latest = Infinity;
  do {
    const before = performance.now();
    const wholeMs = Date.now();
    const after = performance.now();
    earliest = Math.max(earliest, wholeMs - after);
    latest = Math.min(latest, wholeMs + 1 - before);
  } while (
    latest - earliest > wantedPrecisionMs &&
    performance.now() < longestSearchMs
  );
  return earliest;
}

const originMs = clockOrigin();

/** Writes one event as a line of JSON. */
function report(happening: Happening): void {
  const timeMs = originMs + performance.now();
  const event: ProgramEvent = { timeMs, ...happening };
  try {
    writeSync(3, `${JSON.stringify(event)}\n`);
  } catch {
    exitWithoutPackets();
  }
}

/** Ends the program, since packets has exited and nobody is left to stop it. */
function exitWithoutPackets(): never {
  process.exit(1);
}

let reportedReads = 0;

/** Reports that a program has read from a connection. Pipes have no ports. */
function reportRead(socket: net.Socket, data: Buffer | string): void {
  reportedReads++;
  const { localPort, remotePort } = socket;
  const isPipe = localPort === undefined && remotePort === undefined;
  if (isPipe) return;
  report({
    kind: "reads",
    bytes: Buffer.byteLength(data),
    ports: [localPort, remotePort],
  });
}

/**
 * Wraps a method, so that something happens before each call.
 *
 * @param action gets the object and the arguments of the call
 */
function before(
  object: any,
  name: string,
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

function watchExit(): void {
  process.on("exit", (code) => report({ kind: "exits", code }));
}

/** Ends the program when packets has exited, even by kill -9. */
function exitWithPackets(): void {
  process.on("disconnect", exitWithoutPackets);
  // Packets may have exited before this line was reached.
  if (!process.connected) exitWithoutPackets();
  // The channel must not keep the program running.
  process.channel?.unref();
}

// What a Worker prints and receives goes through the main thread.
if (isMainThread) {
  watchPrinting();
  watchListening();
  watchReading();
  watchExit();
  exitWithPackets();
}
