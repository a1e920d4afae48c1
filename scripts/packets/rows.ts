/** What stands in the rows of the sequence diagram, and how far they are apart. */
import wrapAnsi from "wrap-ansi";
import { callsOf, heldOf, reading, type Call } from "./activity.ts";
import { visible } from "./ladder.ts";
import { eventsOf, type Line, type Recording, type Step } from "./recording.ts";
import type { Texts } from "./texts.ts";

/** The sentences of a row: how many columns they have, and whether they stand below its arrow. */
export interface Words {
  columns: number;
  below: boolean;
}

/** How far an arrow sinks on its way: what it took is not known. */
export const slant = 24;

export const lineHeight = 24;
export const phaseHeight = 40;

/** How much of the height true times may add. */
const mostStretch = { share: 0.5, pixels: 480 };

/** An event with its place. */
export interface Row {
  timeMs: number;
  step?: Step;
  line?: Line;
  /** What is said of it, and what a script printed. */
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

/**
 * Places the events: each is at least as far from the one before as its words need,
 * and further where the time between them is long.
 *
 * @param top where the first row begins
 */
export function rowsOf(
  recording: Recording,
  texts: Texts,
  { columns, below }: Words,
  top: number,
): { rows: Row[]; scale: Scale } {
  const wrap = (text: string, most = columns) =>
    wrapAnsi(text, most, { hard: true }).split("\n");
  const calls = callsOf(recording);
  const phases = phasesOf(recording, texts);

  /** Where names have no place beside the calls, they stand in the words. */
  function called(timeMs: number): string[] {
    const started = calls.filter(({ startMs }) => below && startMs === timeMs);
    return started.map((call) => {
      const took = timeOf(call.endMs - call.startMs);
      return `${texts.sides[call.from]}: ${nameOf(call, texts)} ${took}`;
    });
  }
  function packetRow(step: Step): Row {
    const said = sentencesOf(step, recording, texts);
    const words = [...said, ...called(step.timeMs)].flatMap((text) =>
      wrap(text),
    );
    const height = words.length * lineHeight;
    const phase = phases.get(step);
    return {
      timeMs: step.timeMs,
      step,
      words,
      printed: [],
      ...(phase ? { phase } : {}),
      y: 0,
      above: (below ? 68 : 34) + (phase ? phaseHeight : 0),
      below: below ? slant + 28 + height : Math.max(slant + 20, height),
    };
  }
  function lineRow(line: Line): Row {
    const { timeMs, from, text } = line;
    const says = texts.page.prints(texts.sides[from]);
    const words = [says, ...called(timeMs)].flatMap((text) => wrap(text));
    const printed = wrap(shorten(text), columns - 1); // its letters are wider
    const height = (words.length + printed.length) * lineHeight;
    const above = below ? 46 : 24;
    return { timeMs, line, words, printed, y: 0, above, below: height };
  }

  const rows = eventsOf(recording).map((event) =>
    "step" in event ? packetRow(event.step) : lineRow(event.line),
  );
  return { rows, scale: place(rows, below, top) };
}

/**
 * Gives each row its y. Times are drawn to scale between packets only: how early a
 * server was started says nothing about TCP.
 */
function place(rows: Row[], even: boolean, top: number): Scale {
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
  let y = top + (rows[0]?.above ?? 0);
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
    shorten(text),
    unread?.bytes ?? 0,
  );
  const said = [
    ...(sent ? [page.again(timeOf(step.timeMs - sent.timeMs))] : does.map(act)),
    ...(lost ? [page.lost] : []),
    ...notes.filter(() => !sent).map((note) => `${findings[note]}.`),
    ...(captured === undefined ? [] : [`${texts.captured(captured, length)}.`]),
  ];
  return said.map((text) => which + text);
}

const twoDigits = new Intl.NumberFormat("en", {
  maximumSignificantDigits: 2,
  useGrouping: false,
});

/** How long something took, with two digits; number and unit stay in one line. */
export function timeOf(ms: number): string {
  return ms < 1000
    ? `${twoDigits.format(ms)}\u00a0ms`
    : `${twoDigits.format(ms / 1000)}\u00a0s`;
}

/** A text as one line that isn't too long. */
function shorten(text: string): string {
  const line = visible(text);
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}

/** What a script does in a call; where the bytes lie there nearly all the time, it may do something else first. */
export function nameOf(
  { name, startMs, endMs, readyMs = endMs }: Call,
  { page }: Texts,
): string {
  const unread =
    reading.test(name) && readyMs - startMs < (endMs - startMs) / 10;
  return unread ? page.unread : page.in(name);
}
