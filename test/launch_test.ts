/** Programs that run while others do: scripts/launch.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import {
  launch,
  launched,
  stopAll,
  type Launched,
  type LaunchOptions,
} from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { eventually, suite } from "./helpers/harness.ts";
import { noSignals, notLinux } from "./helpers/machine.ts";

const test = suite("launch");

/** Starts node with a program as text. */
function launchCode<Mark>(
  code: string,
  options?: LaunchOptions<Mark>,
): Launched {
  return launch([process.execPath, "--eval", code], options);
}

const runForever = "setInterval(() => {}, 1000); console.log('ready');";

/** The error with which a promise is rejected. */
async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** Whether a process runs. */
function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("stdout and stderr are kept apart", async () => {
  const program = launchCode("console.log('out'); console.error('err');");
  await program.exit();

  assert.equal(program.output, { stdout: "out\n", stderr: "err\n" });
});

test("exit: the exit code", async () => {
  const program = launchCode("process.exitCode = 7;");
  assert.equal(await program.exit(), { code: 7, signal: null });
});

test.unless(noSignals)("exit: the signal", async () => {
  const program = launchCode(runForever);
  await program.prints(/ready/);
  program.kill("SIGTERM");

  assert.equal(await program.exit(), { code: null, signal: "SIGTERM" });
});

test("exit: the deadline, with what was printed", async () => {
  const program = launchCode(runForever);
  await program.prints(/ready/);
  const { message } = await rejection(program.exit(200));

  assert.match(message, "waited 200 ms for its exit");
  assert.match(message, "stdout: ready");
});

test("a program that doesn't exist: the reason is on stderr", async () => {
  const program = launch(["no-such-program"]);

  assert.equal(await program.exit(), { code: null, signal: null });
  assert.match(program.output.stderr, /no-such-program.*ENOENT/);
});

test("a command that can't be a command throws", async () => {
  assert.throws(() => launch([process.execPath, "\0"]), /null bytes/);
});

test("env is the program's environment", async () => {
  const env = { ...process.env, LECTURE1_COLOR: "blue" };
  const program = launchCode("console.log(process.env.LECTURE1_COLOR)", {
    env,
  });
  await program.exit();

  assert.is(program.output.stdout, "blue\n");
});

test("onMark gets each line of JSON on file descriptor 3", async () => {
  const marks: unknown[] = [];
  const program = launchCode(
    `require("node:fs").writeSync(3, '{"event":"accept"}\\n[1,2]\\n');`,
    { onMark: (mark) => marks.push(mark) },
  );
  await program.until("two marks", () => marks.length === 2);

  assert.equal(marks, [{ event: "accept" }, [1, 2]]);
});

test("ask gets the program's answer", async () => {
  const program = launchCode(
    "process.on('message', (question) => process.send(question.length));",
    { messages: true },
  );
  assert.is(await program.ask("how long?"), 9);
});

test("ask throws when the program has exited", async () => {
  const program = launchCode("", { messages: true });
  await program.exit();
  const { message } = await rejection(program.ask("how long?"));

  assert.match(message, "exited without an answer to how long?");
});

test("prints waits for a text and returns the match", async () => {
  const program = launchCode(
    "setTimeout(() => console.log('port 65432'), 200);",
  );
  const [, port] = await program.prints(/port (\d+)/);

  assert.is(port, "65432");
});

test("prints throws when the program exits without the text", async () => {
  const program = launchCode("console.error('no port');");
  const { message } = await rejection(program.prints(/listening/));

  assert.match(message, "exited without /listening/");
  assert.match(message, "stderr: no port");
});

test("prints throws when the deadline passes", async () => {
  const program = launchCode(runForever);
  const { message } = await rejection(program.prints(/never/, 300));

  assert.match(message, "waited 300 ms for /never/");
});

test("lines: only whole lines", async () => {
  const program = launchCode("process.stdout.write('one\\ntwo\\nthr');");
  await program.exit();

  assert.equal(program.lines(), ["one", "two"]);
});

for (const name of ["stdout", "stderr"] as const)
  test(`maxOutput: only the end of ${name} is kept`, async () => {
    const code = `process.${name}.write("x".repeat(1e6) + "end\\n");`;
    const program = launchCode(code, { maxOutput: 2000 });
    await program.exit();

    const { length } = program.output[name];
    assert.ok(2000 <= length && length <= 4000, `${length} characters`);
    assert.match(program.output[name], /end\n$/);
  });

test("maxOutput: a text in the middle of much output is found", async () => {
  const code = `
    const flood = "x".repeat(1e6) + "\\n";
    process.stdout.write(flood + "port 65432\\n" + flood);
  `;
  const program = launchCode(code, { maxOutput: 65_536 });

  await program.prints(/^port 65432$/m);
});

test("maxOutput: a wait for a flooding program has a deadline", async () => {
  const code = "while (true) console.log('x'.repeat(1000));";
  const program = launchCode(code, { maxOutput: 2000 });
  const { message } = await rejection(program.prints(/never/, 500));

  assert.match(message, "waited 500 ms for /never/");
});

test("kill does nothing when the program has exited", async () => {
  const program = launchCode("");
  await program.exit();
  program.kill("SIGKILL");

  assert.equal(program.exitStatus, { code: 0, signal: null });
});

test("stop kills the program and waits for its exit", async () => {
  const program = launchCode(runForever);
  await program.prints(/ready/);
  await program.stop();

  assert.not(runs(program.pid));
});

/** Prints the process ID of a child that runs forever. */
const parent = `
  const { spawn } = require("node:child_process");
  const forever = "setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ["--eval", forever]);
  console.log("child", child.pid);
`;

async function childOf(program: Launched): Promise<number> {
  const [, pid] = await program.prints(/child (\d+)/);
  return Number(pid);
}

/** Waits until a process has exited: its parent doesn't wait for that. */
async function expectGone(pid: number): Promise<void> {
  await eventually(async () => assert.not(runs(pid), "it still runs"));
}

test.unless(noSignals)("ownGroup: a signal reaches its children", async () => {
  const program = launchCode(parent, { ownGroup: true });
  const child = await childOf(program);
  program.kill("SIGTERM");
  await program.exit();

  await expectGone(child);
});

/** Prints the process ID of a child that runs forever, and exits. */
function parentThatExits(stdio: "inherit" | "ignore"): string {
  return `
    const { spawn } = require("node:child_process");
    const forever = "setInterval(() => {}, 1000)";
    const options = { stdio: "${stdio}" };
    const child = spawn(process.execPath, ["--eval", forever], options);
    console.log("child", child.pid);
    child.unref();
  `;
}

for (const stdio of ["inherit", "ignore"] as const) {
  const output = stdio === "inherit" ? "its output" : "no output";

  test.unless(noSignals)(`a child with ${output} is noticed`, async () => {
    const program = launchCode(parentThatExits(stdio), { ownGroup: true });
    const { code } = await program.ownExit();

    assert.is(code, 0);
    assert.is(await program.leavesProcess(), true);
  });

  test.unless(noSignals)(`a child with ${output} is stopped`, async () => {
    const program = launchCode(parentThatExits(stdio), { ownGroup: true });
    const child = await childOf(program);
    await program.ownExit();
    await program.stop();

    await expectGone(child);
  });
}

test("a program without children leaves no process", async () => {
  const program = launchCode("", { ownGroup: true });
  await program.exit();

  assert.is(await program.leavesProcess(), false);
});

test.unless(noSignals)(
  "stop returns though a child holds the output",
  async () => {
    // Without its own group, the child can't be killed.
    const program = launchCode(parentThatExits("inherit"));
    const child = await childOf(program);
    await program.stop();

    assert.ok(runs(child));
    process.kill(child, "SIGKILL");
  },
);

test.unless(notLinux)("without ownGroup, its children run on", async () => {
  const program = launchCode(parent);
  const child = await childOf(program);
  program.kill("SIGTERM");
  await sleep(300);

  const stillRuns = runs(child);
  if (stillRuns) process.kill(child, "SIGKILL");
  assert.ok(stillRuns);
});

test("what still runs is killed when this process exits", async () => {
  const url = pathToFileURL(projectFile("scripts/launch.js"));
  const code = `
    import { launch } from "${url}";
    const code = "setInterval(() => {}, 1000); console.log('ready')";
    const program = launch([process.execPath, "--eval", code]);
    await program.prints(/ready/);
    console.log("child", program.pid);
    process.exit();
  `;
  const options = ["--input-type=module", "--eval", code];
  const program = launch([process.execPath, ...options]);
  const child = await childOf(program);
  await program.exit();

  await expectGone(child);
});

test("stopAll stops every program", async () => {
  const programs = [launchCode(runForever), launchCode(runForever)];
  await stopAll();

  for (const { exitStatus } of programs) assert.ok(exitStatus);
  assert.equal(launched(), []);
});

test("stopAll leaves one program running", async () => {
  const kept = launchCode(runForever);
  const other = launchCode(runForever);
  await stopAll(kept);

  assert.is(kept.exitStatus, undefined);
  assert.ok(other.exitStatus);
  assert.equal(launched(), [kept]);
});

test.unless(notLinux)("too few open files: what to do", async () => {
  const url = pathToFileURL(projectFile("scripts/launch.js"));
  const code = `
    import { launch } from "${url}";
    for (let i = 0; i < 100; i++)
      launch([process.execPath, "--eval", "setInterval(() => {}, 1000)"]);
  `;
  const node = `"${process.execPath}" --input-type=module --eval "$0"`;
  const program = launch(["sh", "-c", `ulimit -n 40; exec ${node}`, code]);

  assert.is((await program.exit(30_000)).code, 1);
  const advice = "too many open files (EMFILE): raise ulimit -n";
  assert.match(program.output.stderr, advice);
});

test.run();
