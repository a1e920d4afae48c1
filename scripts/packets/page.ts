/**
 * Draws a picture as a web page: as a table, which the browser lays out for any
 * width and for paper.
 */
import type { Language } from "../language.ts";
import { escape, page, paragraph } from "../page.ts";
import type { Side } from "./recording.ts";
import type { EventRow, PacketRow, Picture, Row } from "./rows.ts";
import type { Texts } from "./texts.ts";

/** Paragraphs above and below a picture. */
export interface Around {
  above: string[];
  below: string[];
}

export interface PacketsPageOptions {
  around: Around;
  language: Language;
  /** The texts in the page's language. */
  texts: Texts;
}

/** A picture as a whole web page, as HTML. */
export function packetsPage(
  picture: Picture,
  { around, language, texts }: PacketsPageOptions,
): string {
  const above = [...around.above, ...picture.notes];
  const below = [picture.origin, ...around.below];
  return page({
    language,
    title: texts.title,
    parts: [
      ...above.map((text) => paragraph(text, "note")),
      legend(picture, texts),
      table(picture, texts),
      ...below.map((text) => paragraph(text, "muted")),
    ],
    style: new URL("page.css", import.meta.url),
  });
}

/** The meaning of the flags, the numbers, the times and the yellow numbers. */
function legend({ kind }: Picture, texts: Texts): string {
  const flags = [
    flagMeaning("SYN", texts.opens),
    flagMeaning("ACK", texts.ackFlag),
    flagMeaning("PSH", texts.pshFlag),
    flagMeaning("FIN", texts.closes),
    flagMeaning("RST", texts.resets),
  ];
  const isWatch = kind === "watch";
  const parts = [
    flags.join(" "),
    escape(texts.numbers),
    escape(isWatch ? texts.packetTimes : texts.times),
  ];
  if (!isWatch)
    parts.push(`<span class="count">14</span> ${escape(texts.unread)}`);
  const paragraphs = parts.map((part) => `<p>${part}</p>`);
  return `<div class="legend">${paragraphs.join("\n")}</div>`;
}

function flagMeaning(flag: string, meaning: string): string {
  const name = `<b class="${flag.toLowerCase()}">${flag}</b>`;
  return `<span>${name} ${escape(meaning)}</span>`;
}

/** A text for screen readers only. */
function hidden(text: string): string {
  return `<span class="hidden">${escape(text)}</span>`;
}

function table(picture: Picture, texts: Texts): string {
  const { sides, rows } = picture;
  const heads = [
    "ms",
    hidden(`${sides.client}: ${texts.notRead}`),
    `${sideHead(picture, "client")} ${sideHead(picture, "server")}`,
    hidden(`${sides.server}: ${texts.notRead}`),
    hidden(texts.meaning),
  ];
  return `<table style="--digits: ${unreadDigits(rows)}">
<thead>
<tr>
${heads.map((head) => `<th scope="col">${head}</th>`).join("\n")}
</tr>
</thead>
<tbody>
${rows.map((row) => tableRow(row, sides)).join("\n")}
</tbody>
</table>`;
}

/** How many digits the highest number of unread bytes has. */
function unreadDigits(rows: Row[]): number {
  let most = 0;
  for (const { unread } of rows)
    most = Math.max(most, unread.client, unread.server);
  return String(most).length;
}

/** A side's name, and its address in each connection. */
function sideHead(picture: Picture, side: Side): string {
  const { sides, connections, numbersConnections } = picture;
  const addresses = connections.map((addressOf, index) => {
    const number = numbersConnections ? `${index + 1}: ` : "";
    return ` <small>${number}${escape(addressOf[side])}</small>`;
  });
  return `<span><b>${escape(sides[side])}</b>${addresses.join("")}</span>`;
}

function tableRow(row: Row, sides: Picture["sides"]): string {
  const { type, from, unread, descriptions } = row;
  const inLane =
    row.kind === "packet" ? arrow(row, sides) : eventText(row, sides);
  return `<tr class="${type} ${from}">
<td class="time">${alignedTime(row)}</td>
${unreadCell(unread.client)}
<td class="lane">${inLane}</td>
${unreadCell(unread.server)}
<td class="description">${descriptions.map(escape).join("<br>")}</td>
</tr>`;
}

/** A row's time: an event gets an invisible third decimal, to be aligned. */
function alignedTime({ kind, time }: Row): string {
  return kind === "packet" ? time : `${time}<i>0</i>`;
}

function unreadCell(bytes: number): string {
  return bytes > 0 ? `<td class="count">${bytes}</td>` : "<td></td>";
}

/** A packet's flags, numbers and data. The style sheet draws the arrow. */
function arrow(row: PacketRow, sides: Picture["sides"]): string {
  const { from, flags, numbers, data, lost } = row;
  const to = from === "client" ? "server" : "client";
  const direction = hidden(`${sides[from]} → ${sides[to]}:`);
  const quoted = data ? ` <q>${escape(data)}</q>` : "";
  const label = `<b>${escape(flags)}</b> ${escape(numbers)}${quoted}`;
  const classes = lost ? "arrow lost" : "arrow";
  return `<div class="${classes}">${direction}<span>${label}</span></div>`;
}

/**
 * An action of a program, or a line that it prints. The style sheet puts a mark
 * next to it.
 */
function eventText(row: EventRow, sides: Picture["sides"]): string {
  const { from, type, text } = row;
  const element = type === "line" ? "code" : "b";
  const shown = `<${element}>${escape(text)}</${element}>`;
  return `<div class="event">${hidden(`${sides[from]}:`)}${shown}</div>`;
}
