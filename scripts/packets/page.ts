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
  return page({
    language: lang,
    title: texts.title,
    parts: [
      ...[...before, ...notes].map((note) => paragraph(note, "note")),
      `<div class="legend">${legend.join("\n")}</div>`,
      table(picture, texts),
      ...[origin, ...after].map((note) => paragraph(note, "muted")),
    ],
    style: new URL("page.css", import.meta.url),
  });
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
