/**
 * Numbers the connections and the bytes of packets while they are captured:
 * connections from 1, and sequence numbers from the SYN, as Wireshark does.
 */
import type { Packet, Side } from "./recording.ts";
import type { CapturedPacket } from "./tshark.ts";

/** What is known of the sequence numbers of one direction. */
interface Direction {
  /** TCP's own number that has the relative number 0. */
  base: number;
  /** The last relative number, which has no limit of 32 bits. */
  last: number;
}

/** A connection, as far as its numbers are concerned. */
export interface NumberedConnection {
  number: number;
  addresses: Record<Side, string>;
  /** Whether its first captured packet was a SYN. */
  hasBegunHere: boolean;
}

interface Known extends NumberedConnection {
  directions: Partial<Record<Side, Direction>>;
  /** The latest packets: their contents, and when they were captured. */
  latest: Map<string, number>;
}

/** How many packets of a connection are remembered, to recognize copies. */
const mostLatest = 32;

export interface NumberedPacket {
  packet: Packet;
  connection: NumberedConnection;
}

/** Numbers packets one after the other, in the order of the capture. */
export class Numbering {
  /** By their addresses; the connection of the latest packet is the last. */
  readonly #known = new Map<string, Known>();
  readonly #mostKnown: number;
  readonly #onForgotten: (number: number) => void;
  #count = 0;
  #firstMs: number | undefined;

  /**
   * @param mostKnown how many connections are remembered
   * @param onForgotten is called with the number of each connection that is
   *   not remembered any more
   */
  constructor(mostKnown: number, onForgotten: (number: number) => void) {
    this.#mostKnown = mostKnown;
    this.#onForgotten = onForgotten;
  }

  /** How many connections there have been. */
  get count(): number {
    return this.#count;
  }

  /** @param captured a packet with TCP's own numbers, and its time since 1970 */
  number(captured: CapturedPacket): NumberedPacket {
    const { addresses, ipId: _ipId, ...rest } = captured;
    this.#firstMs ??= captured.timeMs;
    const connection = this.#connectionOf(captured);
    const relative = relativeNumbers(captured, connection.directions);
    const sinceFirst = captured.timeMs - this.#firstMs;
    const packet: Packet = {
      ...rest,
      ...relative,
      timeMs: Math.round(sinceFirst * 1000) / 1000,
      connection: connection.number,
    };
    if (isCopy(captured, connection.latest)) packet.duplicate = true;
    return { packet, connection };
  }

  #connectionOf(captured: CapturedPacket): Known {
    const { addresses, from, flags, seq } = captured;
    const key = `${addresses.client} ${addresses.server}`;
    const isSyn = flags.includes("SYN");
    const isFirst = isSyn && !flags.includes("ACK");
    const known = this.#known.get(key);
    // A SYN with another number opens a new connection with the same ports.
    const isRepeated =
      known?.hasBegunHere && known.directions[from]?.base === seq;
    if (known && (!isFirst || isRepeated)) {
      this.#known.delete(key);
      this.#known.set(key, known);
      return known;
    }

    if (known) this.#forget(key, known);
    this.#count++;
    const added: Known = {
      number: this.#count,
      addresses,
      hasBegunHere: isSyn,
      directions: {},
      latest: new Map(),
    };
    this.#known.set(key, added);
    for (const [oldKey, oldest] of this.#known) {
      if (this.#known.size <= this.#mostKnown) break;
      this.#forget(oldKey, oldest);
    }
    return added;
  }

  #forget(key: string, { number }: Known): void {
    this.#known.delete(key);
    this.#onForgotten(number);
  }
}

/**
 * Whether a packet was captured a moment ago: on a second interface, if
 * several are captured, or because the network has made a copy of it. A
 * retransmission is another packet: IP gives it another number. Of a packet
 * without a number, nothing is claimed.
 */
function isCopy(captured: CapturedPacket, latest: Known["latest"]): boolean {
  const { timeMs, from, flags, seq, ack, length, ipId } = captured;
  const contents = [from, flags, seq, ack, length, ipId].join(" ");
  const beforeMs = latest.get(contents);
  latest.delete(contents);
  latest.set(contents, timeMs);
  for (const [oldest] of latest) {
    if (latest.size <= mostLatest) break;
    latest.delete(oldest);
  }

  if (beforeMs === undefined) return false;
  const longestCopyMs = 100;
  if (timeMs - beforeMs > longestCopyMs) return false;
  return Number(ipId) !== 0;
}

/** The numbers of a packet that count from the beginning of its connection. */
function relativeNumbers(
  { from, flags, seq, ack, sack }: CapturedPacket,
  directions: Known["directions"],
): Pick<Packet, "seq" | "ack" | "sack"> {
  const other = from === "client" ? "server" : "client";
  // Without a SYN, Wireshark gives the first packet the number 1, as if the SYN
  // had been just before it.
  const before = flags.includes("SYN") ? 0 : 1;
  directions[from] ??= { base: (seq - before) >>> 0, last: 0 };
  const own = directions[from];
  own.last = relativeTo(own, seq);
  if (ack === undefined) return { seq: own.last };

  directions[other] ??= { base: (ack - 1) >>> 0, last: 0 };
  const others = directions[other];
  const numbers: Pick<Packet, "seq" | "ack" | "sack"> = {
    seq: own.last,
    ack: relativeTo(others, ack),
  };
  if (sack)
    numbers.sack = sack.map(([start, end]) => [
      relativeTo(others, start),
      relativeTo(others, end),
    ]);
  return numbers;
}

/**
 * A relative number without a limit: TCP's own numbers begin again at 0 after
 * 4 GiB. It is the one that is nearest to the last one.
 */
function relativeTo({ base, last }: Direction, raw: number): number {
  const relative = (raw - base) >>> 0;
  const distance = (relative - last) | 0;
  return last + distance;
}
