/** Runs the commands of the lecture, and compares what they print with what stands there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import {
  launch,
  listening,
  tsxLoader,
  type Launched,
} from "../scripts/launch.ts";
import { copyProject, lecturePort, scripts } from "./copy.ts";
import { notLinux, tellSkipped, type suite } from "./harness.ts";
import type { Block, Section } from "./readme.ts";
import { runtimes } from "./runtimes.ts";
import { noCapture } from "./tshark.ts";

type Copy = Awaited<ReturnType<typeof copyProject>>;

/** The commands of a section. */
export function shown({ blocks }: Section): string[] {
  return blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trimEnd().split("\n"));
}

/** A test that does what a section says, in a copy of the project, and sees what it shows. */
export function testSection(test: ReturnType<typeof suite>, section: Section) {
  const captures = shown(section).some((command) =>
    command.includes("packets"),
  );
  test.unless(notLinux || (captures && noCapture))(section.title, async () => {
    const copy = await copyProject();
    for (const block of section.blocks)
      if (block.language === "diff") await edit(block, copy);
    const outputs = new Map<string, string>();
    for (const run of await play(section, copy.folder)) {
      const { expected } = run;
      outputs.set(expected, (outputs.get(expected) ?? "") + seen(run));
    }
    outputs.delete("");
    for (const [expected, output] of outputs)
      assert.is(essence(output, copy.port), essence(expected, copy.port));
  });
}

/** Does what a diff block says, in the one script where its lines are. */
export async function edit(block: Block, copy: Copy): Promise<void> {
  const lines = block.text.trimEnd().split("\n");
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

/** A command line as it is run here: in the copy, without npm install and npx. */
function start(command: string, folder: string): Launched | undefined {
  const line = command.replace(/\s+#.*/, "").replace("npm install && ", "");
  const tsx = [process.execPath, ...tsxLoader].map((word) => `'${word}'`);
  const direct = withRuntime(line.replace(/^npx tsx /, `${tsx.join(" ")} `));
  return direct
    ? launch(["sh", "-c", `cd '${folder}' && exec ${direct}`])
    : undefined;
}

/** The line with the full path of node, deno or bun in it; undefined where that is missing. */
function withRuntime(line: string): string | undefined {
  const [name = ""] = line.split(" ");
  const runtime = runtimes.find(
    (runtime) => runtime.name.split(" ")[0] === name,
  );
  if (!runtime) return line;
  if (runtime.program) return line.replace(name, runtime.program);
  tellSkipped(`no ${runtime.name} on the PATH`, "the lecture", line);
  return undefined;
}

const isServer = (command: string) =>
  /^(?!npm).* lecture1_server\w*\.ts/.test(command);

/** A command that has been run, and what stands below it in the lecture. */
interface Run {
  script: Launched;
  command: string;
  expected: string;
}

/** Runs the commands of a section in their order. */
async function play({ blocks }: Section, folder: string): Promise<Run[]> {
  const runs: Run[] = [];
  for (const [index, { language, text }] of blocks.entries()) {
    if (language !== "sh") continue;
    const next = blocks[index + 1];
    const expected = next?.language === "text" ? next.text : "";
    for (const command of text.trimEnd().split("\n")) {
      if (isServer(command)) await endServer(runs);
      const script = start(command, folder);
      if (!script) continue;
      runs.push({ script, command, expected });
      if (isServer(command)) await listening(script);
      else {
        const { code } = await script.exit(60_000);
        const failing =
          /^lecture1_client: connect E[A-Z]+ /m.test(expected) &&
          !/^npm/.test(command);
        assert.is(code, failing ? 1 : 0, script.report());
      }
    }
  }
  await endServer(runs);
  return runs;
}

/** Ends the server that still runs: with Ctrl+C, when it has seen all its clients leave. */
async function endServer(runs: Run[]): Promise<void> {
  const run = runs.findLast(({ command }) => isServer(command));
  if (!run || run.script.ended) return;
  const { script, expected } = run;
  await script.sawTimes("closed\n", expected.split("closed\n").length - 1);
  if (!expected || expected.includes("^C")) script.kill("SIGINT");
  await script.exit();
}

const plain = stripVTControlCharacters;

/** What a person sees of a run in a terminal; npm's own lines and the progress aside. */
function seen({ script, command }: Run): string {
  if (!command.startsWith("npm ")) return plain(script.all());
  return plain(script.output.stdout).replace(/^\n(> .*\n)+\n/, "");
}

// ---- What varies ----------------------------------------------------------

/** An output without what differs from run to run. */
function essence(output: string, port: string): string {
  const text = output
    .replaceAll(port, lecturePort)
    .replaceAll("^C", "")
    .replace(/('127\.0\.0\.1', )\d+/g, "$1PORT")
    .replace(/(127\.0\.0\.1:)(?!65432)\d+/g, "$1PORT")
    // How many of the four pieces are there when the client looks is chance.
    .replace(/^(Received from server: Hell).+$/m, "$1");
  if (text.includes("While one client stays")) return essenceOfCompare(text);
  if (text.includes("What went over the wire")) return essenceOfLadder(text);
  return text;
}

/** The sentences, table and rows of compare without what was measured. */
function essenceOfCompare(text: string): string {
  return (
    text
      .replace(/\n {2}(?=\S)/g, " ") // a sentence on two lines
      .replace(/; Node v[^]*?took [\d.]+ s/, "") // the machine
      .replace(/<?[\d.,]+ (ms|s|MB)\b/g, "# $1")
      .replace(/# m?s\b/g, "# TIME")
      .replace(/(echoes\/s, \d+ connections?).*/g, "$1")
      // Which one is the faster, and how clearly, is chance beside other programs.
      .replace(/(Echoes\/s of) .*/, "$1")
      .replace(/^- (Other programs|.*: the windows differ).*\n/gm, "")
      .replace(/[─█·│┌┐└┘├┤┬┴┼ ]+/g, " ")
  );
}

/**
 * The rows of a ladder by kind: how packets and lines come in between is chance.
 * And so is, of the echoes of 4,000 bytes, which of them one ACK confirms, and how
 * many come after the client has read the first and left.
 */
function essenceOfLadder(text: string): string {
  const rows = text
    .replace(/\n {10}│/g, " │") // a packet's further rows belong to the first
    .replace(/^ *-?[\d.]+ (?=│| )/gm, "")
    .replace(/(bytes carried);.*/, "$1")
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
