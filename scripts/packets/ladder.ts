/**
 * Draws a picture as text: the client at the left, the server at the right,
 * time downwards, and an arrow for each packet.
 */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import type { Side } from "./recording.ts";
import type { EventRow, PacketRow, Picture, Row } from "./rows.ts";

export interface LadderOptions {
  /** The width of the terminal: 40 or more. */
  columns: number;
  /** Whether the terminal draws ─│◆▶; otherwise the ladder is ASCII. */
  drawsLines: boolean;
}

/**
 * Draws a picture as a ladder.
 *
 * @returns the ladder's lines, without a newline at the end; with colors if the
 *   terminal has them
 */
export function ladder(picture: Picture, options: LadderOptions): string {
  const { sides, connections, rows, numbersConnections } = picture;
  const layout = layoutOf(rows, options.columns);
  const drawing = new LadderDrawing(layout, options.drawsLines);

  const lines = drawing.heading("ms", sides);
  for (const [index, addresses] of connections.entries()) {
    const number = numbersConnections ? `${index + 1}:` : "";
    lines.push(...drawing.heading(number, addresses));
  }
  for (const row of rows) lines.push(...drawing.row(row));
  return lines.join("\n");
}

const colors: Record<Row["type"], (text: string) => string> = {
  syn: chalk.green,
  fin: chalk.yellow,
  rst: chalk.red,
  data: chalk.cyan,
  ack: chalk.reset,
  read: chalk.bold,
  line: chalk.reset,
  end: chalk.dim,
};

/** The symbols of a ladder. Each is one column wide. */
interface Symbols {
  /** The shaft of an arrow. */
  shaft: string;
  /** The line of a side. */
  wall: string;
  rightHead: string;
  leftHead: string;
  /** The end of an arrow whose packet was lost. */
  lost: string;
  /** The mark of what a program does. */
  event: string;
}

const lineSymbols: Symbols = {
  shaft: "─",
  wall: "│",
  rightHead: "▶",
  leftHead: "◀",
  lost: "✗",
  event: "◆",
};

const asciiSymbols: Symbols = {
  shaft: "-",
  wall: "|",
  rightHead: ">",
  leftHead: "<",
  lost: "x",
  event: "*",
};

/**
 * The widths of a ladder's parts, in columns. From left to right, they are the
 * time, the client's unread bytes, its wall, the lane with the arrows, the
 * server's wall, its unread bytes, and the descriptions.
 */
export interface Layout {
  timeWidth: number;
  /** For the unread bytes of one side. */
  unreadWidth: number;
  laneWidth: number;
  /** 0 if the descriptions are in the lane, below what they describe. */
  descriptionsWidth: number;
}

/** Between the time and the client's unread bytes. */
const gapAfterTime = " ";

/** Between the server's unread bytes and the descriptions. */
const gapBeforeDescriptions = "  ";

/** Minimum width of the time: "12345.678". */
const minTimeWidth = 9;

/** Minimum width of the lane: two short addresses fit next to each other. */
const minLaneWidth = 32;

/** Minimum width of the descriptions; if there is less, they go into the lane. */
const minDescriptionsWidth = 15;

/** Width that an event's long text leaves free, at the right of the lane. */
const leftByEvents = 36;

/** Width of the lane that an event's long text gets in any case. */
const claimedByEvents = 38;

/** Width of an event's mark and the space after it. */
const markWidth = 2;

/** Decides how wide a ladder's parts are. */
function layoutOf(rows: Row[], columns: number): Layout {
  let timeWidth = minTimeWidth;
  let mostUnread = 0;
  for (const row of rows) {
    timeWidth = Math.max(timeWidth, timeOf(row).length);
    mostUnread = Math.max(mostUnread, row.unread.client, row.unread.server);
  }
  const unreadWidth = mostUnread > 0 ? String(mostUnread).length : 0;

  // The columns that the lane and the descriptions share.
  const wallWidth = 1;
  const startWidth = timeWidth + gapAfterTime.length;
  const rest = columns - startWidth - 2 * (unreadWidth + wallWidth);

  // The lane is as wide as its longest arrow. An event's long text is wrapped.
  const longestEvent = Math.max(claimedByEvents, rest - leftByEvents);
  let laneWidth = minLaneWidth;
  for (const row of rows) {
    const wanted =
      row.kind === "packet"
        ? arrowWidth(row)
        : Math.min(eventWidth(row), longestEvent);
    laneWidth = Math.max(laneWidth, wanted);
  }

  const descriptionsWidth = rest - laneWidth - gapBeforeDescriptions.length;
  if (descriptionsWidth < minDescriptionsWidth)
    return { timeWidth, unreadWidth, laneWidth: rest, descriptionsWidth: 0 };
  return { timeWidth, unreadWidth, laneWidth, descriptionsWidth };
}

/** Width of the time of a row that is not known yet: "5400000.123", 90 min. */
const futureTimeWidth = 11;

/** Widest lane for rows that are not known yet: most arrows have room. */
const futureLaneWidth = 56;

/** Width of a usual arrow: "1: [PSH, ACK] Seq=1 Ack=1 Len=14". */
const usualArrowWidth = 38;

/** Width of the longest description, which then needs one line only. */
const wholeDescriptionWidth = 24;

/**
 * Decides how wide a ladder's parts are before its rows are known. Nothing is
 * unread in it.
 *
 * @param columns the width of the terminal
 * @param time the longest time so far, for which there is room in any case
 */
export function layoutForRowsToCome(columns: number, time = ""): Layout {
  const timeWidth = Math.max(futureTimeWidth, time.length);
  const walls = 2;
  const rest = columns - timeWidth - gapAfterTime.length - walls;

  const besideLane = gapBeforeDescriptions.length + wholeDescriptionWidth;
  const laneWidth = Math.min(futureLaneWidth, rest - besideLane);
  if (laneWidth < usualArrowWidth)
    return { timeWidth, unreadWidth: 0, laneWidth: rest, descriptionsWidth: 0 };
  const descriptionsWidth = rest - laneWidth - gapBeforeDescriptions.length;
  return { timeWidth, unreadWidth: 0, laneWidth, descriptionsWidth };
}

/** A row's time. The decimal points of packets and events are aligned. */
function timeOf({ kind, time }: Row): string {
  return kind === "packet" ? time : `${time} `;
}

/** The text on an arrow, if the lane is wide enough. */
function arrowText({ flags, numbers }: PacketRow): string {
  return `${flags} ${numbers}`;
}

/** Width of an arrow with its text, and the shortest shaft. */
function arrowWidth(row: PacketRow): number {
  const shortestShaft = 1;
  return stringWidth(arrowText(row)) + aroundArrowText(row) + shortestShaft;
}

/** Width of what is around an arrow's text, less the shaft: "─ " and " ▶". */
function aroundArrowText({ lost }: PacketRow): number {
  const tail = 2;
  const space = 1;
  // The arrow of a lost packet stops two columns before the wall.
  const head = lost ? 3 : 1;
  return tail + space + head;
}

/** Width of an event's text with its mark. */
function eventWidth({ text }: EventRow): number {
  return markWidth + stringWidth(text);
}

/** The parts of a line of the ladder. */
interface LadderLine {
  time: string;
  /** The text between the walls, as wide as the lane. */
  inLane: string;
  unread: Record<Side, number>;
  description: string;
}

/** Draws a ladder row by row, in a layout that is the same for all rows. */
export class LadderDrawing {
  readonly #layout: Layout;
  readonly #symbols: Symbols;

  /** @param drawsLines whether the terminal draws ─│◆▶; otherwise in ASCII */
  constructor(layout: Layout, drawsLines: boolean) {
    this.#layout = layout;
    this.#symbols = drawsLines ? lineSymbols : asciiSymbols;
  }

  /**
   * Draws a text at each side, in one line if there is room.
   *
   * @param label the text in the column of the time
   */
  heading(label: string, names: Record<Side, string>): string[] {
    return this.#namesInLane(names).map((inLane) =>
      this.#line({
        time: label,
        inLane,
        unread: { client: 0, server: 0 },
        description: "",
      }),
    );
  }

  /** Draws a remark between the walls: it belongs to neither side. */
  remark(text: string): string[] {
    return this.#atSide("client", text).map((inLane) =>
      this.#line({
        time: "",
        inLane: chalk.dim(inLane),
        unread: { client: 0, server: 0 },
        description: "",
      }),
    );
  }

  /** Draws a packet or an event: one line or more. */
  row(row: Row): string[] {
    const { from, type, descriptions, unread } = row;
    const { laneWidth, descriptionsWidth } = this.#layout;
    const inLane =
      row.kind === "packet" ? this.#packetInLane(row) : this.#eventInLane(row);

    // The descriptions are next to the lane, or below the text in the lane.
    const beside: string[] = [];
    for (const description of descriptions) {
      if (descriptionsWidth > 0)
        beside.push(...wrap(description, descriptionsWidth));
      else inLane.push(...this.#atSide(from, description));
    }

    const lines: string[] = [];
    const height = Math.max(inLane.length, beside.length);
    for (let index = 0; index < height; index++) {
      const line = this.#line({
        time: index === 0 ? timeOf(row) : "",
        inLane: inLane[index] ?? " ".repeat(laneWidth),
        unread,
        description: colors[type](beside[index] ?? ""),
      });
      lines.push(line);
    }
    return lines;
  }

  #line({ time, inLane, unread, description }: LadderLine): string {
    const { timeWidth, unreadWidth } = this.#layout;
    const { wall } = this.#symbols;
    const parts = [
      time.padStart(timeWidth),
      gapAfterTime,
      align("server", countText(unread.client), unreadWidth),
      wall,
      inLane,
      wall,
      align("client", countText(unread.server), unreadWidth),
      gapBeforeDescriptions,
      description,
    ];
    return parts.join("").trimEnd();
  }

  /** The text between the walls of a heading. */
  #namesInLane({ client, server }: Record<Side, string>): string[] {
    const room = this.#layout.laneWidth - stringWidth(client);
    if (stringWidth(server) < room)
      return [client + align("server", server, room)];
    return [
      ...this.#atSide("client", client),
      ...this.#atSide("server", server),
    ];
  }

  /** The text between the walls of a packet; each line closes its own color. */
  #packetInLane(row: PacketRow): string[] {
    const { from, type, flags, numbers, data } = row;
    const isWideEnough = arrowWidth(row) <= this.#layout.laneWidth;
    const arrow = this.#arrow(row, isWideEnough ? arrowText(row) : flags);
    const lines = [colors[type](arrow)];
    if (!isWideEnough) lines.push(...this.#atSide(from, numbers));
    if (data) lines.push(...this.#atSide(from, `"${data}"`));
    return lines;
  }

  /** The text between the walls of an event; each line closes its own color. */
  #eventInLane({ from, type, text }: EventRow): string[] {
    const lines = this.#atSide(from, text, this.#symbols.event);
    return lines.map((line) => colors[type](line));
  }

  /** An arrow that is as wide as the lane. */
  #arrow(row: PacketRow, text: string): string {
    const { shaft, rightHead, leftHead, lost } = this.#symbols;
    const textWidth = stringWidth(text) + aroundArrowText(row);
    // In 40 columns, long flags and many unread bytes can leave no room.
    const shaftWidth = Math.max(0, this.#layout.laneWidth - textWidth);
    const line = shaft.repeat(shaftWidth);
    if (row.from === "client") {
      const head = row.lost ? `${lost}  ` : rightHead;
      return `${shaft} ${text} ${line}${head}`;
    }
    const head = row.lost ? `  ${lost}` : leftHead;
    return `${head}${line} ${text} ${shaft}`;
  }

  /**
   * A text at a side, in as many lines as it needs, each as wide as the lane.
   *
   * @param mark what the first line has between the text and the wall
   */
  #atSide(side: Side, text: string, mark = " "): string[] {
    const { laneWidth } = this.#layout;
    return wrap(text, laneWidth - markWidth).map((part, index) => {
      const sign = index === 0 ? mark : " ";
      const line = side === "client" ? `${sign} ${part}` : `${part} ${sign}`;
      return align(side, line, laneWidth);
    });
  }
}

/** The number of a side's unread bytes; "" if there are none. */
function countText(bytes: number): string {
  return bytes > 0 ? chalk.bold.yellow(bytes) : "";
}

/**
 * Pads a text with spaces: after a client's text, before a server's. A wide
 * character counts as two columns.
 */
function align(side: Side, text: string, columns: number): string {
  const padding = " ".repeat(Math.max(0, columns - stringWidth(text)));
  return side === "client" ? text + padding : padding + text;
}

/** Wraps a text into lines of at most this many columns. */
function wrap(text: string, columns: number): string[] {
  const wrapped = wrapAnsi(text, columns, { hard: true, trim: false });
  return wrapped
    .split("\n")
    .map((line, index) => (index === 0 ? line.trimEnd() : line.trim()));
}
