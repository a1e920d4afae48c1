/** What every test uses: a suite that cleans up, and what programs leave behind. */
import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as uvu from "uvu";
import {
  launch,
  launched,
  projectFile,
  stopAll,
  within,
} from "../scripts/processes.ts";
import { onLinux, type Why } from "./here.ts";

/** What a test has opened: closed after it. */
export const sockets = new Set<net.Socket>();

process.once("SIGINT", () => process.exit(130)); // and launch ends what it started

/**
 * A uvu suite whose tests leave nothing behind: after each one, failed or not, every
 * client is disconnected, every process ended. A failed test says what the processes
 * had printed.
 */
export function suite(name: string) {
  const suite = uvu.suite(name);
  const add = (title: string, body: () => Promise<void>) =>
    suite(title, async () => {
      try {
        await within(120_000, "the test's end", body());
      } catch (error) {
        const reports = launched().map((script) => script.report());
        (error as Error).message += `\n${reports.join("\n")}`;
        throw error;
      } finally {
        for (const socket of sockets) socket.destroy();
        sockets.clear();
        await stopAll();
      }
    });
  /** As the test itself; where there is a reason it counts as skipped, and the reason is said. */
  const unless = (why: Why): typeof add => {
    if (!why) return add;
    return (title) => {
      console.log(`skipped, since ${why}: ${name}: ${title}`);
      suite.skip(title);
    };
  };
  const { after, run } = suite;
  return Object.assign(add, { unless, after, run });
}

/** A new folder in that of this run of the tests, which removes it at its end. */
export const temporaryFolder = () => mkdtemp(projectFile(".test-"));

/** Looks for 10 s at most, since others may have the cores, until nothing is wrong; `look` says what is. */
export async function eventually(look: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (let wrong = await look(); wrong; wrong = await look()) {
    if (performance.now() > deadline) throw new Error(`after 10 s: ${wrong}`);
    await sleep(20);
  }
}

/**
 * Starts a program that starts others: all of them inherit a mark in their environment,
 * so that left() finds what the program leaves behind.
 */
export function launchMarked(command: string[], env: NodeJS.ProcessEnv = {}) {
  const mark = randomUUID();
  const marked = { ...process.env, ...env, LECTURE1_MARK: mark };
  return Object.assign(launch(command, { env: marked }), { mark });
}

/** The processes that still carry the mark, each with its number and command; Linux only. */
export function left(mark: string): string[] {
  function read(pid: string, file: string): string {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return ""; // it has just ended
    }
  }
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => read(pid, "environ").includes(mark))
    .map((pid) => `${pid} ${read(pid, "cmdline").replaceAll("\0", " ")}`);
}

/**
 * Asserts that no process carries the mark any more. One that was ended by another
 * may take a moment: tshark's dumpcap, esbuild under the tsx loader. Linux only.
 */
export async function noneLeft(mark: string): Promise<void> {
  if (onLinux) await eventually(async () => left(mark).join("; "));
}
