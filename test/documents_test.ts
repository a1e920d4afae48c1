/** The documents keep their word: every command in them is run, and both languages say the same. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import {
  parseOptions as parseCompare,
  usage as usageOfCompare,
} from "../scripts/compare/options.ts";
import { languages, type Language } from "../scripts/old/language.ts";
import { launch, projectFile } from "../scripts/processes.ts";
import { ladder, originOf, printedLines } from "../scripts/packets/ladder.ts";
import { parseOptions as parsePackets } from "../scripts/packets/options.ts";
import {
  recordingOf,
  shipped,
  shippedNames,
} from "../scripts/packets/shipped.ts";
import { texts } from "../scripts/packets/texts.ts";
import { documents, koreanTwin, sectionsOf } from "./documents.ts";
import { program, suite } from "./harness.ts";
import { shown, shows, testSection } from "./lecture.ts";
import { runtimes } from "./runtimes.ts";

const test = suite("the documents");
const plain = stripVTControlCharacters;

const [readme, lecture, reference] = documents.map(sectionsOf);
const files = documents.flatMap((file) => [file, koreanTwin(file)]);

// ---- Both languages -------------------------------------------------------

/** What compare and packets print is in the language of the page. */
const speaks = (text: string) =>
  Object.values(texts).some(({ wire }) => text.includes(wire)) ||
  /│client +server│|│클라이언트|══/.test(text);

for (const file of documents) {
  const english = sectionsOf(file);
  const korean = sectionsOf(koreanTwin(file));

  test(`${file}: both languages have the same sections, commands, outputs and tables`, async () => {
    const shape = (sections: typeof english) =>
      sections.map(({ level, blocks, tables }) => ({
        level,
        blocks: blocks.map((block) => ({
          ...block,
          text: speaks(block.text) ? "" : block.text,
        })),
        tables: tables.map((rows) => rows.map((cells) => cells.length)),
      }));
    assert.equal(shape(korean), shape(english));
  });

  test(`${file}: both languages give the same figures and names`, async () => {
    for (const [index, { title, prose }] of english.entries()) {
      const numbers = (text: string) =>
        (text.match(/\d[\d.,]*\d|\d/g) ?? []).sort();
      const names = (text: string) =>
        (text.match(/(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)/g) ?? []).sort();
      const other = korean[index]!.prose.replaceAll(".ko.md", ".md");
      assert.equal(numbers(other), numbers(prose), `figures in ${title}`);
      assert.equal(names(other), names(prose), `names in ${title}`);
    }
  });
}

test("every link leads somewhere", async () => {
  for (const file of files)
    for (const { prose } of sectionsOf(file))
      for (const [, target = "", anchor] of prose.matchAll(
        /\]\((?!https:)([^)#]*)(?:#([^)]+))?\)/g,
      )) {
        const path = join(dirname(file), target);
        const there = target ? path : file;
        assert.ok(existsSync(projectFile(there)), `${file}: ${target}`);
        if (!anchor) continue;
        const anchors = sectionsOf(there).map(({ title }) => anchorOf(title));
        assert.ok(anchors.includes(anchor), `${file}: ${target}#${anchor}`);
      }
});

/** The anchor that GitHub gives a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

test("every page links its twin, and the front page is short", async () => {
  for (const file of documents) {
    const twin = koreanTwin(file);
    const link = (from: string, to: string) =>
      assert.ok(
        sectionsOf(from)[0]!.prose.includes(
          `](${relative(dirname(from), to)})`,
        ),
        `${from} doesn't link ${to}`,
      );
    link(file, twin);
    link(twin, file);
  }
  for (const file of ["README.md", "README.ko.md"]) {
    const text = await readFile(projectFile(file), "utf8");
    assert.ok(text.split("\n").length <= 131, `${file} has over 130 lines`);
  }
});

// ---- What stands there ----------------------------------------------------

/** The recordings as packets shows them in 80 columns. */
async function drawn(lang: Language) {
  const view = { columns: 80, texts: texts[lang], ascii: false };
  return Promise.all(
    shippedNames.map(async (name) => {
      const recording = recordingOf(await shipped(name));
      const { printed, wire } = texts[lang];
      const lines = recording.lines.length
        ? [printed, printedLines(recording, view)]
        : [];
      const rows = [
        ...[...lines, wire, ladder(recording, view)],
        originOf(recording, texts[lang]),
      ];
      return { name, text: plain(rows.join("\n")) };
    }),
  );
}

test("what packets shows is a recorded run, in the language of the page", async () => {
  const found: Record<string, string[]> = {};
  for (const lang of languages) {
    const all = await drawn(lang);
    for (const file of documents)
      for (const { blocks } of sectionsOf(
        lang === "ko" ? koreanTwin(file) : file,
      ))
        for (const { text } of blocks.filter(({ text }) => /│.*│/.test(text)))
          if (speaks(text) && !text.includes("══")) {
            const name = all.find((one) => isOf(text, one.text))?.name;
            assert.ok(name, `${lang}: no recording shows\n${text}`);
            (found[lang] ??= []).push(name);
          }
  }
  assert.equal(found.ko, found.en);
  assert.ok(found.en!.length > 5);
});

function isOf(text: string, whole: string): boolean {
  try {
    shows(whole, `${text}…\n`);
    return true;
  } catch {
    return false;
  }
}

test("what compare shows is the saved run, in the language of the page", async () => {
  for (const lang of languages) {
    const file = "docs/lecture1.md";
    const page = sectionsOf(lang === "ko" ? koreanTwin(file) : file);
    const [block] = page.flatMap(({ blocks }) =>
      blocks.filter(({ text }) => text.includes("══")),
    );
    const script = launch([
      ...program("scripts/compare.ts"),
      ...["--from", projectFile("docs/compare.json"), "--lang", lang],
    ]);
    assert.is((await script.exit()).code, 0);
    const rows = plain(script.output.stdout).split("\n");
    const lines = block!.text.trimEnd().split("\n");
    const at = rows.indexOf(lines[0]!);
    assert.equal(lines, rows.slice(at, at + lines.length), lang);
  }
});

// ---- Every command --------------------------------------------------------

test("the commands of the front page are in the lecture, or what CI runs", async () => {
  const ci = await readFile(projectFile(".ci/run"), "utf8");
  const elsewhere = [...lecture!, ...reference!].flatMap(shown);
  for (const command of readme!.flatMap(shown))
    assert.ok(
      elsewhere.includes(command) || ci.split("\n").includes(command),
      command,
    );
  const table = readme!.flatMap(({ tables }) => tables.flat(2)).join("\n");
  for (const { name } of runtimes)
    assert.match(table, new RegExp(`\`${name.split(" ")[0]} .*lecture1_`));
});

test("the commands within the text are ones that can be given", async () => {
  const { scripts } = JSON.parse(
    await readFile(projectFile("package.json"), "utf8"),
  );
  assert.match(scripts.compare, /scripts\/compare\.ts$/);
  const parsers: Record<string, (args: string[]) => unknown> = {
    compare: parseCompare,
    packets: parsePackets,
  };
  for (const { prose } of [...readme!, ...lecture!, ...reference!]) {
    for (const [, name = ""] of prose.matchAll(/`npm run (\w+)/g))
      assert.ok(name in scripts, `npm run ${name}`);
    for (const [, name = "", args = ""] of prose.matchAll(
      /npx tsx scripts\/(\w+)\.ts ([^`]+)/g,
    ))
      parsers[name]!(args.replace("FOLDER", "docs").split(" "));
  }
});

/** The tables below a heading of the reference. */
const tablesOf = (title: string) =>
  reference!.find((section) => section.title === title)!.tables;

/** What stands between backquotes. */
const namesIn = (text = "") =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

test("the tables of options name those that --help names", async () => {
  const usages = { compare: usageOfCompare, packets: texts.en.usage };
  for (const [name, usage] of Object.entries(usages)) {
    const [options] = tablesOf(name);
    const inTable = options!.slice(2).flatMap(([cell]) => namesIn(cell));
    const lines = [
      ...usage.matchAll(/^ +(?:(-n), )? *(--[a-z]+(?: [A-Z]+)?)/gm),
    ];
    const inUsage = lines.flatMap(([, short, long]) => [short, long]);
    assert.equal(inTable, inUsage.filter(Boolean));
  }
});

test("the table of packets' JSON names its fields", async () => {
  const hello = recordingOf(await shipped("hello"));
  const lossy = recordingOf(await shipped("lossy"));
  const rows = tablesOf("packets").at(-1)!.slice(2);
  const inTable = rows
    .flatMap(([cell]) => namesIn(cell))
    .map((name) => name.replace(/^\./, "").replace("[]", ""));
  const packets = [...hello.packets, ...lossy.packets];
  const ofPackets = packets.flatMap(Object.keys);
  const fields = new Set([...Object.keys(hello), "captured", ...ofPackets]);
  assert.equal(inTable.sort(), [...fields].sort());
  for (const list of ["connections", "lines", "run"] as const) {
    const [, meaning] = rows.find(([cell]) => cell!.includes(list))!;
    for (const key of Object.keys([hello[list]].flat()[0]!))
      assert.ok(namesIn(meaning).includes(key), `${list}: ${key}`);
  }
});

test("what to install stands in the table as packets says it", async () => {
  const [, table] = tablesOf("packets");
  for (const { install } of Object.values(texts)) {
    const said = Object.values(install).join("\n");
    for (const [, todo] of table!.slice(2))
      for (const command of namesIn(todo)) assert.match(said, command);
  }
});

// What `npm run compare` finds, compare_test.ts sees.
for (const section of [...lecture!, ...reference!])
  if (shown(section).some((command) => command !== "npm run compare"))
    testSection(test, section);

test.run();
