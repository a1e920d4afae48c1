/**
 * The paths of the files of this project, independent of the folder in which a
 * script is started.
 */
import { fileURLToPath } from "node:url";

/**
 * The full path of a file of this project.
 *
 * @param path the file's path from the project's folder: "scripts/compare.ts"
 */
export function projectFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** Node's options that load tsx, by its full path. */
export const tsxLoader = ["--import", import.meta.resolve("tsx")];
