/** A run: its packets, what the programs read and printed, and what each packet does. */
import type { Design } from "../designs.ts";

export type Side = "client" | "server";

/** What is run. */
export interface Run {
  /** The lecture's client; a robot; a client and no server; a client of a busy server. */
  kind: "client" | "robot" | "refused" | "reset";
  server: Design;
  /** What the client sends. */
  message: string;
}

/** A packet; all times are in milliseconds since the first one. */
export interface Packet {
  timeMs: number;
  /** Which connection, counted from 1. */
  connection: number;
  from: Side;
  flags: string[];
  seq: number;
  ack?: number;
  /** Bytes it carries, and they as UTF-8; U+FFFD where it cuts a character. */
  length: number;
  text?: string;
  /** What Wireshark finds: sent again, or that there is room to receive again. */
  retransmission?: true;
  windowUpdate?: true;
  /** It was thrown away behind the capture, by whoever made the recording. */
  lost?: true;
}

/** Bytes that a program took from a connection; those that nobody took were dropped. */
export interface Read {
  timeMs: number;
  from: Side;
  connection: number;
  bytes: number;
  dropped?: true;
}

/** A line that a program printed. */
export interface Line {
  timeMs: number;
  from: Side;
  text: string;
}

/** The end of a program: its exit code, or the signal that packets sent to one that went on. */
export interface End {
  timeMs: number;
  from: Side;
  code?: number;
  signal?: "SIGINT";
}

/** What --json writes, and what recordings/ holds. */
export interface Recording {
  /** When the first packet went, and where. */
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

/** Something that a packet does in its connection; how it is said is a matter of language. */
export type Act =
  | "opens"
  | "agrees"
  | "refuses"
  | "resets"
  | "closes"
  | "closes too"
  | "confirms the handshake"
  | "confirms the close"
  | "is sent again"
  | "has room"
  | { carries: number }
  | { confirms: number };

/** What a packet's place in its connection is decided by. */
type Numbers = Omit<Packet, "timeMs" | "text">;

/** What one side has sent so far: SYN and FIN take a number each, as if they were bytes. */
interface Sent {
  syn?: true;
  /** The number of its FIN. */
  fin?: number;
  /** The highest number it has confirmed of the other side's bytes. */
  confirmed: number;
}

type Connection = Record<Side, Sent> & { reset?: true };

/** Follows connections, packet by packet, from their first SYN on. */
export function follow() {
  const connections: Connection[] = [];
  return {
    /** What the next packet does. */
    next(packet: Numbers): Act[] {
      const connection = (connections[packet.connection - 1] ??= {
        client: { confirmed: 0 },
        server: { confirmed: 0 },
      });
      return doesWhat(packet, connection);
    },
    /** How many connections have ended: reset, or closed by both, and each close confirmed. */
    ended: () => connections.filter(hasEnded).length,
  };
}

function hasEnded({ client, server, reset }: Connection): boolean {
  const closed = (me: Sent, other: Sent) =>
    me.fin !== undefined && other.confirmed > me.fin;
  return reset || (closed(client, server) && closed(server, client));
}

function doesWhat(packet: Numbers, connection: Connection): Act[] {
  const { from, flags, seq, ack, length } = packet;
  const { client, server } = connection;
  const [me, other] = from === "client" ? [client, server] : [server, client];
  const has = (flag: string) => flags.includes(flag);
  const does: Act[] = [];
  if (has("RST")) {
    does.push(other.syn && !me.syn ? "refuses" : "resets");
    connection.reset = true;
  }
  if (has("SYN")) {
    does.push(has("ACK") ? "agrees" : "opens");
    me.syn = true;
  }
  if (length) does.push({ carries: length });
  if (has("FIN")) {
    does.push(other.fin === undefined ? "closes" : "closes too");
    me.fin = seq + length;
  }
  if (ack !== undefined && !has("RST"))
    does.push(...confirms(ack, has("SYN"), me, other));
  if (packet.retransmission) does.push("is sent again");
  if (packet.windowUpdate) does.push("has room");
  return does;
}

/** What an ACK newly confirms. */
function confirms(ack: number, agrees: boolean, me: Sent, other: Sent): Act[] {
  const { confirmed } = me;
  if (ack <= confirmed) return [];
  me.confirmed = ack;
  const fin = other.fin !== undefined && ack > other.fin;
  const bytes = ack - Math.max(1, confirmed) - Number(fin);
  return [
    ...(confirmed === 0 && !agrees
      ? (["confirms the handshake"] as const)
      : []),
    ...(bytes > 0 ? [{ confirms: bytes }] : []),
    ...(fin ? (["confirms the close"] as const) : []),
  ];
}
