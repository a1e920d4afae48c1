/**
 * The tables that put Python beside TypeScript. The lecture has the syntax that
 * a Python reader meets in the programs. The reference has all lines of the
 * Python originals, and beside them those of the port, both in their order.
 */
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { programFiles } from "../scripts/copyProject.ts";
import { languages, type Language } from "../scripts/language.ts";
import { findOriginal } from "../scripts/originals.ts";
import { projectFile } from "../scripts/project.ts";
import { readPage } from "./helpers/documents.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("the tables of Python and TypeScript");

/** The code in the two columns of a table. */
interface LinesTable {
  python: string[];
  typescript: string[];
}

/** The programs in the order of the reference's tables, without .ts. */
const programs = ["lecture1_client", "lecture1_server"];

/** The tables of a text whose first two columns are Python and TypeScript. */
function tablesOf(text: string): LinesTable[] {
  const table = /^\| Python +\| TypeScript .*\n\| -.*\n(?<rows>(?:\|.*\n)+)/gm;
  return [...text.matchAll(table)].map(({ groups }) => {
    const rows = groups!.rows!.trimEnd().split("\n");
    const cells = rows.map((row) => row.split(" | "));
    return {
      python: cells.flatMap(([first = ""]) => codeIn(first)),
      typescript: cells.flatMap(([, second = ""]) => codeIn(second)),
    };
  });
}

/** What is between ` and ` in a cell, or between `` and ``. */
function codeIn(cell: string): string[] {
  const spans = cell.matchAll(/(?<quotes>`+)(?<code>.*?[^`])\k<quotes>(?!`)/g);
  return [...spans].map(({ groups }) => groups!.code!);
}

/** A pattern for code without spaces, in which … is any code. */
function patternOf(code: string): string {
  const parts = code.replace(/\s/g, "").split("…");
  const escaped = parts.map((part) =>
    part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
  return escaped.join(".*?");
}

/** The upper parts of all programs, and the edits of the homework. */
function codeToRead(language: Language): string {
  const upperParts = programFiles.map((file) => {
    const text = readFileSync(projectFile(file), "utf8");
    return text.split("// --- You can stop")[0]!;
  });
  const pages = ["docs/lecture1", "docs/exercises"].flatMap((name) =>
    readPage(name, language).sections.flatMap(({ blocks }) => blocks),
  );
  return [...upperParts, ...pages.map(({ text }) => text)].join("\n");
}

for (const language of languages)
  test(`eight kinds of syntax, ${language}`, async () => {
    const { text } = readPage("docs/lecture1", language);
    const tables = tablesOf(text);
    assert.is(tables.length, 1);

    const code = codeToRead(language).replace(/\s/g, "");
    const { python, typescript } = tables[0]!;
    assert.is(python.length, 8);
    for (const part of typescript)
      assert.match(code, new RegExp(patternOf(part), "s"));
  });

for (const [index, name] of programs.entries()) {
  const file = findOriginal(
    process.env.LECTURE1_ORIGINALS ?? "originals",
    name,
  );
  const why = !file && `no ${name}.py in LECTURE1_ORIGINALS`;

  for (const language of languages) {
    const { text } = readPage("docs/reference", language);

    test(`${name}: the port's lines, ${language}`, async () => {
      const { typescript } = tablesOf(text)[index]!;
      const port = readFileSync(projectFile(`${name}.ts`), "utf8");
      const code = port.replace(/\s/g, "");

      const pattern = typescript.map(patternOf).join(".*?");
      assert.match(code, new RegExp(pattern, "s"));
    });

    test.unless(why)(`${name}: all lines of Python, ${language}`, async () => {
      const { python } = tablesOf(text)[index]!;
      const original = readFileSync(file!, "utf8");
      const code = original.replace(/#.*|\s/g, "");

      const pattern = python.map(patternOf).join("");
      assert.match(code, new RegExp(`^${pattern}$`, "s"));
    });
  }
}

test.run();
