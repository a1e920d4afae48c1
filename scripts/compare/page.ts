/** A comparison as a page for the wall: the answer, and the pictures it follows from. */
import { dirname } from "node:path";
import { designs } from "../designs.ts";
import type { Language } from "../old/language.ts";
import { loadCharts, widths } from "../old/page/chart.ts";
import {
  escape,
  folded,
  jsonOf,
  list,
  page,
  paragraph,
  section,
} from "../old/page/frame.ts";
import { costs } from "./page/costs.ts";
import { ctrlC } from "./page/ctrlC.ts";
import type { Drawing } from "./page/drawing.ts";
import { growth } from "./page/growth.ts";
import { waited } from "./page/waited.ts";
import type { Comparison } from "./result.ts";
import { answer, details, notes, parity, whosePrice } from "./sentences.ts";
import { cellsOf } from "./table.ts";
import { texts, type Texts } from "./texts.ts";

/** Characters of JSON that a page takes in; with hundreds of clients there are megabytes. */
const mostJson = 150_000;

/** The page, as HTML. */
export async function comparePage(
  comparison: Comparison,
  lang: Language,
): Promise<string> {
  const words = texts[lang];
  const drawing: Drawing = {
    charts: await loadCharts(),
    words,
    name: ({ design, language }) => words.title(design, language),
  };
  const { servers } = comparison;
  const parts = [
    list(answer(comparison, words), "answer"),
    ...whosePrice(comparison, words).map((text) => paragraph(text)),
    list(notes(comparison, words), "notes"),
    waited(servers, drawing),
    costs(servers, drawing),
    growth(servers, drawing),
    ctrlC(servers, drawing),
    figures(comparison, words),
    thisRun(comparison, words),
  ];
  return page(lang, words.page.title, parts, style);
}

function figures(comparison: Comparison, words: Texts): string {
  const { head, lines } = cellsOf(comparison, true, words);
  const cells = (texts: string[]) =>
    texts
      .map((text) => `<td>${escape(text).replaceAll("\n", "<br>")}</td>`)
      .join("");
  const rows = lines.map(
    ([title = "", ...rest]) =>
      `<tr${title === words.rows.python ? ' class="python"' : ""}><th scope="row">${escape(title.trim())}</th>${cells(rest)}</tr>`,
  );
  const heads = head
    .slice(1)
    .map((text) => `<th scope="col">${escape(text)}</th>`);
  const { page } = words;
  return section(
    page.all,
    `<div class="scroll" role="region" aria-label="${escape(page.all)}" tabindex="0"><table>
<thead><tr><td></td>${heads.join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div>`,
    list([...parity(comparison, words), ...details(comparison, words)]),
  );
}

function thisRun(comparison: Comparison, words: Texts): string {
  const { machine, date, options, processesAtOnce, tookSeconds } = comparison;
  const { page } = words;
  const json = jsonOf(comparison);
  const about = [machine.runtime, machine.start, machine.system]
    .filter(Boolean)
    .join(", ");
  return section(
    page.run,
    paragraph(
      words.conditions(
        options.clients,
        processesAtOnce,
        machine.cores,
        tookSeconds.toFixed(1),
        about,
      ),
    ),
    paragraph(new Date(date).toLocaleString("sv")),
    paragraph(page.again),
    `<pre class="command" tabindex="0">${escape(commandOf(comparison))}</pre>`,
    json.length > mostJson ? paragraph(page.tooLong) : folded(page.json, json),
  );
}

/** The command that measures the same again. */
function commandOf({ options, servers }: Comparison): string {
  const { clients, stayMs, loadSeconds, grow } = options;
  const measured = designs.filter((design) =>
    servers.some((server) => server.design === design),
  );
  const python = servers.find(({ language }) => language === "Python");
  return [
    "npx tsx scripts/compare.ts",
    clients === 10 ? "" : `-n ${clients}`,
    stayMs === 1000 ? "" : `--stay ${stayMs}`,
    loadSeconds === 0.5 ? "" : `--load ${loadSeconds}`,
    grow ? "--grow" : "",
    measured.length === designs.length ? "" : `--only ${measured.join()}`,
    python ? `--python ${quoted(dirname(python.file))}` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** In double quotes where a shell would take it apart. */
const quoted = (path: string) =>
  /^[\w./\\:-]+$/.test(path) ? path : `"${path}"`;

const style = `
:root { --stay: #e3ebf7; }
@media (prefers-color-scheme: dark) { :root { --stay: #263144; } }
@media print { :root { --stay: #e3ebf7; } }
.answer { font-size: 1.25rem; line-height: 1.45; max-width: none; }
.answer li { margin: 0.25em 0; }
.signs { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2em 2em; padding: 0; max-width: none; }
.signs b { color: var(--muted); }
.signs li:nth-child(2) b { color: var(--ink); }
.signs li:nth-child(3) b { color: var(--good); }
.signs li:nth-child(4) b { color: var(--bad); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2.66rem; break-inside: avoid; }
.pair .wide .chart { width: 100%; }
@media screen and (max-width: ${widths.wide + 36}px) { .pair { display: block; } .answer { font-size: 1.1rem; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25em 1em 0.25em 0; border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.python th, .python td { border-top: 0; padding-top: 0; }
.python th[scope=row] { padding-left: 1.5em; }
th[scope=row] { font-weight: normal; color: var(--muted); }
tr { break-inside: avoid; }
`;
