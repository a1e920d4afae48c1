/** Captures packets with tshark, Wireshark's command line. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { which } from "zx/core";
import { launch, type Launched } from "../launch.ts";
import type { Packet, Side } from "./recording.ts";
import type { Texts } from "./texts.ts";

/** What capturing needs that depends on the operating system. */
interface System {
  /** The name of the loopback interface. */
  loopback: string;
  /** Where Wireshark's installer puts tshark, if that isn't on the PATH. */
  installedAt?: string;
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

/** The fields that tshark prints of each packet, by Wireshark's names. */
const fields = [
  "frame.time_epoch",
  "tcp.stream",
  "ip.src",
  "tcp.srcport",
  "ip.dst",
  "tcp.dstport",
  "tcp.flags",
  "tcp.seq",
  "tcp.ack",
  "tcp.analysis.retransmission",
  "tcp.analysis.window_update",
  "tcp.payload",
] as const;

/** The value of each field; "" if the packet has none. */
type Fields = Record<(typeof fields)[number], string>;

/** TCP's flags, the lowest bit first (RFC 9293, 3.1). */
const flagNames = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/** A packet with the addresses of both sides; its time is since 1970. */
export interface CapturedPacket extends Packet {
  addresses: Record<Side, string>;
}

/**
 * Parses a row of tshark's output.
 *
 * @param row the values of the fields, separated by tabs
 * @param serverPort tells which side has sent the packet
 */
export function parseRow(row: string, serverPort: number): CapturedPacket {
  const found = fieldsOf(row);
  const isFromServer = Number(found["tcp.srcport"]) === serverPort;
  const source = `${found["ip.src"]}:${found["tcp.srcport"]}`;
  const target = `${found["ip.dst"]}:${found["tcp.dstport"]}`;
  const flags = flagsOf(Number(found["tcp.flags"]));
  const payload = Buffer.from(found["tcp.payload"].replaceAll(":", ""), "hex");

  return {
    timeMs: Number(found["frame.time_epoch"]) * 1000,
    // Wireshark counts connections from 0.
    connection: Number(found["tcp.stream"]) + 1,
    from: isFromServer ? "server" : "client",
    flags,
    seq: Number(found["tcp.seq"]),
    ...(flags.includes("ACK") && { ack: Number(found["tcp.ack"]) }),
    length: payload.length,
    ...(payload.length > 0 && { text: payload.toString() }),
    ...(found["tcp.analysis.retransmission"] && { retransmission: true }),
    ...(found["tcp.analysis.window_update"] && { windowUpdate: true }),
    addresses: {
      client: isFromServer ? target : source,
      server: isFromServer ? source : target,
    },
  };
}

/** The values of a row, by the names of their fields. */
function fieldsOf(row: string): Fields {
  const values = row.split("\t");
  const named = fields.map((name, index) => [name, values[index] ?? ""]);
  return Object.fromEntries(named) as Fields;
}

/** The names of the flags that are set. */
function flagsOf(bits: number): string[] {
  return flagNames.filter((_name, index) => bits & (1 << index));
}

/**
 * Nothing can be captured on this machine, and the message says why. Packets
 * shows a recording instead.
 */
export class CannotCapture extends Error {}

/**
 * What tshark prints if the user lacks the right to capture, or Windows lacks
 * Npcap.
 */
const refusals = [
  /permission to capture/i,
  /session could not be initiated/i,
  /(dumpcap|bpf|socket)\b.*(permission denied|not permitted)/i,
  /npcap|winpcap/i,
  /no interfaces/i,
];

/**
 * Turns what tshark has printed before it exited into an error.
 *
 * @param stderr its last complaint is in the error's message
 */
export function complaintOf(stderr: string, say: Texts): Error {
  const complaints = stderr.match(/(?<=^tshark: )\S.*$/gm) ?? [];
  const complaint = complaints.at(-1) ?? "";
  const isRefused = refusals.some((refusal) => refusal.test(stderr));
  if (isRefused) return new CannotCapture(`${say.noRight}: ${complaint}`);
  return new Error(`${say.tsharkSays}: ${complaint}`);
}

export interface CaptureOptions {
  /** The server's port: packets to it and from it are captured. */
  port: number;
  /** Where the packets are kept, as pcapng. */
  file?: string;
  /** The texts of the errors. */
  say: Texts;
}

/**
 * Starts to capture the TCP packets of a port on the loopback interface.
 *
 * @returns the capture, which has begun
 * @throws CannotCapture if tshark or the right to capture is missing
 * @throws Error if tshark fails otherwise, or doesn't start within 20 seconds
 */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const command = await tsharkCommand(options);
  const tshark = launch(command, { ownGroup: true });
  const guard = startGuard(tshark.pid);
  const capture = new Capture(tshark, guard, options);
  await capture.begins();
  return capture;
}

/** @throws CannotCapture if tshark is missing */
async function tsharkCommand(options: CaptureOptions): Promise<string[]> {
  const { port, file, say } = options;
  const { loopback, installedAt = "" } = thisSystem();
  const onPath = await which("tshark", { nothrow: true });
  const program = onPath ?? installedAt;
  if (!existsSync(program)) throw new CannotCapture(say.noTshark);

  const printedFields = fields.flatMap((name) => ["-e", name]);
  const keptIn = file ? ["-w", file, "-P"] : [];
  // prettier-ignore
  return [
    program,
    "-i", loopback,
    "-f", `tcp port ${port}`,
    "-a", "duration:120",
    "-l",
    "-n",
    "-o", "tcp.relative_sequence_numbers:TRUE",
    "-o", "tcp.analyze_sequence_numbers:TRUE",
    "-T", "fields",
    "-E", "occurrence=f",
    ...printedFields,
    ...keptIn,
  ];
}

/** A tshark that captures the packets of one port. */
export class Capture {
  readonly #tshark: Launched;
  readonly #guard: Launched;
  readonly #port: number;
  readonly #say: Texts;

  /** Is called by startCapture() only. */
  constructor(tshark: Launched, guard: Launched, options: CaptureOptions) {
    this.#tshark = tshark;
    this.#guard = guard;
    this.#port = options.port;
    this.#say = options.say;
  }

  /**
   * Waits until packets are captured.
   *
   * @throws CannotCapture if the right to capture is missing
   * @throws Error if tshark fails otherwise, or nothing begins within 20
   *   seconds
   */
  async begins(): Promise<void> {
    const patienceSeconds = 20;
    const patienceMs = patienceSeconds * 1000;
    const started = this.#tshark.prints(/Capture started/, patienceMs);
    // Older versions print "Capturing on", but nothing when the capture has
    // really begun.
    const probablyStarted = this.#tshark
      .prints(/Capturing on/, patienceMs)
      .then(() => sleep(3000, undefined, { ref: false }));
    try {
      await Promise.race([started, probablyStarted]);
    } catch {
      if (this.#tshark.exitStatus) throw this.#complaint();
      const what = "tshark: Capture started";
      throw new Error(this.#say.missing(what, patienceSeconds));
    }
  }

  /** The packets so far. */
  packets(): CapturedPacket[] {
    const rows = this.#tshark.lines();
    return rows.map((row) => parseRow(row, this.#port));
  }

  /**
   * Waits until something holds that depends on packets.
   *
   * @param what what is waited for, for the message
   * @param ms the deadline, in milliseconds
   * @throws Error when tshark exits first, or the deadline passes
   */
  until(what: string, holds: () => boolean, ms: number): Promise<void> {
    return this.#tshark.until(what, holds, ms);
  }

  /**
   * Ends the capture.
   *
   * @throws Error if tshark has failed meanwhile: because the file is full, for
   *   example
   */
  async stop(): Promise<void> {
    const hasExited = this.#tshark.exitStatus !== undefined;
    // The signal goes to tshark's group: dumpcap, which captures for it, exits
    // as well.
    this.#tshark.kill("SIGINT");
    const { code, signal } = await this.#tshark.exit();
    await this.#guard.stop();
    const hasFailed = code !== 0 && signal !== "SIGINT";
    // A tshark that has exited by itself has failed, even with exit code 0.
    if (hasExited || hasFailed) throw this.#complaint();
  }

  #complaint(): Error {
    return complaintOf(this.#tshark.output.stderr, this.#say);
  }
}

/**
 * Starts a process that ends tshark and its dumpcap if this process can't do it
 * any more, after a kill -9. It sends SIGINT until they have exited, since a
 * tshark that is just starting may ignore it, and SIGKILL after 3 seconds.
 *
 * @param pid tshark's process ID
 */
function startGuard(pid: number): Launched {
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
