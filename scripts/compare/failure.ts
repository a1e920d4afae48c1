/** What goes wrong with a server, or with what asks it. */
import type { Found } from "./result.ts";
import type { Outcome, Step, Trouble } from "./texts.ts";

/** An error of which is known what went wrong, and perhaps what was found before it. */
export interface Failed extends Error {
  trouble?: Trouble;
  found?: Found;
  /** A number of connections above N, which may be too many for this machine. */
  beyond?: number;
  lastLines?: string[];
}

/** An error that says what went wrong, and what was found all the same. */
export function failed(trouble: Trouble, detail: string, found?: Found): Error {
  return Object.assign(new Error(detail), { trouble, found });
}

/** What a step has found before an error: with a failure, or why connections are left out. */
export function failureOf(error: Failed, step: Step): Found {
  const { found, beyond: connections, lastLines = [] } = error;
  const [firstLine = ""] = error.message.split("\n");
  const [files] = /\bE[MN]FILE\b/.exec(firstLine) ?? [];
  const trouble = files ? "files" : (error.trouble ?? "error");
  const what = { trouble, detail: files ?? firstLine };
  if (connections && /memory|hangs|files/.test(trouble))
    return { ...found, growthEnd: { connections, ...what } };
  return { ...found, failure: { step, ...what, lastLines } };
}

/**
 * Checks what became of clients that should have been answered.
 *
 * @param outcomes undefined where nothing came
 * @param said what a client printed
 * @throws what it says about the server
 */
export function expectAnswers(
  outcomes: (Outcome | undefined)[],
  waitedMs: number,
  found?: Found,
  said?: string,
): void {
  function count(some: RegExp): string {
    const { length } = outcomes.filter((it = "no answer") => some.test(it));
    return length ? `${length}/${outcomes.length}` : "";
  }
  const kinds = [/wrong/, /failed/, /closed|reset|refused/, /no answer/];
  const [wrong, client, cut, silent] = kinds.map(count);
  if (wrong) throw failed("wrong", said ?? wrong, found);
  if (client) throw failed("client", said ?? client, found);
  if (cut) throw failed("cut", cut, found);
  if (silent) throw failed("hangs", `${silent}, ${waitedMs / 1000} s`, found);
}
