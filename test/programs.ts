/** The programs under test: as they are, and in copies to edit. */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transform } from "esbuild";
import * as assert from "uvu/assert";
import {
  freePort,
  launch,
  projectFile,
  type Launched,
} from "../scripts/processes.ts";
import { temporaryFolder } from "./harness.ts";

/**
 * The command that runs a program of the project, or of a copy: plain node, which takes a
 * third of the tsx loader's CPU time. What the loader does has tests of its own.
 */
export const program = (file: string, folder = projectFile(".")) => [
  process.execPath,
  join(folder, file.replace(/ts$/, "js")),
];

/** Waits until a started server says that it listens; adds its port. */
export async function listening<T extends Launched>(server: T) {
  const [, port] = await server.saw(/^Server listening on .*?(\d+)\)?$/m);
  return Object.assign(server, { port: Number(port) });
}

/** Waits until a text has come so many times on stdout or stderr of a process. */
export function sawTimes(script: Launched, text: string, times: number) {
  const enough = () => script.all().split(text).length > times;
  return script.until(`${times} times ${text}`, enough);
}

/** Erases the types of a script, edited perhaps; returns the command that runs it. */
export async function erased(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8");
  const { code } = await transform(text, { loader: "ts", format: "esm" });
  const plain = file.replace(/m?ts$/, "mjs");
  await writeFile(plain, code);
  return [process.execPath, plain];
}

/** The lecture's port: a learner may be using it, so the copy gets another one. */
export const lecturePort = "65432";

/** The four programs of the lecture. */
export const scripts = [
  "lecture1_server.ts",
  "lecture1_server_forever.ts",
  "lecture1_server_forever_async.ts",
  "lecture1_client.ts",
];

/** Copies what runs; the scripts have another port in the place of the lecture's, a free one unless told. */
export async function copyProject(port?: string) {
  const folder = await temporaryFolder();
  port ??= String(await freePort());
  for (const name of ["scripts", "package.json"])
    await cp(projectFile(name), join(folder, name), { recursive: true });
  for (const name of scripts) {
    const text = await readFile(projectFile(name), "utf8");
    await writeFile(join(folder, name), text.replaceAll(lecturePort, port));
  }

  /** Replaces a text, which must be there once, in a script of the copy. */
  async function replace(name: string, before: string, after: string) {
    const file = join(folder, name);
    const text = await readFile(file, "utf8");
    const [start, end, ...more] = text.split(before);
    const once = end !== undefined && more.length === 0;
    assert.ok(once, `once in ${name}: ${before}`);
    await writeFile(file, start + after + end);
  }

  return { folder, port, replace };
}

/** Starts a server and waits until it listens; without a port it takes a free one. */
export function start({ name }: Named, port = 0) {
  return listening(launch([...program(`${name}.ts`), "--port", `${port}`]));
}

/** One of the four, by its name. */
type Named = { name: string };

/** Texts of a script, each with what stands in its place. */
export type Changes = [before: string | RegExp, after: string][];

/** Runs a changed copy of a server, as a learner changes it. */
export async function edited(server: Named, changes: Changes) {
  const command = await erased(await editedFile(server.name, changes));
  return listening(launch([...command, "--port", "0"]));
}

/** The full path of a changed copy of a script; every change must change something. */
export async function editedFile(name: string, changes: Changes) {
  let code = await readFile(projectFile(`${name}.ts`), "utf8");
  for (const [before, after] of changes) {
    const changed = code.replaceAll(before, after);
    assert.is.not(changed, code, `${name} has no ${before}`);
    code = changed;
  }
  const file = join(await temporaryFolder(), `${name}.mts`);
  await writeFile(file, code);
  return file;
}

/** The command of a script with JavaScript that runs before it. */
export function preloaded(name: string, code: string): string[] {
  const [node = "", ...rest] = program(`${name}.ts`);
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return [node, "--import", url, ...rest];
}

/** In the place of the system's resolver: every name is ::1, except for who wants IPv4; "nowhere" is unknown. */
export const resolver = `import dns from "node:dns";
  function answer(host, { family }) {
    if (/^[\\d.]+$/.test(host)) return { address: host, family: 4 };
    if (host !== "nowhere")
      return family === 4 ? { address: "127.0.0.1", family } : { address: "::1", family: 6 };
    const error = new Error("getaddrinfo ENOTFOUND nowhere");
    throw Object.assign(error, { code: "ENOTFOUND", syscall: "getaddrinfo" });
  }
  dns.promises.lookup = async (host, options) => answer(host, options);
  dns.lookup = (host, options, done = options) =>
    dns.promises.lookup(host, options).then((it) => options.all ? done(null, [it]) : done(null, it.address, it.family), done);`;
