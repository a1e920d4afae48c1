/**
 * What goes on beside the packets: which call each script is in, and which bytes have
 * arrived that it has not read. It follows from the packets and the lines.
 */
import { visible } from "./ladder.ts";
import type { Line, Recording, Side, Step } from "./recording.ts";

/** A call of a script; times in ms since the first packet. */
export interface Call {
  from: Side;
  name: string;
  startMs: number;
  /** When something shows that it has returned: a line of the script, or its packet. */
  endMs: number;
  /** Since when what it waits for is there. */
  readyMs?: number;
  /** It goes on beside the other calls of its script. */
  beside?: true;
}

/** Bytes that have arrived at a side, and that its script has not read. */
export interface Held {
  at: Side;
  connection: number;
  /** How many; undefined once what the script printed doesn't tell. */
  bytes: number | undefined;
  startMs: number;
  endMs: number;
}

/** What lies unread at a moment: its bytes, and their text as far as its characters are whole. */
interface Unread {
  bytes: number;
  text: string;
  /** The lines have told so far how many bytes were read. */
  told: boolean;
}

/** What a script reads with, and what it sends with. */
export const reading = /^(recv|read)$/;
const sending = /^(connect|sendall|write)$/;

/** A line that says what was read, up to what was read. */
const said = /^Received(?: from (?:server|\(.*?\)))?: /;

/** The bytes that lie unread, from one moment to the next. */
export function heldOf(recording: Recording): Held[] {
  const sides: Side[] = ["client", "server"];
  return recording.connections.flatMap((_, index) =>
    sides.flatMap((at) => heldAt(at, index + 1, recording)),
  );
}

function heldAt(at: Side, connection: number, recording: Recording): Held[] {
  if (recording.lines.length === 0) return []; // nobody knows when it was read
  const changes: [ms: number, change: (unread: Unread) => Unread][] = [];
  let next = 1;
  for (const step of recording.packets) {
    if (step.connection !== connection || step.lost) continue;
    const { timeMs, from, flags, seq, length, text = "" } = step;
    const over =
      flags.includes("RST") || (from === at && flags.includes("FIN"));
    if (over)
      changes.push([timeMs, ({ told }) => ({ bytes: 0, text: "", told })]);
    if (from === at) continue;
    const news = length && Math.max(0, seq + length - next);
    next += news;
    if (news)
      changes.push([
        timeMs,
        (unread) => ({
          ...unread,
          bytes: unread.bytes + news,
          text: unread.text + text,
        }),
      ]);
  }
  for (const [line, printed] of readsOf(recording, at, connection))
    changes.push([line.timeMs, (unread) => afterRead(unread, printed)]);
  changes.sort(([a], [b]) => a - b);

  const held: Held[] = [];
  let unread: Unread = { bytes: 0, text: "", told: true };
  for (const [index, [startMs, change]] of changes.entries()) {
    unread = change(unread);
    const [endMs] = changes[index + 1] ?? [endOf(recording)];
    const { bytes, told } = unread;
    const sure = told ? bytes : undefined;
    if (bytes) held.push({ at, connection, bytes: sure, startMs, endMs });
  }
  return held;
}

/**
 * What still lies unread once a script has printed what it read. Where the rest begins
 * with a line's end or a character of several bytes, the script may have read of it.
 */
function afterRead(unread: Unread, printed: string): Unread {
  const read = beginningOf(unread.text, printed);
  const text = unread.text.slice(read?.length);
  const bytes = unread.bytes - Buffer.byteLength(read ?? printed);
  const ends = /^[\x00-\x7f]/.test(text) && !read?.endsWith("\n");
  const told = read !== undefined && !read.includes("\ufffd");
  return {
    bytes: Math.max(0, bytes),
    text,
    told: unread.told && told && (bytes === 0 || ends),
  };
}

/** The beginning of a text that is printed so; undefined where none is. */
function beginningOf(text: string, printed: string): string | undefined {
  let [length, shown] = [0, 0];
  for (const char of text) {
    const next = asPrinted(char);
    if (!printed.startsWith(next, shown)) break;
    length += char.length;
    shown += next.length;
  }
  return shown === printed.length ? text.slice(0, length) : undefined;
}

/** A character as the scripts print it; where lines end, the recording doesn't keep it. */
function asPrinted(char: string): string {
  if (char === "\n") return "";
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(char) ? visible(char) : char;
}

/** The lines with which a script says what it has read of a connection, and what that was. */
function readsOf(
  { lines, connections }: Recording,
  at: Side,
  connection: number,
): [Line, string][] {
  const reads: [Line, string][] = [];
  let last: Line | undefined;
  const ours = (line: Line) =>
    line.from === at && connectionOf(line) === connection;
  /** Where a line names no client, it is about the one that came last. */
  let current = at === "client" ? connections.length : 1;
  function connectionOf({ text }: Line): number {
    const [, port] = /\('.*?', (\d+)\)/.exec(text) ?? [];
    const index = connections.findIndex(({ client }) =>
      client.endsWith(`:${port}`),
    );
    if (index >= 0) current = index + 1;
    return current;
  }
  for (const line of lines) {
    if (!ours(line)) continue;
    const [prefix] = said.exec(line.text) ?? [];
    if (prefix !== undefined) {
      reads.push([line, line.text.slice(prefix.length)]);
      last = line;
    } else if (line.timeMs === last?.timeMs) {
      // What was read had more than one line.
      reads.at(-1)![1] += line.text;
    }
  }
  return reads;
}

/**
 * The calls of both scripts: of a server those for its first client, of lecture1_client,
 * who comes last, all.
 */
export function callsOf(recording: Recording): Call[] {
  const { lines, connections } = recording;
  if (lines.length === 0) return [];
  const held = heldOf(recording);
  return [
    ...callsAt("client", connections.length, recording, held),
    ...callsAt("server", 1, recording, held),
  ];
}

/** The calls of one script, each from the moment that shows its start to the one that shows its end. */
function callsAt(
  from: Side,
  connection: number,
  recording: Recording,
  held: Held[],
): Call[] {
  const packets = recording.packets.filter(
    (step) => step.connection === connection,
  );
  const unread = held.filter(
    (one) => one.at === from && one.connection === connection,
  );
  const lines = recording.lines.filter((line) => line.from === from);
  const read =
    lines
      .flatMap(({ before, after }) => [before, after])
      .find((name) => reading.test(name)) ?? "recv";
  const calls: Call[] = [];
  let current: Call | undefined;
  let beside: Call | undefined;

  function start(name: string, startMs: number): void {
    current = name ? { from, name, startMs, endMs: startMs } : undefined;
  }
  function end(endMs: number): void {
    if (current && endMs > current.startMs) calls.push({ ...current, endMs });
    current = undefined;
  }
  const events = [
    ...packets
      .filter((step) => step.from === from)
      .map((step) => ({ step, timeMs: step.timeMs })),
    ...lines.map((line) => ({ line, timeMs: line.timeMs })),
  ].sort((a, b) => a.timeMs - b.timeMs);
  for (const event of events) {
    const { timeMs } = event;
    if ("line" in event) {
      const { before, after } = event.line;
      const waits =
        current && !reading.test(current.name) && !sending.test(current.name);
      // A task of its own speaks: the call that goes on stands beside its calls.
      if (waits && !before && after) beside = { ...current!, beside: true };
      else if (before || after) end(timeMs);
      if (before || after) start(after, timeMs);
    } else {
      const { flags, length } = event.step;
      if (flags.includes("SYN") && from === "client") start("connect", timeMs);
      const sent = length > 0 && sending.test(current?.name ?? "");
      if (sent) {
        end(timeMs);
        start(read, timeMs);
      }
      if (flags.includes("FIN") || flags.includes("RST")) end(timeMs);
    }
  }
  const lastMs = Math.max(...events.map(({ timeMs }) => timeMs));
  end(lastMs);
  if (beside) calls.unshift({ ...beside, endMs: lastMs });
  return calls.map((call) => {
    const readyMs = readyOf(call, packets, unread);
    return readyMs === undefined ? call : { ...call, readyMs };
  });
}

/** Since when what a call waits for is there: the connection, bytes, or the end of the stream. */
function readyOf(
  { from, name, startMs, endMs }: Call,
  packets: Step[],
  unread: Held[],
): number | undefined {
  const within = (ms: number) => startMs <= ms && ms < endMs;
  const packet = (holds: (step: Step) => boolean) =>
    packets.find((step) => within(step.timeMs) && holds(step))?.timeMs;
  const toUs = (step: Step) => step.from !== from && !step.lost;
  if (name === "connect")
    return packet((step) => toUs(step) && /SYN|RST/.test(step.flags.join()));
  if (name === "accept")
    return packet(({ does }) => does.includes("confirms the handshake"));
  if (!reading.test(name)) return undefined;
  const bytes = unread.find(
    (one) => one.endMs > startMs && one.startMs < endMs,
  );
  const ready = [
    bytes && Math.max(startMs, bytes.startMs),
    packet((step) => toUs(step) && /FIN|RST/.test(step.flags.join())),
  ].filter((ms) => ms !== undefined);
  return ready.length ? Math.min(...ready) : undefined;
}

function endOf({ packets, lines }: Recording): number {
  return Math.max(...[...packets, ...lines].map(({ timeMs }) => timeMs));
}
