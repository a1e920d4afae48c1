/** The words of statements: their names, and what they mean in both languages. */
import type { Word } from "./source.ts";
import type { Token } from "./tokens.ts";

/** What a word of a language means: undefined if the other doesn't need it. */
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

/** The modules of Python, by the names of Node's that do the same. */
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
  // The name that a catch gives to what it has caught.
  error: undefined,
};

/**
 * The words of a token: itself, those of a string, none of a sign.
 *
 * @param meanings the words that have another meaning than their own name; they
 *   don't count in strings
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

/** The words in a string or a template; \n is none, nor is the f of f"…". */
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

/** A name as Python writes it: start_client for startClient. */
export function snakeCase(name: string): string {
  return name.replace(/([\p{Ll}\p{N}])(?=\p{Lu})/gu, "$1_").toLowerCase();
}

/**
 * How alike two statements are: the part of their words that they have in
 * common, from 0 to 1.
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
