/**
 * Preloaded into a program by capture.ts: tells on file descriptor 3 what happens when
 * it happens. Seen from outside it would be later, and packets follow within microseconds.
 */
import { writeSync } from "node:fs";
import net from "node:net";
import { isMainThread } from "node:worker_threads";
import type { End, Line, Read } from "./recording.ts";

/** What a program tells, and when: milliseconds since 1970. Text may be several lines. */
export type Told = Partial<Line & Read & End> & {
  timeMs: number;
  listens?: true;
  /** The connection's, at this end and at the other. */
  ports?: (number | undefined)[];
};

/** Milliseconds since 1970 at performance.now() 0: timeOrigin is late if Node lost the core meanwhile. */
let [origin, latest] = [0, Infinity];
do {
  const before = performance.now();
  const ms = Date.now();
  origin = Math.max(origin, ms - performance.now());
  latest = Math.min(latest, ms + 1 - before);
} while (latest - origin > 0.01 && performance.now() < 5000);

function tell(what: object): void {
  const timeMs = origin + performance.now();
  try {
    writeSync(3, `${JSON.stringify({ timeMs, ...what })}\n`);
  } catch {
    process.exit(1); // packets is gone
  }
}

let reads = 0;

/** Pipes have no ports. */
function tellRead(socket: net.Socket, data: Buffer | string): void {
  reads++;
  const { localPort, remotePort } = socket;
  if (localPort === undefined && remotePort === undefined) return;
  tell({ bytes: Buffer.byteLength(data), ports: [localPort, remotePort] });
}

type Before = (self: any, ...args: any[]) => void;

/** Does something before a method does what it does. */
function before(object: any, name: string, does: Before): void {
  const method = object[name];
  object[name] = function (...args: unknown[]) {
    does(this, ...args);
    return method.apply(this, args);
  };
}

function watch(): void {
  for (const stream of [process.stdout, process.stderr])
    before(stream, "write", (_stream, text) =>
      tell({ text: Buffer.from(text).toString() }),
    );
  before(net.Server.prototype, "emit", (_server, event) => {
    if (event === "listening") tell({ listens: true });
  });
  // Bytes come by read(), or as an event to who listens to "data"; mostly as both.
  before(net.Socket.prototype, "emit", (socket, event, data) => {
    if (event === "data") tellRead(socket, data);
  });
  const { read } = net.Socket.prototype;
  net.Socket.prototype.read = function (size) {
    const told = reads;
    const data = read.call(this, size);
    if (data !== null && reads === told) tellRead(this, data);
    return data;
  };
  process.on("exit", (code) => tell({ code }));
  process.on("disconnect", () => process.exit(1)); // packets is gone, by kill -9 perhaps
  if (!process.connected) process.exit(1); // or was it before
  process.channel?.unref();
}

if (isMainThread) watch(); // what a Worker prints goes through the main thread
