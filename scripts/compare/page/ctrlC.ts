/** What happened after Ctrl+C: a line of time for each server. */
import wrapAnsi from "wrap-ansi";
import { fontSize, widths, type Width } from "../../old/page/chart.ts";
import { paragraph, section } from "../../old/page/frame.ts";
import type { CtrlC, ServerResult } from "../result.ts";
import type { Texts } from "../texts.ts";
import { time } from "../words.ts";
import {
  bold,
  colourOf,
  overTime,
  timeAxis,
  widest,
  type Drawing,
} from "./drawing.ts";

type Stopped = ServerResult & { ctrlC: CtrlC };

const signs = { circle: "●", times: "✕", diamond2: "◆", square: "■" };

/** Something that happened, in ms since Ctrl+C. */
interface Event {
  sign: keyof typeof signs;
  said: string;
  ms: number;
}

export function ctrlC(all: ServerResult[], drawing: Drawing): string {
  const { page, rows } = drawing.words;
  const servers = all.filter(
    (server): server is Stopped => typeof server.ctrlC === "object",
  );
  const nowhere = all.some(({ ctrlC }) => typeof ctrlC === "string");
  if (servers.length === 0)
    return nowhere ? section(page.ctrlC, paragraph(rows.notHere)) : "";
  const about = paragraph(page.ctrlCAbout, "muted");
  const chart = timelines(servers, drawing);
  return section(page.ctrlC, about, `<figure>${chart}</figure>`);
}

/** What happened, in the order of time. */
function eventsOf(ctrlC: CtrlC, { page, rows }: Texts): Event[] {
  const { exit, lastEchoMs, disconnectedMs, leftMs, exitMs } = ctrlC;
  const exits = exit.signal ? rows.dies(exit.signal) : rows.exits(exit.code);
  const events = [
    { sign: "circle", said: page.lastEcho, ms: lastEchoMs },
    { sign: "times", said: page.disconnected, ms: disconnectedMs },
    { sign: "diamond2", said: page.left, ms: leftMs },
    { sign: "square", said: exits, ms: exitMs },
  ] as const;
  return events
    .flatMap(({ ms, ...event }) => (ms === undefined ? [] : [{ ...event, ms }]))
    .sort((a, b) => a.ms - b.ms);
}

function timelines(
  servers: Stopped[],
  { charts, words, name }: Drawing,
): string {
  const { pen, draw, both } = charts;
  const rows = servers.map((server) => ({
    server,
    events: eventsOf(server.ctrlC, words),
  }));
  const endMs = Math.max(...rows.map(({ events }) => events.at(-1)!.ms));
  const names = widest(servers.map(name)) + 28;

  function chart(width: Width): string {
    const narrow = width === "narrow";
    const marginLeft = narrow ? 12 : names;
    const columns = Math.floor((widths[width] - marginLeft) / (fontSize * 0.6));
    let height = 0;
    const marks = rows.flatMap(({ server, events }) => {
      const stroke = colourOf(server);
      const said = events.map(({ sign, said, ms }) =>
        `${signs[sign]} ${said} ${time(ms)}`.replaceAll(" ", "\u00a0"),
      );
      const text = wrapAnsi(said.join("   "), columns).split("\n");
      const y = height + (narrow ? 40 : 18);
      height = y + 28 + text.length * 24;
      const title = ({ said, ms }: Event) =>
        `${name(server)}: ${said}, ${ms.toFixed(1)} ms`;
      return [
        pen.line([0, y], [events.at(-1)!.ms, y], {
          stroke,
          strokeWidth: 4,
          strokeOpacity: 0.4,
        }),
        pen.line([0, y - 9], [0, y + 9], {
          stroke: "var(--ink)",
          strokeWidth: 3,
        }),
        ...events.map((event) => {
          const { sign, ms } = event;
          const cross = { stroke, strokeWidth: 3.5 };
          const filled = { fill: stroke, stroke: "var(--paper)" };
          return pen.dot([ms, y], {
            symbol: sign,
            r: sign === "circle" ? 11 : 7, // the client leaves right after its echo
            ...(sign === "times" ? cross : filled),
            title: title(event),
          });
        }),
        narrow
          ? pen.text([0, y - 28], name(server), {
              dx: -8,
              textAnchor: "start",
              ...bold,
            })
          : pen.text([0, y], name(server), { dx: -18, textAnchor: "end" }),
        pen.text([0, y + 16], text, {
          dx: narrow ? -10 : 0,
          textAnchor: "start",
          lineAnchor: "top",
          lineHeight: 24 / fontSize,
        }),
      ];
    });
    const margins = { marginLeft, marginRight: 36 };
    return draw(words.page.ctrlC, {
      ...overTime(widths[width], height + 2, margins, endMs),
      marks: [...marks, timeAxis(charts, width)],
    });
  }
  return both(chart);
}
