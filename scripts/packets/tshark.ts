/** Captures packets with tshark, Wireshark's command line. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { which } from "zx/core";
import { launch, type Launched } from "../processes.ts";
import { say } from "./texts.ts";

/** A packet as tshark tells of it, with the relative numbers that Wireshark shows. */
export interface Captured {
  /** Milliseconds since 1970, to the microsecond. */
  atMs: number;
  /** Which connection of the capture it belongs to, counted from 1. */
  connection: number;
  /** The sender's and the receiver's address and port, 127.0.0.1:65432. */
  sender: string;
  receiver: string;
  /** SYN, ACK, … */
  flags: string[];
  seq: number;
  /** Only where the ACK flag is set does the number mean something. */
  ack?: number;
  payload: Buffer;
  /** What Wireshark finds unusual about it, as far as a run on one machine meets it. */
  retransmission: boolean;
  windowUpdate: boolean;
}

/** Seconds after which tshark ends by itself, whatever becomes of who started it. */
const longest = 120;

/** Milliseconds until tshark should have started: it is slow the first time. */
const patience = 20_000;

/** Where Wireshark's installers for macOS and Windows put tshark: not on the PATH. */
const installed = [
  "/Applications/Wireshark.app/Contents/MacOS/tshark",
  "C:\\Program Files\\Wireshark\\tshark.exe",
];

/** The name that tshark knows the loopback interface by. */
const loopback =
  { darwin: "lo0", win32: "\\Device\\NPF_Loopback" }[
    process.platform as string
  ] ?? "lo";

const fields = [
  ...["frame.time_epoch", "tcp.stream", "ip.src", "tcp.srcport"],
  ...["ip.dst", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack"],
  ...["tcp.analysis.retransmission", "tcp.analysis.window_update"],
  "tcp.payload",
];

/** The flags in the TCP header, lowest bit first (RFC 9293, 3.1). */
const flagNames = "FIN SYN RST PSH ACK URG ECE CWR".split(" ");

/** Reads a row of fields, separated by tabs. */
export function parseRow(row: string): Captured {
  const values = row.split("\t");
  const field = (name: string) => values[fields.indexOf(name)] ?? "";
  const bits = Number(field("tcp.flags"));
  const flags = flagNames.filter((_, bit) => bits & (1 << bit));
  return {
    atMs: Number(field("frame.time_epoch")) * 1000,
    connection: Number(field("tcp.stream")) + 1,
    sender: `${field("ip.src")}:${field("tcp.srcport")}`,
    receiver: `${field("ip.dst")}:${field("tcp.dstport")}`,
    flags,
    seq: Number(field("tcp.seq")),
    ...(flags.includes("ACK") ? { ack: Number(field("tcp.ack")) } : {}),
    payload: Buffer.from(field("tcp.payload").replaceAll(":", ""), "hex"),
    retransmission: field("tcp.analysis.retransmission") !== "",
    windowUpdate: field("tcp.analysis.window_update") !== "",
  };
}

/** Nothing can be captured here, and a recording is shown instead: the message says why. */
export class CannotCapture extends Error {}

/** What tshark says where the user lacks the right to capture, or Windows lacks Npcap. */
const noRight =
  /permission to capture|session could not be initiated|(dumpcap|bpf|socket)\b.*(permission denied|not permitted)|npcap|winpcap|no interfaces/i;

/** What tshark said when it ended: its last complaint. */
export function complaintOf(stderr: string): Error {
  const said = [...stderr.matchAll(/^tshark: (\S.*)$/gm)].at(-1)?.[1];
  if (noRight.test(stderr)) return new CannotCapture(say.noRight(said ?? ""));
  return new Error(say.tsharkSays(said ?? ""));
}

/**
 * Starts to capture the TCP packets of a port on the loopback interface.
 *
 * @param port TCP port of the server
 * @param file where to keep the packets as pcapng
 * @throws CannotCapture where tshark or the right is missing; Error where tshark fails
 */
export async function startCapture(port: number, file?: string) {
  const onPath = await which("tshark", { nothrow: true });
  const program = onPath ?? installed.find(existsSync);
  if (!program) throw new CannotCapture(say.noTshark);
  const command = [
    ...[program, "-i", loopback, "-f", `tcp port ${port}`],
    ...["-a", `duration:${longest}`, "-l", "-n"],
    ...["-o", "tcp.relative_sequence_numbers:TRUE"],
    ...["-o", "tcp.analyze_sequence_numbers:TRUE"],
    ...["-T", "fields", "-E", "occurrence=f"],
    ...fields.flatMap((field) => ["-e", field]),
    ...(file ? ["-w", file, "-P"] : []),
  ];
  const tshark = launch(command, process.env, undefined, false, true);
  guard(tshark);
  // Older versions say that they capture, but not when they have started.
  const silent = tshark
    .saw(/Capturing on/, patience)
    .then(() => sleep(3000, undefined, { ref: false }));
  const started = tshark.saw(/Capture started/, patience);
  await Promise.race([started, silent]).catch(() => {
    if (tshark.ended) throw complaintOf(tshark.output.stderr);
    throw new Error(say.missing("tshark: Capture started", patience / 1000));
  });

  const packets: Captured[] = [];
  return {
    /** The packets so far; each row is read once. */
    packets(): Captured[] {
      const rows = tshark.lines().slice(packets.length);
      packets.push(...rows.map(parseRow));
      return packets;
    },

    /** Waits until something holds that packets decide; throws after so many seconds. */
    until: (what: string, holds: () => boolean, seconds: number) =>
      tshark.until(what, holds, seconds * 1000),

    /**
     * Ends the capture.
     *
     * @throws Error when tshark failed meanwhile: the file is full, say
     */
    async stop(): Promise<void> {
      const endedItself = tshark.ended !== undefined; // even then with code 0
      tshark.kill("SIGINT"); // and it ends dumpcap, which captures for it
      const { code, signal } = await tshark.exit();
      const failed = code !== 0 && signal !== "SIGINT";
      if (endedItself || failed) throw complaintOf(tshark.output.stderr);
    },
  };
}

/**
 * Ends tshark and its dumpcap where this process can't do it any more, after a kill -9:
 * without a reader tshark dies at the next packet, and its dumpcap goes on.
 */
function guard({ pid }: Launched): void {
  const group = process.platform === "win32" ? pid : -pid;
  const end = `try { process.kill(${group}, "SIGINT") } catch {}`;
  const code = `process.on("disconnect", () => { ${end} })`;
  const child = spawn(process.execPath, ["-e", code], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: true, // from the terminal's Ctrl+C
    windowsHide: true,
  });
  child.on("error", () => {}); // without it tshark's own limit ends it
  child.unref();
  child.channel?.unref();
}
