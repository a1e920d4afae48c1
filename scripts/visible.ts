/** Texts of programs, which can have characters that control a terminal. */

/**
 * A text in which characters that control a terminal are shown as their codes,
 * as the lecture's programs print them: ESC as \x1b, a direction control as
 * \u202e. The text stays on one line: a newline is \x0a. A tab is unchanged.
 */
export function visible(text: string): string {
  const controlCharacter = /[\x00-\x08\x0a-\x1f\x7f-\x9f]|\p{Bidi_Control}/gu;
  return text.replace(controlCharacter, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return `\\u${hex.padStart(4, "0")}`;
  });
}

/**
 * The beginning of a text, with "…" after it if it is longer.
 *
 * @param length the most characters of the beginning
 */
export function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length)}…`;
}
