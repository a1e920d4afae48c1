/** Draws a recording: client left, server right, time downwards, an arrow for each packet. */
import cliTruncate from "cli-truncate";
import stringWidth from "string-width";
import { chalk } from "zx";
import type { Line, Recording, Side, Step } from "./recording.ts";

/** Columns of the time, "-1234.567". */
const timeWidth = 9;

/** Columns of the words beside an arrow; where there are less than the least, they stand below it. */
const wordsWidth = { least: 20, most: 34 };

/** Columns that a line of the scripts may take: an error with its code fits. */
const lineWidth = 120;

/**
 * The lines that the scripts printed, one row each; empty where none are known.
 *
 * @param columns width of the terminal
 */
export function printedLines({ lines }: Recording, columns: number): string {
  const rows = lines.map(({ timeMs, from, text }) =>
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
  const width = Math.max(40, Math.min(columns, 100));
  const several = connections.length > 1;
  const labels = new Map(packets.map((step) => [step, label(step, several)]));
  const widest = Math.max(
    ...[...labels.values()].map((label) => stringWidth(label)),
  );
  const free = width - timeWidth - 5;
  const lane = Math.min(Math.max(widest + 6, free - wordsWidth.most), free + 2);
  const rest = free - lane;
  const beside = rest >= wordsWidth.least;

  function row(time: string, inside: string, words = ""): string {
    return `${time.padStart(timeWidth)} │${inside}│  ${words}`.trimEnd();
  }

  function packetRows(step: Step): string[] {
    const notes = step.notes.map((note) => chalk.magenta(note));
    const words = beside ? [...step.does, ...notes] : [];
    const drawn = colour(step)(arrow(labels.get(step)!, step.from, lane));
    const below = step.text ? [`"${visible(step.text)}"`] : [];
    if (!beside) below.push(...step.does, ...notes);
    const rows = [row(time(step.timeMs), drawn, words.shift())];
    while (below.length || words.length) {
      const inside = place(below.shift() ?? "", step.from, lane);
      rows.push(row("", inside, words.shift()));
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
  const ends = connections.map(({ client, server }, index) =>
    row(several ? `${index + 1}:` : "", bothEnds(client, server, lane)),
  );
  return [
    row("ms", bothEnds("client", "server", lane)),
    ...ends,
    ...events.flatMap((event) =>
      "step" in event ? packetRows(event.step) : [lineRow(event.line)],
    ),
  ].join("\n");
}

function time(ms: number): string {
  return ms.toFixed(3).padStart(timeWidth);
}

/** The packet as Wireshark puts it; with its connection's number where there are several. */
function label(step: Step, several: boolean): string {
  const { connection, flags, seq, ack, length } = step;
  return [
    several ? `${connection}:` : "",
    `[${flags.join(", ")}]`,
    `Seq=${seq}`,
    ack === undefined ? "" : `Ack=${ack}`,
    `Len=${length}`,
  ]
    .filter(Boolean)
    .join(" ");
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

function bothEnds(left: string, right: string, lane: number): string {
  const half = Math.floor(lane / 2) - 1;
  const [first, second] = [cliTruncate(left, half), cliTruncate(right, half)];
  const space = lane - stringWidth(first) - stringWidth(second);
  return `${first}${" ".repeat(space)}${second}`;
}

function colour({ flags, length }: Step) {
  if (flags.includes("RST")) return chalk.red;
  if (flags.includes("SYN")) return chalk.green;
  if (flags.includes("FIN")) return chalk.yellow;
  return length ? chalk.cyan : (text: string) => text;
}

/** Text as one line that can't drive the terminal: control codes are shown as \x1b and the like. */
function visible(text: string): string {
  return text
    .replaceAll("\n", "\\n")
    .replace(
      /[\x00-\x1f\x7f-\x9f]/g,
      (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
}
