/** The programs under test: unchanged, and as a learner changes them. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transform } from "esbuild";
import * as assert from "uvu/assert";
import {
  copyProject,
  temporaryFolder,
  type ProjectCopy,
} from "../../scripts/copyProject.ts";
import { freePort } from "../../scripts/freePort.ts";
import { launch, type Launched } from "../../scripts/launch.ts";
import { projectFile } from "../../scripts/project.ts";

/** A server that has printed the port on which it listens. */
export interface ListeningServer extends Launched {
  port: number;
}

/**
 * The command that runs a file of the project, or of a copy of it. It is plain
 * node, for the JavaScript that test/run.ts has made: a third of the CPU time
 * that the tsx loader needs. The loader has its own tests.
 *
 * @param file its path from the project's folder, as .ts
 */
export function nodeCommand(
  file: string,
  folder = projectFile("."),
): [string, string] {
  return [process.execPath, join(folder, file.replace(/ts$/, "js"))];
}

/**
 * Starts a server and waits until it listens.
 *
 * @param name its file without .ts
 * @param port 0 lets the server choose
 * @throws Error when it doesn't listen within 10 seconds
 */
export function startServer(name: string, port = 0): Promise<ListeningServer> {
  const command = [...nodeCommand(`${name}.ts`), "--port", String(port)];
  return listening(launch(command));
}

/**
 * Waits until a server has printed that it listens.
 *
 * @throws Error when it doesn't within 10 seconds
 */
export async function listening(server: Launched): Promise<ListeningServer> {
  const [, port] = await server.prints(/^Server listening on .*?(\d+)\)?$/m);
  return Object.assign(server, { port: Number(port) });
}

/**
 * Waits until a program has printed a text often enough, on stdout and stderr
 * together.
 *
 * @throws Error when it doesn't within 10 seconds
 */
export function printsTimes(
  program: Launched,
  text: string,
  times: number,
): Promise<void> {
  const isEnough = () => program.printed().split(text).length > times;
  return program.until(`${times} times ${text}`, isEnough);
}

/** A learner's change of a program. */
export interface Edit {
  before: string | RegExp;
  /** Replaces every `before`; $& in it is what was found. */
  after: string;
}

/**
 * Starts a changed copy of a server and waits until it listens.
 *
 * @throws Error as editedFile() and listening() do
 */
export async function startEdited(
  name: string,
  ...edits: Edit[]
): Promise<ListeningServer> {
  const file = await editedFile(name, ...edits);
  const command = await erasedCommand(file);
  return listening(launch([...command, "--port", "0"]));
}

/**
 * Writes a changed copy of a program into its own folder.
 *
 * @param name the program's file without .ts
 * @returns the copy's full path
 * @throws Error when an edit changes nothing
 */
export async function editedFile(
  name: string,
  ...edits: Edit[]
): Promise<string> {
  let code = await readFile(projectFile(`${name}.ts`), "utf8");
  for (const { before, after } of edits) {
    const changed = code.replaceAll(before, after);
    assert.is.not(changed, code, `${name} has no ${before}`);
    code = changed;
  }
  const file = join(await temporaryFolder(), `${name}.mts`);
  await writeFile(file, code);
  return file;
}

/**
 * Erases the types of a program, and returns the command that runs it with
 * plain node.
 *
 * @param file the program's full path, as .ts or .mts
 */
export async function erasedCommand(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8");
  const { code } = await transform(text, { loader: "ts", format: "esm" });
  const plain = file.replace(/m?ts$/, "mjs");
  await writeFile(plain, code);
  return [process.execPath, plain];
}

/**
 * Copies the project; the programs of the copy have a free port instead of the
 * lecture's.
 */
export async function copyOnFreePort(): Promise<ProjectCopy> {
  const port = await freePort();
  return copyProject(String(port));
}

/**
 * The command of a program, with JavaScript that runs before it.
 *
 * @param name the program's file without .ts
 */
export function preloadedCommand(name: string, code: string): string[] {
  const [node, file] = nodeCommand(`${name}.ts`);
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return [node, "--import", url, file];
}

/**
 * Starts a server, with JavaScript that runs before it, and waits until it
 * listens.
 *
 * @param name the server's file without .ts
 * @param args further arguments of the server
 * @throws Error when it doesn't listen within 10 seconds
 */
export function startPreloaded(
  name: string,
  code: string,
  ...args: string[]
): Promise<ListeningServer> {
  const command = preloadedCommand(name, code);
  return listening(launch([...command, "--port", "0", ...args]));
}

/**
 * To be preloaded: a resolver that needs no network. Every name is ::1, and
 * 127.0.0.1 for those who ask for IPv4; "nowhere" is unknown.
 */
export const fakeResolver = `
import dns from "node:dns";

function answer(host, family) {
  if (/^[\\d.]+$/.test(host)) return { address: host, family: 4 };
  if (host === "nowhere") {
    const error = new Error("getaddrinfo ENOTFOUND nowhere");
    error.code = "ENOTFOUND";
    error.syscall = "getaddrinfo";
    throw error;
  }
  if (family === 4) return { address: "127.0.0.1", family: 4 };
  return { address: "::1", family: 6 };
}

dns.promises.lookup = async (host, options) => answer(host, options.family);
dns.lookup = async (host, ...args) => {
  const callback = args.pop();
  const options = args[0] ?? {};
  try {
    const found = answer(host, options.family);
    if (options.all) callback(null, [found]);
    else callback(null, found.address, found.family);
  } catch (error) {
    callback(error);
  }
};
`;

/**
 * To be preloaded: a message names an error, "read ETIMEDOUT" or "write
 * ETIMEDOUT". The socket that sends it fails with that error, when it sends or,
 * a moment later, while it waits.
 */
export const failOnDemand = `
import net from "node:net";

function errorOf(message) {
  const [syscall, code] = message.split(" ");
  return Object.assign(new Error(message), { syscall, code });
}

const { _write } = net.Socket.prototype;
net.Socket.prototype._write = function (chunk, encoding, callback) {
  const message = String(chunk);
  if (/^write E/.test(message)) return callback(errorOf(message));
  if (/^read E/.test(message))
    setTimeout(() => this.destroy(errorOf(message)), 20);
  return _write.call(this, chunk, encoding, callback);
};
`;
