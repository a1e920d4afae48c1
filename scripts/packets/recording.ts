/** What a recording is; and what each of its packets does. */
import type { Design } from "../designs.ts";

export type Side = "client" | "server";

/** What is run: the lecture's client, a robot, a client without a server, a client of a busy one. */
export interface Run {
  kind: "client" | "robot" | "refused" | "reset";
  server: Design;
  /** What the client sends. */
  message: string;
}

/** When something happened, in milliseconds since the first packet, and at whose side. */
type Moment = { timeMs: number; from: Side };

export interface Packet extends Moment {
  /** Which connection, counted from 1. */
  connection: number;
  flags: string[];
  seq: number;
  /** Only where the ACK flag is set does the number mean something. */
  ack?: number;
  /** Bytes it carries, and they as UTF-8; U+FFFD where it cuts a character. */
  length: number;
  text?: string;
  /** What Wireshark finds unusual, as far as a run on one machine meets it. */
  retransmission?: true;
  windowUpdate?: true;
  /** Thrown away behind the capture by whoever made the recording. */
  lost?: true;
}

/** Bytes that a program took from a connection, if only to drop them. */
export type Read = Moment & { connection: number; bytes: number };

/** A line that a program printed. */
export type Line = Moment & { text: string };

/** A program's end and its exit code; or the signal that packets sent to one that went on. */
export type End = Moment & { code?: number; signal?: string };

/** What --json writes, and what recordings/ holds. */
export interface Recording {
  date: string;
  system: string;
  run: Run;
  /** What was changed for it, as lines of a diff: a program, or the network. */
  changed?: string[];
  connections: Record<Side, string>[];
  packets: Packet[];
  reads: Read[];
  lines: Line[];
  ends: End[];
}

/** Something that a packet does, by the name of its text; and with how many bytes. */
export type Act =
  | ["opens" | "agrees" | "refuses" | "resets" | "closes" | "connected"]
  | ["confirmsFin" | "sentAgain" | "hasRoom" | "lost"]
  | ["carries" | "confirms" | "neverRead", number];

/** One side of a connection: SYN and FIN take a number each, as if they were bytes. */
interface Peer {
  syn?: true;
  /** The number of its FIN. */
  fin?: number;
  /** The highest number it has confirmed of the other side's bytes. */
  confirmed: number;
  /** The number of the byte that arrives there next. */
  next: number;
  /** Bytes that have arrived there, less those that its program has read. */
  unread: number;
}

type Connection = Record<Side, Peer> & { ended?: boolean };

/** Follows connections from their first SYN on: each packet, and what programs read. */
export function follow() {
  const connections: Connection[] = [];
  const connectionOf = (it: Packet | Read) =>
    (connections[it.connection - 1] ??= {
      client: { confirmed: 0, next: 1, unread: 0 },
      server: { confirmed: 0, next: 1, unread: 0 },
    });
  const unreadAt = (side: Side) =>
    connections.reduce((sum, it) => sum + Math.max(0, it[side].unread), 0);
  return {
    /** What the next packet does. */
    next: (packet: Packet) => doesWhat(packet, connectionOf(packet)),
    read(read: Read): void {
      connectionOf(read)[read.from].unread -= read.bytes;
    },
    /** A side's program has ended. */
    end: (side: Side) => connections.forEach((it) => (it[side].unread = 0)),
    /** Bytes that have arrived at a side and that its program has not read. */
    unread: () => ({ client: unreadAt("client"), server: unreadAt("server") }),
    /** How many connections have ended: reset, or closed by both, and each FIN confirmed. */
    ended: () => connections.filter(({ ended }) => ended).length,
  };
}

function doesWhat(packet: Packet, connection: Connection): Act[] {
  const { from, flags, seq, ack, length, lost } = packet;
  const { client, server } = connection;
  const [me, other] = from === "client" ? [client, server] : [server, client];
  const has = (flag: string) => flags.includes(flag);
  const end = seq + length;
  const does: Act[] = [];
  if (has("RST")) {
    does.push([other.syn && !me.syn ? "refuses" : "resets"]);
    if (me.unread > 0) does.push(["neverRead", me.unread]);
    me.unread = other.unread = 0; // nobody can read them any more
    connection.ended = true;
  }
  if (has("SYN")) {
    does.push([has("ACK") ? "agrees" : "opens"]);
    me.syn = true;
  }
  if (length) does.push(["carries", length]);
  if (length && !lost && end > other.next) {
    other.unread += end - Math.max(seq, other.next); // the rest came before
    other.next = end;
  }
  if (has("FIN")) {
    does.push(["closes"]);
    me.fin = end;
  }
  if (ack !== undefined && !has("RST"))
    does.push(...confirms(ack, has("SYN"), me, other));
  connection.ended ||=
    client.confirmed > (server.fin ?? Infinity) &&
    server.confirmed > (client.fin ?? Infinity);
  if (packet.retransmission) does.push(["sentAgain"]);
  if (packet.windowUpdate) does.push(["hasRoom"]);
  if (lost) does.push(["lost"]);
  return does;
}

/** What an ACK newly confirms. */
function confirms(ack: number, agrees: boolean, me: Peer, other: Peer): Act[] {
  const { confirmed } = me;
  if (ack <= confirmed) return [];
  me.confirmed = ack;
  const does: Act[] = [];
  const fin = other.fin !== undefined && ack > other.fin;
  const bytes = ack - Math.max(1, confirmed) - Number(fin);
  if (confirmed === 0 && !agrees) does.push(["connected"]);
  if (bytes > 0) does.push(["confirms", bytes]);
  if (fin) does.push(["confirmsFin"]);
  return does;
}
