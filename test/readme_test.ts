/** The lecture keeps its word: every command in it is run, and both languages say the same. */
import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import {
  parseOptions as parseCompare,
  usage as usageOfCompare,
} from "../scripts/compare/options.ts";
import { projectFile } from "../scripts/launch.ts";
import { parseOptions as parsePackets } from "../scripts/packets/options.ts";
import { recordingOf, shipped } from "../scripts/packets/shipped.ts";
import { texts } from "../scripts/packets/texts.ts";
import { suite } from "./harness.ts";
import { shown, testSection } from "./lecture.ts";
import { sectionsOf, type Section } from "./readme.ts";

const test = suite("the lecture");
const english = sectionsOf("README.md");
const korean = sectionsOf("README.ko.md");

// ---- Both languages -------------------------------------------------------

test("both languages have the same sections, commands, outputs and tables", async () => {
  const shape = (sections: Section[]) =>
    sections.map(({ level, blocks, tables }) => ({
      level,
      blocks,
      tables: tables.map((rows) => rows.map((cells) => cells.length)),
    }));
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

const [top, ...sections] = english;
const ci = await readFile(projectFile(".ci/run"), "utf8");

test("what stands at the top comes again below, or is what CI runs", async () => {
  const below = sections.flatMap(shown);
  for (const line of shown(top!)) {
    const command = line.replace("npm install && ", "");
    assert.ok(
      below.includes(command) || ci.split("\n").includes(command),
      command,
    );
  }
});

test("the commands within the text are ones that can be given", async () => {
  const { scripts } = JSON.parse(
    await readFile(projectFile("package.json"), "utf8"),
  );
  const parsers: Record<string, (args: string[]) => unknown> = {
    compare: parseCompare,
    packets: parsePackets,
  };
  for (const { prose } of english)
    for (const [, name = "", args] of prose.matchAll(
      /npm run (\w+)(?: -- ([^`]+))?/g,
    )) {
      assert.ok(name in scripts, `npm run ${name}`);
      if (args) parsers[name]!(args.split(" "));
    }
  for (const { prose } of english)
    for (const [, name = "", args = ""] of prose.matchAll(
      /npx tsx scripts\/(\w+)\.ts ([^`]+)/g,
    ))
      parsers[name]!(args.split(" "));
});

/** The tables below a heading. */
const tablesOf = (title: string) =>
  english.find((section) => section.title === title)!.tables;

/** What stands between backquotes. */
const namesIn = (text = "") =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

test("the tables of options name those that --help names", async () => {
  const usages = { compare: usageOfCompare, packets: texts.en.usage };
  for (const [name, usage] of Object.entries(usages)) {
    const [options] = tablesOf(`npm run ${name}`);
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
  const rows = tablesOf("npm run packets").at(-1)!.slice(2);
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
  const [, table] = tablesOf("npm run packets");
  for (const { install } of Object.values(texts)) {
    const said = Object.values(install).join("\n");
    for (const [, todo] of table!.slice(2))
      for (const command of namesIn(todo)) assert.match(said, command);
  }
});

// compare measures: measured_test.ts runs it while nothing else does.
const measures = (section: Section) =>
  shown(section).includes("npm run compare");
for (const section of sections)
  if (shown(section).length && !measures(section)) testSection(test, section);

test.run();
