/** The words of statements: their names, and what they mean in both languages. */
import type { Word } from "./source.ts";
import type { Token } from "./tokens.ts";

/** The meanings of words; undefined if the other language doesn't need the word. */
export type Meanings = Record<string, string | undefined>;

/** Python's keywords and names whose counterparts have other names. */
export const pythonMeanings: Meanings = {
  def: "function",
  with: "try",
  except: "catch",
  raise: "throw",
  elif: "else",
  None: "null",
  __name__: "isMain",
  as: undefined,
  async: undefined,
  await: undefined,
  import: undefined,
  from: undefined,
  not: undefined,
  pass: undefined,
};

/** Modules of Python, and the modules of Node with the same purpose. */
export const moduleMeanings: Meanings = {
  socket: "net",
  threading: "worker_threads",
};

/** TypeScript's keywords and names that Python doesn't need. */
export const typescriptMeanings: Meanings = {
  const: undefined,
  let: undefined,
  var: undefined,
  new: undefined,
  export: undefined,
  async: undefined,
  await: undefined,
  // The name of the caught error in a catch.
  error: undefined,
};

/**
 * The words of a token: a word itself, the words in a string, none in a sign.
 *
 * @param meanings the words whose meaning differs from their name; they are
 *   not used in strings
 */
export function wordsOf(token: Token, meanings: Meanings): Word[] {
  switch (token.kind) {
    case "word":
      return [wordOf(token, meanings)];
    case "text":
      return wordsInText(token);
    case "sign":
    case "comment":
      return [];
  }
}

function wordOf({ text, start, end }: Token, meanings: Meanings): Word {
  const meaning = Object.hasOwn(meanings, text) ? meanings[text] : text;
  return {
    start,
    end,
    name: snakeCase(text),
    meaning: meaning && snakeCase(meaning),
  };
}

/** The words in a string or a template; \n and the f of f"…" are not words. */
function wordsInText({ text, start }: Token): Word[] {
  const firstQuote = text.search(/["'`]/);
  const words: Word[] = [];
  for (const match of text.matchAll(/\\.|(?<word>[\p{L}\p{N}_]+)/gsu)) {
    const { word } = match.groups!;
    if (!word || match.index < firstQuote) continue;
    const from = start + match.index;
    const name = snakeCase(word);
    words.push({ start: from, end: from + word.length, name, meaning: name });
  }
  return words;
}

/** A name in the style of Python: start_client for startClient. */
export function snakeCase(name: string): string {
  return name.replace(/([\p{Ll}\p{N}])(?=\p{Lu})/gu, "$1_").toLowerCase();
}

/**
 * How similar two statements are: the share of words that both have, from 0
 * to 1.
 */
export function similarity(one: Word[], other: Word[]): number {
  const inOne = meaningsOf(one);
  const inOther = meaningsOf(other);
  let common = 0;
  for (const meaning of inOne) if (inOther.has(meaning)) common += 1;
  return common === 0 ? 0 : (2 * common) / (inOne.size + inOther.size);
}

function meaningsOf(words: Word[]): Set<string> {
  const meanings = new Set<string>();
  for (const { meaning } of words) if (meaning) meanings.add(meaning);
  return meanings;
}
