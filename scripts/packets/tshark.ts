/** Captures packets with tshark, Wireshark's command line. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { which } from "zx/core";
import { launch, type Launched } from "../launch.ts";
import { markerNumber, Markers, removeMarkers } from "./markers.ts";
import type { Packet, Side } from "./recording.ts";
import { visible } from "./rows.ts";
import type { Texts } from "./texts.ts";

/** Time limit for tshark to start. */
const startPatienceSeconds = 20;

/** Time limit for tshark to print more, while it has packets to print. */
const rowPatienceSeconds = 10;

/** Maximum length of a capture: then tshark stops by itself. */
const longestCaptureSeconds = 120;

/** The parts of a capture that depend on the operating system. */
interface System {
  /** The name of the loopback interface. */
  loopback: string;
  /**
   * The path at which Wireshark's installer puts tshark, if it isn't on the
   * PATH.
   */
  installedAt?: string;
}

/** The name of the loopback interface on this system. */
export function loopbackInterface(): string {
  return thisSystem().loopback;
}

function thisSystem(): System {
  switch (process.platform) {
    case "darwin":
      return {
        loopback: "lo0",
        installedAt: "/Applications/Wireshark.app/Contents/MacOS/tshark",
      };
    case "win32":
      return {
        loopback: "\\Device\\NPF_Loopback",
        installedAt: "C:\\Program Files\\Wireshark\\tshark.exe",
      };
    default:
      return { loopback: "lo" };
  }
}

/**
 * The environment of tshark, in which nothing depends on the user: its messages
 * are in English, and it reads no preferences, profiles and plugins, neither
 * the user's nor those of the machine.
 */
export function tsharkEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env))
    if (!/^(LANGUAGE$|WIRESHARK_)/i.test(name)) env[name] = value;

  // If the locale C.UTF-8 doesn't exist, C is used, which is in English, too.
  env.LC_ALL = "C.UTF-8";
  // A folder that doesn't exist has no preferences and plugins.
  const nowhere = join(tmpdir(), `lecture1-${randomUUID()}`);
  env.WIRESHARK_CONFIG_DIR = nowhere;
  if (process.platform === "win32") {
    // Older versions of Wireshark look here.
    env.APPDATA = nowhere;
    return env;
  }
  // Older versions look for preferences here, and all versions for plugins.
  env.HOME = nowhere;
  env.XDG_CONFIG_HOME = nowhere;
  env.WIRESHARK_DATA_DIR = nowhere;
  env.WIRESHARK_PLUGIN_DIR = nowhere;
  env.WIRESHARK_EXTCAP_DIR = nowhere;
  return env;
}

/** The fields that tshark prints of each packet, by Wireshark's names. */
export const fields = [
  "frame.time_epoch",
  "tcp.stream",
  "ip.src",
  "ipv6.src",
  "ip.id",
  "tcp.srcport",
  "ip.dst",
  "ipv6.dst",
  "tcp.dstport",
  "tcp.flags",
  "tcp.seq",
  "tcp.ack",
  "tcp.window_size_value",
  "tcp.analysis.window_update",
  "tcp.options.sack_le",
  "tcp.options.sack_re",
  "tcp.len",
  "tcp.payload",
  "udp.length",
] as const;

type FieldName = (typeof fields)[number];

/**
 * The values of each field, separated by commas; "" if the packet has none.
 */
export type Fields = Record<FieldName, string>;

/** TCP's flags, the lowest bit first (RFC 9293, 3.1). */
const flagNames = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/** A packet with more than a recording keeps; its time is since 1970. */
export interface CapturedPacket extends Packet {
  addresses: Record<Side, string>;
  /** The number that IP has given to the packet: "0x1a2b", "" with IPv6. */
  ipId: string;
}

/** The contents of a line of tshark's output. */
export type TsharkRow =
  | { kind: "packet"; packet: CapturedPacket }
  | { kind: "marker"; number: number }
  /** A packet without a value that every packet has. */
  | { kind: "incomplete"; field: FieldName }
  /** Not a row, for example a plugin's output. */
  | { kind: "other" };

/**
 * Parses a line of tshark's output.
 *
 * @param line the values of the fields, separated by tabs
 * @param serverPort the server's port, which shows which side has sent the
 *   packet
 */
export function parseLine(line: string, serverPort: number): TsharkRow {
  const found = fieldsOf(line);
  if (!found) return { kind: "other" };
  const isMarker = found["udp.length"] !== "" && found["tcp.flags"] === "";
  if (isMarker) {
    const length = Number(found["udp.length"]);
    return { kind: "marker", number: markerNumber(length) };
  }
  const field = emptyField(found);
  if (field) return { kind: "incomplete", field };
  return { kind: "packet", packet: packetOf(found, serverPort) };
}

/** The values of a row, by their fields; undefined if the line is not a row. */
function fieldsOf(line: string): Fields | undefined {
  const values = line.split("\t");
  if (values.length !== fields.length) return undefined;
  const named = fields.map((name, index) => [name, values[index]]);
  return Object.fromEntries(named) as Fields;
}

/** Fields that have a number in every TCP packet. */
const numberFields = [
  "frame.time_epoch",
  "tcp.stream",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.flags",
  "tcp.seq",
] as const;

/** The first field that is empty although it can't be. */
function emptyField(found: Fields): FieldName | undefined {
  for (const name of numberFields)
    if (found[name] === "" || Number.isNaN(Number(found[name]))) return name;

  const hasAck = flagsOf(found).includes("ACK");
  if (hasAck && found["tcp.ack"] === "") return "tcp.ack";
  if (found["ip.src"] === "" && found["ipv6.src"] === "") return "ip.src";
  if (found["ip.dst"] === "" && found["ipv6.dst"] === "") return "ip.dst";
  return undefined;
}

function packetOf(found: Fields, serverPort: number): CapturedPacket {
  const isFromServer = Number(found["tcp.srcport"]) === serverPort;
  const source = `${addressOf(found, "src")}:${found["tcp.srcport"]}`;
  const target = `${addressOf(found, "dst")}:${found["tcp.dstport"]}`;
  const payload = Buffer.from(found["tcp.payload"].replaceAll(":", ""), "hex");

  const packet: CapturedPacket = {
    timeMs: Number(found["frame.time_epoch"]) * 1000,
    // Wireshark counts connections from 0.
    connection: Number(found["tcp.stream"]) + 1,
    from: isFromServer ? "server" : "client",
    flags: flagsOf(found),
    seq: Number(found["tcp.seq"]),
    // Of a long packet, a watch captures only the first part.
    length: Math.max(payload.length, Number(found["tcp.len"])),
    ipId: found["ip.id"],
    addresses: {
      client: isFromServer ? target : source,
      server: isFromServer ? source : target,
    },
  };
  if (packet.flags.includes("ACK")) packet.ack = Number(found["tcp.ack"]);
  if (payload.length > 0) packet.text = payload.toString();
  if (found["tcp.analysis.window_update"]) packet.windowUpdate = true;

  const hasNoWindow = Number(found["tcp.window_size_value"] || 1) === 0;
  // The window of a RST means nothing.
  if (hasNoWindow && !packet.flags.includes("RST")) packet.zeroWindow = true;
  const sack = sackBlocks(found);
  if (sack.length > 0) packet.sack = sack;
  return packet;
}

/** An address without its port: 127.0.0.1 or [::1]. */
function addressOf(found: Fields, end: "src" | "dst"): string {
  return found[`ip.${end}`] || `[${found[`ipv6.${end}`]}]`;
}

/** The names of the flags that are set. */
function flagsOf(found: Fields): string[] {
  const bits = Number(found["tcp.flags"]);
  return flagNames.filter((_name, index) => bits & (1 << index));
}

/** The blocks of the SACK option. */
function sackBlocks(found: Fields): [start: number, end: number][] {
  const starts = found["tcp.options.sack_le"].split(",").filter(Boolean);
  const ends = found["tcp.options.sack_re"].split(",").filter(Boolean);
  return starts.map((start, index) => [Number(start), Number(ends[index])]);
}

/**
 * Nothing can be captured on this machine; the message has the reason. packets
 * shows a recording instead.
 */
export class CannotCapture extends Error {}

/** Lines of tshark that are not complaints. */
const usualLines = [
  /^Running as user /,
  /^Capturing on /,
  /\b(Capture started|File: )/,
  /^\d+ packets? (captured|dropped)/,
  /^\r?Packets (captured|received\/dropped)/,
  /^tshark:\s*$/,
  /^\s*$/,
];

/**
 * How tshark or dumpcap explains its exit: its last complaint, or else its last
 * lines, or else its exit code or signal. Control characters are visible.
 */
export function lastWords(tshark: Ended, say: Texts): string {
  const { code, signal } = tshark.exitStatus ?? { code: null, signal: null };
  const lines = tshark.output.stderr
    .split(/\r?\n/)
    .filter((line) => !usualLines.some((pattern) => pattern.test(line)));
  const prefix = /^(tshark|dumpcap): /;
  const complaint = lines.findLast((line) => prefix.test(line));
  const words = complaint
    ? visible(complaint.replace(prefix, ""))
    : lines.slice(-3).map(visible).join("; ");

  if (signal) return [say.killedBy(signal), words].filter(Boolean).join("; ");
  return words || say.exitedWith(code);
}

/** A program that has exited. */
export type Ended = Pick<Launched, "exitStatus" | "output">;

/** How many packets tshark or dumpcap reports as dropped by the capture. */
export function droppedPackets(stderr: string): number {
  let dropped = 0;
  for (const [, count] of stderr.matchAll(/^(\d+) packets? dropped/gm))
    dropped += Number(count);
  // dumpcap: "Packets received/dropped on interface 'lo': 16/2 (pcap:2/…"
  const total = /^\r?Packets received\/dropped on .*: \d+\/(\d+) \(/gm;
  for (const [, count] of stderr.matchAll(total)) dropped += Number(count);
  return dropped;
}

export interface CaptureOptions {
  /** The server's port: packets to it and from it are captured. */
  port: number;
  /** The file for the packets, as pcapng. */
  file?: string;
  /** The texts of the errors. */
  say: Texts;
}

/**
 * Starts to capture the TCP packets of a port on the loopback interface.
 *
 * @returns the capture, which has begun
 * @throws CannotCapture if nothing can be captured: tshark is missing, isn't
 *   allowed to capture, fails, or doesn't start within 20 seconds
 * @throws Error if the packets can't be kept in the file
 */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const program = await tsharkProgram(options.say);
  const markers = await Markers.open();
  const args = captureArguments(options, markers.port);
  const tshark = launch([program, ...args], {
    ownGroup: true,
    env: tsharkEnvironment(),
  });
  const guard = startGuard(tshark.pid);
  const capture = new Capture({ tshark, guard, markers, options });
  try {
    await capture.begins();
  } catch (error) {
    if (!tshark.exitStatus) throw new CannotCapture((error as Error).message);
    throw await failureOf(tshark, program, options);
  }
  return capture;
}

/** @throws CannotCapture if tshark is missing */
export async function tsharkProgram(say: Texts): Promise<string> {
  const { installedAt = "" } = thisSystem();
  const onPath = await which("tshark", { nothrow: true });
  const program = onPath ?? installedAt;
  if (!existsSync(program)) throw new CannotCapture(say.noTshark);
  return program;
}

/** @param markerPort the UDP port of the markers, which are captured, too */
function captureArguments(
  { port, file }: CaptureOptions,
  markerPort: number,
): string[] {
  const keptIn = file ? ["-w", file, "-P"] : [];
  // prettier-ignore
  return [
    "-i", thisSystem().loopback,
    "-f", `tcp port ${port} or udp dst port ${markerPort}`,
    // Megabytes that wait for tshark; by default 2, and a long run drops some.
    "-B", "16",
    "-a", `duration:${longestCaptureSeconds}`,
    "-o", "tcp.relative_sequence_numbers:TRUE",
    ...rowArguments(),
    ...keptIn,
  ];
}

/** The arguments that make tshark print rows for parseLine(), as they come. */
export function rowArguments(): string[] {
  const printedFields = fields.flatMap((name) => ["-e", name]);
  // prettier-ignore
  return [
    "-l",
    "-n",
    "-o", "tcp.analyze_sequence_numbers:TRUE",
    "-T", "fields",
    "-E", "separator=/t",
    "-E", "occurrence=a",
    "-E", "aggregator=,",
    ...printedFields,
  ];
}

/**
 * Explains why tshark has exited before the capture began. Whether it is
 * allowed to capture is found out by trying, since the words of its message
 * depend on the version and the system.
 */
async function failureOf(
  tshark: Launched,
  program: string,
  { file, say }: CaptureOptions,
): Promise<Error> {
  const words = lastWords(tshark, say);
  const saysSo = `${say.tsharkSays}: ${words}`;

  // A program that fails by itself has one of these codes. Others mean that
  // tshark is broken: a shell can't run it, or a library is missing.
  const { code } = tshark.exitStatus ?? {};
  const hasFailed = typeof code === "number" && code > 0 && code < 126;
  if (!hasFailed) return new CannotCapture(saysSo);

  if (!(await mayCapture(program)))
    return new CannotCapture(`${say.noRight}: ${words}`);
  // The file is the only thing that the user has chosen.
  return file ? new Error(saysSo) : new CannotCapture(saysSo);
}

/** Whether tshark can open the loopback interface, to list its link types. */
async function mayCapture(program: string): Promise<boolean> {
  const command = [program, "-L", "-i", thisSystem().loopback];
  const tshark = launch(command, { env: tsharkEnvironment() });
  try {
    const { code } = await tshark.exit();
    return code === 0;
  } catch {
    await tshark.stop();
    return false;
  }
}

interface CaptureParts {
  tshark: Launched;
  /** The process that stops tshark if this process can't. */
  guard: Launched;
  markers: Markers;
  options: CaptureOptions;
}

/** A tshark that captures the packets of one port. */
export class Capture {
  /** The packets so far, in the order of the capture. */
  readonly packets: CapturedPacket[] = [];
  /** A field that was empty in a row although it can't be. */
  emptyField: string | undefined;
  /**
   * After stop(): whether tshark couldn't capture, although it had begun. If it
   * couldn't write the user's file, it could have captured.
   */
  couldNotCapture = false;

  readonly #tshark: Launched;
  readonly #guard: Launched;
  readonly #markers: Markers;
  readonly #options: CaptureOptions;
  /** How many lines tshark has printed. */
  #lineCount = 0;
  #lastMarker = 0;
  #begunMs = Infinity;

  /** Is called by startCapture() only. */
  constructor({ tshark, guard, markers, options }: CaptureParts) {
    this.#tshark = tshark;
    this.#guard = guard;
    this.#markers = markers;
    this.#options = options;
    const lines = createInterface(tshark.child.stdout!);
    lines.on("line", (line) => this.#onLine(line));
  }

  #onLine(line: string): void {
    this.#lineCount++;
    const row = parseLine(line, this.#options.port);
    switch (row.kind) {
      case "packet":
        this.packets.push(row.packet);
        break;
      case "marker":
        this.#lastMarker = row.number;
        break;
      case "incomplete":
        this.emptyField ??= row.field;
        break;
      case "other":
        break;
    }
  }

  /** Whether tshark has exited, by itself or because of stop(). */
  get hasExited(): boolean {
    return this.#tshark.exitStatus !== undefined;
  }

  /**
   * Waits until packets are captured.
   *
   * @throws Error if tshark exits, or nothing begins within 20 seconds
   */
  async begins(): Promise<void> {
    const patienceMs = startPatienceSeconds * 1000;
    const started = this.#tshark.prints(/Capture started/, patienceMs);
    // Older versions print "Capturing on", but nothing when the capture has
    // really begun.
    const probablyStarted = this.#tshark
      .prints(/Capturing on/, patienceMs)
      .then(() => this.catchUp());
    try {
      await Promise.race([started, probablyStarted]);
      this.#begunMs = performance.now();
    } catch {
      const what = "tshark: Capture started";
      throw new Error(this.#options.say.missing(what, startPatienceSeconds));
    }
  }

  /**
   * Waits until tshark has printed all packets that were captured before this
   * call. A long run can take a while.
   *
   * @throws Error when tshark exits, or prints nothing more for 10 seconds
   */
  async catchUp(): Promise<void> {
    const wanted = this.#markers.send();
    // The capture can drop a marker, like any packet.
    const resendMs = 250;
    const timer = setInterval(() => this.#markers.send(), resendMs);
    const hasCaughtUp = () => this.#lastMarker >= wanted;
    try {
      while (!hasCaughtUp()) await this.#nextLines(hasCaughtUp);
    } finally {
      clearInterval(timer);
    }
  }

  /** Waits until something holds, or tshark has printed more meanwhile. */
  async #nextLines(holds: () => boolean): Promise<void> {
    const { say } = this.#options;
    const countBefore = this.#lineCount;
    try {
      await this.until(`tshark: ${say.restOfRows}`, holds, rowPatienceSeconds);
    } catch (error) {
      const isStuck = this.#lineCount === countBefore;
      if (isStuck || this.hasExited) throw error;
    }
  }

  /**
   * Waits until something holds that depends on packets.
   *
   * @param what what is waited for, for the message
   * @param seconds the deadline
   * @throws Error when tshark exits first, or the deadline passes
   */
  async until(
    what: string,
    holds: () => boolean,
    seconds: number,
  ): Promise<void> {
    try {
      await this.#tshark.until(what, holds, seconds * 1000);
    } catch {
      throw new Error(this.#options.say.missing(what, seconds));
    }
  }

  /**
   * Stops the capture.
   *
   * @returns what the capture lacks, as messages
   */
  async stop(): Promise<string[]> {
    const { say, file } = this.#options;
    const problems: string[] = [];
    const hadExited = this.hasExited;
    // The signal goes to tshark's group: dumpcap, which captures for it, exits
    // as well.
    this.#tshark.kill("SIGINT");
    try {
      const { code, signal } = await this.#tshark.exit(
        rowPatienceSeconds * 1000,
      );
      // A shell that runs tshark reports the signal as code 130.
      const wasEnded = code === 0 || code === 130 || signal === "SIGINT";
      // A tshark that has exited by itself has failed, even with exit code 0.
      const hasFailed = hadExited || !wasEnded;
      if (hasFailed) problems.push(this.#reasonOfEnd());
      this.couldNotCapture = hasFailed && !file;
    } catch {
      problems.push(say.missing("tshark: exit", rowPatienceSeconds));
      await this.#tshark.stop();
    }
    await this.#guard.stop();
    this.#markers.close();

    const dropped = droppedPackets(this.#tshark.output.stderr);
    if (dropped > 0) problems.unshift(say.dropped(dropped));
    if (this.emptyField) problems.push(say.emptyField(this.emptyField));
    if (file) await removeMarkers(file);
    return problems;
  }

  /** Why tshark has exited by itself. */
  #reasonOfEnd(): string {
    const { say } = this.#options;
    const seconds = (performance.now() - this.#begunMs) / 1000;
    const { code } = this.#tshark.exitStatus ?? {};
    // The clocks of both processes differ a little.
    const isTooLong = code === 0 && seconds > longestCaptureSeconds - 1;
    if (isTooLong) return say.captureLimit(longestCaptureSeconds);
    return `${say.tsharkSays}: ${lastWords(this.#tshark, say)}`;
  }
}

/**
 * Starts a process that stops tshark and its dumpcap if this process can't,
 * after a kill -9. It sends SIGINT until they have exited, since a tshark that
 * is just starting can ignore it, and SIGKILL after 3 seconds.
 *
 * @param pid tshark's process ID
 */
export function startGuard(pid: number): Launched {
  const target = process.platform === "win32" ? pid : -pid;
  const code = `
    function interrupt() {
      try {
        process.kill(${target}, "SIGINT");
      } catch {
        process.exit();
      }
    }
    process.on("disconnect", () => {
      setInterval(interrupt, 100);
      setTimeout(() => process.kill(${target}, "SIGKILL"), 3000);
    });`;
  const command = [process.execPath, "-e", code];
  return launch(command, { messages: true, ownGroup: true });
}
