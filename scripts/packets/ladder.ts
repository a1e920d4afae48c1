/** Draws a picture as text: client left, server right, time downwards, an arrow for each packet. */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import type { Side } from "./recording.ts";
import type { Picture, Row } from "./rows.ts";

type Unread = Row["unread"];

const colours: Record<Row["kind"], (text: string) => string> = {
  ...{ syn: chalk.green, fin: chalk.yellow, rst: chalk.red, data: chalk.cyan },
  ...{ ack: chalk.reset, read: chalk.bold, line: chalk.reset, end: chalk.dim },
};

/** Columns of the words at the right, at least: where there are fewer they stand below. */
const leastWords = 15;

/**
 * @param columns width of the terminal, 40 or more
 * @param lines whether the terminal draws ─│◆▶
 */
export function ladder(picture: Picture, columns: number, lines: boolean) {
  const { sides, connections, rows } = picture;
  const [line, wall, right, left, lostMark, told] = lines ? "─│▶◀✗◆" : "-|><x*";
  const timeWidth = Math.max(9, ...rows.map(({ time }) => time.length));
  const counts = rows.flatMap(({ unread }) => Object.values(unread));
  const countWidth = String(Math.max(...counts) || "").length;
  const around = timeWidth + 1 + 2 * countWidth + 2;
  const mostPrinted = Math.max(38, columns - around - 36);
  const arrowWidth = ({ label, lost }: Row) =>
    stringWidth(label.join(" ")) + (lost ? 7 : 5);
  const wanted = rows.map((one) =>
    one.label[1] ? arrowWidth(one) : Math.min(arrowWidth(one) - 3, mostPrinted),
  );
  const fitting = Math.max(32, ...wanted);
  const below = columns - around - fitting - 2 < leastWords;
  const lane = below ? columns - around : fitting;
  const wordsWidth = columns - around - lane - 2;

  function row(time: string, inside: string, unread: Unread, words = "") {
    const count = (bytes: number) => (bytes ? chalk.bold.yellow(bytes) : "");
    const start = time.padStart(timeWidth);
    const client = pad(count(unread.client), countWidth, "server");
    const server = pad(count(unread.server), countWidth, "client");
    return `${start} ${client}${wall}${inside}${wall}${server}  ${words}`.trimEnd();
  }

  function arrow(from: Side, text: string, lost: boolean): string {
    const length = lane - stringWidth(text) - 4 - (lost ? 2 : 0);
    const shaft = line!.repeat(length);
    if (from === "client")
      return `${line} ${text} ${shaft}${lost ? `${lostMark}  ` : right}`;
    return `${lost ? `  ${lostMark}` : left}${shaft} ${text} ${line}`;
  }

  /** Text at a side, in as many rows as it takes. */
  function at(from: Side, text: string, mark = " "): string[] {
    return wrap(text, lane - 2).map((part, index) => {
      const sign = index ? " " : mark;
      const whole = from === "client" ? `${sign} ${part}` : `${part} ${sign}`;
      return pad(whole, lane, from);
    });
  }

  /** What stands between the walls, row by row; colours end with each. */
  function inLane(one: Row): string[] {
    const { from, kind, label, carried, lost } = one;
    const [first = "", numbers] = label;
    const colour = colours[kind];
    if (!numbers) return at(from, first, told).map((it) => colour(it));
    const rest = carried ? at(from, `"${carried}"`) : [];
    if (arrowWidth(one) <= lane)
      return [colour(arrow(from, label.join(" "), lost)), ...rest];
    return [colour(arrow(from, first, lost)), ...at(from, numbers), ...rest];
  }

  function drawn(one: Row): string[] {
    const { time, from, kind, words, unread } = one;
    const inside = inLane(one);
    if (below) inside.push(...words.flatMap((text) => at(from, text)));
    const beside = below ? [] : words.flatMap((text) => wrap(text, wordsWidth));
    const height = Math.max(inside.length, beside.length);
    return Array.from({ length: height }, (_, index) => {
      const said = colours[kind](beside[index] ?? "");
      const drawn = inside[index] ?? " ".repeat(lane);
      return row(index ? "" : time, drawn, unread, said);
    });
  }

  function heads(first: string, { client, server }: Record<Side, string>) {
    const space = lane - stringWidth(client);
    const two = [...at("client", client), ...at("server", server)];
    const one = [client + pad(server, space, "server")];
    const insides = stringWidth(server) < space ? one : two;
    return insides.map((it) => row(first, it, { client: 0, server: 0 }));
  }
  return [
    ...heads("ms", sides),
    ...connections.flatMap((each, index) =>
      heads(connections.length > 1 ? `${index + 1}:` : "", each),
    ),
    ...rows.flatMap(drawn),
  ].join("\n");
}

/** Fills up with spaces, behind a client's text, before a server's; wide letters count as two. */
function pad(text: string, columns: number, from: Side): string {
  const space = " ".repeat(Math.max(0, columns - stringWidth(text)));
  return from === "client" ? text + space : space + text;
}

/** Text in rows so wide at most. */
function wrap(text: string, columns: number): string[] {
  const rows = wrapAnsi(text, columns, { hard: true, trim: false }).split("\n");
  return rows.map((row, index) => (index ? row.trim() : row.trimEnd()));
}
