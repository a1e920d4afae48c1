/** Draws a recording: client left, server right, time downwards, an arrow for each packet. */
import cliTruncate from "cli-truncate";
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import {
  eventsOf,
  type Line,
  type Recording,
  type Side,
  type Step,
} from "./recording.ts";
import type { Texts } from "./texts.ts";

/** How a recording is shown. */
export interface View {
  /** Width of the terminal, at least 40. */
  columns: number;
  texts: Texts;
  /** Draws with ASCII only. */
  ascii: boolean;
}

/** Columns of the words beside an arrow; where there are less than the least, they stand below it. */
const wordsWidth = { least: 20, most: 34 };

/** What a ladder is drawn with. */
const unicode = {
  shaft: "─",
  side: "│",
  toServer: "▶",
  toClient: "◀",
  lost: "✗",
  mark: "◆",
  cut: "…",
};
const ascii: typeof unicode = {
  shaft: "-",
  side: "|",
  toServer: ">",
  toClient: "<",
  lost: "x",
  mark: "*",
  cut: "~",
};
const strokesOf = (view: View) => (view.ascii ? ascii : unicode);

/** The lines that the scripts printed, a row each; empty where none are known. */
export function printedLines(recording: Recording, view: View): string {
  const { columns, texts } = view;
  const time = timeOf(recording);
  const who = longest(Object.values(texts.sides));
  const rows = recording.lines.map(({ timeMs, from, text }) => {
    const side = padEnd(texts.sides[from], who);
    const before = `${time(timeMs)}  ${side}  `;
    const room = columns - stringWidth(before);
    if (!isError(text))
      return before + cut(visible(text), room, strokesOf(view));
    const below = `\n${" ".repeat(stringWidth(before))}`;
    return (
      before +
      wrapAnsi(visible(text), room, { hard: true }).replaceAll("\n", below)
    );
  });
  return rows.join("\n");
}

/** What a script says of an error begins with its name; it is shown whole. */
const isError = (text: string) => /^lecture1_\w+: /.test(text);

/**
 * The packets, and among them the marks of the lines that the scripts printed
 * meanwhile, each between the calls it stands between in the script.
 */
export function ladder(recording: Recording, view: View): string {
  const { columns, texts } = view;
  const strokes = strokesOf(view);
  const { packets, connections } = recording;
  const time = timeOf(recording);
  const several = connections.length > 1;
  const labels = new Map(packets.map((step) => [step, labelOf(step, several)]));
  const said = new Map(packets.map((step) => [step, wordsOf(step, texts)]));
  const width = Math.max(40, Math.min(columns, 100));
  const free = width - time(0).length - 5;
  const widest = longest(
    // A lost packet's arrow ends two columns earlier.
    packets.map(
      (step) => labels.get(step)!.join(" ") + (step.lost ? "  " : ""),
    ),
  );
  const lane = Math.min(Math.max(widest + 6, free - wordsWidth.most), free + 2);
  const rest = free - lane;
  const beside =
    rest >= Math.max(wordsWidth.least, longest([...said.values()].flat()));
  const noTime = " ".repeat(time(0).length);

  function row(time: string, inside: string, words = ""): string {
    const { side } = strokes;
    return `${time} ${side}${inside}${side}  ${words}`.trimEnd();
  }

  function packetRows(step: Step): string[] {
    const [flags, numbers] = labels.get(step)!;
    const fits = stringWidth(`${flags} ${numbers}`) <= lane - 6;
    const label = fits ? `${flags} ${numbers}` : flags;
    const below = fits ? [] : [numbers];
    if (step.text) below.push(`"${visible(step.text)}"`);
    const words = said
      .get(step)!
      .map((text, index) =>
        index < step.does.length ? text : chalk.magenta(text),
      );
    if (!beside) below.push(...words.splice(0));
    const drawn = colour(step)(arrow(cut(label, lane - 6, strokes), step));
    const rows = [row(time(step.timeMs), drawn, words.shift())];
    while (below.length || words.length) {
      const inside = place(below.shift() ?? "", step.from);
      rows.push(row(noTime, inside, words.shift()));
    }
    return rows;
  }

  function lineRow({ timeMs, from, text, before, after }: Line): string {
    const mark = `${before} ${chalk.yellow(strokes.mark)} ${after}`.trim();
    const said = beside ? chalk.dim(cut(visible(text), rest, strokes)) : "";
    return row(time(timeMs), place(mark, from), said);
  }

  /** From who sent it to the other side; one that is lost breaks off before. */
  function arrow(label: string, { from, lost }: Step): string {
    const { shaft, toServer, toClient } = strokes;
    const arrives = from === "client" ? toServer : toClient;
    const [head, gap] = lost ? [strokes.lost, "  "] : [arrives, ""];
    const line = shaft.repeat(lane - stringWidth(label) - 4 - gap.length);
    return from === "client"
      ? `${shaft} ${label} ${line}${head}${gap}`
      : `${gap}${head}${line} ${label} ${shaft}`;
  }

  /** Text at the side of who sent or printed it. */
  function place(text: string, from: Side): string {
    const short = cut(text, lane - 4, strokes);
    const space = " ".repeat(lane - 2 - stringWidth(short));
    return from === "client" ? `  ${short}${space}` : `${space}${short}  `;
  }

  /** Client and server in one row, or where they are too long in two. */
  function bothEnds(left: string, right: string): string[] {
    const client = cut(left, lane, strokes);
    const server = cut(right, lane, strokes);
    const rest = lane - stringWidth(server);
    return stringWidth(client) < rest
      ? [`${padEnd(client, rest)}${server}`]
      : [padEnd(client, lane), `${" ".repeat(rest)}${server}`];
  }

  const ends = connections.flatMap(({ client, server }, index) =>
    bothEnds(client, server).map((inside) =>
      row(several ? `${index + 1}:`.padStart(noTime.length) : noTime, inside),
    ),
  );
  const { client, server } = texts.sides;
  return [
    row("ms".padStart(noTime.length), bothEnds(client, server)[0]!),
    ...ends,
    ...eventsOf(recording).flatMap((event) =>
      "step" in event ? packetRows(event.step) : [lineRow(event.line)],
    ),
  ].join("\n");
}

/** How much was captured, where, and when. */
export function originOf(
  { packets, date, system, tshark }: Recording,
  texts: Texts,
): string {
  const arrived = packets.filter(({ lost }) => !lost);
  const carried = arrived.reduce((sum, { length }) => sum + length, 0);
  return [
    texts.carried(packets.length, carried),
    ...(system ? [system] : []),
    `tshark ${tshark}`,
    new Date(date).toLocaleDateString("sv"), // 2026-11-22, where the reader lives
  ].join("; ");
}

/** What is said of a packet: what it does, and then what is unusual about it. */
function wordsOf(step: Step, texts: Texts): string[] {
  const { does, notes, lost, captured, length } = step;
  return [
    ...does.map(texts.does),
    ...(lost ? [texts.lost] : []),
    ...notes.map((note) => texts.findings[note]),
    ...(captured === undefined ? [] : [texts.captured(captured, length)]),
  ];
}

/** Cuts what is too wide; cliTruncate alone leaves a column too many where it cuts a wide letter. */
function cut(text: string, columns: number, strokes: typeof unicode): string {
  const options = { truncationCharacter: strokes.cut };
  const short = cliTruncate(text, columns, options);
  return stringWidth(short) <= columns
    ? short
    : cliTruncate(text, columns - 1, options);
}

/** Fills up with spaces; wide letters count as two. */
function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - stringWidth(text)));
}

/** Writes times in ms, all of them as wide as the widest. */
function timeOf({ packets, lines }: Recording): (ms: number) => string {
  const times = [...packets, ...lines].map(({ timeMs }) => timeMs.toFixed(3));
  const width = Math.max(9, longest(times));
  return (ms) => ms.toFixed(3).padStart(width);
}

function longest(texts: string[]): number {
  return texts.reduce((most, text) => Math.max(most, stringWidth(text)), 0);
}

/**
 * The packet as Wireshark puts it, its flags and its numbers; with its connection's
 * number where there are several.
 */
function labelOf(step: Step, several: boolean): [string, string] {
  const { connection, flags, seq, ack, length } = step;
  const which = several ? `${connection}: ` : "";
  const confirms = ack === undefined ? "" : `Ack=${ack} `;
  return [
    `${which}[${flags.join(", ")}]`,
    `Seq=${seq} ${confirms}Len=${length}`,
  ];
}

function colour({ flags, length }: Step) {
  if (flags.includes("RST")) return chalk.red;
  if (flags.includes("SYN")) return chalk.green;
  if (flags.includes("FIN")) return chalk.yellow;
  return length ? chalk.cyan : (text: string) => text;
}

/**
 * Text as one line that can't drive the terminal: control codes are shown as \x1b,
 * and what turns or hides text without a column of its own as \u202e.
 */
export function visible(text: string): string {
  return text
    .replaceAll("\n", "\\n")
    .replace(/[\x00-\x1f\x7f-\x9f]/g, (code) => `\\x${hex(code, 2)}`)
    .replace(
      /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
      (code) => `\\u${hex(code, 4)}`,
    );
}

function hex(code: string, digits: number): string {
  return code.charCodeAt(0).toString(16).padStart(digits, "0");
}
