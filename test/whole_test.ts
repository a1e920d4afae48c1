/** compare as it is run: whole, beside Python, in a terminal, interrupted, stopped, killed. */
import { existsSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import stringWidth from "string-width";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import type { CtrlC, Run } from "../scripts/compare/result.ts";
import { runIn } from "../scripts/compare/saved.ts";
import { projectFile, tsxLoader } from "../scripts/processes.ts";
import { copyProject } from "./copy.ts";
import { fixed } from "./fixed.ts";
import {
  hasSignals,
  launchMarked,
  left,
  noLinks,
  noneLeft,
  noSignals,
  notLinux,
  onLinux,
  program,
  sawTimes,
  suite,
  temporaryFolder,
} from "./harness.ts";
import { noPython } from "./python.ts";
import { noTerminal, terminal } from "./terminal.ts";

const test = suite("whole runs of compare");

/** Starts compare; whatever it starts inherits a mark in its environment. */
function start(args: string[], env = {}, folder?: string) {
  return launchMarked([...program("scripts/compare.ts", folder), ...args], env);
}

/** Waits until it has started a server; Linux only. */
async function starts({ mark }: ReturnType<typeof start>): Promise<void> {
  for (let found = false; !found; await sleep(20))
    for (const pid of await left(mark)) {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(
        String,
      );
      found ||= /lecture1_server/.test(command);
    }
}

/** The originals that are here, without the course's own where it isn't. */
async function originals(): Promise<{ folder: string; missing: string[] }> {
  const folder = await temporaryFolder();
  const course = process.env.LECTURE1_ORIGINALS ?? "originals";
  const missing: string[] = [];
  for (const name of [
    "client",
    "server",
    "server_forever",
    "server_forever_async",
  ]) {
    const file = `lecture1_${name}.py`;
    const found = [course, projectFile("test/originals")]
      .map((from) => join(from, file))
      .find(existsSync);
    // A short name does as well.
    if (found)
      await copyFile(
        found,
        join(folder, name === "server" ? "server.py" : file),
      );
    else missing.push(file);
  }
  return { folder, missing };
}

test("a whole run finds what the lecture says, and its fields are those of the reference", async () => {
  const beside = noPython ? undefined : await originals();
  const args = ["-n", "2", "--load", "0.1", "--json", "-"];
  if (beside) args.push("--python", beside.folder);
  const script = start(args);
  assert.is((await script.exit(100_000)).code, 0, script.report());
  await noneLeft(script.mark);
  const run = runIn(Buffer.from(script.output.stdout)) as Run;
  assert.is(script.output.stderr, "");
  assert.equal([...run.missing].sort(), beside?.missing.sort() ?? []);
  assert.equal(run.options, { clients: 2, loadSeconds: 0.1, grow: false });

  for (const server of run.servers) {
    const { design, language, file, inTurn, stay, growth, ctrlC } = server;
    const name = `${design} ${language}`;
    assert.is(server.failure, undefined, name);
    assert.match(file, language === "Python" ? /\.py$/ : /\.[jt]s$/);
    const alone = design === "server";
    const outcomes = inTurn?.map(({ outcome }) => outcome);
    if (language === "Python" && run.missing.includes("lecture1_client.py"))
      assert.is(
        outcomes,
        undefined,
        "ours is no replacement for Python's client",
      );
    else
      assert.equal(
        outcomes,
        ["answered", alone ? "refused" : "answered"],
        name,
      );
    const met = stay!.clients.map(({ outcome }) => outcome);
    assert.equal(met, Array(2).fill(alone ? "reset" : "answered"), name);
    for (const { reportedMs } of stay!.clients)
      assert.is(reportedMs > stay!.leftMs, alone, name);
    const numbers = growth!.map(({ connections }) => connections);
    assert.equal(numbers, alone ? [1] : [1, 2, 10], name);
    assert.is(server.load?.connections, alone ? undefined : 2);
    if (alone) assert.is(server.idle, undefined);
    else if (onLinux || language === "TypeScript") {
      const { perClientMB, perClientThreads, threadStartMs } = server.idle!;
      assert.is(
        Math.round(perClientThreads!),
        design === "forever" ? 1 : 0,
        name,
      );
      const worker = design === "forever" && language === "TypeScript";
      assert.ok(
        worker ? perClientMB > 2 : perClientMB < 0.5,
        `${name} ${perClientMB}`,
      );
      assert.is(threadStartMs !== undefined, worker, name);
      for (const load of growth!) assert.ok(load.cpuPerEchoUs! > 1, name);
    }
    if (!hasSignals) continue;
    const { echoed, disconnected, exit } = ctrlC as CtrlC;
    assert.equal(
      [echoed, disconnected],
      design === "forever" ? [true, false] : [false, true],
      name,
    );
    assert.equal(
      exit,
      alone ? { code: null, signal: "SIGINT" } : { code: 0, signal: null },
      name,
    );
  }

  const reference = await readFile(projectFile("docs/reference.md"), "utf8");
  const [, part = ""] = /## compare\n([^]*?)\n## /.exec(reference) ?? [];
  const named = new Set(part.match(/[A-Za-z0-9]+/g));
  const keys = Object.keys(flat(run)).flatMap((path) => path.split("."));
  const unnamed = keys.filter((key) => !/^\d+$/.test(key) && !named.has(key));
  assert.equal(
    [...new Set(unnamed)],
    [],
    "fields that the reference doesn't name",
  );
});

/** Every value in an object by its path, "servers.0.design" say. */
function flat(value: unknown, path = ""): Record<string, unknown> {
  if (typeof value !== "object" || value === null) return { [path]: value };
  const parts = Object.entries(value).map(([key, held]) =>
    flat(held, path ? `${path}.${key}` : key),
  );
  return Object.assign({}, ...parts);
}

test.unless(noTerminal)(
  "a terminal of 50 columns, and one that is dumb",
  async () => {
    const words = program("scripts/compare.ts").map((word) => `'${word}'`);
    const command = `${words.join(" ")} --only async -n 2 --load 0.1`;
    const [narrow, dumb] = ["xterm", "dumb"].map((term) => {
      const env = `env LC_ALL=ko_KR.UTF-8 TERM=${term}`;
      return terminal(`stty cols 50; ${env} ${command}`, projectFile("."));
    });
    for (const shown of [narrow!, dumb!])
      assert.is(await shown.exit(60_000), 0);
    const screen = narrow!.screen();
    const spins = screen.split("\n")[0]!.split("\r");
    assert.ok(
      spins.some((line) => line.includes("하나씩 차례로")),
      "it says what it waits for",
    );
    for (const line of screen.split(/[\r\n]+/))
      assert.ok(stringWidth(stripVTControlCharacters(line)) <= 50, line);
    assert.match(screen, /2개 모두 [^]*[\d.]+ ms 안에/);
    assert.not.match(dumb!.screen(), /[⠋⠙⠹⠸]|\r(?!\n)/);
  },
);

test.unless(noSignals || notLinux)(
  "Ctrl+C, twice as npm does, and closed output: no process is left",
  async () => {
    const [pressed, closed] = [
      start(["--only", "async"]),
      start(["--only", "async", "-n", "1"]),
    ];
    closed.child.stdout!.destroy();
    await starts(pressed);
    pressed.kill("SIGINT");
    pressed.kill("SIGINT");
    assert.equal(await pressed.exit(), { code: 130, signal: null });
    assert.is(pressed.output.stderr, "");
    await noneLeft(pressed.mark);
    assert.is((await closed.exit(60_000)).code, 1);
    assert.is(closed.output.stderr, "");
    await noneLeft(closed.mark);
  },
);

test.unless(notLinux)(
  "killed with -9: its servers notice it and end, Python's, too",
  async () => {
    const folder = noPython ? undefined : projectFile("test/originals");
    const file = program("scripts/compare/programs.ts").at(-1)!;
    // The servers only wait: none prints anything, which would end it.
    const code = `import(${JSON.stringify(pathToFileURL(file))}).then((it) => {
      const { programs } = it.findPrograms(["forever", "async"], ${JSON.stringify(folder)});
      const task = () => (console.log("listens"), new Promise(() => {}));
      for (const program of programs) it.withServer(program, task);
    })`;
    const loader = file.endsWith(".ts") ? tsxLoader : [];
    const script = launchMarked([process.execPath, ...loader, "-e", code]);
    await sawTimes(script, "listens", folder ? 4 : 2, 30_000);
    script.kill("SIGKILL");
    await script.exit();
    await noneLeft(script.mark);
  },
);

test.unless(notLinux)(
  "stopped while its servers start, as by Ctrl+Z: it goes on, and says so",
  async () => {
    const script = start([
      "-n",
      "3",
      "--load",
      "0.1",
      "--only",
      "server,async",
      "--json",
      "-",
    ]);
    await starts(script);
    script.kill("SIGSTOP");
    await sleep(3500);
    script.kill("SIGCONT");
    assert.is((await script.exit(60_000)).code, 0, script.report());
    const { stoppedSeconds } = JSON.parse(script.output.stdout) as Run;
    assert.ok(
      stoppedSeconds! >= 3 && stoppedSeconds! < 30,
      String(stoppedSeconds),
    );
    await noneLeft(script.mark);
  },
);

test.unless(noLinks)(
  "a server that fails: one line, exit code 1, the others are measured",
  async () => {
    const { folder, replace } = await copyProject("65432");
    await replace(
      "lecture1_server.ts",
      "conn.sendall(data);",
      "arm.sendall(data);",
    );
    const args = ["--only", "server,async", "-n", "1", "--load", "0.1"];
    const script = start(args, { NO_COLOR: "1" }, folder);
    assert.is((await script.exit(60_000)).code, 1, script.report());
    const said = script.output.stdout.replaceAll(/\n {2}/g, " ");
    assert.match(
      said,
      /- server FAILED at "clients in turn": it ended with exit code 1; its last lines: .*ReferenceError: arm is not defined \/ at .*lecture1_server\.[jt]s:\d+:\d+/,
    );
    assert.match(
      said,
      /Answered while one client stayed – async: all 1 within/,
    );
    assert.is(script.output.stderr, "");
    // eslint-disable-next-line no-control-regex
    assert.not.match(said, /\x1b/);
    await noneLeft(script.mark);
  },
);

test.unless(notLinux)(
  "few open files: what is beyond them is left out, and it is said",
  async () => {
    const args = ["--only", "async", "-n", "5", "--load", "0.1", "--grow"];
    const command = [...program("scripts/compare.ts"), ...args];
    const quoted = command.map((word) => `'${word}'`).join(" ");
    const script = launchMarked(["sh", "-c", `ulimit -n 70; exec ${quoted}`]);
    assert.is((await script.exit(60_000)).code, 0, script.report());
    const plain = stripVTControlCharacters(script.output.stdout);
    const said = plain.replaceAll(/\n {2}/g, " ");
    assert.match(
      said,
      /async: \d+ clients and more were left out: too few files may be open \(EMFILE\): raise ulimit -n\./,
    );
    assert.match(said, /│ {3}20 clients +│ [\d.]+ µs/);
    await noneLeft(script.mark);
  },
);

test("--from, --html, --json; a file that is no run, a mistake in the options: one line", async () => {
  const folder = await temporaryFolder();
  const [saved, page, old] = ["한글 run.json", "page.html", "old.json"].map(
    (name) => join(folder, name),
  ) as [string, string, string];
  await writeFile(saved, `\ufeff${JSON.stringify(fixed())}`, "utf16le");
  await writeFile(old, '{"servers": [], "crosswise": [], "missing": []}');
  const fails: [string[], string][] = [
    [["--from", old], `--from ${old}: no whole run of this version of --json`],
    [
      ["--from", page],
      `--from ${page}: no whole run of this version of --json`,
    ],
    [["--from", folder], `--from ${folder}: can't read it (EISDIR)`],
    [
      ["--from", saved, "-n", "3"],
      "--from shows a run that is over: leave --clients out",
    ],
    [["-n", "201"], "--clients takes 1-200"],
  ];
  const good = start([
    "--from",
    saved,
    "--html",
    page,
    "--json",
    "-",
    "--lang",
    "en",
  ]);
  assert.is((await good.exit(30_000)).code, 0, good.report());
  assert.equal(JSON.parse(good.output.stdout), fixed());
  assert.match(
    await readFile(page, "utf8"),
    /<h1>What differs between the servers\?<\/h1>/,
  );
  await Promise.all(
    fails.map(async ([args, says]) => {
      const script = start(args);
      assert.is((await script.exit(30_000)).code, 2, script.report());
      assert.is(
        script.output.stderr,
        `compare: ${says}; --help lists the options\n`,
      );
    }),
  );
});

test.run();
