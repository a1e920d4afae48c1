/** What stands in a picture of a run, whatever draws it: the ladder or the page. */
import {
  follow,
  type Act,
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
  /** In ms, with the digits that hold: a program's clock and the capture's agree to some 0.02. */
  time: string;
  from: Side;
  /** What colours it. */
  kind: "syn" | "fin" | "rst" | "data" | "ack" | "read" | "line" | "end";
  /** A packet's flags and numbers, as Wireshark writes them; or what a program prints or does. */
  label: string[];
  /** What a packet carries. */
  carried: string;
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
  notes: string[];
  /** How much was captured, where, and when. */
  origin: string;
}

export function pictureOf(recording: Recording, texts: Texts): Picture {
  const { connections, packets, run, system, date } = recording;
  const client = run.kind === "robot" ? texts.robot : texts.client;
  const arrived = packets.filter(({ lost }) => !lost);
  const carried = arrived.reduce((sum, { length }) => sum + length, 0);
  const count = texts.origin(packets.length, carried);
  return {
    sides: { client, server: texts.server },
    connections,
    rows: rowsOf(recording, texts),
    notes: run.kind === "reset" ? [texts.twoClients] : [],
    origin: [count, system, date.slice(0, 10)].join("; "),
  };
}

/** The rows in the order of time. */
function rowsOf(recording: Recording, texts: Texts): Row[] {
  const { packets, reads, lines, ends, connections } = recording;
  const followed = follow();
  const numbered = (connection: number, text: string) =>
    connections.length > 1 ? `${connection}: ${text}` : text;

  const said = ([act, count]: Act) =>
    count ? texts.counted(texts[act], count) : texts[act];

  function ofPacket(packet: Packet) {
    const { timeMs, connection, flags, seq, ack, length } = packet;
    const main = ["RST", "SYN", "FIN"].find((flag) => flags.includes(flag));
    const confirms = ack === undefined ? "" : `Ack=${ack} `;
    return {
      time: timeMs.toFixed(3),
      kind: (main?.toLowerCase() ?? (length ? "data" : "ack")) as Row["kind"],
      label: [
        numbered(connection, `[${flags.join(", ")}]`),
        `Seq=${seq} ${confirms}Len=${length}`,
      ],
      carried: shown(packet.text ?? ""),
      words: followed.next(packet).map(said),
      lost: packet.lost ?? false,
    };
  }

  function told(ms: number, kind: Row["kind"], does: string, word?: string) {
    const [time, words] = [`${ms.toFixed(2)} `, word ? [word] : []];
    return { time, kind, label: [does], carried: "", words, lost: false };
  }

  function ofRead(read: Read) {
    followed.read(read);
    const { timeMs, connection, bytes } = read;
    const does = texts.counted(texts.reads, bytes);
    return told(timeMs, "read", numbered(connection, does));
  }

  const ofLine = ({ timeMs, text }: Line) =>
    told(timeMs, "line", shown(text), texts.prints);

  function ofEnd({ timeMs, from, code }: End) {
    if (code === undefined) return told(timeMs, "end", texts.goesOn);
    followed.end(from);
    return told(timeMs, "end", `${texts.ends} ${code}`);
  }

  const events = [
    ...packets.map((it) => ({ it, row: () => ofPacket(it) })),
    ...reads.map((it) => ({ it, row: () => ofRead(it) })),
    ...lines.map((it) => ({ it, row: () => ofLine(it) })),
    ...ends.map((it) => ({ it, row: () => ofEnd(it) })),
  ].sort((a, b) => a.it.timeMs - b.it.timeMs);
  return events.map(({ it: { from }, row }) => {
    return { ...row(), from, unread: followed.unread() };
  });
}

/** Text for a row: of a long one the beginning, JSON has all of it. */
function shown(text: string): string {
  return visible(text.length > 120 ? `${text.slice(0, 32)}...` : text);
}

/**
 * Text as one line that can't drive the terminal: control codes are shown as \x1b,
 * and what turns or hides text without a column of its own as \u202e.
 */
export function visible(text: string): string {
  const codes =
    /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  return text.replaceAll("\n", "\\n").replace(codes, (code) => {
    const hex = code.charCodeAt(0).toString(16).padStart(2, "0");
    return hex.length > 2 ? `\\u${hex.padStart(4, "0")}` : `\\x${hex}`;
  });
}
