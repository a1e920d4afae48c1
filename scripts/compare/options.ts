/** The command line of compare. */
import { statSync } from "node:fs";
import { language, mistake, readFlags, takes } from "../commandLine.ts";
import { designs, type Design } from "../designs.ts";
import { fill, textsIn } from "./texts.ts";

/** What compare says in this run. */
export const say = textsIn(language);

export type Options = ReturnType<typeof readOptions>;

const defaults = { clients: "10", load: "0.4" };

/** What is measured; with --from nothing is. */
const ofNewRun = {
  clients: { type: "string", short: "n" },
  load: { type: "string" },
  grow: { type: "boolean" },
  only: { type: "string" },
  python: { type: "string" },
} as const;

/** What may stand on the command line. */
export const flags = {
  ...ofNewRun,
  json: { type: "string" },
  html: { type: "string" },
  from: { type: "string" },
  lang: { type: "string" },
  help: { type: "boolean" },
} as const;

/** Reads the command line; on --help or a mistake it says what to write and exits. */
export function readOptions() {
  const usage = fill(say.usage, defaults.clients, defaults.load);
  const values = readFlags(usage, flags);
  const { grow = false, python, json, html, from } = values;
  const { clients = defaults.clients, load = defaults.load } = values;
  const only = values.only?.split(",") ?? designs;

  takes("--clients", "1-200", isNumber(clients, 1, 200, /^\d+$/));
  takes("--load", "0.1-60", isNumber(load, 0.1, 60, /^\d+(\.\d+)?$/));
  takes("--only", designs.join(), only.every(isDesign));
  takes("--python", say.folder, !python || isFolder(python));
  const another = html !== "-" && ![json, from].includes(html);
  takes("--html", say.anotherFile, !html || another);
  const other = Object.keys(ofNewRun).find((flag) => flag in values);
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

const isDesign = (name: string) => designs.includes(name as Design);

const isFolder = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory();
