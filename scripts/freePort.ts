/** A port for a server, before the server is started. */
import dgram from "node:dgram";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import net from "node:net";

const host = "127.0.0.1";

/**
 * Finds a TCP port of 127.0.0.1 on which nothing listens, and keeps it for this
 * process: no other process that asks freePort() gets the same one.
 *
 * @throws Error when the system refuses for another reason than that the port
 *   is in use
 */
export async function freePort(): Promise<number> {
  while (true) {
    // Below 32768: from there on, Linux gives ports to outgoing connections.
    const port = randomInt(20_000, 32_000);
    const isFree = (await canListen(port)) && (await reserve(port));
    if (isFree) return port;
  }
}

/** Whether a server can listen on a TCP port now. */
async function canListen(port: number): Promise<boolean> {
  const server = net.createServer();
  server.listen(port, host);
  const listens = await succeeds(once(server, "listening"));
  if (!listens) return false;
  server.close();
  await once(server, "close");
  return true;
}

/**
 * Marks a port as used until this process exits, by a UDP socket with the same
 * number: it leaves the TCP port to the server, and a second one can't be
 * bound.
 */
async function reserve(port: number): Promise<boolean> {
  const socket = dgram.createSocket("udp4");
  socket.unref();
  socket.bind(port, host);
  return succeeds(once(socket, "listening"));
}

/** Whether a socket could be bound; false if its port is in use or reserved. */
async function succeeds(bound: Promise<unknown>): Promise<boolean> {
  try {
    await bound;
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EACCES: Windows reserves ranges of ports, for example for Hyper-V.
    if (code === "EADDRINUSE" || code === "EACCES") return false;
    throw error;
  }
}
