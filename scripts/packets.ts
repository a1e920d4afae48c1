/**
 * Your own SYN and ACK: runs a server and a client once, captures what goes over the
 * wire with tshark, and draws it as a ladder, with what the programs read and print.
 *
 *   npx tsx scripts/packets.ts
 *   npx tsx scripts/packets.ts --help
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import {
  exitEarly,
  expectAllowed,
  parseFlags,
  print,
  runMain,
  UsageError,
  withSpinner,
  write,
} from "./commandLine.ts";
import { designs, scriptNames, type Design } from "./designs.ts";
import { drawsLines, languageOf } from "./language.ts";
import { captureRun } from "./packets/capture.ts";
import { ladder } from "./packets/ladder.ts";
import { packetsPage, type Around } from "./packets/page.ts";
import type { Recording, Run } from "./packets/recording.ts";
import { pictureOf } from "./packets/rows.ts";
import { say } from "./packets/texts.ts";
import { CannotCapture } from "./packets/tshark.ts";
import { launched, stopAll } from "./launch.ts";

/** What recordings/ holds. */
const recordings = [
  ...["hello", "long", "forever", "async", "refused", "reset"],
  ...["robot", "lossy", "sleep", "recv4"],
];

/** What is run in the place of the lecture's client and a server. */
const kinds = ["refused", "reset", "robot"] as const;

/** Options, and those that don't go with the first one. */
const apart = [
  ["show", "server", "message", "bytes", ...kinds, "save"],
  ["refused", "reset", "robot", "server"],
  ["robot", "reset", "message", "bytes"],
  ["reset", "server"],
  ["message", "bytes"],
];

const language = languageOf(process.argv.slice(2));
let options: ReturnType<typeof readOptions>;
let stopping = false;
exitEarly({ script: "packets", language, stop });
await runMain("packets", main);

async function main(): Promise<void> {
  options = readOptions();
  try {
    const { show, run, save } = options;
    if (show) await presentRecorded(show, say.asked);
    else {
      const task = () => captureRun(run, save);
      const [recording, problems] = await withSpinner(say.running, task);
      if (!stopping) await present(recording);
      for (const problem of problems) complain(problem);
    }
  } catch (error) {
    await sleep(100); // Ctrl+C makes every wait fail, and may come to the programs first
    if (!stopping) await fail(error as Error);
  }
}

function readOptions() {
  const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
  const values = parseFlags(process.argv.slice(2), {
    ...{ server: text, message: text, bytes: text },
    ...{ refused: flag, reset: flag, robot: flag, show: text },
    ...{ save: text, json: text, html: text, lang: text, help: flag },
  });
  if (values.help) {
    console.log(say.usage);
    process.exit(0);
  }
  const takes = (flag: string, what: string, holds: boolean) =>
    expectAllowed(flag, what, holds, language);
  const { server = "server", bytes, show, save, json, html } = values;
  const isNumber = /^[1-9]\d{0,4}$/.test(bytes ?? "1");
  takes("--server", designs.join(", "), designs.includes(server as Design));
  takes("--show", recordings.join(", "), recordings.includes(show ?? "hello"));
  takes("--bytes", "1-30000", isNumber && Number(bytes ?? 1) <= 30_000); // Windows' command lines hold no more
  const given = (flag: string) => flag in values;
  for (const [one = "", ...others] of apart) {
    const other = others.find(given);
    if (given(one) && other)
      throw new UsageError(`--${one}, --${other}: ${say.together}`);
  }
  const kind = kinds.find((kind) => values[kind]) ?? "client";
  const usual = values.robot ? "hello socket from robot\n" : "Hello, Server!";
  const message = values.message ?? (bytes ? "x".repeat(Number(bytes)) : usual);
  const run: Run = { kind, server: server as Design, message };
  return { run, show, save, json, html };
}

/** The recording that fits a run that can't be captured here. */
function fitting({ kind, server, message }: Run): string {
  if (kind !== "client") return kind;
  if (server !== "server") return server;
  return message.length > 1024 ? "long" : "hello";
}

/** Shows a recording, and says before and after that it is one. */
async function presentRecorded(name: string, why: string): Promise<void> {
  const file = new URL(`packets/recordings/${name}.json`, import.meta.url);
  const recording = JSON.parse(await readFile(file, "utf8")) as Recording;
  const { changed, run } = recording;
  const before = [`${say.recorded}: ${name}, ${scriptNames[run.server]}.ts`];
  if (changed) before.push(`${say.changed}: ${changed.join("\n  ")}`);
  const but = changed ? ` (${say.butFor})` : "";
  const after = [`${say.asTheyCame}${but}: ${why}.`];
  await present(recording, { above: before, below: after });
}

/** The ladder, the JSON and the page, as far as they are wanted. */
async function present(
  recording: Recording,
  around: Around = { above: [], below: [] },
) {
  const { json, html } = options;
  const columns = Math.max(process.stdout.columns || 80, 40);
  const picture = pictureOf(recording, say);
  const { rows, notes, origin } = picture;
  const waits = rows.some(({ unread }) => unread.client + unread.server);
  const above = [...around.above, chalk.bold.underline(say.title), ...notes];
  const below = waits ? [say.unread, origin] : [origin];
  const wrapped = (text: string) => wrapAnsi(text, columns);
  const parts = [
    ...above.map(wrapped),
    ladder(picture, { columns, drawsLines: drawsLines() }),
    ...below.map((text) => chalk.dim(wrapped(text))),
    ...around.below.map(wrapped),
  ];
  if (json !== "-" && html !== "-") await print(`${parts.join("\n")}\n`);
  if (json)
    await write(json, `${JSON.stringify(recording, null, 2)}\n`, language);
  if (html) {
    const page = packetsPage(picture, { around, language, texts: say });
    await write(html, page, language);
  }
}

/** Says what went wrong and what to do, and shows a recording where nothing can be captured. */
async function fail({ message, constructor }: Error): Promise<void> {
  const missing = constructor === CannotCapture;
  const advice = say[process.platform as "linux"] ?? say.linux;
  complain(missing ? `${message}; ${advice}; ${say.more}` : message);
  if (missing && options.json !== "-") {
    options.json = undefined; // which is for what was captured
    await presentRecorded(fitting(options.run), message);
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
