/** Preloaded into the client: tells on file descriptor 3 when it is connected, and when it says something. */
import { writeSync } from "node:fs";
import net from "node:net";

/** What a client tells; atMs is since 1970. */
export interface Mark {
  event: "connected" | "reported";
  atMs: number;
}

function tell(event: Mark["event"]): void {
  const atMs = performance.timeOrigin + performance.now();
  writeSync(3, `${JSON.stringify({ event, atMs })}\n`);
}

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;
const { connect } = net.Socket.prototype as unknown as { connect: Connect };
Object.assign(net.Socket.prototype, {
  connect(this: net.Socket, ...args: unknown[]) {
    this.once("connect", () => tell("connected"));
    return connect.apply(this, args);
  },
});

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    tell("reported");
    return write(...args);
  };
}
