/** What happened in a run, or in a saved capture: what the ladder and the JSON show. */
import type { Design } from "../designs.ts";
import type { Written } from "../processes.ts";
import { callsAround } from "./calls.ts";
import type { Finding, Packet } from "./packet.ts";

export type Side = "client" | "server";

/** What is run: which server, what the client sends, and whom it meets. */
export interface Run {
  server: Design;
  message: string;
  /** A server, none, or one that is busy with another client. */
  meets: "server" | "nobody" | "busy server";
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
  | "ends inside a character"
  | "says nothing new"
  | { carries: number }
  | { confirms: number };

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
  /** How many of them were captured, where not all were. */
  captured?: number;
  /** Them as text: the characters that are whole with this packet. */
  text?: string;
  /** What it does. */
  does: Act[];
  /** It never arrived: TCP sent it again, and nothing had confirmed it. */
  lost?: true;
  /** What Wireshark finds unusual about it. */
  notes: Finding[];
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
  /** Where the scripts ran, and what was run; a saved capture doesn't tell. */
  system?: string;
  run?: Run;
  /** The version that took the packets apart. */
  tshark: string;
  connections: { client: string; server: string; ended: boolean }[];
  lines: Line[];
  packets: Step[];
}

/** The packets and the lines of a recording in the order of time. */
export function eventsOf({ packets, lines }: Recording) {
  return [
    ...packets.map((step) => ({ step, timeMs: step.timeMs })),
    ...lines.map((line) => ({ line, timeMs: line.timeMs })),
  ].sort((a, b) => a.timeMs - b.timeMs);
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
  const lost = lostOf(packets);

  function connectionOf(packet: Packet): Connection {
    const connection =
      known.get(packet.stream) ?? newConnection(packet, known.size + 1);
    known.set(packet.stream, connection);
    return connection;
  }

  return {
    date: new Date(firstMs).toISOString(),
    packets: packets.map((packet) => ({
      ...explainOne(packet, connectionOf(packet), firstMs),
      ...(lost.has(packet) ? { lost: true as const } : {}),
    })),
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
  if (does.length + notes.length === 0) does.push("says nothing new");
  const cut = payload.length < length;
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
    ...(cut ? { captured: payload.length } : {}),
    ...(decoded ? { text: decoded.text } : {}),
    does,
    notes,
  };
}

/**
 * The packets that never arrived: for each that TCP sent again, the one it repeats.
 * One that was confirmed before is called spurious by Wireshark, and had arrived.
 */
function lostOf(packets: Packet[]): Set<Packet> {
  const isAgain = ({ notes }: Packet) =>
    notes.some((note) => /^(fast )?retransmission$/.test(note)) &&
    !notes.includes("spurious retransmission");
  const repeatedBy = (again: Packet, index: number) =>
    packets
      .slice(0, index)
      .findLast(
        (packet) =>
          packet.stream === again.stream &&
          packet.sender === again.sender &&
          again.seq <= packet.seq &&
          packet.seq < endOf(packet) &&
          endOf(packet) <= endOf(again),
      );
  const lost = packets.map((packet, index) =>
    isAgain(packet) ? repeatedBy(packet, index) : undefined,
  );
  return new Set(lost.filter((packet) => packet !== undefined));
}

/** The seq number after a packet: SYN and FIN count as a byte each. */
function endOf({ seq, length, flags }: Packet): number {
  const has = (flag: string) => Number(flags.includes(flag));
  return seq + length + has("SYN") + has("FIN");
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
    const lines = text.split(/\r?\n/).filter(Boolean);
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

function doesWhat(packet: Packet, me: Sender, other: Sender): Act[] {
  const { flags, length, ack } = packet;
  const has = (flag: string) => flags.includes(flag);
  const does: Act[] = [];
  const asked = other.syn !== undefined && me.syn === undefined;
  if (has("RST")) does.push(asked ? "refuses" : "resets");
  if (has("SYN")) does.push(has("ACK") ? "agrees" : "opens");
  if (length) does.push({ carries: length });
  if (has("FIN")) does.push(other.fin === undefined ? "closes" : "closes too");
  if (ack !== undefined && !has("RST"))
    does.push(...confirms(ack, has("SYN"), me, other));
  return does;
}

/** What an ACK newly confirms. */
function confirms(
  ack: number,
  agrees: boolean,
  me: Sender,
  other: Sender,
): Act[] {
  const known = me.confirmed ?? other.first ?? ack;
  const covers = (number?: number) =>
    number !== undefined && known <= number && number < ack;
  const [syn, fin] = [covers(other.syn), covers(other.fin)];
  const count = ack - known - Number(syn) - Number(fin);
  const does: Act[] = syn && !agrees ? ["confirms the handshake"] : [];
  if (count > 0) does.push({ confirms: count });
  if (fin) does.push("confirms the close");
  return does;
}

/** Keeps in mind how far the sender is. */
function follow(packet: Packet, me: Sender): void {
  const { flags, seq, ack, length } = packet;
  me.first ??= seq;
  me.next = Math.max(me.next ?? 0, endOf(packet));
  if (flags.includes("SYN")) me.syn = seq;
  if (flags.includes("FIN")) me.fin = seq + length;
  if (ack !== undefined) me.confirmed = Math.max(me.confirmed ?? 0, ack);
}

function finConfirmed(sender: Sender, other: Sender): boolean {
  return sender.fin !== undefined && (other.confirmed ?? 0) > sender.fin;
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
  const decodeAs = (stream: boolean, bytes: Buffer) =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream });
  const text = decodeAs(true, all);
  // A stream keeps back what is unfinished, 3 bytes at most, and doesn't say how much.
  const ends = [0, 1, 2, 3].map((count) => all.length - count);
  const end = ends.find(
    (end) => decodeAs(false, all.subarray(0, end)) === text,
  );
  return { text, unfinished: all.subarray(end) };
}

/** Without the rest of a character that began before. */
function wholeFromStart(payload: Buffer): Buffer {
  const start = payload.findIndex((byte) => !continues(byte));
  return payload.subarray(start < 0 ? payload.length : start);
}

/** Whether a byte of UTF-8 goes on with a character. */
function continues(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
