/**
 * A server that compare has started: its port, its footprint, and how it exits.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Design } from "../designs.ts";
import { commandWithPreload } from "../erased.ts";
import {
  launch,
  patienceMs as usualPatienceMs,
  type ExitStatus,
  type Launched,
} from "../launch.ts";
import { isOfClient, ServerFailure } from "./failure.ts";
import type { Footprint } from "./footprint.ts";
import { env, maxOutput, pythonCommand, type Program } from "./programs.ts";
import type { Found } from "./result.ts";
import type { Trouble } from "./texts.ts";
import { shortened } from "../visible.ts";

/** A server that listens, as the steps see it. */
export interface Server extends Program {
  port: number;
  /** The time limit for the server to listen, to answer, or to exit. */
  patienceMs: number;
  /**
   * The memory, threads and CPU time that the server uses now, as far as known.
   */
  footprint(): Promise<Footprint>;
  /** Presses Ctrl+C, and waits until the server prints something. */
  pressCtrlC(): Promise<void>;
  /** Waits until the server has exited. */
  exit(): Promise<ExitStatus>;
}

/**
 * Starts a server, does something with it, and stops it in any case.
 *
 * @param patienceMs the time limit for the server to listen, to answer, or to
 *   exit
 * @returns what the task returns
 * @throws ServerFailure for any error of the server or the task
 * @throws Error if the program can't be compiled
 */
export async function withServer(
  program: Program,
  task: (server: Server) => Promise<Found>,
  patienceMs = usualPatienceMs,
): Promise<Found> {
  const server = await ServerProcess.start(program, patienceMs);
  try {
    await server.untilListening();
    const found = await task(server);
    const crash = await server.crash(server.exitsByItself ? 1000 : 0);
    const failure = crash ?? (await server.leftProcess());
    if (!failure) return found;
    failure.found = found;
    throw failure;
  } catch (error) {
    const failure = ServerFailure.from(error);
    // The server's own exit explains more than the errors of its clients.
    const report = (await server.crash(300)) ?? failure;
    report.found = failure.found;
    if (!isOfClient(report.trouble)) report.lastLines = server.lastLines();
    throw report;
  } finally {
    await server.stop();
  }
}

class ServerProcess implements Server {
  readonly design: Design;
  readonly language: Program["language"];
  readonly file: string;
  readonly client: string | undefined;
  readonly patienceMs: number;
  /** 0 until the server listens. */
  port = 0;

  readonly #process: Launched;
  /** The server may exit, since Ctrl+C was pressed. */
  #wasInterrupted = false;

  /**
   * Starts a server, which doesn't listen yet.
   *
   * @throws Error if the program can't be compiled
   */
  static async start(
    program: Program,
    patienceMs: number,
  ): Promise<ServerProcess> {
    const { language, file } = program;
    const command =
      language === "Python"
        ? [...pythonCommand(file, 0), "--until-input-ends"]
        : await commandWithPreload({
            preload: "compare/footprint.ts",
            file,
            port: 0,
          });
    const process = launch(command, {
      env,
      messages: true,
      ownGroup: true,
      maxOutput,
    });
    return new ServerProcess(program, process, patienceMs);
  }

  constructor(program: Program, process: Launched, patienceMs: number) {
    this.design = program.design;
    this.language = program.language;
    this.file = program.file;
    this.client = program.client;
    this.patienceMs = patienceMs;
    this.#process = process;
  }

  /** lecture1_server has one client, and exits when that client has left. */
  get exitsByItself(): boolean {
    return this.design === "server";
  }

  /** @throws ServerFailure if the server doesn't print that it listens */
  async untilListening(): Promise<void> {
    const line = /^Server listening on .*?(?<port>\d{1,5})\)?\r?$/m;
    const listens = this.#process.prints(line, this.patienceMs);
    const { groups } = await this.#inTime(listens, "silent");
    this.port = Number(groups!.port);
  }

  /** @throws ServerFailure if the server doesn't answer */
  footprint(): Promise<Footprint> {
    const footprint =
      this.language === "Python"
        ? readFootprint(this.#process.pid)
        : this.#process.ask<Footprint>("footprint");
    return this.#inTime(footprint, "hangs");
  }

  async pressCtrlC(): Promise<void> {
    this.#wasInterrupted = true;
    const before = this.#process.printed();
    this.#process.kill("SIGINT");
    const hasPrinted = () => this.#process.printed() !== before;
    try {
      await this.#process.until("something printed", hasPrinted);
    } catch {
      // A server that prints nothing may still exit.
    }
  }

  /** @throws ServerFailure if the server doesn't exit */
  exit(): Promise<ExitStatus> {
    return this.#inTime(this.#process.ownExit(this.patienceMs), "goesOn");
  }

  /** @throws ServerFailure with this trouble instead of any error of a wait */
  async #inTime<T>(wait: Promise<T>, trouble: Trouble): Promise<T> {
    try {
      return await wait;
    } catch {
      throw new ServerFailure(trouble, `${this.patienceMs / 1000} s`);
    }
  }

  /**
   * Waits for an exit that should not have happened.
   *
   * @param ms how long to wait, in milliseconds
   * @returns undefined if the server runs, or was allowed to exit like that
   */
  async crash(ms: number): Promise<ServerFailure | undefined> {
    try {
      await this.#process.exit(ms);
    } catch {
      // The server still runs, or a process that it has started does.
    }
    const { exitStatus } = this.#process;
    if (!exitStatus || this.#wasInterrupted) return undefined;

    const { code, signal } = exitStatus;
    const hasListened = this.port !== 0;
    if (this.exitsByItself && hasListened && code === 0) return undefined;
    if (signal) return new ServerFailure("died", signal);
    return new ServerFailure("ended", String(code));
  }

  /**
   * The failure of a server that has exited and has left a process.
   *
   * @returns undefined if the server runs, or has left none
   */
  async leftProcess(): Promise<ServerFailure | undefined> {
    const leavesProcess = await this.#process.leavesProcess();
    return leavesProcess ? new ServerFailure("leaves", "") : undefined;
  }

  /**
   * The last lines of the server's stderr; of its stdout if there is no error.
   */
  lastLines(): string[] {
    const { stdout, stderr } = this.#process.output;
    return lastLinesOf(stderr.trim() ? stderr : stdout);
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

/**
 * The last lines of an output. Of an error's stack they have the first line of
 * a file.
 */
function lastLinesOf(output: string): string[] {
  const noise = /^\^+$|^Node\.js v|node:internal|node_modules|^$/;
  const isOfStack = (line: string) => line.startsWith("at ");
  const lines: string[] = [];
  let previous = "";
  for (const whole of output.split(/\r?\n/)) {
    const line = shortened(whole.trim(), 200);
    if (noise.test(line)) continue;
    const isFurtherDown = isOfStack(line) && isOfStack(previous);
    if (!isFurtherDown) lines.push(line);
    previous = line;
  }
  return lines.slice(-4);
}

/**
 * The resources of a process, from Linux's /proc; none on other systems.
 *
 * @throws Error if the process has exited
 */
async function readFootprint(pid: number): Promise<Footprint> {
  if (!existsSync("/proc/self/status")) return {};
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, "utf8"),
    readFile(`/proc/${pid}/stat`, "utf8"),
  ]);
  return footprintFromProc(status, stat);
}

/**
 * Reads the resources of a process from two files of Linux's /proc/PID.
 *
 * @param status the contents of /proc/PID/status
 * @param stat the contents of /proc/PID/stat
 */
export function footprintFromProc(status: string, stat: string): Footprint {
  function number(name: string): number {
    const match = new RegExp(`^${name}:\\s+(?<value>\\d+)`, "m").exec(status);
    return Number(match!.groups!.value);
  }
  // The second field is the program's name in parentheses, which can have
  // spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const userTicks = Number(fields[11]);
  const systemTicks = Number(fields[12]);
  const ticksPerSecond = 100;
  return {
    memoryMB: number("VmRSS") / 1024,
    threads: number("Threads"),
    cpuSeconds: (userTicks + systemTicks) / ticksPerSecond,
  };
}
