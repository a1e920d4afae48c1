/** The lecture keeps its word: every command in it is run, and both languages say the same. */
import {
  cp,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import {
  freePort,
  launch,
  listening,
  projectFile,
  tsxLoader,
  within,
  type Launched,
} from "../scripts/launch.ts";
import { onLinux, suite } from "./harness.ts";
import { sectionsOf, type Block, type Section } from "./readme.ts";
import { runtimes } from "./runtimes.ts";
import { canCapture } from "./tshark.ts";

const test = suite("the lecture");
const english = sectionsOf("README.md");
const korean = sectionsOf("README.ko.md");

// ---- Both languages -------------------------------------------------------

test("both languages have the same sections, commands, outputs and tables", async () => {
  const shape = (sections: Section[]) =>
    sections.map(({ level, blocks, tables }) => ({ level, blocks, tables }));
  assert.equal(shape(korean), shape(english));
});

test("both languages link each other, and give the same figures", async () => {
  assert.match(english[0]!.prose, /\]\(README\.ko\.md\)/);
  assert.match(korean[0]!.prose, /\]\(README\.md\)/);
  for (const [index, { title, prose }] of english.entries()) {
    const numbers = (text: string) =>
      (text.match(/\d[\d.,]*\d|\d/g) ?? []).sort();
    const names = (text: string) => (text.match(/`[^`]+`/g) ?? []).sort();
    const other = korean[index]!.prose;
    assert.equal(numbers(other), numbers(prose), `figures in ${title}`);
    assert.equal(names(other), names(prose), `names in ${title}`);
  }
});

test("every link inside leads somewhere", async () => {
  for (const sections of [english, korean]) {
    const anchors = sections.map(({ title }) => anchorOf(title));
    for (const { prose } of sections)
      for (const [, anchor] of prose.matchAll(/\]\(#([^)]+)\)/g))
        assert.ok(anchors.includes(anchor!), `#${anchor}`);
  }
});

/** The anchor that GitHub gives a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

// ---- Every command --------------------------------------------------------

/** The lecture's port: a learner may be using it, so the copy gets another one. */
const lecturePort = "65432";

const scripts = [
  "lecture1_server.ts",
  "lecture1_server_forever.ts",
  "lecture1_server_forever_async.ts",
  "lecture1_client.ts",
];

/** A copy of the project whose scripts have a free port in the place of the lecture's. */
async function copyProject() {
  const folder = await mkdtemp(join(tmpdir(), "lecture1-readme-"));
  const port = String(await freePort());
  for (const name of ["scripts", "package.json"])
    await cp(projectFile(name), join(folder, name), { recursive: true });
  await symlink(
    projectFile("node_modules"),
    join(folder, "node_modules"),
    "junction",
  );

  for (const name of scripts) {
    const text = await readFile(projectFile(name), "utf8");
    await writeFile(join(folder, name), text.replaceAll(lecturePort, port));
  }

  /** Does what a diff block says, in the one script where its lines are. */
  async function edit({ text }: Block): Promise<void> {
    const lines = text.trimEnd().split("\n");
    const side = (mark: string) =>
      lines
        .filter((line) => line[0] !== mark)
        .map((line) => line.slice(1))
        .join("\n");
    const [before, after] = [side("+"), side("-")];
    let found = 0;
    for (const name of scripts) {
      const script = await readFile(join(folder, name), "utf8");
      found += script.split(before).length - 1;
      await writeFile(
        join(folder, name),
        script.replace(before, () => after),
      );
    }
    assert.is(found, 1, `the lines to edit:\n${before}`);
  }

  return {
    folder,
    port,
    edit,
    remove: () => rm(folder, { recursive: true }),
  };
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
  console.log(`skipped: ${line}`);
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
      else await script.exit(60_000);
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
  if (text.includes("What was measured")) return essenceOfCompare(text);
  if (text.includes("What went over the wire")) return essenceOfLadder(text);
  return text;
}

/** The sentences, table and rows of compare without what was measured. */
function essenceOfCompare(text: string): string {
  return text
    .replace(/; Node v.*/, "") // and the rest of the last line: the machine
    .replace(/[\d.,]+ (ms|s|MB)\b/g, "# $1")
    .replace(/# m?s\b/g, "# TIME")
    .replace(/[\d.,]+( a second| times| more threads)/g, "#$1")
    .replace(/(echoes per second|threads before, with).*/g, "$1")
    .replace(/[─█│┌┐└┘├┤┬┴┼ ]+/g, " ");
}

/** The rows of a ladder by kind: how packets and lines come in between is chance. */
function essenceOfLadder(text: string): string {
  const rows = text
    .replace(/\n {10}│/g, " │") // a packet's further rows belong to the first
    .replace(/^ *-?[\d.]+ (?=│| )/gm, "")
    .replace(/(bytes carried);.*/, "$1")
    .replace(/[─│ ]+/g, " ")
    .split("\n");
  const kinds = ["▶", "◀", "◆", " client ", " server "];
  const kind = (row: string) => kinds.findIndex((mark) => row.includes(mark));
  return rows.sort((a, b) => kind(a) - kind(b)).join("\n");
}

/**
 * The pieces that each side of a ladder sent, by their lengths. Of several echoes
 * the client reads as many as are there and leaves, so what confirms what is chance.
 */
function piecesOf(text: string): string[] {
  return [...text.matchAll(/◀.* Len=\d+|Len=\d+.*▶/g)]
    .map(
      ([row]) => (row.startsWith("◀") ? "◀ " : "▶ ") + /Len=\d+/.exec(row)![0],
    )
    .filter((piece) => !piece.endsWith("=0"));
}

// ---- Section by section ---------------------------------------------------

const [top, ...sections] = english;
const ci = await readFile(projectFile(".ci/run"), "utf8");
const shown = (section: Section) =>
  section.blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trimEnd().split("\n"));

test("what stands at the top comes again below, or is what CI runs", async () => {
  for (const command of shown(top!)) {
    const below = sections
      .flatMap(shown)
      .includes(command.replace("npm install && ", ""));
    assert.ok(below || ci.split("\n").includes(command), command);
  }
});

test("npm run names scripts that are there", async () => {
  const { scripts } = JSON.parse(
    await readFile(projectFile("package.json"), "utf8"),
  );
  for (const { prose } of english)
    for (const [, name] of prose.matchAll(/npm run ([a-z]+)/g))
      assert.ok(name! in scripts, `npm run ${name}`);
});

for (const section of sections.filter((section) => shown(section).length)) {
  const captures = shown(section).some((command) =>
    command.includes("packets"),
  );
  test.when(onLinux && (canCapture || !captures))(section.title, async () => {
    const { folder, port, edit, remove } = await copyProject();
    for (const block of section.blocks)
      if (block.language === "diff") await edit(block);
    const runs = await play(section, folder);
    const outputs = new Map<string, string>();
    for (const run of runs) {
      const { expected } = run;
      outputs.set(expected, (outputs.get(expected) ?? "") + seen(run));
    }
    outputs.delete("");
    for (const [expected, output] of outputs) {
      const pieces = piecesOf(expected); // more than four: the 4,000 bytes
      if (pieces.length > 4) assert.equal(piecesOf(output), pieces);
      else assert.is(essence(output, port), essence(expected, port));
    }
    await remove();
  });
}

test.run();
