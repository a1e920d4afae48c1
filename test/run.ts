/**
 * npm test: compiles the project, runs the test files with uvu, two at a time
 * for each core, since they wait a lot, and sums up. `npm test client parity`
 * runs only the files with such names; `npm run soak` runs the tests that take
 * long and load the machine.
 */
import { rmSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  symlink,
} from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { launch, type Launched } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";

/** How long one file may take. */
const limitMs = 300_000;

/**
 * The files that take long, in the order in which they are started: those that
 * wait first, with those that compute beside them. All other files follow: they
 * are short and fill the rest of the time.
 */
const longFiles = [
  "lecture1_server_forever_test.ts",
  "lecture1_client_test.ts",
  "capture_test.ts",
  "steps_test.ts",
  "lecture1_server_forever_async_test.ts",
  "pages_test.ts",
  "compare_run_test.ts",
  "waiting_test.ts",
  "start_test.ts",
  "lecture1_server_test.ts",
  "lesson_test.ts",
  "compare_test.ts",
  "parity_test.ts",
];

/** How many tests passed, failed and were skipped. */
interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const startedAt = performance.now();
const project = projectFile(".");
const env = environmentOfTests();

// On exit, launch.ts kills what was started.
process.once("SIGINT", () => process.exit(130));

const folder = await makeFolder();
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

await copyFiles(project, folder);
await compile();
const files = await chooseFiles(process.argv.slice(2));
const totals = await runAll(files);
sumUp(totals);

/**
 * This process's environment, but in English whatever the machine's language,
 * without colors, with zx's spinner, which CI would switch off, and without
 * what Node prints about these settings.
 */
function environmentOfTests(): NodeJS.ProcessEnv {
  const unwanted = /^(NO_COLOR|FORCE_COLOR|NODE_.*|CI|PYTHONUNBUFFERED)$/;
  const variables = Object.entries(process.env);
  const wanted = variables.filter(([name]) => !unwanted.test(name));
  return { ...Object.fromEntries(wanted), LC_ALL: "C.UTF-8" };
}

/**
 * Makes the folder of the copy: in test/, where the copy finds the packages of
 * the tests and of the project; if that one can't be written, in the system's,
 * with links to both.
 */
async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(project, "test", ".test-"));
  } catch {
    const temporary = await realpath(tmpdir());
    const made = await mkdtemp(join(temporary, "lecture1-test-"));
    await mkdir(join(made, "test"));
    for (const packages of ["node_modules", "test/node_modules"])
      await symlink(join(project, packages), join(made, packages), "junction");
    return made;
  }
}

/** Starts node in the environment of the tests. */
function launchNode(...args: string[]): Launched {
  return launch([process.execPath, ...args], { env });
}

/** The full path of a file of a package that only the tests need. */
function packageFile(...path: string[]): string {
  return join(project, "test", "node_modules", ...path);
}

/**
 * Copies a folder, without packages and without what git and other runs of the
 * tests keep in it.
 */
async function copyFiles(source: string, target: string): Promise<void> {
  const excluded = /^(node_modules|\.git|\.test-.*)$/;
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const { name } = entry;
    if (excluded.test(name)) continue;
    const original = join(source, name);
    const copy = join(target, name);
    if (entry.isDirectory()) await copyFiles(original, copy);
    else await copyFile(original, copy);
  }
}

/**
 * Puts JavaScript beside the TypeScript of the copy. The tests run there, and
 * so do the programs that they start: 200 times without the tsx loader.
 *
 * @throws Error when tsc fails
 */
async function compile(): Promise<void> {
  // prettier-ignore
  const tsc = launchNode(
    packageFile("typescript", "bin", "tsc"),
    "--project", project,
    "--rootDir", project,
    "--outDir", folder,
    "--noEmit", "false",
    "--noCheck",
    "--rewriteRelativeImportExtensions",
  );
  const { code } = await tsc.exit(120_000);
  if (code !== 0) throw new Error(tsc.describe());
}

/**
 * The test files to run, in the order in which they are started.
 *
 * @param names parts of the files' names; none for all files but soak_test.ts
 */
async function chooseFiles(names: string[]): Promise<string[]> {
  const all = await readdir(join(project, "test"));
  const chosen = all.filter((file) => {
    if (!file.endsWith("_test.ts")) return false;
    if (file === "soak_test.ts") return names.includes("soak");
    return names.length === 0 || names.some((name) => file.includes(name));
  });
  const long = longFiles.filter((file) => chosen.includes(file));
  const short = chosen.filter((file) => !longFiles.includes(file));
  return [...long, ...short];
}

/** Runs files, two at a time for each core. */
async function runAll(files: string[]): Promise<Totals> {
  const waiting = [...files];
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };

  async function runWaiting(): Promise<void> {
    while (waiting.length > 0) {
      const { passed, failed, skipped } = await runFile(waiting.shift()!);
      totals.passed += passed;
      totals.failed += failed;
      totals.skipped += skipped;
    }
  }
  const length = 2 * availableParallelism();
  await Promise.all(Array.from({ length }, runWaiting));
  return totals;
}

/** Runs one file and prints what it prints, without uvu's summary. */
async function runFile(file: string): Promise<Totals> {
  const uvu = packageFile("uvu", "bin.js");
  const pattern = `^${file.replace(/ts$/, "js")}$`;
  const script = launchNode(uvu, "--no-color", join(folder, "test"), pattern);
  try {
    await script.exit(limitMs);
  } catch {
    console.log(`${file}: took more than ${limitMs / 1000} s`);
    await interrupt(script);
  }
  const { stdout, stderr } = script.output;
  process.stdout.write(stdout.replace(/\n {2}Total:[^]*/, "") + stderr);
  return totalsOf(script);
}

/** Ends a test file that has run for too long. */
async function interrupt(script: Launched): Promise<void> {
  // On SIGINT the file exits, and its launch.ts kills what it has started.
  script.kill("SIGINT");
  try {
    await script.exit();
  } catch {
    await script.stop();
  }
}

/** The totals of a file that has exited, by uvu's summary. */
function totalsOf({ output, exitStatus }: Launched): Totals {
  const summary =
    /Total: +(?<total>\d+)\n +Passed: +(?<passed>\d+)\n +Skipped: +(?<skipped>\d+)/;
  const { groups } = summary.exec(output.stdout) ?? {};
  const total = Number(groups?.total ?? 0);
  const passed = Number(groups?.passed ?? 0);
  const skipped = Number(groups?.skipped ?? 0);

  // The file ended before its time, or has no test.
  const isIncomplete = exitStatus?.code !== 0 || total + skipped === 0;
  let failed = total - passed;
  if (failed === 0 && isIncomplete) failed = 1;
  return { passed, failed, skipped };
}

/** Prints the totals; the exit code is 1 if a test failed or none passed. */
function sumUp({ passed, failed, skipped }: Totals): void {
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`took ${seconds.toFixed(1)} s`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}
