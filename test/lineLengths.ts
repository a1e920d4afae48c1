/**
 * A part of npm run check: names each line of TypeScript that is longer than 90
 * columns, and exits with 1 if there is one. Prettier breaks most code at 80
 * columns, but never a comment.
 *
 * A line is allowed to be longer if only a string, a template or an address
 * (https://…) extends beyond column 90, and the punctuation after it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ParserOptions } from "prettier";
import { parsers } from "prettier/plugins/babel";

const maxColumns = 90;

/** A node of a syntax tree, as Babel makes it. */
interface Node {
  type: string;
  /** The index of the node's first character in the file. */
  start: number;
  /** The index of the first character after the node. */
  end: number;
}

const [folder = "."] = process.argv.slice(2);
for (const file of typescriptFiles(folder)) {
  const code = readFileSync(file, "utf8");
  for (const line of await longLines(code)) {
    console.log(`${file}:${line}: longer than ${maxColumns} columns`);
    process.exitCode = 1;
  }
}

/** The TypeScript files in a folder, without packages and hidden folders. */
function* typescriptFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (name === "node_modules" || name.startsWith(".")) continue;
    const path = join(folder, name);
    if (entry.isDirectory()) yield* typescriptFiles(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** The numbers of the lines that are too long, counted from 1. */
async function longLines(code: string): Promise<number[]> {
  const options = { filepath: "file.ts" } as ParserOptions;
  const tree: unknown = await parsers["babel-ts"].parse(code, options);

  // Everything but texts and addresses, each character in its line and column.
  let rest = code.replace(/https?:\/\/\S+/g, blank);
  for (const { start, end } of textsIn(tree)) {
    const text = rest.slice(start, end);
    rest = rest.slice(0, start) + blank(text) + rest.slice(end);
  }

  const numbers: number[] = [];
  for (const [index, line] of rest.split("\n").entries()) {
    const isAllowed = /^[\s)\]},;]*$/.test(line.slice(maxColumns));
    if (!isAllowed) numbers.push(index + 1);
  }
  return numbers;
}

/** Replaces each character of a text by a space, and keeps its newlines. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** The strings and templates in a syntax tree, or in a part of one. */
function* textsIn(tree: unknown): Generator<Node> {
  if (typeof tree !== "object" || tree === null) return;
  const node = tree as Node;
  if (node.type === "StringLiteral" || node.type === "TemplateLiteral")
    yield node;
  for (const child of Object.values(tree)) yield* textsIn(child);
}
