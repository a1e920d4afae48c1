/** A recording as a page for the wall: what went over the wire as a sequence diagram. */
import { stripVTControlCharacters } from "node:util";
import type { Language } from "../old/language.ts";
import { fontSize, loadCharts, widths } from "../old/page/chart.ts";
import { escape, folded, jsonOf, page, paragraph } from "../old/page/frame.ts";
import { heldOf } from "./activity.ts";
import { ladder, originOf, printedLines } from "./ladder.ts";
import { eventsOf, type Line, type Recording, type Step } from "./recording.ts";
import { timeOf, type Scale } from "./rows.ts";
import { scaleOf, sequence } from "./sequence.ts";
import { texts as all, type Texts } from "./texts.ts";

/** So many packets and lines has a page at most, and characters of JSON. */
const most = { events: 80, json: 200_000 };

/**
 * The page, as HTML.
 *
 * @param note what has to be known before one trusts it; "" for nothing
 */
export async function packetsPage(
  whole: Recording,
  lang: Language,
  note = "",
): Promise<string> {
  const texts = all[lang];
  const charts = await loadCharts();
  const recording = beginningOf(whole);
  const count = eventsOf(whole).length;
  const json = jsonOf(recording);
  const { run } = recording;
  const view = { columns: 100, texts, ascii: false };
  const text = [printedLines(recording, view), ladder(recording, view)];
  return page(
    lang,
    texts.wire,
    [
      paragraph(originOf(whole, texts), "muted"),
      note && paragraph(note, "note"),
      run?.meets === "busy server" ? paragraph(texts.twoClients) : "",
      legend(recording, scaleOf(recording, texts), texts),
      charts.both((width) => {
        const parts = sequence(recording, texts, width, charts);
        const label = escape(texts.page.label(recording.packets.length));
        return `<div class="sequence" role="img" aria-label="${label}">${parts.join("")}</div>`;
      }),
      folded(
        texts.page.text,
        stripVTControlCharacters(text.join("\n\n").trim()),
      ),
      count > most.events ? paragraph(texts.page.more(most.events, count)) : "",
      json.length > most.json ? "" : folded(texts.page.json, json),
    ],
    style,
  );
}

/** The packets and lines that a page has room for, and their connections. */
function beginningOf(recording: Recording): Recording {
  const events = eventsOf(recording).slice(0, most.events);
  const shown = new Set<Step | Line>(
    events.map((event) => ("step" in event ? event.step : event.line)),
  );
  const packets = recording.packets.filter((step) => shown.has(step));
  const count = Math.max(1, ...packets.map(({ connection }) => connection));
  return {
    ...recording,
    packets,
    lines: recording.lines.filter((line) => shown.has(line)),
    connections: recording.connections.slice(0, count),
  };
}

/** How to read it: a sample of each thing that is drawn, and what it means. */
function legend(recording: Recording, scale: Scale, texts: Texts): string {
  const { legend } = texts.page;
  const { packets, lines } = recording;
  const item = (sample: string, text: string, kind = "") =>
    `<li${kind && ` class="${kind}"`}><span class="sample ${sample}"></span>${escape(text)}</li>`;
  const ms = roundMs(70 / scale.pixelsPerMs);
  const scaled = `<li class="wide"><span class="sample"><span class="scale" style="width:${(ms * scale.pixelsPerMs) / fontSize}em"></span></span>${escape(legend.scale(timeOf(ms)))}</li>`;
  const flags = Object.entries(legend.flags).map(
    ([flag, meaning]) =>
      `<b style="color:var(--${flag.toLowerCase()})">${flag}</b>${escape(meaning)}`,
  );
  const items = [
    item("arrow", `${legend.packet} ${legend.slant}`, "all"),
    `<li class="all">${flags.join(" ")}</li>`,
    packets.some(({ lost }) => lost) && item("cross", legend.lost),
    lines.length && item("call", legend.call),
    lines.length && item("call ready", legend.ready),
    heldOf(recording).some(({ bytes }) => bytes) && item("held", legend.held),
    scale.used && scaled,
    scale.used && item("stretched", legend.stretched, "wide"),
    item("stretched", legend.even, scale.used ? "narrow" : ""),
  ].filter(Boolean);
  return `<ul class="legend">${items.join("\n")}</ul>
${lines.length ? "" : paragraph(legend.noLines)}`;
}

/** The nearest round number below. */
function roundMs(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(ms));
  return power * [5, 2, 1].find((digit) => digit * power <= ms)!;
}

const colours = {
  light: `
  --client-side: #1a57b0; --server-side: #a33c00; --syn: #08703a; --data: #0a58c2; --fin: #85530a;
  --rst: #b3151f; --ack: #4a4a4a; --psh: var(--data); --call: #7157c8; --call-text: #5940ad; --ready: #d9d2f1;
  --held: #ffd968; --held-text: #4a3500;`,
  dark: `
  --client-side: #7fb3ff; --server-side: #ff9d66; --syn: #58d68d; --data: #6fb4ff; --fin: #f0b54a;
  --rst: #ff8085; --ack: #c4c4c4; --psh: var(--data); --call: #8f78e6; --call-text: #b7a6ff; --ready: #3a3357;
  --held: #7a5c00; --held-text: #ffe9a8;`,
};

const style = `
:root {${colours.light}}
@media (prefers-color-scheme: dark) { :root {${colours.dark}} }
@media print {
  :root {${colours.light}}
  .sequence .chart { clip-path: inset(0 -2rem -1px -2rem); }
}
.sequence { margin: 1.5em 0; }
.sequence .chart { break-inside: avoid; }
.legend b { margin-right: 0.3em; }
.legend { list-style: none; padding: 0; max-width: none; display: grid; gap: 0.3em 2em; grid-template-columns: 1fr 1fr; }
.legend li { padding-left: 4.4em; position: relative; }
.legend li.all { grid-column: 1 / -1; }
.legend li.narrow { display: none; }
.sample { position: absolute; left: 0; top: 0.45em; width: 3.6em; height: 0.6em; }
.arrow { top: 0.7em; height: 3px; background: var(--data); transform: rotate(4deg); }
.arrow::after { content: ""; position: absolute; right: 0; top: -0.25em; width: 0.5em; height: 0.5em; border: solid var(--data); border-width: 3px 3px 0 0; transform: rotate(45deg); }
.cross::after { content: "✕"; position: absolute; right: 1em; top: -0.55em; color: var(--rst); font-weight: bold; font-size: 1.2em; }
.call { background: var(--call); }
.ready { background: var(--ready); }
.held { background: var(--held); }
.scale { display: block; height: 5px; margin-top: 0.2em; background: var(--muted); }
.stretched { border-top: 3px dotted var(--muted); top: 0.75em; height: 0; }
@media screen and (max-width: ${widths.wide + 36}px) {
  .legend { grid-template-columns: 1fr; }
  .legend li.wide { display: none; }
  .legend li.narrow { display: block; }
}
`;
