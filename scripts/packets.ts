/**
 * Shows your own SYN and ACK: runs a server and a client once, captures their
 * packets with tshark, and draws them as a ladder, together with what the
 * programs read and print. Or it watches programs that you start yourself.
 *
 *   npx tsx scripts/packets.ts
 *   npx tsx scripts/packets.ts --watch
 *   npx tsx scripts/packets.ts --help
 */
import { setTimeout as sleep } from "node:timers/promises";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import {
  exitEarly,
  isMain,
  parseFlags,
  print,
  runMain,
  withSpinner,
  write,
} from "./commandLine.ts";
import { scriptNames } from "./designs.ts";
import { drawsLines, languageOf } from "./language.ts";
import { launched, stopAll } from "./launch.ts";
import { captureRun, type CapturedRun } from "./packets/capture.ts";
import { ladder } from "./packets/ladder.ts";
import { flags, parseOptions, type Options } from "./packets/options.ts";
import { packetsPage, type Around } from "./packets/page.ts";
import type { Recording, Run, Watched } from "./packets/recording.ts";
import { readRecording, type RecordingName } from "./packets/recordings.ts";
import { pictureOf, visible, type Picture } from "./packets/rows.ts";
import { textsIn, type Texts } from "./packets/texts.ts";
import { Watch, type WatchResult } from "./packets/watch.ts";
import { CannotCapture } from "./packets/tshark.ts";

/**
 * Whether this process is stopping because of a signal such as Ctrl+C. It then
 * prints nothing more.
 */
let isStopping = false;

async function main(args: string[]): Promise<void> {
  const language = languageOf(args);
  const say = textsIn(language);
  exitEarly({ script: "packets", language, stop });
  const given = parseFlags(args, flags);
  if (given.help) return print(`${say.usage}\n`);
  const options = parseOptions(given, say);
  if (options.show)
    await showRecording(options.show, { reason: say.asked }, options, say);
  else if (options.watch) await showWatch(options.watch, options, say);
  else await showRun(options, say);
}

/** The watch that Ctrl+C ends, so that it writes its files. */
let watch: Watch | undefined;

/** Draws packets as they come, until Ctrl+C; then writes what is wanted. */
async function showWatch(
  watched: Watched,
  options: Options,
  say: Texts,
): Promise<void> {
  const { json, html, save: file } = options;
  const draws = json !== "-" && html !== "-";
  const keepsPackets = json !== undefined || html !== undefined;
  watch = new Watch({ watched, file, keepsPackets, draws, say });
  let result: WatchResult;
  try {
    result = await watch.run();
  } catch (error) {
    watch = undefined;
    if (isStopping) return;
    const { message } = error as Error;
    const isMissing = error instanceof CannotCapture;
    const advice = `${message}; ${installAdvice(say)}; ${say.more}`;
    complain(isMissing ? advice : message);
    return stop(1);
  }

  const { recording, summary, problems } = result;
  if (draws) await print(`${summary}\n`);
  else process.stderr.write(`packets: ${summary}\n`);
  await writeFiles(recording, options, say);
  for (const problem of problems) complain(problem);
  return stop(process.exitCode === 1 ? 1 : 0);
}

/** Captures a run and shows it. If that isn't possible, shows a recording. */
async function showRun(options: Options, say: Texts): Promise<void> {
  const { run, save: file } = options;
  let captured: CapturedRun;
  try {
    const task = () => captureRun({ run, file, say });
    captured = await withSpinner(say.running, task);
  } catch (error) {
    // Ctrl+C makes every wait fail, and can reach the programs before this
    // process.
    await sleep(100);
    if (isStopping) return;
    await showFailure(error as Error, options, say);
    return stop(1);
  }
  if (isStopping) return;

  await present(captured.recording, options, say);
  for (const problem of captured.problems) complain(problem);
}

/**
 * Reports why there is no capture. If none is possible here, shows a recording.
 */
async function showFailure(
  error: Error,
  options: Options,
  say: Texts,
): Promise<void> {
  const { message } = error;
  if (!(error instanceof CannotCapture)) return complain(message);

  complain(`${message}; ${installAdvice(say)}; ${say.more}`);
  // --json is only for what was captured.
  const { json, html, run } = options;
  if (json === "-") return;
  const asked = { reason: message, run };
  await showRecording(fittingRecording(run), asked, { html }, say);
}

/** How to get tshark, and the right to capture, on this system. */
function installAdvice(say: Texts): string {
  switch (process.platform) {
    case "darwin":
      return say.darwin;
    case "win32":
      return say.win32;
    default:
      return say.linux;
  }
}

/** The recording that is most like a run. */
function fittingRecording({ kind, server, message }: Run): RecordingName {
  if (kind !== "client") return kind;
  if (server !== "server") return server;
  return message.length > 1024 ? "long" : "hello";
}

/** The files to which a recording is written, besides the terminal. */
type Outputs = Pick<Options, "json" | "html">;

/** Why a recording is shown. */
interface Occasion {
  reason: string;
  /** The run that was asked for, if it can't be captured. */
  run?: Run;
}

/** Shows a recording, and above and below the picture that it is one. */
async function showRecording(
  name: RecordingName,
  occasion: Occasion,
  outputs: Outputs,
  say: Texts,
): Promise<void> {
  const recording = await readRecording(name);
  const { changed, run } = recording;

  const above = [`${say.recorded}: ${name}, ${scriptNames[run.server]}.ts`];
  if (changed) above.push(`${say.changed}: ${changed.join("\n  ")}`);
  const differences = differencesOf(run, occasion.run ?? run, say);
  if (differences.length > 0)
    above.push(`${say.differs}: ${differences.join("; ")}.`);
  const exception = changed ? ` (${say.exceptForChange})` : "";
  const below = [`${say.unmodified}${exception}: ${occasion.reason}.`];

  await present(recording, outputs, say, { above, below });
}

/** Lists the differences between a recorded run and the requested one. */
function differencesOf(recorded: Run, asked: Run, say: Texts): string[] {
  const differences: string[] = [];
  if (recorded.server !== asked.server)
    differences.push(
      say.recordedNotAsked("--server", recorded.server, asked.server),
    );
  if (recorded.message !== asked.message)
    differences.push(
      say.recordedNotAsked(
        "--message",
        messageText(recorded.message, say),
        messageText(asked.message, say),
      ),
    );
  return differences;
}

/** A message in quotes, or its size if it is long. */
function messageText(message: string, say: Texts): string {
  const longest = 40;
  if (message.length > longest) return say.longText(Buffer.byteLength(message));
  return `"${visible(message)}"`;
}

/**
 * Prints the ladder, and writes the JSON and the page that are wanted.
 *
 * @param around texts above and below the picture
 */
async function present(
  recording: Recording,
  { json, html }: Outputs,
  say: Texts,
  around: Around = { above: [], below: [] },
): Promise<void> {
  const picture = pictureOf(recording, say);
  const isStdoutFree = json !== "-" && html !== "-";
  if (isStdoutFree) await print(`${terminalText(picture, around, say)}\n`);
  await writeFiles(recording, { json, html }, say, around);
}

/** Writes the JSON and the page that are wanted. */
async function writeFiles(
  recording: Recording,
  { json, html }: Outputs,
  say: Texts,
  around: Around = { above: [], below: [] },
): Promise<void> {
  const { language } = say;
  if (json) {
    const text = JSON.stringify(recording, null, 2);
    await write(json, `${text}\n`, language);
  }
  if (html) {
    const picture = pictureOf(recording, say);
    const text = packetsPage(picture, { around, language, texts: say });
    await write(html, text, language);
  }
}

/** The picture with its texts, as wide as the terminal. */
function terminalText(picture: Picture, around: Around, say: Texts): string {
  const { rows, notes, origin } = picture;
  const columns = Math.max(process.stdout.columns || 80, 40);
  const wrap = (text: string) => wrapAnsi(text, columns);
  const hasUnread = rows.some(({ unread }) => unread.client + unread.server);

  const title = chalk.bold.underline(say.title);
  const above = [...around.above, title, ...notes];
  const below = hasUnread ? [say.unread, origin] : [origin];
  const parts = [
    ...above.map(wrap),
    ladder(picture, { columns, drawsLines: drawsLines() }),
    ...below.map((text) => chalk.dim(wrap(text))),
    ...around.below.map(wrap),
  ];
  return parts.join("\n");
}

/** Reports a problem. The exit code will be 1. */
function complain(problem: string): void {
  process.stderr.write(`packets: ${problem}\n`);
  process.exitCode = 1;
}

/**
 * Exits early, and stops every process that was started. tshark gets a SIGINT
 * first, so that it can stop its helper, dumpcap.
 */
async function stop(exitCode: number): Promise<void> {
  const ctrlC = 130;
  if (exitCode === ctrlC && watch) return watch.end();

  isStopping = true;
  const programs = launched();
  for (const program of programs) program.kill("SIGINT");
  await Promise.allSettled(programs.map((program) => program.exit(1000)));
  try {
    await stopAll();
  } catch {
    // A program that can't be killed is not waited for.
  }
  process.exit(exitCode);
}

if (isMain(import.meta.url)) await runMain("packets", main);
