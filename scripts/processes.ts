/**
 * Programs as processes, by zx: starts them, follows them, ends them. What still runs
 * when this process ends is ended with it.
 */
import { spawn } from "node:child_process";
import dgram from "node:dgram";
import { EventEmitter, once } from "node:events";
import net from "node:net";
import { platform } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { $ } from "zx/core";

/** How a process ended: by itself with a code, or by a signal. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** A started process. */
export type Launched = ReturnType<typeof launch>;

/** The tsx loader by its full path, so that scripts start from any folder. */
export const tsxLoader = ["--import", import.meta.resolve("tsx")];

/** The full path of a file of this project, given from the project's folder. */
export function projectFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** Milliseconds that a process may take to say that it listens, or to end. */
export const patience = 10_000;

/** What runs now: ended at the latest together with this process. */
const running = new Set<{ kill(signal: NodeJS.Signals): unknown }>();
process.on("exit", () => {
  for (const program of running) program.kill("SIGKILL");
});

/**
 * zx's $ without a shell between us and the program: for what runs to its end by itself.
 * An exit code other than 0 is no exception; `nothrow(false)` makes it one.
 *
 * zx hands over a command as one line. Its words are encoded (quote), so that a space can
 * only stand between two of them, and are decoded again where the program is started.
 */
export const run = $({
  shell: true, // what zx asks for; startWithoutShell ignores it
  prefix: "",
  postfix: "",
  quiet: true,
  nothrow: true,
  stdio: ["ignore", "pipe", "pipe"],
  quote: encodeURIComponent,
  spawn: startWithoutShell as typeof spawn,
});

function startWithoutShell(line: string, _args: string[], options: object) {
  const [program = "", ...args] = line.split(" ").map(decodeURIComponent);
  const child = spawn(program, args, { ...options, shell: false });
  running.add(child);
  child.on("close", () => running.delete(child));
  return child;
}

export interface LaunchOptions<Mark> {
  /** This process's own unless told otherwise. */
  env?: NodeJS.ProcessEnv;
  /** Gets each line of JSON that the program writes on file descriptor 3. */
  onMark?: (mark: Mark) => void;
  /** Opens its stdin and an IPC channel, for ask(); when both end we are gone. */
  messages?: boolean;
  /**
   * Puts it, with what it starts, into a process group of its own, which gets the signals
   * that we send, and not the terminal's Ctrl+C. Windows has no groups.
   */
  ownGroup?: boolean;
}

/** Every process that launch() has started since the last stopAll(). */
const started = new Set<Launched>();

/**
 * Starts a program that goes on while others run, and follows it: its lines, the port
 * it listens on, how it ends.
 *
 * @param command the program and its arguments
 * @throws what the system says where it can't be started
 */
export function launch<Mark>(
  command: string[],
  options: LaunchOptions<Mark> = {},
) {
  const { env = process.env, onMark, messages, ownGroup } = options;
  const leadsGroup = ownGroup === true && platform() !== "win32";
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env,
    detached: leadsGroup,
    windowsHide: true,
    stdio: [
      messages ? "pipe" : "ignore",
      "pipe",
      "pipe",
      onMark ? "pipe" : "ignore",
      messages ? "ipc" : "ignore",
    ],
  });

  const output = { stdout: "", stderr: "" };
  /** Emits "change" when there is output, a mark or an answer, and at the end. */
  const events = new EventEmitter().setMaxListeners(0);
  let ended: Exit | undefined;

  child.on("error", ({ message }) => {
    if (!child.pid) output.stderr += `${program}: ${message}\n`;
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr)
    throw new Error("too few files may be open (EMFILE): raise ulimit -n");
  stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
    events.emit("change");
  });
  stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
    events.emit("change");
  });
  if (onMark)
    createInterface(child.stdio[3] as Readable).on("line", (line) => {
      onMark(JSON.parse(line));
      events.emit("change");
    });

  const exit = new Promise<Exit>((resolve) => {
    child.on("close", (code, signal) => {
      running.delete(self);
      ended = { code: child.pid ? code : null, signal };
      events.emit("change");
      resolve(ended);
    });
  });

  /** The command and the end of what it printed, for a message about it. */
  function report(): string {
    const state = ended ? `ended (${ended.signal ?? ended.code})` : "runs";
    return [
      `${command.join(" ")} ${state}`,
      `stdout: ${output.stdout.slice(-1000)}`,
      `stderr: ${output.stderr.slice(-1000)}`,
    ].join("\n");
  }

  const self = {
    /** The process as Node has it, for what isn't offered here. */
    child,

    /** The system's number of the process; 0 where it could not be started. */
    pid: child.pid ?? 0,

    /** How it ended; undefined while it runs. */
    get ended() {
      return ended;
    },

    /** Everything it has printed so far. */
    output,

    report,

    /** The whole lines on stdout so far. */
    lines(): string[] {
      return output.stdout.split(/\r?\n/).slice(0, -1);
    },

    /** Everything on stdout and stderr so far. */
    all(): string {
      return output.stdout + output.stderr;
    },

    /** Drops all of stdout but its end: a server under load prints a lot. */
    forget(): void {
      output.stdout = output.stdout.slice(-2000);
    },

    /**
     * Waits until something holds that depends on its output, a mark or an answer.
     *
     * @param what for the message where it doesn't come
     * @throws when the program ends first, or after `ms` milliseconds
     */
    async until(what: string, holds: () => boolean, ms = patience) {
      async function wait(): Promise<void> {
        while (!holds()) {
          if (ended) throw new Error(`ended without ${what}\n${report()}`);
          await once(events, "change");
        }
      }
      await within(ms, what, wait(), report);
    },

    /** Waits for text on stdout or stderr, as until(). */
    async saw(pattern: RegExp, ms = patience): Promise<RegExpMatchArray> {
      const isThere = () => pattern.test(self.all());
      await self.until(String(pattern), isThere, ms);
      return pattern.exec(self.all())!;
    },

    /**
     * Sends it a question on the channel that `messages` opened, and waits for its next message.
     *
     * @throws when it has ended, or says nothing for 10 seconds
     */
    async ask<Answer>(question: string): Promise<Answer> {
      const answers: Answer[] = [];
      child.once("message", (answer: Answer) => {
        answers.push(answer);
        events.emit("change");
      });
      child.send(question, () => {}); // until() says when it has ended
      await self.until(`an answer to ${question}`, () => answers.length > 0);
      return answers[0]!;
    },

    /** Waits for its end; throws after `ms` milliseconds. */
    exit(ms = patience): Promise<Exit> {
      return within(ms, "its end", exit, report);
    },

    /** Sends a signal to it, or to the group that it leads; harmless when it has ended. */
    kill(signal: NodeJS.Signals): void {
      if (!leadsGroup) {
        child.kill(signal);
        return;
      }
      const stillRuns = child.kill(0);
      if (!stillRuns) return;
      try {
        process.kill(-child.pid!, signal);
      } catch {
        // It has just ended, which macOS calls an error.
      }
    },

    /** Ends it at once and waits until it is gone. */
    async stop(): Promise<void> {
      self.kill("SIGKILL");
      await self.exit();
    },
  };
  running.add(self);
  started.add(self);
  return self;
}

/** A TCP port for this process only, below those that systems give to connections (Linux from 32768 on). */
export async function freePort(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const server = net.createServer().listen(port, "127.0.0.1");
  const ours = dgram.createSocket("udp4").bind(port, "127.0.0.1").unref(); // tells our other processes
  const both = [server, ours].map((it) => once(it, "listening"));
  const ends = JSON.stringify(await Promise.allSettled(both));
  await once(server.close(), "close");
  return /EADDRINUSE|EACCES/.test(ends) ? freePort() : port;
}

/** Every process that was started here since the last stopAll(). */
export const launched = () => [...started];

/** Ends every process that was started here, but `kept`, and waits until they are gone. */
export async function stopAll(kept?: Launched): Promise<void> {
  const ends = launched().filter((script) => script !== kept);
  await Promise.all(ends.map((script) => script.stop()));
  for (const script of ends) started.delete(script);
}

/**
 * Waits for so many milliseconds of this process's own time: while it is stopped, by Ctrl+Z
 * or since the laptop sleeps, none goes by, so that who was stopped with it isn't late.
 */
export async function awake(ms: number, signal?: AbortSignal): Promise<void> {
  const tick = 50;
  for (let left = ms; left > 0; left -= tick)
    await sleep(Math.min(left, tick), undefined, { signal });
}

/**
 * Notices when this process is stopped, by Ctrl+Z or since the laptop sleeps.
 *
 * @returns asks for how many seconds it was so far; undefined where it never was
 */
export function watchStops() {
  const tick = 100;
  let [seconds, last] = [0, performance.now()];
  const timer = setInterval(() => {
    const late = performance.now() - last - tick;
    if (late > 2000) seconds += late / 1000; // more than a busy machine takes
    last += late + tick;
  }, tick).unref();
  return () => (clearInterval(timer), seconds || undefined);
}

/**
 * Gives a wait an end.
 *
 * @param ms how long to wait, in milliseconds in which this process isn't stopped
 * @param what what is waited for, for the message
 * @param promise the wait
 * @param report more about it, asked for when the time is over
 * @throws Error when the time is over first
 */
export async function within<T>(
  ms: number,
  what: string,
  promise: Promise<T>,
  report = () => "",
): Promise<T> {
  const done = new AbortController();
  const late = awake(ms, done.signal).then(() => {
    throw new Error(`waited ${ms} ms for ${what}\n${report()}`.trim());
  });
  late.catch(() => {}); // nobody waits for it once the promise has won
  return Promise.race([promise, late]).finally(() => done.abort());
}
