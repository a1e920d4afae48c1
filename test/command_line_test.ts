/** The command lines of the scripts: scripts/commandLine.ts. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import {
  expectAllowed,
  parseFlags,
  ScriptError,
  UsageError,
  withSpinner,
  write,
} from "../scripts/commandLine.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { projectFile, tsxLoader } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";
import { noSignals, noTerminal, notLinux } from "./helpers/machine.ts";
import { openTerminal } from "./helpers/pseudoTerminal.ts";

const test = suite("command line");

/** Writes a script that has the module under test as `commandLine`. */
async function writeScript(file: string, code: string): Promise<string> {
  const path = join(await temporaryFolder(), file);
  const url = pathToFileURL(projectFile("scripts/commandLine.js"));
  await writeFile(path, `import * as commandLine from "${url}";\n${code}`);
  return path;
}

/** Starts a script that has the module under test as `commandLine`. */
async function startScript(code: string, ...args: string[]): Promise<Launched> {
  const file = await writeScript("script.mjs", code);
  return launch([process.execPath, file, ...args]);
}

// parseFlags()

const options = {
  alone: { type: "boolean" },
  json: { type: "string" },
  html: { type: "string" },
  clients: { type: "string", short: "n" },
  lang: { type: "string" },
} as const;

test("parseFlags: the value of each option that was given", async () => {
  const args = ["--alone", "--json", "a.json", "-n", "3", "--html=b.html"];
  const flags = parseFlags(args, options);

  assert.equal(
    { ...flags },
    { alone: true, json: "a.json", clients: "3", html: "b.html" },
  );
});

test("parseFlags: a value that looks like an option, after =", async () => {
  const flags = parseFlags(["--json=--html"], options);
  assert.equal({ ...flags }, { json: "--html" });
});

test("parseFlags: - is a value", async () => {
  const flags = parseFlags(["--json", "-"], options);
  assert.equal({ ...flags }, { json: "-" });
});

for (const { args, message } of [
  { args: ["--nonsense"], message: "unknown option --nonsense" },
  { args: ["-x"], message: "unknown option -x" },
  { args: ["word"], message: "unexpected argument word" },
  {
    args: ["--clients"],
    message: "--clients: the value is missing, or the option takes no value",
  },
  {
    args: ["--json="],
    message: "--json: the value is missing, or the option takes no value",
  },
  {
    args: ["--json", "--alone"],
    message: "--json: the value is missing, or the option takes no value",
  },
  {
    args: ["--alone=1"],
    message: "--alone: the value is missing, or the option takes no value",
  },
  { args: ["--lang", "fr"], message: "--lang must be en, ko" },
  { args: ["-x", "--lang", "ko"], message: "-x 옵션은 없습니다" },
  {
    args: ["--json=", "--lang", "ko"],
    message: "--json: 값이 없거나, 값을 줄 수 없는 옵션입니다",
  },
  { args: ["word", "--lang", "ko"], message: "필요 없는 인자입니다: word" },
])
  test(`parseFlags: ${args.join(" ")}`, async () => {
    assert.throws(
      () => parseFlags(args, options),
      (error: unknown) =>
        error instanceof UsageError && error.message === message,
    );
  });

// expectAllowed()

test("expectAllowed: what is allowed", async () => {
  expectAllowed("--load", "0.1-60", true, "en");
});

for (const { language, message } of [
  { language: "en", message: "--load must be 0.1-60" },
  { language: "ko", message: "--load에 쓸 수 있는 값: 0.1-60" },
] as const)
  test(`expectAllowed: what isn't, in ${language}`, async () => {
    assert.throws(
      () => expectAllowed("--load", "0.1-60", false, language),
      (error: unknown) =>
        error instanceof UsageError && error.message === message,
    );
  });

// write()

test("write: a file", async () => {
  const file = join(await temporaryFolder(), "report.json");
  await write(file, "안녕\n", "en");

  assert.is(await readFile(file, "utf8"), "안녕\n");
});

test("write: - is stdout, and all of it", async () => {
  const script = await startScript(`
    await commandLine.write("-", "x".repeat(1e6), "en");
    process.exit();
  `);

  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.is(script.output.stdout.length, 1e6);
});

for (const { language, message } of [
  { language: "en", message: "can't write FILE (ENOENT)" },
  { language: "ko", message: "FILE에 쓸 수 없습니다(ENOENT)" },
] as const)
  test(`write: a file that can't be written, in ${language}`, async () => {
    const file = join(await temporaryFolder(), "no folder", "report.json");
    const error = await write(file, "text", language).catch((error) => error);

    assert.instance(error, ScriptError);
    assert.is(
      error.message,
      message.replace("FILE", () => file),
    );
    assert.is(error.exitCode, 1);
  });

// runMain()

/** Starts a script whose main function throws an error. */
function startFailing(error: string, ...args: string[]): Promise<Launched> {
  const code = `
    await commandLine.runMain("tool", async () => {
      throw new ${error};
    });
  `;
  return startScript(code, ...args);
}

test("runMain: main gets the words after the script's name", async () => {
  const script = await startScript(
    'await commandLine.runMain("tool", async (args) => console.log(args));',
    "one",
    "two",
  );
  await script.exit();

  assert.is(script.output.stdout, "[ 'one', 'two' ]\n");
});

test("runMain: a ScriptError is one line, exit code 1", async () => {
  const script = await startFailing('commandLine.ScriptError("no tshark")');

  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.equal(script.output, { stdout: "", stderr: "tool: no tshark\n" });
});

test("runMain: a ScriptError's own exit code", async () => {
  const script = await startFailing('commandLine.ScriptError("no", 3)');
  assert.equal(await script.exit(), { code: 3, signal: null });
});

test("runMain: a UsageError points to --help, exit code 2", async () => {
  const script = await startFailing('commandLine.UsageError("no -x")');

  assert.equal(await script.exit(), { code: 2, signal: null });
  assert.equal(script.output, {
    stdout: "",
    stderr: "tool: no -x; see --help\n",
  });
});

test("runMain: a UsageError in Korean", async () => {
  const script = await startFailing(
    'commandLine.UsageError("-x 없음")',
    "--lang=ko",
  );
  await script.exit();

  const stderr = "tool: -x 없음; 옵션 목록은 --help로 볼 수 있습니다\n";
  assert.is(script.output.stderr, stderr);
});

test("runMain: any other error keeps its stack", async () => {
  const script = await startFailing('TypeError("a bug")');

  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.match(script.output.stderr, /TypeError: a bug\r?\n +at .*script\.mjs/);
});

// isMain()

test("isMain: a file that is started", async () => {
  const script = await startScript(
    "console.log(commandLine.isMain(import.meta.url));",
  );
  await script.exit();

  assert.is(script.output.stdout, "true\n");
});

test("isMain: a file that is started without its .ts", async () => {
  const file = await writeScript(
    "script.ts",
    "console.log(commandLine.isMain(import.meta.url));",
  );
  const started = file.replace(/\.ts$/, "");
  const script = launch([process.execPath, ...tsxLoader, started]);
  await script.exit();

  assert.equal(script.output, { stdout: "true\n", stderr: "" });
});

test("isMain: a file that is imported", async () => {
  const file = await writeScript(
    "imported.mjs",
    "console.log(commandLine.isMain(import.meta.url));",
  );
  const script = await startScript(`import "${pathToFileURL(file)}";`);
  await script.exit();

  assert.is(script.output.stdout, "false\n");
});

// exitEarly()

for (const { signal, code } of [
  { signal: "SIGHUP", code: 129 },
  { signal: "SIGINT", code: 130 },
  { signal: "SIGTERM", code: 143 },
] as const)
  test.unless(noSignals)(
    `exitEarly: ${signal} is exit code ${code}`,
    async () => {
      const script = await startScript(`
      commandLine.exitEarly({ script: "tool", language: "en" });
      setInterval(() => {}, 1000);
      console.log("ready");
    `);
      await script.prints(/ready/);
      script.kill(signal);

      assert.equal(await script.exit(), { code, signal: null });
      assert.is(script.output.stderr, "");
    },
  );

test.unless(noSignals)("exitEarly: a second Ctrl+C does nothing", async () => {
  const script = await startScript(`
    function stop(exitCode) {
      console.log("stop", exitCode);
      setTimeout(() => process.exit(7), 500);
    }
    commandLine.exitEarly({ script: "tool", language: "en", stop });
    setInterval(() => {}, 1000);
    console.log("ready");
  `);
  await script.prints(/ready/);
  script.kill("SIGINT");
  await script.prints(/stop/);
  script.kill("SIGINT");

  assert.equal(await script.exit(), { code: 7, signal: null });
  assert.equal(script.lines(), ["ready", "stop 130"]);
});

test("exitEarly: stdout whose reader has exited", async () => {
  const script = await startScript(`
    commandLine.exitEarly({ script: "tool", language: "en" });
    setInterval(() => console.log("line"), 10);
  `);
  await script.prints(/line/);
  script.child.stdout!.destroy();

  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.is(script.output.stderr, "");
});

for (const { language, stderr } of [
  { language: "en", stderr: "tool: can't write stdout (ENOSPC)\n" },
  { language: "ko", stderr: "tool: stdout에 쓸 수 없습니다(ENOSPC)\n" },
])
  test.unless(notLinux)(`exitEarly: a full disk, in ${language}`, async () => {
    const file = await writeScript(
      "script.mjs",
      `
        commandLine.exitEarly({ script: "tool", language: "${language}" });
        console.log("line");
      `,
    );
    const command = `exec "${process.execPath}" "${file}" > /dev/full`;
    const script = launch(["sh", "-c", command]);

    assert.equal(await script.exit(), { code: 1, signal: null });
    assert.is(script.output.stderr, stderr);
  });

// withSpinner()

test("withSpinner: returns what the task returns", async () => {
  const result = await withSpinner("waiting", async () => "result");
  assert.is(result, "result");
});

const spinning = `
  await commandLine.withSpinner("three servers", async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  console.log("done");
`;

test.unless(noTerminal)("withSpinner: a terminal shows the wait", async () => {
  const file = await writeScript("script.mjs", spinning);
  const terminal = openTerminal(`"${process.execPath}" "${file}"`);

  assert.is(await terminal.exit(), 0);
  assert.match(terminal.screen(), /three servers[^]*done/);
});

test("withSpinner: a pipe shows only the output", async () => {
  const script = await startScript(spinning);
  await script.exit();

  assert.equal(script.output, { stdout: "done\n", stderr: "" });
});

test.run();
