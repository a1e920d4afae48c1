/**
 * The programs that compare runs: servers and clients, in TypeScript and in
 * Python.
 */
import { clientName, scriptNames, type Design } from "../designs.ts";
import { plainCommand } from "../erased.ts";
import { launch, type Launched } from "../launch.ts";
import { findOriginal } from "../originals.ts";
import { projectFile } from "../project.ts";
import { shortened } from "../visible.ts";
import { Relay, type Exchange } from "./relay.ts";
import type { ClientRun, Reason, ServerResult } from "./result.ts";
import type { Trouble } from "./texts.ts";

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

/**
 * The most characters of a program's output that are kept: a learner's program
 * can print without end.
 */
export const maxOutput = 65_536;

export interface ClientOptions {
  language: Program["language"];
  /** The server's port. */
  port: number;
  /** The time limit of the client, and then of the server, in milliseconds. */
  patienceMs: number;
}

/** A run of the client program, as compare judges it. */
export interface ClientReport extends ClientRun {
  /** The cause of a failure, if it explains more than the outcome. */
  reason?: Reason;
}

/**
 * Runs the client program until it exits. Its output is not judged, because a
 * learner may have changed it: a relay between it and the server sees whether the
 * server answers, and the exit code is the client's own judgment. A client that
 * runs too long is killed.
 *
 * @param file the client's full path
 * @throws MissingFile if there is no such file
 * @throws Error if the client can't be started
 */
export async function runClient(
  file: string,
  options: ClientOptions,
): Promise<ClientReport> {
  const { port, patienceMs } = options;
  const relay = await Relay.listen(port);
  let report: ClientReport;
  try {
    const client = await runToExit(file, options, relay.port);
    await relay.over(patienceMs);
    report = reportOf(client, relay.exchanges, patienceMs);
  } finally {
    relay.close();
  }
  if (report.outcome !== "refused") return report;

  // The relay has accepted the connection before. Without a connection, the client has
  // used the port that refuses.
  const refused = await runToExit(file, options, port);
  return { outcome: "refused", text: tellingLine(refused.process) };
}

/** A client program that has exited. */
interface ExitedClient {
  process: Launched;
  /** The client was killed after the time limit. */
  wasKilled: boolean;
}

/**
 * Runs the client program until it exits or is killed.
 *
 * @param port the port to which it connects
 */
async function runToExit(
  file: string,
  { language, patienceMs }: ClientOptions,
  port: number,
): Promise<ExitedClient> {
  const command =
    language === "Python"
      ? pythonCommand(file, port)
      : await plainCommand(file, port);
  const process = launch(command, { env, ownGroup: true, maxOutput });
  let wasKilled = false;
  try {
    await process.ownExit(patienceMs);
  } catch {
    wasKilled = true;
  }
  // Nothing that the client has started is left.
  await process.stop();
  if (process.pid === 0) throw new Error(process.output.stderr.trim());
  return { process, wasKilled };
}

/** Judges a client by its connections and its exit code. */
function reportOf(
  { process, wasKilled }: ExitedClient,
  exchanges: Exchange[],
  patienceMs: number,
): ClientReport {
  const text = tellingLine(process);
  const patience = `${patienceMs / 1000} s`;
  const ownFailure = wasKilled ? undefined : ownFailureOf(process);

  /** The client's own failure says more than what it has not done. */
  function failed(trouble: Trouble): ClientReport {
    const detail = wasKilled ? patience : text;
    const reason = ownFailure ?? { trouble, detail };
    return { outcome: "failed", text, reason };
  }

  if (exchanges.length === 0) return failed("elsewhere");
  const unanswered = exchanges.find((one) => one.outcome() !== "answered");
  if (!unanswered) {
    if (wasKilled) return failed("clientStays");
    if (ownFailure) return failed("client");
    return { outcome: "answered", text };
  }

  const outcome = unanswered.outcome();
  switch (outcome) {
    case "failed":
      return failed(unanswered.hasSent ? "client" : "sentNothing");
    case "wrong": {
      const difference = unanswered.difference();
      return {
        outcome,
        text,
        reason: { trouble: "wrong", detail: difference },
      };
    }
    default:
      return { outcome, text };
  }
}

/** How a client has failed by its own judgment; undefined if it has not. */
function ownFailureOf({ output, exitStatus }: Launched): Reason | undefined {
  const { code, signal } = exitStatus!;
  if (code === 0) return undefined;
  const error = tellingLineOf(output.stderr);
  if (error || code === null)
    return { trouble: "client", detail: error || String(signal) };
  return { trouble: "clientEnded", detail: String(code) };
}

/** The output of a client; its error if it has failed. */
function tellingLine({ output, exitStatus }: Launched): string {
  const stdout = tellingLineOf(output.stdout);
  const stderr = tellingLineOf(output.stderr);
  const hasFailed = exitStatus!.code !== 0;
  return hasFailed ? stderr || stdout : stdout || stderr;
}

/** The line with the error; the last line if there is none. */
function tellingLineOf(output: string): string {
  const lines = output.trim().split(/\r?\n/);
  const line = lines.find((one) => /^\w*Error\b/.test(one)) ?? lines.at(-1)!;
  return shortened(line, 200);
}
