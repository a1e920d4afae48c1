/** compare: what it measures, on a quiet machine and on a busy one, and how it shows it. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { growth } from "../scripts/compare/growth.ts";
import { allAtOnce, levelsOf } from "../scripts/compare/load.ts";
import {
  idle,
  inTurn,
  whileOneStays,
  type Found,
  type Task,
} from "../scripts/compare/measure.ts";
import { parseOptions } from "../scripts/compare/options.ts";
import { picture } from "../scripts/compare/picture.ts";
import type {
  Comparison,
  CtrlC,
  ServerResult,
} from "../scripts/compare/result.ts";
import {
  answer,
  details,
  notes,
  parity,
  whosePrice,
} from "../scripts/compare/sentences.ts";
import * as servers from "../scripts/compare/servers.ts";
import { table } from "../scripts/compare/table.ts";
import { texts } from "../scripts/compare/texts.ts";
import {
  answeredMeanwhile,
  longestWait,
  rate,
  time,
  waitOf,
} from "../scripts/compare/words.ts";
import {
  freePort,
  launch,
  listening,
  projectFile,
} from "../scripts/processes.ts";
import { copyProject } from "./copy.ts";
import { fixed } from "./fixed.ts";
import {
  hasSignals,
  launchMarked,
  noLinks,
  noSignals,
  noneLeft,
  notLinux,
  onLinux,
  program,
  suite,
  temporaryFolder,
} from "./harness.ts";
import { noPython } from "./python.ts";
import { sectionsOf } from "./documents.ts";

const test = suite("compare");
const words = texts.en;
const plain = stripVTControlCharacters;

/** Starts compare, perhaps that of a copy; whatever it starts inherits a mark in its environment. */
function start(args: string[], folder?: string) {
  return launchMarked([...program("scripts/compare.ts", folder), ...args]);
}

/** Runs compare with small numbers to its end and reads its JSON. */
async function run(args: string[], code = 0, folder?: string) {
  const small = ["-n", "3", "--stay", "300", "--load", "0.1", "--json", "-"];
  const script = start([...small, ...args], folder);
  assert.is((await script.exit(100_000)).code, code);
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

/** The fields of the JSON, by the reference: all that stands between backquotes in its tables. */
const named = new Set(
  sectionsOf("docs/reference.md")
    .filter(({ title }) => title === "compare")
    .flatMap(({ tables }) => tables.flat(2))
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)])
    .map(([, name]) => name!.replace("[]", "").split(".").at(-1)!),
);

/** Every key in an object and in what it holds. */
function fieldsOf(value: unknown, keys = new Set<string>()): Set<string> {
  if (typeof value !== "object" || value === null) return keys;
  for (const [key, held] of Object.entries(value)) {
    if (!Array.isArray(value)) keys.add(key);
    fieldsOf(held, keys);
  }
  return keys;
}

const originals = process.env.LECTURE1_ORIGINALS ?? "originals";
const here = existsSync(join(originals, "lecture1_server.py"));
const noOriginals =
  noPython ||
  (!here && `LECTURE1_ORIGINALS names no folder with the course's originals`);

/** All four originals: those that are the course's, and those that are the tests' own. */
async function allOriginals(): Promise<string> {
  const folder = await temporaryFolder();
  const ours = projectFile("test/originals");
  for (const [from, name] of [
    [originals, "lecture1_client.py"],
    [originals, "lecture1_server.py"],
    [ours, "lecture1_server_forever.py"],
    [ours, "lecture1_server_forever_async.py"],
  ] as const)
    await copyFile(join(from, name), join(folder, name));
  return folder;
}

/** One whole run, beside the originals where they are. */
let whole: Comparison;

test("a real run finds what the lecture's tables say", async () => {
  const beside = noOriginals ? [] : ["--python", await allOriginals()];
  const { comparison } = await run(beside);
  whole = comparison;
  const ours = comparison.servers.filter(
    ({ language }) => language === "TypeScript",
  );
  const [first, second, third] = ours as [
    ServerResult,
    ServerResult,
    ServerResult,
  ];
  assert.equal(
    ours.map(({ design, failure }) => ({ design, failure })),
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

  for (const { inTurn, stay } of ours)
    for (const run of [...inTurn!, ...stay!.clients]) {
      if (run.outcome === "refused") assert.is(run.connectedMs, undefined);
      else assert.ok(run.startedMs < run.connectedMs!);
      assert.ok((run.connectedMs ?? run.startedMs) < run.reportedMs!);
      assert.ok(run.reportedMs! < run.endedMs + 1, "reported after its end");
    }
  for (const run of first.stay!.clients) {
    assert.ok(run.reportedMs! > first.stay!.leftMs, "reset before it left");
    assert.ok(waitOf(run)! >= 290, "it was not let wait for --stay");
  }

  for (const { growth, load, design } of ours) {
    assert.equal(
      growth!.map(({ connections }) => connections),
      design === "server" ? [3] : [1, 3, 15],
    );
    assert.ok(growth!.some((one) => one.connections === load!.connections));
    for (const one of growth!) {
      assert.is(one.wrong, 0);
      // The machine may stop for longer than a window, and then an echo waited as long.
      for (const window of one.windows) {
        const came = window.echoesPerSecond > 0;
        assert.ok(came || one.oldestWaitMs >= 1000 * window.seconds - 1);
      }
      assert.ok(one.p50Ms <= one.p90Ms && one.p90Ms <= one.p99Ms);
      assert.ok(one.oldestWaitMs >= one.p50Ms);
      assert.ok(one.memoryWithMB! > 20);
      const leastUsed = one.echoesPerSecond * 1e-6; // an echo takes a microsecond and more
      // Windows counts CPU time in steps of 16 ms.
      assert.ok(one.coresUsed! > leastUsed || process.platform === "win32");
      assert.ok(one.coresUsed! < 8);
      assert.is(one.windows.length, one.connections === 3 ? 5 : 3);
    }
  }
  assert.is(first.load?.unanswered, 2);
  assert.is(first.load?.withoutEcho, 2);
  assert.is(second.load?.withoutEcho, 0);
  assert.is(first.idle, undefined);
  assert.ok(second.idle!.perClientMB > 2, "a Worker takes megabytes");
  assert.ok(third.idle!.perClientMB < 0.5, "an idle connection takes little");
  // One for each connection; on Linux Node 20.11 starts another one with each Worker.
  assert.ok(second.load!.threadsWith! - second.load!.threadsBefore! >= 3);
  assert.is(third.load!.threadsWith! - third.load!.threadsBefore!, 0);
  assert.ok(second.idle!.perClientThreads! >= 1);
  assert.is(third.idle!.perClientThreads, 0);
  const unnamed = [...fieldsOf(comparison)].filter((key) => !named.has(key));
  assert.equal(unnamed, [], "fields that the reference doesn't name");
  if (!hasSignals) return;
  const stops = ours.map(({ ctrlC }) => {
    const { echoed, disconnected, exit, ...times } = ctrlC as CtrlC;
    for (const [name, ms] of Object.entries(times))
      assert.ok(ms > 0 && ms <= times.exitMs + 1, name);
    return { echoed, disconnected, ...exit };
  });
  assert.equal(stops, [
    { echoed: false, disconnected: true, code: null, signal: "SIGINT" },
    { echoed: true, disconnected: false, code: 0, signal: null },
    { echoed: false, disconnected: true, code: 0, signal: null },
  ]);
});

/** Does one step of compare with a server, and ends it. */
async function step(
  program: servers.Program,
  measure: (task: Task) => Promise<Found>,
  args: string[],
): Promise<ServerResult> {
  const server = await program.start();
  const options = parseOptions(args);
  try {
    const task = { program, server, options, tell: () => {} };
    return (await measure(task)) as ServerResult;
  } finally {
    await server.stop();
  }
}

/** The threaded server of a copy, in which texts are replaced. */
async function changedForever(...replacements: [string, string][]) {
  const { folder, replace } = await copyProject();
  for (const [before, after] of replacements)
    await replace("lecture1_server_forever.ts", before, after);
  return foreverOf(folder);
}

/** The threaded server of a copy, by the copy's own module: that starts the copy's script. */
async function foreverOf(folder: string): Promise<servers.Program> {
  process.setMaxListeners(0); // each copy of launch.ts listens for the end
  const module = program("scripts/compare/servers.ts", folder).at(-1)!;
  const copied: typeof servers = await import(pathToFileURL(module).href);
  return copied.typescriptProgram("forever");
}

test.unless(notLinux)(
  "a busy machine: forever still answers all while one stays, and it is said",
  async () => {
    // One core for everything here, and for two programs that do nothing but compute.
    const pin = (cores: string) =>
      execFileSync("taskset", ["-apc", cores, String(process.pid)]);
    pin("0");
    const busy = Array.from({ length: 2 }, () =>
      launch([process.execPath, "-e", "for (;;);"]),
    );
    try {
      const args = ["-n", "5", "--stay", "300", "--load", "0.1"];
      const [server, forever] = (["server", "forever"] as const).map(
        servers.typescriptProgram,
      );
      const answers = await step(forever!, whileOneStays, args);
      assert.is(answeredMeanwhile(answers), 5);
      const waits = await step(server!, whileOneStays, args);
      assert.is(answeredMeanwhile(waits), 0);
      for (const run of waits.stay!.clients) assert.ok(waitOf(run)! >= 290);
      const { load } = await step(server!, allAtOnce, args);
      const measured = fixed();
      measured.servers[0]!.load = load!;
      assert.match(
        notes(measured, words).join("\n"),
        /Other programs used up to \d\.\d of \d+ cores/,
      );
    } finally {
      for (const program of busy) await program.stop();
      pin(`0-${cpus().length - 1}`);
    }
  },
);

test.unless(noLinks)(
  "a server that still works for its clients gets the time; one whose port is taken another port",
  async () => {
    const started = JSON.stringify(join(await temporaryFolder(), "started"));
    const once = `import { writeFileSync } from "node:fs";
if (!existsSync(${started})) {
  writeFileSync(${started}, "");
  throw new Error("listen EADDRINUSE");
}
`;
    const forever = await changedForever(
      [
        "const utf8 = ",
        "for (const end = performance.now() + 300; performance.now() < end; );\n  const utf8 = ",
      ],
      ["if (isMain()) {", `${once}if (isMain()) {`],
    );
    const args = ["-n", "3", "--stay", "100"];
    const result = await step(forever, whileOneStays, args);
    assert.ok(longestWait(result)! > 250, "it doesn't compute long enough");
    assert.is(answeredMeanwhile(result), 3);
  },
);

test("who starts too late is not waited for, and that is said", async () => {
  const late = {
    ...servers.typescriptProgram("server"),
    // A client that connects after the limit.
    client: async () =>
      launch([process.execPath, "-e", "setTimeout(() => {}, 1500)"]),
  };
  const ends = async (task: Task) => {
    await whileOneStays(task, 300).then(
      () => assert.unreachable("a client without an answer is a failure"),
      () => {},
    );
    await task.server.exit(5000); // the one who stayed has left at the limit
    return {};
  };
  await step(late, ends, ["-n", "1", "--stay", "100"]);
});

test.unless(noOriginals)(
  "--python: all four originals beside the ports, and crosswise",
  async () => {
    const { servers, crosswise, missing } = whole;
    assert.equal(missing, []);
    assert.is(servers.length, 6);
    for (const [index, python] of servers.entries()) {
      const port = servers[index + 1]!;
      if (python.language !== "Python") continue;
      assert.is(port.language, "TypeScript");
      assert.is(python.failure, undefined);
      assert.equal(outcomes(python), outcomes(port));
      assert.equal(python.transcript, port.transcript);
      const [theirs, ofOurs] = [python.ctrlC as CtrlC, port.ctrlC as CtrlC];
      assert.equal(theirs.exit, ofOurs.exit, "Ctrl+C, as its own main guard");
      assert.is(theirs.echoed, ofOurs.echoed);
      for (const run of python.stay!.clients)
        assert.ok(run.connectedMs! < run.reportedMs!);
    }
    assert.is(crosswise.length, 6);
    for (const { outcome } of crosswise) assert.is(outcome, "answered");
    const threads = servers.find(
      ({ design, language }) => design === "forever" && language === "Python",
    );
    const said = parity(whole, words).join("\n");
    assert.match(said, /As in Python, ports aside: the 3 lines of server\./);
    assert.match(said, /6 of 6 answered/);
    if (!onLinux) return; // elsewhere little is known of Python's process
    for (const { load } of servers) {
      assert.ok(load!.memoryWithMB! > 5);
      assert.ok(load!.coresUsed! >= 0); // counted in steps of 10 ms
    }
    assert.ok(threads!.idle!.perClientMB < 1, "a Python thread takes little");
    assert.match(
      whosePrice(whole, words).join("\n"),
      /^Beside Python: .* \d+ threads there take/,
    );
  },
);

test.unless(noPython)(
  "an original that doesn't hold the lecture's port is told",
  async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "lecture1_server.py"), "print('no port')\n");
    const program = servers.pythonProgram("server", folder) as servers.Program;
    const said = await program.start().catch(({ output }) => output);
    assert.match(said, /65432 does not stand in it/);
  },
);

test.unless(noPython || notLinux)("a Python's CPU time is known", async () => {
  const folder = await temporaryFolder();
  const work = "import time\nwhile time.process_time() < 0.3: pass\n";
  const listen = "print('Server listening on', 65432)\ntime.sleep(60)\n";
  await writeFile(join(folder, "lecture1_server.py"), work + listen);
  const program = servers.pythonProgram("server", folder) as servers.Program;
  const { cpuSeconds } = await (await program.start()).footprint();
  assert.ok(cpuSeconds! > 0.27 && cpuSeconds! < 1, String(cpuSeconds));
});

test.unless(noLinks)(
  "more clients than forever serves at once: the rest has its turn later",
  async () => {
    const forever = await changedForever([
      "maxThreads = 200",
      "maxThreads = 3",
    ]);
    const args = ["-n", "5", "--load", "0.1"];
    const { load } = await step(forever, allAtOnce, args);
    const { unanswered, answeredLater, withoutEcho } = load!;
    assert.equal([unanswered, answeredLater, withoutEcho], [2, 2, 2]);
    const measured = fixed();
    measured.servers[1]!.growth = [load!];
    assert.match(
      notes(measured, words).join("\n"),
      /forever serves 3 of 5 at once; all the others had their turn/,
    );
  },
);

test.unless(notLinux)(
  "--grow goes on until no more files may be open, and says so",
  async () => {
    const command = [...program("scripts/compare.ts"), "--only", "async"];
    const grow = ["-n", "2", "--load", "0.1", "--grow", "--json", "-"];
    const quoted = [...command, ...grow].map((word) => `'${word}'`).join(" ");
    const script = launchMarked(["sh", "-c", `ulimit -n 70; exec ${quoted}`]);
    assert.is((await script.exit(60_000)).code, 0);
    const comparison = JSON.parse(script.output.stdout) as Comparison;
    const [{ growth: levels, growthEnd, failure }] = comparison.servers as [
      ServerResult,
    ];
    assert.is(failure, undefined);
    assert.equal(
      levels!.map(({ connections }) => connections),
      [1, 2, 5, 10, 20],
    );
    const { connections, code, openFiles } = growthEnd!;
    assert.equal([connections, code, openFiles], [50, "EMFILE", 70]);
    assert.match(
      notes(comparison, words).join("\n"),
      /async was not measured with 50 clients: no more than 70 files/,
    );
    const drawn = plain(growth(comparison.servers, 80, words)).split("\n");
    assert.match(drawn[2]!, /^ +1 +[\d,]+ [█-▏]/);
    assert.ok(widest(drawn) <= 80);
  },
);

test("1, N and 5 N connections, and more with --grow", async () => {
  assert.equal(levelsOf("forever", 10, false), [1, 10, 50]);
  assert.equal(levelsOf("async", 1, false), [1, 5]);
  assert.equal(levelsOf("forever", 210, false), [1, 210, 250]);
  assert.equal(levelsOf("async", 500, false), [1, 500]);
  assert.equal(levelsOf("server", 10, true), [10]);
  const most = (design: "forever" | "async") =>
    levelsOf(design, 10, true).at(-1);
  assert.equal([most("forever"), most("async")], [250, 5000]);
});

test("--from shows a saved run again; what is none is refused", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "run.json");
  await writeFile(file, JSON.stringify(fixed()));
  const again = start(["--from", file, "--lang", "en", "--ascii"]);
  assert.is((await again.exit()).code, 0, again.report());
  const all = [...answer(fixed(), words), ...whosePrice(fixed(), words)];
  for (const said of all)
    assert.ok(unwrapped(again.output.stdout).includes(said), said);
  assert.not.match(again.output.stdout, /[^\x00-\x7f]/);
  assert.not.match(again.output.stdout, /scripts\/compare\.ts --all/);

  const json = start(["--from", file, "--json", "-"]);
  assert.is((await json.exit()).code, 0);
  assert.equal(JSON.parse(json.output.stdout), fixed());

  const failing = fixed();
  const message = "no word of it ".repeat(20);
  const failure = { step: "all at once", message, lastLines: [message] };
  Object.assign(failing.servers[1]!, { failure });
  assert.match(notes(failing, texts.ko).join(), /^forever 실패\("한꺼번에"\)/);
  await writeFile(file, JSON.stringify(failing));
  const failed = start(["--from", file]);
  assert.is((await failed.exit()).code, 1);
  for (const line of failed.lines()) assert.ok(stringWidth(line) <= 80, line);

  await writeFile(file, '{ "servers": [], "machine": {} }');
  for (const [name, why] of [
    [file, "this is no run that --json has written"],
    [join(folder, "none"), "can't read it (ENOENT)"],
  ]) {
    const script = start(["--from", name!]);
    assert.is((await script.exit()).code, 2);
    assert.is(script.output.stderr, `compare: --from ${name}: ${why}\n`);
  }
});

test("--json FILE that can't be written: what there is is shown, exit 1", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "run.json");
  await writeFile(file, JSON.stringify(fixed()));
  const script = start(["--from", file, "--json", folder]);
  assert.is((await script.exit()).code, 1);
  assert.match(script.output.stdout, /What differed/);
  assert.match(script.output.stderr, /^compare: can't write .* \(EISDIR\)/m);
});

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
    ["--from", ""],
    ["--from", "run.json", "--grow"],
    ["--from", "run.json", "-n", "10"],
    ["--lang", "fr"],
    ["--grow=1"],
    ["--colour"],
    ["server"],
  ])
    assert.throws(() => parseOptions(args), undefined, args.join(" "));
});

/** Servers that go wrong: what each does with its port and its clients. */
const serve = `import net from "node:net";
const port = process.argv.at(-1);
const serve = (treat) => net.createServer(treat).listen(port, "127.0.0.1", () =>
  console.log("Server listening on 127.0.0.1:" + port));\n`;
const neverStarts = "console.error('no robot here'); process.exit(3);";
const dies =
  "serve((client) => client.on('data', (data) => { client.end(data); setTimeout(() => process.exit(7), 20); }));";
const hangs = "serve(() => {});";
const answersWrongly =
  "serve((client) => client.on('data', () => client.end('Hello, Robot!')));";

test.unless(noLinks)(
  "servers that fail are reported, the third is measured",
  async () => {
    const { folder } = await copyProject();
    const names = ["lecture1_server.ts", "lecture1_server_forever.ts"];
    await writeFile(join(folder, names[0]!), serve + neverStarts);
    await writeFile(join(folder, names[1]!), serve + answersWrongly);
    const { comparison, ...results } = await run(["-n", "1"], 1, folder);
    for (const [server, message] of [
      [results.first, /it ended before it listened/],
      [results.second, /Hello, Robot!/],
    ] as const) {
      assert.is(server.failure?.step, "clients in turn");
      assert.match(server.failure!.message, message);
    }
    assert.is(results.third.failure, undefined);
    assert.type(results.third.ctrlC, hasSignals ? "object" : "string");
    const said = notes(comparison, words).join("\n");
    assert.match(said, /server FAILED at .*\n.*forever FAILED at/);
    assert.match(said, /no robot here/);
    assert.match(plain(table(comparison, 80, false, words)), /failed/);
  },
);

for (const [wrong, trouble, message] of [
  [dies, "died", /exit code 7/],
  [hangs, "hangs", /no answer in 5 s/],
] as const)
  test(`a server that fails: ${trouble}`, async () => {
    const file = join(await temporaryFolder(), "server.mjs");
    await writeFile(file, serve + wrong);
    const real = servers.typescriptProgram("async");
    const failing = {
      ...real,
      async start() {
        const port = String(await freePort());
        const server = await listening(launch([process.execPath, file, port]));
        return Object.assign(server, {
          footprint: async () => ({ atMs: performance.now() }),
        });
      },
    };
    const found = step(failing, inTurn, ["-n", "3"]);
    const error = await found.catch((error) => error);
    assert.is(error.trouble, trouble);
    assert.match(error.message, message);
  });

test.unless(noLinks)(
  "a server that dies under load: so it is told, with its last words",
  async () => {
    const dying = await changedForever(
      ['let printed = "";', 'let printed = "";\nlet count = 0;'],
      [
        "printed += `",
        'if (++count > 5) throw new Error("arm lost");\n  printed += `',
      ],
    );
    let server: servers.Running | undefined;
    const start = async () => (server = await dying.start());
    const args = ["-n", "1", "--load", "0.1"];
    const found = step({ ...dying, start }, allAtOnce, args);
    const error = await found.catch((error) => error);
    assert.is(error.trouble, "died");
    assert.is(error.message, "exit code 1");
    assert.match(server!.output.stderr, /Error: arm lost/);
  },
);

test("a client that fails is not taken for a server that hangs", async () => {
  const code = "console.log(lecture)";
  const failing = {
    ...servers.typescriptProgram("async"),
    client: async () => launch([process.execPath, "-e", code]),
  };
  const found = step(failing, whileOneStays, ["-n", "2"]);
  const error = await found.catch((error) => error);
  assert.is(error.trouble, "client");
  assert.is(error.message, "ReferenceError: lecture is not defined");
});

test.unless(noLinks)(
  "a server that keeps one client only has no price for one more",
  async () => {
    const one = await changedForever([
      "const thread =",
      "if (threads) conn.destroy();\n      const thread =",
    ]);
    assert.equal(await step(one, idle, ["-n", "3"]), {});
  },
);

test.unless(noLinks)(
  "a server that tells the end of a connection late keeps its lines in order",
  async () => {
    const late = await changedForever([
      "print(`Connection with",
      "setTimeout(print, 300, `Connection with",
    ]);
    const { transcript } = await step(late, inTurn, ["-n", "2"]);
    const told = transcript.map((line) => line.split(" ")[0]);
    const each = ["Connected", "Received", "Connection"];
    assert.equal(told, ["Server", ...each, ...each]);
  },
);

test.unless(noLinks)("a script may import another file", async () => {
  const { folder, replace } = await copyProject();
  await writeFile(
    join(folder, "robot.ts"),
    'export const arm: string = "six";\n',
  );
  await replace(
    "lecture1_server_forever.ts",
    "import net ",
    'import { arm } from "./robot.ts";\nconsole.log(arm);\nimport net ',
  );
  const server = await (await foreverOf(folder)).start();
  await server.stop(); // the copy's own launch has started it
  assert.is(server.lines()[0], "six");
});

test.unless(notLinux)("too few open files: one line, exit 1", async () => {
  const args = ["--only", "async", "-n", "30", "--json", "-"];
  const command = [...program("scripts/compare.ts"), ...args];
  const quoted = command.map((word) => `'${word}'`).join(" ");
  const script = launchMarked(["sh", "-c", `ulimit -n 60; exec ${quoted}`]);
  assert.is((await script.exit(60_000)).code, 1);
  const { servers } = JSON.parse(script.output.stdout) as Comparison;
  assert.match(servers[0]!.failure!.message, /EMFILE.* ulimit -n/);
  assert.not.match(script.output.stderr, /\n +at /);
  await noneLeft(script.mark);
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)
  test.unless(noSignals || notLinux)(
    `${signal} in the middle: exit ${code}, no process is left`,
    async () => {
      const script = start(["-n", "6", "--only", "async"]);
      await script.saw(/in turn/, 30_000);
      script.kill(signal);
      if (signal === "SIGINT") script.kill(signal); // npm passes it on once more
      assert.equal(await script.exit(), { code, signal: null });
      await noneLeft(script.mark);
    },
  );

test.unless(notLinux)("| head ends it, and no process is left", async () => {
  const file = join(await temporaryFolder(), "run.json");
  await writeFile(file, JSON.stringify(fixed()));
  const script = start(["--from", file]);
  script.closeOutput();
  assert.is((await script.exit(30_000)).code, 1);
  assert.is(script.output.stderr, "");
  await noneLeft(script.mark);
});

const widest = (lines: string[]) =>
  Math.max(...lines.map((l) => stringWidth(l)));

/** Sentences again, whose lines were broken for a terminal. */
const unwrapped = (text: string) => text.replace(/\n {2}/g, " ");

/** Every view of a run as lines, for a terminal so wide. */
function views(comparison: Comparison, columns: number, language = words) {
  const { servers } = comparison;
  return plain(
    [
      picture(servers, columns, language),
      table(comparison, columns, true, language),
      growth(servers, columns, language),
    ].join("\n"),
  ).split("\n");
}

test("the picture: who starts, waits, is answered, is dropped, and by which thread", async () => {
  const drawn = (columns: number) =>
    plain(picture(fixed().servers, columns, words)).split("\n");
  const wide = drawn(80);
  assert.is(wide[0]!, "lecture1_server.ts");
  assert.match(wide[1]!, /^══ stays █+ +1\.0 s$/);
  assert.match(wide[2]!, /^ {7}1 ·+─+✗ reset 1\.0 s$/);
  assert.match(
    wide[4]!,
    /^lecture1_forever\.ts: 2 more threads for 2 clients$/,
  );
  assert.match(wide[6]!, /^══ +1 ·+─+● +200 ms$/);
  assert.match(wide[8]!, /^lecture1_async\.ts: no more threads for 2 clients$/);
  assert.equal(
    wide.slice(9, 12).map((row) => row.slice(0, 2)),
    ["╔═", "╠═", "╚═"],
  );
  assert.match(wide[11]!, /2 +·+● +10 ms$/);
  assert.match(wide.at(-3)!, /^ +0 +1\.1 s$/);
  assert.ok(widest(drawn(40)) <= 40);
});

test("the picture of 200 clients names those it doesn't draw", async () => {
  const { servers } = fixed();
  const [run] = servers[1]!.stay!.clients;
  servers[1]!.stay!.clients = Array(200).fill(run);
  const drawn = plain(picture(servers, 80, words));
  assert.match(drawn, /… and 191 more: 191 answered, 200 ms – 200 ms/);
  assert.ok(drawn.split("\n").length < 30);
});

test("a run that an older compare has saved is drawn as well", async () => {
  const { servers } = fixed();
  for (const { stay } of servers)
    for (const run of stay!.clients) {
      delete run.connectedMs;
      delete run.reportedMs;
    }
  assert.match(plain(picture(servers, 80, words)), / 1 ·+✗ reset$/m);
});

test("no line is wider than the terminal, in either language", async () => {
  for (const language of [texts.en, texts.ko])
    for (const columns of [50, 80]) {
      for (const line of views(fixed(), columns, language))
        assert.ok(stringWidth(line) <= columns, `${columns}: ${line}`);
    }
  const narrow = plain(table(fixed(), 50, true, words));
  for (const word of ["p50", "p99", "clients", "median"])
    assert.match(narrow, word, "titles wrap, nothing is cut");
});

test("the table: a column for each server, a unit for each number", async () => {
  const lines = plain(table(fixed(), 80, true, words)).split("\n");
  const row = (title: string) =>
    lines
      .find((line) => line.includes(title))!
      .split("│")
      .slice(2, -1)
      .map((cell) => cell.trim());
  assert.equal(row("clients in turn"), ["2 reset", "2 answered", "2 answered"]);
  assert.equal(row("longest wait"), ["1.0 s", "200 ms", "10 ms"]);
  assert.equal(row("echoes/s, 1 connection"), ["500", "5,000", "16,000"]);
  assert.equal(row("echoes/s, 2 connections"), ["-", "10,000", "30,000"]);
  assert.equal(row("one more client"), ["-", "8.0 MB", "<0.1 MB"]);
  assert.equal(row("latency p99"), ["-", "12 ms", "12 ms"]);
  assert.equal(row("cores used"), ["-", "1.2", "1.2"]);
  assert.equal(row("  wait, median"), ["-", "200 ms", "10 ms"]);
  assert.equal(row("threads before"), ["11, 11", "11, 13", "11, 11"]);
  assert.equal(row("memory before"), Array(3).fill("40 MB, 60 MB"));
  assert.equal(row("Ctrl+C "), [
    "disconnected",
    "gets its echo",
    "disconnected",
  ]);
  const short = plain(table(fixed(), 80, false, words));
  assert.not.match(short, /latency|cores/);
});

test("what a platform can't tell is said, not 0", async () => {
  const comparison = fixed();
  for (const server of comparison.servers) {
    for (const load of server.growth!) {
      delete load.threadsBefore;
      delete load.threadsWith;
      delete load.memoryWithMB;
    }
    delete server.idle;
    server.ctrlC = "not on this system";
  }
  const text = plain(table(comparison, 100, true, words));
  assert.is(text.match(/not on this system/g)?.length, 6);
  assert.not.match(answer(comparison, words).join("\n"), /thread|Ctrl/);
  assert.match(
    notes(comparison, words).join("\n"),
    /server, forever,? and async: this system doesn't tell the memory/,
  );
});

test("numbers have the digits that a second run would show again", async () => {
  const said = [0.114, 9.35, 193, 1243, 12_345].map(time);
  assert.equal(said, ["0.1 ms", "9 ms", "190 ms", "1.2 s", "12 s"]);
  const [, , { load }] = fixed().servers as [
    ServerResult,
    ServerResult,
    ServerResult,
  ];
  const rates = (low: number, middle: number, high: number) => {
    const windows = [low, middle, high].map((echoesPerSecond) => ({
      ...load!.windows[0]!,
      echoesPerSecond,
    }));
    return rate({ ...load!, windows, echoesPerSecond: middle });
  };
  assert.is(rates(48_000, 52_302, 55_000), "50,000");
  assert.is(rates(16_900, 16_939, 17_100), "17,000");
  assert.is(rates(9_000, 16_939, 25_000), "20,000");
  assert.is(rates(0, 0, 0), "0");
});

test("the sentences follow the numbers", async () => {
  const comparison = fixed();
  const [server, forever, async] = comparison.servers;
  const said = () => answer(comparison, words).join("\n");
  assert.is(
    said(),
    [
      "Answered while one stayed: server 0 of 2, forever and async all 2.",
      "Longest wait once connected: server 1.0 s, forever 200 ms, async 10 ms.",
      "Echoes/s of 2 at once, roughly: async 30,000, forever 10,000 (3 times fewer).",
      "One more client: forever 8.0 MB, 1 thread; async <0.1 MB, no thread.",
      "At Ctrl+C server and async disconnected it, forever let the client finish.",
    ].join("\n"),
  );
  assert.equal(whosePrice(comparison, words), [
    "A thread is a Worker of Node here; --python DIR measures Python's beside it.",
  ]);
  assert.is(answer(comparison, texts.ko).length, 5);

  forever!.load!.echoesPerSecond = 29_000;
  forever!.load!.windows[2]!.echoesPerSecond = 31_000;
  assert.match(said(), /async 30,000, forever \d+,000\./);
  const rates = (rate: number) => {
    const { load } = forever!;
    load!.echoesPerSecond = rate;
    for (const window of load!.windows) window.echoesPerSecond = rate;
  };
  rates(25_000);
  assert.match(said(), /forever [\d,]+ \(1\.2 times fewer\)/);
  rates(28_500);
  assert.not.match(said(), /times fewer/);
  rates(10_000);
  async!.stay!.clients[0]!.reportedMs = 1200;
  assert.match(said(), /server 0 of 2, forever all 2, async 1 of 2/);
  server!.stay!.clients.forEach((run) =>
    Object.assign(run, { outcome: "answered", reportedMs: 105 }),
  );
  assert.match(said(), /server and forever all 2/);
  assert.is(longestWait(server!), 5);
  delete forever!.load;
  assert.not.match(said(), /times fewer/);
});

test("beside Python the threads' price is Python's, and who is faster is measured", async () => {
  const comparison = fixed();
  const python = structuredClone(comparison.servers).map((server) => ({
    ...server,
    language: "Python" as const,
  }));
  python[1]!.idle = { ...python[1]!.idle!, perClientMB: 0.04, connections: 10 };
  const twice = python[1]!.load!;
  twice.echoesPerSecond *= 2;
  for (const window of twice.windows) window.echoesPerSecond *= 2;
  comparison.servers.push(...python);
  assert.equal(whosePrice(comparison, words), [
    "Beside Python: async about as many echoes, forever 0.5 times as many echoes, 10 threads there take 0.4 MB.",
  ]);
  assert.is(answer(comparison, words).length, 5);
});

test("what one has to know before one trusts the figures", async () => {
  const comparison = fixed();
  const said = () => notes(comparison, words).join("\n");
  assert.is(said(), "");
  const [server, forever, async] = comparison.servers;
  forever!.load!.coresOfOthers = 0.8;
  assert.match(said(), /Other programs used up to 0\.8 of 2 cores/);
  forever!.load!.windows[0]!.echoesPerSecond = 2000;
  assert.match(said(), /forever: the windows differ by more than a half/);
  server!.stay!.limitReached = true;
  assert.match(said(), /server: after 1 s the one who stayed left/);
  async!.growth![2]!.listenOverflows = 7;
  assert.match(said(), /async: the listen queue ran over with 10 clients/);
  async!.growth![2]!.withoutEcho = 3;
  assert.match(said(), /async: 3 of 10 connections had no echo/);
  async!.growthEnd = { connections: 5000, code: "memory", message: "9 MB" };
  assert.match(said(), /async was not measured with 5,000 clients: .*memory/);
  comparison.missing = ["x.py"];
  assert.match(said(), /Not found, and skipped: x\.py\./);
  assert.ok(details(comparison, words).length >= 4);
});

test("printed the same, and not the same, as the original", async () => {
  const comparison = fixed();
  const [ours] = comparison.servers as [ServerResult];
  ours.transcript = ["one", "two"];
  const python = { ...ours, language: "Python" as const };
  comparison.servers = [ours, python];
  const said = () => parity(comparison, words).join("\n");
  assert.is(said(), "As in Python, ports aside: the 2 lines of server.");
  python.transcript = ["one", "three"];
  assert.match(said(), /different lines, the first is line 2/);
  comparison.crosswise = [
    {
      client: "Python",
      server: "TypeScript",
      design: "server",
      outcome: "reset",
      text: "",
    },
  ];
  assert.match(said(), /Python client with the TypeScript server: reset\./);
});

test("every text exists in both languages, in the same form", async () => {
  const shape = (value: unknown): unknown =>
    typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value).map(([key, value]) => [key, shape(value)]),
        )
      : typeof value;
  assert.equal(shape(texts.ko), shape(texts.en));
  const said = [...answer(fixed(), texts.ko), ...views(fixed(), 80, texts.ko)];
  assert.match(said.join("\n"), /하나가 연결을 유지하는 동안/);
  assert.match(said.join("\n"), /forever는 클라이언트를 끝까지 처리함/);
});

test.run();
