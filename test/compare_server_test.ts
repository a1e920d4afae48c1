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
import { suite } from "./helpers/harness.ts";
import { noSignals, notLinux } from "./helpers/machine.ts";
import { once } from "./helpers/servers.ts";
import { resultsOfFailing } from "./helpers/steps.ts";

const test = suite("servers that compare starts");

const originals = projectFile("test/originals");

test("originals that are missing are named", async () => {
  const { missing } = findPrograms(["server", "async"], originals);

  assert.equal(missing, ["lecture1_server.py", "lecture1_client.py"]);
});

test("our client doesn't take the place of Python's", async () => {
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

/** Runs the first step with a learner's server, which fails. */
async function failureOf(
  body: string,
  {
    fileName = "server.ts",
    design = "async" as Design,
    patienceMs = 10_000,
  } = {},
): Promise<Failure> {
  const file = join(await temporaryFolder(), fileName);
  await writeFile(file, head + body);
  const client = projectFile("lecture1_client.ts");
  const options = { clients: 4, loadSeconds: 0.3, grow: false };
  const step: Promise<Found> = withServer(
    { design, language: "TypeScript", file, client },
    (server) => clientsInTurn({ server, options }),
    patienceMs,
  );
  const found = await resultsOfFailing(step);

  const stillRunning = launched().filter(({ exitStatus }) => !exitStatus);
  assert.is(stillRunning.length, 0, "a process is left running");
  return found.failure!;
}

test("a server that doesn't say that it listens: its last line", async () => {
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
