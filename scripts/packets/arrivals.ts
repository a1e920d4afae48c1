/**
 * Finds out which packets have not arrived although they were captured: a
 * firewall, or something else between the capture and the receiver, has dropped
 * them.
 */
import type { Packet, RunEvent } from "./recording.ts";
import { SequenceRanges } from "./sequenceRanges.ts";

/**
 * Finds the packets with data that were captured and have not arrived.
 *
 * A sender retransmits data until it is acknowledged. So if the same bytes were
 * captured several times before anything confirms that they have arrived, the
 * earlier copies were lost after the capture, and the last copy is the one that
 * has arrived. If nothing ever confirms it, no copy has arrived, and neither has
 * data that was sent once if a later packet of the receiver expects it. Data is
 * confirmed when the receiver acknowledges it, by its acknowledgment number or
 * by SACK (RFC 9293, 3.4; RFC 2018), and when its program reads it. A receiver
 * that reports by D-SACK (RFC 2883) that data has arrived twice has received
 * the copy before the last one, too: only the acknowledgment was late or lost.
 * That isn't so if a surplus copy explains the report: a duplicate that the
 * network has made, or one that was captured after the data was confirmed.
 *
 * A capture can't show a delay after it: delayed data counts a little too
 * early.
 *
 * @param events what happened in a run, in the order of time
 */
export function lostAfterCapture(events: Iterable<RunEvent>): Set<Packet> {
  const streams = new Map<string, DataStream>();
  function streamTo(receiver: string, connection: number): DataStream {
    const key = `${connection} ${receiver}`;
    const stream = streams.get(key) ?? new DataStream();
    streams.set(key, stream);
    return stream;
  }

  for (const event of events) {
    if (event.kind === "packet") {
      const other = event.from === "client" ? "server" : "client";
      streamTo(other, event.connection).onData(event);
      streamTo(event.from, event.connection).onAcknowledgment(event);
    }
    if (event.kind === "read")
      streamTo(event.from, event.connection).onRead(event.bytes);
  }

  const lost = [...streams.values()].map((stream) => stream.lostPackets());
  return new Set(lost.flat());
}

/** A packet with data. */
interface Copy {
  packet: Packet;
  /** The sequence number of the first byte that nothing has confirmed yet. */
  start: number;
  /** The sequence number after the last byte. */
  end: number;
  /** Some of its bytes were captured before, and are not confirmed. */
  isRepeat: boolean;
  /** Some of its bytes were captured again before they were confirmed. */
  isRepeated: boolean;
  /** Afterward, the receiver has sent a packet that expects its first byte. */
  isExpected: boolean;
}

/** The data of one direction of a connection. */
class DataStream {
  /** Packets whose data isn't confirmed yet, in the order of the capture. */
  #unconfirmed: Copy[] = [];
  /** Packets whose data has arrived only with a later copy. */
  readonly #lost: Copy[] = [];
  /** The sequence numbers of the data that is known to have arrived. */
  readonly #confirmed = new SequenceRanges();
  /** Copies of data that arrives without them, in the order of the capture. */
  readonly #surplus: Packet[] = [];
  /** The highest acknowledgment number. */
  #acknowledged = 0;
  /** The sequence numbers that SACK has reported as arrived. */
  readonly #sacked = new SequenceRanges();
  #readBytes = 0;

  /** Follows a packet of the sender. */
  onData(packet: Packet): void {
    const { seq, length } = packet;
    // A packet that is marked as lost can't have arrived.
    if (length === 0 || packet.lost) return;
    // The sender doesn't know of a duplicate that the network has made, so that
    // it is no sign of a loss. A copy of confirmed data is none either.
    if (packet.duplicate || this.#confirmed.includes(seq, seq + length)) {
      this.#surplus.push(packet);
      return;
    }
    const copy = {
      packet,
      start: seq,
      end: seq + length,
      isRepeat: false,
      isRepeated: false,
      isExpected: false,
    };
    for (const earlier of this.#unconfirmed) {
      if (earlier.end <= copy.start || earlier.start >= copy.end) continue;
      earlier.isRepeated = true;
      copy.isRepeat = true;
    }
    this.#unconfirmed.push(copy);
  }

  /** Follows a packet of the receiver. */
  onAcknowledgment(packet: Packet): void {
    const { ack, sack = [] } = packet;
    if (ack === undefined) return;
    this.#confirm(1, ack);
    for (const [start, end] of sack) this.#confirm(start, end);
    for (const copy of this.#unconfirmed) copy.isExpected = true;

    const twice = this.#blockThatArrivedTwice(packet);
    if (twice) this.#arrivedTwice(...twice);
    this.#acknowledged = Math.max(ack, this.#acknowledged);
    for (const [start, end] of sack) this.#sacked.add(start, end);
  }

  /**
   * The block of D-SACK, which is the first one. It is below the acknowledgment
   * number or in the second block.
   */
  #blockThatArrivedTwice({
    ack = 0,
    sack = [],
    duplicate,
  }: Packet): [start: number, end: number] | undefined {
    const [first, second] = sack;
    // A duplicate that the network has made reports nothing new.
    if (!first || duplicate) return undefined;
    const [start, end] = first;
    if (second && start >= second[0] && end <= second[1]) return first;

    // When a gap is filled, Linux can repeat the block that came after the gap.
    const isOld = ack > this.#acknowledged && this.#sacked.includes(start, end);
    return end <= ack && !isOld ? first : undefined;
  }

  /** Follows a read of the receiver's program. */
  onRead(bytes: number): void {
    this.#readBytes += bytes;
    const end = 1 + this.#readBytes;
    // A packet of which some bytes are read has arrived as a whole.
    const partlyRead = this.#unconfirmed.findLast(
      (copy) => copy.start < end && copy.end > end,
    );
    this.#confirm(1, partlyRead?.end ?? end);
  }

  /** The packets that have not arrived, as far as the events show it. */
  lostPackets(): Packet[] {
    const neverArrived = this.#unconfirmed.filter(
      ({ isRepeat, isRepeated, isExpected }) =>
        isRepeat || isRepeated || isExpected,
    );
    return [...this.#lost, ...neverArrived].map(({ packet }) => packet);
  }

  /** The bytes from `start` to the one before `end` have arrived. */
  #confirm(start: number, end: number): void {
    this.#confirmed.add(start, end);
    const rest: Copy[] = [];
    for (const copy of this.#unconfirmed) {
      if (start <= copy.start) copy.start = Math.max(copy.start, end);
      if (copy.start < copy.end) rest.push(copy);
      else if (copy.isRepeated) this.#lost.push(copy);
    }
    this.#unconfirmed = rest;
  }

  /**
   * The bytes have arrived twice: with a surplus copy, or else with the last
   * copy and with the one before it.
   */
  #arrivedTwice(start: number, end: number): void {
    const overlaps = ({ seq, length }: Packet) =>
      seq < end && seq + length > start;
    const surplusIndex = this.#surplus.findIndex(overlaps);
    if (surplusIndex >= 0) {
      this.#surplus.splice(surplusIndex, 1);
      return;
    }
    const index = this.#lost.findLastIndex(({ packet }) => overlaps(packet));
    if (index >= 0) this.#lost.splice(index, 1);
  }
}
