/**
 * The Python originals and their ports side by side: lines with the same
 * meaning are in one row, and words that only one side has are marked.
 *
 *   npx tsx scripts/beside.ts DIR
 *   npx tsx scripts/beside.ts --help
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { chalk } from "zx/core";
import {
  exitEarly,
  isMain,
  parseCommandLine,
  print,
  runMain,
  ScriptError,
  UsageError,
  write,
} from "./commandLine.ts";
import { drawsLines, languageOf } from "./language.ts";
import { findOriginal } from "./originals.ts";
import { projectFile } from "./project.ts";
import { flags, readOptions, type Options } from "./beside/options.ts";
import { besidePage } from "./beside/page.ts";
import { report, type Programs } from "./beside/report.ts";
import { terminalText } from "./beside/terminal.ts";
import { textsIn, type Texts } from "./beside/texts.ts";

/** The originals that were found, with their ports, and notes on missing ones. */
interface Found {
  programs: Programs[];
  notes: string[];
}

/**
 * Reads the originals in the folder, and their ports.
 *
 * @throws UsageError if the folder contains none of them
 */
async function findPrograms(options: Options, say: Texts): Promise<Found> {
  const { folder, names } = options;
  const programs: Programs[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const file = findOriginal(folder, name);
    if (!file) {
      missing.push(`${name}.py`);
      continue;
    }
    programs.push({
      original: basename(file),
      originalText: await read(file, say),
      port: `${name}.ts`,
      portText: await read(projectFile(`${name}.ts`), say),
    });
  }

  if (missing.length === 0) return { programs, notes: [] };
  const files = missing.join(", ");
  const note = `${say.missing(folder, files)}; ${say.whereToGet}`;
  if (programs.length === 0) throw new UsageError(note);
  return { programs, notes: [note] };
}

/** @throws ScriptError if the file can't be read */
async function read(file: string, say: Texts): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new ScriptError(say.cantRead(file, code));
  }
}

async function main(args: string[]): Promise<void> {
  const language = languageOf(args);
  const say = textsIn(language);
  exitEarly({ script: "beside", language });

  const commandLine = parseCommandLine(args, flags, { mostWords: 1 });
  if (commandLine.flags.help) return print(`${say.usage}\n`);
  const options = readOptions(commandLine, say);
  const { programs, notes } = await findPrograms(options, say);

  // The terminal and the page draw the same report.
  const drawn = report(programs, notes, say);
  const { html } = options;
  const terminal = {
    columns: process.stdout.columns || 80,
    drawsLines: drawsLines(),
    hasColors: chalk.level > 0,
  };
  if (html !== "-") await print(terminalText(drawn, terminal));
  if (html) await write(html, besidePage(drawn, language), language);
}

if (isMain(import.meta.url)) await runMain("beside", main);
