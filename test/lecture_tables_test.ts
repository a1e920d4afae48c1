/**
 * The lecture's tables of lines: each has all lines of the Python original, and
 * beside them those of the port, both in their order.
 */
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { languages } from "../scripts/language.ts";
import { findOriginal } from "../scripts/originals.ts";
import { projectFile } from "../scripts/project.ts";
import { readPage } from "./helpers/documents.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("the lecture's tables of lines");

/** The code in the two columns of a table. */
interface LinesTable {
  python: string[];
  typescript: string[];
}

/** The programs in the order of their tables, without .ts. */
const programs = ["lecture1_client", "lecture1_server"];

/** The tables of a page whose first column is headed "Python". */
function tablesOf(text: string): LinesTable[] {
  const table = /^\| Python .*\n\| -.*\n(?<rows>(?:\|.*\n)+)/gm;
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

for (const [index, name] of programs.entries()) {
  const file = findOriginal(
    process.env.LECTURE1_ORIGINALS ?? "originals",
    name,
  );
  const why = !file && `no ${name}.py in LECTURE1_ORIGINALS`;

  for (const language of languages) {
    const { text } = readPage("docs/lecture1", language);

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
