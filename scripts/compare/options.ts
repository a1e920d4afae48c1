/** The command line of compare. */
import { existsSync, statSync } from "node:fs";
import { parseFlags } from "../commandLine.ts";
import { designs, type Design } from "../designs.ts";

export interface Options {
  clients: number;
  /** How long the one who stays lets the others wait, in milliseconds. */
  stayMs: number;
  loadSeconds: number;
  only: Design[];
  /** Folder of the Python originals. */
  python?: string;
  /** File for the JSON, "-" for stdout. */
  json?: string;
  help: boolean;
}

export const usage = `usage: npm run compare -- [options]
  -n, --clients N      clients in each step, 1 to 500 (10)
      --stay MS        how long one client stays while others wait (1500)
      --load SECONDS   how long all echo at once, 0.1 to 60 (1)
      --only LIST      of server,forever,async (all three)
      --python DIR     compares with the Python originals in DIR as well
      --json FILE      writes the figures as JSON; - is stdout, and nothing else
      --help           shows this`;

/**
 * Reads the command line.
 *
 * @param args without node and the script's name
 * @throws Error whose message says in one line what is wrong and what to write
 */
export function parseOptions(args: string[]): Options {
  const values = parseFlags(args, {
    clients: { type: "string", short: "n", default: "10" },
    stay: { type: "string", default: "1500" },
    load: { type: "string", default: "1" },
    only: { type: "string", default: designs.join() },
    python: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  });
  const { python, json, help } = values;
  if (python !== undefined && !isFolder(python))
    throw new Error(`--python ${python}: no such folder`);
  if (json === "") throw new Error("--json needs a file, or - for stdout");
  return {
    clients: number("--clients", values.clients, 1, 500, /^\d+$/),
    stayMs: number("--stay", values.stay, 0, 60_000, /^\d+$/),
    loadSeconds: number("--load", values.load, 0.1, 60, /^\d+(\.\d+)?$/),
    only: designsIn(values.only),
    ...(python === undefined ? {} : { python }),
    ...(json === undefined ? {} : { json }),
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
  throw new Error(`${flag} ${text}: write a number from ${least} to ${most}`);
}

function designsIn(list: string): Design[] {
  const names = list.split(",");
  const unknown = names.find((name) => !designs.includes(name as Design));
  if (unknown !== undefined)
    throw new Error(`--only ${list}: write some of ${designs.join()}`);
  return designs.filter((design) => names.includes(design));
}
