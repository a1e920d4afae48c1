/**
 * Your own SYN and ACK: runs a server and a client once, captures what goes over the
 * wire with tshark, and draws it as a ladder, with what the programs read and print.
 *
 *   npx tsx scripts/packets.ts
 *   npx tsx scripts/packets.ts --help
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import {
  endEarly,
  language,
  mistake,
  print,
  readFlags,
  takes,
  waiting,
  write,
} from "./commandLine.ts";
import { designs, type Design } from "./designs.ts";
import { drawsLines } from "./language.ts";
import { captureRun } from "./packets/capture.ts";
import { ladder } from "./packets/ladder.ts";
import { packetsPage } from "./packets/page.ts";
import type { Recording, Run } from "./packets/recording.ts";
import { pictureOf } from "./packets/rows.ts";
import { say } from "./packets/texts.ts";
import { CannotCapture } from "./packets/tshark.ts";
import { launched, stopAll } from "./processes.ts";

/** What recordings/ holds. */
const recordings = [
  ...["hello", "long", "forever", "async", "refused", "reset", "robot"],
  ...["lossy", "sleep", "recv4"],
];

const options = readOptions();
let stopping = false;
endEarly(stop);

try {
  const { show, run, save } = options;
  if (show) await presentRecorded(show, say.asked);
  else {
    const task = () => captureRun(run, save);
    const [recording, problems] = await waiting(say.running, task);
    if (!stopping) await present(recording);
    for (const problem of problems) complain(problem);
  }
} catch (error) {
  await sleep(100); // Ctrl+C makes every wait fail, and may come to the programs first
  if (!stopping) await fail(error as Error);
}

function readOptions() {
  const values = readFlags(say.usage, {
    server: { type: "string" },
    message: { type: "string" },
    bytes: { type: "string" },
    refused: { type: "boolean" },
    reset: { type: "boolean" },
    robot: { type: "boolean" },
    show: { type: "string" },
    save: { type: "string" },
    json: { type: "string" },
    html: { type: "string" },
    lang: { type: "string" },
    help: { type: "boolean" },
  });
  const { server = "server", bytes, show, save, json, html } = values;
  takes("--server", designs.join(", "), designs.includes(server as Design));
  takes("--show", recordings.join(", "), !show || recordings.includes(show));
  takes("--bytes", "1-30000", !bytes || isNumber(bytes, 30_000)); // Windows' command lines hold no more
  for (const [one, ...others] of [
    ["show", "server", "message", "bytes", "refused", "reset", "robot", "save"],
    ["refused", "reset", "robot", "server"],
    ["robot", "reset", "message", "bytes"],
    ["reset", "server"],
    ["message", "bytes"],
  ] as (keyof typeof values)[][])
    for (const other of others)
      if (values[one!] !== undefined && values[other] !== undefined)
        mistake(say.together(`--${one}`, `--${other}`));
  const files = [save, json, html].flatMap((file) => file ?? []);
  const twice = files.find((file, index) =>
    files.slice(0, index).some((other) => resolve(other) === resolve(file)),
  );
  if (twice) mistake(say.sameFile(twice));
  const kinds = ["refused", "reset", "robot"] as const;
  const kind = kinds.find((kind) => values[kind]) ?? "client";
  const message =
    kind === "robot"
      ? "hello socket from robot\n"
      : (values.message ?? "x".repeat(Number(bytes ?? 0))) || "Hello, Server!";
  const run: Run = { kind, server: server as Design, message };
  return { run, show, save, json, html };
}

function isNumber(text: string, most: number): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most;
}

/** The recording that fits a run that can't be captured here. */
function fitting({ kind, server, message }: Run): string {
  if (kind !== "client") return kind;
  if (server !== "server") return server;
  return message.length > 1024 ? "long" : "hello";
}

/** The command line of a run. */
function commandOf({ kind, server, message }: Run): string {
  const bytes = message.replaceAll("x", "") ? "" : ` --bytes ${message.length}`;
  return [
    "npx tsx scripts/packets.ts",
    ...(kind === "client" ? [] : [` --${kind}`]),
    ...(server === "server" ? [] : [` --server ${server}`]),
    bytes,
  ].join("");
}

/** Shows a recording, and says before and after that it is one. */
async function presentRecorded(name: string, why: string): Promise<void> {
  const file = new URL(`packets/recordings/${name}.json`, import.meta.url);
  const recording = JSON.parse(await readFile(file, "utf8")) as Recording;
  const { changed } = recording;
  const before = [say.recorded(commandOf(recording.run))];
  if (changed) before.push([say.changed, ...changed].join("\n  "));
  const after = changed ? say.asChanged(why) : say.asTheyCame(why);
  await present(recording, before, after);
}

/** The ladder, the page and the JSON, as far as they are wanted. */
async function present(
  recording: Recording,
  before: string[] = [],
  after = "",
): Promise<void> {
  const { json, html } = options;
  const columns = process.stdout.columns || 80;
  const picture = pictureOf(recording, say);
  if (json !== "-" && html !== "-") {
    const wrapped = (text: string) => wrapAnsi(text, Math.max(columns, 40));
    const parts = [
      ...before.map(wrapped),
      chalk.bold.underline(say.title),
      ...picture.notes.map(wrapped),
      ladder(picture, columns, drawsLines()),
      ...[...picture.legend, picture.origin]
        .map(wrapped)
        .map((it) => chalk.dim(it)),
      ...(after ? [wrapped(after)] : []),
    ];
    await print(`${parts.join("\n")}\n`);
  }
  if (json) await write(json, `${JSON.stringify(recording, null, 2)}\n`);
  const end = after ? [after] : [];
  if (html) await write(html, packetsPage(picture, before, end, language, say));
}

/** Says what went wrong, and shows a recording where nothing can be captured. */
async function fail(error: Error): Promise<void> {
  const missing = error instanceof CannotCapture;
  const advice = { linux: say.linux, darwin: say.darwin, win32: say.win32 };
  const known = advice[process.platform as keyof typeof advice] ?? say.linux;
  complain(missing ? `${error.message}; ${known}; ${say.more}` : error.message);
  if (missing && options.json !== "-") {
    options.json = undefined; // which is for what was captured
    await presentRecorded(fitting(options.run), error.message);
  }
  await stop(1);
}

function complain(problem: string): void {
  process.stderr.write(`packets: ${problem}\n`);
  process.exitCode = 1;
}

/** Ends early: no process is left. tshark is asked to, so that it ends its helper as well. */
async function stop(code: number): Promise<void> {
  stopping = true;
  for (const script of launched()) script.kill("SIGINT");
  await Promise.allSettled(launched().map((script) => script.exit(1000)));
  await stopAll().catch(() => {}); // what can't be killed, we can't wait for
  process.exit(code);
}
