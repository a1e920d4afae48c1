/** Takes the documents apart: headings, commands, outputs, edits, tables. */
import { readFileSync } from "node:fs";
import { projectFile } from "../scripts/processes.ts";

/** What there is to read, in English; each has a twin in Korean. */
export const documents = ["README.md", "docs/lecture1.md", "docs/reference.md"];

export function koreanTwin(file: string): string {
  return file.replace(/md$/, "ko.md");
}

/** A fenced block: sh is a command, text the output of the one before, diff an edit. */
export interface Block {
  language: string;
  text: string;
}

/** A heading and what stands below it, up to the next one. */
export interface Section {
  level: number;
  title: string;
  blocks: Block[];
  /** Its tables: rows of cells, the first two are the head and the line below it. */
  tables: string[][][];
  /** Its text without the blocks. */
  prose: string;
}

/** Reads a file of the project as sections. */
export function sectionsOf(file: string): Section[] {
  const text = readFileSync(projectFile(file), "utf8");
  const sections: Section[] = [];
  let block: Block | undefined;
  let table = false;
  for (const line of text.split("\n")) {
    const section = sections.at(-1);
    const fence = /^```(\w*)$/.exec(line);
    if (fence && block) block = undefined;
    else if (fence)
      section!.blocks.push((block = { language: fence[1]!, text: "" }));
    else if (block) block.text += `${line}\n`;
    else if (line.startsWith("#")) sections.push(newSection(line));
    else {
      section!.prose += `${line}\n`;
      const row = line.startsWith("|");
      if (row && !table) section!.tables.push([]);
      if (row) section!.tables.at(-1)!.push(cellsOf(line));
      table = row;
    }
  }
  return sections;
}

function cellsOf(line: string): string[] {
  const cells = line.split("|").slice(1, -1);
  return cells.map((cell) => cell.trim());
}

function newSection(line: string): Section {
  const [, marks = "", title = ""] = /^(#+) (.*)$/.exec(line) ?? [];
  return { level: marks.length, title, blocks: [], tables: [], prose: "" };
}
