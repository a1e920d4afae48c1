/** A run as a file: what --json writes and --from shows. */
import { readFile } from "node:fs/promises";
import { mistake } from "../commandLine.ts";
import { say } from "./options.ts";
import { report } from "./report.ts";
import type { Run } from "./result.ts";
import { fill } from "./texts.ts";

/** A run without the numbers that aren't known. */
export function known(run: Run): Run {
  const isKnown = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? undefined : value;
  return JSON.parse(JSON.stringify(run, isKnown));
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
  const encodings: Record<string, string> = {
    fffe: "utf-16le",
    feff: "utf-16be",
  };
  const encoding = encodings[bytes.toString("hex", 0, 2)]; // PowerShell's > writes UTF-16
  try {
    const run: Run = JSON.parse(new TextDecoder(encoding).decode(bytes));
    report(run, say); // throws where something is missing
    return run.version === 2 ? run : undefined;
  } catch {
    return undefined;
  }
}
