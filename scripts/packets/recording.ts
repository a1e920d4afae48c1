/** What a recording consists of, and what each of its packets does. */
import type { Design } from "../designs.ts";

export type Side = "client" | "server";

/** What was run, and against which server. */
export interface Run {
  /**
   * The lecture's client, a robot, a client without a server, or a client of a
   * server that is busy with another one.
   */
  kind: "client" | "robot" | "refused" | "reset";
  server: Design;
  /** The text that the client sends. */
  message: string;
}

/** When something happened, and at which side. */
interface Moment {
  /** Milliseconds since the first packet. */
  timeMs: number;
  from: Side;
}

export interface Packet extends Moment {
  /** The number of the packet's connection, counted from 1. */
  connection: number;
  /** The names of the TCP flags that are set: "SYN", "ACK". */
  flags: string[];
  /** The relative sequence number: that of a SYN is 0. */
  seq: number;
  /** The relative acknowledgment number; missing unless the ACK flag is set. */
  ack?: number;
  /** How many bytes of data the packet carries. */
  length: number;
  /** The data as UTF-8, with U+FFFD for a character that is cut. */
  text?: string;
  /** Wireshark finds that the packet repeats data that was sent before. */
  retransmission?: true;
  /** Wireshark finds that the packet only announces a new receive window. */
  windowUpdate?: true;
  /** The packet was dropped on purpose, after it had been captured. */
  lost?: true;
}

/** Bytes that a program took from a connection, even if it only drops them. */
export interface Read extends Moment {
  /** The number of the connection, counted from 1. */
  connection: number;
  bytes: number;
}

/** A line that a program printed. */
export interface Line extends Moment {
  text: string;
}

/** A program's exit, or the signal that packets sent to a running server. */
export interface End extends Moment {
  /** The exit code. */
  code?: number;
  signal?: string;
}

/** A run as --json writes it, and as recordings/ keeps it. */
export interface Recording {
  /** When the first packet was captured, as an ISO 8601 date. */
  date: string;
  /** The operating system and the version of Node. */
  system: string;
  run: Run;
  /** What was changed in a program or the network, as lines of a diff. */
  changed?: string[];
  /** The address of both sides of each connection. */
  connections: Record<Side, string>[];
  packets: Packet[];
  reads: Read[];
  lines: Line[];
  ends: End[];
}

/** Something that a packet does, and that needs no number to be told. */
export interface PlainAct {
  kind:
    | "opens"
    | "agrees"
    | "refuses"
    | "resets"
    | "closes"
    | "connected"
    | "confirmsFin"
    | "sentAgain"
    | "hasRoom"
    | "lost";
}

/** Something that a packet does with a number of bytes. */
export interface ByteAct {
  kind: "carries" | "confirms" | "neverRead";
  bytes: number;
}

/** Something that a packet does. The kind is the name of its text. */
export type Act = PlainAct | ByteAct;

/**
 * Follows all connections of a run from their first SYN on. Packets, reads and
 * exits have to be passed in the order of time.
 */
export class ConnectionTracker {
  readonly #connections = new Map<number, Connection>();

  /**
   * Follows a packet.
   *
   * @returns what the packet does, in the order in which it is described
   */
  onPacket(packet: Packet): Act[] {
    return this.#connection(packet.connection).onPacket(packet);
  }

  /** Follows a program's read. */
  onRead({ connection, from, bytes }: Read): void {
    this.#connection(connection)[from].unreadBytes -= bytes;
  }

  /** Follows a program's exit: its unread bytes are lost. */
  onExit(side: Side): void {
    for (const connection of this.#connections.values())
      connection[side].unreadBytes = 0;
  }

  /** How many bytes have arrived at each side that its program has not read. */
  unreadBytes(): Record<Side, number> {
    const unread = { client: 0, server: 0 };
    for (const { client, server } of this.#connections.values()) {
      // If a clock is a little late, a read comes before its packet.
      unread.client += Math.max(0, client.unreadBytes);
      unread.server += Math.max(0, server.unreadBytes);
    }
    return unread;
  }

  /** How many connections have been reset, or closed by both sides. */
  closedCount(): number {
    const connections = [...this.#connections.values()];
    return connections.filter((connection) => connection.isClosed()).length;
  }

  /** The connection with a number: a new one if nothing has been seen of it. */
  #connection(number: number): Connection {
    const known = this.#connections.get(number);
    if (known) return known;
    const connection = new Connection();
    this.#connections.set(number, connection);
    return connection;
  }
}

/**
 * The state of one side, as far as packets show it. All numbers are relative:
 * the SYN has number 0 and the first byte of data number 1, since SYN and FIN
 * take a sequence number each, as if they were a byte (RFC 9293, 3.4).
 */
class Endpoint {
  hasSentSyn = false;
  /** The sequence number of the FIN that this side has sent. */
  finSeq: number | undefined;
  /** The highest acknowledgment number that this side has sent; 0 if none. */
  acknowledged = 0;
  /** The sequence number of the next byte to arrive here: RCV.NXT. */
  nextSeq = 1;
  /** Bytes that have arrived here, less the bytes that the program has read. */
  unreadBytes = 0;

  /** Whether this side has acknowledged the FIN of the other one. */
  hasAcknowledgedFin(sender: Endpoint): boolean {
    return sender.finSeq !== undefined && this.acknowledged > sender.finSeq;
  }
}

/** A connection, from its first SYN on. */
class Connection {
  readonly client = new Endpoint();
  readonly server = new Endpoint();
  #wasReset = false;

  /** Whether one side has reset the connection, or both have closed it. */
  isClosed(): boolean {
    if (this.#wasReset) return true;
    const { client, server } = this;
    return (
      client.hasAcknowledgedFin(server) && server.hasAcknowledgedFin(client)
    );
  }

  /** Follows a packet; returns what the packet does. */
  onPacket(packet: Packet): Act[] {
    const { flags, seq, ack, length } = packet;
    const sender = this[packet.from];
    const receiver = this[packet.from === "client" ? "server" : "client"];
    const hasSyn = flags.includes("SYN");
    const hasReset = flags.includes("RST");
    const acts: Act[] = [];

    if (hasReset) acts.push(...this.#reset(sender, receiver));
    if (hasSyn) {
      acts.push({ kind: flags.includes("ACK") ? "agrees" : "opens" });
      sender.hasSentSyn = true;
    }
    if (length > 0) {
      acts.push({ kind: "carries", bytes: length });
      if (!packet.lost) arrive(packet, receiver);
    }
    if (flags.includes("FIN")) {
      acts.push({ kind: "closes" });
      // The FIN comes after the last byte of data in its packet.
      sender.finSeq = seq + length;
    }
    if (ack !== undefined && !hasReset) {
      const newlyAcknowledged = acknowledge(ack, sender, receiver, hasSyn);
      acts.push(...newlyAcknowledged);
    }

    if (packet.retransmission) acts.push({ kind: "sentAgain" });
    if (packet.windowUpdate) acts.push({ kind: "hasRoom" });
    if (packet.lost) acts.push({ kind: "lost" });
    return acts;
  }

  /** Follows a packet with RST; returns what the RST does. */
  #reset(sender: Endpoint, receiver: Endpoint): Act[] {
    // Without a listening socket, a SYN is answered with RST (RFC 9293, 3.5.2).
    const isRefusal = receiver.hasSentSyn && !sender.hasSentSyn;
    const acts: Act[] = [{ kind: isRefusal ? "refuses" : "resets" }];
    // A program that closes with bytes unread resets its connection, to show
    // that data was lost (RFC 9293, 3.6.1).
    if (sender.unreadBytes > 0)
      acts.push({ kind: "neverRead", bytes: sender.unreadBytes });

    // Neither program can read what has arrived before.
    sender.unreadBytes = 0;
    receiver.unreadBytes = 0;
    this.#wasReset = true;
    return acts;
  }
}

/**
 * Adds the bytes of a packet to its receiver's unread ones. Bytes that have
 * arrived before, in front of new ones, don't count (RFC 9293, 3.10.7.4).
 */
function arrive({ seq, length }: Packet, receiver: Endpoint): void {
  const endSeq = seq + length;
  if (endSeq <= receiver.nextSeq) return;
  receiver.unreadBytes += endSeq - Math.max(seq, receiver.nextSeq);
  receiver.nextSeq = endSeq;
}

/**
 * Follows an acknowledgment.
 *
 * @param ack the sequence number of the next byte that the sender of this ACK
 *   expects: all lower numbers have arrived (RFC 9293, 3.4)
 * @param isSynAck whether the packet is a SYN with ACK
 * @returns what the packet newly acknowledges
 */
function acknowledge(
  ack: number,
  sender: Endpoint,
  receiver: Endpoint,
  isSynAck: boolean,
): Act[] {
  const before = sender.acknowledged;
  if (ack <= before) return [];
  sender.acknowledged = ack;

  // Number 0 is the SYN, and the last number below `ack` can be the FIN.
  const hasFin = sender.hasAcknowledgedFin(receiver);
  const endOfData = hasFin ? ack - 1 : ack;
  const bytes = endOfData - Math.max(1, before);

  const acts: Act[] = [];
  // The handshake ends with the first ACK of the side that began it.
  if (before === 0 && !isSynAck) acts.push({ kind: "connected" });
  if (bytes > 0) acts.push({ kind: "confirms", bytes });
  if (hasFin) acts.push({ kind: "confirmsFin" });
  return acts;
}
