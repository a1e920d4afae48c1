/**
 * What every test uses: a suite that cleans up, and a check that no process is
 * left.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as uvu from "uvu";
import {
  launch,
  launched,
  stopAll,
  type Launched,
} from "../../scripts/launch.ts";
import { withDeadline } from "../../scripts/waiting.ts";
import { onLinux, type Why } from "./machine.ts";

/** The sockets that a test has opened: destroyed after it. */
export const sockets = new Set<net.Socket>();

/** The programs that several tests share. */
const sharedPrograms = new Set<Launched>();

/**
 * Lets a program run after the test that started it, until the last test of the
 * file.
 */
export function keepRunning(program: Launched): void {
  sharedPrograms.add(program);
}

// On exit, launch.ts kills what was started.
process.once("SIGINT", () => process.exit(130));

type AddTest = (title: string, body: () => Promise<void>) => void;

export interface Suite extends AddTest {
  /**
   * Adds a test only if there is no reason against it. Otherwise the test
   * counts as skipped, and the reason is printed.
   */
  unless(why: Why): AddTest;
  /** Runs after the last test. */
  after(cleanUp: () => unknown): void;
  /** Call this last in a test file. */
  run(): void;
}

/**
 * A uvu suite that cleans up: after each test, passed or failed, every client
 * is disconnected and every process is killed, except those that keepRunning()
 * got. The message of a failed test has the output of each process that has
 * printed anything during the test.
 */
export function suite(name: string): Suite {
  const tests = uvu.suite(name);

  function add(title: string, body: () => Promise<void>): void {
    tests(title, async () => {
      const printedBefore = new Map<Launched, string>();
      for (const program of launched())
        printedBefore.set(program, program.printed());
      try {
        await withDeadline(120_000, "the test's end", body());
      } catch (error) {
        const outputs = launched()
          .filter((program) => program.printed() !== printedBefore.get(program))
          .map((program) => program.describe());
        (error as Error).message += `\n${outputs.join("\n")}`;
        throw error;
      } finally {
        for (const socket of sockets) socket.destroy();
        sockets.clear();
        await stopAll(...sharedPrograms);
      }
    });
  }
  tests.after(() => stopAll());

  function unless(why: Why): AddTest {
    if (!why) return add;
    return (title) => {
      console.log(`skipped, since ${why}: ${name}: ${title}`);
      tests.skip(title);
    };
  }

  return Object.assign(add, { unless, after: tests.after, run: tests.run });
}

/**
 * Repeats a check until it holds: it can need a moment on a busy machine.
 *
 * @param check throws as long as something is wrong
 * @throws what the check has thrown last, after 10 seconds
 */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (true)
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(20);
    }
}

/**
 * A program with a mark in its environment, which the processes that it starts
 * inherit.
 */
export interface Marked extends Launched {
  mark: string;
}

/** Starts a program so that processesLeft() finds what it leaves behind. */
export function launchMarked(
  command: string[],
  env: NodeJS.ProcessEnv = {},
): Marked {
  const mark = randomUUID();
  const program = launch(command, {
    env: { ...process.env, ...env, LECTURE1_MARK: mark },
  });
  return Object.assign(program, { mark });
}

/** The processes that carry a mark: "PID COMMAND" of each. Linux only. */
export function processesLeft(mark: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => readProc(pid, "environ").includes(mark))
    .map((pid) => `${pid} ${readProc(pid, "cmdline").replaceAll("\0", " ")}`);
}

/** A file of a process in /proc; "" if the process has exited. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/**
 * Asserts that a program has left no process. A process that another process
 * stops can need a moment: tshark's dumpcap, esbuild under the tsx loader. Does
 * nothing but on Linux.
 */
export async function expectNoneLeft({
  mark,
}: Pick<Marked, "mark">): Promise<void> {
  if (!onLinux) return;
  await eventually(async () => {
    const left = processesLeft(mark);
    if (left.length > 0) throw new Error(`still running: ${left.join("; ")}`);
  });
}
