/**
 * Assertions about the rows of a picture: what they show, and in which order.
 */
import { inspect } from "node:util";
import * as assert from "uvu/assert";
import type { Side } from "../../scripts/packets/recording.ts";
import type { Row } from "../../scripts/packets/rows.ts";

/** The wanted contents of a row. A missing field can have any value. */
export interface WantedRow {
  from: Side;
  /** Which connection, if the run has several. */
  connection?: number;
  /** A packet's flags: "PSH, ACK". */
  flags?: string;
  /** A packet's numbers, as Wireshark writes them. */
  numbers?: string;
  /** A packet's meaning, or a program's action: "reads 14 bytes". */
  says?: string;
  /** A line that a program prints. */
  prints?: RegExp;
  /** How many bytes are unread at each side, after the row. */
  unread?: Partial<Record<Side, number>>;
  /** The row must be below this other row. */
  after?: Row;
}

/**
 * Asserts that a picture has a row.
 *
 * @returns the first such row
 */
export function expectRow(rows: Row[], wanted: WantedRow): Row {
  const { after, ...shown } = wanted;
  const start = after ? rows.indexOf(after) + 1 : 0;
  const found = rows.slice(start).find((row) => shows(row, shown));
  if (found) return found;

  const where = after ? ` after ${describe(after)}` : "";
  const all = rows.map(describe).join("\n");
  throw new Error(`no row${where} shows ${inspect(shown)}\n${all}`);
}

/**
 * Asserts that the rows are there, one below the other; returns the last one.
 */
export function expectRows(rows: Row[], wanted: WantedRow[]): Row {
  let last: Row | undefined;
  for (const one of wanted) last = expectRow(rows, { after: last, ...one });
  return last!;
}

export interface Pause {
  /** The side that does nothing. */
  side: Side;
  from: Row;
  until: Row;
  leastMs: number;
}

/**
 * Asserts that some time passes between two rows, in which a side sends no data
 * and reads nothing. Its kernel can acknowledge, and its program can print.
 */
export function expectPause(rows: Row[], pause: Pause): void {
  const { side, from, until, leastMs } = pause;
  const between = rows.slice(rows.indexOf(from) + 1, rows.indexOf(until));
  const activity = between.filter(
    (row) => row.from === side && !quietTypes.includes(row.type),
  );
  const all = rows.map(describe).join("\n");
  const pauseMs = Number(until.time) - Number(from.time);

  assert.equal(activity.map(describe), [], `the ${side} pauses\n${all}`);
  assert.ok(pauseMs >= leastMs, `the pause takes ${pauseMs} ms\n${all}`);
}

const quietTypes: Row["type"][] = ["ack", "line", "end"];

function shows(row: Row, wanted: WantedRow): boolean {
  const { from, connection, flags, numbers, says, prints, unread } = wanted;
  const shown = contentsOf(row);
  if (row.from !== from) return false;
  if (flags !== undefined) {
    const number = connection === undefined ? "" : `${connection}: `;
    if (shown.flags !== `${number}[${flags}]`) return false;
  }
  if (numbers !== undefined && shown.numbers !== numbers) return false;
  if (says !== undefined && !shown.phrases.includes(says)) return false;
  if (prints && !prints.test(shown.line ?? "")) return false;
  return (
    (unread?.client ?? row.unread.client) === row.unread.client &&
    (unread?.server ?? row.unread.server) === row.unread.server
  );
}

/** The contents of a row, by its kind. */
interface Contents {
  flags?: string;
  numbers?: string;
  /** The line that a program prints. */
  line?: string;
  phrases: string[];
}

function contentsOf(row: Row): Contents {
  if (row.kind === "packet") {
    const { flags, numbers, descriptions } = row;
    return { flags, numbers, phrases: descriptions };
  }
  if (row.type === "line") return { line: row.text, phrases: [] };
  return { phrases: [row.text] };
}

/** A row as text, for the message of an error. */
function describe(row: Row): string {
  const { flags, numbers, line, phrases } = contentsOf(row);
  const { client, server } = row.unread;
  const unread = `unread: ${client}, ${server}`;
  const texts = [row.time, row.from, flags, numbers, line, ...phrases, unread];
  return texts.filter(Boolean).join(" ");
}
