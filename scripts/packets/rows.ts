/** What stands in a picture of a run, whatever draws it: the ladder or the page. */
import {
  follow,
  type End,
  type Line,
  type Packet,
  type Read,
  type Recording,
  type Side,
} from "./recording.ts";
import type { Texts } from "./texts.ts";

/** A packet, or something that a program tells. */
export interface Row {
  timeMs: number;
  /** The time with the digits that hold: a packet's microseconds, two of them of what a program tells. */
  time: string;
  from: Side;
  /** What colours it. */
  kind: "syn" | "fin" | "rst" | "data" | "ack" | "read" | "line" | "end";
  /** A packet's flags and numbers, as Wireshark writes them; or what the program does or prints. */
  label: string[];
  /** What a packet carries. */
  carried: string;
  /** What a packet does. */
  words: string[];
  lost: boolean;
  /** Bytes that have arrived at a side and that its program has not read, after this row. */
  unread: Record<Side, number>;
}

/** What a picture shows. */
export interface Picture {
  sides: Record<Side, string>;
  connections: Recording["connections"];
  rows: Row[];
  /** What has to be known beside it. */
  notes: string[];
  /** What the numbers beside the lines mean, if there are any. */
  legend: string[];
  /** How much was captured, where, and when. */
  origin: string;
}

/** The rows of a recording in the order of time. */
export function pictureOf(recording: Recording, texts: Texts): Picture {
  const { connections, run } = recording;
  const client = run.kind === "robot" ? texts.robot : texts.client;
  const rows = rowsOf(recording, texts);
  const waits = rows.some(({ unread }) => unread.client || unread.server);
  return {
    sides: { client, server: texts.server },
    connections,
    rows,
    legend: waits ? [texts.unreadMeans] : [],
    notes: run.kind === "reset" ? [texts.twoClients] : [],
    origin: originOf(recording, texts),
  };
}

/** What a row says beside when, and from whom. */
type Said = Omit<Row, "timeMs" | "from" | "unread">;

function rowsOf(recording: Recording, texts: Texts): Row[] {
  const { packets, reads, lines, ends, connections } = recording;
  const followed = follow();
  const queues = unreadBytes();
  const numbered = (connection: number, text: string) =>
    connections.length > 1 ? `${connection}: ${text}` : text;

  function ofPacket(packet: Packet): Said {
    const { timeMs, connection, flags, seq, ack, length, lost } = packet;
    const main = ["RST", "SYN", "FIN"].find((flag) => flags.includes(flag));
    const confirms = ack === undefined ? "" : `Ack=${ack} `;
    const does = followed.next(packet).map(texts.act);
    const unread = queues.arrive(packet);
    if (unread) does.push(texts.unread(unread));
    if (lost) does.push(texts.lost);
    return {
      time: timeMs.toFixed(3),
      kind: (main?.toLowerCase() ?? (length ? "data" : "ack")) as Row["kind"],
      label: [
        numbered(connection, `[${flags.join(", ")}]`),
        `Seq=${seq} ${confirms}Len=${length}`,
      ],
      carried: shown(packet.text ?? ""),
      words: does,
      lost: lost ?? false,
    };
  }

  /** What a program told: two clocks agree to some 0.02 ms. */
  function told(
    timeMs: number,
    kind: Row["kind"],
    does: string,
    words: string[] = [],
  ): Said {
    const time = `${timeMs.toFixed(2)} `;
    const nothing = { carried: "", lost: false };
    return { time, kind, label: [does], words, ...nothing };
  }

  function ofRead(read: Read): Said {
    const { timeMs, connection, bytes, dropped } = read;
    queues.read(read);
    const does = dropped ? texts.drops(bytes) : texts.reads(bytes);
    return told(timeMs, "read", numbered(connection, does));
  }

  function ofEnd({ timeMs, from, code }: End): Said {
    if (code === undefined) return told(timeMs, "end", texts.goesOn);
    queues.end(from);
    return told(timeMs, "end", texts.ends(code));
  }

  const ofLine = ({ timeMs, text }: Line) =>
    told(timeMs, "line", shown(text), [texts.prints]);

  const events = [
    ...packets.map((it) => ({ it, say: () => ofPacket(it) })),
    ...reads.map((it) => ({ it, say: () => ofRead(it) })),
    ...lines.map((it) => ({ it, say: () => ofLine(it) })),
    ...ends.map((it) => ({ it, say: () => ofEnd(it) })),
  ].sort((a, b) => a.it.timeMs - b.it.timeMs);
  return events.map(({ it: { timeMs, from }, say }) => ({
    ...{ timeMs, from },
    ...say(),
    unread: queues.now(),
  }));
}

/** Counts what lies unread at each side: what has arrived, less what was read. */
function unreadBytes() {
  const queues = new Map<string, { next: number; bytes: number }>();
  const queue = (connection: number, side: Side) => {
    const key = `${side} ${connection}`;
    const known = queues.get(key) ?? { next: 1, bytes: 0 };
    queues.set(key, known);
    return known;
  };
  return {
    /** Counts what a packet brings; returns what its sender loses by a reset. */
    arrive({ connection, from, flags, seq, length, lost }: Packet): number {
      const to = from === "client" ? "server" : "client";
      const [mine, its] = [queue(connection, from), queue(connection, to)];
      if (flags.includes("RST")) {
        const { bytes } = mine;
        mine.bytes = its.bytes = 0;
        return bytes;
      }
      const fresh = seq + length - Math.max(seq, its.next);
      if (lost || length === 0 || fresh <= 0) return 0; // it came before
      its.next = seq + length;
      its.bytes += fresh;
      return 0;
    },
    read({ connection, from, bytes }: Read): void {
      const mine = queue(connection, from);
      mine.bytes = Math.max(0, mine.bytes - bytes);
    },
    end(side: Side): void {
      for (const [key, mine] of queues)
        if (key.startsWith(side)) mine.bytes = 0;
    },
    now(): Record<Side, number> {
      const sum = (side: Side) =>
        [...queues]
          .filter(([key]) => key.startsWith(side))
          .reduce((sum, [, { bytes }]) => sum + bytes, 0);
      return { client: sum("client"), server: sum("server") };
    },
  };
}

function originOf(recording: Recording, texts: Texts): string {
  const { packets, system, date } = recording;
  const arrived = packets.filter(({ lost }) => !lost);
  const carried = arrived.reduce((sum, { length }) => sum + length, 0);
  return [
    texts.origin(packets.length, carried),
    system,
    date.slice(0, 10),
  ].join("; ");
}

/** Characters of a text that a row shows, of one that is longer than twice as many. */
const most = 60;

/** Text for a row: JSON has all of it. */
function shown(text: string): string {
  const start = text.length > 2 * most ? `${text.slice(0, most)}...` : text;
  return visible(start);
}

/**
 * Text as one line that can't drive the terminal: control codes are shown as \x1b,
 * and what turns or hides text without a column of its own as \u202e.
 */
export function visible(text: string): string {
  const escaped =
    /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  return text.replace(escaped, (code) => {
    if (code === "\n") return "\\n";
    const hex = code.charCodeAt(0).toString(16);
    return hex.length > 2
      ? `\\u${hex.padStart(4, "0")}`
      : `\\x${hex.padStart(2, "0")}`;
  });
}
