/**
 * Runs TypeScript with plain node of any version: the types are erased once.
 * With the tsx loader, or in a newer node, every process would erase them
 * again, which is slower than everything that the client does.
 *
 * A program doesn't notice: import.meta and process.argv name its own file, and
 * errors name the lines of its own file.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure, Loader, PluginBuild } from "esbuild";
import { projectFile, tsxLoader } from "./project.ts";

/** The file of a program is missing. */
export class MissingFile extends Error {
  /** The full path of the file. */
  readonly file: string;

  constructor(file: string) {
    super(`${file} is missing`);
    this.file = file;
  }
}

/**
 * The command that runs a program with plain node.
 *
 * @param file the program's full path
 * @param port the value of its option --port
 * @throws MissingFile if the file doesn't exist
 * @throws Error that names the line of a mistake in it
 */
export async function plainCommand(
  file: string,
  port: number,
): Promise<string[]> {
  const program = await programArguments(file);
  return [process.execPath, ...program, "--port", String(port)];
}

export interface PreloadOptions {
  /** A file that runs before the program, by its path in scripts/. */
  preload: string;
  /** The program's full path. */
  file: string;
  /** The value of its option --port. */
  port: number;
}

/**
 * The command that runs a program with plain node, with a file that runs before
 * it.
 *
 * @throws Error as plainCommand() does
 */
export async function commandWithPreload({
  preload,
  file,
  port,
}: PreloadOptions): Promise<string[]> {
  const first = await erased(projectFile(`scripts/${preload}`), "preload");
  return [
    process.execPath,
    // An error names its line in the program's own file.
    "--enable-source-maps",
    "--import",
    pathToFileURL(first.file).href,
    ...(await programArguments(file)),
    "--port",
    String(port),
  ];
}

/** Node's arguments that run a program. */
async function programArguments(file: string): Promise<string[]> {
  const copy = await erased(file, "program");
  return copy.loadsTypeScript ? [...tsxLoader, file] : [copy.file];
}

/** A program is what node starts; a preload runs before it. */
type Role = "program" | "preload";

/** A file without types. */
interface Copy {
  /** Its full path. */
  file: string;
  /**
   * The program names a TypeScript file, which it can start as a process. That
   * process needs the tsx loader, which it inherits.
   */
  loadsTypeScript: boolean;
}

/** A folder that exists as long as this process. */
const folder = join(tmpdir(), `lecture1-${randomUUID()}`);
process.on("exit", () => {
  // A virus scanner can hold a file for a moment.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The copies that were made, by the paths of the files. */
const copies = new Map<string, Promise<Copy>>();

function erased(file: string, role: Role): Promise<Copy> {
  let copy = copies.get(file);
  if (!copy) {
    copy = erase(file, role);
    copies.set(file, copy);
  }
  return copy;
}

/**
 * Writes a copy of a file without its types into the folder, together with the
 * files that it imports, except for those of packages.
 */
async function erase(file: string, role: Role): Promise<Copy> {
  await expectFile(file);
  // esbuild is slow to load.
  const { build } = await import("esbuild");
  const outfile = join(folder, `${basename(file, extname(file))}.mjs`);
  const url = pathToFileURL(file).href;
  try {
    const { outputFiles } = await build({
      entryPoints: [file],
      outfile,
      // esbuild runs in its own process. Ctrl+C can arrive while it writes.
      write: false,
      bundle: true,
      platform: "node",
      format: "esm",
      // Node's own conditions: not "module", which is for bundlers.
      conditions: [],
      // In one line, as tsx does: the threaded server knows how to find the
      // lines of its file then.
      minifyWhitespace: true,
      sourcemap: "inline",
      // The source map is found under the URL that import.meta has.
      footer: { js: `//# sourceURL=${url}` },
      define: { "import.meta": importMeta },
      plugins: [
        { name: "packages", setup: leavePackages },
        { name: "places", setup: (build) => keepPlaces(build, file, role) },
      ],
      logLevel: "silent",
    });
    const { contents, text } = outputFiles[0]!;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(outfile, contents);
    return { file: outfile, loadsTypeScript: namesTypeScript(text) };
  } catch (error) {
    throw mistakeOf(error as BuildFailure, file);
  }
}

/** @throws MissingFile if the file doesn't exist */
async function expectFile(file: string): Promise<void> {
  try {
    await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT" ? new MissingFile(file) : error;
  }
}

/**
 * Whether a text has a string that is the relative path of a file of
 * TypeScript. The full paths are those that keepPlaces() has inserted.
 */
function namesTypeScript(text: string): boolean {
  return /(["'`])[\w.-][^"'`\s:]*\.[cm]?ts\1/.test(text);
}

/** esbuild's first error, with its file and its line. */
function mistakeOf(failure: BuildFailure, file: string): Error {
  const [error] = failure.errors ?? [];
  // Not a mistake in the program: for example, the temporary folder is full.
  if (!error) return failure;
  const place = error.location;
  if (!place) return new Error(`${file}: ${error.text}`);
  return new Error(`${resolve(place.file)}:${place.line}: ${error.text}`);
}

/**
 * Lets Node load packages from the folder in which they are installed, and
 * CommonJS from its own folder. Node would not find them from the copy's
 * folder.
 */
function leavePackages(build: PluginBuild): void {
  const isOwnQuestion = { isOwnQuestion: true };
  build.onResolve({ filter: /./ }, async (args) => {
    if (args.kind === "entry-point" || args.pluginData === isOwnQuestion)
      return undefined;

    const { kind, importer, resolveDir } = args;
    const pluginData = isOwnQuestion;
    const options = { kind, importer, resolveDir, pluginData };
    const found = await build.resolve(args.path, options);
    if (found.errors.length > 0 || found.external) return undefined;

    const isOfPackage = found.path.includes(`${sep}node_modules${sep}`);
    const isJavaScript = /\.([cm]?js|node)$/.test(found.path);
    const isCommonJs = found.path.endsWith(".cjs");
    if (!isCommonJs && !(isOfPackage && isJavaScript)) return undefined;
    return { external: true, path: pathToFileURL(found.path).href };
  });
}

/** The variable that replaces import.meta. */
const importMeta = "lecture1ImportMeta";

/**
 * Inserts each file's path at its start, since the files that it reads are next
 * to it, not next to the copy.
 */
function keepPlaces(build: PluginBuild, program: string, role: Role): void {
  build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
    const text = await readFile(path, "utf8");
    const extension = extname(path).slice(1);
    const isEntry = path === program;
    const first = isEntry ? beginningOfEntry(path, role) : "";
    return {
      contents: insertAtStart(text, first + beginningOfFile(path)),
      loader: extension.replace(/^[cm]/, "") as Loader,
    };
  });
}

/** Sets what Node sets for the file that is started, which is the copy. */
function beginningOfEntry(path: string, role: Role): string {
  switch (role) {
    case "program":
      return `process.argv[1] = ${JSON.stringify(path)};`;
    case "preload":
      // The processes that the program starts don't inherit this file.
      return 'process.execArgv.splice(process.execArgv.indexOf("--import"), 2);';
  }
}

/** Defines a file's import.meta. */
function beginningOfFile(path: string): string {
  const url = pathToFileURL(path).href;
  const meta = { url, filename: path, dirname: dirname(path) };
  return `var ${importMeta} = ${JSON.stringify(meta)};`;
}

/** Inserts code into the first line, or into the second one after a #! line. */
function insertAtStart(text: string, code: string): string {
  const [firstLine = ""] = text.split("\n", 1);
  if (!firstLine.startsWith("#!")) return code + text;
  const end = firstLine.length + 1;
  return text.slice(0, end) + code + text.slice(end);
}
