/** packets --watch in a test: started, followed, and ended by Ctrl+C. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../../scripts/copyProject.ts";
import { freePort } from "../../scripts/freePort.ts";
import type { Recording } from "../../scripts/packets/recording.ts";
import { pictureOf, type Row } from "../../scripts/packets/rows.ts";
import { expectNoneLeft, type Marked } from "./harness.ts";
import { english, startPackets, type PacketsOptions } from "./packetsTool.ts";

/** Time limit for tshark to start, and for packets to be drawn. */
const patienceMs = 20_000;

/** A watch that is running. */
export class Watching {
  readonly port: number;
  readonly process: Marked;
  readonly #jsonFile: string;

  /** Is called by startWatching() only. */
  constructor(port: number, process: Marked, jsonFile: string) {
    this.port = port;
    this.process = process;
    this.#jsonFile = jsonFile;
  }

  /** What is on the screen, without colors. */
  get screen(): string {
    return stripVTControlCharacters(this.process.output.stdout);
  }

  /** Waits until a text is on the screen. */
  async shows(pattern: RegExp): Promise<void> {
    const isThere = () => pattern.test(this.screen);
    await this.process.until(String(pattern), isThere, patienceMs);
  }

  /**
   * Presses Ctrl+C, and asserts that nothing is left running.
   *
   * @param exitCode the expected exit code
   */
  async end(exitCode = 0): Promise<void> {
    this.process.kill("SIGINT");
    await this.exits(exitCode);
  }

  /** Waits for the exit, and asserts that nothing is left running. */
  async exits(exitCode: number): Promise<void> {
    const { code } = await this.process.exit(patienceMs);
    assert.is(code, exitCode, this.process.describe());
    await expectNoneLeft(this.process);
  }

  /** After end(): what --json has written. */
  async recording(): Promise<Recording> {
    return JSON.parse(await readFile(this.#jsonFile, "utf8"));
  }

  /** After end(): the rows of the recording, in English. */
  async rows(): Promise<Row[]> {
    return pictureOf(await this.recording(), english).rows;
  }
}

/**
 * Starts packets --watch with --json, and waits until it listens.
 *
 * @param args further arguments
 */
export async function startWatching(
  args: string[] = [],
  options: PacketsOptions & { port?: number } = {},
): Promise<Watching> {
  const port = options.port ?? (await freePort());
  const jsonFile = join(await temporaryFolder(), "watch.json");
  const ours = ["--watch", "--port", String(port), "--json", jsonFile];
  const packets = startPackets([...ours, ...args], options);
  const watching = new Watching(port, packets, jsonFile);
  await watching.shows(/^ +ms │/m);
  return watching;
}
