/**
 * npm test: compiles the project, runs the test files with uvu, two at a time for each
 * core, since they wait a lot, and sums up. `npm test client parity` runs the files with such
 * names only.
 */
import { rmSync } from "node:fs";
import { chmod, cp, mkdtemp, readdir, symlink } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { chalk, glob } from "zx";
import { launch, projectFile, within } from "../scripts/launch.ts";

/** Milliseconds that one test file may take. */
const limit = 300_000;

// The longest first, so that the short ones fill the rest of the time.
const order = [
  "forever_test",
  "documents",
  "compare",
  "async",
  "packets",
  "page",
  "client",
  "server",
  "runtimes",
];
const rank = (file: string) => {
  const index = order.findIndex((name) => file.includes(name));
  return index < 0 ? order.length : index;
};

const [, , ...names] = process.argv;
const files = (await glob("*_test.ts", { cwd: projectFile("test") }))
  .filter((file) => !names.length || names.some((name) => file.includes(name)))
  .sort((a, b) => rank(a) - rank(b));

process.once("SIGINT", () => process.exit(130)); // and launch ends what it started

/** The project as JavaScript, in a copy beside its TypeScript: what the tests run, and run in. */
const folder = await mkdtemp(join(tmpdir(), "lecture1-tests-"));

process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

async function compile(): Promise<void> {
  const project = projectFile(".");
  const modules = join(project, "node_modules");
  const tsc = launch([
    ...[process.execPath, join(modules, "typescript", "bin", "tsc")],
    ...["--project", project, "--rootDir", project, "--outDir", folder],
    ...["--noEmit", "false", "--noCheck", "--rewriteRelativeImportExtensions"],
  ]);
  await chmod(folder, 0o755); // a test runs a script as nobody
  for (const name of await readdir(project))
    if (!["node_modules", ".git"].includes(name))
      await cp(join(project, name), join(folder, name), { recursive: true });
  await symlink(modules, join(folder, "node_modules"), "junction");
  const { code } = await tsc.exit(60_000);
  if (code !== 0) throw new Error(tsc.report());
}

const sums = { passed: 0, failed: 0, skipped: 0 };
const started = performance.now();

async function worker(): Promise<void> {
  for (let file = files.shift(); file; file = files.shift()) await run(file);
}

/** Runs one file; uvu says at its end how many tests passed, and of how many. */
async function run(file: string): Promise<void> {
  const uvu = join(folder, "node_modules", "uvu", "bin.js");
  const compiled = `^${file.replace(/ts$/, "js$")}`;
  // Whatever the machine speaks: what a test expects is English.
  const env = { ...process.env, FORCE_COLOR: "0", LC_ALL: "C.UTF-8" };
  const command = [process.execPath, uvu, join(folder, "test"), compiled];
  const script = launch(command, env);
  const ended = await within(limit, file, script.exit(limit + 1000)).catch(
    (error: Error) => ({ code: 1, signal: error.message }),
  );
  const { stdout, stderr } = script.output;
  process.stdout.write(`${stdout.replace(/\n  Total:[^]*/, "")}${stderr}`);
  const plain = stripVTControlCharacters(stdout);
  const count = (label: string) =>
    Number(plain.match(new RegExp(`\n  ${label}:\\s+(\\d+)`))?.[1] ?? 0);
  const [passed, total, skipped] = ["Passed", "Total", "Skipped"].map(count);
  sums.passed += passed!;
  sums.skipped += skipped!;
  sums.failed += total! - passed!;
  if (ended.code !== 0 && passed === total) sums.failed++; // it died half-way
  if (total === 0 && skipped === 0) sums.failed++; // it tested nothing
  if (ended.signal) console.log(chalk.red(`${file}: ${ended.signal}`));
}

await compile();
await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));

const seconds = ((performance.now() - started) / 1000).toFixed(1);
const { passed, failed, skipped } = sums;
console.log(`took ${seconds} s`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed || !passed) process.exitCode = 1;
