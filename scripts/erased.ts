/** Starts TypeScript with plain node, whatever its version: the types are erased once. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { transform, type TransformFailure } from "esbuild";
import { projectFile } from "./launch.ts";

/**
 * The command line of one of the four scripts, with something preloaded. With the tsx
 * loader, or in a newer node, every process would erase the types anew, which takes
 * longer than all the client does.
 *
 * @param preload a file of scripts/
 * @param file the script's full path
 * @throws Error that names the line where it is no program
 */
export async function preloaded(
  preload: string,
  file: string,
  port: number,
): Promise<string[]> {
  const first = await erased(projectFile(`scripts/${preload}`));
  const { href } = pathToFileURL(first);
  const script = await erased(file);
  return [process.execPath, "--import", href, script, "--port", String(port)];
}

const known = new Map<string, Promise<string>>();

function erased(file: string): Promise<string> {
  if (!known.has(file)) known.set(file, erase(file));
  return known.get(file)!;
}

/** Writes a file without its types into a folder of our own; errors name the lines of the file itself. */
async function erase(file: string): Promise<string> {
  const { code } = await transform(await readFile(file, "utf8"), {
    loader: "ts",
    format: "esm",
    sourcefile: file,
    sourcemap: "inline",
  }).catch(({ errors: [error] }: TransformFailure) => {
    throw new Error(`${file}:${error?.location?.line}: ${error?.text}`);
  });
  const result = join(ownFolder(), `${basename(file, ".ts")}.mjs`);
  await writeFile(result, code);
  return result;
}

let folder: string | undefined;

/** A folder that lives as long as this process. */
function ownFolder(): string {
  if (folder) return folder;
  folder = mkdtempSync(join(tmpdir(), "lecture1-"));
  const options = { recursive: true, force: true, maxRetries: 5 }; // a virus scanner may hold a file
  process.on("exit", () => rmSync(folder!, options));
  return folder;
}
