/**
 * npm test: runs the test files with uvu, as many at a time as there are cores,
 * and sums up. `npm test -- client parity` runs the files with such names only.
 */
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { chalk, glob } from "zx";
import { launch, projectFile, tsxLoader, within } from "../scripts/launch.ts";

/** Milliseconds that one test file may take. */
const limit = 300_000;

/** What measures, or keeps the cores busy: it runs before the others, while nothing else does. */
const alone = ["measured_test.ts", "terminal_test.ts"];

// The longest first, so that the short ones fill the rest of the time.
const order = [
  "forever_test",
  "readme",
  "compare",
  "async",
  "packets",
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
  const uvu = [projectFile("node_modules/uvu/bin.js"), projectFile("test")];
  // Whatever the machine speaks: what a test expects is English.
  const env = { ...process.env, FORCE_COLOR: "0", LC_ALL: "C.UTF-8" };
  const command = [
    process.execPath,
    ...tsxLoader,
    ...uvu,
    `^${basename(file)}$`,
  ];
  const script = launch(command, env);
  const ended = await within(limit, file, script.exit(limit + 1000)).catch(
    (error: Error) => ({ code: 1, signal: error.message }),
  );
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

for (const file of alone)
  if (files.includes(file)) await run(files.splice(files.indexOf(file), 1)[0]!);
await Promise.all(Array.from({ length: availableParallelism() }, worker));

for (const [why, tests] of skippedFor) {
  console.log(`skipped, since ${why}:`);
  for (const test of tests) console.log(`  ${test.replace("\t", ": ")}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
const { passed, failed, skipped } = sums;
console.log(`took ${seconds} s`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed || !passed) process.exitCode = 1;
