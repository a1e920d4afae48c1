/**
 * Shared by the tests of packets: its texts, its recordings, and how it is run.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../../scripts/copyProject.ts";
import type { Recording } from "../../scripts/packets/recording.ts";
import { recordingFile } from "../../scripts/packets/recordings.ts";
import { textsIn } from "../../scripts/packets/texts.ts";
import { expectNoneLeft, launchMarked, type Marked } from "./harness.ts";
import { nodeCommand } from "./programs.ts";

export const english = textsIn("en");
export const korean = textsIn("ko");

/** A recording that the project has, by its name: "hello". */
export function recorded(name: string): Recording {
  return JSON.parse(readFileSync(recordingFile(name), "utf8"));
}

export interface PacketsOptions {
  /** Variables that are added to this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** The project's folder, or that of a copy. */
  folder?: string;
  /** The exit code that runPackets() expects: 0 unless given. */
  exitCode?: number;
  /** The beginning of a command that runs packets as its last arguments. */
  runWith?: string[];
}

/** Starts packets. */
export function startPackets(
  args: string[],
  { env, folder, runWith = [] }: PacketsOptions = {},
): Marked {
  const command = nodeCommand("scripts/packets.ts", folder);
  return launchMarked([...runWith, ...command, ...args], env);
}

/**
 * Runs packets until it exits, and asserts its exit code and that it leaves no
 * process.
 *
 * @returns what it printed
 */
export async function runPackets(
  args: string[],
  options: PacketsOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const packets = startPackets(args, options);
  const { code } = await packets.exit(60_000);
  assert.is(code, options.exitCode ?? 0, packets.describe());
  await expectNoneLeft(packets);
  return packets.output;
}

/**
 * A PATH that finds another tshark first.
 *
 * @param script the other tshark, as text
 */
export async function pathWithTshark(script: string): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "tshark"), script, { mode: 0o755 });
  return `${folder}:${process.env.PATH}`;
}

/**
 * Does a task for each item, three at a time: other tests run at the same time.
 */
export async function threeAtATime<Item>(
  items: readonly Item[],
  task: (item: Item) => Promise<void>,
): Promise<void> {
  // All three get their items from the same iterator.
  const rest = items.values();
  async function worker(): Promise<void> {
    for (const item of rest) await task(item);
  }
  await Promise.all([worker(), worker(), worker()]);
}
