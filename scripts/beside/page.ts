/** Draws a report as a web page: each program as a table of two columns. */
import type { Language } from "../language.ts";
import { escape, page, paragraph } from "../page.ts";
import type { ProgramReport, Report } from "./report.ts";
import type { Line, Part, Row } from "./rows.ts";
import { indentationOf } from "./wrap.ts";

/** A report as a whole web page, as HTML. */
export function besidePage(report: Report, language: Language): string {
  const { title, legend, notes, programs } = report;
  return page({
    language,
    title,
    parts: [
      paragraph(legend, "legend"),
      ...notes.map((note) => paragraph(note, "note")),
      ...programs.map(programTable),
    ],
    style: new URL("page.css", import.meta.url),
  });
}

function programTable(program: ProgramReport): string {
  const { original, port, rows, sentence } = program;
  return `<table>
<thead>
<tr>
<th scope="col">${escape(original)}</th>
<th scope="col">${escape(port)}</th>
</tr>
</thead>
<tbody>
${rows.map(tableRow).join("\n")}
</tbody>
</table>
${paragraph(sentence)}`;
}

function tableRow({ kind, original, port }: Row): string {
  return `<tr class="${kind}">
<td>${original.map(lineOfCode).join("")}</td>
<td>${port.map(lineOfCode).join("")}</td>
</tr>`;
}

/** A line with its number. The rest of a wrapped line is indented. */
function lineOfCode({ number, parts }: Line): string {
  const code = `<code style="--indentation: ${indentationOf(parts)}">`;
  const shown = `${code}${parts.map(partOfCode).join("")}</code>`;
  return `<div><span class="number">${number ?? ""}</span>${shown}</div>`;
}

function partOfCode({ text, kind }: Part): string {
  switch (kind) {
    case "plain":
      return escape(text);
    case "heading":
      return `<b>${escape(text)}</b>`;
    case "unlike":
      return `<mark>${escape(text)}</mark>`;
    case "comment":
    case "note":
      return `<i class="${kind}">${escape(text)}</i>`;
  }
}
