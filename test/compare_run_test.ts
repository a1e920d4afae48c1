/** compare as it is run: whole, beside Python, in a terminal, interrupted, stopped, killed. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { runIn } from "../scripts/compare/options.ts";
import { scriptNames } from "../scripts/designs.ts";
import type { CtrlC } from "../scripts/compare/result.ts";
import { projectFile } from "../scripts/project.ts";
import { fixed } from "./helpers/runs.ts";
import {
  launchMarked,
  processesLeft,
  expectNoneLeft,
  suite,
} from "./helpers/harness.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { hasSignals, noPython, notLinux, onLinux } from "./helpers/machine.ts";
import { copyProject, nodeCommand } from "./helpers/programs.ts";
import { noTerminal, openTerminal } from "./helpers/pseudoTerminal.ts";

const test = suite("whole runs of compare");
const linuxTest = test.unless(notLinux);
const withoutPython = await noPython();

/** Starts compare; whatever it starts inherits a mark in its environment. */
function start(args: string, env = {}, folder?: string) {
  const command = nodeCommand("scripts/compare.ts", folder);
  return launchMarked([...command, ...args.split(" ")], env);
}

/** Waits for its end, after which nothing is left of what it has started; returns what it said. */
async function ends(script: ReturnType<typeof start>, code: number) {
  assert.is((await script.exit(100_000)).code, code, script.describe());
  assert.is(script.output.stderr, "");
  await expectNoneLeft(script);
  return whole(script.output.stdout);
}

/** What was said, without colours, on lines that aren't broken. */
const whole = (text: string) =>
  stripVTControlCharacters(text).replaceAll(/\n {2}/g, " ");

/** Waits until it has started a server; Linux only. */
async function starts({ mark }: { mark: string }): Promise<void> {
  while (!/lecture1_server/.test(left(mark).join())) await sleep(20);
}

/** A folder of the originals that are here, but for asyncio's; a short name does as well. */
async function originals() {
  const folder = await temporaryFolder();
  const course = process.env.LECTURE1_ORIGINALS ?? "originals";
  for (const from of [course, projectFile("test/originals")])
    if (existsSync(from)) await cp(from, folder, { recursive: true });
  await rm(join(folder, `${scriptNames.async}.py`));
  const names = ["lecture1_client", ...Object.values(scriptNames)];
  const files = names.map((name) => `${name}.py`);
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  const [long, short] = [files[1]!, "server.py"].map((it) => join(folder, it));
  await rename(long!, short!).catch(() => {});
  return { folder, missing };
}

test("a whole run finds what the lecture says, and its fields are those of the reference", async () => {
  const beside = withoutPython ? undefined : await originals();
  const python = beside ? ` --python ${beside.folder}` : "";
  const script = start(`-n 2 --load 0.1 --json -${python}`);
  await ends(script, 0);
  const run = runIn(Buffer.from(script.output.stdout));
  assert.equal(run.missing.sort(), beside?.missing ?? []);
  assert.equal(run.options, { clients: 2, loadSeconds: 0.1, grow: false });

  for (const server of run.servers) {
    const { design, language, file, stay, idle, growth, ctrlC } = server;
    const name = `${design} ${language}`;
    assert.is(server.failure, undefined, name);
    const isPython = language === "Python";
    assert.match(file, isPython ? /\.py$/ : /\.ts$/);
    const [alone, forever] = [design === "server", design === "forever"];
    // Ours is no replacement for Python's client.
    const inTurn = server.inTurn?.map(({ outcome }) => outcome).join();
    const all = `answered,${alone ? "refused" : "answered"}`;
    const noClient = isPython && beside!.missing.includes("lecture1_client.py");
    assert.is(inTurn, noClient ? undefined : all, name);
    for (const { outcome, reportedMs } of stay!.clients) {
      assert.is(outcome, alone ? "reset" : "answered", name);
      assert.is(reportedMs > stay!.leftMs, alone, name);
    }
    const numbers = growth!.map(({ connections }) => connections);
    assert.equal(numbers, alone ? [1] : [1, 2, 10], name);
    assert.is(server.load?.connections, alone ? undefined : 2);
    assert.is(idle !== undefined, !alone && (onLinux || !isPython));
    if (idle) {
      const { perClientMB: price, perClientThreads, threadStartMs } = idle;
      assert.is(Math.round(perClientThreads), forever ? 1 : 0, name);
      const worker = forever && !isPython;
      assert.ok(worker ? price > 2 : price < 0.5, `${name} ${price}`);
      assert.is(threadStartMs !== undefined, worker, name);
    }
    for (const { cpuPerEchoUs } of onLinux && !isPython ? growth! : [])
      assert.ok(cpuPerEchoUs! > 1, name);
    if (!hasSignals) continue;
    const { echoed, disconnected, exit } = ctrlC as CtrlC;
    assert.equal([echoed, disconnected], [forever, !forever], name);
    const [code, signal] = alone ? [null, "SIGINT"] : [0, null];
    assert.equal(exit, { code, signal }, name);
  }

  const reference = await readFile(projectFile("docs/reference.md"), "utf8");
  const [, part = ""] = /## compare\n([^]*?)\n## /.exec(reference) ?? [];
  const named = new Set(part.match(/[A-Za-z0-9]+/g));
  const keys = script.output.stdout.match(/(?<=^ *")\w+(?=":)/gm)!;
  const unnamed = keys.filter((key) => !named.has(key));
  assert.equal(unnamed, [], "fields that the reference doesn't name");
});

test.unless(noTerminal)("Ctrl+C in a dumb terminal", async () => {
  const mark = randomUUID();
  const command = nodeCommand("scripts/compare.ts").join("' '");
  const env = `LECTURE1_MARK=${mark} TERM=dumb`;
  const dumb = terminal(`${env} '${command}' --only async`);
  await starts({ mark });
  await sleep(300); // a spinner would turn
  dumb.type("\x03");
  assert.is(await dumb.exit(), 130);
  assert.is(dumb.screen(), "^C\r\x1b[K");
  await expectNoneLeft(mark);
});

linuxTest("killed with -9: its servers end, Python's, too", async () => {
  const folder = withoutPython ? undefined : projectFile("test/originals");
  const file = nodeCommand("scripts/compare/programs.ts").at(-1)!;
  // The servers only wait: none prints anything, which would end it.
  const code = `import(${JSON.stringify(pathToFileURL(file))}).then((it) => {
      const { programs } = it.findPrograms(["forever", "async"], ${JSON.stringify(folder)});
      const task = () => (console.log("listens"), new Promise(() => {}));
      for (const program of programs) it.withServer(program, task);
    })`;
  const script = launchMarked([process.execPath, "-e", code]);
  await script.prints(folder ? /^(listens\n){4}/ : /^(listens\n){2}/, 30_000);
  script.kill("SIGKILL");
  await script.exit();
  await expectNoneLeft(script);
});

test("a server that fails: one line, exit code 1, the others are measured; also after a stop, as by Ctrl+Z", async () => {
  const { folder, replace } = await copyProject("65432");
  const call = "conn.sendall(data);";
  await replace("lecture1_server.ts", call, call.replace("conn", "arm"));
  const args = "--only server,async -n 1 --load 0.1";
  const script = start(args, { NO_COLOR: "1" }, folder);
  if (onLinux) {
    await starts(script);
    script.kill("SIGSTOP");
    await sleep(2500); // more than a busy machine takes
    script.kill("SIGCONT");
  }
  const said = await ends(script, 1);
  assert.match(
    said,
    /- server FAILED at "clients in turn": it ended with exit code 1; its last lines: .*ReferenceError: arm is not defined \/ at .*lecture1_server\.ts:\d+:\d+/,
  );
  assert.match(said, /while one client stayed – async: all 1 within/);
  if (onLinux) assert.match(said, /- Compare itself was stopped for \d/);
  assert.not.match(script.output.stdout, "\x1b");
});

test("--from a saved run: --html and --json at once; output that nobody reads", async () => {
  const folder = await temporaryFolder();
  const [saved, page] = ["한글.json", "p.html"].map((it) => join(folder, it));
  await writeFile(saved!, `\ufeff${JSON.stringify(fixed())}`, "utf16le");
  const script = start(`--from ${saved} --html ${page} --json - --lang en`);
  const closed = start(`--from ${saved}`);
  closed.child.stdout!.destroy();
  await ends(closed, 1);
  await ends(script, 0);
  assert.equal(JSON.parse(script.output.stdout), fixed());
  const html = await readFile(page!, "utf8");
  assert.match(html, /<h1>What differs between the servers\?<\/h1>/);
});

test.run();
