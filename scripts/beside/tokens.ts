/** Divides programs into tokens: words, texts, signs and comments. */
import type { Span } from "./source.ts";

export interface Token extends Span {
  /** A text is a string or a template, with its quotes. */
  kind: "comment" | "text" | "word" | "sign";
  text: string;
}

const pythonToken = new RegExp(
  [
    String.raw`(?<comment>#.*)`,
    // With or without a prefix, as in f"…"; in triple or single quotes.
    String.raw`(?<text>[rbuf]{0,2}(?:"""[^]*?"""|'''[^]*?'''` +
      String.raw`|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'))`,
    String.raw`(?<word>[\p{L}\p{N}_]+)`,
    String.raw`(?<sign>\S)`,
  ].join("|"),
  "giu",
);

const typescriptToken = new RegExp(
  [
    String.raw`(?<comment>\/\/.*|\/\*[^]*?\*\/)`,
    // In a template, ${…} can contain braces, two levels deep.
    String.raw`(?<text>"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'` +
      "|`(?:" +
      String.raw`\\[^]|\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}` +
      String.raw`|\$(?!\{)` +
      "|[^`\\\\$])*`)",
    String.raw`(?<word>[\p{L}\p{N}_$]+)`,
    String.raw`(?<sign>=>|\S)`,
  ].join("|"),
  "gu",
);

/** The tokens of a Python program, in their order. */
export function pythonTokens(code: string): Token[] {
  return tokens(code, pythonToken);
}

/** The tokens of a TypeScript program, in their order. */
export function typescriptTokens(code: string): Token[] {
  return tokens(code, typescriptToken);
}

/** @param pattern has a named group for each kind of token */
function tokens(code: string, pattern: RegExp): Token[] {
  return [...code.matchAll(pattern)].map((match) => {
    const [text] = match;
    const start = match.index;
    return { kind: kindOf(match), text, start, end: start + text.length };
  });
}

function kindOf({ groups }: RegExpExecArray): Token["kind"] {
  if (groups!.comment !== undefined) return "comment";
  if (groups!.text !== undefined) return "text";
  return groups!.word !== undefined ? "word" : "sign";
}
