/** A recording as a sequence diagram: two lifelines, time downwards, a slanted arrow for each packet. */
import wrapAnsi from "wrap-ansi";
import {
  fontSize,
  widths,
  type Charts,
  type Marks,
  type Width,
} from "../old/page/chart.ts";
import { scriptNames } from "../designs.ts";
import { callsOf, heldOf, type Call, type Held } from "./activity.ts";
import { visible } from "./ladder.ts";
import type { Recording, Side, Step } from "./recording.ts";
import {
  lineHeight,
  nameOf,
  phaseHeight,
  rowsOf,
  slant,
  timeOf,
  type Row,
  type Scale,
  type Words,
} from "./rows.ts";
import type { Texts } from "./texts.ts";

/** Where things stand, in the chart's pixels. On a phone there is no axis of time. */
interface Geometry {
  axis?: number;
  client: Lifeline;
  server: Lifeline;
  words: Words & { x: number };
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
    client: { line: 310, held: [264, 306], call: [240, 258], names: 230 },
    server: { line: 638, held: [642, 684], call: [690, 708], names: 717 },
    words: { x: 860, columns: 26, below: false },
  },
  narrow: {
    client: { line: 46, held: [14, 42], call: [0, 10] },
    server: { line: 338, held: [342, 370], call: [374, 384] },
    words: { x: 56, columns: 26, below: true },
  },
};

/** What stands above the lifelines: the side, its script where there is room, its address. */
function headOf({ run, connections }: Recording, side: Side, wide: boolean) {
  const scripts = {
    client: "lecture1_client",
    server: run && run.meets !== "nobody" ? scriptNames[run.server] : "",
  };
  const ends = connections.map((connection) => connection[side]);
  const several = new Set(ends).size > 1;
  const first = ends.slice(0, 2).map((end, index) => `${index + 1}: ${end}`);
  const address = several
    ? [...first, ...(ends.length > 2 ? ["…"] : [])].join("  ")
    : ends[0]!;
  return wide
    ? [run ? scripts[side] : "", address].filter(Boolean)
    : [address.replace(/\S*:(?=\d+\b)/g, ":")];
}

const headHeight = 82;

/** How far outside a call stands that goes on beside others. */
const besideShift = 21;

/** So high is a part at most, unless a single row is higher: a sheet of paper ends between two. */
const partHeight = 160;

/** The colour of a packet, by what it is for. */
function colourOf({ flags, length }: Step): string {
  const main = ["RST", "SYN", "FIN"].find((flag) => flags.includes(flag));
  return `var(--${main?.toLowerCase() ?? (length ? "data" : "ack")})`;
}

const bold = { fontWeight: "bold" } as const;
const muted = { fill: "var(--muted)" } as const;
const fromTop = { lineAnchor: "top", textAnchor: "start" } as const;

/** How much time a pixel of the wide diagram is. */
export function scaleOf(recording: Recording, texts: Texts): Scale {
  return rowsOf(recording, texts, geometries.wide.words, headHeight).scale;
}

/** The diagram, in parts that each fit on a sheet of paper and stand below one another. */
export function sequence(
  recording: Recording,
  texts: Texts,
  width: Width,
  charts: Charts,
): string[] {
  const { words } = geometries[width];
  const { rows } = rowsOf(recording, texts, words, headHeight);
  const parts: Row[][] = [[]];
  for (const row of rows) {
    const first = parts.at(-1)![0];
    if (first && row.y + row.below - first.y > partHeight) parts.push([]);
    parts.at(-1)!.push(row);
  }
  return parts.map((part, index) => {
    const [first, last, next] = [part[0]!, part.at(-1)!, parts[index + 1]?.[0]];
    const top = index === 0 ? 0 : first.y - first.above;
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
  { pen, draw }: Charts,
): string {
  const geometry = geometries[width];
  const { axis, words } = geometry;
  const { page, sides } = texts;
  const wide = width === "wide";
  const several = recording.connections.length > 1;
  const calls = callsOf(recording);
  const someBeside = calls.some(({ beside }) => beside);
  const height = bottom - top;

  /** Where something happens at a side: what comes from the other one, when it arrives. */
  function yOf(timeMs: number, side: Side): number {
    const row = rows.find((row) => row.timeMs === timeMs)!;
    return row.step && row.step.from !== side ? row.y + slant : row.y;
  }

  /** A time at a side, as far as it is in this part; what goes on leaves no seam. */
  function span(side: Side, startMs: number, endMs: number) {
    const [y1, y2] = [yOf(startMs, side), yOf(endMs, side)];
    return {
      from: y1 > top ? y1 - top + 1 : 0,
      to: y2 < bottom ? y2 - top - 1 : height + 1,
      starts: y1 >= top && y1 < bottom,
      length: y2 - y1,
    };
  }

  /** A lifeline, and above it who that is. */
  function lifeline(side: Side): Marks {
    const x = geometry[side].line;
    const stroke = `var(--${side}-side)`;
    const line = pen.line([x, top ? 0 : headHeight - 8], [x, height + 1], {
      stroke,
      strokeWidth: 3,
    });
    if (top) return [line];
    const outer = side === "client" ? "start" : "end";
    const textAnchor = wide ? "middle" : outer;
    const at = wide ? x : side === "client" ? 0 : widths.narrow;
    return [
      line,
      pen.text([at, 12], sides[side], {
        fill: stroke,
        fontSize: 24,
        textAnchor,
        ...bold,
      }),
      pen.text([at, 26], headOf(recording, side, wide), {
        textAnchor,
        lineAnchor: "top",
        lineHeight: lineHeight / fontSize,
        ...muted,
      }),
    ];
  }

  /** A call of a script: paler from when on what it waits for is there. */
  function callMarks(call: Call): Marks {
    const { from, startMs, endMs, readyMs = endMs } = call;
    const { names } = geometry[from];
    const [left, right] = callColumn(from, call.beside);
    const whole = span(from, startMs, endMs);
    const waits = span(from, startMs, readyMs);
    if (whole.from >= whole.to) return [];
    const title = titleOf(call, texts);
    const bars = [
      pen.box([left, whole.from], [right, whole.to], {
        fill: "var(--ready)",
        title,
      }),
      ...(waits.from < waits.to
        ? [
            pen.box([left, waits.from], [right, waits.to], {
              fill: "var(--call)",
              title,
            }),
          ]
        : []),
    ];
    if (names === undefined || !whole.starts) return bars;
    const away = someBeside && from === "server" ? besideShift : 0;
    const name = wrapAnsi(nameOf(call, texts), 13).split("\n");
    const room = Math.floor((whole.length - 4) / 22);
    const said = [...name, timeOf(endMs - startMs)];
    const text = said.slice(0, Math.max(name.length, room));
    return [
      ...bars,
      pen.text([names + away, whole.from + 4], text, {
        textAnchor: from === "client" ? "end" : "start",
        lineAnchor: "top",
        lineHeight: 22 / fontSize,
        fill: "var(--call-text)",
        title,
      }),
    ];
  }

  /** The left and right of a call's bar. */
  function callColumn(side: Side, beside = false): [number, number] {
    const [left, right] = geometry[side].call;
    const shift = beside ? (side === "client" ? -besideShift : besideShift) : 0;
    return [left + shift, right + shift];
  }

  /** Bytes that wait. */
  function heldMarks({ at, connection, bytes, startMs, endMs }: Held): Marks {
    if (bytes === undefined) return [];
    const [left, right] = geometry[at].held;
    const { from, to, starts } = span(at, startMs, endMs);
    if (from >= to) return [];
    const time = timeOf(endMs - startMs);
    const title = page.held(sides[at], bytes, time, several ? connection : 0);
    const upright = !wide && bytes > 99;
    const middle = (from + to) / 2;
    const y = upright ? middle : Math.min(from + 16, middle);
    const box = pen.box([left, from], [right, to], {
      fill: "var(--held)",
      title,
    });
    if (!starts || to - from < (upright ? 60 : 20)) return [box];
    return [
      box,
      pen.text([(left + right) / 2, y], String(bytes), {
        rotate: upright ? -90 : 0,
        fill: "var(--held-text)",
        title,
      }),
    ];
  }

  /** The axis between two rows: dotted where it is not to scale. */
  function axisMarks(row: Row, index: number): Marks {
    const next = rows[index + 1];
    if (!next || next.y < top || row.y > bottom) return [];
    const [x, from, to] = [
      axis!,
      Math.max(0, row.y - top),
      Math.min(height, next.y - top),
    ];
    const line = pen.line([x, from], [x, to], {
      stroke: "var(--muted)",
      strokeWidth: row.toScale ? 4 : 2,
      strokeDasharray: row.toScale ? "none" : "2 6",
    });
    const told = row.toScale || row.timeMs < 0;
    if (!told || row.y < top || next.y > bottom + 40 || to - from < 50)
      return [line];
    const style = { textAnchor: "end", fontStyle: "italic", ...muted } as const;
    const time = timeOf(next.timeMs - row.timeMs);
    return [line, pen.text([x - 12, (from + to) / 2], time, style)];
  }

  /** When it was: at the axis, or above the arrow. */
  function timeMarks({ y, above, phase, timeMs }: Row): Marks {
    const time = timeMs.toFixed(3);
    if (axis === undefined) {
      const below = y - top - above + (phase ? phaseHeight : 0) + 26;
      return [
        pen.text([words.x, below], `${time} ms`, {
          textAnchor: "start",
          ...muted,
        }),
      ];
    }
    return [
      pen.line([axis - 6, y - top], [axis + 6, y - top], {
        stroke: "var(--muted)",
        strokeWidth: 2,
      }),
      pen.text([axis - 12, y - top], time, { textAnchor: "end" }),
    ];
  }

  function phaseMarks({ y, above }: Row, phase: string): Marks {
    const at = y - top - above;
    const [left, right] = words.below
      ? [words.x, geometry.server.line - 10]
      : [geometry.server.names!, widths[width]];
    return [
      pen.line([left, at + 10], [right, at + 10], { stroke: "var(--line)" }),
      pen.text([words.x, at + 30], phase, {
        textAnchor: "start",
        fontSize: 20,
        ...bold,
      }),
    ];
  }

  /** A packet: from who sends it to the other side, or part of the way. */
  function arrowMarks(step: Step, y: number): Marks {
    const { from, lost, flags, seq, ack, length, connection } = step;
    const [left, right] = [geometry.client.line + 4, geometry.server.line - 4];
    const [start, end] = from === "client" ? [left, right] : [right, left];
    const on = (share: number): [number, number] => [
      start + (end - start) * share,
      y + slant * share,
    ];
    const angle = (Math.atan(slant / (end - start)) * 180) / Math.PI;
    const title = arrowTitle(step, texts);
    const colour = colourOf(step);
    const numbers = [
      `seq=${seq}`,
      ...(ack === undefined ? [] : [`ack=${ack}`]),
      ...(length ? [`len=${length}`] : []),
    ];
    const first = several && connection === 1; // the other one is the lecture's
    const tip = on(lost ? 0.74 : 1);
    const middle = on(lost ? 0.34 : 0.5); // its words end before the cross
    return [
      pen.arrow(on(0), tip, {
        stroke: colour,
        strokeWidth: first ? 2 : 3,
        strokeDasharray: first ? "8 5" : "none",
        headLength: lost ? 0 : 5,
        title,
      }),
      ...(lost
        ? [
            pen.dot(tip, {
              symbol: "times",
              r: 9,
              stroke: "var(--rst)",
              strokeWidth: 4,
              title,
            }),
          ]
        : []),
      pen.text(
        middle,
        `${several ? `${connection}: ` : ""}${flags.join(", ")}`,
        {
          dy: -14,
          rotate: angle,
          fill: colour,
          fontSize: wide ? 22 : fontSize,
          title,
          ...bold,
        },
      ),
      pen.text(middle, numbers.join(" "), {
        dy: 15,
        rotate: angle,
        title,
        ...muted,
      }),
    ];
  }

  /** The moment in which a script prints a line, on the call that ends or begins there. */
  function lineMarks({ timeMs, line }: Row, y: number): Marks {
    const { from, text } = line!;
    const inCall = calls.some(
      (call) =>
        call.from === from &&
        !call.beside &&
        call.startMs <= timeMs &&
        timeMs <= call.endMs,
    );
    const beside = !inCall && from === "server" && someBeside;
    const [left, right] = callColumn(from, beside);
    const style = { r: 6, fill: "var(--call-text)", stroke: "var(--paper)" };
    return [pen.dot([(left + right) / 2, y], { ...style, title: text })];
  }

  /** What is said of a row, beside its arrow or below it. */
  function wordMarks({ step, words: said, printed }: Row, y: number): Marks {
    const { x, below } = words;
    const beside = step ? -18 : -14;
    const first = y + (below ? (step ? slant + 28 : -10) : beside);
    const style = { ...fromTop, lineHeight: lineHeight / fontSize };
    if (printed.length === 0) return [pen.text([x, first], said, style)];
    const [who = "", ...more] = said;
    const last = first + lineHeight * (1 + printed.length);
    return [
      pen.text([x, first], who, { ...style, ...muted }),
      pen.text([x, first + lineHeight], printed, { ...style, monospace: true }),
      ...(more.length
        ? [pen.text([x, last], more, { ...style, fill: "var(--call-text)" })]
        : []),
    ];
  }

  const marks = [
    ...(["client", "server"] as const).flatMap(lifeline),
    ...calls.flatMap(callMarks),
    ...heldOf(recording).flatMap(heldMarks),
    ...(axis === undefined ? [] : rows.flatMap(axisMarks)),
    ...part.flatMap((row) => [
      ...(row.phase ? phaseMarks(row, row.phase) : []),
      ...timeMarks(row),
      ...(row.step
        ? arrowMarks(row.step, row.y - top)
        : lineMarks(row, row.y - top)),
      ...wordMarks(row, row.y - top),
    ]),
  ];
  const pixels = { type: "identity" } as const;
  const size = { width: widths[width], height, margin: 0 };
  return draw("", { ...size, axis: null, x: pixels, y: pixels, marks });
}

/** What hovering a packet tells. */
function arrowTitle(step: Step, { sides }: Texts): string {
  const { from, flags, seq, ack, length, timeMs, text } = step;
  const to = from === "client" ? "server" : "client";
  const confirms = ack === undefined ? "" : ` Ack=${ack}`;
  return [
    `[${flags.join(", ")}] Seq=${seq}${confirms} Len=${length}`,
    `${sides[from]} → ${sides[to]}, ${timeMs.toFixed(3)} ms`,
    ...(text ? [visible(text).slice(0, 200)] : []),
  ].join("\n");
}

/** What hovering a call tells. */
function titleOf(call: Call, texts: Texts): string {
  const { sides, page } = texts;
  const { from, startMs, endMs, readyMs } = call;
  return [
    page.since(sides[from], nameOf(call, texts), startMs.toFixed(3)),
    page.lasts(timeOf(endMs - startMs)),
    ...(readyMs === undefined ? [] : [page.ready(timeOf(endMs - readyMs))]),
  ].join("\n");
}
