/**
 * npm run record: makes all recordings for `packets --show` again, from the
 * current programs; `npm run record lossy hello` makes only these two. It needs
 * tshark and the right to capture; lossy also needs Linux, root, nft and
 * unshare. Run `npm run format` afterwards.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyProject, lecturePort } from "./copyProject.ts";
import type { Recording, Side } from "./packets/recording.ts";
import {
  recordingFile,
  recordingNames,
  type RecordingName,
} from "./packets/recordings.ts";
import { tsxLoader } from "./project.ts";
import { $ } from "./zx.ts";

/** How a recording is made. */
interface Plan {
  /** The options of packets. */
  args: string[];
  /** A change of lecture1_server.ts. */
  edit?: { before: string; after: string };
  /** Drops packets, by rules of Linux's firewall. */
  isLossy?: boolean;
  /** The change, as lines of a diff. */
  changed?: string[];
}

const server = "lecture1_server.ts";

/**
 * Drop the first packet with data in each direction, after it has been
 * captured.
 */
const dropRules = [dropRule("original"), dropRule("reply")];

function dropRule(direction: "original" | "reply"): string {
  const hasData = "tcp flags & psh == psh";
  const first = "limit rate 1/day burst 1 packets";
  return `${hasData} ct direction ${direction} ${first} drop`;
}

/**
 * The server sleeps before its first recv, just before it creates its decoder.
 */
const sleepLine = "await new Promise((resolve) => setTimeout(resolve, 2000));";
const decoder = "const utf8 = new TextDecoder(";

const plans: Record<RecordingName, Plan> = {
  hello: { args: [] },
  long: { args: ["--bytes", "4000"] },
  forever: { args: ["--server", "forever"] },
  async: { args: ["--server", "async"] },
  refused: { args: ["--refused"] },
  reset: { args: ["--reset"] },
  robot: { args: ["--robot"] },
  lossy: {
    args: [],
    isLossy: true,
    changed: ["nft, input:", ...dropRules.map((rule) => `+ ${rule}`)],
  },
  sleep: {
    args: [],
    edit: { before: decoder, after: sleepLine + decoder },
    changed: [`${server}:`, `+ ${sleepLine}`],
  },
  recv4: {
    args: [],
    edit: { before: "conn.recv(1024)", after: "conn.recv(4)" },
    changed: [`${server}:`, "- conn.recv(1024)", "+ conn.recv(4)"],
  },
};

/** Runs packets by a plan, and writes the recording. */
async function record(name: RecordingName): Promise<void> {
  const plan = plans[name];
  const captured = await capture(plan);
  if (plan.isLossy) markLostPackets(captured);

  // The change is above the packets, for readers of the file.
  const { date, system, run, ...rest } = captured;
  const recording = { date, system, run, changed: plan.changed, ...rest };
  await writeFile(recordingFile(name), JSON.stringify(recording, null, 2));
  console.log(`${name}: ${recording.packets.length} packets`);
}

/** Runs packets in a copy of the project, with the plan's change. */
async function capture({ args, edit, isLossy }: Plan): Promise<Recording> {
  const copy = await copyProject(lecturePort);
  if (edit) await copy.replace(server, edit.before, edit.after);
  const packets = join(copy.folder, "scripts", "packets.ts");
  const command = [process.execPath, ...tsxLoader, packets, "--json", "-"];
  command.push(...args);
  if (isLossy) command.unshift(...lossyNetwork());

  const output = await $`${command}`.nothrow(false);
  await rm(copy.folder, { recursive: true });
  return output.json();
}

/**
 * The beginning of a command that runs in its own network namespace, so that
 * the rules affect only this run.
 */
function lossyNetwork(): string[] {
  const table = `table ip lossy {
    chain input {
      type filter hook input priority 0
      ${dropRules.join("\n")}
    }
  }`;
  const shell = `ip link set lo up && nft '${table}' && exec "$@"`;
  return ["unshare", "--net", "sh", "-c", shell, "sh"];
}

/**
 * The capture doesn't show which packets were dropped: the first ones with
 * data.
 */
function markLostPackets({ packets }: Recording): void {
  const sides: Side[] = ["client", "server"];
  for (const side of sides) {
    const lost = packets.find(({ from, length }) => from === side && length);
    if (!lost) throw new Error(`no packet of the ${side} has data`);
    lost.lost = true;
  }
}

const wanted = process.argv.slice(2);
for (const name of recordingNames)
  if (wanted.length === 0 || wanted.includes(name)) await record(name);
