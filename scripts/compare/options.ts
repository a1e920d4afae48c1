/** The command line of compare, and the run that it may name. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expectAllowed, UsageError, type Flags } from "../commandLine.ts";
import type { Texts } from "./texts.ts";
import { designs, scriptNames } from "../designs.ts";
import { report } from "./report.ts";
import type { Run } from "./result.ts";
import { fill } from "./texts.ts";

export type Options = ReturnType<typeof readOptions>;

/** What may stand on the command line. */
export const flags = {
  clients: { type: "string", short: "n" },
  load: { type: "string" },
  grow: { type: "boolean" },
  only: { type: "string" },
  python: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  from: { type: "string" },
  lang: { type: "string" },
  help: { type: "boolean" },
} as const;

export const defaults = { clients: "10", load: "0.4" };

/** Of these, what is measured anew; with --from nothing is. */
const ofNewRun = ["clients", "load", "grow", "only", "python"];

/** @throws UsageError for a value or a combination that is not allowed */
export function readOptions(given: Flags<typeof flags>, say: Texts) {
  const { clients, load, grow = false } = { ...defaults, ...given };
  const { python, json, html, from } = given;
  const only = given.only?.split(",") ?? designs;

  const takes = (flag: string, what: string, holds: boolean) =>
    expectAllowed(flag, what, holds, say.language);
  takes("--clients", "1-200", isNumber(clients, 1, 200, /^\d+$/));
  takes("--load", "0.1-60", isNumber(load, 0.1, 60, /^\d+(\.\d+)?$/));
  const isDesign = (name: string) => Object.hasOwn(scriptNames, name);
  takes("--only", designs.join(), only.every(isDesign));
  takes("--python", say.folder, !python || existsSync(`${python}/`));
  const another = html !== "-" && html !== json && html !== from;
  takes("--html", say.anotherFile, !html || another);
  const other = ofNewRun.find((flag) => flag in given);
  if (from && other) throw new UsageError(fill(say.noNewRun, `--${other}`));
  return {
    ...{ clients: Number(clients), loadSeconds: Number(load), grow },
    designs: designs.filter((design) => only.includes(design)),
    ...{ python, json, html, from },
  };
}

function isNumber(text: string, least: number, most: number, form: RegExp) {
  return form.test(text) && Number(text) >= least && Number(text) <= most;
}

/** A run that --json has written; where the file is none, one line says so and it ends. */
export async function savedRun(file: string, say: Texts): Promise<Run> {
  try {
    return runIn(await readFile(file), say);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(fill(say.notSaved, file, code ? ` (${code})` : ""));
  }
}

/** The run in a file; throws where it isn't whole, or an older compare has written it. */
export function runIn(bytes: Buffer, say: Texts): Run {
  const encoding = { 255: "utf-16le", 254: "utf-16be" }[bytes[0]!]; // PowerShell's > writes UTF-16
  const run: Run = JSON.parse(new TextDecoder(encoding).decode(bytes));
  if (run.version !== 2) throw new Error("another version");
  report(run, say); // throws where something is missing
  return run;
}
