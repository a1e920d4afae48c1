/** What goes wrong with a server, or with what asks it. */
import type { Found, Outcome, Step, Trouble } from "./result.ts";
import { fill, textsIn } from "./texts.ts";

/** An error of which is known what went wrong, and perhaps what was found before it. */
interface Failed extends Error {
  trouble?: Trouble;
  code?: string;
  found?: Found;
  /** A number of connections above N, which may be too many for this machine. */
  beyond?: number;
  lastLines?: string[];
}

/** An error that says what went wrong, and what was found all the same. */
export function failed(trouble: Trouble, detail: string, found?: Found): Error {
  return Object.assign(new Error(detail), { trouble, found });
}

/**
 * What a step has found before an error, and what the error is: a failure, or the reason
 * why a number of connections is left out.
 */
export function failureOf(error: Failed, step: Step): Found {
  const { found, beyond: connections, lastLines = [] } = error;
  const [firstLine = ""] = error.message.split("\n");
  const [files] = /\bE[MN]FILE\b/.exec(`${error.code} ${firstLine}`) ?? [];
  const trouble = files ? "files" : (error.trouble ?? "error");
  const detail = files ?? firstLine;
  const message = fill(textsIn("en").trouble[trouble], detail);
  const what = { trouble, detail, message };
  if (connections && /memory|hangs|files/.test(trouble))
    return { ...found, growthEnd: { connections, ...what } };
  return { ...found, failure: { step, ...what, lastLines } };
}

/**
 * Checks what became of clients that should have been answered.
 *
 * @param outcomes undefined where nothing came
 * @param waitedMs how long it was waited for that
 * @param found what is found all the same
 * @param said what a client printed
 * @throws what it says about the server
 */
export function expectAnswers(
  outcomes: (Outcome | undefined)[],
  waitedMs: number,
  found?: Found,
  said?: string,
): void {
  const count = (some: RegExp) => {
    const these = outcomes.filter((it) => some.test(it ?? "no answer"));
    return these.length ? `${these.length}/${outcomes.length}` : "";
  };
  const wrong = count(/wrong/);
  if (wrong) throw failed("wrong", said ?? wrong, found);
  const client = count(/failed/);
  if (client) throw failed("client", said ?? client, found);
  const cut = count(/closed|reset|refused/);
  if (cut) throw failed("cut", cut, found);
  const silent = count(/no answer/);
  if (silent) throw failed("hangs", `${silent}, ${waitedMs / 1000} s`, found);
}
