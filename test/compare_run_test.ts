/**
 * compare as a process: whole runs, beside Python's originals, in a terminal,
 * interrupted, suspended, and killed.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import type { CtrlC, Run, ServerResult } from "../scripts/compare/result.ts";
import { parseRun } from "../scripts/compare/savedRun.ts";
import {
  copyProject,
  lecturePort,
  temporaryFolder,
} from "../scripts/copyProject.ts";
import { scriptNames } from "../scripts/designs.ts";
import { projectFile } from "../scripts/project.ts";
import {
  expectNoneLeft,
  launchMarked,
  processesLeft,
  suite,
  type Marked,
} from "./helpers/harness.ts";
import {
  noPython,
  noSignals,
  noTerminal,
  notLinux,
  onLinux,
} from "./helpers/machine.ts";
import { preloaded } from "./helpers/capturedRun.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { openTerminal } from "./helpers/pseudoTerminal.ts";
import { aRun } from "./helpers/runs.ts";

const test = suite("whole runs of compare");
const whyNoPython = await noPython();

/** Starts compare; what it starts inherits a mark in its environment. */
function startCompare(
  args: string[],
  { folder, env }: { folder?: string; env?: NodeJS.ProcessEnv } = {},
): Marked {
  const command = nodeCommand("scripts/compare.ts", folder);
  return launchMarked([...command, ...args], env);
}

/**
 * Waits until compare has exited, and asserts that it leaves no process and
 * prints no error.
 */
async function expectExit(compare: Marked, code: number): Promise<void> {
  const exitStatus = await compare.exit(100_000);
  assert.is(exitStatus.code, code, compare.describe());
  assert.is(compare.output.stderr, "");
  await expectNoneLeft(compare);
}

/** Waits until compare has started a server. Linux only. */
async function untilServerRuns(mark: string): Promise<void> {
  const isServer = (line: string) => line.includes("lecture1_server");
  while (!processesLeft(mark).some(isServer)) await sleep(20);
}

/** What was printed, without colors, each paragraph on one line. */
function unwrapped(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\n {2}/g, " ");
}

/** A folder with Python originals, and the names of those that it lacks. */
interface Originals {
  folder: string;
  missing: string[];
}

/**
 * Copies the originals that this machine has, but not that of the async server.
 * One has its short name.
 */
async function copyOriginals(): Promise<Originals> {
  const folder = await temporaryFolder();
  const ofCourse = process.env.LECTURE1_ORIGINALS ?? "originals";
  for (const source of [ofCourse, projectFile("test/originals")])
    if (existsSync(source)) await cp(source, folder, { recursive: true });
  await rm(join(folder, `${scriptNames.async}.py`));

  const names = ["lecture1_client", ...Object.values(scriptNames)];
  const files = names.map((name) => `${name}.py`);
  const missing = files.filter((file) => !existsSync(join(folder, file)));

  const longName = join(folder, "lecture1_server.py");
  if (existsSync(longName)) await rename(longName, join(folder, "server.py"));
  return { folder, missing };
}

/** A whole run: of our servers, and of the originals if there is a Python. */
interface WholeRun {
  run: Run;
  json: string;
  /** The originals that were not in the folder. */
  missing: string[];
}

async function runWhole(): Promise<WholeRun> {
  const args = ["-n", "2", "--load", "0.1", "--json", "-"];
  let missing: string[] = [];
  if (!whyNoPython) {
    const originals = await copyOriginals();
    args.push("--python", originals.folder);
    missing = originals.missing;
  }
  const compare = startCompare(args);
  await expectExit(compare, 0);
  const json = compare.output.stdout;
  return { run: parseRun(Buffer.from(json)), json, missing };
}

/** The one run that the next tests look at. The first of them waits for it. */
const wholeRun = runWhole();

/** Adds a test that is done with the result of each server. */
function testEachServer(
  title: string,
  check: (server: ServerResult, missing: string[]) => void,
): void {
  test(title, async () => {
    const { run, missing } = await wholeRun;
    for (const server of run.servers)
      try {
        check(server, missing);
      } catch (error) {
        const { design, language } = server;
        (error as Error).message += `\n${design}, ${language}`;
        throw error;
      }
  });
}

test("a whole run: its options are in the result", async () => {
  const { run } = await wholeRun;

  assert.equal(run.options, { clients: 2, loadSeconds: 0.1, grow: false });
});

test("a whole run: originals that are missing are named", async () => {
  const { run, missing } = await wholeRun;

  assert.equal(run.missing.sort(), missing);
});

test("a whole run: it reports its duration", async () => {
  const { run } = await wholeRun;

  assert.ok(run.tookSeconds > 2, `${run.tookSeconds} s`);
  assert.ok(run.tookSeconds < 100, `${run.tookSeconds} s`);
});

testEachServer("a whole run: no server fails", ({ failure }) => {
  assert.is(failure, undefined);
});

testEachServer("a whole run: its file", ({ file, language }) => {
  assert.match(file, language === "Python" ? /\.py$/ : /\.ts$/);
});

testEachServer("a whole run: clients in turn", (server, missing) => {
  const { design, language, inTurn } = server;
  const outcomes = inTurn?.map(({ outcome }) => outcome);
  // The client in TypeScript is no replacement for Python's.
  const hasNoClient = missing.includes("lecture1_client.py");
  if (language === "Python" && hasNoClient) assert.is(outcomes, undefined);
  else if (design === "server") assert.equal(outcomes, ["answered", "refused"]);
  else assert.equal(outcomes, ["answered", "answered"]);
});

testEachServer("a whole run: while one stays", ({ design, stay }) => {
  const { leftMs, clients } = stay!;
  const isSingle = design === "server";
  for (const { outcome, reportedMs } of clients) {
    assert.is(outcome, isSingle ? "reset" : "answered");
    assert.is(reportedMs > leftMs, isSingle, "after the first client left");
  }
});

testEachServer("a whole run: all at once", ({ design, growth, load }) => {
  const isSingle = design === "server";
  const counts = growth?.map(({ connections }) => connections);
  assert.equal(counts, isSingle ? undefined : [2, 10]);
  assert.is(load?.connections, isSingle ? undefined : 2);
});

testEachServer("a whole run: the cost of one more client", (server) => {
  const { design, language, idle } = server;
  const isOurs = language === "TypeScript";
  const isKnown = design !== "server" && (onLinux || isOurs);
  assert.is(idle !== undefined, isKnown);
  if (!idle) return;

  const { perClientMB, perClientThreads, threadStartMs } = idle;
  const isThreaded = design === "forever";
  assert.is(Math.round(perClientThreads), isThreaded ? 1 : 0, "threads");
  const hasWorkers = isThreaded && isOurs;
  assert.ok(hasWorkers ? perClientMB > 2 : perClientMB < 0.5, `${perClientMB}`);
  assert.is(threadStartMs !== undefined, hasWorkers, "start of a thread");
});

testEachServer("a whole run: CPU time of an echo", ({ language, growth }) => {
  if (!onLinux || language === "Python") return;
  for (const { cpuPerEchoUs } of growth ?? [])
    assert.ok(cpuPerEchoUs! > 1, `${cpuPerEchoUs} µs`);
});

test.unless(noSignals)("a whole run: Ctrl+C", async () => {
  const { run } = await wholeRun;

  for (const { design, language, ctrlC } of run.servers) {
    const { echoed, disconnected, exit } = ctrlC as CtrlC;
    const name = `${design}, ${language}`;
    assert.is(echoed, design === "forever", name);
    assert.is(disconnected, design !== "forever", name);
    const wanted =
      design === "server"
        ? { code: null, signal: "SIGINT" }
        : { code: 0, signal: null };
    assert.equal(exit, wanted, name);
  }
});

test("the reference names every field of the result", async () => {
  const { json } = await wholeRun;
  const reference = await readFile(projectFile("docs/reference.md"), "utf8");
  const section = /## compare\n(?<text>[^]*?)\n## /.exec(reference);
  const words = new Set(section!.groups!.text!.match(/[A-Za-z0-9]+/g));
  const fields = json.match(/(?<=^ *")\w+(?=":)/gm)!;

  assert.equal(
    fields.filter((field) => !words.has(field)),
    [],
  );
});

test.unless(noTerminal)("Ctrl+C in a dumb terminal", async () => {
  const mark = randomUUID();
  const command = nodeCommand("scripts/compare.ts").join("' '");
  const env = `LECTURE1_MARK=${mark} TERM=dumb`;
  const terminal = openTerminal(`${env} '${command}' --only async`);
  await untilServerRuns(mark);
  // By then a spinner would have turned.
  await sleep(300);

  terminal.type("\x03");

  assert.is(await terminal.exit(), 130);
  assert.is(terminal.screen(), "^C\r\x1b[K");
  await expectNoneLeft({ mark });
});

test.unless(notLinux)("killed with -9: its servers exit", async () => {
  const designs = ["forever", "async"];
  const folder = whyNoPython ? undefined : projectFile("test/originals");
  const servers = whyNoPython ? 2 : 4;

  /** The code that imports a module of compare. */
  function importOf(file: string): string {
    const path = nodeCommand(`scripts/compare/${file}`).at(-1)!;
    return `await import(${JSON.stringify(pathToFileURL(path))})`;
  }
  // The servers only wait. One that prints would exit without a reader.
  const code = `
    const { findPrograms } = ${importOf("programs.ts")};
    const { withServer } = ${importOf("server.ts")};
    const designs = ${JSON.stringify(designs)};
    const folder = ${JSON.stringify(folder)};
    const { programs } = findPrograms(designs, folder);
    function waitForever() {
      console.log("listens");
      return new Promise(() => {});
    }
    for (const program of programs) withServer(program, waitForever);`;
  const script = launchMarked([
    process.execPath,
    "--input-type=module",
    "-e",
    code,
  ]);
  const all = new RegExp(`^(listens\n){${servers}}`);
  await script.prints(all, 30_000);

  script.kill("SIGKILL");

  await script.exit();
  await expectNoneLeft(script);
});

/** To be preloaded: a server prints when it starts, and of each client. */
const reportsClients = `
  import { subscribe } from "node:diagnostics_channel";
  import { appendFileSync } from "node:fs";
  const file = process.env.TEST_CLIENTS;
  function report(what) {
    appendFileSync(file, process.pid + " " + what + "\\n");
  }
  if (/lecture1_server_/.test(process.argv[1])) {
    report("starts");
    subscribe("net.server.socket", () => report("accepts"));
  }`;

/**
 * What the servers of a run report, in the order of time: each line has a
 * process, and what it does.
 */
async function reportsOfServers(): Promise<string[][]> {
  const file = join(await temporaryFolder(), "clients.txt");
  const args = ["--only", "forever,async", "-n", "1", "--load", "0.1"];
  const env = { ...preloaded(reportsClients), TEST_CLIENTS: file };
  await expectExit(startCompare(args, { env }), 0);
  const text = await readFile(file, "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
}

test("no server starts while idle clients of another are counted", async () => {
  const reports = await reportsOfServers();
  const processes = new Set(reports.map(([pid]) => pid));
  // Only step 2 has so many clients.
  const idle = [...processes].filter(
    (pid) => reports.filter(([other]) => other === pid).length > 20,
  );

  assert.is(idle.length, 2);
  for (const pid of idle) {
    const start = reports.findIndex(([other]) => other === pid);
    const end = reports.findLastIndex(([other]) => other === pid);
    const during = reports.slice(start, end);
    assert.ok(
      during.every(([other]) => other === pid),
      during.join("; "),
    );
  }
});

/** What compare prints if one of two servers throws, after a suspension. */
async function runWithBrokenServer(): Promise<string> {
  const copy = await copyProject(lecturePort);
  const call = "conn.sendall(data);";
  const misspelt = "arm.sendall(data);";
  await copy.replace("lecture1_server.ts", call, misspelt);
  const args = ["--only", "server,async", "-n", "1", "--load", "0.1"];
  const { folder } = copy;
  const compare = startCompare(args, { folder, env: { NO_COLOR: "1" } });
  if (onLinux) {
    await untilServerRuns(compare.mark);
    compare.kill("SIGSTOP");
    // A busy machine stops it for less.
    await sleep(2500);
    compare.kill("SIGCONT");
  }
  await expectExit(compare, 1);
  return compare.output.stdout;
}

/** Starts when the first of the next tests asks for it. */
let broken: Promise<string> | undefined;
function withBrokenServer(): Promise<string> {
  broken ??= runWithBrokenServer();
  return broken;
}

test("a server that fails: one line with its error", async () => {
  const printed = unwrapped(await withBrokenServer());

  const start =
    '- server FAILED at "one client at a time": ' +
    "it exited with code 1; its last output: ";
  const line = printed.split("\n").find((one) => one.startsWith(start));
  assert.match(
    line ?? printed,
    /ReferenceError: arm is not defined \/ at .*lecture1_server\.ts:\d+:\d+/,
  );
});

test("a server that fails: the others are measured", async () => {
  const printed = unwrapped(await withBrokenServer());

  assert.match(
    printed,
    /while one client stayed connected – async: all 1 within/,
  );
});

test.unless(notLinux)("a suspension, as by Ctrl+Z, is reported", async () => {
  const printed = unwrapped(await withBrokenServer());

  assert.match(printed, /- compare itself was suspended for \d/);
});

test("NO_COLOR: no colors are printed", async () => {
  assert.not.match(await withBrokenServer(), "\x1b");
});

/** A saved run in a folder of its own. */
interface SavedRun {
  folder: string;
  file: string;
}

async function saveRun(): Promise<SavedRun> {
  const folder = await temporaryFolder();
  const file = join(folder, "한글.json");
  await writeFile(file, `\ufeff${JSON.stringify(aRun())}`, "utf16le");
  return { folder, file };
}

test("--from a saved run: --html and --json in one command", async () => {
  const { folder, file } = await saveRun();
  const page = join(folder, "p.html");
  const args = ["--from", file, "--html", page, "--json", "-", "--lang", "en"];
  const compare = startCompare(args);
  await expectExit(compare, 0);

  assert.equal(JSON.parse(compare.output.stdout), aRun());
  const html = await readFile(page, "utf8");
  assert.match(html, /<h1>What differs between the servers\?<\/h1>/);
});

test("output without a reader: exit code 1, and no error", async () => {
  const { file } = await saveRun();
  const compare = startCompare(["--from", file]);

  compare.child.stdout!.destroy();

  await expectExit(compare, 1);
});

test.run();
