/**
 * Preloaded into a program by capture.ts: tells on file descriptor 3 what happens when
 * it happens. Seen from outside it would be later, by as long as it lies in the pipe,
 * and packets follow within microseconds.
 */
import { writeSync } from "node:fs";
import net from "node:net";
import { isMainThread } from "node:worker_threads";

/** What a program tells, each with its moment: milliseconds since 1970. */
export type Told = { atMs: number } & (
  | { listens: true }
  | { text: string }
  | { bytes: number; dropped?: true; ports: (number | undefined)[] }
  | { code: number }
);

type Emit = (event: string, ...values: unknown[]) => boolean;

function tell(what: object): void {
  const atMs = performance.timeOrigin + performance.now();
  try {
    writeSync(3, `${JSON.stringify({ atMs, ...what })}\n`);
  } catch {
    process.exit(1); // nobody listens any more
  }
}

let reads = 0;

/** Bytes that leave a connection; pipes have no ports. Where nobody takes them, resume() drops them. */
function tellRead(socket: net.Socket, data: Buffer | string): void {
  reads++;
  const { localPort, remotePort, readableFlowing } = socket;
  if (localPort === undefined && remotePort === undefined) return;
  const dropped = readableFlowing && socket.listenerCount("data") === 0;
  const bytes = Buffer.byteLength(data);
  const ports = [localPort, remotePort];
  tell({ bytes, ...(dropped ? { dropped } : {}), ports });
}

/** Tells what is printed, read, listened on, and the end. */
function watch(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (text: string | Uint8Array, ...rest: unknown[]) => {
      tell({ text: Buffer.from(text as string).toString() });
      return write(text, ...rest);
    };
  }
  const { emit, read } = net.Socket.prototype;
  Object.assign(net.Socket.prototype, {
    read(this: net.Socket, size?: number) {
      const before = reads;
      const data = read.call(this, size);
      if (data !== null && reads === before) tellRead(this, data);
      return data;
    },
    /** Most reads are an event as well, and who listens to "data" reads nothing himself. */
    emit(this: net.Socket, event: string, ...values: [Buffer]) {
      if (event === "data") tellRead(this, ...values);
      return (emit as Emit).call(this, event, ...values);
    },
  });
  const { emit: emitOfServer } = net.Server.prototype;
  Object.assign(net.Server.prototype, {
    emit(this: net.Server, event: string, ...values: unknown[]) {
      if (event === "listening") tell({ listens: true });
      return (emitOfServer as Emit).call(this, event, ...values);
    },
  });
  process.on("exit", (code) => tell({ code }));
  process.on("disconnect", () => process.exit(1)); // packets is gone, by kill -9 perhaps
  process.channel?.unref();
}

if (isMainThread) watch(); // what a Worker prints goes through the main thread
