/** Captures packets with tshark, Wireshark's command line. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { which } from "zx/core";
import { launch } from "../launch.ts";
import type { Packet, Side } from "./recording.ts";
import { say } from "./texts.ts";

/** The loopback's name; and where Wireshark's installers put tshark, which is not on the PATH. */
const systems: Partial<Record<NodeJS.Platform, [string, string]>> = {
  darwin: ["lo0", "/Applications/Wireshark.app/Contents/MacOS/tshark"],
  win32: ["\\Device\\NPF_Loopback", "C:\\Program Files\\Wireshark\\tshark.exe"],
};
const [loopback, installed] = systems[process.platform] ?? ["lo", ""];

const fields = [
  ...["frame.time_epoch", "tcp.stream", "ip.src", "tcp.srcport"],
  ...["ip.dst", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack"],
  ...["tcp.analysis.retransmission", "tcp.analysis.window_update"],
  "tcp.payload",
];

/** Lowest bit first (RFC 9293, 3.1). */
const flagNames = "FIN SYN RST PSH ACK URG ECE CWR".split(" ");

/** A packet with its time since 1970, and the addresses of both sides. */
export type Captured = Packet & { ends: Record<Side, string> };

/**
 * Reads a row of fields, separated by tabs.
 *
 * @param port the server's
 */
export function parseRow(row: string, port: number): Captured {
  const [time, stream, source, sourcePort, target, targetPort, ...more] =
    row.split("\t");
  const [bits, seq, ack, again, update, payload = ""] = more;
  const flags = flagNames.filter((_, bit) => Number(bits) & (1 << bit));
  const bytes = Buffer.from(payload.replaceAll(":", ""), "hex");
  const fromServer = Number(sourcePort) === port;
  const ends = [`${source}:${sourcePort}`, `${target}:${targetPort}`];
  const [client = "", server = ""] = fromServer ? ends.reverse() : ends;
  return {
    timeMs: Number(time) * 1000,
    connection: Number(stream) + 1,
    from: fromServer ? "server" : "client",
    flags,
    seq: Number(seq),
    ...(flags.includes("ACK") && { ack: Number(ack) }),
    length: bytes.length,
    ...(bytes.length > 0 && { text: bytes.toString() }),
    ...(again && { retransmission: true }),
    ...(update && { windowUpdate: true }),
    ends: { client, server },
  };
}

/** Nothing can be captured here, and a recording is shown instead: the message says why. */
export class CannotCapture extends Error {}

/** What tshark says where the user lacks the right to capture, or Windows lacks Npcap. */
const noRight =
  /permission to capture|session could not be initiated|(dumpcap|bpf|socket)\b.*(permission denied|not permitted)|npcap|winpcap|no interfaces/i;

/** What tshark said when it ended: its last complaint. */
export function complaintOf(stderr: string): Error {
  const said = stderr.match(/(?<=^tshark: )\S.*$/gm)?.at(-1) ?? "";
  if (noRight.test(stderr)) return new CannotCapture(`${say.noRight}: ${said}`);
  return new Error(`${say.tsharkSays}: ${said}`);
}

/**
 * Starts to capture the TCP packets of a port on the loopback interface.
 *
 * @param file where to keep them as pcapng
 * @throws CannotCapture where tshark or the right is missing; Error where tshark fails
 */
export async function startCapture(port: number, file?: string) {
  const onPath = await which("tshark", { nothrow: true });
  const program = onPath ?? (existsSync(installed) && installed);
  if (!program) throw new CannotCapture(say.noTshark);
  const command = [
    ...[program, "-i", loopback],
    ...["-f", `tcp port ${port}`, "-a", "duration:120", "-l", "-n"],
    ...["-o", "tcp.relative_sequence_numbers:TRUE"],
    ...["-o", "tcp.analyze_sequence_numbers:TRUE"],
    ...["-T", "fields", "-E", "occurrence=f"],
    ...fields.flatMap((field) => ["-e", field]),
    ...(file ? ["-w", file, "-P"] : []),
  ];
  const tshark = launch(command, { ownGroup: true });
  const guarding = guard(tshark.pid);
  // Older versions say that they capture, but not when they have started.
  const silent = tshark
    .prints(/Capturing on/, 20_000)
    .then(() => sleep(3000, undefined, { ref: false }));
  const started = tshark.prints(/Capture started/, 20_000);
  await Promise.race([started, silent]).catch(() => {
    if (tshark.exitStatus) throw complaintOf(tshark.output.stderr);
    throw new Error(say.missing("tshark: Capture started", 20));
  });

  return {
    /** The packets so far. */
    packets: () => tshark.lines().map((row) => parseRow(row, port)),

    /** Waits until something holds that packets decide. */
    until: (what: string, holds: () => boolean, ms: number) =>
      tshark.until(what, holds, ms),

    /** Ends the capture; throws Error when tshark failed meanwhile: the file is full, say. */
    async stop(): Promise<void> {
      const endedItself = tshark.exitStatus !== undefined; // even then with code 0
      tshark.kill("SIGINT"); // and dumpcap, which captures for it
      const { code, signal } = await tshark.exit();
      await guarding.stop();
      const failed = code !== 0 && signal !== "SIGINT";
      if (endedItself || failed) throw complaintOf(tshark.output.stderr);
    },
  };
}

/**
 * Ends tshark and its dumpcap where this process can't do it any more, after a kill -9. It
 * asks until they have ended: a tshark that just starts may not yet listen. After 3 s it kills.
 */
function guard(pid: number) {
  const group = process.platform === "win32" ? pid : -pid;
  const ask = `try { process.kill(${group}, "SIGINT") } catch { process.exit() }`;
  const code = `process.on("disconnect", () => {
    setInterval(() => { ${ask} }, 100);
    setTimeout(() => process.kill(${group}, "SIGKILL"), 3000); });`;
  const command = [process.execPath, "-e", code];
  return launch(command, { messages: true, ownGroup: true });
}
