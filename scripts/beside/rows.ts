/** Puts two programs into rows: lines with the same meaning share a row. */
import { align, type Pair } from "./alignment.ts";
import type { Source, Span, Statement, Word } from "./source.ts";

/** A part of a line; a word that only one side has is "unlike". */
export interface Part {
  text: string;
  kind: "plain" | "unlike" | "comment" | "note" | "heading";
}

export interface Line {
  /** The line's number in its file; missing for a note, which is in no file. */
  number?: number;
  parts: Part[];
}

/** Lines of code of both sides, or of one, or comments and empty lines. */
export interface Row {
  kind: "pair" | "alone" | "aside";
  original: Line[];
  port: Line[];
}

/** A statement of an original without a counterpart. */
export interface Unmatched {
  /** The number of its first line. */
  line: number;
  /** Its first line, without comments and indentation. */
  text: string;
}

/** Two programs in rows, and how well they correspond. */
export interface Comparison {
  rows: Row[];
  /** How many statements the original has. */
  statements: number;
  unmatched: Unmatched[];
  /**
   * For each statement of the original whose counterpart doesn't have all its
   * words: those that are missing there, as snake_case.
   */
  ownWords: string[][];
}

/**
 * Puts two programs side by side.
 *
 * @param noteOf the note for the end of a `with`, by the name that the `with` has opened
 */
export function compareSources(
  original: Source,
  port: Source,
  noteOf: (name: string) => string,
): Comparison {
  const pairs = align(original.statements, port.statements);
  const own = pairs.filter((pair) => pair.original && !isEndOfWith(pair));
  const unmatched = own.filter((pair) => !pair.port);
  const matched = own.filter((pair) => pair.port);
  const ownWords = matched.map(({ original, port }) => {
    const words = wordsWithout(original!.words, port!.words);
    return [...new Set(words.map(({ name }) => name))];
  });
  return {
    rows: rowsOf(pairs, { original, port, noteOf }),
    statements: own.length,
    unmatched: unmatched.map((pair) => describe(pair.original!, original)),
    ownWords: ownWords.filter(({ length }) => length > 0),
  };
}

function isEndOfWith({ original }: Pair): boolean {
  return original?.endOfWith !== undefined;
}

function describe({ firstLine }: Statement, source: Source): Unmatched {
  const { text, codeLength } = lineAt(firstLine, source);
  return { line: firstLine, text: text.slice(0, codeLength).trim() };
}

interface Sides {
  original: Source;
  port: Source;
  noteOf: (name: string) => string;
}

/** The rows of all pairs, and what is between them. */
function rowsOf(pairs: Pair[], { original, port, noteOf }: Sides): Row[] {
  const originalLines = new LinesInOrder(original);
  const portLines = new LinesInOrder(port);
  const rows: Row[] = [];
  for (const pair of pairs) {
    // Python closes without a statement: the note needs its counterpart.
    if (isEndOfWith(pair) && !pair.port) continue;

    const originalAsides = originalLines.before(pair.original?.firstLine);
    const portAsides = portLines.before(pair.port?.firstLine);
    rows.push(...asideRows(originalAsides, portAsides));

    const name = pair.original?.endOfWith;
    const note: Line[] =
      name === undefined
        ? []
        : [{ parts: [{ text: noteOf(name), kind: "note" }] }];
    const otherWords = name === undefined ? pair.original?.words : undefined;
    rows.push({
      kind: pair.original && pair.port ? "pair" : "alone",
      original: [...note, ...originalLines.of(pair.original, pair.port?.words)],
      port: portLines.of(pair.port, otherWords),
    });
  }
  rows.push(...asideRows(originalLines.rest(), portLines.rest()));
  return rows;
}

/** Comments and empty lines of both sides; both are aligned to the row below. */
function asideRows(original: Line[], port: Line[]): Row[] {
  const height = Math.max(original.length, port.length);
  const rows: Row[] = [];
  for (let left = height; left > 0; left--)
    rows.push({
      kind: "aside",
      original: lineFromEnd(original, left),
      port: lineFromEnd(port, left),
    });
  return rows;
}

/** The line at a distance from the end, 1 for the last; none if there is none. */
function lineFromEnd(lines: Line[], left: number): Line[] {
  const line = lines[lines.length - left];
  return line ? [line] : [];
}

/** Reads the lines of a program, each once, from the first to the last. */
class LinesInOrder {
  readonly #source: Source;
  /** How many lines have been read. */
  #taken = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** The lines before a line; none if no line is given. */
  before(line = 0): Line[] {
    return this.#take(line - 1, () => []);
  }

  /**
   * The lines of a statement.
   *
   * @param others the words of its counterpart; undefined if there is no counterpart
   */
  of(statement: Statement | undefined, others: Word[] | undefined): Line[] {
    if (!statement) return [];
    const { words, lastLine } = statement;
    if (!others && words.length > 0)
      return this.#take(lastLine, (line) => this.#codeOf(line));
    const unlike = wordsWithout(words, others ?? []);
    return this.#take(lastLine, () => unlike);
  }

  /** The lines after the last statement, except for empty ones at the end. */
  rest(): Line[] {
    const { lines } = this.#source;
    const last = lines.findLastIndex((line) => line.trim() !== "");
    return this.#take(last + 1, () => []);
  }

  #take(last: number, unlikeIn: (line: number) => Span[]): Line[] {
    const taken: Line[] = [];
    while (this.#taken < last) {
      this.#taken += 1;
      const number = this.#taken;
      const parts = partsOf(number, this.#source, unlikeIn(number));
      taken.push({ number, parts });
    }
    return taken;
  }

  /** A line's code; nothing if it only closes brackets. */
  #codeOf(line: number): Span[] {
    const { text, start, codeLength } = lineAt(line, this.#source);
    const code = text.slice(0, codeLength);
    if (!/[\p{L}\p{N}]/u.test(code)) return [];
    const indentation = code.length - code.trimStart().length;
    return [{ start: start + indentation, end: start + codeLength }];
  }
}

/** The words of a statement that are not among the words of another. */
function wordsWithout(words: Word[], others: Word[]): Word[] {
  const names = new Set(others.map(({ name }) => name));
  return words.filter(({ name }) => !names.has(name));
}

/** A line's text, and how much of it is code: a comment may follow. */
function lineAt(line: number, { lines, lineStarts, comments }: Source) {
  const text = lines[line - 1]!;
  const start = lineStarts[line - 1]!;
  const comment = comments.find((comment) => {
    return comment.end > start && comment.start < start + text.length;
  });
  const code = comment
    ? text.slice(0, Math.max(0, comment.start - start))
    : text;
  return { text, start, codeLength: code.trimEnd().length };
}

/**
 * A line in parts.
 *
 * @param unlike the words that only this side has, in this line and others
 */
function partsOf(line: number, source: Source, unlike: Span[]): Part[] {
  const { text, start } = lineAt(line, source);
  const kinds = Array<Part["kind"]>(text.length).fill("plain");
  const mark = (spans: Span[], kind: Part["kind"]) => {
    for (const span of spans)
      kinds.fill(
        kind,
        Math.max(0, span.start - start),
        Math.max(0, span.end - start),
      );
  };
  mark(unlike, "unlike");
  mark(source.comments, "comment");

  const parts: Part[] = [];
  for (const [index, kind] of kinds.entries()) {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text[index]!;
    else parts.push({ text: text[index]!, kind });
  }
  return parts;
}
