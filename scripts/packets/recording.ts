/** What happened in a run, or in a saved capture: what the ladder and the JSON show. */
import type { Design } from "../designs.ts";
import type { Written } from "../launch.ts";
import { callsAround } from "./calls.ts";
import type { Packet } from "./packet.ts";

export type Side = "client" | "server";

/** A packet, and what it does in its connection. Times in ms since the first packet. */
export interface Step {
  timeMs: number;
  /** Which connection, counted from 1 in the order of the recording. */
  connection: number;
  from: Side;
  flags: string[];
  seq: number;
  ack?: number;
  /** Bytes it carries. */
  length: number;
  /** Them as text: the characters that are whole with this packet. */
  text?: string;
  /** What it does: "opens", "carries 14 bytes", … */
  does: string[];
  /** What is unusual about it: "retransmission", … */
  notes: string[];
}

/** A line that a script printed. */
export interface Line {
  timeMs: number;
  from: Side;
  text: string;
  /** The call that has returned before it in the script, and the one that comes after it. */
  before: string;
  after: string;
}

export interface Recording {
  /** When the first packet went. */
  date: string;
  /** Where the scripts ran; a saved capture doesn't tell. */
  system?: string;
  /** The version that took the packets apart. */
  tshark: string;
  /** Who the clients are, where there are several. */
  about?: string;
  connections: { client: string; server: string; ended: boolean }[];
  lines: Line[];
  packets: Step[];
}

/** A connection while its packets are read. */
interface Connection {
  number: number;
  client: string;
  server: string;
  sides: Record<Side, Sender>;
  reset: boolean;
}

/** What one side has sent of its stream so far; numbers are undefined until they are seen. */
interface Sender {
  /** The seq number of the first packet that was captured. */
  first?: number;
  /** The seq number that comes next. */
  next?: number;
  /** The seq number of its SYN and of its FIN: each counts as a byte (RFC 9293, 3.4). */
  syn?: number;
  fin?: number;
  /** The highest number it has confirmed of the other side's stream. */
  confirmed?: number;
  /** The bytes of a character that is not finished yet. */
  unfinished: Buffer;
}

/** Finds out what each packet does in its connection. */
export function explain(packets: Packet[]) {
  const known = new Map<number, Connection>();
  const firstMs = packets[0]?.atMs ?? 0;

  function connectionOf(packet: Packet): Connection {
    const connection =
      known.get(packet.stream) ?? newConnection(packet, known.size + 1);
    known.set(packet.stream, connection);
    return connection;
  }

  return {
    date: new Date(firstMs).toISOString(),
    packets: packets.map((packet) =>
      explainOne(packet, connectionOf(packet), firstMs),
    ),
    connections: [...known.values()].map((connection) => {
      const { client, server } = connection;
      return { client, server, ended: hasEnded(connection) };
    }),
  };
}

function explainOne(
  packet: Packet,
  connection: Connection,
  firstMs: number,
): Step {
  const { atMs, sender, flags, seq, ack, length, payload, notes } = packet;
  const { client, sides } = connection;
  const [from, to]: [Side, Side] =
    sender === client ? ["client", "server"] : ["server", "client"];
  const [me, other] = [sides[from], sides[to]];
  const does = doesWhat(packet, me, other);
  const decoded = length ? decodePayload(packet, me) : undefined;
  if (decoded?.unfinished.length) does.push("ends inside a character");
  const missing =
    payload.length < length
      ? [`${payload.length} of ${length} bytes captured`]
      : [];
  const unusual = [...notes, ...missing];
  follow(packet, me);
  connection.reset ||= flags.includes("RST");
  return {
    timeMs: toMicroseconds(atMs - firstMs),
    connection: connection.number,
    from,
    flags,
    seq,
    ...(ack === undefined ? {} : { ack }),
    length,
    ...(decoded ? { text: decoded.text } : {}),
    does: does.length || unusual.length ? does : ["says nothing new"],
    notes: unusual,
  };
}

/** Reset, or closed by both sides, and each close confirmed by the other. */
function hasEnded({ sides: { client, server }, reset }: Connection): boolean {
  return (
    reset || (finConfirmed(client, server) && finConfirmed(server, client))
  );
}

/** What was written, as lines with times like those of the packets. */
export function linesOf(
  from: Side,
  script: Design | "client",
  written: Written[],
  firstMs: number,
): Line[] {
  return written.flatMap(({ atMs, text }) => {
    const timeMs = toMicroseconds(atMs - firstMs);
    const lines = text.split("\n").filter(Boolean);
    return lines.map((text) => ({
      timeMs,
      from,
      text,
      ...callsAround(script, text),
    }));
  });
}

const toMicroseconds = (ms: number) => Math.round(ms * 1000) / 1000;

/** Who sends SYN is the client; where that was not captured, the higher port. */
function newConnection(packet: Packet, number: number): Connection {
  const { sender, receiver, flags } = packet;
  const port = (address: string) => Number(address.split(":").at(-1));
  const fromClient = flags.includes("SYN")
    ? !flags.includes("ACK")
    : port(sender) > port(receiver);
  const [client, server] = fromClient ? [sender, receiver] : [receiver, sender];
  const side = () => ({ unfinished: Buffer.alloc(0) });
  const sides = { client: side(), server: side() };
  return { number, client, server, sides, reset: false };
}

function doesWhat(packet: Packet, me: Sender, other: Sender): string[] {
  const { flags, length, ack } = packet;
  const has = (flag: string) => flags.includes(flag);
  const does = [];
  const asked = other.syn !== undefined && me.syn === undefined;
  if (has("RST")) does.push(asked ? "refuses" : "resets");
  if (has("SYN")) does.push(has("ACK") ? "agrees" : "opens");
  if (length) does.push(`carries ${bytes(length)}`);
  if (has("FIN")) does.push(other.fin === undefined ? "closes" : "closes too");
  if (ack !== undefined && !has("RST"))
    does.push(...confirms(ack, has("SYN"), me, other));
  return does;
}

/** What an ACK newly confirms. */
function confirms(ack: number, agrees: boolean, me: Sender, other: Sender) {
  const known = me.confirmed ?? other.first ?? ack;
  const covers = (number?: number) =>
    number !== undefined && known <= number && number < ack;
  const [syn, fin] = [covers(other.syn), covers(other.fin)];
  const count = ack - known - Number(syn) - Number(fin);
  const does = syn && !agrees ? ["confirms: connected"] : [];
  if (count > 0) does.push(`confirms ${bytes(count)}`);
  if (fin) does.push("confirms the close");
  return does;
}

/** Keeps in mind how far the sender is. */
function follow({ flags, seq, ack, length }: Packet, me: Sender): void {
  const has = (flag: string) => flags.includes(flag);
  const end = seq + length + Number(has("SYN")) + Number(has("FIN"));
  me.first ??= seq;
  me.next = Math.max(me.next ?? 0, end);
  if (has("SYN")) me.syn = seq;
  if (has("FIN")) me.fin = seq + length;
  if (ack !== undefined) me.confirmed = Math.max(me.confirmed ?? 0, ack);
}

function finConfirmed(sender: Sender, other: Sender): boolean {
  return sender.fin !== undefined && (other.confirmed ?? 0) > sender.fin;
}

/** "1 byte", "14 bytes". */
export function bytes(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** Text, and the bytes of a character that is not finished at its end. */
interface Decoded {
  text: string;
  unfinished: Buffer;
}

/**
 * The text of a packet. TCP cuts a character where it likes: its first bytes wait
 * for the packet that brings the rest. What was sent before is read by itself, and
 * what follows a gap begins with its first whole character.
 */
function decodePayload(packet: Packet, me: Sender): Decoded {
  const { seq, flags, length, payload } = packet;
  const next = me.next ?? seq;
  const start = flags.includes("SYN") ? seq + 1 : seq; // SYN takes a number
  if (start + length <= next) return decode(wholeFromStart(payload));
  const inOrder = start <= next && me.next !== undefined;
  const news = inOrder
    ? Buffer.concat([me.unfinished, payload.subarray(next - start)])
    : wholeFromStart(payload);
  const decoded = decode(news);
  me.unfinished =
    payload.length < length ? Buffer.alloc(0) : decoded.unfinished;
  return decoded;
}

/** Decodes what is whole; bytes that are no UTF-8 become U+FFFD. */
function decode(all: Buffer): Decoded {
  const end = all.length - unfinishedAt(all);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const text = decoder.decode(all.subarray(0, end));
  return { text, unfinished: all.subarray(end) };
}

/** Without the rest of a character that began before. */
function wholeFromStart(payload: Buffer): Buffer {
  const start = payload.findIndex((byte) => !continues(byte));
  return payload.subarray(start < 0 ? payload.length : start);
}

/** How many of the last bytes begin a character of UTF-8 and don't finish it (RFC 3629, 4). */
function unfinishedAt(all: Buffer): number {
  for (let back = 1; back <= Math.min(3, all.length); back++) {
    const byte = all[all.length - back]!;
    if (continues(byte)) continue;
    const size = byte > 0xf4 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return byte >= 0xc2 && back < size ? back : 0;
  }
  return 0;
}

/** Whether a byte of UTF-8 goes on with a character. */
function continues(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
