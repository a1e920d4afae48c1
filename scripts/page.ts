/** The frame of a page: one HTML file that asks the network for nothing and runs no script. */
import type { Language } from "./language.ts";

/** Text as HTML. */
export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (it) => `&#${it.charCodeAt(0)};`);
}

/** A sentence as HTML, in which no option is broken in two. */
function prose(text: string): string {
  return escape(text).replace(/--[a-z]+/g, `<span class="flag">$&</span>`);
}

export function paragraph(text: string, kind = ""): string {
  return `<p${kind && ` class="${kind}"`}>${prose(text)}</p>`;
}

export function list(texts: string[], kind = ""): string {
  const items = texts.map((text) => `<li>${prose(text)}</li>`);
  return `<ul${kind && ` class="${kind}"`}>${items.join("\n")}</ul>`;
}

/**
 * A whole page.
 *
 * @param parts what stands on it, as HTML
 * @param style what it needs beside the common style, as CSS
 */
export function page(
  lang: Language,
  title: string,
  parts: string[],
  style = "",
): string {
  return `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${common}${style}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${parts.filter(Boolean).join("\n")}
</main>
</body>
</html>
`;
}

/** The text grows with the window: it is to be read on a wall. */
const common = `
:root {
  --paper: light-dark(#fff, #14161a); --ink: light-dark(#1b1b1b, #ececec);
  --muted: light-dark(#595959, #a8a8a8); --line: light-dark(#c9c9c9, #4a4d53);
  --soft: light-dark(#e3ebf7, #263144); --async: light-dark(#1a57b0, #7fb3ff);
  --good: light-dark(#0a6650, #55d3ae); --bad: light-dark(#b3151f, #ff8085);
  --note: light-dark(#7a4b00, #f0c060);
}
html { color-scheme: light dark; font-size: max(18px, 1.4vw); }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Malgun Gothic",
    "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", sans-serif;
  -webkit-text-size-adjust: 100%; word-break: keep-all; overflow-wrap: break-word;
}
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 0.4em; text-wrap: balance; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 1.6em 0 0.5em; break-after: avoid; }
p, ul { margin: 0.4em 0; max-width: 50em; }
ul { padding-left: 1.2em; }
.flag { white-space: nowrap; }
.muted { color: var(--muted); }
.note, .notes { color: var(--note); }
code { font-family: ui-monospace, "Cascadia Mono", Consolas, Menlo, monospace; }
@media screen and (max-width: 700px) {
  main { padding: 1rem 0.45rem 3rem; }
  h1 { font-size: 1.5rem; }
}
@page { size: A4; margin: 14mm 12mm; }
@media print {
  html { font-size: 11pt; color-scheme: light; }
  main { padding: 0; }
}
`;
