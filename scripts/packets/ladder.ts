/** Draws a recording: client left, server right, time downwards, an arrow for each packet. */
import cliTruncate from "cli-truncate";
import stringWidth from "string-width";
import { chalk } from "zx";
import type { Line, Recording, Side, Step } from "./recording.ts";

/** Columns of the words beside an arrow; where there are less than the least, they stand below it. */
const wordsWidth = { least: 20, most: 34 };

/** Columns that a line of the scripts may take: an error with its code fits. */
const lineWidth = 120;

/**
 * The lines that the scripts printed, one row each; empty where none are known.
 *
 * @param columns width of the terminal
 */
export function printedLines(recording: Recording, columns: number): string {
  const time = timeOf(recording);
  const rows = recording.lines.map(({ timeMs, from, text }) =>
    cliTruncate(
      `${time(timeMs)}  ${from}  ${visible(text)}`,
      Math.max(columns, lineWidth),
    ),
  );
  return rows.join("\n");
}

/**
 * The packets, and among them the marks of the lines that the scripts printed
 * meanwhile, each between the calls it stands between in the script.
 *
 * @param columns width of the terminal, at least 40
 */
export function ladder(recording: Recording, columns: number): string {
  const { packets, lines, connections } = recording;
  const time = timeOf(recording);
  const several = connections.length > 1;
  const labels = new Map(packets.map((step) => [step, labelOf(step, several)]));
  const width = Math.max(40, Math.min(columns, 100));
  const free = width - time(0).length - 5;
  const widest = longest([...labels.values()].map((label) => label.join(" ")));
  const lane = Math.min(Math.max(widest + 6, free - wordsWidth.most), free + 2);
  const rest = free - lane;
  const beside = rest >= wordsWidth.least;
  const noTime = " ".repeat(time(0).length);

  function row(time: string, inside: string, words = ""): string {
    return `${time} │${inside}│  ${words}`.trimEnd();
  }

  function packetRows(step: Step): string[] {
    const [flags, numbers] = labels.get(step)!;
    const fits = stringWidth(`${flags} ${numbers}`) <= lane - 5;
    const label = fits ? `${flags} ${numbers}` : flags;
    const notes = step.notes.map((note) => chalk.magenta(note));
    const words = beside ? [...step.does, ...notes] : [];
    const below = fits ? [] : [numbers];
    if (step.text) below.push(`"${visible(step.text)}"`);
    if (!beside) below.push(...step.does, ...notes);
    const drawn = colour(step)(arrow(label, step.from, lane));
    const rows = [row(time(step.timeMs), drawn, words.shift())];
    while (below.length || words.length) {
      const inside = place(below.shift() ?? "", step.from, lane);
      rows.push(row(noTime, inside, words.shift()));
    }
    return rows;
  }

  function lineRow({ timeMs, from, text, before, after }: Line): string {
    const mark = `${before} ${chalk.yellow("◆")} ${after}`.trim();
    const said = beside ? chalk.dim(cliTruncate(visible(text), rest)) : "";
    return row(time(timeMs), place(mark, from, lane), said);
  }

  const events = [
    ...packets.map((step) => ({ step, timeMs: step.timeMs })),
    ...lines.map((line) => ({ line, timeMs: line.timeMs })),
  ].sort((a, b) => a.timeMs - b.timeMs);
  const ends = connections.flatMap(({ client, server }, index) =>
    bothEnds(client, server, lane).map((inside) =>
      row(several ? `${index + 1}:`.padStart(noTime.length) : noTime, inside),
    ),
  );
  return [
    row("ms".padStart(noTime.length), bothEnds("client", "server", lane)[0]!),
    ...ends,
    ...events.flatMap((event) =>
      "step" in event ? packetRows(event.step) : [lineRow(event.line)],
    ),
  ].join("\n");
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

function arrow(label: string, from: Side, lane: number): string {
  const text = cliTruncate(label, lane - 5);
  const shaft = "─".repeat(lane - stringWidth(text) - 4);
  return from === "client" ? `─ ${text} ${shaft}▶` : `◀${shaft} ${text} ─`;
}

/** Text at the side of who sent or printed it. */
function place(text: string, from: Side, lane: number): string {
  const cut = cliTruncate(text, lane - 4);
  const space = " ".repeat(lane - 2 - stringWidth(cut));
  return from === "client" ? `  ${cut}${space}` : `${space}${cut}  `;
}

/** Client and server in one row, or where they are too long in two. */
function bothEnds(left: string, right: string, lane: number): string[] {
  const [client, server] = [cliTruncate(left, lane), cliTruncate(right, lane)];
  const space = lane - stringWidth(client) - stringWidth(server);
  return space > 0
    ? [`${client}${" ".repeat(space)}${server}`]
    : [client.padEnd(lane), server.padStart(lane)];
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
function visible(text: string): string {
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
