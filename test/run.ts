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
import {
  launch,
  projectFile,
  tsxLoader,
  type Launched,
} from "../scripts/processes.ts";

/** Milliseconds that one test file may take. */
const limit = 300_000;

// The longest first, so that the short ones fill the rest of the time.
const order = [
  "compare",
  "terminal",
  "documents",
  "forever_test",
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

let folder: string | undefined;
process.on("exit", () => {
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
/**
 * Compiles the project into a copy of it: JavaScript beside the TypeScript. The tests
 * run there, and so do the programs that they start.
 *
 * @throws Error where TypeScript doesn't run, or the system makes no links
 */
async function compiled(): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), "lecture1-tests-"));
  await chmod(folder, 0o755); // a test runs a script as nobody
  const project = projectFile(".");
  const modules = join(project, "node_modules");
  await symlink(modules, join(folder, "node_modules"), "junction");
  const tsc = launch([
    ...[process.execPath, join(modules, "typescript", "bin", "tsc")],
    ...["--project", project, "--rootDir", project, "--outDir", folder],
    ...["--noEmit", "false", "--noCheck", "--rewriteRelativeImportExtensions"],
  ]);
  for (const name of await readdir(project))
    if (!["node_modules", ".git"].includes(name))
      await cp(join(project, name), join(folder, name), { recursive: true });
  const { code } = await endOf(tsc, 60_000);
  if (code !== 0) throw new Error(tsc.report());
  return folder;
}

/** How a program ends; after so many milliseconds it is ended, with what it started. */
function endOf(script: Launched, ms: number) {
  return script.exit(ms).catch(async () => {
    script.kill("SIGINT"); // and launch ends what it started there
    await script.exit().catch(() => script.stop());
    return { code: 1, signal: `took more than ${ms / 1000} s` };
  });
}

/** How uvu runs test files: compiled ones, or with the tsx loader, which takes much longer. */
const [command, extension] = await compiled().then(
  (folder) => [uvuIn(folder), "js"] as const,
  ({ message }: Error) => {
    console.log(`not compiled: ${message}`);
    return [uvuIn(projectFile("."), tsxLoader), "ts"] as const;
  },
);

function uvuIn(project: string, loader: string[] = []): string[] {
  const uvu = join(project, "node_modules", "uvu", "bin.js");
  return [process.execPath, ...loader, uvu, join(project, "test")];
}

const sums = { passed: 0, failed: 0, skipped: 0 };

/** What was skipped, by the reason, as tellSkipped() says it. */
const skippedFor = new Map<string, string[]>();
const skippedLine = /skipped\t(.*?)\t(.*)\n/g;
const started = performance.now();

async function worker(): Promise<void> {
  for (let file = files.shift(); file; file = files.shift()) await run(file);
}

/** Runs one file; uvu says at its end how many tests passed, and of how many. */
async function run(file: string): Promise<void> {
  // Whatever the machine speaks: what a test expects is English.
  const env = { ...process.env, FORCE_COLOR: "0", LC_ALL: "C.UTF-8" };
  const pattern = `^${file.replace(/ts$/, extension)}$`;
  const script = launch([...command, pattern], env);
  const ended = await endOf(script, limit);
  const plain = stripVTControlCharacters(script.output.stdout);
  for (const [, why = "", test = ""] of plain.matchAll(skippedLine))
    skippedFor.set(why, [...(skippedFor.get(why) ?? []), test]);
  const shown = script.output.stdout.replace(skippedLine, "");
  process.stdout.write(shown.replace(/\n  Total:[^]*/, ""));
  process.stdout.write(script.output.stderr);
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

await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));

for (const [why, tests] of skippedFor) {
  console.log(`skipped, since ${why}:`);
  for (const test of tests) console.log(`  ${test.replace("\t", ": ")}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
const { passed, failed, skipped } = sums;
console.log(`took ${seconds} s`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed || !passed) process.exitCode = 1;
