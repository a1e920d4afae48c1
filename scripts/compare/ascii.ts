/** What compare draws, with ASCII characters only. */

/** For each character that compare draws with, one that every terminal has and draws one column wide. */
const drawn: Record<string, string> = {
  "·": ".",
  "─": "-",
  "●": "o",
  "✗": "x",
  "│": "|",
  "║": "|",
  "═": "=",
  "╔": "+",
  "╠": "+",
  "╚": "+",
  "█": "#",
  "▉": "#",
  "▊": "#",
  "▋": "#",
  "▌": "#",
  "▍": " ",
  "▎": " ",
  "▏": " ",
  "…": "~",
  "–": "-",
};

/** A text in which all that is drawn, letters aside, is ASCII. */
export function toAscii(text: string): string {
  return text.replace(
    /[\u2010-\u27bf·]/g,
    (character) => drawn[character] ?? "+", // the corners of a table
  );
}
