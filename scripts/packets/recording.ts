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

/** What one side has sent of its stream so far. */
interface Sender {
  /** The seq number that comes next; undefined before the first packet. */
  next?: number;
  /** The seq number of its FIN. */
  fin?: number;
  /** The highest number it has confirmed of the other side's stream. */
  confirmed?: number;
  decoder: ReturnType<typeof newDecoder>;
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
  const does = doesWhat(packet, sides[from], sides[to]);
  if (endsInsideCharacter(payload)) does.push("ends inside a character");
  const text = length ? { text: textOf(packet, sides[from]) } : {};
  follow(packet, sides[from]);
  connection.reset ||= flags.includes("RST");
  return {
    timeMs: toMicroseconds(atMs - firstMs),
    connection: connection.number,
    from,
    flags,
    seq,
    ...(ack === undefined ? {} : { ack }),
    length,
    ...text,
    does,
    notes,
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
  const side = () => ({ decoder: newDecoder() });
  const sides = { client: side(), server: side() };
  return { number, client, server, sides, reset: false };
}

function doesWhat(packet: Packet, me: Sender, other: Sender): string[] {
  const { flags, length, ack } = packet;
  const has = (flag: string) => flags.includes(flag);
  if (has("RST"))
    return [other.next === 1 && me.next === undefined ? "refuses" : "resets"];
  const does = [];
  if (has("SYN")) does.push(has("ACK") ? "agrees" : "opens");
  if (length) does.push(`carries ${bytes(length)}`);
  if (has("FIN")) does.push(other.fin === undefined ? "closes" : "closes too");
  if (ack !== undefined && !has("SYN")) does.push(...confirms(ack, me, other));
  return does.length || packet.notes.length ? does : ["says nothing new"];
}

/** What an ACK newly confirms: SYN and FIN count as a byte each (RFC 9293, 3.4). */
function confirms(ack: number, me: Sender, other: Sender): string[] {
  if (me.confirmed === undefined && other.next === 1 && ack === 1)
    return me.next === 1 ? ["confirms: connected"] : [];
  const fin = other.fin !== undefined && ack > other.fin;
  const known = me.confirmed ?? ack;
  const count = ack - known - (fin && known <= other.fin! ? 1 : 0);
  const does = count > 0 ? [`confirms ${bytes(count)}`] : [];
  if (fin && known <= other.fin!) does.push("confirms the close");
  return does;
}

/** Keeps in mind how far the sender is. */
function follow({ flags, seq, ack, length }: Packet, me: Sender): void {
  const counted = ["SYN", "FIN"].filter((flag) => flags.includes(flag)).length;
  me.next = Math.max(me.next ?? 0, seq + length + counted);
  if (flags.includes("FIN")) me.fin = seq + length;
  if (ack !== undefined) me.confirmed = Math.max(me.confirmed ?? 0, ack);
}

function finConfirmed(sender: Sender, other: Sender): boolean {
  return sender.fin !== undefined && (other.confirmed ?? 0) > sender.fin;
}

function bytes(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

const newDecoder = () => new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The text of a packet. TCP cuts a character where it likes: its first bytes wait
 * for the packet that brings the rest. What was sent before, or follows a gap,
 * is read by itself.
 */
function textOf({ seq, length, payload }: Packet, me: Sender): string {
  const inOrder = me.next === undefined || seq === me.next;
  if (inOrder && payload.length === length)
    return me.decoder.decode(payload, { stream: true });
  if (!inOrder && seq < me.next!) return decodeAlone(payload);
  me.decoder = newDecoder();
  return me.decoder.decode(wholeFromStart(payload), { stream: true });
}

function decodeAlone(payload: Buffer): string {
  return newDecoder().decode(wholeFromStart(payload), { stream: true });
}

/** Without the rest of a character that began before. */
function wholeFromStart(payload: Buffer): Buffer {
  const start = payload.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return payload.subarray(start < 0 ? payload.length : start);
}

/** Whether the last bytes begin a character of UTF-8 and don't finish it. */
function endsInsideCharacter(payload: Buffer): boolean {
  const tail = [...payload.subarray(-3)].reverse();
  const back = tail.findIndex((byte) => (byte & 0xc0) !== 0x80);
  const lead = tail[back] ?? 0;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return back >= 0 && back + 1 < size;
}
