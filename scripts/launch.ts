/**
 * Starts programs, follows their output, and stops them. A program that is
 * still running when this process exits is killed.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { activeSleep, withDeadline } from "./waiting.ts";

/** How a process exited: by itself with a code, or killed by a signal. */
export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface LaunchOptions<Mark> {
  /** The program's environment; if it is missing, this process's own. */
  env?: NodeJS.ProcessEnv;
  /**
   * Is called with each line of JSON that the program writes to file descriptor
   * 3.
   */
  onMark?: (mark: Mark) => void;
  /**
   * Opens the program's stdin and an IPC channel, for ask(). When both close,
   * the program knows that this process has exited.
   */
  messages?: boolean;
  /** Opens the program's stdin, for bytes that the caller writes. */
  input?: boolean;
  /**
   * Leaves stdout to the caller, who reads it from `child.stdout`: none of it
   * is in `output`.
   */
  rawOutput?: boolean;
  /**
   * Puts the program, with what it starts, into its own process group. The
   * group gets the signals that kill() sends, but not the terminal's Ctrl+C.
   * There are no groups on Windows.
   */
  ownGroup?: boolean;
  /**
   * The size of stdout, and of stderr, in characters. Of a longer output, only
   * the last part is kept: at least this many characters, and at most twice as
   * many. By default, everything is kept.
   */
  maxOutput?: number;
}

/**
 * Time limit for a program to answer or to exit, unless a caller passes another
 * limit.
 */
export const patienceMs = 10_000;

/** Programs that have not exited yet. */
const running = new Set<{ kill(signal: NodeJS.Signals): unknown }>();
process.on("exit", () => {
  for (const program of running) program.kill("SIGKILL");
});

/** Kills a child process when this process exits. */
export function killAtExit(child: ChildProcess): void {
  running.add(child);
  child.on("close", () => running.delete(child));
}

/** The programs that launch() has started since the last stopAll(). */
const started = new Set<Launched>();

/**
 * Starts a program and follows what it prints.
 *
 * @param command the program and its arguments
 * @throws Error when too many files are open; any other reason why the program
 *   can't be started is found in its stderr, and its exit code is null
 */
export function launch<Mark>(
  command: string[],
  options: LaunchOptions<Mark> = {},
): Launched {
  const program = new Launched(command, options);
  started.add(program);
  return program;
}

/**
 * The programs that were started since the last stopAll(), whether they still
 * run or not.
 */
export function launched(): Launched[] {
  return [...started];
}

/**
 * Kills the programs that were started here and waits until they have exited.
 *
 * @param kept programs that are left running
 * @throws Error when one has not exited after 10 seconds
 */
export async function stopAll(...kept: Launched[]): Promise<void> {
  const programs = launched().filter((program) => !kept.includes(program));
  await Promise.all(programs.map((program) => program.stop()));
  for (const program of programs) started.delete(program);
}

/** A program that launch() has started. */
export class Launched {
  /** Node's own object, for what this class doesn't offer. */
  readonly child: ChildProcess;
  /** The process ID; 0 if the program could not be started. */
  readonly pid: number;
  /**
   * Everything that the program has printed; only the last part if it is more
   * than the option maxOutput allows.
   */
  readonly output = { stdout: "", stderr: "" };
  /** How the program exited; undefined while it runs. */
  exitStatus: ExitStatus | undefined;

  readonly #command: string[];
  readonly #maxOutput: number;
  readonly #leadsGroup: boolean;
  /** Its group had no process left when the program had exited. */
  #groupIsEmpty = false;
  readonly #exited: Promise<void>;
  /** Resolves when the program has exited and its output is complete. */
  readonly #closed: Promise<void>;
  #isClosed = false;
  /** Emits "change" for output, a mark, an answer, and the exit. */
  readonly #events = new EventEmitter().setMaxListeners(0);

  /** Is called by launch() only. */
  constructor(command: string[], options: LaunchOptions<any>) {
    const { env = process.env, onMark, messages, ownGroup } = options;
    const { input, rawOutput } = options;
    const [program = "", ...args] = command;
    this.#command = command;
    this.#maxOutput = options.maxOutput ?? Infinity;
    this.#leadsGroup = ownGroup === true && process.platform !== "win32";
    this.child = spawn(program, args, {
      env,
      detached: this.#leadsGroup,
      windowsHide: true,
      stdio: [
        messages || input ? "pipe" : "ignore",
        "pipe",
        "pipe",
        onMark ? "pipe" : "ignore",
        messages ? "ipc" : "ignore",
      ],
    });
    this.pid = this.child.pid ?? 0;
    this.child.on("error", ({ message }) => {
      if (!this.pid) this.output.stderr += `${program}: ${message}\n`;
    });

    // If no pipe is left for it, a child has no streams.
    if (!this.child.stdout || !this.child.stderr)
      throw new Error("too many open files (EMFILE): raise ulimit -n");
    if (!rawOutput) this.#collect(this.child.stdout, "stdout");
    this.#collect(this.child.stderr, "stderr");
    if (onMark) this.#readMarks(this.child.stdio[3] as Readable, onMark);

    running.add(this);
    this.#exited = this.#waitForExit();
    this.#closed = this.#waitForClose();
  }

  #collect(stream: Readable, name: "stdout" | "stderr"): void {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      let output = this.output[name] + text;
      // Not for every text, because cutting a string copies it.
      if (output.length > 2 * this.#maxOutput)
        output = output.slice(-this.#maxOutput);
      this.output[name] = output;
      this.#events.emit("change");
    });
  }

  #readMarks(stream: Readable, onMark: (mark: unknown) => void): void {
    createInterface(stream).on("line", (line) => {
      onMark(JSON.parse(line));
      this.#events.emit("change");
    });
  }

  #waitForExit(): Promise<void> {
    return new Promise((resolve) => {
      this.child.on("exit", (code, signal) => {
        this.exitStatus = { code, signal };
        this.#groupIsEmpty = !this.#groupRuns();
        this.#events.emit("change");
        resolve();
      });
    });
  }

  #waitForClose(): Promise<void> {
    return new Promise((resolve) => {
      this.child.on("close", () => {
        running.delete(this);
        this.#isClosed = true;
        // A program that could not be started has not exited.
        this.exitStatus ??= { code: null, signal: null };
        this.#events.emit("change");
        resolve();
      });
    });
  }

  /** Whether the group that the program leads has a process. */
  #groupRuns(): boolean {
    return this.#leadsGroup && this.#signalGroup(0);
  }

  /**
   * Sends a signal to the group that the program leads; 0 only checks the
   * group.
   *
   * @returns false if the group is empty
   */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    // By then, the number can belong to another group.
    if (this.#groupIsEmpty || this.pid === 0) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch {
      // The group doesn't exist; or on macOS, a process of it has just exited.
      return false;
    }
  }

  /**
   * The whole lines on stdout so far. If only the last part of the output is
   * kept, the beginning of the first line can be missing.
   */
  lines(): string[] {
    return this.output.stdout.split(/\r?\n/).slice(0, -1);
  }

  /** Everything on stdout and stderr so far. */
  printed(): string {
    return this.output.stdout + this.output.stderr;
  }

  /**
   * Waits until something holds that depends on output, a mark or an answer.
   *
   * @param what what is waited for, for the message
   * @param ms the deadline, in milliseconds
   * @throws Error when the program exits first, or the deadline passes
   */
  async until(
    what: string,
    holds: () => boolean,
    ms = patienceMs,
  ): Promise<void> {
    const wait = async () => {
      while (!holds()) {
        if (this.#isClosed)
          throw new Error(`exited without ${what}\n${this.describe()}`);
        await once(this.#events, "change");
      }
    };
    await withDeadline(ms, what, wait(), () => this.describe());
  }

  /**
   * Waits until stdout or stderr has a text.
   *
   * @param ms the deadline, in milliseconds
   * @returns the match
   * @throws Error as until() does
   */
  async prints(pattern: RegExp, ms = patienceMs): Promise<RegExpMatchArray> {
    const isThere = () => pattern.test(this.printed());
    await this.until(String(pattern), isThere, ms);
    return pattern.exec(this.printed())!;
  }

  /**
   * Sends a question over the channel that `messages` opened.
   *
   * @returns the program's next message
   * @throws Error when the program has exited, or doesn't answer within 10
   *   seconds
   */
  async ask<Answer>(question: string): Promise<Answer> {
    const answers: Answer[] = [];
    this.child.once("message", (answer: Answer) => {
      answers.push(answer);
      this.#events.emit("change");
    });
    // An error here means that the program has exited, which until() reports.
    this.child.send(question, () => {});
    await this.until(`an answer to ${question}`, () => answers.length > 0);
    return answers[0]!;
  }

  /**
   * Waits until the program has exited and its output is complete.
   *
   * @param ms the deadline, in milliseconds
   * @throws Error when the deadline passes
   */
  async exit(ms = patienceMs): Promise<ExitStatus> {
    await withDeadline(ms, "its exit", this.#closed, () => this.describe());
    return this.exitStatus!;
  }

  /**
   * Waits until the program has exited. A process that it has started can still
   * be running and printing.
   *
   * @param ms the deadline, in milliseconds
   * @throws Error when the deadline passes
   */
  async ownExit(ms = patienceMs): Promise<ExitStatus> {
    // A program that could not be started is closed, and has not exited.
    const exited = Promise.race([this.#exited, this.#closed]);
    await withDeadline(ms, "its exit", exited, () => this.describe());
    return this.exitStatus!;
  }

  /**
   * Whether the program has exited, and a process that it has started still
   * runs. Such a process has a second to exit. It is found in the program's
   * group, or because it can still print what the program can.
   */
  async leavesProcess(): Promise<boolean> {
    if (!this.exitStatus) return false;
    const tickMs = 20;
    for (let leftMs = 1000; leftMs > 0; leftMs -= tickMs) {
      if (this.#isClosed && !this.#groupRuns()) return false;
      await activeSleep(tickMs);
    }
    return true;
  }

  /**
   * Sends a signal to the program, or to the group that it leads. Does nothing
   * when the program, or the whole group, has exited.
   */
  kill(signal: NodeJS.Signals): void {
    if (this.#leadsGroup) this.#signalGroup(signal);
    else this.child.kill(signal);
  }

  /**
   * Kills the program and waits until it has exited.
   *
   * @throws Error when it has not exited after 10 seconds
   */
  async stop(): Promise<void> {
    this.kill("SIGKILL");
    await this.ownExit();
    try {
      await this.exit(1000);
    } catch {
      // A process that the program has started keeps its output open, and
      // belongs to no group that can be killed.
      for (const stream of this.child.stdio) stream?.destroy();
      await this.exit();
    }
  }

  /**
   * The command, whether it runs, and the last part of its output, for an error
   * message.
   */
  describe(): string {
    const { signal, code } = this.exitStatus ?? {};
    const state = this.exitStatus ? `exited (${signal ?? code})` : "is running";
    return [
      `${this.#command.join(" ")} ${state}`,
      `stdout: ${this.output.stdout.slice(-1000)}`,
      `stderr: ${this.output.stderr.slice(-1000)}`,
    ].join("\n");
  }
}
