/** A recording as a sequence diagram: two lifelines, time downwards, a slanted arrow for each packet. */
import wrapAnsi from "wrap-ansi";
import {
  fontSize,
  widths,
  type Charts,
  type Marks,
  type Width,
} from "../page/chart.ts";
import { callsOf, heldOf, type Call } from "./activity.ts";
import { visible } from "./ladder.ts";
import {
  eventsOf,
  type Line,
  type Recording,
  type Side,
  type Step,
} from "./recording.ts";
import type { Texts } from "./texts.ts";

/** Where things stand, in the chart's pixels, from left to right. */
interface Geometry {
  /** The axis of time; its numbers end before it. On a phone there is none. */
  axis?: number;
  /** How far an arrow sinks on its way: what it took is not known. */
  slant: number;
  client: Lifeline;
  server: Lifeline;
  /** The sentences: where they begin, and how many columns they have. */
  words: { x: number; columns: number; below: boolean };
}

/** A side: its line, the bytes that wait there, the calls of its script, and their names. */
interface Lifeline {
  line: number;
  held: [number, number];
  call: [number, number];
  names?: number;
}

const geometries: Record<Width, Geometry> = {
  wide: {
    axis: 106,
    slant: 24,
    client: { line: 310, held: [264, 306], call: [240, 258], names: 230 },
    server: { line: 638, held: [642, 684], call: [690, 708], names: 717 },
    words: { x: 864, columns: 25, below: false },
  },
  narrow: {
    slant: 20,
    client: { line: 46, held: [14, 42], call: [0, 10] },
    server: { line: 338, held: [342, 370], call: [374, 384] },
    words: { x: 56, columns: 26, below: true },
  },
};

const lineHeight = 24;
const headHeight = 58;
const phaseHeight = 40;

/** How far outside a call stands that goes on beside others. */
const besideShift = 21;

/** So high is a part at most, unless a single row is higher: a sheet of paper ends between two. */
const partHeight = 160;

/** How much of the height true times may add. */
const mostStretch = { share: 0.5, pixels: 480 };

/** An event with its place. */
interface Row {
  timeMs: number;
  step?: Step;
  line?: Line;
  /** What is said of it; what a script printed stands in its own letters. */
  words: string[];
  printed: string[];
  /** What begins here: the handshake, the message, the end. */
  phase?: string;
  /** Where its arrow begins, and what it takes above and below that. */
  y: number;
  above: number;
  below: number;
  /** The time to the next row is drawn as long as it is. */
  toScale?: true;
}

/** Chart pixels for a millisecond, where the rows leave room. */
export interface Scale {
  pixelsPerMs: number;
  /** Whether any time is drawn to scale. */
  used: boolean;
}

/** The colour of a packet, by what it is for. */
export function kindOf({ flags, length }: Step): string {
  if (flags.includes("RST")) return "rst";
  if (flags.includes("SYN")) return "syn";
  if (flags.includes("FIN")) return "fin";
  return length ? "data" : "ack";
}

/**
 * Places the events: each is at least as far from the one before as its words need,
 * and further where the time between them is long.
 */
export function rowsOf(
  recording: Recording,
  texts: Texts,
  width: Width,
): { rows: Row[]; scale: Scale } {
  const geometry = geometries[width];
  const { columns, below } = geometry.words;
  const wrap = (text: string, columns: number) =>
    wrapAnsi(text, columns, { hard: true }).split("\n");
  const calls = callsOf(recording);
  const phases = phasesOf(recording, texts);
  const rows = eventsOf(recording).map((event): Row => {
    const { timeMs } = event;
    const started = calls.filter(({ startMs }) => startMs === timeMs);
    const calling = below
      ? started.map(
          (call) =>
            `${texts.sides[call.from]}: ${nameOf(call, texts)} ${texts.page.time(call.endMs - call.startMs)}`,
        )
      : [];
    if ("step" in event) {
      const said = [...sentencesOf(event.step, recording, texts), ...calling];
      const words = said.flatMap((text) => wrap(text, columns));
      const height = words.length * lineHeight;
      const phase = phases.get(event.step);
      return {
        timeMs,
        step: event.step,
        words,
        printed: [],
        ...(phase ? { phase } : {}),
        y: 0,
        above: (below ? 68 : 34) + (phase ? phaseHeight : 0),
        below: below
          ? geometry.slant + 28 + height
          : Math.max(geometry.slant + 20, height),
      };
    }
    const { from, text } = event.line;
    const said = [texts.page.prints(texts.sides[from]), ...calling];
    const words = said.flatMap((text) => wrap(text, columns));
    const printed = wrap(shorten(visible(text)), columns - 1);
    return {
      timeMs,
      line: event.line,
      words,
      printed,
      y: 0,
      above: below ? 46 : 24,
      below: (words.length + printed.length) * lineHeight,
    };
  });
  const scale = place(rows, below);
  return { rows, scale };
}

/**
 * Gives each row its y. Times are drawn to scale between packets only: how early a
 * server was started says nothing about TCP.
 */
function place(rows: Row[], even: boolean): Scale {
  const lastMs = rows.findLast(({ step }) => step)?.timeMs ?? 0;
  const gaps = rows.slice(1).map((row, index) => {
    const before = rows[index]!;
    return {
      ms: row.timeMs - before.timeMs,
      least: before.below + row.above,
      outside: before.timeMs < 0 || row.timeMs > lastMs,
    };
  });
  const least = gaps.reduce((sum, gap) => sum + gap.least, 0);
  const room = Math.min(mostStretch.pixels, least * mostStretch.share);
  const stretch = (pixelsPerMs: number) =>
    gaps.reduce(
      (sum, { ms, least, outside }) =>
        sum + (outside ? 0 : Math.max(0, ms * pixelsPerMs - least)),
      0,
    );
  let [low, high] = even ? [0, 0] : [0, 1e6];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (stretch(middle) > room) high = middle;
    else low = middle;
  }
  let y = headHeight + (rows[0]?.above ?? 0);
  for (const [index, row] of rows.entries()) {
    row.y = y;
    const gap = gaps[index];
    if (!gap) break;
    if (!gap.outside && gap.ms * low > gap.least) row.toScale = true;
    y += Math.round(row.toScale ? gap.ms * low : gap.least);
  }
  return { pixelsPerMs: low, used: rows.some(({ toScale }) => toScale) };
}

/** The packets with which a part of the connection begins; with several connections they mix. */
function phasesOf(
  { packets, connections }: Recording,
  { page }: Texts,
): Map<Step, string> {
  const phases = new Map<Step, string>();
  if (connections.length > 1) return phases;
  const begins = (phase: string, does: (step: Step) => boolean) => {
    const step = packets.find(does);
    if (step) phases.set(step, phase);
  };
  begins(page.phases.handshake, ({ does }) => does.includes("opens"));
  begins(page.phases.message, ({ length }) => length > 0);
  begins(page.phases.end, ({ does }) =>
    does.some((act) => act === "closes" || act === "resets"),
  );
  return phases;
}

/** What a step does, in whole sentences. */
function sentencesOf(step: Step, recording: Recording, texts: Texts): string[] {
  const { page, findings, sides } = texts;
  const { from, does, notes, lost, captured, length, text = "" } = step;
  const other = from === "client" ? "server" : "client";
  const again = notes.some((note) => note.endsWith("retransmission"));
  const sent = again
    ? recording.packets.findLast(
        (before) =>
          before.lost &&
          before.from === from &&
          before.connection === step.connection &&
          before.timeMs < step.timeMs,
      )
    : undefined;
  const unread = heldOf(recording).find(
    ({ at, connection, startMs, endMs }) =>
      at === from &&
      connection === step.connection &&
      startMs < step.timeMs &&
      step.timeMs <= endMs,
  );
  const which = recording.connections.length > 1 ? `${step.connection}: ` : "";
  const act = page.act(
    sides[from],
    sides[other],
    shorten(visible(text)),
    unread?.bytes ?? 0,
  );
  const said = [
    ...(sent
      ? [page.again(page.time(step.timeMs - sent.timeMs))]
      : does.map(act)),
    ...(lost ? [page.lost] : []),
    ...notes.filter(() => !sent).map((note) => `${findings[note]}.`),
    ...(captured === undefined ? [] : [`${texts.captured(captured, length)}.`]),
  ];
  return said.map((text) => which + text);
}

function shorten(text: string): string {
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}

/** The diagram, in parts that each fit on a sheet of paper and stand below one another. */
export function sequence(
  recording: Recording,
  texts: Texts,
  width: Width,
  charts: Charts,
): string[] {
  const { rows } = rowsOf(recording, texts, width);
  const parts: Row[][] = [[]];
  for (const row of rows) {
    const first = parts.at(-1)![0];
    if (first && row.y + row.below - first.y > partHeight) parts.push([]);
    parts.at(-1)!.push(row);
  }
  return parts.map((part, index) => {
    const top = index === 0 ? 0 : part[0]!.y - part[0]!.above;
    const next = parts[index + 1]?.[0];
    const last = part.at(-1)!;
    const bottom = next ? next.y - next.above : last.y + last.below + 16;
    return drawPart(part, [top, bottom], rows, recording, texts, width, charts);
  });
}

function drawPart(
  part: Row[],
  [top, bottom]: [number, number],
  rows: Row[],
  recording: Recording,
  texts: Texts,
  width: Width,
  { Plot, draw }: Charts,
): string {
  const geometry = geometries[width];
  const { axis, slant, words } = geometry;
  const { page, sides } = texts;
  const several = recording.connections.length > 1;
  const calls = callsOf(recording);
  const clamp = (y: number) => Math.min(bottom, Math.max(top, y)) - top;
  const bold = { fontWeight: "bold" } as const;

  /** Where something happens at a side: what comes from the other one, when it arrives. */
  function yOf(timeMs: number, side: Side): number {
    const row = rows.find((row) => row.timeMs === timeMs);
    if (!row) return timeMs < rows[0]!.timeMs ? 0 : bottom;
    return row.step && row.step.from !== side ? row.y + slant : row.y;
  }

  /** The rectangles of a time at a side, as far as they are in this part. */
  function span(side: Side, startMs: number, endMs: number) {
    const [y1, y2] = [yOf(startMs, side), yOf(endMs, side)];
    return {
      y1: clamp(y1) + (y1 > top ? 1 : 0),
      y2: y2 < bottom ? clamp(y2) - 1 : bottom - top + 1, // no seam to the next part
      starts: y1 >= top && y1 < bottom,
      height: y2 - y1,
    };
  }

  const marks: Marks = [];

  // The lifelines, and who they are.
  for (const side of ["client", "server"] as const) {
    const { line } = geometry[side];
    marks.push(
      Plot.link([0], {
        x1: line,
        x2: line,
        y1: top ? 0 : headHeight - 8,
        y2: bottom - top + 1,
        stroke: `var(--${side}-side)`,
        strokeWidth: 3,
      }),
    );
    if (top) continue;
    const anchor =
      width === "wide" ? "middle" : side === "client" ? "start" : "end";
    const x = width === "wide" ? line : side === "client" ? 0 : widths.narrow;
    const ends = recording.connections.map((connection) => connection[side]);
    const address =
      side === "server" || ends.length === 1
        ? ends[0]!
        : ends.map((end, i) => `${i + 1}: ${end}`).join("  ");
    marks.push(
      Plot.text([sides[side]], {
        x,
        y: 12,
        fill: `var(--${side}-side)`,
        fontSize: 24,
        textAnchor: anchor,
        ...bold,
      }),
      Plot.text([width === "wide" ? address : address.replace(/.*:/, ":")], {
        x,
        y: 38,
        fill: "var(--muted)",
        textAnchor: anchor,
      }),
    );
  }

  // The calls of the scripts; paler from when on what they wait for is there.
  const beside = calls.some((call) => call.beside);
  for (const call of calls) {
    const {
      call: [left, right],
      names,
    } = geometry[call.from];
    const outside = call.beside
      ? call.from === "client"
        ? -besideShift
        : besideShift
      : 0;
    const shift = { x1: left + outside, x2: right + outside };
    const title = titleOf(call, texts);
    const whole = span(call.from, call.startMs, call.endMs);
    if (whole.y1 >= whole.y2) continue;
    const waits = span(call.from, call.startMs, call.readyMs ?? call.endMs);
    marks.push(
      Plot.rect([0], {
        ...shift,
        y1: whole.y1,
        y2: whole.y2,
        fill: "var(--ready)",
        title: () => title,
      }),
    );
    if (waits.y1 < waits.y2)
      marks.push(
        Plot.rect([0], {
          ...shift,
          y1: waits.y1,
          y2: waits.y2,
          fill: "var(--call)",
          title: () => title,
        }),
      );
    if (names === undefined || !whole.starts) continue;
    const away = beside && call.from === "server" ? besideShift : 0;
    const name = wrapAnsi(nameOf(call, texts), 13).split("\n");
    const took = page.time(call.endMs - call.startMs);
    const room = Math.floor((whole.height - 4) / 22);
    const said = [...name, took].slice(0, Math.max(name.length, room));
    marks.push(
      Plot.text([said.join("\n")], {
        x: names + away,
        y: whole.y1 + 4,
        textAnchor: call.from === "client" ? "end" : "start",
        lineAnchor: "top",
        lineHeight: 22 / fontSize,
        fill: "var(--call-text)",
        title: () => title,
      }),
    );
  }

  // The bytes that wait.
  for (const { at, connection, bytes, startMs, endMs } of heldOf(recording)) {
    const {
      held: [x1, x2],
    } = geometry[at];
    const { y1, y2, starts } = span(at, startMs, endMs);
    if (y1 >= y2) continue;
    const title = page.held(
      sides[at],
      bytes,
      page.time(endMs - startMs),
      several ? connection : 0,
    );
    marks.push(
      Plot.rect([0], {
        x1,
        x2,
        y1,
        y2,
        fill: "var(--held)",
        title: () => title,
      }),
    );
    const upright = width === "narrow" && bytes > 99;
    if (starts && y2 - y1 >= (upright ? 60 : 20))
      marks.push(
        Plot.text([String(bytes)], {
          x: (x1 + x2) / 2,
          y: upright ? (y1 + y2) / 2 : Math.min(y1 + 16, (y1 + y2) / 2),
          rotate: upright ? -90 : 0,
          fill: "var(--held-text)",
          title: () => title,
        }),
      );
  }

  for (const row of part) {
    const y = row.y - top;
    const { step, line, phase } = row;
    const rowTop = y - row.above;
    if (phase)
      marks.push(
        Plot.link([0], {
          x1: words.below ? words.x : geometry.server.names!,
          x2: words.below ? geometry.server.line - 10 : widths[width],
          y1: rowTop + 10,
          y2: rowTop + 10,
          stroke: "var(--line)",
        }),
        Plot.text([phase], {
          x: words.x,
          y: rowTop + 30,
          textAnchor: "start",
          fontSize: 20,
          ...bold,
        }),
      );
    if (axis) marks.push(...axisOf(row));
    else
      marks.push(
        Plot.text([`${row.timeMs.toFixed(3)} ms`], {
          x: words.x,
          y: rowTop + (phase ? phaseHeight : 0) + 26,
          textAnchor: "start",
          fill: "var(--muted)",
        }),
      );
    if (step) marks.push(...arrowOf(step, y));
    if (line) {
      const { call } = geometry[line.from];
      const inCall = calls.find(
        ({ from, startMs, endMs, beside }) =>
          from === line.from &&
          startMs <= row.timeMs &&
          row.timeMs <= endMs &&
          !beside,
      );
      marks.push(
        Plot.dot([0], {
          x:
            (call[0] + call[1]) / 2 +
            (beside && !inCall && line.from === "server" ? besideShift : 0),
          y,
          r: 6,
          fill: "var(--call-text)",
          stroke: "var(--paper)",
          title: () => line.text,
        }),
      );
    }
    // Beside the arrow, or below it.
    const first = words.below
      ? step
        ? y + slant + 34
        : y - 4
      : y - (step ? 12 : 8);
    const said = {
      x: words.x,
      textAnchor: "start",
      lineAnchor: "top",
      lineHeight: lineHeight / fontSize,
    } as const;
    const printedAt = first + lineHeight;
    if (row.printed.length) {
      const [who = "", ...more] = row.words;
      marks.push(
        Plot.text([who], { ...said, y: first - 6, fill: "var(--muted)" }),
        Plot.text([row.printed.join("\n")], {
          ...said,
          y: printedAt - 6,
          monospace: true,
          fill: "var(--ink)",
        }),
      );
      if (more.length)
        marks.push(
          Plot.text([more.join("\n")], {
            ...said,
            y: printedAt - 6 + row.printed.length * lineHeight,
            fill: "var(--call-text)",
          }),
        );
    } else if (row.words.length)
      marks.push(
        Plot.text([row.words.join("\n")], {
          ...said,
          y: first - 6,
          fill: "var(--ink)",
        }),
      );
  }

  /** The time of a row, and how the time to the next one is drawn. */
  function axisOf({ y, timeMs, toScale }: Row): Marks {
    const here = y - top;
    const index = rows.findIndex((row) => row.y === y);
    const next = rows[index + 1];
    const end = next ? clamp(next.y) : here;
    const x = axis!;
    const line = { x1: x, x2: x, y1: here, y2: end };
    const told = toScale || timeMs < 0;
    const long = next && told && next.y - y > 56 && next.y < bottom;
    return [
      Plot.link([0], {
        x1: x - 6,
        x2: x + 6,
        y1: here,
        y2: here,
        stroke: "var(--muted)",
        strokeWidth: 2,
      }),
      Plot.text([timeMs.toFixed(3)], {
        x: x - 12,
        y: here,
        textAnchor: "end",
        fill: "var(--ink)",
      }),
      Plot.link([0], {
        ...line,
        stroke: "var(--muted)",
        strokeWidth: toScale ? 4 : 2,
        strokeDasharray: toScale ? "none" : "2 6",
      }),
      ...(long
        ? [
            Plot.text([page.time(next.timeMs - timeMs)], {
              x: x - 12,
              y: (here + end) / 2,
              textAnchor: "end",
              fill: "var(--muted)",
              fontStyle: "italic",
            }),
          ]
        : []),
      // What the rows before this part leave of the axis.
      ...(index > 0 && part[0]!.y === y && top
        ? [
            Plot.link([0], {
              x1: x,
              x2: x,
              y1: 0,
              y2: here,
              stroke: "var(--muted)",
              strokeWidth: rows[index - 1]!.toScale ? 4 : 2,
              strokeDasharray: rows[index - 1]!.toScale ? "none" : "2 6",
            }),
          ]
        : []),
    ];
  }

  /** A packet: from who sends it to the other side, or half-way there. */
  function arrowOf(step: Step, y: number): Marks {
    const { from, lost, flags, seq, ack, length, connection } = step;
    const away = (side: Side) => (side === "client" ? 4 : -4);
    const to = from === "client" ? "server" : "client";
    const [x1, x2] = [
      geometry[from].line + away(from),
      geometry[to].line + away(to),
    ];
    const reach = lost ? 0.74 : 1;
    const end = { x: x1 + (x2 - x1) * reach, y: y + slant * reach };
    const half = lost ? 0.34 : 0.5; // its words end before the cross
    const middle = { x: x1 + (x2 - x1) * half, y: y + slant * half };
    const rotate =
      (Math.atan(slant / Math.abs(x2 - x1)) *
        180 *
        (from === "client" ? 1 : -1)) /
      Math.PI;
    const colour = `var(--${kindOf(step)})`;
    const which = several ? `${connection}: ` : "";
    const numbers = [
      `seq=${seq}`,
      ...(ack === undefined ? [] : [`ack=${ack}`]),
      ...(length ? [`len=${length}`] : []),
    ].join(" ");
    const title = arrowTitle(step, texts);
    const muted = several && connection === 1 ? 0.6 : 1;
    return [
      Plot.arrow([0], {
        x1,
        y1: y,
        x2: end.x,
        y2: end.y,
        stroke: colour,
        strokeWidth: muted < 1 ? 2 : 3,
        headLength: lost ? 0 : 5,
        title: () => title,
        strokeDasharray: muted < 1 ? "8 5" : "none",
      }),
      ...(lost
        ? [
            Plot.dot([0], {
              ...end,
              symbol: "times",
              r: 9,
              stroke: "var(--rst)",
              strokeWidth: 4,
              title: () => title,
            }),
          ]
        : []),
      Plot.text([which + flags.join(", ")], {
        x: middle.x,
        y: middle.y,
        dy: -14,
        rotate,
        fill: colour,
        fontSize: width === "wide" ? 22 : fontSize,
        ...bold,
        title: () => title,
      }),
      Plot.text([numbers], {
        x: middle.x,
        y: middle.y,
        dy: 15,
        rotate,
        fill: "var(--muted)",
        title: () => title,
      }),
    ];
  }

  return draw("", {
    width: widths[width],
    height: bottom - top,
    margin: 0,
    axis: null,
    x: { type: "identity" },
    y: { type: "identity" },
    marks,
  });
}

/** What hovering a packet tells. */
function arrowTitle(step: Step, { sides, page }: Texts): string {
  const { from, flags, seq, ack, length, timeMs, text } = step;
  const to = from === "client" ? "server" : "client";
  return [
    `[${flags.join(", ")}] Seq=${seq}${ack === undefined ? "" : ` Ack=${ack}`} Len=${length}`,
    `${sides[from]} → ${sides[to]}, ${timeMs.toFixed(3)} ms`,
    ...(text ? [visible(text).slice(0, 2000)] : []),
  ].join("\n");
}

/** What a script does in a call; where the bytes are there already, it may not have called yet. */
function nameOf({ name, startMs, readyMs }: Call, { page }: Texts): string {
  return /^(recv|read)$/.test(name) && readyMs === startMs
    ? page.unread
    : page.in(name);
}

/** What hovering a call tells. */
function titleOf(call: Call, { sides, page }: Texts): string {
  const { from, name, startMs, endMs, readyMs } = call;
  return [
    page.since(sides[from], name, startMs.toFixed(3)),
    page.lasts(page.time(endMs - startMs)),
    ...(readyMs === undefined ? [] : [page.ready(page.time(endMs - readyMs))]),
  ].join("\n");
}
