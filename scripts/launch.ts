/**
 * Programs that run while others do: started, followed, and ended. A program
 * that still runs when this process exits is killed.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { withDeadline } from "./waiting.ts";

/** How a process ended: by itself with a code, or by a signal. */
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
   * Opens the program's stdin and an IPC channel, for ask(). When both end, the
   * program knows that this process has exited.
   */
  messages?: boolean;
  /**
   * Puts the program, with what it starts, into a process group of its own. The
   * group gets the signals that kill() sends, and not the terminal's Ctrl+C.
   * Windows has no groups.
   */
  ownGroup?: boolean;
}

/**
 * How long a program may take to answer or to exit, unless a caller says
 * otherwise.
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
   * Everything that the program has printed, less what dropOutput() has
   * dropped.
   */
  readonly output = { stdout: "", stderr: "" };
  /** How the program ended; undefined while it runs. */
  exitStatus: ExitStatus | undefined;

  readonly #command: string[];
  readonly #leadsGroup: boolean;
  readonly #exited: Promise<ExitStatus>;
  /** Emits "change" for output, a mark, an answer, and the exit. */
  readonly #events = new EventEmitter().setMaxListeners(0);

  /** Is called by launch() only. */
  constructor(command: string[], options: LaunchOptions<any>) {
    const { env = process.env, onMark, messages, ownGroup } = options;
    const [program = "", ...args] = command;
    this.#command = command;
    this.#leadsGroup = ownGroup === true && process.platform !== "win32";
    this.child = spawn(program, args, {
      env,
      detached: this.#leadsGroup,
      windowsHide: true,
      stdio: [
        messages ? "pipe" : "ignore",
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

    // Without a pipe left for it, a child has no streams.
    if (!this.child.stdout || !this.child.stderr)
      throw new Error("too few files may be open (EMFILE): raise ulimit -n");
    this.#collect(this.child.stdout, "stdout");
    this.#collect(this.child.stderr, "stderr");
    if (onMark) this.#readMarks(this.child.stdio[3] as Readable, onMark);

    running.add(this);
    this.#exited = this.#waitForExit();
  }

  #collect(stream: Readable, name: "stdout" | "stderr"): void {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      this.output[name] += text;
      this.#events.emit("change");
    });
  }

  #readMarks(stream: Readable, onMark: (mark: unknown) => void): void {
    createInterface(stream).on("line", (line) => {
      onMark(JSON.parse(line));
      this.#events.emit("change");
    });
  }

  #waitForExit(): Promise<ExitStatus> {
    return new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        running.delete(this);
        this.exitStatus = { code: this.pid ? code : null, signal };
        this.#events.emit("change");
        resolve(this.exitStatus);
      });
    });
  }

  /** The whole lines on stdout so far. */
  lines(): string[] {
    return this.output.stdout.split(/\r?\n/).slice(0, -1);
  }

  /** Everything on stdout and stderr so far. */
  printed(): string {
    return this.output.stdout + this.output.stderr;
  }

  /** Drops all of stdout but its end: a server under load prints a lot. */
  dropOutput(): void {
    this.output.stdout = this.output.stdout.slice(-2000);
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
        if (this.exitStatus)
          throw new Error(`ended without ${what}\n${this.describe()}`);
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
  exit(ms = patienceMs): Promise<ExitStatus> {
    return withDeadline(ms, "its end", this.#exited, () => this.describe());
  }

  /**
   * Sends a signal to the program, or to the group that it leads. Does nothing
   * when the program has exited.
   */
  kill(signal: NodeJS.Signals): void {
    if (!this.#leadsGroup) {
      this.child.kill(signal);
      return;
    }
    const stillRuns = this.child.kill(0);
    if (!stillRuns) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The program has just exited, which macOS reports as an error.
    }
  }

  /**
   * Kills the program and waits until it has exited.
   *
   * @throws Error when it has not exited after 10 seconds
   */
  async stop(): Promise<void> {
    this.kill("SIGKILL");
    await this.exit();
  }

  /**
   * The command, whether it runs, and the end of its output, for an error
   * message.
   */
  describe(): string {
    const { signal, code } = this.exitStatus ?? {};
    const state = this.exitStatus ? `ended (${signal ?? code})` : "runs";
    return [
      `${this.#command.join(" ")} ${state}`,
      `stdout: ${this.output.stdout.slice(-1000)}`,
      `stderr: ${this.output.stderr.slice(-1000)}`,
    ].join("\n");
  }
}
