/** Captures packets with tshark, Wireshark's command line, and reads saved captures. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { which } from "zx/core";
import { launch, type Launched } from "../processes.ts";
import { fields, parsePacket, type Packet } from "./packet.ts";
import { say } from "./texts.ts";

/** Seconds after which tshark ends by itself, whatever becomes of who started it. */
const longest = 120;

/** Milliseconds until tshark should have started: it is slow the first time. */
const patience = 20_000;

/** Each packet as a row of fields, with relative numbers, whatever the user's preferences. */
const asRows = [
  "-n",
  ...["-o", "tcp.relative_sequence_numbers:TRUE"],
  ...["-o", "tcp.analyze_sequence_numbers:TRUE"],
  ...["-T", "fields", "-E", "occurrence=f"],
  ...fields.flatMap((field) => ["-e", field]),
];

/** Where Wireshark's installers for macOS and Windows put tshark: not on the PATH. */
const installed = [
  "/Applications/Wireshark.app/Contents/MacOS/tshark",
  "C:\\Program Files\\Wireshark\\tshark.exe",
];

/** The name that tshark knows the loopback interface by. */
export const loopback =
  { darwin: "lo0", win32: "\\Device\\NPF_Loopback" }[
    process.platform as string
  ] ?? "lo";

/** Why there is no capture: tshark is missing, may not capture, or says something else. */
export type Refusal = Error & { reason: "missing" | "no right" | "other" };

function refusal(reason: Refusal["reason"], message: string): Refusal {
  return Object.assign(new Error(message), { reason });
}

/** True for the errors that startCapture and readCapture throw. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && "reason" in error;
}

/** @throws Refusal when tshark is not installed */
export async function findTshark(): Promise<string> {
  const onPath = await which("tshark", { nothrow: true });
  const found = onPath ?? installed.find(existsSync);
  if (found) return found;
  throw refusal("missing", say.noTshark);
}

/** Its version, "4.0.17". dumpcap, which captures for it, says it at once, but not to everybody. */
export async function tsharkVersion(): Promise<string> {
  const tshark = await findTshark();
  for (const program of [join(dirname(tshark), "dumpcap"), tshark]) {
    const script = launch([program, "--version"]);
    await script.exit(patience).catch(() => script.stop());
    const version = /\d+\.\d+\.\d+/.exec(script.output.stdout)?.[0];
    if (version) return version;
  }
  return "unknown";
}

/**
 * Starts to capture the TCP packets of a port on the loopback interface.
 *
 * @param port TCP port of the server
 * @param file where to keep the packets as pcapng
 * @throws Refusal when tshark is missing, may not capture, or fails
 */
export async function startCapture(port: number, file?: string) {
  const keep = file ? ["-w", file, "-P"] : [];
  const tshark = launch([
    await findTshark(),
    ...["-i", loopback, "-f", `tcp port ${port}`, "-l"],
    ...["-a", `duration:${longest}`],
    ...asRows,
    ...keep,
  ]);
  // Older versions don't say when they have started.
  const silent = tshark
    .saw(/Capturing on/, patience)
    .then(() => sleep(3000, undefined, { ref: false }));
  const started = tshark.saw(/Capture started/, patience);
  await Promise.race([started, silent]).catch(() => {
    if (tshark.ended) throw refusalOf(tshark);
    throw refusal("other", say.noStart(patience / 1000));
  });

  const packets = () => tshark.lines().map(parsePacket);
  return {
    /** The packets that have been seen so far. */
    packets,

    /** Waits until enough packets are there; throws after so many seconds. */
    until(
      what: string,
      enough: (packets: Packet[]) => boolean,
      seconds: number,
    ) {
      return tshark.until(what, () => enough(packets()), seconds * 1000);
    },

    /**
     * Ends the capture; no process is left.
     *
     * @throws Refusal when tshark failed meanwhile: the file is full, say
     */
    async stop(): Promise<void> {
      const endedItself = tshark.ended !== undefined; // even then with code 0
      tshark.kill("SIGINT"); // and tshark ends dumpcap, which captures for it
      const { code, signal } = await tshark.exit();
      const failed = code !== 0 && signal !== "SIGINT";
      if (endedItself || failed) throw refusalOf(tshark);
    },
  };
}

/**
 * Reads a saved capture.
 *
 * @returns its TCP packets, the rows they were read from, and what tshark complains
 *   of where it read a part only
 * @throws Refusal when tshark is missing or can't read the file
 */
export async function readCapture(file: string) {
  // An ICMP error quotes a TCP packet, but is none.
  const filter = "tcp && !icmp && !icmpv6";
  const tshark = launch([
    ...[await findTshark(), "-r", file, "-Y", filter],
    ...asRows,
  ]);
  const { code } = await tshark.exit(longest * 1000);
  const rows = tshark.lines();
  const packets = rows.map(parsePacket);
  const { message } = refusalOf(tshark);
  if (code === 0) return { rows, packets, problems: [] };
  if (packets.length) return { rows, packets, problems: [message] };
  throw refusal("other", message);
}

/** What tshark said when it ended: its last complaint, without its own name. */
function refusalOf({ output: { stderr } }: Launched): Refusal {
  const complaints = [...stderr.matchAll(/^tshark: (\S.*)$/gm)];
  const said = complaints.at(-1)?.[1];
  const noRight =
    /permission to capture|dumpcap.*permission denied|npcap|no interfaces/i;
  const reason = noRight.test(said ?? "") ? "no right" : "other";
  return refusal(reason, say.tsharkSays(said));
}
