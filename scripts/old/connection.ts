/** Connections of this process to a server on this machine. */
import { once } from "node:events";
import net from "node:net";
import { within } from "../processes.ts";

/** Milliseconds that a handshake may take. */
const patience = 10_000;

/** How the server ended a connection. */
type Ending = "FIN" | "reset" | "closed";

/** A connection of this process to a server. */
export type Connection = Awaited<ReturnType<typeof connect>>;

/**
 * Connects to a server on this machine.
 *
 * @throws the system's error, or Error after 10 seconds
 */
export async function connect(port: number) {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  const ended = new Promise<Ending>((resolve) => {
    socket.on("error", () => resolve("reset"));
    socket.on("end", () => resolve("FIN"));
    socket.on("close", () => resolve("closed"));
  });
  const handshake = once(socket, "connect");
  await within(patience, `a connection to port ${port}`, handshake).catch(
    (error) => {
      socket.destroy();
      throw error;
    },
  );

  return {
    socket,
    /** How the server ended it. */
    ended,
    /** Sends a message and resolves to whether exactly this came back. */
    echo(message: Buffer): Promise<boolean> {
      return new Promise((resolve) => {
        const pieces: Buffer[] = [];
        let missing = message.length;
        const done = (same: boolean) => {
          socket.off("data", onData);
          resolve(same);
        };
        const onData = (data: Buffer) => {
          pieces.push(data);
          missing -= data.length;
          if (missing <= 0) done(Buffer.concat(pieces).equals(message));
        };
        socket.on("data", onData);
        ended.then(() => done(false));
        socket.write(message);
      });
    },
    /** Sends FIN. */
    leave: () => socket.end(),
    /** Ends it at once. */
    destroy: () => socket.destroy(),
  };
}
