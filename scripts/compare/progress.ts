/** What the user sees while it runs: one changing line on a terminal, plain lines in a pipe. */
import { clearLine, cursorTo } from "node:readline";

const { stderr } = process;

/** How often a line is written where nothing can be overwritten, in milliseconds. */
const interval = 1500;

/**
 * Shows how far the work is, on stderr.
 *
 * @returns set: how far a part of the work is; end: leaves the terminal clean
 */
export function showProgress() {
  const parts = new Map<string, string>();
  const started = performance.now();

  function line(shown: [string, string][]): string {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const text = shown.map(([part, state]) => `${part}: ${state}`);
    return `${seconds} s  ${text.join("  |  ")}`;
  }

  function show(): void {
    if (parts.size === 0) return;
    const text = line([...parts]);
    if (!stderr.isTTY) return void stderr.write(`${text}\n`);
    cursorTo(stderr, 0);
    clearLine(stderr, 1);
    stderr.write(text.slice(0, (stderr.columns || 80) - 4)); // room for ^C
  }

  const timer = setInterval(show, stderr.isTTY ? 100 : interval);
  timer.unref();

  return {
    /** Says how far a part is; "" ends it. */
    set(part: string, state: string): void {
      const withoutCount = (text = "") => text.replace(/\d+/g, "");
      const news = withoutCount(state) !== withoutCount(parts.get(part));
      if (state) parts.set(part, state);
      else parts.delete(part);
      if (news && state && !stderr.isTTY)
        stderr.write(`${line([[part, state]])}\n`);
    },
    end(): void {
      clearInterval(timer);
      if (!stderr.isTTY) return;
      cursorTo(stderr, 0);
      clearLine(stderr, 1);
    },
  };
}
