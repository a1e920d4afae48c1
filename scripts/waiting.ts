/**
 * Waits with a deadline. Their clocks stop while this process is suspended, by
 * Ctrl+Z or because the laptop sleeps: a program that was suspended with it
 * isn't late.
 */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits for some of this process's own time, in which it isn't suspended.
 *
 * @param ms how long to wait, in milliseconds
 * @param signal aborts the wait
 * @throws AbortError when the signal aborts the wait
 */
export async function activeSleep(
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  // A suspension makes only one of these short sleeps longer.
  const tickMs = 50;
  for (let leftMs = ms; leftMs > 0; leftMs -= tickMs)
    await sleep(Math.min(leftMs, tickMs), undefined, { signal });
}

/**
 * Waits for a promise, but not longer than a deadline.
 *
 * @param ms the deadline, in milliseconds in which this process isn't suspended
 * @param what what is waited for, for the message
 * @param promise the wait
 * @param describe returns more for the message; called when the deadline has
 *   passed
 * @returns what the promise resolves to
 * @throws Error when the deadline passes first
 */
export async function withDeadline<T>(
  ms: number,
  what: string,
  promise: Promise<T>,
  describe = () => "",
): Promise<T> {
  const done = new AbortController();
  const tooLate = activeSleep(ms, done.signal).then(() => {
    throw new Error(`waited ${ms} ms for ${what}\n${describe()}`.trim());
  });
  // If the promise settles first, the abort below rejects tooLate, which
  // nothing awaits.
  tooLate.catch(() => {});
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    done.abort();
  }
}

/**
 * Starts to watch whether this process is suspended.
 *
 * @returns `stop()` stops the watch and returns for how many seconds the
 *   process was suspended; undefined if it never was
 */
export function watchSuspensions() {
  const tickMs = 100;
  // A busy machine can delay a timer by less than this.
  const shortestMs = 2000;
  let suspendedSeconds = 0;
  let lastTick = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - lastTick - tickMs;
    if (lateMs > shortestMs) suspendedSeconds += lateMs / 1000;
    lastTick = now;
  }, tickMs);
  timer.unref();

  return {
    stop(): number | undefined {
      clearInterval(timer);
      return suspendedSeconds || undefined;
    },
  };
}
