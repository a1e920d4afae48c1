/** Draws a report as a page for the wall; the browser lays it out, for any width and for paper. */
import { escape, list, page, paragraph } from "../page.ts";
import type { Lane, Report } from "./report.ts";

/** A report as a page. */
export function comparePage(told: Report): string {
  const { language, title, picture, failures, sentences, notes } = told;
  const heading = (text: string) => `<h2>${escape(text)}</h2>`;
  const parts = [
    failures.length ? list(failures, "failures") : "",
    list(sentences, "answer"),
    picture.panels.length ? heading(picture.title) + pictureOf(told) : "",
    notes.length ? list(notes, "notes") : "",
    heading(told.table.title),
    figuresOf(told),
    paragraph(told.conditions, "muted"),
  ];
  return page(language, title, parts, style);
}

const percent = (part: number) => `${(100 * part).toFixed(2)}%`;

/** Who waited while one client stayed: a panel for each server, with a lane for each client. */
function pictureOf({ picture, table: { head } }: Report): string {
  const { experiment, panels, endMs, end, waits, good, bad } = picture;

  function lane({ kind, name, fromMs, toMs, said }: Lane): string {
    const place = `left: ${percent(fromMs / endMs)}; right: ${percent(1 - toMs / endMs)}`;
    return `<tr class="${kind}"><th scope="row">${escape(name)}</th><td><div><i style="${place}"></i></div></td><td>${escape(said)}</td></tr>`;
  }
  const drawn = panels.map(
    ({ title, about, lanes, more, leftMs }) => `<section>
<h3>${escape(title)}</h3>
<p class="muted">${escape(about) || "&nbsp;"}</p>
<table class="lanes" style="--stay: ${percent(leftMs / endMs)}">
${lanes.map(lane).join("\n")}
</table>${more && paragraph(more, "muted")}
</section>`,
  );
  return `<p class="about">${escape(experiment)}</p>
<p class="legend"><span class="muted"><b class="waits">━</b> ${escape(waits)}</span>
<span class="muted"><b class="good">●</b> ${escape(good)}</span>
<span class="muted"><b class="bad">✖</b> ${escape(bad)}</span>
<span class="muted">0 – ${escape(end)}</span></p>
<div class="panels" style="--columns: ${head.length}">
${drawn.join("\n")}
</div>`;
}

function figuresOf({ table: { head, rows } }: Report): string {
  const heads = head.map((name) => `<th scope="col">${name}</th>`).join("");
  const lines = rows.map(({ title, indent, cells }) => {
    const drawn = cells.map((text) =>
      escape(text || "-").replaceAll("\n", "<br>"),
    );
    return `<tr class="indent${indent}"><th scope="row">${escape(title)}</th><td>${drawn.join("</td><td>")}</td></tr>`;
  });
  return `<table class="figures"><thead><tr><td></td>${heads}</tr></thead>
<tbody>
${lines.join("\n")}
</tbody></table>`;
}

const style = `
h1 { margin-bottom: 0.25em; }
h2 { margin: 0.7em 0 0.2em; }
.answer, .failures, .notes { line-height: 1.35; max-width: none; }
.answer li, .failures li { margin: 0.15em 0; }
.failures { color: var(--bad); font-weight: bold; }
.good { color: var(--good); } .bad { color: var(--bad); } .stays { color: var(--async); }
.about { max-width: none; margin: 0; } .legend { max-width: none; margin: 0 0 0.2em; }
.legend span { white-space: nowrap; margin-right: 1.2em; }
.panels { display: grid; gap: 0.5rem 2.2rem; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); }
.panels section { min-width: 0; break-inside: avoid; }
h3 { font-size: 1rem; line-height: 1.25; margin: 0.3em 0 0; overflow-wrap: anywhere; }
.panels p { margin: 0; font-size: max(16px, 0.85rem); line-height: 1.3; }
table { border-collapse: collapse; width: 100%; print-color-adjust: exact; }
tr { break-inside: avoid; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: normal; }
.lanes { font-size: max(16px, 0.85rem); line-height: 1.32; table-layout: fixed; }
.lanes :is(th, td) { padding: 0; white-space: nowrap; color: var(--ink); }
.lanes th { width: 5em; padding-right: 0.6em; text-align: right; }
.lanes th:lang(ko) { width: 7em; } .lanes td:last-child:lang(ko) { width: 7.3em; }
.lanes td:last-child { width: 6em; padding-left: 0.5em; }
.lanes div { position: relative; height: 1.32em; margin-right: 0.5em; border-left: 1px solid var(--line);
  background: linear-gradient(to right, var(--soft) var(--stay), transparent 0); }
.lanes i { position: absolute; top: calc(50% - 0.13em); height: 0.26em; min-width: 0.26em; background: currentcolor; }
.lanes .good i { color: var(--good); } .lanes .bad i { color: var(--bad); }
.lanes .stays i { color: var(--async); top: 18%; height: 64%; }
.lanes .stays :is(th, td) { font-weight: bold; }
.lanes i::after { position: absolute; right: -0.45em; top: -0.55em; font-style: normal; line-height: 1.32; }
.lanes .good i::after { content: "●"; } .lanes .bad i::after { content: "✖"; }
.figures { table-layout: fixed; }
.figures :is(th, td) { padding: 0.2em 0.5em; border-top: 1px solid var(--line); vertical-align: top; }
.figures thead :is(th, td) { font-weight: bold; border: 0; }
.figures [scope=row] { color: var(--muted); }
.indent1 th { padding-left: 1.7em; } .indent2 th { padding-left: 2.9em; }
.indent1 :is(th, td), .indent2 :is(th, td) { border-top-style: dotted; }
@media (max-width: 900px), print { .panels { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 700px) { .figures { font-size: 0.8rem; } .figures :is(th, td) { padding: 0.2em 0.2em; } }
`;
