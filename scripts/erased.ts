/**
 * Runs TypeScript with plain node of any version: erases the types first, once
 * a file.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure } from "esbuild";
import { projectFile } from "./project.ts";

export interface PreloadOptions {
  /** A file that runs before the program, by its path in scripts/. */
  preload: string;
  /** The program's full path. */
  file: string;
  /** The program's --port. */
  port: number;
}

/**
 * The command of one of the lecture's programs, with a file that runs before
 * it. With the tsx loader, or in a node that erases types itself, every process
 * would erase them again, which takes longer than the client's whole work.
 *
 * @throws Error as eraseTypes() does
 */
export async function commandWithPreload({
  preload,
  file,
  port,
}: PreloadOptions): Promise<string[]> {
  const preloadFile = await eraseTypes(projectFile(`scripts/${preload}`));
  const programFile = await eraseTypes(file);
  return [
    process.execPath,
    // An error names the line in the .ts file.
    "--enable-source-maps",
    "--import",
    pathToFileURL(preloadFile).href,
    programFile,
    "--port",
    String(port),
  ];
}

/** The folder of the files without types; removed when this process exits. */
const folder = join(tmpdir(), `lecture1-${randomUUID()}`);
process.on("exit", () => {
  // A virus scanner may still have a file open, so it is tried again.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The results of eraseTypes(), by the full path of the original. */
const erasedFiles = new Map<string, Promise<string>>();

/**
 * Writes a copy of a TypeScript file without its types, once for each file.
 *
 * @param file its full path
 * @returns the copy's full path
 * @throws Error that names the file and the line, if it doesn't compile
 */
export function eraseTypes(file: string): Promise<string> {
  const known = erasedFiles.get(file);
  if (known) return known;
  const erased = writeErased(file);
  erasedFiles.set(file, erased);
  return erased;
}

/**
 * Writes the copy, bundled with the files that it imports. Errors at run time
 * name the lines of the originals.
 */
async function writeErased(file: string): Promise<string> {
  // Not at the top: esbuild takes long to load.
  const { build } = await import("esbuild");
  const outfile = join(folder, `${basename(file, ".ts")}.mjs`);
  const { outputFiles } = await build({
    entryPoints: [file],
    outfile,
    // esbuild is a process of its own, which Ctrl+C may kill while it writes.
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    sourcemap: "inline",
    logLevel: "silent",
  }).catch((failure: BuildFailure) => {
    throw compileError(file, failure);
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(outfile, outputFiles[0]!.contents);
  return outfile;
}

/** The first error of esbuild; it may be in a file that the program imports. */
function compileError(program: string, { errors }: BuildFailure): Error {
  const [error] = errors;
  const { file = program, line } = error?.location ?? {};
  return new Error(`${resolve(file)}:${line}: ${error?.text}`);
}
