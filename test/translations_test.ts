/**
 * The English and the Korean documents agree, as far as a program can compare
 * them.
 */
import * as assert from "uvu/assert";
import {
  pageNames,
  readPage,
  withoutComments,
  type Block,
  type Section,
} from "./helpers/documents.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("English and Korean");

const translations = pageNames.map((name) => ({
  name,
  english: readPage(name, "en").sections,
  korean: readPage(name, "ko").sections,
}));

/**
 * Asserts that something is the same in each section and its translation. Skips
 * pages with different numbers of sections, which have a test of their own.
 */
function expectSame(part: (section: Section) => unknown): void {
  for (const { name, english, korean } of translations) {
    if (english.length !== korean.length) continue;
    for (const [index, section] of english.entries()) {
      const translated = part(korean[index]!);
      assert.equal(translated, part(section), `${name}: ${section.heading}`);
    }
  }
}

/** All matches of a pattern, in the order of the text. */
function findAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([match]) => match);
}

test("every page has the same number of sections", async () => {
  for (const { name, english, korean } of translations) {
    const headings = [...english, ...korean].map(({ heading }) => heading);
    assert.is(korean.length, english.length, [name, ...headings].join("\n"));
  }
});

test("headings have the same level and the same numbers", async () => {
  expectSame(({ heading }) => findAll(heading, /^#+|\d+/g));
});

test("the blocks are the same: commands, outputs, programs", async () => {
  expectSame(({ blocks }) => blocks.map(withoutTexts));
});

/**
 * A block without the texts in the language of its page: the comments of a
 * program, and the outputs of packets and compare, which documents_test.ts
 * compares with the tools.
 */
function withoutTexts({ language, text }: Block): Block {
  const isPacketsOutput = text.includes("│");
  const isCompareOutput = /^…\n(What differed|무엇이)/.test(text);
  if (isPacketsOutput || isCompareOutput) return { language, text: "" };
  return { language, text: withoutComments(text) };
}

test("the tables have the same rows and columns", async () => {
  const isRow = (line: string) => line.startsWith("|");
  const columns = (row: string) => row.split("|").length;
  expectSame(({ prose }) => prose.split("\n").filter(isRow).map(columns));
});

test("questions, lists and folded parts are in the same order", async () => {
  const lineStart = /^(?:\||>|-|\d+\.|<)/gm;
  expectSame(({ prose }) => findAll(prose, lineStart));
});

test("the same numbers are in the text", async () => {
  const number = /\d[\d.,]*\d|\d/g;
  expectSame(({ prose }) => findAll(prose, number).sort());
});

test("the same names are in code font", async () => {
  const codeSpan = /(`+)[^`].*?\1/g;
  expectSame(({ prose }) => {
    const text = prose.replaceAll(".ko.md", ".md");
    return findAll(text, codeSpan).sort();
  });
});

test.run();
