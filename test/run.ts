/**
 * npm test: compiles the project, runs the test files with uvu, two at a time for each
 * core, since they wait a lot, and sums up. `npm test client parity` runs the files with
 * such names only; `npm run soak` what takes long and loads the machine.
 */
import { rmSync } from "node:fs";
import { cp, mkdtemp, readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { launch } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";

const started = performance.now();
const limit = 300_000; // milliseconds that one file may take
const project = projectFile(".");
const folder = await mkdtemp(join(project, ".test-")); // where node_modules are found
const node = (...args: string[]) =>
  launch([process.execPath, ...args], { env });

// Whatever the machine speaks, what a test expects is English, without colours, with
// zx's spinner, which CI would stop, and without what Node itself says of these settings.
const unwanted = /^(NO_COLOR|FORCE_COLOR|NODE_.*|CI|PYTHONUNBUFFERED)$/;
const own = Object.entries(process.env).filter(([it]) => !unwanted.test(it));
const env = { ...Object.fromEntries(own), LC_ALL: "C.UTF-8" };

process.once("SIGINT", () => process.exit(130)); // and launch ends what it started
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

// A copy of the project with JavaScript beside the TypeScript. The tests run there, and
// so do the programs that they start: 200 times without the tsx loader.
const elsewhere = /^(node_modules|\.git|\.test-.*)$/;
for (const name of await readdir(project))
  if (!elsewhere.test(name))
    await cp(join(project, name), join(folder, name), { recursive: true });
const tsc = node(
  ...[join(project, "node_modules", "typescript", "bin", "tsc")],
  ...["--project", project, "--rootDir", project, "--outDir", folder],
  ...["--noEmit", "false", "--noCheck", "--rewriteRelativeImportExtensions"],
);
if ((await tsc.exit(120_000)).code !== 0) throw new Error(tsc.describe());

const sums = { passed: 0, failed: 0, skipped: 0 };

/** Runs one file; uvu says at its end how many tests passed, and of how many. */
async function run(file: string): Promise<void> {
  const uvu = join(project, "node_modules", "uvu", "bin.js");
  const pattern = `^${file.replace(/ts$/, "js")}$`;
  const script = node(uvu, "--no-color", join(folder, "test"), pattern);
  await script.exit(limit).catch(() => {
    console.log(`${file}: took more than ${limit / 1000} s`);
    script.kill("SIGINT"); // and launch ends what it started there
  });
  const { code } = await script.exit().catch(() => ({ code: 1 }));
  await script.stop();
  const { stdout, stderr } = script.output;
  process.stdout.write(stdout.replace(/\n {2}Total:[^]*/, "") + stderr);
  const [, total = 0, passed = 0, skipped = 0] =
    /Total: +(\d+)\n +Passed: +(\d+)\n +Skipped: +(\d+)/
      .exec(stdout)
      ?.map(Number) ?? [];
  sums.passed += passed;
  sums.skipped += skipped;
  const unsaid = code !== 0 || total + skipped === 0; // it died half-way, or tested nothing
  sums.failed += total - passed || Number(unsaid);
}

const names = process.argv.slice(2);
// Started from the last one on: those that wait, and beside them those that compute.
const order =
  "parity compare documents server_t start compare_run pages async steps capture client forever_t";
const rank = (file: string) =>
  order.split(" ").findIndex((it) => file.includes(it));
const files = (await readdir(join(project, "test")))
  .filter((file) => file.endsWith("_test.ts"))
  .filter((file) => names.some((name) => file.includes(name)) || !names.length)
  .filter((file) => !file.startsWith("soak") || names.includes("soak"))
  .sort((one, other) => rank(other) - rank(one)); // the short ones fill the rest of the time
await Promise.all(
  Array.from({ length: 2 * availableParallelism() }, async () => {
    for (let file = files.shift(); file; file = files.shift()) await run(file);
  }),
);
console.log(`took ${((performance.now() - started) / 1000).toFixed(1)} s`);
const { passed, failed, skipped } = sums;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed || !passed) process.exitCode = 1;
