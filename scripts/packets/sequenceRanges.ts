/** Sets of sequence numbers, for one direction of a connection. */

/** Sequence numbers from `start` to the one before `end`. */
interface Range {
  start: number;
  end: number;
}

/** A set of sequence numbers. */
export class SequenceRanges {
  /** In ascending order, with a gap between one and the next. */
  readonly #ranges: Range[] = [];
  readonly #mostRanges: number;

  /** @param mostRanges beyond this many ranges, the lowest one is forgotten */
  constructor(mostRanges = Infinity) {
    this.#mostRanges = mostRanges;
  }

  /** Adds the numbers from `start` to the one before `end`. */
  add(start: number, end: number): void {
    if (start >= end) return;
    // Almost always, new numbers are the highest ones.
    let index = this.#ranges.length;
    while (index > 0 && this.#ranges[index - 1]!.end >= start) index--;

    // The ranges that the new one overlaps or touches become one with it.
    let count = 0;
    const joined = { start, end };
    for (const range of this.#ranges.slice(index)) {
      if (range.start > end) break;
      joined.start = Math.min(joined.start, range.start);
      joined.end = Math.max(joined.end, range.end);
      count++;
    }
    this.#ranges.splice(index, count, joined);
    if (this.#ranges.length > this.#mostRanges) this.#ranges.shift();
  }

  /** Whether all numbers from `start` to the one before `end` are in the set. */
  includes(start: number, end: number): boolean {
    return this.endOfRun(start) >= end;
  }

  /** The first number from `start` on that is not in the set. */
  endOfRun(start: number): number {
    const range = this.#ranges.find(({ end }) => end > start);
    return range && range.start <= start ? range.end : start;
  }

  /** The number after the highest one in the set; 0 if the set is empty. */
  end(): number {
    return this.#ranges.at(-1)?.end ?? 0;
  }
}
