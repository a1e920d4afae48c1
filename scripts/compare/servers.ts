/** The servers to compare, and how each is started. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { scriptNames, type Design } from "../designs.ts";
import {
  freePort,
  launch,
  listening,
  projectFile,
  type Launched,
} from "../launch.ts";
import type { Language } from "./result.ts";

/** A started server. */
export type Running = Launched & { port: number };

/** A server program and the client program of its language. */
export interface Program {
  design: Design;
  language: Language;
  file: string;
  start(): Promise<Running>;
  client(port: number): Launched;
}

/** How the TypeScript scripts are started, in words. */
export const startedBy = "plain node, types erased once beforehand";

const erased = new Map<string, string>();

/**
 * The file that plain node can run, whatever its version: the script without its
 * types, in a folder of our own. With the tsx loader, or in a newer node, every
 * process would erase them anew, which takes longer than all the client does.
 */
function runnable(file: string): string {
  const known = erased.get(file);
  if (known) return known;
  const outdir = mkdtempSync(join(tmpdir(), "lecture1-compare-"));
  process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
  const outExtension = { ".js": ".mjs" };
  buildSync({ entryPoints: [file], outdir, outExtension, format: "esm" });
  const result = join(outdir, basename(file, ".ts") + ".mjs");
  erased.set(file, result);
  return result;
}

/** LECTURE1_FIXTURES puts other scripts in the place of the lecture's, for the tests. */
const folder = process.env.LECTURE1_FIXTURES ?? projectFile(".");

/** The TypeScript server of a design. */
export function typescriptProgram(design: Design): Program {
  const fixture = join(folder, `${scriptNames[design]}.ts`);
  const file = existsSync(fixture)
    ? fixture
    : projectFile(`${scriptNames[design]}.ts`);
  const run = (path: string, port: number) =>
    launch([process.execPath, runnable(path), "--port", String(port)]);
  return {
    design,
    language: "TypeScript",
    file,
    start: async () => listening(run(file, await freePort())),
    client: (port) => run(projectFile("lecture1_client.ts"), port),
  };
}

/** The Python original of a design in a folder, or what is missing. */
export function pythonProgram(
  design: Design,
  folder: string,
): Program | string {
  const name = scriptNames[design];
  const server = findOriginal(folder, name);
  const client = findOriginal(folder, "lecture1_client");
  if (!server) return `${name}.py`;
  const startServer =
    design === "async"
      ? "import asyncio; asyncio.run(module.main(port=port))"
      : "module.start_server(port=port)";
  return {
    design,
    language: "Python",
    file: server,
    start: async () => listening(python(server, await freePort(), startServer)),
    client: (port) =>
      client
        ? python(client, port, "module.start_client(port=port)")
        : typescriptProgram(design).client(port),
  };
}

/** An original under its name in the lecture, or its short one. */
function findOriginal(folder: string, name: string): string | undefined {
  return [name, name.replace("lecture1_", "")]
    .map((name) => resolve(folder, `${name}.py`))
    .find(existsSync);
}

/** Runs an untouched original on a port of ours: its functions take it as a parameter. */
function python(file: string, port: number, call: string): Launched {
  const code = [
    "import importlib.util as util",
    `spec = util.spec_from_file_location("original", ${JSON.stringify(file)})`,
    "module = util.module_from_spec(spec); spec.loader.exec_module(module)",
    `port = ${port}; ${call}`,
  ].join("\n");
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const program = process.platform === "win32" ? "python" : "python3";
  return launch([program, "-u", "-c", code], env);
}
