/**
 * The project's documents as pages, sections and blocks, in English and in
 * Korean.
 */
import { readFileSync } from "node:fs";
import { languages, type Language } from "../../scripts/language.ts";
import { projectFile } from "../../scripts/project.ts";

/** A fenced block: between ``` and ```. */
export interface Block {
  /**
   * The word after the first ```: sh for commands, text for an output, diff
   * for an edit.
   */
  language: string;
  text: string;
}

/** A heading and everything up to the next one. */
export interface Section {
  /** The whole line of the heading: "## Get ready (5 minutes)". */
  heading: string;
  blocks: Block[];
  /** The whole section without its blocks; it begins with the heading. */
  prose: string;
}

/** One Markdown file. */
export interface Page {
  /** Its path without the language: "docs/lecture1". */
  name: string;
  /** Its path from the project's folder: "docs/lecture1.ko.md". */
  file: string;
  language: Language;
  text: string;
  sections: Section[];
}

/** The pages' names. Each page exists in every language. */
export const pageNames = [
  "README",
  "docs/lecture1",
  "docs/exercises",
  "docs/reference",
];

/**
 * The path of a page in one language, from the project's folder.
 *
 * @param name the page's path without language and .md: "docs/lecture1"
 */
export function pageFile(name: string, language: Language): string {
  return language === "en" ? `${name}.md` : `${name}.${language}.md`;
}

/**
 * Reads a page in one language.
 *
 * @param name the page's path without language and .md: "docs/lecture1"
 * @throws Error when there is no such page
 */
export function readPage(name: string, language: Language): Page {
  const file = pageFile(name, language);
  const text = readFileSync(projectFile(file), "utf8");
  return { name, file, language, text, sections: sectionsOf(text) };
}

/** All pages in all languages. */
export function allPages(): Page[] {
  return languages.flatMap((language) =>
    pageNames.map((name) => readPage(name, language)),
  );
}

function sectionsOf(markdown: string): Section[] {
  const fenced = /^```(?<language>\w*)\n(?<text>.*?)^```$/gms;
  return markdown.split(/^(?=#+ )/m).map((section) => {
    const blocks = [...section.matchAll(fenced)].map(({ groups }) => ({
      language: groups!.language!,
      text: groups!.text!,
    }));
    const heading = section.split("\n")[0]!;
    return { heading, blocks, prose: section.replace(fenced, "") };
  });
}

/**
 * A program without its comments and empty lines, which may differ on a page.
 */
export function withoutComments(code: string): string {
  const docstring = /\/\*\*.*?\*\//gs;
  const comment = / *\/\/.*/g;
  const emptyLine = /^ *\n/gm;
  return code
    .replace(docstring, "")
    .replace(comment, "")
    .replace(emptyLine, "");
}

/**
 * Asserts that a text quotes an output word for word and in its order. A line
 * with only … stands for lines that are left out. At the beginning and at the
 * end, lines may be left out without it.
 *
 * @param quote whole lines, the last one with its newline
 * @throws Error with the first part of the quote that isn't found
 */
export function expectQuote(quote: string, output: string): void {
  const lines = output.split("\n");
  let start = 0;
  for (const part of quote.split(/^…\n/m)) {
    const quoted = part.split("\n").slice(0, -1);
    const found = findLines(lines, quoted, start);
    if (found === -1)
      throw new Error(`not in the output, or not in this order:\n${part}`);
    start = found + quoted.length;
  }
}

/**
 * The index from which lines are as wanted, `start` or later; -1 if there is
 * none.
 */
function findLines(lines: string[], wanted: string[], start: number): number {
  for (let index = start; index <= lines.length - wanted.length; index++) {
    const isHere = wanted.every((line, at) => line === lines[index + at]);
    if (isHere) return index;
  }
  return -1;
}
