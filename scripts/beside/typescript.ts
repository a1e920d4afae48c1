/** Reads the upper part of a port: its lines, comments and statements. */
import {
  isOneOf,
  lineOf,
  readable,
  startsOfLines,
  type Source,
  type Statement,
} from "./source.ts";
import { typescriptTokens, type Token } from "./tokens.ts";
import { typescriptMeanings, wordsOf } from "./words.ts";

/** Reads a port, up to the line "You can stop reading here". */
export function typescriptSource(file: string): Source {
  const [upperPart = ""] = readable(file).split(
    /^\/\/ --- You can stop reading here/m,
  );
  const code = upperPart.trimEnd();
  const lineStarts = startsOfLines(code);
  const all = typescriptTokens(code);
  const comments = all.filter(({ kind }) => kind === "comment");
  const tokens = all.filter(({ kind }) => kind !== "comment");

  const divided = divide(code, tokens);
  const whole = joinHeaders(joinLines(divided, lineStarts));
  const statements = whole.map((tokens): Statement => ({
    firstLine: lineOf(tokens[0]!.start, lineStarts),
    lastLine: lineOf(tokens.at(-1)!.end - 1, lineStarts),
    words: wordsOfStatement(tokens),
  }));
  return { lines: code.split("\n"), lineStarts, comments, statements };
}

/**
 * Divides a program at `;` and at the braces of blocks. The `{` ends a
 * statement, the `}` begins one. Nothing is divided inside other brackets.
 */
function divide(code: string, tokens: Token[]): Token[][] {
  const statements: Token[][] = [[]];
  const open: ("block" | "brackets")[] = [];
  let previous: Token | undefined;
  const startNext = () => statements.push([]);

  for (const token of tokens) {
    const gap = code.slice(previous?.end ?? 0, token.start);
    const isInBlock = open.at(-1) !== "brackets";
    if (isInBlock && gap.includes("\n") && !isContinued(previous, token))
      startNext();

    let closes: "block" | "brackets" | undefined;
    if (isOneOf(token, ")", "]", "}")) closes = open.pop();
    if (isOneOf(token, "}") && closes === "block") startNext();

    statements.at(-1)!.push(token);
    if (isOneOf(token, "(", "[")) open.push("brackets");
    if (isOneOf(token, "{")) {
      const isBlock = opensBlock(previous);
      open.push(isBlock ? "block" : "brackets");
      if (isBlock) startNext();
    }
    if (isOneOf(token, ";") && isInBlock) startNext();
    previous = token;
  }
  return statements.filter(({ length }) => length > 0);
}

/** Whether a `{` opens a block, and not an object, a type or an import. */
function opensBlock(previous: Token | undefined): boolean {
  if (!previous || isOneOf(previous, ")", "=>", ">", ";", "{", "}"))
    return true;
  if (previous.kind !== "word") return false;
  return !isOneOf(
    previous,
    "import",
    "export",
    "type",
    "const",
    "let",
    "return",
  );
}

/** Whether a statement without a `;` continues on the next line. */
function isContinued(previous: Token | undefined, next: Token): boolean {
  if (next.kind === "sign" && !isOneOf(next, "}", "{", "(", "[", "!", "@"))
    return true;
  return previous?.kind === "sign" && !isOneOf(previous, ")", "]", "}", ";");
}

/** Joins statements that share a line: a line is in one row. */
function joinLines(statements: Token[][], lineStarts: number[]): Token[][] {
  const joined: Token[][] = [];
  for (const statement of statements) {
    const last = joined.at(-1);
    const lastLine = last && lineOf(last.at(-1)!.start, lineStarts);
    const firstLine = lineOf(statement[0]!.start, lineStarts);
    if (lastLine === firstLine) last!.push(...statement);
    else joined.push(statement);
  }
  return joined;
}

const jumps = ["break", "continue", "return", "throw"];

/**
 * Joins a header with what follows if Python has one statement for both: an `if`
 * that only jumps, a `catch` that first throws other errors again, a `finally`
 * with one call.
 */
function joinHeaders(statements: Token[][]): Token[][] {
  const joined: Token[][] = [];
  let rest = statements;
  while (rest.length > 0) {
    const length = lengthOfHeader(rest);
    joined.push(rest.slice(0, length).flat());
    rest = rest.slice(length);
  }
  return joined;
}

/** How many statements belong to the first one, itself included. */
function lengthOfHeader([header, first, second]: Token[][]): number {
  if (!first || !isOneOf(header!.at(-1), "{")) return 1;
  const [keyword] = header!.filter(({ kind }) => kind === "word");
  const isThrown = first.some((token) => isOneOf(token, "throw"));
  if (isOneOf(keyword, "catch") && isOneOf(first[0], "if") && isThrown)
    return 2;

  const isOnly = isOneOf(first.at(-1), ";") && second?.length === 1;
  if (!isOnly || !isOneOf(second[0], "}")) return 1;
  if (isOneOf(keyword, "finally")) return 3;
  return isOneOf(keyword, "if") && isOneOf(first[0], ...jumps) ? 3 : 1;
}

/**
 * Returns the words of a statement. In an import, only the name of the module
 * counts, because Python imports the whole module. The `.catch` of a call
 * doesn't count, because Python throws without it.
 */
function wordsOfStatement(tokens: Token[]) {
  const isImport = isOneOf(tokens[0], "import");
  return tokens.flatMap((token, index) => {
    const words = wordsOf(token, typescriptMeanings);
    const isCatch = isOneOf(token, "catch") && isOneOf(tokens[index - 1], ".");
    for (const word of words) {
      const isNamed = isImport && token.kind === "word";
      const isPrefix = isImport && word.name === "node";
      if (isNamed || isPrefix || isCatch) word.meaning = undefined;
    }
    return words;
  });
}
