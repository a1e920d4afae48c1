/**
 * Programs as processes, by zx: starts them, follows them, ends them. What still runs
 * when this process ends is ended with it.
 */
import { spawn, type ChildProcess } from "node:child_process";
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

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** zx hands over a command as one line; its words are encoded, so that spaces divide them. */
function spawnWords(line: string, _args: string[], options: any) {
  const [program = "", ...args] = line.split(" ").map(decodeURIComponent);
  const child = spawn(program, args, { ...options, shell: false });
  // Who leads a group goes with it: a tshark killed by itself would leave its dumpcap.
  const alone = child.kill.bind(child);
  if (options.detached)
    child.kill = (signal) => {
      try {
        return alone(0) && process.kill(-child.pid!, signal);
      } catch {
        return false; // it has just ended, which macOS calls an error
      }
    };
  running.add(child);
  return child.on("close", () => running.delete(child));
}

/**
 * zx's $ without a shell: the process is the program itself, so its number, memory and
 * signals are its own, on Windows, too. An exit code other than 0 is no exception.
 */
export const run = $({
  ...{ shell: true, prefix: "", postfix: "", quiet: true, nothrow: true },
  stdio: ["ignore", "pipe", "pipe"],
  quote: encodeURIComponent,
  spawn: spawnWords as typeof spawn,
});

/** In the place of zx's own memory of an output: launch() keeps it, and can forget it. */
const nothing = Object.assign([], { push: () => 0 });
const store = { stdout: nothing, stderr: nothing, stdall: nothing };

const started = new Set<Launched>();

/**
 * Starts a program that goes on while others run, and follows it: its lines, the port
 * it listens on, how it ends.
 *
 * @param command the program and its arguments
 * @param env its environment, this process's own unless told otherwise
 * @param onMark told of each line of JSON that it writes on file descriptor 3
 * @param messages opens a channel on which the program can be asked, and its stdin: by
 *   their end it learns that this process is gone
 * @param ownGroup puts it, with what it starts, into a process group of its own, which
 *   gets its signals, and not Ctrl+C in the terminal; Windows has none
 */
export function launch<Mark>(
  command: string[],
  env = process.env,
  onMark?: (mark: Mark) => void,
  messages = false,
  ownGroup = false,
) {
  const output = { stdout: "", stderr: "" };
  const events = new EventEmitter().setMaxListeners(0);
  const stdio = [messages ? "pipe" : "ignore", "pipe", "pipe"];
  stdio.push(onMark ? "pipe" : "ignore", messages ? "ipc" : "ignore");
  const detached = ownGroup && platform() !== "win32";
  const process = run({ stdio, env, store, detached } as object)`${command}`;
  const { child } = process;
  const full = new Error("too few files may be open (EMFILE): raise ulimit -n");
  if (!child?.stdout) throw process.output?.cause ?? full;
  child.on("error", ({ message }) => {
    if (!child.pid) output.stderr += `${command[0]}: ${message}\n`;
  });
  for (const name of ["stdout", "stderr"] as const)
    child[name]!.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      events.emit("output");
    });

  if (onMark)
    createInterface(child.stdio[3] as Readable).on("line", (line) => {
      onMark(JSON.parse(line));
      events.emit("output");
    });

  const exit: Promise<Exit> = process.then(({ exitCode, signal }) => {
    script.ended = { code: script.pid ? exitCode : null, signal };
    events.emit("output");
    return script.ended;
  });

  const script = {
    /** The process as Node has it, for what isn't offered here. */
    child,
    /** The system's number of the process. */
    pid: child.pid ?? 0,
    /** How it ended; undefined while it runs. */
    ended: undefined as Exit | undefined,
    /** Everything it has printed so far. */
    output,

    /** The whole lines on stdout so far. */
    lines: () => output.stdout.split(/\r?\n/).slice(0, -1),

    /**
     * Waits until something holds that its output decides, or a mark.
     *
     * @throws when it ends first, or after `ms` milliseconds
     */
    async until(what: string, holds: () => boolean, ms = patience) {
      const wait = async () => {
        while (!holds()) {
          if (script.ended)
            throw new Error(`ended without ${what}\n${script.report()}`);
          await once(events, "output");
        }
      };
      await within(ms, what, wait(), script.report);
    },

    /** Waits for text on stdout or stderr, as until(). */
    async saw(pattern: RegExp, ms = patience): Promise<RegExpMatchArray> {
      await script.until(String(pattern), () => pattern.test(script.all()), ms);
      return pattern.exec(script.all())!;
    },

    /** Everything on stdout and stderr so far. */
    all: () => output.stdout + output.stderr,

    /** Drops what it has printed on stdout, but for the end: a server under load prints a lot. */
    forget(): void {
      output.stdout = output.stdout.slice(-2000);
    },

    /**
     * Asks it for its next message, on the channel that `messages` opened.
     *
     * @throws when it has ended, or says nothing for 10 seconds
     */
    async ask<Answer>(question: string): Promise<Answer> {
      const answers: Answer[] = [];
      child.once("message", (answer: Answer) => {
        answers.push(answer);
        events.emit("output");
      });
      child.send(question, () => {}); // until() says when it has ended
      await script.until(`an answer to ${question}`, () => answers.length > 0);
      return answers[0]!;
    },

    /** Waits for its end; throws after `ms` milliseconds. */
    exit(ms = patience): Promise<Exit> {
      return within(ms, "its end", exit, script.report);
    },

    /** Sends a signal; harmless when the process has ended. */
    kill: (signal: NodeJS.Signals) => child.kill(signal),

    /** Ends it at once and waits until it is gone. */
    async stop(): Promise<void> {
      script.kill("SIGKILL");
      await script.exit();
    },

    /** The command and the end of what it printed, for a message about it. */
    report(): string {
      const { code, signal } = script.ended ?? {};
      const state = script.ended ? `ended (${signal ?? code})` : "runs";
      return `${command.join(" ")} ${state}\nstdout: ${output.stdout.slice(-1000)}\nstderr: ${output.stderr.slice(-1000)}`;
    },
  };
  started.add(script);
  return script;
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
