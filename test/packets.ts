/** What the tests of packets share: its texts, its recordings, and how it is run. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inLanguage } from "../scripts/language.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { projectFile } from "../scripts/processes.ts";
import { launchMarked, noneLeft, temporaryFolder } from "./harness.ts";
import { program } from "./programs.ts";

export const english = inLanguage(pairs, "en");
export const korean = inLanguage(pairs, "ko");

export function recorded(name: string): Recording {
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  return JSON.parse(readFileSync(file, "utf8"));
}

/** @param folder the project, or a copy of it */
export function start(args: string[], env = {}, folder?: string) {
  return launchMarked([...program("scripts/packets.ts", folder), ...args], env);
}

/** Runs packets to its end; nothing that it started is left. */
export async function run(args: string[], code = 0, env = {}, folder?: string) {
  const packets = start(args, env, folder);
  assert.is((await packets.exit(60_000)).code, code, packets.report());
  await noneLeft(packets.mark);
  return packets.output;
}

/** A PATH on which this program, given as text, is the first tshark. */
export async function pathWith(tshark: string): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "tshark"), tshark, { mode: 0o755 });
  return `${folder}:${process.env.PATH}`;
}

/** Does a task for each, three at a time: other tests run beside it. */
export async function inTurns<It>(
  items: readonly It[],
  task: (it: It) => Promise<void>,
) {
  const rest = items.values(); // which all three share
  const next = async () => {
    for (const it of rest) await task(it);
  };
  await Promise.all([next(), next(), next()]);
}
