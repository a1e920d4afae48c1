/**
 * The project itself. The tests run in a copy of it, which has no packages of
 * its own: Node finds the project's.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The full path of the project's node_modules: where tsx is, the others are. */
export const packagesFolder = dirname(
  dirname(fileURLToPath(import.meta.resolve("tsx/package.json"))),
);

/** The full path of the project. */
export const originalProject = dirname(packagesFolder);
