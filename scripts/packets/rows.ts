/** The contents of a picture, whether the ladder or the web page draws it. */
import { lostAfterCapture } from "./arrivals.ts";
import {
  ConnectionTracker,
  type Act,
  type End,
  type Line,
  type Packet,
  type Read,
  type Recording,
  type RunEvent,
  type Side,
} from "./recording.ts";
import type { Texts } from "./texts.ts";

/** The part that all rows have in common. */
interface RowBase {
  /**
   * Milliseconds since the first packet, with the digits that hold: three
   * decimals for a packet. An event has two, since the program's clock and the
   * capture's agree to about 0.02 ms.
   */
  time: string;
  /** The side that sent the packet, or whose program did something. */
  from: Side;
  /** The row's meaning, in phrases: "sends 14 bytes". */
  descriptions: string[];
  /** How many bytes each side's program has not read, after this row. */
  unread: Record<Side, number>;
}

/** A packet. */
export interface PacketRow extends RowBase {
  kind: "packet";
  /** Decides the row's color: the main flag, or whether there is data. */
  type: "syn" | "fin" | "rst" | "data" | "ack";
  /** The flags, after the connection's number if there are more than one. */
  flags: string;
  /** Sequence number, acknowledgment number and length, as in Wireshark. */
  numbers: string;
  /** The data, cut if it is long; "" if there is none. */
  data: string;
  lost: boolean;
  /** All that it carries was captured before. */
  isRetransmission: boolean;
}

/** Something that a program does. */
export interface EventRow extends RowBase {
  kind: "event";
  /** Decides the row's color: a read, a printed line, or a program's exit. */
  type: "read" | "line" | "end";
  /** The line that the program prints, or what it does. */
  text: string;
}

export type Row = PacketRow | EventRow;

/** The contents of a picture. */
export interface Picture {
  /** A watch knows packets only: no reads, prints, exits and unread bytes. */
  kind: "run" | "watch";
  /** The name of each side. */
  sides: Record<Side, string>;
  /** The addresses of both sides of each connection. */
  connections: Recording["connections"];
  /** Whether rows and addresses have the numbers of their connections. */
  numbersConnections: boolean;
  /** The rows in the order of time. */
  rows: Row[];
  notes: string[];
  /** How much was captured, on which system, and when. */
  origin: string;
}

/**
 * Decides what a picture of a recording shows.
 *
 * @param texts the texts of one language
 */
export function pictureOf(recording: Recording, texts: Texts): Picture {
  const { connections, packets, run, system, date } = recording;
  const isWatch = run.kind === "watch";
  let carriedBytes = 0;
  for (const { lost, length } of packets) if (!lost) carriedBytes += length;
  const count = texts.origin(packets.length, carriedBytes);
  const day = date.slice(0, "2026-12-31".length);

  // The rows of a watch are numbered before it is known how many connections
  // there will be.
  const numbersConnections = isWatch || connections.length > 1;
  const events = eventsOf(recording);
  const writer = new RowWriter({
    numbersConnections,
    lostPackets: isWatch ? undefined : lostAfterCapture(events),
    knowsReads: !isWatch,
    texts,
  });
  return {
    kind: isWatch ? "watch" : "run",
    sides: {
      client: run.kind === "robot" ? texts.robot : texts.client,
      server: texts.server,
    },
    connections,
    numbersConnections,
    rows: events.map((event) => writer.rowOf(event)),
    notes: notesOf(recording, texts),
    origin: [count, system, day].join("; "),
  };
}

/** What has to be known about a recording before its rows. */
function notesOf({ run, packets, unkept }: Recording, texts: Texts): string[] {
  switch (run.kind) {
    case "reset":
      return [texts.twoClients];
    case "watch": {
      const { packetsOnly } = texts;
      if (!unkept) return [packetsOnly];
      return [packetsOnly, texts.unkept(packets.length, unkept)];
    }
    default:
      return [];
  }
}

/** All that happened in a run, in the order of time. */
function eventsOf({ packets, reads, lines, ends }: Recording): RunEvent[] {
  const events: RunEvent[] = [];
  for (const packet of packets) events.push({ kind: "packet", ...packet });
  for (const read of reads) events.push({ kind: "read", ...read });
  for (const line of lines) events.push({ kind: "line", ...line });
  for (const end of ends) events.push({ kind: "end", ...end });
  return events.sort((one, other) => one.timeMs - other.timeMs);
}

export interface RowWriterOptions {
  /** Whether a row has the number of its connection. */
  numbersConnections: boolean;
  /** The packets that were captured and have not arrived, if that is known. */
  lostPackets?: ReadonlySet<Packet>;
  /** False if the programs don't report their reads: nothing is unread then. */
  knowsReads?: boolean;
  /** How many ranges of sequence numbers are remembered for each side. */
  mostRanges?: number;
  /** The texts of one language. */
  texts: Texts;
}

/**
 * Makes the row of each event, one after the other, in the order of time: for a
 * run that is over, or while its packets are captured.
 */
export class RowWriter {
  readonly #tracker: ConnectionTracker;
  readonly #numbersConnections: boolean;
  readonly #texts: Texts;

  constructor(options: RowWriterOptions) {
    this.#tracker = new ConnectionTracker(options);
    this.#numbersConnections = options.numbersConnections;
    this.#texts = options.texts;
  }

  /** What is known about the connections so far. */
  get tracker(): ConnectionTracker {
    return this.#tracker;
  }

  rowOf(event: RunEvent): Row {
    switch (event.kind) {
      case "packet":
        return this.packetRow(event);
      case "read":
        return this.#readRow(event);
      case "line":
        return this.#lineRow(event);
      case "end":
        return this.#endRow(event);
    }
  }

  packetRow(packet: Packet): PacketRow {
    const { timeMs, from, connection, flags, seq, ack, length } = packet;
    const acts = this.#tracker.onPacket(packet);
    const numbers = [`Seq=${as32Bits(seq)}`];
    if (ack !== undefined) numbers.push(`Ack=${as32Bits(ack)}`);
    numbers.push(`Len=${length}`);
    return {
      kind: "packet",
      type: typeOf(packet),
      time: timeMs.toFixed(3),
      from,
      flags: this.#numbered(connection, `[${flags.join(", ")}]`),
      numbers: numbers.join(" "),
      data: shorten(packet.text ?? ""),
      descriptions: acts.map((act) => this.#describe(act)),
      lost: packet.lost ?? false,
      isRetransmission: acts.some(({ kind }) => kind === "sentAgain"),
      unread: this.#tracker.unreadBytes(),
    };
  }

  #readRow(read: Read): EventRow {
    this.#tracker.onRead(read);
    const reads = this.#texts.counted(this.#texts.reads, read.bytes);
    return this.#eventRow(read, "read", this.#numbered(read.connection, reads));
  }

  #lineRow(line: Line): EventRow {
    const row = this.#eventRow(line, "line", shorten(line.text));
    row.descriptions.push(this.#texts.prints);
    return row;
  }

  #endRow(end: End): EventRow {
    // Without an exit code, it is the signal to a server that kept running.
    if (end.code === undefined)
      return this.#eventRow(end, "end", this.#texts.goesOn);

    this.#tracker.onExit(end.from);
    return this.#eventRow(end, "end", `${this.#texts.ends} ${end.code}`);
  }

  #eventRow(
    { timeMs, from }: Read | Line | End,
    type: EventRow["type"],
    text: string,
  ): EventRow {
    return {
      kind: "event",
      type,
      time: timeMs.toFixed(2),
      from,
      text,
      descriptions: [],
      unread: this.#tracker.unreadBytes(),
    };
  }

  /** A text after the number of its connection, if the rows have numbers. */
  #numbered(connection: number, text: string): string {
    return this.#numbersConnections ? `${connection}: ${text}` : text;
  }

  #describe(act: Act): string {
    const text = this.#texts[act.kind];
    return "bytes" in act ? this.#texts.counted(text, act.bytes) : text;
  }
}

/**
 * A sequence number as TCP writes it. In a recording, numbers continue where
 * TCP's start again from 0.
 */
function as32Bits(number: number): number {
  return number >>> 0;
}

/** Which type of row a packet gets. */
function typeOf({ flags, length }: Packet): PacketRow["type"] {
  if (flags.includes("RST")) return "rst";
  if (flags.includes("SYN")) return "syn";
  if (flags.includes("FIN")) return "fin";
  return length > 0 ? "data" : "ack";
}

/** How many characters of a text are shown; of a longer one, how many. */
const longestText = 120;
const keptOfLongText = 32;

/** A text for a row, cut if it is long. The JSON has all of it. */
function shorten(text: string): string {
  if (text.length <= longestText) return visible(text);
  const characters = firstCharacters(text, longestText + 1);
  if (characters.length <= longestText) return visible(text);
  return visible(`${characters.slice(0, keptOfLongText).join("")}...`);
}

const segmenter = new Intl.Segmenter();

/**
 * The first characters of a text. An emoji is one character, even if it consists
 * of several code points.
 *
 * @param count how many characters are wanted
 * @returns as many, or fewer if the text has fewer
 */
function firstCharacters(text: string, count: number): string[] {
  // Typed characters are not longer, and long texts would be slow.
  const longestCharacter = 16;
  const beginning = text.slice(0, count * longestCharacter);
  const characters: string[] = [];
  for (const { segment } of segmenter.segment(beginning)) {
    characters.push(segment);
    if (characters.length === count) break;
  }
  return characters;
}

/**
 * A text as one line that can't control the terminal. Control characters are
 * shown as \x1b, and invisible characters that reverse or hide text as \u202e.
 */
export function visible(text: string): string {
  const invisible =
    /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  return text.replaceAll("\n", "\\n").replace(invisible, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
}
