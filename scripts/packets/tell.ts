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

function tell(what: object): void {
  const timeMs = performance.timeOrigin + performance.now();
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

type Other = (self: any, method: () => any, args: any[]) => unknown;

/** Does something else in the place of a method, which it may call. */
function replace(object: any, name: string, other: Other): void {
  const method = object[name];
  object[name] = function (...args: unknown[]) {
    return other(this, () => method.apply(this, args), args);
  };
}

function watch(): void {
  for (const stream of [process.stdout, process.stderr])
    replace(stream, "write", (_stream, write, [text]) => {
      tell({ text: Buffer.from(text).toString() });
      return write();
    });
  // Bytes come by read(), or as an event to who listens to "data"; mostly as both.
  replace(net.Socket.prototype, "emit", (socket, emit, [event, data]) => {
    if (event === "data") tellRead(socket, data);
    return emit();
  });
  replace(net.Socket.prototype, "read", (socket, read) => {
    const before = reads;
    const data = read();
    if (data !== null && reads === before) tellRead(socket, data);
    return data;
  });
  replace(net.Server.prototype, "emit", (_server, emit, [event]) => {
    if (event === "listening") tell({ listens: true });
    return emit();
  });
  process.on("exit", (code) => tell({ code }));
  process.on("disconnect", () => process.exit(1)); // packets is gone, by kill -9 perhaps
  if (!process.connected) process.exit(1); // or was it before
  process.channel?.unref();
}

if (isMainThread) watch(); // what a Worker prints goes through the main thread
