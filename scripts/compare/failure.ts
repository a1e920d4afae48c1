/** What can go wrong with a server, or with the client that tests it. */
import { MissingFile } from "../erased.ts";
import { shortened } from "../visible.ts";
import type { Found, Reason } from "./result.ts";
import type { Outcome, Step, Trouble } from "./texts.ts";

/**
 * An error that ends a step of compare. Its message is a detail of the trouble.
 */
export class ServerFailure extends Error {
  /** The kind of failure. */
  readonly trouble: Trouble;
  /** The results of the step before it failed. */
  found: Found;
  /**
   * The number of connections, if the cause can be that it is too large for
   * this machine.
   */
  connections?: number;
  /** The end of what the server has printed. */
  lastLines: string[] = [];

  /**
   * @param detail what the trouble is about: "1/10" connections, "10 s", an
   *   exit code
   */
  constructor(trouble: Trouble, detail: string, found: Found = {}) {
    super(detail);
    this.trouble = trouble;
    this.found = found;
  }

  /**
   * Any error as a failure. One that is a failure already stays the same
   * object.
   */
  static from(error: unknown): ServerFailure {
    if (error instanceof ServerFailure) return error;
    if (error instanceof MissingFile)
      return new ServerFailure("noFile", error.file);
    return new ServerFailure("error", (error as Error).message);
  }
}

/**
 * The results of a step that failed: those found before, and either the failure
 * or the reason why larger numbers of connections were left out.
 */
export function resultsOfFailedStep(step: Step, failure: ServerFailure): Found {
  const { found, connections, lastLines } = failure;
  const reason = reasonOf(failure);
  const canBeTheMachine = ["memory", "hangs", "files"].includes(reason.trouble);
  if (connections && canBeTheMachine)
    return { ...found, growthEnd: { connections, ...reason } };
  return { ...found, failure: { step, ...reason, lastLines } };
}

/** Whether a trouble is the client's: then the server's output doesn't matter. */
export function isOfClient(trouble: Trouble): boolean {
  const ofClient: Trouble[] = [
    "client",
    "clientEnded",
    "clientStays",
    "elsewhere",
    "sentNothing",
  ];
  return ofClient.includes(trouble);
}

/** The trouble and its detail, as they are reported. */
function reasonOf({ trouble, message }: ServerFailure): Reason {
  const firstLine = message.split("\n", 1).join();
  // Node's errors, and a client's output, name the code of too many open files.
  const code = ["EMFILE", "ENFILE"].find((name) => firstLine.includes(name));
  if (code) return { trouble: "files", detail: code };
  return { trouble, detail: shortened(firstLine, 200) };
}

export interface Expectation {
  /** How long the answers were waited for, in milliseconds. */
  waitedMs: number;
  /** The results of the step, for the failure. */
  found?: Found;
}

/**
 * Checks the outcomes of clients that should have been answered.
 *
 * @param outcomes undefined for a client that got no answer
 * @throws ServerFailure unless all were answered
 */
export function expectAnswers(
  outcomes: (Outcome | undefined)[],
  { waitedMs, found }: Expectation,
): void {
  function count(...kinds: Outcome[]): number {
    return outcomes.filter((outcome = "no answer") => kinds.includes(outcome))
      .length;
  }
  const ofAll = (clients: number) => `${clients}/${outcomes.length}`;

  const wrong = count("wrong");
  if (wrong > 0) throw new ServerFailure("wrong", ofAll(wrong), found);

  const failed = count("failed");
  if (failed > 0) throw new ServerFailure("client", ofAll(failed), found);

  const cut = count("closed", "reset", "refused");
  if (cut > 0) throw new ServerFailure("cut", ofAll(cut), found);

  const silent = count("no answer");
  if (silent > 0) {
    const detail = `${ofAll(silent)}, ${waitedMs / 1000} s`;
    throw new ServerFailure("hangs", detail, found);
  }
}
