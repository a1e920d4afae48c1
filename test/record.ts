/**
 * npm run record: makes the recordings that packets shows where it can't capture, anew,
 * from the scripts as they are and the experiments as the lecture has them. Needed when
 * a script has changed; takes tshark and the right to capture. lossy.pcapng stays: it was
 * captured while netfilter dropped a packet in each direction, and only its rows are read.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launch, tsxLoader } from "../scripts/processes.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import {
  captureOf,
  fingerprintOf,
  scriptsOf,
  shippedNames,
  type Shipped,
} from "../scripts/packets/shipped.ts";
import { readCapture, tsharkVersion } from "../scripts/packets/tshark.ts";
import { copyProject, lecturePort } from "./copy.ts";
import { edit } from "./lecture.ts";
import { sectionsOf } from "./documents.ts";
import { canCapture } from "./tshark.ts";

/** The options of packets for each recording that needs any. */
const options: Record<string, string[]> = {
  long: ["--message", "x".repeat(4000)],
  forever: ["--server", "forever"],
  async: ["--server", "async"],
  refused: ["--refused"],
  reset: ["--reset"],
};

/** By what the lecture's edit for an experiment is known. */
const edits: Record<string, RegExp> = {
  sleep: /^\+.*setTimeout\(resolve, 2000\)/m,
  recv4: /^\+.*recv\(4\)/m,
  noFin: /^\+.*resetAndDestroy/m,
};

const blocks = sectionsOf("docs/lecture1.md").flatMap(({ blocks }) => blocks);

/** The edit of an experiment, as it stands in the lecture. */
function editOf(name: string) {
  const found = blocks.find(
    ({ language, text }) => language === "diff" && edits[name]!.test(text),
  );
  if (!found) throw new Error(`${name}: no edit with ${edits[name]} anywhere`);
  return found;
}

/** Runs the scripts of a copy, with the experiment's edit, and keeps their packets. */
async function record(name: string): Promise<Omit<Shipped, "rows">> {
  const copy = await copyProject(lecturePort);
  if (edits[name]) await edit(editOf(name), copy);
  const json = join(copy.folder, "recording.json");
  const packets = launch([
    ...[process.execPath, ...tsxLoader],
    ...[join(copy.folder, "scripts", "packets.ts"), ...(options[name] ?? [])],
    ...["--save", captureOf(name), "--json", json],
  ]);
  const { code } = await packets.exit(60_000);
  if (code !== 0) throw new Error(packets.report());
  const recording = JSON.parse(await readFile(json, "utf8")) as Recording;
  const { system, tshark, run, lines } = recording;
  const scripts: Record<string, string> = {};
  for (const script of scriptsOf(run!))
    scripts[script] = await fingerprintOf(join(copy.folder, script));
  await rm(copy.folder, { recursive: true });
  return { system: system!, tshark, run: run!, scripts, lines };
}

if (!canCapture) {
  console.error("record: needs tshark and the right to capture");
  process.exit(1);
}
for (const name of shippedNames) {
  const about =
    name === "lossy"
      ? { tshark: await tsharkVersion(), scripts: {}, lines: [] }
      : await record(name);
  const { rows } = await readCapture(captureOf(name));
  const file = captureOf(name).replace(/pcapng$/, "json");
  await writeFile(file, `${JSON.stringify({ ...about, rows }, null, 2)}\n`);
  console.log(`${name}: ${rows.length} packets`);
}
