/** Draws a picture as text: client left, server right, time downwards, an arrow for each packet. */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import type { Side } from "./recording.ts";
import type { Picture, Row } from "./rows.ts";

const colours: Record<Row["kind"], (text: string) => string> = {
  ...{ syn: chalk.green, fin: chalk.yellow, rst: chalk.red, data: chalk.cyan },
  ...{ ack: chalk.reset, read: chalk.bold, line: chalk.reset, end: chalk.dim },
};

/** What draws it: where the terminal can't, ASCII. */
const strokes = {
  lines: { line: "─", side: "│", right: "▶", left: "◀", lost: "✗", told: "◆" },
  ascii: { line: "-", side: "|", right: ">", left: "<", lost: "x", told: "*" },
};

/** Columns of the words at the right, at least; with fewer they stand below. */
const leastWords = 15;

/**
 * @param columns width of the terminal, 40 at least
 * @param drawsLines whether the terminal draws ─│◆▶
 */
export function ladder(
  picture: Picture,
  columns: number,
  drawsLines: boolean,
): string {
  const { sides, connections, rows } = picture;
  const stroke = drawsLines ? strokes.lines : strokes.ascii;
  const more = drawsLines ? "…" : "~";
  const timeWidth = widest(["", ...rows.map(({ time }) => time)], 9);
  const counts = rows.flatMap(({ unread }) => Object.values(unread));
  const most = Math.max(...counts, 0);
  const countWidth = most ? String(most).length : 0;
  const around = timeWidth + 1 + 2 * countWidth + 2;
  const mostPrinted = Math.max(38, columns - around - 2 - 34);
  const widths = rows.map(({ label }) => {
    const width = stringWidth(label.join(" "));
    return label.length > 1 ? width + 5 : Math.min(width + 2, mostPrinted);
  });
  const wanted = Math.max(32, ...widths);
  const beside = columns - around - wanted - 2;
  const below = beside < leastWords; // there is no room for words at the right
  const lane = below ? Math.max(columns, 40) - around : wanted;
  const wordsWidth = below ? lane - 4 : beside;

  const count = (bytes: number) => (bytes ? String(bytes) : "");
  const marked = (text: string) =>
    text.trim() ? chalk.bold.yellow(text) : text;
  function line(
    time: string,
    inside: string,
    unread: Record<Side, number> = { client: 0, server: 0 },
    words = "",
  ): string {
    const left = marked(count(unread.client).padStart(countWidth));
    const right = marked(count(unread.server).padEnd(countWidth));
    const { side } = stroke;
    return `${time.padStart(timeWidth)} ${left}${side}${inside}${side}${right}  ${words}`.trimEnd();
  }

  /** Text at a side of the lane. */
  function at(from: Side, text: string, margin = 2): string {
    const short = cut(text, lane - 2 * margin, more);
    const space = " ".repeat(lane - 2 * margin - stringWidth(short));
    const edge = " ".repeat(margin);
    return edge + (from === "client" ? short + space : space + short) + edge;
  }

  function arrow(from: Side, text: string, lost: boolean): string {
    const gap = lost ? "  " : "";
    const length = lane - stringWidth(text) - 4 - gap.length;
    const shaft = stroke.line.repeat(Math.max(0, length));
    return from === "client"
      ? `${stroke.line} ${text} ${shaft}${lost ? stroke.lost : stroke.right}${gap}`
      : `${gap}${lost ? stroke.lost : stroke.left}${shaft} ${text} ${stroke.line}`;
  }

  /** What stands inside the lane, row by row. */
  function inLane({ from, kind, label, carried, lost }: Row): string[] {
    const [first = "", ...rest] = label;
    if (rest.length === 0) {
      const rows = wrap(first, lane - 2);
      return rows.map((text, index) => {
        const mark = index ? " " : stroke.told;
        const marked =
          from === "client" ? `${mark} ${text}` : `${text} ${mark}`;
        return colours[kind](at(from, marked, 0));
      });
    }
    const whole = label.join(" ");
    const fits = stringWidth(whole) + 5 <= lane;
    return [
      colours[kind](arrow(from, fits ? whole : first, lost)),
      ...(fits ? [] : rest.map((numbers) => at(from, numbers))),
      ...(carried ? [at(from, `"${carried}"`)] : []),
    ];
  }

  function drawn(row: Row): string[] {
    const { time, kind, words, unread, from } = row;
    const wrapped = words.flatMap((text) => wrap(text, wordsWidth));
    const inside = inLane(row);
    if (below) inside.push(...wrapped.map((text) => at(from, text)));
    const texts = below ? [] : wrapped;
    const height = Math.max(inside.length, texts.length);
    return Array.from({ length: height }, (_, i) =>
      line(
        i ? "" : time,
        inside[i] ?? " ".repeat(lane),
        unread,
        colours[kind](texts[i] ?? ""),
      ),
    );
  }

  const ends = ({ client, server }: Record<Side, string>) => {
    const space = lane - stringWidth(client) - stringWidth(server);
    return space > 0
      ? [client + " ".repeat(space) + server]
      : [at("client", client, 0), at("server", server, 0)];
  };
  return [
    ...ends(sides).map((inside) => line("ms", inside)),
    ...connections.flatMap((each, index) =>
      ends(each).map((inside) =>
        line(connections.length > 1 ? `${index + 1}:` : "", inside),
      ),
    ),
    ...rows.flatMap(drawn),
  ].join("\n");
}

function widest(texts: string[], least: number): number {
  return texts.reduce((most, text) => Math.max(most, stringWidth(text)), least);
}

/** Text in rows so wide at most. */
function wrap(text: string, columns: number): string[] {
  const rows = wrapAnsi(text, columns, { hard: true, trim: false }).split("\n");
  return rows.map((row, index) => (index ? row.trimStart() : row));
}

/** Cuts what is too wide; wide letters count as two. */
function cut(text: string, columns: number, more: string): string {
  const start = text.slice(0, columns + 1);
  if (start === text && stringWidth(text) <= columns) return text;
  const options = { hard: true, trim: false, wordWrap: false };
  return wrapAnsi(start, columns - 1, options).split("\n")[0] + more;
}
