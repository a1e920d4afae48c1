/**
 * Markers in a capture: UDP datagrams that packets sends to itself. When tshark
 * prints a marker, it has printed all packets that were captured before.
 */
import dgram from "node:dgram";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";

/** How many bytes a datagram has besides its data (RFC 768). */
const udpHeaderBytes = 8;

/** Sends markers, which are numbered from 1. */
export class Markers {
  readonly #socket: dgram.Socket;
  #lastNumber = 0;

  /** Is called by open() only. */
  constructor(socket: dgram.Socket) {
    this.#socket = socket;
  }

  /** Opens a socket for markers. */
  static async open(): Promise<Markers> {
    const socket = dgram.createSocket("udp4");
    // If a marker can't be sent, the wait for it fails.
    socket.on("error", () => {});
    // The markers are received, so that no ICMP error answers them.
    socket.on("message", () => {});
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    socket.unref();
    return new Markers(socket);
  }

  /** The UDP port to which markers are sent. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends a marker; returns its number. */
  send(): number {
    this.#lastNumber++;
    // Its length is its number.
    this.#socket.send(Buffer.alloc(this.#lastNumber), this.port, "127.0.0.1");
    return this.#lastNumber;
  }

  close(): void {
    this.#socket.close();
  }
}

/** The number of a marker, by the length of its datagram with the header. */
export function markerNumber(udpLength: number): number {
  return udpLength - udpHeaderBytes;
}

/**
 * Removes the markers from a file of captured packets. A file that can't be
 * read or written keeps them.
 */
export async function removeMarkers(file: string): Promise<void> {
  try {
    // A device such as /dev/full could be read forever.
    if (!(await stat(file)).isFile()) return;
    const captured = await readFile(file);
    const kept = withoutUdp(captured);
    if (kept.length < captured.length) await writeFile(file, kept);
  } catch {
    // The markers are harmless, and tshark has reported what is wrong.
  }
}

/** The kinds of a pcapng file's blocks that matter here. */
const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const enhancedPacket = 6;

/** The bytes before the IP header, by the link type of the interface. */
const linkHeaderBytes: Record<number, number> = {
  // BSD's loopback, as on macOS and Windows.
  0: 4,
  108: 4,
  // Ethernet, as on Linux's loopback.
  1: 14,
};

/**
 * The blocks of a pcapng file without the packets that are UDP over IPv4. A
 * file that isn't understood is returned unchanged.
 *
 * @param file the bytes of the file, in this machine's order
 */
export function withoutUdp(file: Buffer): Buffer {
  const kept: Buffer[] = [];
  let ipOffset: number | undefined;
  for (let start = 0; start < file.length;) {
    const isWhole = file.length - start >= 12;
    const size = isWhole ? file.readUInt32LE(start + 4) : 0;
    if (size < 12 || start + size > file.length) return file;
    const block = file.subarray(start, start + size);
    start += size;

    const type = block.readUInt32LE();
    const isLittleEndian = block.readUInt32LE(8) === 0x1a2b3c4d;
    if (type === sectionHeader && !isLittleEndian) return file;
    if (type === interfaceDescription)
      ipOffset = linkHeaderBytes[block.readUInt16LE(8)];
    const isMarker = type === enhancedPacket && isUdp(block, ipOffset);
    if (!isMarker) kept.push(block);
  }
  return Buffer.concat(kept);
}

/** Whether the packet in a block is UDP over IPv4. */
function isUdp(block: Buffer, ipOffset: number | undefined): boolean {
  if (ipOffset === undefined) return false;
  const packetOffset = 28;
  const ip = block.subarray(packetOffset + ipOffset);
  const ipVersion = ip.length > 9 ? ip[0]! >> 4 : 0;
  const udp = 17;
  return ipVersion === 4 && ip[9] === udp;
}
