/** Does what a document says, command by command, and compares what comes with what stands there. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify, stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { launch, listening, type Launched } from "../scripts/processes.ts";
import { copyProject, erased, lecturePort, scripts } from "./copy.ts";
import type { Block, Section } from "./documents.ts";
import { notLinux, program, type suite } from "./harness.ts";
import { noTerminal, terminal } from "./terminal.ts";
import { noCapture } from "./tshark.ts";

type Copy = Awaited<ReturnType<typeof copyProject>>;

const run = promisify(execFile);
const plain = stripVTControlCharacters;

/** The commands of a section. */
export function shown({ blocks }: Section): string[] {
  return blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trimEnd().split("\n"));
}

/** A test that does what a section says, in a copy of the project, and sees what it shows. */
export function testSection(test: ReturnType<typeof suite>, section: Section) {
  const commands = shown(section);
  const needs = (part: RegExp) => commands.some((line) => part.test(line));
  const why =
    notLinux ||
    (needs(/packets\.ts(?!.*(--help|--read))/) && noCapture) ||
    (needs(/^node -e/) && noTerminal);
  test.unless(why)(section.title, async () => {
    const copy = await copyProject();
    if (needs(/^git restore/)) await keep(copy.folder);
    const learner = play(copy, commands);
    try {
      for (const [index, block] of section.blocks.entries()) {
        if (block.language === "diff") await edit(block, copy);
        if (block.language !== "sh") continue;
        const next = section.blocks[index + 1];
        const expected = next?.language === "text" ? next.text : "";
        const lines = block.text.trimEnd().split("\n");
        for (const command of lines)
          await learner.give(command, index, expected);
      }
      await learner.end();
    } finally {
      learner.stop();
    }
    for (const { expected, output } of learner.outputs())
      shows(output, expected, copy.port);
  });
}

/** Lets git know the scripts, so that it can restore them. */
async function keep(folder: string): Promise<void> {
  const git = (...args: string[]) => run("git", args, { cwd: folder });
  await git("init", "--quiet");
  await git("add", ...scripts);
  const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  await git(...author, "commit", "--quiet", "--message=before");
}

/** Does what a diff block says, in the one script where its lines are. */
export async function edit(block: Block, copy: Copy): Promise<void> {
  // The work of a handler that computes takes long with many messages.
  const lines = block.text.replace("1e8", "1e6").trimEnd().split("\n");
  const side = (mark: string) =>
    lines
      .filter((line) => line[0] !== mark)
      .map((line) => line.slice(1))
      .join("\n");
  const [before, after] = [side("+"), side("-")];
  const texts = await Promise.all(
    scripts.map((name) => readFile(join(copy.folder, name), "utf8")),
  );
  const names = scripts.filter((_, index) => texts[index]!.includes(before));
  assert.is(names.length, 1, `one script with these lines:\n${before}`);
  await copy.replace(names[0]!, before, after);
}

/** A command that has been given, and what stands below it. */
interface Run {
  command: string;
  block: number;
  expected: string;
  script: Launched;
}

const isServer = (command: string) => / lecture1_server\w*\.ts/.test(command);

/** A learner with a copy of the project and a few terminals. */
function play({ folder, port }: Copy, commands: string[]) {
  const runs: Run[] = [];
  let keyboard: ReturnType<typeof terminal> | undefined;
  /** A client that waits while the next command is given. */
  let waiting: Promise<unknown> | undefined;

  const lastServer = () => runs.findLast(({ command }) => isServer(command));

  /** The server that still runs: its clients leave, and it is ended with Ctrl+C. */
  async function endServer(): Promise<void> {
    const last = lastServer();
    if (!last || last.script.ended) return;
    const { script, expected } = last;
    await script.sawTimes("closed\n", expected.split("closed\n").length - 1);
    if (!expected || /\^C|^.*\n$/.test(expected)) script.kill("SIGINT");
    await script.exit();
  }

  async function leave(): Promise<void> {
    keyboard?.type("\x03");
    await keyboard?.exit();
    keyboard = undefined;
    await waiting;
    waiting = undefined;
  }

  /** Types what stands there twice, since it comes back; nothing where nothing stands. */
  async function type(command: string, expected: string): Promise<void> {
    keyboard = terminal(command.replace(lecturePort, port), folder);
    if (!expected) {
      await keyboard.exit(20_000);
      return void (keyboard = undefined);
    }
    const [line] = expected.split("\n");
    await lastServer()!.script.saw(/Connected by/);
    keyboard.type(`${line}\n`);
    await keyboard.saw(new RegExp(`${line}\\s+${line}\\s`));
  }

  /** Puts the scripts back as they were. */
  async function restore(command: string): Promise<void> {
    await leave();
    await endServer();
    const [git, ...args] = command.split(" ");
    await run(git!, args, { cwd: folder });
    const status = ["status", "--short", "--untracked-files=no"];
    const { stdout } = await run(git!, status, { cwd: folder });
    assert.is(stdout, "", "a script is still edited");
  }

  async function give(
    command: string,
    block: number,
    expected: string,
  ): Promise<void> {
    if (command === "npm install") return; // is what CI runs
    if (command.startsWith("git restore")) return restore(command);
    if (command.startsWith("node -e")) return type(command, expected);
    const failing = /^lecture1_\w+: /.test(expected);
    if (isServer(command) && !failing) await endServer();
    if (command.startsWith("ss ")) {
      await lastServer()!.script.saw(/Connected/);
      await sleep(500); // and the client has sent, before the server's 2 s are over
    }
    const script = await start(command, folder, port);
    runs.push({ command, block, expected, script });
    if (isServer(command) && !failing) return void (await listening(script));
    const ends = script.exit(60_000);
    if (keyboard && failing) {
      await sleep(1500); // it has connected, and waits for who stays
      await leave();
    } else if (commands.at(commands.indexOf(command) + 1)?.startsWith("ss "))
      return void (waiting = ends);
    const { code } = await ends;
    assert.is(code, failing ? 1 : 0, script.report());
  }

  return {
    give,
    /** Everybody leaves, and the server ends. */
    async end(): Promise<void> {
      await leave();
      await endServer();
    },
    stop: () => keyboard?.stop(),
    /** What the commands of each block have printed, and what stands below it. */
    outputs() {
      const shown = runs.filter(({ command }) => !command.includes("compare"));
      const blocks = [...new Set(shown.map(({ block }) => block))].map(
        (block) => shown.filter((run) => run.block === block),
      );
      return blocks.map((runs) => ({
        expected: runs[0]!.expected,
        output: runs.map(({ script }) => plain(script.all())).join(""),
      }));
    },
  };
}

/** Options that make a run of compare short: its own tests look at what it measures. */
const short = " -n 1 --stay 100 --load 0.1";

/** A command line as it is run here: in the copy, and by plain node instead of `npx tsx`. */
async function start(command: string, folder: string, port: string) {
  const line = command
    .replaceAll(lecturePort, port)
    .replace("npm run compare", "npx tsx scripts/compare.ts")
    .replace(/compare\.ts.*(?<!--help)$/, `$&${short}`);
  const [, script = "", args = ""] = /^npx tsx (\S+)(.*)/.exec(line) ?? [];
  const here = (command: string) =>
    launch(["sh", "-c", `cd '${folder}' && exec ${command}`]);
  if (!script) return here(line);
  const run = script.includes("/")
    ? program(script, folder)
    : await erased(join(folder, script));
  return here(run.map((word) => `'${word}'`).join(" ") + args);
}

// ---- What varies ----------------------------------------------------------

/** Asserts that an output is what stands there, which may leave lines out where it says …. */
export function shows(output: string, expected: string, port = lecturePort) {
  if (!expected) return;
  const whole = expected.split("\n").filter((line) => line !== "…");
  const want = essence(whole.join("\n"), port).split("\n");
  const have = essence(output, port).split("\n");
  if (!/^…$/m.test(expected)) return assert.equal(have, want);
  let from = 0;
  for (const line of want.filter(Boolean)) {
    const found = have.indexOf(line, from);
    assert.ok(found >= 0, `no line ${line}\n${have.join("\n")}`);
    from = found + 1;
  }
}

/** An output without what differs from run to run. */
function essence(output: string, port: string): string {
  const text = output
    .replaceAll(port, lecturePort)
    .replaceAll("^C", "")
    .replace(/('127\.0\.0\.1', )\d+/g, "$1PORT")
    .replace(/(127\.0\.0\.1:)(?!65432)\d+/g, "$1PORT")
    // How many of the four pieces are there when the client looks is chance.
    .replace(/^(Received from server: Hell).+$/m, "$1");
  if (/^State +Recv-Q/.test(text))
    return text.replace(/ +/g, " ").replace(/ $/gm, "");
  if (/│.*│/.test(text)) return essenceOfLadder(text);
  return text;
}

/**
 * The rows of a ladder by kind: how packets and lines come in between is chance.
 * And so is, of the echoes of 4,000 bytes, which of them one ACK confirms, and how
 * many come after the client has read the first and left.
 */
function essenceOfLadder(text: string): string {
  const rows = text
    .replace(/\n {10}│/g, " │") // a packet's further rows belong to the first
    .replace(/\n {12,}(?=[^│\s])/g, " ") // an error on two rows
    .replace(/^ *-?[\d.]+ (?=│| )/gm, "")
    .replace(/(bytes carried|\d바이트);[^]*/, "$1")
    .replace(/[─│ ]+/g, " ")
    .split("\n");
  const kinds = [/▶/, /◀/, /◆.* from server/, /◆/, / client /, / server /];
  const kind = (row: string) => kinds.findIndex((mark) => mark.test(row));
  const sorted = rows.sort((a, b) => kind(a) - kind(b));
  if (!text.includes("Len=4000")) return sorted.join("\n");
  return sorted
    .filter(
      (row) => !/\[ACK\].* Len=0|\[FIN/.test(row) || row.includes("Seq=1 "),
    )
    .join("\n")
    .replace(/(Seq=[1-9]\d*) Ack=\d+/g, "$1")
    .replace(/ confirms the close/g, "")
    .replace(/ +$/gm, "")
    .replace(/^\d+ packets/m, "packets");
}
