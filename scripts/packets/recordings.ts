/**
 * The recordings of runs that packets can show without a capture: --show NAME.
 */
import { readFile } from "node:fs/promises";
import { projectFile } from "../project.ts";
import type { RunRecording } from "./recording.ts";

/** The names of all recordings, in the order of --help. */
export const recordingNames = [
  "hello",
  "long",
  "forever",
  "async",
  "refused",
  "reset",
  "robot",
  "lossy",
  "sleep",
  "recv4",
] as const;

export type RecordingName = (typeof recordingNames)[number];

/** The full path of a recording's file. */
export function recordingFile(name: string): string {
  return projectFile(`scripts/packets/recordings/${name}.json`);
}

/** Reads a recording from its file. */
export async function readRecording(
  name: RecordingName,
): Promise<RunRecording> {
  const text = await readFile(recordingFile(name), "utf8");
  return JSON.parse(text);
}
