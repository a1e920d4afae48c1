/** The Python originals of the lecture's programs, in a folder of the user's. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

/**
 * Finds the original of a program, under its name in the lecture or its short
 * one: lecture1_server.py or server.py.
 *
 * @param folder the folder with the originals
 * @param name the program's name without .ts: "lecture1_server"
 * @returns the original's full path; undefined if the folder doesn't have it
 */
export function findOriginal(folder: string, name: string): string | undefined {
  const names = [name, name.replace("lecture1_", "")];
  const files = names.map((name) => resolve(folder, `${name}.py`));
  return files.find((file) => existsSync(file));
}
