/**
 * The programs that compare runs: which are found, and servers of learners that
 * fail.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { clientsInTurn } from "../scripts/compare.ts";
import { openConnection } from "../scripts/compare/connections.ts";
import type { Footprint } from "../scripts/compare/footprint.ts";
import { findPrograms } from "../scripts/compare/programs.ts";
import type { Failure, Found } from "../scripts/compare/result.ts";
import { footprintFromProc, withServer } from "../scripts/compare/server.ts";
import type { Trouble } from "../scripts/compare/texts.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import type { Design } from "../scripts/designs.ts";
import { launched } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { eventually, suite } from "./helpers/harness.ts";
import { noSignals, notLinux } from "./helpers/machine.ts";
import { once } from "./helpers/servers.ts";
import { outcomesOf, resultsOfFailing } from "./helpers/steps.ts";

const test = suite("servers that compare starts");

const originals = projectFile("test/originals");

test("originals that are missing are named", async () => {
  const { missing } = findPrograms(["server", "async"], originals);

  assert.equal(missing, ["lecture1_server.py", "lecture1_client.py"]);
});

test("our client doesn't replace Python's", async () => {
  const { programs } = findPrograms(["server", "async"], originals);

  const found = programs.map(({ design, language, client }) => ({
    design,
    language,
    hasClient: client !== undefined,
  }));
  assert.equal(found, [
    { design: "server", language: "TypeScript", hasClient: true },
    { design: "async", language: "TypeScript", hasClient: true },
    { design: "async", language: "Python", hasClient: false },
  ]);
});

test("memory, threads and CPU time are read from Linux' /proc", async () => {
  const status = "Name:\tpython3\nVmRSS:\t    2048 kB\nThreads:\t3\n";
  const stat = "7 (a (b) c) S 1 7 7 0 -1 4 101 102 103 104 250 50 77 78 20 0";

  assert.equal(footprintFromProc(status, stat), {
    memoryMB: 2,
    threads: 3,
    cpuSeconds: 3,
  });
});

/** What a server of ours reports about itself, and what /proc says about it. */
interface TwoFootprints {
  reported: Footprint;
  inProc: Footprint;
}

/** Asks the threaded server, when it has one client. */
async function askServer(): Promise<TwoFootprints> {
  let reported: Footprint = {};
  let inProc: Footprint = {};
  const file = projectFile("lecture1_server_forever.ts");
  await withServer(
    { design: "forever", language: "TypeScript", file },
    async (server) => {
      await openConnection(server);
      reported = await server.footprint();
      const pid = launched().at(-1)!.pid;
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      inProc = footprintFromProc(status, stat);
      return {};
    },
  );
  return { reported, inProc };
}

const footprints = once(askServer);
const onLinux = test.unless(notLinux);

onLinux("a server reports the memory that it has", async () => {
  const { reported, inProc } = await footprints();

  const differenceMB = Math.abs(reported.memoryMB! - inProc.memoryMB!);
  assert.ok(differenceMB < 5, `${reported.memoryMB}, ${inProc.memoryMB} MB`);
});

onLinux("a server reports the threads that it has", async () => {
  const { reported, inProc } = await footprints();

  assert.is(reported.threads, inProc.threads);
});

onLinux("a server reports the CPU time that it has used", async () => {
  const { reported, inProc } = await footprints();

  // /proc counts hundredths of a second.
  const difference = Math.abs(reported.cpuSeconds! - inProc.cpuSeconds!);
  const times = `${reported.cpuSeconds}, ${inProc.cpuSeconds} s`;
  assert.ok(difference < 0.05, times);
  assert.ok(reported.cpuSeconds! > 0.05, times);
});

onLinux("a server reports how long its last thread took", async () => {
  const { reported } = await footprints();

  const { threadStartMs } = reported;
  assert.ok(threadStartMs! > 2, `${threadStartMs} ms`);
  assert.ok(threadStartMs! < 2000, `${threadStartMs} ms`);
});

/** The first two lines of a learner's server. */
const head = `import net from "node:net";
const port: number = 0;
`;

/** A learner's server that listens. `handler` is what it does with a client. */
function listening(handler: string): string {
  return `net.createServer((client) => { ${handler} })
  .listen(port, "127.0.0.1", function () {
    console.log(\`Server listening on 127.0.0.1:\${(this.address() as any).port}\`);
  });
`;
}

/**
 * A learner's server that echoes, and ends in some way when its client leaves.
 */
function endingBy(call: string): string {
  return listening(`client.pipe(client).on("finish", () => process.${call});`);
}

/** How a learner's server is run. */
interface ServerOptions {
  fileName?: string;
  design?: Design;
  /** The client program; the lecture's unless given. */
  client?: string;
  patienceMs?: number;
}

/** Runs the first step with a learner's server and two clients. */
async function foundOf(
  body: string,
  options: ServerOptions = {},
): Promise<Found> {
  const { fileName = "server.ts", design = "async" } = options;
  const { client = projectFile("lecture1_client.ts"), patienceMs } = options;
  const file = join(await temporaryFolder(), fileName);
  await writeFile(file, head + body);
  return withServer(
    { design, language: "TypeScript", file, client },
    (server) =>
      clientsInTurn({
        server,
        options: { clients: 2, loadSeconds: 0.3, grow: false },
      }),
    patienceMs,
  );
}

/** Runs the first step with a learner's server, which fails. */
async function failureOf(
  body: string,
  options?: ServerOptions,
): Promise<Failure> {
  const found = await resultsOfFailing(foundOf(body, options));

  const stillRunning = launched().filter(({ exitStatus }) => !exitStatus);
  assert.is(stillRunning.length, 0, "a process is left running");
  return found.failure!;
}

test("a server that doesn't report that it listens: its last line", async () => {
  const body = 'console.log("서버가 듣는 중");\nsetInterval(() => {}, 1e6);';

  const failure = await failureOf(body, { patienceMs: 3000 });

  assert.is(failure.trouble, "silent");
  assert.is(failure.detail, "3 s");
  assert.equal(failure.lastLines, ["서버가 듣는 중"]);
});

test("a server that throws at its start: the line of its file", async () => {
  const fileName = "한글 %20 1.ts";

  const failure = await failureOf('throw new Error("no arm");', { fileName });

  assert.is(failure.trouble, "ended");
  assert.is(failure.detail, "1");
  const lines = failure.lastLines.join("\n");
  assert.match(lines, /\nError: no arm\nat .*한글 %20 1\.ts:3:7/);
});

test("a server that doesn't compile: the line of its file", async () => {
  const failure = await failureOf("const x = ;", { fileName: "1.ts" });

  assert.is(failure.trouble, "error");
  assert.match(failure.detail, /1\.ts:3: Unexpected ";"/);
});

test("a server that throws later: the line of its file", async () => {
  const handler = `client.on("data", () => {
  throw new Error("arm lost");
});`;

  const failure = await failureOf(listening(handler), { fileName: "1.ts" });

  assert.is(failure.trouble, "ended");
  assert.is(failure.detail, "1");
  const lines = failure.lastLines.join("\n");
  assert.match(lines, /\nError: arm lost\nat .*1\.ts:4:9\)?$/);
});

interface FloodCase {
  title: string;
  /** What prints without end. */
  body: string;
  /** What the last line consists of. */
  letter: string;
}

const floodCases: FloodCase[] = [
  {
    title: "a server that prints without end: its last lines",
    body: "while (true) console.log('x'.repeat(500));",
    letter: "x",
  },
  {
    title: "a server whose line has no end: the end of it",
    body: `function write() { process.stdout.write("x".repeat(65536), write); }
write();`,
    letter: "x",
  },
  {
    title: "a server that prints errors without end: its last lines",
    body: "while (true) console.error('e'.repeat(500));",
    letter: "e",
  },
];

for (const { title, body, letter } of floodCases)
  test(title, async () => {
    const failure = await failureOf(body, { patienceMs: 2000 });

    assert.is(failure.trouble, "silent");
    assert.is(failure.detail, "2 s");
    const cut = `${letter.repeat(200)}…`;
    assert.is(failure.lastLines.at(-2) ?? failure.lastLines[0], cut);
  });

test("a server that prints all the time is measured", async () => {
  const ticks = 'setInterval(() => console.log("tick".repeat(9999)), 0);\n';
  const found = await foundOf(ticks + listening("client.pipe(client);"));

  assert.equal(outcomesOf(found), ["answered", "answered"]);
});

for (const stdio of ["inherit", "ignore"])
  test.unless(noSignals)(
    `a child that keeps running, stdio ${stdio}`,
    async () => {
      const code = "setInterval(() => {}, 1000)";
      const child = `import { spawn } from "node:child_process";
const child = spawn(process.execPath, ["-e", "${code}"], { stdio: "${stdio}" });
child.unref();
console.log("child " + child.pid);
`;
      const body = child + endingBy("exit(0)");
      const failure = await failureOf(body, { design: "server" });

      assert.is(failure.trouble, "leaves");
      const [, pid] = /child (\d+)/.exec(failure.lastLines.join("\n"))!;
      await eventually(async () => {
        assert.throws(() => process.kill(Number(pid), 0), /ESRCH/);
      });
    },
  );

test("a server whose file is missing", async () => {
  const file = join(await temporaryFolder(), "server.ts");
  const step = withServer(
    { design: "async", language: "TypeScript", file },
    async () => ({}),
  );
  const { failure } = await resultsOfFailing(step);

  assert.is(failure!.trouble, "noFile");
  assert.is(failure!.detail, file);
});

test("a client that fails: not the server's last lines", async () => {
  const client = join(await temporaryFolder(), "client.ts");
  await writeFile(client, "process.exit(3);");
  const echoes = listening("client.pipe(client);");
  const failure = await failureOf(echoes, { client });

  assert.is(failure.trouble, "clientEnded");
  assert.equal(failure.lastLines, []);
});

interface EndCase {
  title: string;
  /** How the server ends when its client has left. */
  call: string;
  design: Design;
  trouble: Trouble;
  detail: string;
}

const endCases: EndCase[] = [
  {
    title: "a server for one client that ends with exit code 1",
    call: "exit(1)",
    design: "server",
    trouble: "ended",
    detail: "1",
  },
  {
    title: "a server for many clients that ends with exit code 0",
    call: "exit(0)",
    design: "async",
    trouble: "ended",
    detail: "0",
  },
];

for (const { title, call, design, trouble, detail } of endCases)
  test(title, async () => {
    const failure = await failureOf(endingBy(call), { design });

    assert.is(failure.trouble, trouble);
    assert.is(failure.detail, detail);
  });

test.unless(noSignals)("a server that is killed: the signal", async () => {
  const kills = listening('process.kill(process.pid, "SIGKILL");');

  const failure = await failureOf(kills);

  assert.is(failure.trouble, "died");
  assert.is(failure.detail, "SIGKILL");
});

test.run();
