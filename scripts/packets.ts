/**
 * Your own SYN and ACK: runs a server and the client once, captures what goes
 * over the wire with tshark, and draws it as a ladder.
 *
 *   npx tsx scripts/packets.ts
 *   npx tsx scripts/packets.ts --help
 */
import { release, type } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import {
  endEarly,
  language,
  readOptions,
  writeJson,
  writePage,
} from "./old/commandLine.ts";
import { launched, stopAll } from "./processes.ts";
import { captureRun } from "./packets/capture.ts";
import { ladder, originOf, printedLines } from "./packets/ladder.ts";
import { parseOptions } from "./packets/options.ts";
import { explain, type Recording } from "./packets/recording.ts";
import { decoded, nearest, type Difference } from "./packets/shipped.ts";
import { say } from "./packets/texts.ts";
import {
  isRefusal,
  readCapture,
  tsharkVersion,
  type Refusal,
} from "./packets/tshark.ts";

/** A recording, and what didn't go as it should, in a line each. */
type Shown = [Recording, string[]];

const options = readOptions("packets", say.usage, parseOptions);
let stopping = false;
endEarly("packets", stop);

try {
  const { read } = options;
  const [recording, problems] = read ? await readFrom(read) : await run();
  if (!stopping) await present(recording, problems);
} catch (error) {
  await sleep(100); // Ctrl+C makes every wait fail, and may come to the scripts first
  if (!stopping) await fail(error as Error);
}

/** Captures a run. */
async function run(): Promise<Shown> {
  const { server, message, meets } = options;
  const [tshark, { lines, packets, problems }] = await Promise.all([
    tsharkVersion(),
    captureRun(options),
  ]);
  const system = `${type()} ${release()}, Node ${process.version}`;
  const about = { system, tshark, run: { server, message, meets } };
  return [{ ...about, lines, ...explain(packets) }, problems];
}

/** Reads a saved capture: there are packets in it, but no lines of the scripts. */
async function readFrom(file: string): Promise<Shown> {
  try {
    const [tshark, { packets, problems }] = await Promise.all([
      tsharkVersion(),
      readCapture(file),
    ]);
    if (packets.length + problems.length === 0)
      throw new Error(say.noPacket(file));
    return [{ tshark, lines: [], ...explain(packets) }, problems];
  } catch (error) {
    const missing = isRefusal(error) && error.reason === "missing";
    const known = missing && (await decoded(file).catch(() => undefined));
    if (known) return [known, []];
    throw error;
  }
}

/** The ladder, the JSON, or both; and what went wrong, in a line each. */
async function present(recording: Recording, problems: string[]) {
  const { json } = options;
  if (json !== "-") show(recording);
  if (json) await writeJson("packets", json, recording);
  await showPage(recording);
  for (const problem of problems) process.stderr.write(`packets: ${problem}\n`);
  if (problems.length) process.exitCode = 1;
}

function show(recording: Recording): void {
  const { run } = recording;
  const columns = process.stdout.columns || 80;
  const view = { columns, texts: say, ascii: options.ascii };
  const lines = printedLines(recording, view);
  const parts = [
    lines && chalk.bold.underline(say.printed),
    lines,
    chalk.bold.underline(say.wire),
    run?.meets === "busy server" && say.twoClients,
    ladder(recording, view),
    chalk.dim(wrapAnsi(originOf(recording, say), columns)),
  ];
  process.stdout.write(`${parts.filter(Boolean).join("\n")}\n`);
}

/** The page that --html asks for; a second passes until what draws it is loaded. */
async function showPage(recording: Recording, note = ""): Promise<void> {
  const { html, open } = options;
  if (!html) return;
  const { packetsPage } = await import("./packets/page.ts");
  const page = await packetsPage(recording, language, note);
  await writePage("packets", html, page, open);
}

/** Where nothing can be captured: what to do about it, and a run that was recorded. */
async function showShipped({ reason }: Refusal): Promise<void> {
  if (reason === "other") return;
  process.stderr.write(`${say.install[reason]}\n`);
  const { json, read } = options;
  const { recording, differs } = await nearest(options);
  const [why] = read ? [say.unreadable(read)] : differs.map(inWords);
  const note = why ? say.otherRun(why) : say.shipped;
  await showPage(recording, note);
  if (json === "-") return; // JSON is for what was captured
  process.stdout.write(`${note}\n`);
  show(recording);
}

function inWords(difference: Difference): string {
  if (difference === "server") return say.otherServer;
  if (difference === "message") return say.otherMessage;
  return say.edited(difference.edited);
}

/** Says what went wrong, and what can be seen all the same. */
async function fail(error: Error): Promise<void> {
  process.stderr.write(`packets: ${error.message}\n`);
  if (isRefusal(error)) await showShipped(error);
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
