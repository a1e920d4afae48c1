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
import { readOptions, writeJson } from "./commandLine.ts";
import { launched, projectFile, stopAll } from "./launch.ts";
import { howToCapture } from "./packets/install.ts";
import { ladder, printedLines } from "./packets/ladder.ts";
import { parseOptions, usage } from "./packets/options.ts";
import { explain, type Recording } from "./packets/recording.ts";
import { record } from "./packets/run.ts";
import {
  isRefusal,
  readCapture,
  tsharkVersion,
  type Refusal,
} from "./packets/tshark.ts";

const options = readOptions("packets", usage, parseOptions);
let stopping = false;
process.once("SIGINT", () => void stop(130));
process.once("SIGTERM", () => void stop(143));
process.stdout.on("error", () => void stop(1)); // whoever read it has gone

try {
  const { read } = options;
  const recording = read ? await readFrom(read) : await run();
  if (!stopping) await present(recording);
} catch (error) {
  if (!stopping) await fail(error as Error); // Ctrl+C makes every wait fail
}

/** Captures a run. */
async function run(): Promise<Recording> {
  const [tshark, { packets, whole, ...recorded }] = await Promise.all([
    tsharkVersion(),
    record(options),
  ]);
  if (!whole) {
    process.stderr.write("packets: a connection's end was not captured\n");
    process.exitCode = 1;
  }
  const system = `${type()} ${release()}, Node ${process.version}`;
  return { system, tshark, ...recorded, ...explain(packets) };
}

/** Reads a saved capture: there are packets in it, but no lines of the scripts. */
async function readFrom(file: string): Promise<Recording> {
  const [tshark, packets] = await Promise.all([
    tsharkVersion(),
    readCapture(file),
  ]);
  if (packets.length === 0) throw new Error(`${file} holds no TCP packet`);
  return { tshark, lines: [], ...explain(packets) };
}

/** The ladder, the JSON, or both. */
async function present(recording: Recording): Promise<void> {
  const { json } = options;
  if (json !== "-") show(recording);
  if (json) await writeJson("packets", json, recording);
}

function show(recording: Recording): void {
  const { packets, date, system, tshark, about } = recording;
  const columns = process.stdout.columns || 80;
  const lines = printedLines(recording, columns);
  const carried = packets.reduce((sum, { length }) => sum + length, 0);
  const parts = [
    lines && chalk.bold.underline("What the scripts printed"),
    lines,
    chalk.bold.underline("What went over the wire"),
    about,
    ladder(recording, columns),
    chalk.dim(
      [
        `${packets.length} packets, ${carried} bytes carried`,
        ...(system ? [system] : []),
        `tshark ${tshark}`,
        date.slice(0, 10),
      ].join("; "),
    ),
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
  await stopAll();
  process.exit(code);
}
