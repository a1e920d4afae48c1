/** A copy of the project, to edit its scripts and run them there. */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transform } from "esbuild";
import * as assert from "uvu/assert";
import { freePort, projectFile } from "../scripts/processes.ts";
import { temporaryFolder } from "./harness.ts";

/** Erases the types of a script, edited perhaps; returns the command that runs it. */
export async function erased(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8");
  const { code } = await transform(text, { loader: "ts", format: "esm" });
  const plain = file.replace(/m?ts$/, "mjs");
  await writeFile(plain, code);
  return [process.execPath, plain];
}

/** The lecture's port: a learner may be using it, so the copy gets another one. */
export const lecturePort = "65432";

/** The four programs of the lecture. */
export const scripts = [
  "lecture1_server.ts",
  "lecture1_server_forever.ts",
  "lecture1_server_forever_async.ts",
  "lecture1_client.ts",
];

/**
 * Copies what runs.
 *
 * @param port what the scripts have in the place of the lecture's; a free one unless
 *   told otherwise
 */
export async function copyProject(port?: string) {
  const folder = await temporaryFolder(projectFile(".test-")); // where node_modules are found
  port ??= String(await freePort());
  for (const name of ["scripts", "package.json"])
    await cp(projectFile(name), join(folder, name), { recursive: true });
  for (const name of scripts) {
    const text = await readFile(projectFile(name), "utf8");
    await writeFile(join(folder, name), text.replaceAll(lecturePort, port));
  }

  /** Replaces a text, which must be there once, in a script of the copy. */
  async function replace(name: string, before: string, after: string) {
    const file = join(folder, name);
    const text = await readFile(file, "utf8");
    const [start, end, ...more] = text.split(before);
    const once = end !== undefined && more.length === 0;
    assert.ok(once, `once in ${name}: ${before}`);
    await writeFile(file, start + after + end);
  }

  return { folder, port, replace };
}
