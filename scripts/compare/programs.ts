/** The programs that compare runs: the servers and the client, ours and the Python originals. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { scriptNames, type Design } from "../designs.ts";
import { commandWithPreload, eraseTypes } from "../erased.ts";
import {
  launch,
  patienceMs as usualPatienceMs,
  type ExitStatus,
  type Launched,
} from "../launch.ts";
import { projectFile } from "../project.ts";
import { withDeadline } from "../waiting.ts";
import { $ } from "../zx.ts";
import { failed, type Failed } from "./failure.ts";
import type { Footprint } from "./footprint.ts";
import type { Found, ServerResult } from "./result.ts";
import type { Outcome } from "./texts.ts";

/** A server, and the client of its language: none where the original is missing. */
export type Program = Pick<ServerResult, "design" | "language" | "file"> & {
  client?: string;
};

/** A server that listens, as the steps see it. */
export interface Server extends Program {
  port: number;
  /** Milliseconds that it may take to listen, to answer, or to end. */
  patienceMs: number;
  /** What it takes now, as far as it can be known. */
  footprint(): Promise<Footprint>;
  /** Drops what it has printed, but for the end: under load it prints a lot. */
  dropOutput(): void;
  /** Presses Ctrl+C, and waits until it prints something. */
  pressCtrlC(): Promise<unknown>;
  /** Waits for its end. */
  exit(): Promise<ExitStatus>;
}

/** Python's name on this system. */
export const python = process.platform === "win32" ? "python" : "python3";

/** In a pipe Python writes late, and on an older Windows in code page 949. */
const utf8 = { PYTHONUNBUFFERED: "1", PYTHONIOENCODING: "utf-8" };
export const env = { ...process.env, ...utf8 };

/**
 * The programs to compare.
 *
 * @param folder of the originals, each under its name in the lecture or its short one
 * @returns them, and the names of the originals that are missing
 */
export function findPrograms(chosen: Design[], folder?: string) {
  const missing = new Set<string>();
  function original(name: string): string | undefined {
    const file = [name, name.replace("lecture1_", "")]
      .map((name) => resolve(folder!, `${name}.py`))
      .find(existsSync);
    if (!file) missing.add(`${name}.py`);
    return file;
  }
  const programs = chosen.flatMap((design): Program[] => {
    const name = scriptNames[design];
    const file = projectFile(`${name}.ts`);
    const client = projectFile("lecture1_client.ts");
    const ours: Program = { design, language: "TypeScript", file, client };
    if (!folder) return [ours];
    const [theirs, theirClient] = [name, "lecture1_client"].map(original);
    if (!theirs) return [ours];
    const python = { file: theirs, client: theirClient };
    return [ours, { design, language: "Python", ...python }];
  });
  return { programs, missing: [...missing] };
}

/** How a Python original is started on a port. */
export function pythonCommand(file: string, port: number): string[] {
  const launcher = projectFile("scripts/compare/original.py");
  return [python, launcher, file, "--port", String(port)];
}

/** What the client prints or says on stderr, in TypeScript and in Python. */
const outcomes: [RegExp, Outcome][] = [
  [/^Received from server: Hello, Server!\r?$/m, "answered"],
  [/^Received from server: \r?$/m, "closed"],
  [/^Received from server: /m, "wrong"],
  [/ECONNREFUSED|ConnectionRefusedError/, "refused"],
  [/ECONNRESET|EPIPE|ConnectionResetError|BrokenPipeError/, "reset"],
  [/: EOF;/, "closed"],
];

/** Runs the client program to its end and reads from its output what became of it. */
export async function runClient(server: Server) {
  const { language, client: file, port } = server;
  const words =
    language === "Python"
      ? pythonCommand(file!, port)
      : [process.execPath, await eraseTypes(file!), "--port", String(port)];
  const client = $({ env })`${words}`;
  const silent = await withDeadline(server.patienceMs, "its end", client).then(
    () => false,
    () => client.child?.kill("SIGKILL"),
  );
  const { stdall, cause } = await client;
  if (!client.pid) throw cause; // it could not be started
  const [, known = "failed"] = outcomes.find(([it]) => it.test(stdall)) ?? [];
  const lines = stdall.trim().split(/\r?\n/);
  const error = lines.find((line) => /^\w*Error\b/.test(line));
  return {
    outcome: silent ? "no answer" : known,
    text: error ?? lines.at(-1)!,
  };
}

/**
 * Starts a server, does something with it, and ends it in any case.
 *
 * @throws what went wrong, with the server's `lastLines`, and with what was found before
 */
export async function withServer(
  program: Program,
  task: (server: Server) => Promise<Found>,
  patienceMs = usualPatienceMs,
): Promise<Found> {
  const { design, language, file } = program;
  const words =
    language === "Python"
      ? [...pythonCommand(file, 0), "--until-input-ends"]
      : await commandWithPreload({
          preload: "compare/footprint.ts",
          file,
          port: 0,
        });
  const running = launch(words, { env, messages: true });
  const isFirst = design === "server"; // it ends when its client has left
  let [listens, mayEnd] = [false, false];

  /** An error where it has ended and shouldn't have; waits a moment whether it does. */
  async function death(ms: number): Promise<Error | undefined> {
    await running.exit(ms).catch(() => {});
    const { code, signal } = running.exitStatus ?? {};
    if (!running.exitStatus || mayEnd) return undefined;
    if (isFirst && listens && code === 0) return undefined;
    return signal ? failed("died", signal) : failed("ended", String(code));
  }
  const late = (trouble: "silent" | "hangs" | "goesOn") => () => {
    throw failed(trouble, `${patienceMs / 1000} s`);
  };

  try {
    const line = /^Server listening on .*?(\d+)\)?\r?$/m;
    const said = await running.prints(line, patienceMs).catch(late("silent"));
    listens = true;
    const found = await task({
      ...program,
      port: Number(said[1]),
      patienceMs,
      footprint: () => footprintOf(program, running).catch(late("hangs")),
      dropOutput: () => running.dropOutput(),
      async pressCtrlC() {
        mayEnd = true;
        const before = running.printed();
        running.kill("SIGINT");
        const more = () => running.printed() !== before;
        await running.until("something printed", more).catch(() => {});
      },
      exit: () => running.exit(patienceMs).catch(late("goesOn")),
    });
    const died = await death(isFirst ? 1000 : 0);
    if (died) throw Object.assign(died, { found });
    return found;
  } catch (error) {
    const { found } = error as Failed;
    const died = await death(300); // that says more than what others see of it
    const lastLines = lastLinesOf(running);
    throw Object.assign(died ?? (error as Error), { found, lastLines });
  } finally {
    await running.stop();
  }
}

/** The end of what a program printed: its errors, and of their stack the first line of a file. */
function lastLinesOf({ output: { stdout, stderr } }: Launched): string[] {
  const isNoise = /^\^+$|^Node\.js v|node:internal|node_modules|^$/;
  const isFurther = (line: string, before = "") =>
    line.startsWith("at ") && before.startsWith("at ");
  return (stderr.trim() ? stderr : stdout)
    .split(/\r?\n/)
    .map((line) => line.trim().slice(0, 200))
    .filter((line) => !isNoise.test(line))
    .filter((line, index, all) => !isFurther(line, all[index - 1]))
    .slice(-4);
}

/** What a server takes: as it tells itself, of a Python original as Linux' /proc tells. */
async function footprintOf(
  { language }: Program,
  running: Launched,
): Promise<Footprint> {
  if (language === "TypeScript") return running.ask("footprint");
  if (!existsSync("/proc/self/status")) return {};
  const read = (file: string) =>
    readFile(`/proc/${running.pid}/${file}`, "utf8");
  const [status, stat] = await Promise.all([read("status"), read("stat")]);
  const number = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]);
  // After the name in parentheses; utime and stime are in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    memoryMB: number("VmRSS") / 1024,
    threads: number("Threads"),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}
