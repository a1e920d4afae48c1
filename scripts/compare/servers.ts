/** The servers to compare, and how each is started. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { $ } from "zx/core";
import { scriptNames, type Design } from "../designs.ts";
import { preloaded } from "../erased.ts";
import {
  freePort,
  launch,
  listening,
  projectFile,
  type Launched,
} from "../processes.ts";
import type { Footprint } from "./footprint.ts";
import type { Mark } from "./marks.ts";
import type { Language } from "./result.ts";

/** A started server. */
export type Running = Launched & {
  port: number;
  /** What it takes now, as far as it can be known. */
  footprint(): Promise<Footprint>;
};

/** A server program and the client program of its language. */
export interface Program {
  design: Design;
  language: Language;
  file: string;
  start(): Promise<Running>;
  /** Starts the client; onMark is told when it is connected, and when it says something. */
  client(port: number, onMark: (mark: Mark) => void): Promise<Launched>;
}

/** How the TypeScript scripts are started, in words. */
export const startedBy = "plain node, types erased once beforehand";

/** Starts a server; where another program takes its port first, once more on another one. */
async function onFreePort(start: (port: number) => Promise<Launched>) {
  for (let tries = 1; ; tries++) {
    const server = await start(await freePort());
    try {
      return await listening(server);
    } catch (error) {
      const taken = /EADDRINUSE|Address already in use/.test(server.all());
      if (!taken || tries === 3) throw error;
    }
  }
}

/** The TypeScript server of a design. */
export function typescriptProgram(design: Design): Program {
  const file = projectFile(`${scriptNames[design]}.ts`);
  const clientCommand = (port: number) =>
    preloaded("compare/marks.ts", projectFile("lecture1_client.ts"), port);
  return {
    design,
    language: "TypeScript",
    file,
    async start() {
      await clientCommand(0); // so that no client's start takes longer for it
      const server = await onFreePort(async (port) => {
        const command = await preloaded("compare/footprint.ts", file, port);
        return launch(command, process.env, undefined, true);
      });
      const footprint = () => server.ask<Footprint>("footprint");
      return Object.assign(server, { footprint });
    },
    client: async (port, onMark) =>
      launch(await clientCommand(port), process.env, onMark),
  };
}

/** Python's name on this system. */
export const python = process.platform === "win32" ? "python" : "python3";

/** The Python original of a design in a folder, or what is missing. */
export function pythonProgram(
  design: Design,
  folder: string,
): Program | string {
  const name = scriptNames[design];
  const file = findOriginal(folder, name);
  const client = findOriginal(folder, "lecture1_client");
  if (!file) return `${name}.py`;
  return {
    design,
    language: "Python",
    file,
    async start() {
      const server = await onFreePort(async (port) => launchPython(file, port));
      const footprint = () => footprintOf(server.pid);
      return Object.assign(server, { footprint });
    },
    client: async (port, onMark) =>
      client
        ? launchPython(client, port, onMark)
        : typescriptProgram(design).client(port, onMark),
  };
}

/** An original under its name in the lecture, or its short one. */
function findOriginal(folder: string, name: string): string | undefined {
  return [name, name.replace("lecture1_", "")]
    .map((name) => resolve(folder, `${name}.py`))
    .find(existsSync);
}

/**
 * Runs a Python original as it stands, its main guard included, on a port of ours.
 *
 * @param onMark told when it is connected, and when it says something
 */
export function launchPython(
  file: string,
  port: number,
  onMark?: (mark: Mark) => void,
): Launched {
  const launcher = projectFile("scripts/compare/original.py");
  // In a pipe Python writes as an older Windows does: Korean in code page 949.
  const env = { ...process.env, PYTHONIOENCODING: "utf-8" };
  return launch([python, "-u", launcher, file, String(port)], env, onMark);
}

/** What a process takes that can't be asked: as Linux' /proc tells, or ps. */
async function footprintOf(pid: number): Promise<Footprint> {
  const atMs = performance.now();
  if (process.platform === "linux") {
    const [status, stat] = await Promise.all(
      ["status", "stat"].map((file) =>
        readFile(`/proc/${pid}/${file}`, "utf8"),
      ),
    );
    const number = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status!)![1]);
    // After the name in parentheses; utime and stime are in hundredths of a second.
    const fields = stat!.slice(stat!.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      memoryMB: number("VmRSS") / 1024,
      threads: number("Threads"),
      cpuSeconds: ticks / 100,
      atMs,
    };
  }
  if (process.platform === "win32") return { atMs };
  const run = $({ nothrow: true, quiet: true });
  const { stdout } = await run`ps -o rss= -p ${pid}`;
  const kilobytes = Number(stdout);
  return { atMs, ...(kilobytes ? { memoryMB: kilobytes / 1024 } : {}) };
}
