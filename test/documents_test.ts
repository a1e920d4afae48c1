/** The documents keep their word: what they show is what comes, and both languages say the same. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { terminal } from "../scripts/compare/terminal.ts";
import { languages } from "../scripts/language.ts";
import { ladder } from "../scripts/packets/ladder.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { projectFile } from "../scripts/project.ts";
import { $ } from "../scripts/zx.ts";
import { told } from "./helpers/runs.ts";
import { suite } from "./helpers/harness.ts";
import { notLinux } from "./helpers/machine.ts";
import { follow, quotes, sectionsOf } from "./helpers/lesson.ts";
import * as packets from "./helpers/packetsTool.ts";
import { nodeCommand } from "./helpers/programs.ts";

const test = suite("the documents");
const names = ["README", "docs/lecture1", "docs/exercises", "docs/reference"];
const english = names.map((name) => sectionsOf(`${name}.md`));
const korean = names.map((name) => sectionsOf(`${name}.ko.md`));
const textOf = (file: string) => readFileSync(projectFile(file), "utf8");

/** A program without comments and empty lines. */
const code = (text: string) =>
  text.replace(/\/\*\*.*?\*\/| *\/\/[^\n]*/gs, "").replace(/^ *\n/gm, "");

test("both languages have the same sections, commands, outputs, figures and names", async () => {
  const parts = ({ title, blocks, prose }: (typeof english)[0][0]) => [
    title.match(/^#+|\d+/g),
    // What packets and compare say is in the language of the page, and quoted below.
    ...blocks.map(({ language, text }) =>
      /│|^…\n(What|무엇)/.test(text) ? language : language + code(text),
    ),
    prose.match(/^(\||>|-|\d+\.|<)|(?<=.)\|/gm), // tables, questions, lists
    prose.match(/\d[\d.,]*\d|\d/g)?.sort(),
    prose
      .replaceAll(".ko.md", ".md")
      .match(/(`+)[^`].*?\1/g)
      ?.sort(),
  ];
  for (const [index, pages] of english.entries())
    for (const [at, section] of pages.entries())
      for (const [part, ours] of parts(section).entries())
        assert.equal(parts(korean[index]![at]!)[part], ours, section.title);
  assert.equal(
    korean.map(({ length }) => length),
    english.map(({ length }) => length),
  );
});

test("every link leads somewhere, the twin's too; pages are short; the lecture takes 90 minutes", async () => {
  /** The anchors that GitHub gives headings. */
  const anchorsOf = (file: string) =>
    sectionsOf(file).map(({ title }) =>
      title
        .toLowerCase()
        .replace(/^#+ |[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    );
  for (const name of names)
    for (const [mine, twin] of [
      [".md", ".ko.md"],
      [".ko.md", ".md"],
    ]) {
      const file = name + mine;
      assert.match(textOf(file), `](${name.split("/").at(-1)}${twin})`);
      const links = /\]\((?!https:)([^)#]*)(?:#([^)]+))?\)/g;
      for (const [, target = "", anchor] of textOf(file).matchAll(links)) {
        const there = target ? join(dirname(file), target) : file;
        assert.ok(existsSync(projectFile(there)), `${file}: ${target}`);
        const found = !anchor || anchorsOf(there).includes(anchor);
        assert.ok(found, `${file}: ${target}#${anchor}`);
      }
      const most = { README: 110, "docs/lecture1": 560 }[name] ?? 600;
      assert.ok(textOf(file).split("\n").length <= most + 1, file);
    }
  for (const [, lecture = []] of [english, korean]) {
    const times = lecture.map(
      ({ title }) => /\((\d+)(분| min)/.exec(title)?.[1],
    );
    assert.is(
      times.reduce((sum, time) => sum + Number(time ?? 0), 0),
      90,
    );
  }
});

test("programs on the page are those of the files, each line of TCP with a comment", async () => {
  for (const [index, [, lecture = []]] of [english, korean].entries()) {
    const blocks = lecture.flatMap(({ blocks }) => blocks);
    const parts = blocks.filter(({ language }) => language === "ts");
    const files = [
      "client",
      "server",
      "server_forever",
      "server_forever_async",
    ];
    assert.is(parts.length, files.length);
    for (const [at, { text }] of parts.entries()) {
      const file = textOf(`lecture1_${files[at]}.ts`);
      const whole = code(file.split("// --- You may stop")[0]!);
      const part = text.replace(/^ *\/\/ …$/gm, "…");
      if (part === text) assert.is(code(text), whole);
      else quotes(code(part), whole);
      const tcp =
        /\b(socket|bind|listen|accept|connect|recv|read|sendall|write|close)\(/;
      for (const line of text.split("\n").filter((line) => tcp.test(line)))
        assert.match(line, index ? /\/\/ .*[가-힣]/ : /\/\/ .*[a-z]/);
    }
  }
});

test("what packets and compare show is recorded, and quoted word for word", async () => {
  const run = JSON.parse(textOf("docs/compare.json"));
  const command =
    /^np(?:m run|x tsx) (?:scripts\/)?(packets|compare)\b(?:\.ts)?(.*)/;
  let count = 0;
  for (const [index, pages] of [english, korean].entries())
    for (const { blocks } of pages.flat())
      for (const [at, { text }] of blocks.entries()) {
        const [, tool, flags = ""] = command.exec(text) ?? [];
        const { language, text: shown = "" } = blocks[at + 1] ?? {};
        if (!tool || language !== "text") continue;
        const [last = "hello"] = /\w+$/.exec(flags) ?? [];
        const name = last === "4000" ? "long" : last; // as packets chooses where it can't capture
        const say = [packets.english, packets.korean][index]!;
        const drawn =
          tool === "compare"
            ? terminal(told(run, languages[index]), 80, true)
            : ladder(pictureOf(packets.recorded(name), say), 80, true);
        quotes(shown, stripVTControlCharacters(drawn));
        count++;
      }
  assert.is(count, 16);
});

test("what stands there can be given: npm's scripts, options, programs of one line", async () => {
  const { scripts } = JSON.parse(textOf("package.json"));
  const text = names.map((name) => textOf(`${name}.md`)).join("\n");
  for (const [, name = ""] of text.matchAll(/npm run (\w+)/g))
    assert.ok(name in scripts, `npm run ${name}`);
  for (const tool of ["compare", "packets"]) {
    const command = nodeCommand(`scripts/${tool}.ts`);
    const { stdout: help } = await $`${command} --help --lang en`;
    const given = text.matchAll(new RegExp(`${tool}\\.ts( [^\`\\n]+)`, "g"));
    for (const [, args = ""] of given)
      for (const flag of args.match(/(?<= )--?\w+/g) ?? [])
        assert.match(help, flag);
    const section = english[3]!.find(({ title }) => title === `## ${tool}`)!;
    const [options = ""] = /^\|(.+\n)+/m.exec(section.prose) ?? [];
    const inTable = options.match(/(?<=^\|[^|]*`)--[a-z]+(?=[^|]*\|)/gm);
    assert.equal(inTable, help.match(/(?<=^ +(-n, .*)?)--\w+/gm));
  }
  // bash, cmd and PowerShell take them as they are.
  for (const [line] of text.matchAll(/^node -e .*/gm))
    assert.match(line, /^node -e "[^"$!`%^]+"$/);
});

test.unless(notLinux)("what the documents tell to do is done", async () => {
  const sections = english.flat();
  const failed: string[] = [];
  const next = async () => {
    for (let it = sections.shift(); it; it = sections.shift())
      await follow(it).catch(({ message }) =>
        failed.push(`${it!.title}: ${message}`),
      );
  };
  await Promise.all([next(), next(), next(), next()]);
  if (failed.length) throw new Error(failed.join("\n"));
});

test.run();
