/** The command line of `beside`. */
import { statSync } from "node:fs";
import { expectAllowed, UsageError, type CommandLine } from "../commandLine.ts";
import { clientName, scriptNames } from "../designs.ts";
import type { Texts } from "./texts.ts";

/** The options, as Node's parseArgs describes them. */
export const flags = {
  only: { type: "string" },
  html: { type: "string" },
  lang: { type: "string" },
  help: { type: "boolean" },
} as const;

/** The lecture's four programs, without .ts, by the names that --only accepts. */
const programs = { client: clientName, ...scriptNames };

/** The values of the options. */
export interface Options {
  /** The folder of the Python originals. */
  folder: string;
  /** The names of the programs, without .ts. */
  names: string[];
  /** The file for the page; "-" is stdout. */
  html?: string;
}

/**
 * Reads the options of a command line.
 *
 * @throws UsageError for a value that is not allowed, or no folder
 */
export function readOptions(
  { flags: given, words }: CommandLine<typeof flags>,
  say: Texts,
): Options {
  const known = Object.keys(programs);
  const only = given.only?.split(",") ?? known;
  const areKnown = only.every((name) => known.includes(name));
  expectAllowed("--only", known.join(), areKnown, say.language);

  const [folder] = words;
  if (!folder) throw new UsageError(`${say.noFolder}; ${say.whereToGet}`);
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder)
    throw new UsageError(`${say.notAFolder(folder)}; ${say.whereToGet}`);

  const chosen = Object.entries(programs).filter(([name]) =>
    only.includes(name),
  );
  return { folder, names: chosen.map(([, name]) => name), html: given.html };
}
