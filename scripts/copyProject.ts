/**
 * A copy of the project, in which the programs can be changed as a learner
 * changes them.
 */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectFile } from "./project.ts";

/**
 * The lecture's port. A learner can be using it, so a copy gets another port.
 */
export const lecturePort = "65432";

/** The files of the lecture's four programs. */
export const programFiles = [
  "lecture1_server.ts",
  "lecture1_server_forever.ts",
  "lecture1_server_forever_async.ts",
  "lecture1_client.ts",
];

/**
 * Copies the programs and scripts into a new folder, from which Node finds
 * node_modules.
 *
 * @param port the port that the copied programs have instead of the lecture's
 */
export async function copyProject(port: string): Promise<ProjectCopy> {
  const folder = await temporaryFolder();
  for (const name of ["scripts", "package.json"])
    await cp(projectFile(name), join(folder, name), { recursive: true });
  for (const name of programFiles) {
    const text = await readFile(projectFile(name), "utf8");
    await writeFile(join(folder, name), text.replaceAll(lecturePort, port));
  }
  return new ProjectCopy(folder, port);
}

/**
 * Makes a folder inside the project, which git ignores. Its maker removes it.
 */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(projectFile(".test-"));
}

export class ProjectCopy {
  /** The copy's full path. */
  readonly folder: string;
  /** The port in the copied programs. */
  readonly port: string;

  constructor(folder: string, port: string) {
    this.folder = folder;
    this.port = port;
  }

  /**
   * Replaces a text in a program.
   *
   * @throws Error unless the program has the text exactly once
   */
  async replace(file: string, before: string, after: string): Promise<void> {
    const path = join(this.folder, file);
    const text = await readFile(path, "utf8");
    const parts = text.split(before);
    if (parts.length !== 2)
      throw new Error(`${parts.length - 1} times in ${file}: ${before}`);
    await writeFile(path, parts.join(after));
  }
}
