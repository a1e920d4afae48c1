import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { parseOptions } from "../scripts/compare/options.ts";
import { picture } from "../scripts/compare/picture.ts";
import type { Comparison, ServerResult } from "../scripts/compare/result.ts";
import { sentences } from "../scripts/compare/sentences.ts";
import { table } from "../scripts/compare/table.ts";
import { projectFile, tsxLoader } from "../scripts/launch.ts";
import {
  hasSignals,
  launchMarked,
  noneLeft,
  onLinux,
  suite,
  temporaryFolder,
} from "./harness.ts";

const test = suite("compare");

/** Starts compare; whatever it starts inherits a mark in its environment. */
function start(args: string[], fixtures?: string) {
  const file = projectFile("scripts/compare.ts");
  return launchMarked(
    [process.execPath, ...tsxLoader, file, ...args],
    fixtures ? { LECTURE1_FIXTURES: fixtures } : {},
  );
}

/** Runs compare with small numbers to its end and reads its JSON. */
async function run(args: string[], code = 0, fixtures?: string) {
  const small = ["-n", "3", "--stay", "2000", "--load", "0.3", "--json", "-"];
  const script = start([...small, ...args], fixtures);
  assert.is((await script.exit(60_000)).code, code);
  await noneLeft(script.mark);
  const comparison = JSON.parse(script.output.stdout) as Comparison;
  const [first, second, third] = comparison.servers;
  return { comparison, first: first!, second: second!, third: third! };
}

function outcomes(server: ServerResult) {
  return {
    inTurn: server.inTurn?.map(({ outcome }) => outcome),
    stay: server.stay?.clients.map(({ outcome }) => outcome),
  };
}

test("a real run finds what the lecture's tables say", async () => {
  const { comparison, first, second, third } = await run([]);
  assert.equal(
    comparison.servers.map(({ design, failure }) => ({ design, failure })),
    ["server", "forever", "async"].map((design) => ({
      design,
      failure: undefined,
    })),
  );
  assert.equal(outcomes(first), {
    inTurn: ["answered", "refused", "refused"],
    stay: ["reset", "reset", "reset"],
  });
  const all = ["answered", "answered", "answered"];
  for (const server of [second, third])
    assert.equal(outcomes(server), { inTurn: all, stay: all });
  for (const run of first.stay!.clients)
    assert.ok(run.endedMs > first.stay!.leftMs, "reset before the stayer left");

  for (const { load } of comparison.servers) {
    assert.is(load?.wrong, 0);
    assert.ok(load!.echoesPerSecond > 100);
    assert.ok(load!.p50Ms <= load!.p99Ms);
    assert.ok(load!.memoryWithMB > 20);
  }
  assert.is(first.load?.unanswered, 2);
  if (onLinux) {
    // One for each connection; Node 20.11 starts another one with each Worker.
    assert.ok(second.load!.threadsWith! - second.load!.threadsBefore! >= 3);
    assert.is(third.load!.threadsWith! - third.load!.threadsBefore!, 0);
  }
  if (!hasSignals) return;
  const stops = comparison.servers.map(({ ctrlC }) => {
    assert.type(ctrlC, "object");
    const { echoed, disconnected, exit } = ctrlC as Exclude<
      typeof ctrlC,
      string | undefined
    >;
    return { echoed, disconnected, ...exit };
  });
  assert.equal(stops, [
    { echoed: false, disconnected: true, code: null, signal: "SIGINT" },
    { echoed: true, disconnected: false, code: 0, signal: null },
    { echoed: false, disconnected: true, code: 0, signal: null },
  ]);
});

const originals = process.env.LECTURE1_ORIGINALS ?? "originals";
test.when(existsSync(join(originals, "lecture1_server.py")))(
  "--python: the originals beside the ports, and crosswise",
  async () => {
    const only = ["--only", "server", "--python", originals];
    const { comparison, first, second } = await run(only);
    assert.equal([first.language, second.language], ["Python", "TypeScript"]);
    assert.equal(outcomes(first), outcomes(second));
    assert.equal(first.transcript, second.transcript);
    assert.equal(
      comparison.crosswise.map(({ client, outcome }) => [client, outcome]),
      [
        ["TypeScript", "answered"],
        ["Python", "answered"],
      ],
    );
    const said = sentences(comparison).join("\n");
    assert.match(
      said,
      /server and its Python original printed the same 3 lines/,
    );
  },
);

test("wrong options: one line, exit 2", async () => {
  const script = start(["--clients", "many"]);
  assert.is((await script.exit()).code, 2);
  assert.equal(script.output, {
    stdout: "",
    stderr:
      "compare: --clients many: write a number from 1 to 500; --help lists the options\n",
  });
  for (const args of [
    ["-n", "0"],
    ["-n", "501"],
    ["-n", "1.5"],
    ["--stay", "-1"],
    ["--load", "0"],
    ["--load", "x"],
    ["--only", "server,threads"],
    ["--only", ""],
    ["--python", "/no/such/folder"],
    ["--json", ""],
    ["--colour"],
    ["server"],
  ])
    assert.throws(() => parseOptions(args), undefined, args.join(" "));
});

/** Servers that go wrong: what each does with its port and clients. */
const neverStarts = "console.error('no robot here'); process.exit(3);";
const dies =
  "serve((client) => client.on('data', (data) => { client.end(data); setTimeout(() => process.exit(7), 20); }));";
const hangs = "serve(() => {});";
const answersWrongly =
  "serve((client) => client.on('data', () => client.end('Hello, Robot!')));";

for (const [first, firstFails, second, secondFails] of [
  [
    neverStarts,
    /it ended before it listened/,
    hangs,
    /it hangs: no answer in 5 s/,
  ],
  [
    dies,
    /it died: exit code 7/,
    answersWrongly,
    /answers wrongly: .*Hello, Robot!/,
  ],
] as const)
  test(`servers that fail (${firstFails}, ${secondFails}) are reported, the third is measured`, async () => {
    const folder = await temporaryFolder();
    const serve = `import net from "node:net";
const port = process.argv[3];
const serve = (treat) => net.createServer(treat).listen(port, "127.0.0.1", () =>
  console.log("Server listening on 127.0.0.1:" + port));\n`;
    const names = ["lecture1_server.ts", "lecture1_server_forever.ts"];
    await writeFile(join(folder, names[0]!), serve + first);
    await writeFile(join(folder, names[1]!), serve + second);
    const { comparison, ...servers } = await run([], 1, folder);
    for (const [server, message] of [
      [servers.first, firstFails],
      [servers.second, secondFails],
    ] as const) {
      assert.is(server.failure?.step, "clients in turn");
      assert.match(server.failure!.message, message);
    }
    assert.is(servers.third.failure, undefined);
    assert.type(servers.third.ctrlC, "object");
    const said = sentences(comparison).join("\n");
    assert.match(said, /server FAILED at .*\n.*forever FAILED at/);
    if (first === neverStarts) assert.match(said, /no robot here/);
    assert.match(stripVTControlCharacters(table(comparison)), /failed/);
  });

test.when(hasSignals && onLinux)(
  "Ctrl+C in the middle: exit 130, no process is left",
  async () => {
    const script = start(["-n", "6"]);
    await script.saw(/clients while one stays/, 20_000);
    script.kill("SIGINT");
    assert.equal(await script.exit(), { code: 130, signal: null });
    await noneLeft(script.mark);
  },
);

/** A run as it might have been, with round numbers. */
function fixed(): Comparison {
  const server = (
    design: ServerResult["design"],
    outcome: "answered" | "reset",
    endedMs: number,
    echoesPerSecond: number,
    threadsWith: number,
    echoed: boolean,
  ): ServerResult => ({
    design,
    language: "TypeScript",
    file: `/lecture/lecture1_${design}.ts`,
    inTurn: [
      { startedMs: 0, endedMs: 100, outcome, text: "" },
      { startedMs: 100, endedMs: 300, outcome, text: "" },
    ],
    stay: {
      leftMs: 1000,
      clients: [
        { startedMs: 0, endedMs, outcome, text: "" },
        { startedMs: 10, endedMs, outcome, text: "" },
      ],
    },
    load: {
      connections: 2,
      unanswered: design === "server" ? 1 : 0,
      wrong: 0,
      seconds: 1,
      firstEchoMs: 20,
      echoesPerSecond,
      p50Ms: 0.1,
      p99Ms: 12.3,
      threadsBefore: 11,
      threadsWith,
      memoryBeforeMB: 40,
      memoryWithMB: 60,
    },
    ctrlC: {
      echoed,
      disconnected: !echoed,
      exit: { code: 0, signal: null },
      tookMs: 15,
    },
    transcript: [],
  });
  return {
    machine: { system: "Linux", cores: 2, runtime: "Node", start: "node" },
    options: { clients: 2, stayMs: 1000, loadSeconds: 1 },
    processesAtOnce: 2,
    tookSeconds: 9,
    servers: [
      server("server", "reset", 1100, 500, 11, false),
      server("forever", "answered", 200, 10_000, 13, true),
      server("async", "answered", 150, 30_000, 11, false),
    ],
    crosswise: [],
    missing: [],
  };
}

test("the picture: who waits, who is answered, who is dropped", async () => {
  const drawn = (columns: number) =>
    stripVTControlCharacters(picture(fixed().servers, columns)).split("\n");
  const wide = drawn(80);
  assert.match(wide[0]!, /^lecture1_server\.ts$/);
  assert.match(wide[1]!, /^stays   █+ +leaves$/);
  assert.match(wide[2]!, /^ {5}1  ─+✗ +reset$/);
  assert.match(wide[6]!, /^ {5}1  ─+● +answered$/);
  assert.match(wide.at(-2)!, /^ +0 +1\.1 s$/);
  const length = (lines: string[]) =>
    Math.max(...lines.slice(0, -1).map((line) => line.length));
  assert.ok(length(wide) <= 80);
  assert.ok(length(drawn(40)) <= 40);
  assert.is(drawn(40).length, wide.length);
});

test("the picture of 200 clients names those it doesn't draw", async () => {
  const { servers } = fixed();
  const [run] = servers[1]!.stay!.clients;
  servers[1]!.stay!.clients = Array(200).fill(run);
  const drawn = stripVTControlCharacters(picture(servers, 80));
  assert.match(drawn, /… and 180 more: 180 answered/);
});

test("the table: a column for each server, a unit for each number", async () => {
  const lines = stripVTControlCharacters(table(fixed())).split("\n");
  const widest = (lines: string[]) =>
    Math.max(...lines.map((line) => line.length));
  assert.ok(widest(lines) <= 80);
  const narrow = stripVTControlCharacters(table(fixed(), 50)).split("\n");
  assert.ok(widest(narrow) <= 50);
  for (const word of ["p50", "p99", "second", "median"])
    assert.match(narrow.join("\n"), word, "titles wrap, nothing is cut");
  const row = (title: string) =>
    lines
      .find((line) => line.includes(title))!
      .split("│")
      .slice(2, -1)
      .map((cell) => cell.trim());
  assert.equal(row("1. clients in turn"), [
    "2 reset",
    "2 answered",
    "2 answered",
  ]);
  assert.equal(row("one client, median"), ["-", "150 ms", "150 ms"]);
  assert.equal(row("echoes per second"), ["500", "10,000", "30,000"]);
  assert.equal(row("threads before, with"), ["11, 11", "11, 13", "11, 11"]);
  assert.equal(row("memory before, with"), Array(3).fill("40 MB, 60 MB"));
  assert.equal(row("latency p99"), Array(3).fill("12 ms"));
  assert.equal(row("Ctrl+C: the client"), [
    "disconnected",
    "gets its echo",
    "disconnected",
  ]);
});

test("what a platform can't tell is said, not 0", async () => {
  const comparison = fixed();
  for (const server of comparison.servers) {
    delete server.load!.threadsBefore;
    delete server.load!.threadsWith;
    server.ctrlC = "not on this system";
  }
  const text = stripVTControlCharacters(table(comparison));
  assert.is(text.match(/not on this system/g)?.length, 12);
  assert.not.match(sentences(comparison).join("\n"), /threads|Ctrl/);
});

test("the sentences follow the numbers", async () => {
  const comparison = fixed();
  const [server, forever, async] = comparison.servers;
  const said = () => sentences(comparison).join("\n");
  assert.match(said(), /Clients in turn, forever and async: 2 answered each\./);
  assert.match(
    said(),
    /While one client stayed for 1\.0 s, server answered 0 of 2 others; in the end: 2 reset/,
  );
  assert.match(
    said(),
    /While one client stayed, forever answered all 2 others; the slowest took 200 ms/,
  );
  assert.match(
    said(),
    /For 2 connections forever took 2 more threads and 20 MB more memory, 10 MB each/,
  );
  assert.match(
    said(),
    /async made the most echoes, 30,000 a second: 3\.0 times as many as forever/,
  );
  assert.match(
    said(),
    /At Ctrl\+C to server and async the connected client was disconnected/,
  );

  forever!.load!.echoesPerSecond = 60_000;
  assert.match(
    said(),
    /forever made the most echoes, 60,000 a second: 2\.0 times as many as async/,
  );
  async!.stay!.clients[0]!.endedMs = 1200;
  assert.match(
    said(),
    /While one client stayed for 1\.0 s, async answered 1 of 2 others/,
  );
  server!.stay!.clients.forEach((run) =>
    Object.assign(run, { outcome: "answered", endedMs: 5 }),
  );
  assert.match(said(), /While one client stayed, server answered all 2 others/);
  delete forever!.load;
  assert.not.match(said(), /times as many/);
});

test.run();
