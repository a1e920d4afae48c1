/**
 * Recordings for the tests of packets: those that the project has, and small
 * ones that a test puts together. Every call makes a new object, which a test
 * may change.
 */
import type { Language } from "../../scripts/language.ts";
import { packetsPage, type Around } from "../../scripts/packets/page.ts";
import type {
  Packet,
  Read,
  Recording,
  Side,
} from "../../scripts/packets/recording.ts";
import { pictureOf } from "../../scripts/packets/rows.ts";
import { english, korean, recorded } from "./packetsTool.ts";

/**
 * A recording of the lecture's client and server in which nothing happens.
 *
 * @param changes what happens, and what else is different
 */
export function aRecording(changes: Partial<Recording> = {}): Recording {
  return {
    ...recorded("hello"),
    packets: [],
    reads: [],
    lines: [],
    ends: [],
    ...changes,
  };
}

/**
 * An ACK of connection 1, without data, right after the handshake.
 *
 * @param changes what is different from it
 */
export function aPacket(from: Side, changes: Partial<Packet> = {}): Packet {
  return {
    timeMs: 0,
    from,
    connection: 1,
    flags: ["ACK"],
    seq: 1,
    ack: 1,
    length: 0,
    ...changes,
  };
}

/** The client's SYN. */
export function aSyn(timeMs = 0): Packet {
  const flags = ["SYN"];
  return { timeMs, from: "client", connection: 1, flags, seq: 0, length: 0 };
}

/** The three packets that open a connection: at 0, 1 and 2 ms. */
export function aHandshake(): Packet[] {
  const synAck = ["SYN", "ACK"];
  return [
    aSyn(0),
    aPacket("server", { timeMs: 1, flags: synAck, seq: 0, ack: 1 }),
    aPacket("client", { timeMs: 2 }),
  ];
}

/**
 * The client's message of 14 bytes, right after the handshake.
 *
 * @param changes what is different from it
 */
export function aMessage(changes: Partial<Packet> = {}): Packet {
  return aPacket("client", { flags: ["PSH", "ACK"], length: 14, ...changes });
}

/** The server's echo of aMessage(), which acknowledges it. */
export function anEcho(changes: Partial<Packet> = {}): Packet {
  const flags = ["PSH", "ACK"];
  return aPacket("server", { flags, ack: 15, length: 14, ...changes });
}

/** A read of the server's program. */
export function aRead(timeMs: number, bytes: number): Read {
  return { timeMs, from: "server", connection: 1, bytes };
}

/** The texts around the picture, none unless given; and the language. */
export interface PageOfOptions extends Partial<Around> {
  /** English unless given. */
  language?: Language;
}

/** The web page of a recording, as HTML. */
export function pageOf(
  recording: Recording,
  { language = "en", above = [], below = [] }: PageOfOptions = {},
): string {
  const texts = language === "en" ? english : korean;
  return packetsPage(pictureOf(recording, texts), {
    around: { above, below },
    language,
    texts,
  });
}
