/** The command line of compare. */
import { existsSync, statSync } from "node:fs";
import {
  language,
  pageOptions,
  parseFlags,
  type PageOptions,
} from "../old/commandLine.ts";
import { designs, type Design } from "../designs.ts";
import { drawsLines, type Language } from "../old/language.ts";
import { texts } from "./texts.ts";

export interface Options extends PageOptions {
  clients: number;
  /** How long each client is let wait by the one who stays, in milliseconds. */
  stayMs: number;
  loadSeconds: number;
  /** Goes on with more and more connections. */
  grow: boolean;
  only: Design[];
  /** Folder of the Python originals. */
  python?: string;
  /** Shows everything that was measured. */
  all: boolean;
  /** File for the JSON, "-" for stdout. */
  json?: string;
  /** File of a saved run, shown instead of a new one. */
  from?: string;
  lang: Language;
  /** Draws with ASCII characters only. */
  ascii: boolean;
  help: boolean;
}

const say = texts[language].options;

/** The text of --help. */
export const { usage } = say;

/** Options for what is measured; with --from nothing is. */
const ofNewRun = ["clients", "stay", "load", "grow", "only", "python"] as const;

/**
 * Reads the command line.
 *
 * @param args without node and the script's name
 * @throws Error whose message says in one line what is wrong and what to write
 */
export function parseOptions(args: string[]): Options {
  const values = parseFlags(args, {
    clients: { type: "string", short: "n" },
    stay: { type: "string" },
    load: { type: "string" },
    grow: { type: "boolean" },
    only: { type: "string" },
    python: { type: "string" },
    all: { type: "boolean", default: false },
    json: { type: "string" },
    html: { type: "string" },
    open: { type: "boolean", default: false },
    from: { type: "string" },
    lang: { type: "string" },
    ascii: { type: "boolean", default: !drawsLines() },
    help: { type: "boolean", default: false },
  });
  const { clients = "10", stay = "1000", load = "0.5", grow = false } = values;
  const { only = designs.join(), python, from } = values;
  const { json, html, open, all, ascii, help } = values;
  if (python !== undefined && !isFolder(python))
    throw new Error(say.noFolder(python));
  if (json === "") throw new Error(say.noJson);
  if (from === "") throw new Error(say.noFrom);
  const other = ofNewRun.find((flag) => values[flag] !== undefined);
  if (from && other) throw new Error(say.noNewRun(`--${other}`));
  return {
    clients: number("--clients", clients, 1, 500, /^\d+$/),
    stayMs: number("--stay", stay, 0, 60_000, /^\d+$/),
    loadSeconds: number("--load", load, 0.1, 60, /^\d+(\.\d+)?$/),
    grow,
    only: designsIn(only),
    all,
    ...(python === undefined ? {} : { python }),
    ...(json === undefined ? {} : { json }),
    ...pageOptions(html, open, [json, from]),
    ...(from === undefined ? {} : { from }),
    lang: (values.lang as Language | undefined) ?? language,
    ascii,
    help,
  };
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function number(
  flag: string,
  text: string,
  least: number,
  most: number,
  form: RegExp,
): number {
  const value = Number(text);
  if (form.test(text) && value >= least && value <= most) return value;
  throw new Error(say.noNumber(flag, text, least, most));
}

function designsIn(list: string): Design[] {
  const names = list.split(",");
  const unknown = names.find((name) => !designs.includes(name as Design));
  if (unknown !== undefined) throw new Error(say.noDesigns(list));
  return designs.filter((design) => names.includes(design));
}
