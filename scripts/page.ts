/**
 * The frame of a web page: one self-contained HTML file, without network
 * requests and scripts.
 */
import { readFileSync } from "node:fs";
import type { Language } from "./language.ts";

export interface PageOptions {
  language: Language;
  /** The page's title and its first heading. */
  title: string;
  /** The page's contents, as HTML. Empty parts are left out. */
  parts: string[];
  /** The .css file of this kind of page; page.css is in every page. */
  style: URL;
}

/** A whole page, as HTML. */
export function page({ language, title, parts, style }: PageOptions): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>
${readStyle(new URL("page.css", import.meta.url))}
${readStyle(style)}
</style>
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

function readStyle(file: URL): string {
  return readFileSync(file, "utf8");
}

/** A text as HTML, shown unchanged whatever it contains. */
export function escape(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
}

/**
 * A sentence as HTML, in which a line never breaks inside an option, or between
 * a number and its unit.
 */
function prose(text: string): string {
  return escape(text)
    .replace(/--[a-z]+/g, `<span class="flag">$&</span>`)
    .replace(/(?<=\d) (?=(?:s|ms|µs|MB)\b)/g, "&nbsp;");
}

/** An HTML attribute; "" for no class. */
function classAttribute(name: string): string {
  return name ? ` class="${name}"` : "";
}

/**
 * A sentence as a paragraph.
 *
 * @param className the paragraph's class in the style sheet
 */
export function paragraph(text: string, className = ""): string {
  return `<p${classAttribute(className)}>${prose(text)}</p>`;
}

/**
 * Sentences as a list.
 *
 * @param className the list's class in the style sheet
 */
export function list(texts: string[], className = ""): string {
  const items = texts.map((text) => `<li>${prose(text)}</li>`);
  return `<ul${classAttribute(className)}>\n${items.join("\n")}\n</ul>`;
}
