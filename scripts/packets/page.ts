/** Draws a picture as a page for the wall: a table, which the browser lays out for any width and for paper. */
import type { Language } from "../language.ts";
import { escape, page, paragraph } from "../page.ts";
import type { Side } from "./recording.ts";
import type { Picture, Row } from "./rows.ts";
import type { Texts } from "./texts.ts";

/** What stands above a picture, and below it. */
export type Around = [before: string[], after: string[]];

/** @param texts in the page's language */
export function packetsPage(
  picture: Picture,
  [before, after]: Around,
  lang: Language,
  texts: Texts,
): string {
  const { opens, confirms, hands, closes, resets } = texts;
  const flags = { SYN: opens, ACK: confirms, PSH: hands };
  const meanings = Object.entries({ ...flags, FIN: closes, RST: resets }).map(
    ([flag, does]) =>
      `<span><b class="${flag.toLowerCase()}">${flag}</b> ${escape(does)}</span>`,
  );
  const legend = [
    ...[meanings.join(" "), escape(texts.numbers), escape(texts.times)],
    `<span class="count">14</span> ${escape(texts.unread)}`,
  ].map((html) => `<p>${html}</p>`);
  const { notes, origin } = picture;
  return page(
    lang,
    texts.title,
    [
      ...[...before, ...notes].map((note) => paragraph(note, "note")),
      `<div class="legend">${legend.join("\n")}</div>`,
      table(picture, texts),
      ...[origin, ...after].map((note) => paragraph(note, "muted")),
    ],
    style,
  );
}

const hidden = (text: string) => `<span class="hidden">${escape(text)}</span>`;

function table({ sides, connections, rows }: Picture, texts: Texts): string {
  const head = (side: Side) => {
    const ends = connections.map((each, index) => {
      const number = connections.length > 1 ? `${index + 1}: ` : "";
      return ` <small>${number}${escape(each[side])}</small>`;
    });
    return `<span><b>${escape(sides[side])}</b>${ends.join("")}</span>`;
  };
  const heads = [
    ...["ms", hidden(`${sides.client}: ${texts.notRead}`)],
    ...[`${head("client")} ${head("server")}`],
    ...[hidden(`${sides.server}: ${texts.notRead}`), hidden(texts.meaning)],
  ].map((html) => `<th scope="col">${html}</th>`);
  const most = Math.max(...rows.flatMap(({ unread }) => Object.values(unread)));
  return `<table style="--digits: ${String(most).length}"><thead><tr>${heads.join("")}</tr></thead>
<tbody>${rows.map((row) => drawn(row, sides)).join("\n")}</tbody></table>`;
}

function drawn(row: Row, sides: Picture["sides"]): string {
  const { time, from, kind, words, unread } = row;
  const count = (bytes: number) =>
    bytes ? `<td class="count">${bytes}</td>` : "<td></td>";
  return `<tr class="${kind} ${from}"><td class="time">${time.replace(/ $/, "<i>0</i>")}</td>
${count(unread.client)}<td class="lane">${inLane(row, sides)}</td>${count(unread.server)}
<td class="words">${words.map(escape).join("<br>")}</td></tr>`;
}

function inLane(row: Row, sides: Picture["sides"]): string {
  const { from, kind, label, carried, lost } = row;
  const [what, numbers] = label.map(escape);
  const to = from === "client" ? "server" : "client";
  if (!numbers) {
    const text = kind === "line" ? `<code>${what}</code>` : `<b>${what}</b>`;
    return `<div class="told">${hidden(`${sides[from]}:`)}${text}</div>`;
  }
  const quoted = carried && ` <q>${escape(carried)}</q>`;
  return `<div class="arrow${lost ? " lost" : ""}">${hidden(`${sides[from]} → ${sides[to]}:`)}<span><b>${what}</b> ${numbers}${quoted}</span></div>`;
}

const style = `
.syn { --colour: var(--good); } .data, .psh { --colour: var(--async); }
.fin { --colour: var(--note); } .rst { --colour: var(--bad); } .end { --colour: var(--muted); }
b { color: var(--colour, inherit); } small, .time, .line .words { color: var(--muted); font-size: 1em; }
main { max-width: 70rem; padding-block: 0.5rem 0.3rem; } h1 { font-size: 1.4rem; margin-bottom: 0.2em; }
.legend, .note, .muted { font-size: 0.76rem; line-height: 1.4; margin: 0.1em 0; max-width: none; }
.legend p { margin: 0.1em 0; max-width: none; } .note { white-space: pre-line; }
.legend p:first-child { display: flex; flex-wrap: wrap; gap: 0 1.5em; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
table { border-collapse: collapse; width: 100%; margin: 0.3rem 0; font-size: 0.82rem; line-height: 1.28; font-variant-numeric: tabular-nums; }
tr { break-inside: avoid; } td, th { padding: 0.12em 0.5em; }
th { font-weight: normal; text-align: left; } th b { font-size: 1.3em; } th:first-child { text-align: right; color: var(--muted); }
th > span:not(.hidden) { display: inline-block; width: 49%; } th > span + span { text-align: right; } small { display: inline-block; }
.time { text-align: right; white-space: nowrap; width: 1%; } .time i { visibility: hidden; }
td.lane { width: 56%; padding: 0.12em 0; border: solid var(--line); border-width: 0 0.2em; }
.lane span:not(.hidden), code { overflow-wrap: anywhere; } code { font-size: 0.95em; }
td:nth-child(2), td:nth-child(4) { min-width: calc(var(--digits) * 0.7em); width: 1%; white-space: nowrap; }
.count { background: #ffd43b; color: #1b1b1b; font-weight: bold; text-align: center; padding: 0 0.5em; }
.arrow { display: flex; align-items: center; gap: 0.5em; } .server .arrow { flex-direction: row-reverse; }
.arrow::before, .arrow::after, .told::before { content: ""; background: var(--colour, var(--ink)); }
.arrow::before { flex: 0 0 1em; height: 0.16em; } .count, .arrow::before, .arrow::after, .told::before { print-color-adjust: exact; }
.arrow::after {
  flex: 1; height: 0.8em; min-width: 1.5em;
  clip-path: polygon(0 40%, calc(100% - 0.9em) 40%, calc(100% - 0.9em) 0, 100% 50%, calc(100% - 0.9em) 100%, calc(100% - 0.9em) 60%, 0 60%);
}
.server .arrow::after { transform: scaleX(-1); }
.client .lost::after { margin-right: 18%; } .server .lost::after { margin-left: 18%; }
.lost.arrow::after {
  min-width: 2.5em; height: 1.2em;
  clip-path: polygon(0 43%, calc(100% - 0.8em) 43%, calc(100% - 1.2em) 10%, calc(100% - 1em) 0, calc(100% - 0.6em) 35%, calc(100% - 0.2em) 0, 100% 10%, calc(100% - 0.4em) 50%, 100% 90%, calc(100% - 0.2em) 100%, calc(100% - 0.6em) 65%, calc(100% - 1em) 100%, calc(100% - 1.2em) 90%, calc(100% - 0.8em) 57%, 0 57%);
}
.told { display: flex; gap: 0.5em; margin-left: -0.55em; } .server .told { flex-direction: row-reverse; text-align: right; margin: 0 -0.55em 0 0; }
.told::before { flex: none; width: 0.7em; height: 0.7em; margin-top: 0.3em; clip-path: polygon(50% 0, 100% 50%, 50% 100%, 0 50%); }
@media screen and (max-width: 700px) {
  th { display: none; } th:nth-child(3), th small { display: block; }
  tbody tr { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; padding-top: 0.5em; }
  .time, .words { grid-area: 1 / 1 / 2 / 4; padding: 0; text-align: left; width: auto; } .words { padding-left: 5.2em; }
  td:nth-child(2), td:nth-child(4) { width: 0; min-width: calc(var(--digits) * 0.7em + 0.8em); padding: 0; } td.lane { width: auto; }
  .arrow::before { flex-basis: 0.4em; } tr .lost.arrow::after { margin: 0; }
}
@media print { table, .legend, .note, .muted { font-size: 8.5pt; } }
`;
