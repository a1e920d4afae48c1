/** A program's text as `beside` reads it: lines, comments and statements. */
import type { Token } from "./tokens.ts";

/** A part of a program's text, from one index to another. */
export interface Span {
  /** The index of the first character. */
  start: number;
  /** The index after the last character. */
  end: number;
}

/** A word of a statement: a name, a keyword, a number, or a word in a text. */
export interface Word extends Span {
  /** The word as snake_case: start_client for startClient. */
  name: string;
  /**
   * The name of the word in both languages: catch for Python's except.
   * Undefined if only one language needs the word, like await.
   */
  meaning: string | undefined;
}

/** The code of one row: one line, or several that belong together. */
export interface Statement {
  /** The number of the first line, counted from 1. */
  firstLine: number;
  lastLine: number;
  /** In the order of the text; none in a line that only has braces. */
  words: Word[];
  /**
   * The name that a `with` has opened and closes now: "s". Python closes it without a
   * statement, TypeScript in a `finally`. Such a statement has no text; its
   * words are those of its counterpart.
   */
  endOfWith?: string;
}

/** A program, or the part of it that is compared. */
export interface Source {
  /** The lines without line breaks. */
  lines: string[];
  /** The index in the text at which each line begins. */
  lineStarts: number[];
  comments: Span[];
  statements: Statement[];
}

/** How many columns there are between two tab stops. */
const tabWidth = 4;

/**
 * The text of a file in the form that is shown: without a byte order mark, with
 * one kind of line breaks, with spaces instead of tabs, and without characters
 * that control a terminal or the direction of the text.
 */
export function readable(text: string): string {
  return text
    .replace(/^\ufeff/, "")
    .replace(/\r\n?/g, "\n")
    .replace(/^.*\t.*$/gm, withoutTabs)
    .replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

function withoutTabs(line: string): string {
  return line.replace(/[^\t]*\t/g, (cell) => {
    const text = cell.slice(0, -1);
    return text + " ".repeat(tabWidth - (text.length % tabWidth));
  });
}

/** The index at which each line of a text begins. */
export function startsOfLines(text: string): number[] {
  const starts = [0];
  for (const { index } of text.matchAll(/\n/g)) starts.push(index + 1);
  return starts;
}

/**
 * The number of the line in which a character is, counted from 1.
 *
 * @param lineStarts the index at which each line begins
 */
export function lineOf(index: number, lineStarts: number[]): number {
  return lineStarts.findLastIndex((start) => start <= index) + 1;
}

/** Whether a token is one of these keywords or signs, and not a text. */
export function isOneOf(token: Token | undefined, ...names: string[]): boolean {
  if (!token || token.kind === "text") return false;
  return names.includes(token.text);
}
