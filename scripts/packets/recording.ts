/** The parts of a recording, and the meaning of each of its packets. */
import type { Design } from "../designs.ts";
import { SequenceRanges } from "./sequenceRanges.ts";

export type Side = "client" | "server";

/** The programs that were run, and the message. */
export interface Run {
  /**
   * The lecture's client, a robot, a client without a server, or a client of a
   * server that is busy with another client.
   */
  kind: "client" | "robot" | "refused" | "reset";
  server: Design;
  /** The text that the client sends. */
  message: string;
}

/** What was watched (--watch): programs that packets did not start. */
export interface Watched {
  kind: "watch";
  /** The server's port. */
  port: number;
  /** The network interface, by its name. */
  interface: string;
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
  /** All that the packet carries was captured before: data, SYN or FIN. */
  retransmission?: true;
  /** Wireshark finds that the packet only announces a new receive window. */
  windowUpdate?: true;
  /** The same packet was captured before: the network has made a copy of it. */
  duplicate?: true;
  /** The receive window is 0: the sender of the packet has no room. */
  zeroWindow?: true;
  /**
   * The blocks of the SACK option (RFC 2018): each has the number of the first
   * byte that has arrived, and the number after the last one.
   */
  sack?: [start: number, end: number][];
  /** The packet was dropped on purpose, after it had been captured. */
  lost?: true;
}

/**
 * Bytes that a program has read from a connection, even if it only discards
 * them.
 */
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

/** Something that happened in a run. */
export type RunEvent =
  | ({ kind: "packet" } & Packet)
  | ({ kind: "read" } & Read)
  | ({ kind: "line" } & Line)
  | ({ kind: "end" } & End);

/**
 * A run as --json writes it, and as recordings/ keeps it. If it was watched,
 * there are only packets: no reads, lines and ends.
 */
export interface Recording {
  /** When the first packet was captured, as an ISO 8601 date. */
  date: string;
  /** The operating system and the version of Node. */
  system: string;
  run: Run | Watched;
  /** The changes in a program or the network, as lines of a diff. */
  changed?: string[];
  /** The address of both sides of each connection. */
  connections: Record<Side, string>[];
  packets: Packet[];
  /** How many packets were watched after these, and are not kept. */
  unkept?: number;
  reads: Read[];
  lines: Line[];
  ends: End[];
}

/** A recording of a run that packets started. */
export interface RunRecording extends Recording {
  run: Run;
}

/** Something that a packet does, described without a number. */
export interface PlainAct {
  kind:
    | "opens"
    | "agrees"
    | "refuses"
    | "resets"
    | "closes"
    | "connected"
    | "acknowledgesFin"
    | "sentAgain"
    | "copied"
    | "hasRoom"
    | "hasNoRoom"
    | "asksForRoom"
    | "keepAlive"
    | "answersKeepAlive"
    | "acknowledgesAgain"
    | "lost";
}

/** Something that a packet does with a number of bytes. */
export interface ByteAct {
  kind: "carries" | "acknowledges" | "neverRead";
  bytes: number;
}

/** Something that a packet does. The kind is the name of its text. */
export type Act = PlainAct | ByteAct;

export interface TrackerOptions {
  /**
   * Packets that were captured and have not arrived, as lostAfterCapture() finds
   * them; unknown while packets still arrive.
   */
  lostPackets?: ReadonlySet<Packet>;
  /** False if the programs don't report their reads: nothing is unread then. */
  knowsReads?: boolean;
  /**
   * How many ranges of sequence numbers are remembered for each side. Each gap
   * in a capture adds one, so without a limit they need more and more memory.
   */
  mostRanges?: number;
}

/**
 * Follows all connections of a run from their first SYN on. Packets, reads and
 * exits have to be passed in the order of time.
 *
 * Unread bytes are the bytes that have arrived without a gap, less the bytes
 * that the program has read. In terms of RFC 9293 (3.3.1, 3.4), the last of
 * them is before RCV.NXT of the receiver, which a capture doesn't show. It is
 * estimated from what the capture shows:
 *
 * - Data arrives when it is captured, unless it was lost: a packet that is
 *   marked as lost brings nothing, and neither does one of `lostPackets`.
 * - Data after a gap isn't unread before the gap is filled (3.10.7.4).
 * - What the receiver has acknowledged (SEG.ACK, and the blocks of SACK), and
 *   what its program has read, has arrived, even if it wasn't captured.
 */
export class ConnectionTracker {
  readonly #connections = new Map<number, Connection>();
  readonly #lostPackets: ReadonlySet<Packet>;
  readonly #knowsReads: boolean;
  readonly #mostRanges: number;

  constructor(options: TrackerOptions = {}) {
    this.#lostPackets = options.lostPackets ?? new Set();
    this.#knowsReads = options.knowsReads ?? true;
    this.#mostRanges = options.mostRanges ?? Infinity;
  }

  /**
   * Follows a packet.
   *
   * @returns what the packet does, in the order in which it is described
   */
  onPacket(packet: Packet): Act[] {
    const isLost = packet.lost === true || this.#lostPackets.has(packet);
    const connection = this.#connection(packet.connection);
    const acts = connection.onPacket(packet, isLost);
    if (this.#knowsReads) return acts;
    return acts.filter(({ kind }) => kind !== "neverRead");
  }

  /** Follows a program's read. */
  onRead({ connection, from, bytes }: Read): void {
    this.#connection(connection)[from].read(bytes);
  }

  /** Follows a program's exit: its unread bytes are lost. */
  onExit(side: Side): void {
    for (const connection of this.#connections.values())
      connection[side].hasEnded = true;
  }

  /** How many bytes have arrived at each side that its program has not read. */
  unreadBytes(): Record<Side, number> {
    const unread = { client: 0, server: 0 };
    if (!this.#knowsReads) return unread;
    for (const { client, server } of this.#connections.values()) {
      unread.client += client.unreadBytes();
      unread.server += server.unreadBytes();
    }
    return unread;
  }

  /** How many connections have been seen. */
  connectionCount(): number {
    return this.#connections.size;
  }

  /** How many connections have been reset, or closed by both sides. */
  closedCount(): number {
    const connections = [...this.#connections.values()];
    return connections.filter((connection) => connection.isClosed()).length;
  }

  /** Whether a connection has been reset, or closed by both sides. */
  isClosed(number: number): boolean {
    return this.#connections.get(number)?.isClosed() ?? false;
  }

  /** Forgets a connection, to save memory. */
  forget(number: number): void {
    this.#connections.delete(number);
  }

  /** The connection with a number: a new one if nothing has been seen of it. */
  #connection(number: number): Connection {
    const known = this.#connections.get(number);
    if (known) return known;
    const connection = new Connection(this.#mostRanges);
    this.#connections.set(number, connection);
    return connection;
  }
}

/**
 * The state of one side, as far as packets and reads show it. All numbers are
 * relative: the SYN has number 0 and the first byte of data number 1, since SYN
 * and FIN use one sequence number each, as if they were a byte (RFC 9293, 3.4).
 */
class Endpoint {
  hasSentSyn = false;
  /** The sequence number of the FIN that this side has sent. */
  finSeq: number | undefined;
  /** The sequence numbers that were captured from this side. */
  readonly sent: SequenceRanges;
  /** The number after the last byte of data that was captured from this side. */
  endOfData = 1;
  /** The highest acknowledgment number that this side has sent; 0 if none. */
  acknowledged = 0;
  /** A probe of this side that the other side hasn't answered yet. */
  probe: "keepAlive" | "asksForRoom" | undefined;
  /** This side's last packet has announced a receive window of 0. */
  hasNoRoom = false;
  /** This side has reset the connection, or has exited: it reads no more. */
  hasEnded = false;

  /** The bytes of data that have arrived here, with gaps. */
  readonly #arrived: SequenceRanges;
  /** How many bytes the program has read. */
  #readBytes = 0;

  constructor(mostRanges: number) {
    this.sent = new SequenceRanges(mostRanges);
    this.#arrived = new SequenceRanges(mostRanges);
  }

  /** Whether this side has acknowledged the other side's FIN. */
  hasAcknowledgedFin(sender: Endpoint): boolean {
    return sender.finSeq !== undefined && this.acknowledged > sender.finSeq;
  }

  /** Bytes of data arrive here, or are found to have arrived. */
  arrive(start: number, end: number): void {
    this.#arrived.add(Math.max(1, start), end);
  }

  /** The program reads bytes, which have arrived then. */
  read(bytes: number): void {
    this.#readBytes += bytes;
    this.arrive(1, 1 + this.#readBytes);
  }

  unreadBytes(): number {
    if (this.hasEnded) return 0;
    const nextSeq = this.#arrived.endOfRun(1);
    return nextSeq - 1 - this.#readBytes;
  }
}

/** A connection, from its first captured packet on. */
class Connection {
  readonly client: Endpoint;
  readonly server: Endpoint;
  #wasReset = false;
  /** When the last packet of either side was captured. */
  #lastPacketMs = -Infinity;

  constructor(mostRanges: number) {
    this.client = new Endpoint(mostRanges);
    this.server = new Endpoint(mostRanges);
  }

  /** Whether one side has reset the connection, or both have closed it. */
  isClosed(): boolean {
    if (this.#wasReset) return true;
    const { client, server } = this;
    return (
      client.hasAcknowledgedFin(server) && server.hasAcknowledgedFin(client)
    );
  }

  /** Follows a packet; returns what the packet does. */
  onPacket(packet: Packet, isLost: boolean): Act[] {
    const { flags, seq, ack, length } = packet;
    const sender = this[packet.from];
    const receiver = this[packet.from === "client" ? "server" : "client"];
    const hasSyn = flags.includes("SYN");
    const hasReset = flags.includes("RST");
    const acts: Act[] = [];

    // These depend on what was seen before this packet.
    const silenceMs = packet.timeMs - this.#lastPacketMs;
    const probe = probeIn(packet, sender, receiver, silenceMs);
    const wasSentBefore = repeats(packet, sender) && !probe;
    const answer = answerIn(packet, sender, receiver);

    if (hasReset) acts.push(...this.#reset(sender, receiver));
    if (hasSyn) {
      acts.push({ kind: flags.includes("ACK") ? "agrees" : "opens" });
      sender.hasSentSyn = true;
    }
    if (length > 0) {
      acts.push({ kind: "carries", bytes: length });
      if (!isLost) receiver.arrive(seq, seq + length);
      sender.endOfData = Math.max(sender.endOfData, seq + length);
    }
    if (flags.includes("FIN")) {
      acts.push({ kind: "closes" });
      // The FIN follows the last byte of data in its packet.
      sender.finSeq = seq + length;
    }
    if (ack !== undefined && !hasReset) {
      const newlyAcknowledged = acknowledge(ack, sender, receiver, hasSyn);
      acts.push(...newlyAcknowledged);
      followArrivals(packet, sender, receiver);
    }

    if (packet.duplicate) acts.push({ kind: "copied" });
    else if (wasSentBefore) acts.push({ kind: "sentAgain" });
    if (probe) acts.push({ kind: probe });
    if (answer) acts.push({ kind: answer });
    // Wireshark calls an ACK that reports a gap a window update, if its window
    // differs from the one before.
    const onlyHasRoom = packet.windowUpdate && answer !== "acknowledgesAgain";
    if (onlyHasRoom) acts.push({ kind: "hasRoom" });
    if (packet.zeroWindow) acts.push({ kind: "hasNoRoom" });
    if (packet.lost) acts.push({ kind: "lost" });

    sender.sent.add(seq, endOf(packet));
    sender.hasNoRoom = packet.zeroWindow ?? false;
    sender.probe = probe;
    receiver.probe = undefined;
    this.#lastPacketMs = packet.timeMs;
    return acts;
  }

  /** Follows a packet with RST; returns what the RST does. */
  #reset(sender: Endpoint, receiver: Endpoint): Act[] {
    // Without a listening socket, a SYN is answered with RST (RFC 9293, 3.5.2).
    const isRefusal = receiver.hasSentSyn && !sender.hasSentSyn;
    const acts: Act[] = [{ kind: isRefusal ? "refuses" : "resets" }];
    // A program that closes with bytes unread resets its connection, to show
    // that data was lost (RFC 9293, 3.6.1).
    const bytes = sender.unreadBytes();
    if (bytes > 0) acts.push({ kind: "neverRead", bytes });

    // The sender's program reads no more. On Linux, the other program can still
    // read what arrived before the RST.
    sender.hasEnded = true;
    this.#wasReset = true;
    return acts;
  }
}

/**
 * The sequence number after a packet. SYN and FIN use one number each. The
 * number of a RST isn't in the stream: a RST uses none.
 */
export function endOf({ flags, seq, length }: Packet): number {
  if (flags.includes("RST")) return seq;
  const hasSyn = flags.includes("SYN");
  const hasFin = flags.includes("FIN");
  return seq + length + (hasSyn ? 1 : 0) + (hasFin ? 1 : 0);
}

/**
 * Whether all that a packet carries was captured before. That is decided by the
 * sequence numbers alone: Wireshark calls a fast retransmission "out of order",
 * and a packet that fills a gap "retransmission".
 */
function repeats(packet: Packet, sender: Endpoint): boolean {
  const end = endOf(packet);
  return end > packet.seq && sender.sent.includes(packet.seq, end);
}

/** Keep-alives come after at least as long a silence: on Linux, a second. */
const shortestIdleMs = 100;

/**
 * Whether a packet only probes whether the other side is there, or has room.
 * Both probes have the sequence number before SND.NXT, which the other side has
 * already acknowledged, so that it has to answer with an ACK (RFC 9293, 3.8.4
 * and 3.8.6.1). Some systems put one byte of no meaning into the packet. An ACK
 * that is captured after a packet with the next number looks like a keep-alive,
 * but doesn't come after a silence.
 *
 * @param silenceMs how long neither side has sent anything, in milliseconds
 */
function probeIn(
  { flags, seq, length }: Packet,
  sender: Endpoint,
  receiver: Endpoint,
  silenceMs: number,
): Endpoint["probe"] {
  const isPlain = flags.includes("ACK") && !hasAny(flags, "SYN", "FIN", "RST");
  const nextSeq = sender.sent.end();
  const hasOldNumber = seq === nextSeq - 1 && receiver.acknowledged === nextSeq;
  if (!isPlain || length > 1 || !hasOldNumber) return undefined;
  if (receiver.hasNoRoom) return "asksForRoom";
  return silenceMs >= shortestIdleMs ? "keepAlive" : undefined;
}

/**
 * The meaning of a packet that only repeats an acknowledgment number. It
 * answers a probe, or it is a duplicate ACK (RFC 5681, 2). That one reports a
 * gap only if bytes after the gap have arrived (RFC 2018, 4): it can also answer
 * a copy of bytes that have arrived before.
 */
function answerIn(
  packet: Packet,
  sender: Endpoint,
  receiver: Endpoint,
): "answersKeepAlive" | "acknowledgesAgain" | undefined {
  const { flags, seq, ack, sack = [], length } = packet;
  const isAckOnly = flags.join() === "ACK" && length === 0;
  if (!isAckOnly || ack !== sender.acknowledged) return undefined;
  if (sack.some(([, end]) => end > ack)) return "acknowledgesAgain";

  if (packet.windowUpdate || packet.zeroWindow) return undefined;
  const isAnswer = receiver.probe === "keepAlive" && seq === sender.sent.end();
  return isAnswer ? "answersKeepAlive" : undefined;
}

function hasAny(flags: string[], ...names: string[]): boolean {
  return names.some((name) => flags.includes(name));
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
  // Without its SYN, a connection is older than the capture: only what was
  // captured is known to be data.
  const known = receiver.hasSentSyn
    ? endOfData
    : Math.min(endOfData, receiver.endOfData);
  const bytes = known - Math.max(1, before);

  const acts: Act[] = [];
  // The first ACK of the side that began the handshake completes it.
  const endsHandshake = sender.hasSentSyn && receiver.hasSentSyn && !isSynAck;
  if (before === 0 && endsHandshake) acts.push({ kind: "connected" });
  if (bytes > 0) acts.push({ kind: "acknowledges", bytes });
  if (hasFin) acts.push({ kind: "acknowledgesFin" });
  return acts;
}

/**
 * Follows what an acknowledgment shows about the data at its sender. Numbers
 * that were never captured aren't counted: one of them can be a FIN.
 */
function followArrivals(
  { ack = 0, sack = [] }: Packet,
  sender: Endpoint,
  receiver: Endpoint,
): void {
  sender.arrive(1, Math.min(ack, receiver.endOfData));
  for (const [start, end] of sack)
    sender.arrive(start, Math.min(end, receiver.endOfData));
}
