/**
 * The documents are right about the project: links, programs, outputs,
 * commands.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { terminalText } from "../scripts/compare/terminal.ts";
import { languages, type Language } from "../scripts/language.ts";
import { ladder } from "../scripts/packets/ladder.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { projectFile } from "../scripts/project.ts";
import { $ } from "../scripts/zx.ts";
import {
  allPages,
  expectQuote,
  pageFile,
  pageNames,
  readPage,
  withoutComments,
} from "./helpers/documents.ts";
import { suite } from "./helpers/harness.ts";
import * as packets from "./helpers/packetsTool.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { reportOf } from "./helpers/runs.ts";

const test = suite("the documents");

const pages = allPages();
const allText = pages.map(({ text }) => text).join("\n");

function readProject(file: string): string {
  return readFileSync(projectFile(file), "utf8");
}

// Links

interface Link {
  /** The file's path from the project's folder. */
  file: string;
  /** The heading's anchor; undefined if the link leads to the whole file. */
  anchor: string | undefined;
}

/** The links of a page to files of the project. */
function linksOf(page: { file: string; text: string }): Link[] {
  const link = /\]\((?!https:)(?<target>[^)#]*)(?:#(?<anchor>[^)]+))?\)/g;
  return [...page.text.matchAll(link)].map(({ groups }) => {
    const { target, anchor } = groups!;
    const file = target ? join(dirname(page.file), target) : page.file;
    return { file, anchor };
  });
}

/** The anchor that GitHub gives a heading: "## The tests" has "the-tests". */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

test("every link leads to a file", async () => {
  for (const page of pages)
    for (const { file } of linksOf(page))
      assert.ok(existsSync(projectFile(file)), `${page.file}: ${file}`);
});

test("every link to a part of a page leads to a heading", async () => {
  for (const page of pages)
    for (const { file, anchor } of linksOf(page)) {
      if (!anchor) continue;
      const target = pages.find((page) => join(page.file) === join(file));
      const anchors = target?.sections.map(({ heading }) => anchorOf(heading));
      const message = `${page.file}: ${file}#${anchor}`;
      assert.ok(anchors?.includes(anchor), message);
    }
});

test("every page has a link to itself in the other language", async () => {
  for (const { name, language, text } of pages) {
    const other = language === "en" ? "ko" : "en";
    assert.match(text, `](${basename(pageFile(name, other))})`);
  }
});

// Length

const limits = [
  { name: "README", lines: 110 },
  { name: "docs/exercises", lines: 600 },
  { name: "docs/reference", lines: 600 },
];

for (const { name, lines } of limits)
  test(`${name} has at most ${lines} lines`, async () => {
    for (const language of languages) {
      const { file, text } = readPage(name, language);
      const found = text.trimEnd().split("\n").length;
      assert.ok(found <= lines, `${file} has ${found}`);
    }
  });

test("the sections of the lecture take 80 minutes in all", async () => {
  for (const language of languages) {
    const { file, sections } = readPage("docs/lecture1", language);
    let sum = 0;
    for (const { heading } of sections) {
      const time = /\((?<minutes>\d+)(?:분| min)/.exec(heading);
      sum += Number(time?.groups!.minutes ?? 0);
    }
    assert.is(sum, 80, file);
  }
});

test("the lecture says how many minutes it takes", async () => {
  const duration = { en: /80 minutes.*10 more/, ko: /80분.*10분/ };
  for (const language of languages)
    assert.match(readPage("docs/lecture1", language).text, duration[language]);
});

// Programs

/** The programs in the order in which the lecture shows them. */
const shownPrograms = [
  "lecture1_client.ts",
  "lecture1_server.ts",
  "lecture1_server_forever.ts",
  "lecture1_server_forever_async.ts",
];

/** The programs that the lecture shows, as they are on the page. */
function programsIn(language: Language): string[] {
  const { sections } = readPage("docs/lecture1", language);
  const blocks = sections.flatMap(({ blocks }) => blocks);
  const programs = blocks.filter(({ language }) => language === "ts");
  return programs.map(({ text }) => text);
}

test("the lecture shows each of the four programs once", async () => {
  for (const language of languages)
    assert.is(programsIn(language).length, shownPrograms.length, language);
});

for (const [index, file] of shownPrograms.entries())
  test(`the lecture shows ${file} as it is`, async () => {
    const [upperPart = ""] = readProject(file).split("// --- You can stop");
    const program = withoutComments(upperPart);

    for (const language of languages) {
      const shown = programsIn(language)[index]!;
      // A comment with only … stands for lines that are left out.
      const quote = shown.replace(/^ *\/\/ …$/gm, "…");
      const isWhole = quote === shown;
      if (isWhole) assert.is(withoutComments(shown), program, language);
      else expectQuote(withoutComments(quote), program);
    }
  });

test("every call of TCP has a comment in the page's language", async () => {
  const call =
    /\b(socket|bind|listen|accept|connect|recv|read|sendall|write|close)\(/;
  const comments = { en: /\/\/ .*[a-z]/, ko: /\/\/ .*[가-힣]/ };
  for (const language of languages)
    for (const line of programsIn(language).join("").split("\n")) {
      const isCommented = comments[language].test(line);
      if (call.test(line)) assert.ok(isCommented, `${language}: ${line}`);
    }
});

// Outputs

/** A command of packets or compare on a page, and the output below it. */
interface ToolOutput {
  tool: string;
  args: string;
  output: string;
}

function toolOutputs(language: Language): ToolOutput[] {
  const command =
    /^(npx tsx scripts\/|npm run )(?<tool>packets|compare)(\.ts)?\b(?<args>.*)/;
  const found: ToolOutput[] = [];
  for (const name of pageNames)
    for (const { blocks } of readPage(name, language).sections)
      for (const [index, { text }] of blocks.entries()) {
        const next = blocks[index + 1];
        const { tool, args } = command.exec(text)?.groups ?? {};
        if (!tool || next?.language !== "text") continue;
        found.push({ tool, args: args!, output: next.text });
      }
  return found;
}

/**
 * The name of the recording that packets shows if it can't capture: the last
 * word of the options, as in --show lossy and --robot; long for --bytes 4000.
 */
function recordingFor(args: string): string {
  const lastWord = /\w+$/.exec(args)?.[0];
  if (!lastWord) return "hello";
  return lastWord === "4000" ? "long" : lastWord;
}

test("what packets shows is in its recordings, word for word", async () => {
  for (const language of languages) {
    const outputs = toolOutputs(language);
    const shown = outputs.filter(({ tool }) => tool === "packets");
    assert.is(shown.length, 8, language);

    const texts = { en: packets.english, ko: packets.korean }[language];
    for (const { args, output } of shown) {
      const recording = packets.recorded(recordingFor(args));
      const drawing = ladder(pictureOf(recording, texts), {
        columns: 80,
        drawsLines: true,
      });
      expectQuote(output, stripVTControlCharacters(drawing));
    }
  }
});

test("what compare shows is in docs/compare.json, word for word", async () => {
  const run = JSON.parse(readProject("docs/compare.json"));
  for (const language of languages) {
    const outputs = toolOutputs(language);
    const shown = outputs.filter(({ tool }) => tool === "compare");
    assert.is(shown.length, 1, language);

    const report = reportOf(run, language);
    const drawing = terminalText(report, { columns: 80, ascii: false });
    expectQuote(shown[0]!.output, stripVTControlCharacters(drawing));
  }
});

// Commands

test("every script of npm that is named is in package.json", async () => {
  const { scripts } = JSON.parse(readProject("package.json"));
  for (const { groups } of allText.matchAll(/npm run (?<name>\w+)/g))
    assert.ok(groups!.name! in scripts, `npm run ${groups!.name}`);
});

test("every program that a command starts is there", async () => {
  for (const { groups } of allText.matchAll(/npx tsx (?<file>\S+\.ts)/g))
    assert.ok(existsSync(projectFile(groups!.file!)), groups!.file);
});

for (const tool of ["compare", "packets", "beside"]) {
  async function readHelp(): Promise<string> {
    const command = nodeCommand(`scripts/${tool}.ts`);
    const { stdout } = await $`${command} --help --lang en`;
    return stdout;
  }

  test(`${tool} has every option that a command gives it`, async () => {
    const options: string[] = (await readHelp()).match(/-\w\b|--\w+/g) ?? [];

    const command = new RegExp(`${tool}\\.ts(?<args> [^\`\\n]+)`, "g");
    for (const { groups } of allText.matchAll(command))
      for (const [option] of groups!.args!.matchAll(/(?<= )--?\w+/g))
        assert.ok(options.includes(option), option);
  });

  test(`the reference lists the options of ${tool} in its order`, async () => {
    const help = await readHelp();

    // Lines of the help: "  -n, --clients N" and "      --load SECONDS".
    const inHelp = help.match(/(?<=^ +(-n, )?)--\w+/gm);
    assert.equal(optionsInReference(tool), inHelp);
  });
}

/**
 * The long options in the first column of a tool's first table in the
 * reference.
 */
function optionsInReference(tool: string): string[] {
  const { sections } = readPage("docs/reference", "en");
  const section = sections.find(({ heading }) => heading === `## ${tool}`)!;
  const table = /^(?:\|.*\n)+/m.exec(section.prose)?.[0] ?? "";
  const firstCells = table.split("\n").map((row) => row.split("|")[1] ?? "");
  return firstCells.flatMap((cell) => cell.match(/--[a-z]+/g) ?? []);
}

test("bash, cmd and PowerShell read every node -e line alike", async () => {
  const sameEverywhere = /^node -e "[^"$!`%^]+"$/;
  for (const [line] of allText.matchAll(/^node -e .*/gm))
    assert.match(line, sameEverywhere);
});

test.run();
