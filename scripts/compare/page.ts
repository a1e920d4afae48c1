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
  return page({
    language,
    title,
    parts,
    style: new URL("page.css", import.meta.url),
  });
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
