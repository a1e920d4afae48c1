/** Starts TypeScript with plain node, whatever its version: the types are erased once. */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure } from "esbuild";
import { projectFile } from "./project.ts";

/**
 * The command line of one of the four scripts, with something preloaded. With the tsx
 * loader, or in a newer node, every process would erase the types anew, which takes
 * longer than all the client does.
 *
 * @param preload a file of scripts/
 * @param file the script's full path
 * @throws Error that names the line where it is no program
 */
export async function preloaded(preload: string, file: string, port: number) {
  const first = await erased(projectFile(`scripts/${preload}`));
  const { href } = pathToFileURL(first);
  const flags = ["--enable-source-maps", "--import", href]; // an error names its line
  const script = [await erased(file), "--port", String(port)];
  return [process.execPath, ...flags, ...script];
}

/** A folder that lives as long as this process. */
const folder = join(tmpdir(), `lecture1-${randomUUID()}`);
const removal = { recursive: true, force: true, maxRetries: 5 }; // a virus scanner may hold a file
process.on("exit", () => rmSync(folder, removal));

const known = new Map<string, Promise<string>>();

/** The full path of a file like this one, without its types. */
export function erased(file: string): Promise<string> {
  if (!known.has(file)) known.set(file, erase(file));
  return known.get(file)!;
}

/**
 * Writes a file without its types into our folder, and with what a learner may
 * import from other files; errors name the lines of the files themselves.
 */
async function erase(file: string): Promise<string> {
  const { build } = await import("esbuild"); // which loads for long
  const outfile = join(folder, `${basename(file, ".ts")}.mjs`);
  const { outputFiles } = await build({
    entryPoints: [file],
    outfile,
    write: false, // esbuild is a process of its own: Ctrl+C may come while it writes
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    sourcemap: "inline",
    logLevel: "silent",
  }).catch(({ errors: [error] }: BuildFailure) => {
    const { file: name = file, line } = error?.location ?? {};
    throw new Error(`${resolve(name)}:${line}: ${error?.text}`);
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(outfile, outputFiles[0]!.contents);
  return outfile;
}
