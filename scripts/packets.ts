/**
 * Your own SYN and ACK: runs a server and the client once, captures what goes
 * over the wire with tshark, and draws it as a ladder.
 *
 *   npm run packets
 *   npm run packets -- --help
 */
import { readFile } from "node:fs/promises";
import { release, type } from "node:os";
import { chalk } from "zx";
import { endEarly, readOptions, writeJson } from "./commandLine.ts";
import { launched, projectFile, stopAll } from "./launch.ts";
import { howToCapture } from "./packets/install.ts";
import { ladder, printedLines } from "./packets/ladder.ts";
import { parseOptions, usage } from "./packets/options.ts";
import { bytes, explain, type Recording } from "./packets/recording.ts";
import { record } from "./packets/run.ts";
import {
  isRefusal,
  readCapture,
  tsharkVersion,
  type Refusal,
} from "./packets/tshark.ts";

/** A recording, and what didn't go as it should. */
type Recorded = Recording & { problems: string[] };

const options = readOptions("packets", usage, parseOptions);
let stopping = false;
endEarly("packets", stop);

try {
  const { read } = options;
  const { problems, ...recording } = read ? await readFrom(read) : await run();
  if (!stopping) await present(recording, problems);
} catch (error) {
  if (!stopping) await fail(error as Error); // Ctrl+C makes every wait fail
}

/** Captures a run. */
async function run(): Promise<Recorded> {
  const [tshark, { packets, ...recorded }] = await Promise.all([
    tsharkVersion(),
    record(options),
  ]);
  const system = `${type()} ${release()}, Node ${process.version}`;
  return { system, tshark, ...recorded, ...explain(packets) };
}

/** Reads a saved capture: there are packets in it, but no lines of the scripts. */
async function readFrom(file: string): Promise<Recorded> {
  const [tshark, { packets, problems }] = await Promise.all([
    tsharkVersion(),
    readCapture(file),
  ]);
  if (packets.length + problems.length === 0)
    throw new Error(`${file} holds no TCP packet`);
  return { tshark, lines: [], problems, ...explain(packets) };
}

/** The ladder, the JSON, or both; and what went wrong, in a line each. */
async function present(recording: Recording, problems: string[]) {
  const { json } = options;
  if (json !== "-") show(recording);
  if (json) await writeJson("packets", json, recording);
  for (const problem of problems) process.stderr.write(`packets: ${problem}\n`);
  if (problems.length) process.exitCode = 1;
}

function show(recording: Recording): void {
  const { packets, date, system, tshark, about } = recording;
  const columns = process.stdout.columns || 80;
  const lines = printedLines(recording, columns);
  const carried = packets.reduce((sum, { length }) => sum + length, 0);
  const origin = [
    `${packets.length} packets, ${bytes(carried)} carried`,
    ...(system ? [system] : []),
    `tshark ${tshark}`,
    new Date(date).toLocaleDateString("sv"), // 2026-11-22, where the reader lives
  ];
  const parts = [
    lines && chalk.bold.underline("What the scripts printed"),
    lines,
    chalk.bold.underline("What went over the wire"),
    about,
    ladder(recording, columns),
    chalk.dim(origin.join("; ")),
  ];
  process.stdout.write(`${parts.filter(Boolean).join("\n")}\n`);
}

/** Where nothing can be captured: what to do about it, and a run that was recorded. */
async function showRecorded({ reason }: Refusal): Promise<void> {
  if (reason === "other") return;
  process.stderr.write(`${howToCapture[reason]}\n`);
  if (options.json === "-") return; // JSON is for what was captured
  const file = projectFile("scripts/packets/recorded/hello.json");
  const recording = JSON.parse(await readFile(file, "utf8")) as Recording;
  process.stdout.write(
    "A recorded run of lecture1_server.ts and lecture1_client.ts, not one of this machine:\n",
  );
  show(recording);
}

/** Says what went wrong, and what can be seen all the same. */
async function fail(error: Error): Promise<void> {
  process.stderr.write(`packets: ${error.message}\n`);
  if (isRefusal(error)) await showRecorded(error);
  await stop(1);
}

/** Ends early: no process is left. tshark is asked to, so that it ends its helper as well. */
async function stop(code: number): Promise<void> {
  stopping = true;
  for (const script of launched()) script.kill("SIGINT");
  await Promise.allSettled(launched().map((script) => script.exit(1000)));
  await stopAll().catch(() => {}); // what can't be killed, we can't wait for
  process.exit(code);
}
