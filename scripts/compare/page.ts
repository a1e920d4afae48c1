/**
 * Draws a report as a web page. The browser lays it out, for any width and for
 * paper.
 */
import { escape, list, page, paragraph } from "../page.ts";
import type { FigureRow, FigureTable } from "./figures.ts";
import type { Lane, Legend, Panel, Picture, Report } from "./report.ts";

/** A report as a web page, in HTML. */
export function comparePage(report: Report): string {
  const { language, title, failures, sentences, notes } = report;
  const { picture, tables, conditions } = report;
  const parts: string[] = [];
  if (failures.length > 0) parts.push(list(failures, "failures"));
  parts.push(list(sentences, "answer"));
  if (picture.panels.length > 0)
    parts.push(heading(picture.title), drawPicture(picture));
  if (notes.length > 0) parts.push(list(notes, "notes"));
  const [measured, ...furtherTables] = tables;
  if (measured) parts.push(heading(measured.title), drawTable(measured));
  parts.push(...furtherTables.map(drawFolded), paragraph(conditions, "muted"));
  return page({
    language,
    title,
    parts,
    style: new URL("page.css", import.meta.url),
  });
}

function heading(text: string): string {
  return `<h2>${escape(text)}</h2>`;
}

/** Which clients waited while one stayed. */
function drawPicture(picture: Picture): string {
  const panels = picture.panels.map((panel) => drawPanel(panel, picture.endMs));
  return `<p class="about">${escape(picture.experiment)}</p>
${drawLegend(picture.legend, picture.end)}
<div class="panels" style="--columns: ${picture.columns}">
${panels.join("\n")}
</div>`;
}

function drawLegend(legend: Legend, end: string): string {
  const waits = escape(legend.waits);
  const answered = escape(legend.answered);
  const notAnswered = escape(legend.notAnswered);
  return `<p class="legend">
<span class="muted"><b class="waits">━</b> ${waits}</span>
<span class="muted"><b class="good">●</b> ${answered}</span>
<span class="muted"><b class="bad">✖</b> ${notAnswered}</span>
<span class="muted">0 – ${escape(end)}</span>
</p>`;
}

function drawPanel(panel: Panel, endMs: number): string {
  const lanes = panel.lanes.map((lane) => drawLane(lane, endMs));
  // The line is kept even if it is empty: the lanes of panels that are side by
  // side begin at one height.
  const about = escape(panel.about) || "&nbsp;";
  const more = panel.more ? paragraph(panel.more, "muted") : "";
  return `<section>
<h3>${escape(panel.title)}</h3>
<p class="muted">${about}</p>
<table class="lanes" style="--stay: ${percent(panel.leftMs / endMs)}">
${lanes.join("\n")}
</table>
${more}
</section>`;
}

/** The classes of lanes in page.css. */
const laneClasses = {
  stays: "stays",
  answered: "good",
  notAnswered: "bad",
};

/** A lane: its name, its bar on the axis of time, and its result. */
function drawLane(lane: Lane, endMs: number): string {
  const left = percent(lane.fromMs / endMs);
  const right = percent(1 - lane.toMs / endMs);
  return `<tr class="${laneClasses[lane.kind]}">
<th scope="row">${escape(lane.name)}</th>
<td><div><i style="left: ${left}; right: ${right}"></i></div></td>
<td>${escape(lane.result)}</td>
</tr>`;
}

/** A length in CSS. */
function percent(part: number): string {
  return `${(100 * part).toFixed(2)}%`;
}

/** A table of which only the title is shown until the reader opens it. */
function drawFolded(table: FigureTable): string {
  return `<details>
<summary>${heading(table.title)}</summary>
${drawTable(table)}
</details>`;
}

function drawTable({ designs, rows }: FigureTable): string {
  const heads = designs.map((design) => `<th scope="col">${design}</th>`);
  return `<table class="figures">
<thead>
<tr>
<td></td>
${heads.join("\n")}
</tr>
</thead>
<tbody>
${rows.map(drawRow).join("\n")}
</tbody>
</table>`;
}

function drawRow({ title, indent, cells }: FigureRow): string {
  const drawn = cells.map((text) => {
    const lines = escape(text || "-").replaceAll("\n", "<br>");
    return `<td>${lines}</td>`;
  });
  return `<tr class="indent${indent}">
<th scope="row">${escape(title)}</th>
${drawn.join("\n")}
</tr>`;
}
