/**
 * One clock for all that a run shows. The programs report their events by the
 * monotonic clock, which all processes of a machine share, and which can't be
 * set. tshark has only the system's clock, which can be set while the programs
 * run: by hand, by a time server, or because the machine was suspended.
 */

/**
 * The monotonic clock of this machine.
 *
 * @returns milliseconds since a moment that is the same for all processes
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Clocks for a test, instead of the machine's. */
export interface Clocks {
  /** The system's clock: whole milliseconds since 1970. */
  systemMs(): number;
  /** The monotonic clock, in milliseconds. */
  monotonicMs(): number;
}

const machineClocks: Clocks = { systemMs: () => Date.now(), monotonicMs };

/** A period in which the system's clock isn't set. */
interface Era {
  /**
   * Bounds of the time that the system's clock had when the monotonic clock was
   * at 0, in milliseconds since 1970.
   */
  earliestOriginMs: number;
  latestOriginMs: number;
  /** When the era was noticed, by the monotonic clock. */
  noticedMs: number;
}

/**
 * Watches the system's clock, and translates its times into those of the
 * monotonic clock.
 */
export class SystemClock {
  readonly #clocks: Clocks;
  /** In the order of time; the first one begins when the watch does. */
  readonly #eras: Era[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(clocks: Clocks = machineClocks) {
    this.#clocks = clocks;
    this.check();
  }

  /** Starts to check regularly whether the clock was set. */
  watch(): void {
    const tickMs = 20;
    this.#timer = setInterval(() => this.check(), tickMs).unref();
  }

  /** Checks for the last time whether the clock was set. */
  stop(): void {
    clearInterval(this.#timer);
    this.check();
  }

  /** Begins an era if the clock no longer fits the current one. */
  check(): void {
    // Rounding makes readings differ a little.
    const toleranceMs = 0.02;
    const era = this.#eras.at(-1);
    const [earliest, latest] = this.#readOrigin();
    const fits =
      era !== undefined &&
      earliest <= era.latestOriginMs + toleranceMs &&
      latest >= era.earliestOriginMs - toleranceMs;
    if (!fits) this.#eras.push(this.#measureEra());
  }

  /**
   * Reads both clocks once.
   *
   * The system's clock is read without its fraction of a millisecond, so one
   * reading leaves an interval: the real time is at least what is read, and
   * less than 1 ms later. The reading happens between two readings of the
   * monotonic clock, so the interval of the origin is a little wider than 1 ms.
   */
  #readOrigin(): [earliestMs: number, latestMs: number] {
    const before = this.#clocks.monotonicMs();
    const wholeMs = this.#clocks.systemMs();
    const after = this.#clocks.monotonicMs();
    return [wholeMs - after, wholeMs + 1 - before];
  }

  /**
   * Measures the origin more precisely: it is in the interval of every reading,
   * so it is in their intersection. Readings just before and just after the
   * system's clock changes make that narrow.
   */
  #measureEra(): Era {
    const wantedPrecisionMs = 0.01;
    const longestSearchMs = 100;
    const noticedMs = this.#clocks.monotonicMs();
    let [earliest, latest] = this.#readOrigin();
    while (
      latest - earliest > wantedPrecisionMs &&
      this.#clocks.monotonicMs() < noticedMs + longestSearchMs
    ) {
      const reading = this.#readOrigin();
      const wasSetMeanwhile = reading[0] > latest || reading[1] < earliest;
      if (wasSetMeanwhile) [earliest, latest] = reading;
      earliest = Math.max(earliest, reading[0]);
      latest = Math.min(latest, reading[1]);
    }
    return { earliestOriginMs: earliest, latestOriginMs: latest, noticedMs };
  }

  /**
   * Starts a translation. The era of a time is the first one that it fits,
   * starting from the era of the previous time.
   *
   * @returns a function that gets the times of one capture, in milliseconds
   *   since 1970 and in the order of the capture, and returns each by the
   *   monotonic clock
   */
  translation(): (systemMs: number) => number {
    // Two packets on two cores can be captured in the wrong order.
    const disorderMs = 5;
    let index = 0;
    let previousMs = this.#eras[0]!.noticedMs;

    return (systemMs) => {
      for (; index < this.#eras.length - 1; index++) {
        const ms = systemMs - this.#eras[index]!.earliestOriginMs;
        const endMs = this.#eras[index + 1]!.noticedMs;
        if (ms >= previousMs - disorderMs && ms <= endMs) break;
      }
      const ms = systemMs - this.#eras[index]!.earliestOriginMs;
      previousMs = Math.max(previousMs, ms);
      return ms;
    };
  }
}
