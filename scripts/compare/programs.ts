/**
 * The programs that compare runs: servers and clients, in TypeScript and in
 * Python.
 */
import { clientName, scriptNames, type Design } from "../designs.ts";
import { eraseTypes } from "../erased.ts";
import { findOriginal } from "../originals.ts";
import { projectFile } from "../project.ts";
import { withDeadline } from "../waiting.ts";
import { $ } from "../zx.ts";
import type { ClientRun, ServerResult } from "./result.ts";
import type { Outcome } from "./texts.ts";

/** A server, and the client in the same language. */
export interface Program {
  design: Design;
  language: ServerResult["language"];
  /** The server's full path. */
  file: string;
  /** The client's full path; missing if the original was not found. */
  client?: string;
}

/** Programs, and the names of originals that were not found. */
export interface FoundPrograms {
  programs: Program[];
  missing: string[];
}

/** Python's name on this system. */
export const python = process.platform === "win32" ? "python" : "python3";

/**
 * The environment of all programs. Python buffers its output to a pipe, and on
 * an older Windows encodes it in code page 949.
 */
export const env = {
  ...process.env,
  PYTHONUNBUFFERED: "1",
  PYTHONIOENCODING: "utf-8",
};

/**
 * Finds the programs to compare: for each design the server in TypeScript and,
 * if there is a folder with originals, the one in Python.
 *
 * @param folder has the originals, under their full or their short names
 */
export function findPrograms(
  designs: Design[],
  folder?: string,
): FoundPrograms {
  const programs: Program[] = [];
  const missing = new Set<string>();

  function findOrMiss(name: string): string | undefined {
    const file = findOriginal(folder!, name);
    if (!file) missing.add(`${name}.py`);
    return file;
  }

  for (const design of designs) {
    const name = scriptNames[design];
    programs.push({
      design,
      language: "TypeScript",
      file: projectFile(`${name}.ts`),
      client: projectFile(`${clientName}.ts`),
    });
    if (!folder) continue;

    const file = findOrMiss(name);
    const client = findOrMiss(clientName);
    if (file) programs.push({ design, language: "Python", file, client });
  }
  return { programs, missing: [...missing] };
}

/**
 * The command that runs a Python original on another port than the lecture's.
 *
 * @param port 0 lets a server choose
 */
export function pythonCommand(file: string, port: number): string[] {
  const launcher = projectFile("scripts/compare/original.py");
  return [python, launcher, file, "--port", String(port)];
}

/** A pattern in what a client prints, and the outcome that it means. */
interface OutcomePattern {
  pattern: RegExp;
  outcome: Outcome;
}

/** For the clients in TypeScript and in Python. The first match decides. */
const outcomePatterns: OutcomePattern[] = [
  {
    pattern: /^Received from server: Hello, Server!\r?$/m,
    outcome: "answered",
  },
  { pattern: /^Received from server: \r?$/m, outcome: "closed" },
  { pattern: /^Received from server: /m, outcome: "wrong" },
  { pattern: /ECONNREFUSED|ConnectionRefusedError/, outcome: "refused" },
  {
    pattern: /ECONNRESET|EPIPE|ConnectionResetError|BrokenPipeError/,
    outcome: "reset",
  },
  { pattern: /: EOF;/, outcome: "closed" },
];

export interface ClientOptions {
  language: Program["language"];
  port: number;
  /** How long the client may take, in milliseconds. */
  patienceMs: number;
}

/**
 * Runs the client program to its end, and reads its outcome from its output. A
 * client that takes too long is killed.
 *
 * @param file the client's full path
 * @throws the system's error if the client can't be started
 */
export async function runClient(
  file: string,
  { language, port, patienceMs }: ClientOptions,
): Promise<ClientRun> {
  const command =
    language === "Python"
      ? pythonCommand(file, port)
      : [process.execPath, await eraseTypes(file), "--port", String(port)];
  const client = $({ env })`${command}`;
  let wasKilled = false;
  try {
    await withDeadline(patienceMs, "its end", client);
  } catch {
    wasKilled = client.child?.kill("SIGKILL") ?? false;
  }

  const { stdall, cause } = await client;
  const wasStarted = client.pid !== undefined;
  if (!wasStarted) throw cause;
  return {
    outcome: wasKilled ? "no answer" : outcomeOf(stdall),
    text: mostTellingLine(stdall),
  };
}

function outcomeOf(output: string): Outcome {
  const match = outcomePatterns.find(({ pattern }) => pattern.test(output));
  return match ? match.outcome : "failed";
}

/** The line with the error; the last line if there is none. */
function mostTellingLine(output: string): string {
  const lines = output.trim().split(/\r?\n/);
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1)!;
}
