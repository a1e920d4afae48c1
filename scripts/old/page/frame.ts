/** The frame of a page: one HTML file that asks the network for nothing and runs no script. */
import type { Language } from "../language.ts";
import { fontSize, widths } from "./chart.ts";

/** Text as HTML. */
export function escape(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}

/** A sentence as HTML, in which no option is broken in two. */
function prose(text: string): string {
  return escape(text).replace(/--[a-z]+/g, `<span class="flag">$&</span>`);
}

/** A part of the page below its heading. */
export function section(heading: string, ...parts: string[]): string {
  return `<section><h2>${escape(heading)}</h2>\n${parts.join("\n")}</section>`;
}

export function paragraph(text: string, kind = ""): string {
  return `<p${kind && ` class="${kind}"`}>${prose(text)}</p>`;
}

export function list(texts: string[], kind = ""): string {
  const items = texts.map((text) => `<li>${prose(text)}</li>`);
  return `<ul${kind && ` class="${kind}"`}>${items.join("\n")}</ul>`;
}

/** Text that is folded in, as it is; its quotes as well, of which JSON has thousands. */
export function folded(title: string, text: string): string {
  return `<details><summary>${escape(title)}</summary>
<pre tabindex="0">${escape(text).replaceAll("&quot;", '"')}</pre></details>`;
}

/** Data as JSON, with as many digits as a clock or a balance has. */
export function jsonOf(data: object): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toFixed(3)) : value;
  return JSON.stringify(data, round, 1);
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
<meta name="color-scheme" content="light dark">
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

/** A chart's own pixels in rem: it grows with the text, and the text with the window. */
const rem = (pixels: number) => `${pixels / fontSize}rem`;

const light = `
  --paper: #fff; --ink: #1b1b1b; --muted: #595959; --line: #c9c9c9; --soft: #f1f1ee;
  --server: #a33c00; --forever: #0a6650; --async: #1a57b0;
  --good: #0a6650; --bad: #b3151f; --note: #7a4b00;`;

const common = `
:root {${light} }
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --ink: #ececec; --muted: #a8a8a8; --line: #4a4d53; --soft: #22252b;
    --server: #ff9d66; --forever: #55d3ae; --async: #7fb3ff;
    --good: #55d3ae; --bad: #ff8085; --note: #f0c060;
  }
}
@media print {
  :root {${light} }
}
html { color-scheme: light dark; font-size: max(${fontSize}px, ${(100 * fontSize) / 1280}vw); }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Malgun Gothic",
    "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", sans-serif;
  -webkit-text-size-adjust: 100%; word-break: keep-all; overflow-wrap: break-word;
}
main { max-width: ${rem(widths.wide)}; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 0.4em; text-wrap: balance; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 2.4em 0 0.5em; }
h3 { font-size: 1.1rem; line-height: 1.3; margin: 1.4em 0 0.2em; }
h2, h3, h2 + p { break-after: avoid; }
p, ul { margin: 0.4em 0; max-width: 50em; }
ul { padding-left: 1.2em; }
.flag { white-space: nowrap; }
.muted { color: var(--muted); }
.note, .notes { color: var(--note); }
figure { margin: 1em 0; break-inside: avoid; }
figcaption { color: var(--muted); max-width: 50em; }
pre {
  overflow: auto; max-height: 60vh; background: var(--soft); padding: 1em; line-height: 1.3;
}
code, pre { font-family: ui-monospace, "Cascadia Mono", Consolas, Menlo, monospace; }
summary { cursor: pointer; margin: 0.6em 0; }
.chart { display: block; overflow: visible; font-size: ${fontSize}px; font-variant-numeric: tabular-nums; }
.chart text { white-space: pre; }
.wide .chart { width: ${rem(widths.wide)}; max-width: 100%; }
.narrow .chart { width: ${rem(widths.narrow)}; max-width: 100%; }
.narrow { display: none; }
@media screen and (max-width: ${widths.wide + 36}px) {
  html { font-size: ${fontSize}px; }
  .wide { display: none; }
  .narrow { display: block; }
  main { padding: 1rem 0.45rem 3rem; }
  h1 { font-size: 1.5rem; }
}
@page { size: A4; margin: 14mm 12mm; }
@media print {
  html { font-size: 11pt; color-scheme: light; }
  main { padding: 0; }
  details { display: none; }
}
`;
