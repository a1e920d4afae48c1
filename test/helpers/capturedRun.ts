/**
 * Runs of packets that capture with tshark. A run needs more than a second of
 * CPU time, so each is made once, before the tests, and several tests look at
 * it.
 */
import type { Recording } from "../../scripts/packets/recording.ts";
import { pictureOf, type Row } from "../../scripts/packets/rows.ts";
import { stopAll } from "../../scripts/launch.ts";
import { english, runPackets, threeAtATime } from "./packetsTool.ts";
import { copyOnFreePort } from "./programs.ts";

/** A learner's change of a program. */
export interface ProgramEdit {
  /** The program's file: "lecture1_client.ts". */
  file: string;
  /** A text that the program has once. */
  before: string;
  after: string;
}

/** How packets is run. */
export interface RunPlan {
  args?: string[];
  /** Changes of the programs, made in a copy of the project. */
  edits?: ProgramEdit[];
  /** Variables that are added to this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** The exit code that packets should have: 0 unless given. */
  exitCode?: number;
  /** The beginning of a command that runs packets as its last arguments. */
  runWith?: string[];
}

/** A run of packets, made by captureRuns(). */
export class CapturedRun {
  readonly #plan: RunPlan;
  #output = { stdout: "", stderr: "" };
  #error: unknown = new Error("the run has not been made");

  constructor(plan: RunPlan) {
    this.#plan = plan;
  }

  /** Runs packets. An error is kept for the tests that look at this run. */
  async make(): Promise<void> {
    try {
      this.#output = await this.#runPackets();
      while (this.#robotWasEarly()) this.#output = await this.#runPackets();
      this.#error = undefined;
    } catch (error) {
      this.#error = error;
    }
  }

  /**
   * Whether a robot has closed before its echo arrived, as happens on a busy
   * machine. Such a run shows something else.
   */
  #robotWasEarly(): boolean {
    if (!this.#plan.args?.includes("--robot")) return false;
    const { packets }: Recording = JSON.parse(this.#output.stdout);
    return !packets.some(
      ({ from, length, timeMs }) =>
        from === "server" && length > 0 && timeMs < 290,
    );
  }

  async #runPackets(): Promise<{ stdout: string; stderr: string }> {
    const { args = [], edits = [], env, exitCode, runWith } = this.#plan;
    let folder: string | undefined;
    if (edits.length > 0) {
      const copy = await copyOnFreePort();
      for (const { file, before, after } of edits)
        await copy.replace(file, before, after);
      folder = copy.folder;
    }
    return runPackets(args, { exitCode, folder, env, runWith });
  }

  /**
   * The output of packets.
   *
   * @throws the error with which the run failed
   */
  get output(): { stdout: string; stderr: string } {
    if (this.#error) throw this.#error;
    return this.#output;
  }

  /** The recording, by `--json -`. */
  get recording(): Recording {
    return JSON.parse(this.output.stdout);
  }

  /** The rows of the picture, in English. */
  get rows(): Row[] {
    return pictureOf(this.recording, english).rows;
  }
}

/** Makes runs, three at a time. */
export async function captureRuns(runs: CapturedRun[]): Promise<void> {
  await threeAtATime(runs, (run) => run.make());
  await stopAll();
}

/**
 * The environment in which each Node process runs JavaScript before its
 * program.
 *
 * @param code it decides by process.argv in which program it does something
 */
export function preloaded(code: string): NodeJS.ProcessEnv {
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return { NODE_OPTIONS: `--import=${url}` };
}
