/**
 * The recordings that come with the project, for those who can't capture: in
 * recordings/ each is a capture, and beside it the rows that tshark makes of it, the
 * lines that the scripts printed, and of which scripts. test/record.ts makes them.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { transform } from "esbuild";
import { scriptNames } from "../designs.ts";
import { projectFile } from "../processes.ts";
import { parsePacket } from "./packet.ts";
import { explain, type Line, type Recording, type Run } from "./recording.ts";

/** Those of the scripts as they are first, those of the lecture's experiments last. */
export const shippedNames = [
  ...["hello", "long", "forever", "async", "refused", "reset", "lossy"],
  ...["sleep", "recv4", "noFin"],
];

/** A file of recordings/. */
export interface Shipped {
  system?: string;
  tshark: string;
  run?: Run;
  /** The fingerprint of each script that ran. */
  scripts: Record<string, string>;
  lines: Line[];
  rows: string[];
}

/** What keeps a recording from being of the run that was asked for. */
export type Difference = "server" | "message" | { edited: string };

export function captureOf(name: string): string {
  return projectFile(`scripts/packets/recordings/${name}.pcapng`);
}

/** A file of recordings/, as it is. */
export async function shipped(name: string): Promise<Shipped> {
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  return JSON.parse(await readFile(file, "utf8"));
}

/** A shipped recording as the ladder shows it. */
export function recordingOf({ rows, scripts, ...rest }: Shipped): Recording {
  return { ...rest, ...explain(rows.map(parsePacket)) };
}

/** The packets of a shipped capture, found by its content; undefined for any other file. */
export async function decoded(file: string): Promise<Recording | undefined> {
  const content = await readFile(file);
  for (const name of shippedNames)
    if (content.equals(await readFile(captureOf(name)))) {
      const { tshark, rows } = await shipped(name);
      return recordingOf({ tshark, rows, scripts: {}, lines: [] });
    }
  return undefined;
}

/** The recording that is nearest to a run of the scripts as they are now, and how it differs. */
export async function nearest(run: Run) {
  const all = await Promise.all(shippedNames.map(shipped));
  const compared = all.flatMap((one) =>
    one.run?.meets === run.meets ? [compare(run, one.run, one)] : [],
  );
  const [best] = (await Promise.all(compared)).sort((a, b) => a.far - b.far);
  return best!;
}

async function compare(asked: Run, run: Run, one: Shipped) {
  const differs: Difference[] = [];
  if (run.server !== asked.server) differs.push("server");
  for (const [script, fingerprint] of Object.entries(one.scripts))
    if ((await fingerprintOf(projectFile(script))) !== fingerprint)
      differs.push({ edited: script });
  const isSent = run.meets !== "nobody";
  if (isSent && run.message !== asked.message) differs.push("message");
  // Another server is further away than other code, and that than another message,
  // of which the nearest is the one that takes as many calls of recv(1024).
  const calls = ({ message }: Run) =>
    Math.ceil(Buffer.byteLength(message) / 1024);
  const weights = { server: 8, edited: 4, message: 2 };
  const far = differs
    .map((each) => weights[typeof each === "object" ? "edited" : each])
    .reduce((sum, weight) => sum + weight, Number(calls(run) !== calls(asked)));
  return { recording: recordingOf(one), differs, far };
}

/** The scripts that a run takes. */
export function scriptsOf({ server, meets }: Run): string[] {
  const client = "lecture1_client.ts";
  return meets === "nobody" ? [client] : [`${scriptNames[server]}.ts`, client];
}

/** A hash of what a script does: its comments, types and spaces don't count. */
export async function fingerprintOf(file: string): Promise<string> {
  const text = await readFile(file, "utf8");
  const { code } = await transform(text, {
    loader: "ts",
    minifyWhitespace: true,
    legalComments: "none",
  }).catch(() => ({ code: text })); // a learner's edit that is no program
  return createHash("sha256").update(code).digest("hex").slice(0, 16);
}
