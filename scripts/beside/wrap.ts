/** Wraps lines of code; the kinds of their parts are kept. */
import stringWidth from "string-width";
import type { Part } from "./rows.ts";

/** A character, with the kind of the part that it belongs to. */
type Character = Part;

/** How much more than a line's own indentation its continuation is indented. */
const moreIndentation = 2;

/** The text of a line in parts. */
export function textOf(parts: Part[]): string {
  return parts.map(({ text }) => text).join("");
}

/** How many columns a line's code is indented. */
export function indentationOf(parts: Part[]): number {
  const text = textOf(parts);
  return text.length - text.trimStart().length;
}

/**
 * Wraps a line, at a space if there is one. The rest is indented two columns more
 * than the line.
 *
 * @param width the number of columns; a wide character needs two of them
 * @returns one line or more
 */
export function wrap(parts: Part[], width: number): Part[][] {
  const wanted = indentationOf(parts) + moreIndentation;
  const indentation = Math.min(wanted, Math.floor(width / 2));
  const hanging: Part = { text: " ".repeat(indentation), kind: "plain" };

  let rest = charactersOf(parts);
  const first = countThatFits(rest, width);
  const lines = [joinCharacters(rest.slice(0, first))];
  rest = withoutSpaces(rest.slice(first));
  while (rest.length > 0) {
    const count = countThatFits(rest, width - indentation);
    lines.push(joinCharacters([hanging, ...rest.slice(0, count)]));
    rest = withoutSpaces(rest.slice(count));
  }
  return lines;
}

function charactersOf(parts: Part[]): Character[] {
  return parts.flatMap(({ text, kind }) =>
    [...text].map((character) => ({ text: character, kind })),
  );
}

/** Characters without the spaces at their beginning. */
function withoutSpaces(characters: Character[]): Character[] {
  const start = characters.findIndex(({ text }) => text !== " ");
  return start === -1 ? [] : characters.slice(start);
}

/** How many characters fit into the next line: one or more. */
function countThatFits(characters: Character[], room: number): number {
  let count = 0;
  let width = 0;
  for (const { text } of characters) {
    width += stringWidth(text);
    if (width > room && count > 0) break;
    count += 1;
  }
  if (count === characters.length) return count;

  const fitting = characters.slice(0, count + 1);
  const space = fitting.findLastIndex(({ text }) => text === " ");
  const hasWordBefore = space > 0 && textOf(fitting.slice(0, space)).trim();
  return hasWordBefore ? space : count;
}

function joinCharacters(characters: Character[]): Part[] {
  const parts: Part[] = [];
  for (const { text, kind } of characters) {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ text, kind });
  }
  return parts;
}
