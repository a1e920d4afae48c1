/** The command line of compare, and the run that it may name. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { language, mistake, readFlags, takes } from "../commandLine.ts";
import { designs } from "../designs.ts";
import { report } from "./report.ts";
import type { Run } from "./result.ts";
import { fill, textsIn } from "./texts.ts";

/** What compare says in this run. */
export const say = textsIn(language);

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

const defaults = { clients: "10", load: "0.4" };

/** Of these, what is measured anew; with --from nothing is. */
const ofNewRun = ["clients", "load", "grow", "only", "python"];

/** Reads the command line; on --help or a mistake it says what to write and exits. */
export function readOptions() {
  const usage = fill(say.usage, defaults.clients, defaults.load);
  const given = readFlags(usage, flags);
  const { clients, load, grow = false } = { ...defaults, ...given };
  const { python, json, html, from } = given;
  const only = given.only?.split(",") ?? designs;

  takes("--clients", "1-200", isNumber(clients, 1, 200, /^\d+$/));
  takes("--load", "0.1-60", isNumber(load, 0.1, 60, /^\d+(\.\d+)?$/));
  const isDesign = (name: string) => designs.some((it) => it === name);
  takes("--only", designs.join(), only.every(isDesign));
  const isFolder = (path: string) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory();
  takes("--python", say.folder, !python || isFolder(python));
  const another = html !== "-" && ![json, from].includes(html);
  takes("--html", say.anotherFile, !html || another);
  const other = ofNewRun.find((flag) => flag in given);
  if (from && other) mistake(fill(say.noNewRun, `--${other}`));
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
export async function savedRun(file: string): Promise<Run> {
  const cant = ({ code }: NodeJS.ErrnoException) =>
    mistake(fill(say.cantRead, file, code ?? ""));
  const run = runIn(await readFile(file).catch(cant));
  return run ?? mistake(fill(say.notSaved, file));
}

/** The run in a file; undefined where it isn't whole, or an older compare has written it. */
export function runIn(bytes: Buffer): Run | undefined {
  const encoding = { 255: "utf-16le", 254: "utf-16be" }[bytes[0]!]; // PowerShell's > writes UTF-16
  try {
    const run: Run = JSON.parse(new TextDecoder(encoding).decode(bytes));
    report(run, say); // throws where something is missing
    return run.version === 2 ? run : undefined;
  } catch {
    return undefined;
  }
}
