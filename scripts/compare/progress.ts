/** What the user sees while it runs: one changing line on a terminal; in a pipe a line for what is new, and now and then. */
import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import cliTruncate from "cli-truncate";
import stringWidth from "string-width";

const { stderr } = process;

/** How often a line is written where nothing can be overwritten, in milliseconds. */
const interval = 3000;

/** How far a part is: what it does, and perhaps how much of it is done. */
interface State {
  what: string;
  amount: string;
}

/**
 * Shows how far the work is, on stderr.
 *
 * @returns set: how far a part of the work is; end: leaves the terminal clean
 */
export function showProgress() {
  const parts = new Map<string, State>();
  const started = performance.now();
  const said = new Set<string>();
  let shown = "";

  /** Those that do the same thing stand together, so that all fit into a line. */
  function line(parts: Map<string, State>): string {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const groups = new Map<string, string[]>();
    for (const [part, { what, amount }] of parts)
      groups.set(what, [
        ...(groups.get(what) ?? []),
        `${part} ${amount}`.trimEnd(),
      ]);
    const said = [...groups].map(
      ([what, group]) => `${what}: ${group.join(", ")}`,
    );
    return `${seconds} s  ${said.join("; ")}`;
  }

  /** Clears the line, on as many rows as it takes in a window that was made narrower. */
  function clear(): void {
    const rows = Math.ceil(stringWidth(shown) / (stderr.columns || 80));
    cursorTo(stderr, 0);
    if (rows > 1) moveCursor(stderr, 0, 1 - rows);
    clearScreenDown(stderr);
    shown = "";
  }

  function show(): void {
    if (parts.size === 0) return;
    if (!stderr.isTTY) return void stderr.write(`${line(parts)}\n`);
    clear();
    const room = (stderr.columns || 80) - 4; // for ^C
    shown = cliTruncate(line(parts), room);
    stderr.write(shown);
  }

  const timer = setInterval(show, stderr.isTTY ? 100 : interval);
  timer.unref();

  return {
    /** Says how far a part is; what "" ends it. */
    set(part: string, what: string, amount = ""): void {
      if (what) parts.set(part, { what, amount });
      else parts.delete(part);
      if (stderr.isTTY || !what || said.has(what)) return;
      said.add(what);
      stderr.write(`${line(parts)}\n`);
    },
    end(): void {
      clearInterval(timer);
      if (stderr.isTTY) clear();
    },
  };
}
