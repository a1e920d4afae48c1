/**
 * The runtimes that can run the programs. Those that this machine lacks are
 * skipped; .ci/run installs them.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { projectFile, tsxLoader } from "../../scripts/project.ts";
import type { Why } from "./machine.ts";
import { nodeCommand } from "./programs.ts";

/** A runtime, and how it runs a TypeScript file. */
export interface Runtime {
  /** For the titles of tests. */
  name: string;
  /** The reason why it can't be tested here. */
  why: Why;
  /** The program's full path; "" if this machine has none. */
  program: string;
  /**
   * The command that runs a file of the project.
   *
   * @param file the file's path from the project's folder, as .ts
   */
  command(file: string): string[];
}

/** The node that runs the tests. */
export const testedNode: Runtime = {
  name: "the node of the tests",
  why: false,
  program: process.execPath,
  command: nodeCommand,
};

/** The oldest node that the project supports. It loads tsx as npx does. */
export const oldestNode = runtime(
  "node 18.19",
  findProgram("node", ({ major, minor }) => major === 18 && minor >= 19),
  ...tsxLoader,
);

/** A node that erases the types itself. */
export const typeStrippingNode = runtime(
  "node 22.18 or later",
  findProgram("node", isTypeStripping),
);

export const deno = runtime("deno", findProgram("deno"), "run", "-A");

export const bun = runtime("bun", findProgram("bun"));

/**
 * @param program its full path; "" if this machine has none
 * @param options come before the file in the command
 */
function runtime(name: string, program: string, ...options: string[]): Runtime {
  return {
    name,
    why: program === "" && `no ${name}`,
    program,
    command: (file) => [program, ...options, projectFile(file)],
  };
}

interface Version {
  major: number;
  minor: number;
}

function isTypeStripping({ major, minor }: Version): boolean {
  return major > 22 || (major === 22 && minor >= 18);
}

/**
 * Looks for a program beside the node that runs the tests, then on the PATH,
 * then in the folders of the environment variable LECTURE1_NODES.
 *
 * @param isWanted whether the program of a version will do
 * @returns the program's full path; "" if there is none of a wanted version
 */
function findProgram(
  name: string,
  isWanted: (version: Version) => boolean = () => true,
): string {
  const { PATH = "", LECTURE1_NODES = "" } = process.env;
  const folders = [
    dirname(process.execPath),
    ...PATH.split(delimiter),
    ...LECTURE1_NODES.split(delimiter),
  ];
  const file = process.platform === "win32" ? `${name}.exe` : name;
  const programs = folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, file))
    .filter((program) => existsSync(program));
  return programs.find((program) => isWanted(versionOf(program))) ?? "";
}

/** @throws Error when the program doesn't print a version within 10 seconds */
function versionOf(program: string): Version {
  const printed = execFileSync(program, ["--version"], {
    encoding: "utf8",
    timeout: 10_000,
  });
  const { groups } = /(?<major>\d+)\.(?<minor>\d+)/.exec(printed)!;
  return { major: Number(groups!.major), minor: Number(groups!.minor) };
}
