/** Draws a picture as a page for the wall: a table, which the browser lays out for any width and for paper. */
import type { Language } from "../language.ts";
import { escape, page, paragraph } from "../page.ts";
import type { Side } from "./recording.ts";
import type { Picture, Row } from "./rows.ts";
import type { Texts } from "./texts.ts";

const flags = ["SYN", "ACK", "PSH", "FIN", "RST"] as const;

/**
 * @param before what stands above the picture, and what below it
 * @param texts in the page's language
 */
export function packetsPage(
  picture: Picture,
  before: string[],
  after: string[],
  lang: Language,
  texts: Texts,
): string {
  const meanings = flags.map(
    (flag) =>
      `<span><b class="${flag.toLowerCase()}">${flag}</b> ${escape(texts[flag])}</span>`,
  );
  const yellow = `<span class="count">14</span> ${escape(texts.unreadMeans)}`;
  return page(
    lang,
    texts.title,
    [
      ...[...before, ...picture.notes].map((note) => paragraph(note, "note")),
      `<div class="legend"><p>${meanings.join(" ")}</p>`,
      `<p>${escape(texts.numbers)}</p><p>${escape(texts.times)}</p><p>${yellow}</p></div>`,
      table(picture, texts),
      ...[picture.origin, ...after].map((note) => paragraph(note, "muted")),
    ],
    style,
  );
}

function table({ sides, connections, rows }: Picture, texts: Texts): string {
  const several = connections.length > 1;
  const ends = (side: Side) =>
    connections.map((each, index) => {
      const number = several ? `${index + 1}: ` : "";
      return `<small>${number}${escape(each[side])}</small>`;
    });
  const head = (side: Side) =>
    `<span><b>${escape(sides[side])}</b> ${ends(side).join(" ")}</span>`;
  const unread = (side: Side) =>
    `<th scope="col"><span class="hidden">${escape(`${sides[side]}: ${texts.notRead}`)}</span></th>`;
  return `<table class="wire"><thead><tr><th scope="col" class="time">ms</th>${unread("client")}
<th scope="col" class="sides">${head("client")} ${head("server")}</th>${unread("server")}<th scope="col"><span class="hidden">${escape(texts.meaning)}</span></th></tr></thead>
<tbody>
${rows.map((row) => drawn(row, sides, texts)).join("\n")}
</tbody></table>`;
}

function drawn(row: Row, sides: Picture["sides"], texts: Texts): string {
  const { time, from, kind, words, unread } = row;
  const count = (side: Side) =>
    unread[side]
      ? `<td class="count">${unread[side]}</td>`
      : `<td class="none"></td>`;
  const cells = [
    `<td class="time">${time.replace(/ $/, "<i>0</i>")}</td>`,
    count("client"),
    `<td class="lane">${inLane(row, sides, texts)}</td>`,
    count("server"),
    `<td class="words">${words.map(escape).join("<br>")}</td>`,
  ];
  return `<tr class="${kind} ${from}">${cells.join("")}</tr>`;
}

function inLane(
  { from, kind, label, carried, lost }: Row,
  sides: Picture["sides"],
  texts: Texts,
): string {
  const [what = "", numbers] = label;
  const hidden = (text: string) =>
    `<span class="hidden">${escape(text)}: </span>`;
  if (numbers === undefined) {
    const text = escape(what);
    const shown = kind === "line" ? `<code>${text}</code>` : text;
    return `<div class="told">${hidden(sides[from])}<span>${shown}</span></div>`;
  }
  const to = from === "client" ? "server" : "client";
  const quoted = carried && ` <q>${escape(carried)}</q>`;
  return `<div class="arrow${lost ? " lost" : ""}">${hidden(texts.arrow(sides[from], sides[to]))}<span class="label"><b>${what}</b> ${numbers}${quoted}</span></div>`;
}

const style = `
.syn { --colour: var(--good); } .data, .psh { --colour: var(--async); }
.fin { --colour: var(--note); } .rst { --colour: var(--bad); }
b { color: var(--colour, inherit); }
main { max-width: 70rem; padding-top: 0.6rem; }
h1 { font-size: 1.4rem; margin-bottom: 0.2em; }
.note { white-space: pre-line; }
.legend, .note, .muted { font-size: 0.76rem; line-height: 1.4; }
.legend p, .note, .muted { margin: 0.1em 0; max-width: none; }
.legend p:first-child { display: flex; flex-wrap: wrap; gap: 0 1.5em; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.wire { border-collapse: collapse; width: 100%; margin: 0.3rem 0; font-size: 0.84rem; line-height: 1.28; font-variant-numeric: tabular-nums; }
.wire tr { break-inside: avoid; }
.wire th { font-weight: normal; text-align: left; }
.wire th b { font-size: 1.3em; } small { color: var(--muted); font-size: 1em; }
.wire td, .wire th { padding: 0.12em 0.5em; }
.sides span { display: inline-block; width: 49%; } .sides span + span { text-align: right; }
.wire .time { text-align: right; color: var(--muted); white-space: nowrap; }
.time i { visibility: hidden; }
.wire .time { width: 1%; } .wire td.lane { width: 56%; padding: 0.12em 0; border: solid var(--line); border-width: 0 0.2em; }
.count { background: #ffd43b; color: #1b1b1b; font-weight: bold; text-align: center; }
p .count { padding: 0 0.5em; }
.wire .count, .wire .none { min-width: 2em; width: 1%; }
.arrow { display: flex; align-items: center; gap: 0.5em; }
.server .arrow { flex-direction: row-reverse; }
.arrow::before, .arrow::after { content: ""; background: var(--colour, var(--ink)); height: 0.8em; print-color-adjust: exact; }
.arrow::before { flex: 0 0 1em; height: 0.16em; }
.arrow::after {
  flex: 1; min-width: 1.5em;
  clip-path: polygon(0 40%, calc(100% - 0.9em) 40%, calc(100% - 0.9em) 0, 100% 50%, calc(100% - 0.9em) 100%, calc(100% - 0.9em) 60%, 0 60%);
}
.server .arrow::after { transform: scaleX(-1); }
.lost::after {
  margin: 0 18%; height: 1.2em;
  clip-path: polygon(0 43%, calc(100% - 0.8em) 43%, calc(100% - 1.2em) 10%, calc(100% - 1em) 0, calc(100% - 0.6em) 35%, calc(100% - 0.2em) 0, 100% 10%, calc(100% - 0.4em) 50%, 100% 90%, calc(100% - 0.2em) 100%, calc(100% - 0.6em) 65%, calc(100% - 1em) 100%, calc(100% - 1.2em) 90%, calc(100% - 0.8em) 57%, 0 57%);
}
.label { overflow-wrap: anywhere; }
.told { display: flex; gap: 0.5em; margin: 0 -0.55em; }
.server .told { flex-direction: row-reverse; text-align: right; }
.told::before { content: ""; flex: none; width: 0.7em; height: 0.7em; margin-top: 0.3em; background: var(--ink); clip-path: polygon(50% 0, 100% 50%, 50% 100%, 0 50%); print-color-adjust: exact; }
.read .told { font-weight: bold; }
.end .told { color: var(--muted); }
code { overflow-wrap: anywhere; font-size: 0.95em; }
.line .words { color: var(--muted); }
@media screen and (max-width: 700px) {
  .wire thead th { display: none; } .wire thead .sides { display: block; }
  .wire tbody tr { display: grid; grid-template-columns: auto 1fr auto; padding-top: 0.5em; }
  .wire .time, .wire .words { grid-area: 1 / 1 / 2 / 4; padding: 0; text-align: left; }
  .wire .words { padding-left: 5.2em; }
  .wire .count, .wire .none { width: 2.2em; padding: 0; }
  .wire td.lane { width: auto; }
  small { display: block; } .arrow::before { flex-basis: 0.4em; } .lost::after { margin: 0; }
}
@media print { .wire, .legend, .note, .muted { font-size: 8.5pt; } .count { print-color-adjust: exact; } }
`;
