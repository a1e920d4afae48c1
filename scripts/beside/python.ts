/** Reads a Python program: its lines, comments and statements. */
import {
  isOneOf,
  lineOf,
  readable,
  startsOfLines,
  type Source,
  type Statement,
} from "./source.ts";
import { pythonTokens, type Token } from "./tokens.ts";
import {
  moduleMeanings,
  pythonMeanings,
  snakeCase,
  wordsOf,
  type Meanings,
} from "./words.ts";

/** A line of Python with the lines that continue it, without its comments. */
interface LogicalLine {
  tokens: Token[];
  /** How many columns the line is indented. */
  indentation: number;
}

/** Reads an original. */
export function pythonSource(file: string): Source {
  const code = readable(file);
  const lineStarts = startsOfLines(code);
  const tokens = pythonTokens(code);
  const comments = tokens.filter(({ kind }) => kind === "comment");
  const lines: LogicalLine[] = [];
  for (const line of logicalLines(code, lineStarts, tokens)) {
    if (isDocstring(line)) comments.push(...line.tokens);
    else lines.push(line);
  }

  const joined = joinHeaders(lines);
  const modules = importedModules(joined);
  const statementOf = (line: LogicalLine): Statement => ({
    firstLine: lineOf(line.tokens[0]!.start, lineStarts),
    lastLine: lineOf(line.tokens.at(-1)!.end - 1, lineStarts),
    words: wordsOfLine(line, modules),
  });
  const statements = withEndsOfWith(joined, statementOf);
  return { lines: code.split("\n"), lineStarts, comments, statements };
}

/** Divides a program into logical lines: brackets and \ continue a line. */
function logicalLines(
  code: string,
  lineStarts: number[],
  tokens: Token[],
): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let depth = 0;
  let previous: Token | undefined;
  for (const token of tokens) {
    if (token.kind === "comment") continue;

    const gap = code.slice(previous?.end ?? 0, token.start);
    const continues =
      depth > 0 || !gap.includes("\n") || isOneOf(previous, "\\");
    if (!previous || !continues) {
      const lineStart = lineStarts[lineOf(token.start, lineStarts) - 1]!;
      lines.push({ tokens: [], indentation: token.start - lineStart });
    }
    lines.at(-1)!.tokens.push(token);

    if (isOneOf(token, "(", "[", "{")) depth += 1;
    if (isOneOf(token, ")", "]", "}")) depth = Math.max(0, depth - 1);
    previous = token;
  }
  return lines;
}

function isDocstring({ tokens }: LogicalLine): boolean {
  return tokens.every(({ kind }) => kind === "text");
}

/** A block of only one of these is part of the statement of its header. */
const jumps = ["break", "continue", "return", "raise", "pass"];

/**
 * Joins a header with its block if TypeScript has one statement for both: an
 * `if` that only jumps, an `except` that only passes, a `finally` with one
 * call.
 */
function joinHeaders(lines: LogicalLine[]): LogicalLine[] {
  const joined: LogicalLine[] = [];
  for (let index = 0; index < lines.length; index++) {
    const header = lines[index]!;
    const block = blockBelow(lines, index);
    if (block.length === 1 && belongTogether(header, block[0]!)) {
      const tokens = [...header.tokens, ...block[0]!.tokens];
      joined.push({ tokens, indentation: header.indentation });
      index += 1;
    } else joined.push(header);
  }
  return joined;
}

/** The lines below a header that are indented more. */
function blockBelow(lines: LogicalLine[], header: number): LogicalLine[] {
  const { indentation } = lines[header]!;
  const below = lines.slice(header + 1);
  const end = below.findIndex((line) => line.indentation <= indentation);
  return end === -1 ? below : below.slice(0, end);
}

function belongTogether(header: LogicalLine, only: LogicalLine): boolean {
  const [first] = header.tokens;
  if (!isOneOf(header.tokens.at(-1), ":")) return false;
  if (isOneOf(first, "finally")) return !isOneOf(only.tokens.at(-1), ":");
  return isOneOf(first, "if", "except") && isOneOf(only.tokens[0], ...jumps);
}

/** The modules that `import` lines name: socket in socket.socket. */
function importedModules(lines: LogicalLine[]): Set<string> {
  const modules = new Set<string>();
  for (const { tokens } of lines)
    if (isOneOf(tokens[0], "import"))
      for (const { kind, text } of tokens.slice(1))
        if (kind === "word") modules.add(text);
  return modules;
}

/** Names of modules don't count: TypeScript imports their functions instead. */
function wordsOfLine({ tokens }: LogicalLine, modules: Set<string>) {
  const isImport = isOneOf(tokens[0], "import", "from");
  const importMeanings: Meanings = { ...pythonMeanings, ...moduleMeanings };
  return tokens.flatMap((token, index) => {
    const words = wordsOf(token, isImport ? importMeanings : pythonMeanings);
    const isQualifier =
      token.kind === "word" &&
      modules.has(token.text) &&
      isOneOf(tokens[index + 1], ".") &&
      !isOneOf(tokens[index - 1], ".");
    if (isQualifier && !isImport)
      for (const word of words) word.meaning = undefined;
    return words;
  });
}

/** A `with` whose block has not ended yet. */
interface OpenWith {
  name: string;
  indentation: number;
}

/**
 * The statements, with another one for the end of each `with`, after the last
 * line of its block.
 */
function withEndsOfWith(
  lines: LogicalLine[],
  statementOf: (line: LogicalLine) => Statement,
): Statement[] {
  const statements: Statement[] = [];
  const open: OpenWith[] = [];

  function endBlocks(indentation: number): void {
    while (open.length > 0 && open.at(-1)!.indentation >= indentation) {
      const { name } = open.pop()!;
      const { lastLine } = statements.at(-1)!;
      statements.push(endOfWith(name, lastLine));
    }
  }
  for (const line of lines) {
    endBlocks(line.indentation);
    statements.push(statementOf(line));
    const name = nameInWith(line);
    if (name) open.push({ name, indentation: line.indentation });
  }
  endBlocks(0);
  return statements;
}

/** The name that a `with` opens: s in `with socket() as s:`, conn in `with conn:`. */
function nameInWith({ tokens }: LogicalLine): string | undefined {
  const [first, second] = tokens;
  const isWith =
    isOneOf(first, "with") ||
    (isOneOf(first, "async") && isOneOf(second, "with"));
  if (!isWith || !isOneOf(tokens.at(-1), ":")) return undefined;
  return tokens.findLast(({ kind }) => kind === "word")!.text;
}

function endOfWith(name: string, line: number): Statement {
  const words = ["finally", "close", snakeCase(name)].map((name) => {
    return { name, meaning: name, start: 0, end: 0 };
  });
  return { firstLine: line, lastLine: line, words, endOfWith: name };
}
