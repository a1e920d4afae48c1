/** compare: what is said of a run, and how a terminal shows it. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { expectMemory } from "../scripts/compare/connections.ts";
import { failed, failureOf } from "../scripts/compare/failure.ts";
import { runIn } from "../scripts/compare/options.ts";
import { comparePage } from "../scripts/compare/page.ts";
import type { Run } from "../scripts/compare/result.ts";
import { terminal } from "../scripts/compare/terminal.ts";
import { textsIn } from "../scripts/compare/texts.ts";
import { languages, type Language } from "../scripts/language.ts";
import { escape } from "../scripts/page.ts";
import { besidePython, fixed, textsOf, told } from "./helpers/runs.ts";
import { suite } from "./helpers/harness.ts";
import { nodeCommand } from "./helpers/programs.ts";
import {
  noTerminal,
  openTerminal as inTerminal,
} from "./helpers/pseudoTerminal.ts";

const test = suite("compare");

/** The rows of the table, each on one line. */
const rows = (run: Run) =>
  told(run).table.rows.map(({ title, cells }) =>
    [title, ...cells.map((text) => text.replace("\n", " ") || "-")].join(" | "),
  );

/** What a terminal shows of a run, as lines without colours. */
function lines(run: Run, columns = 80, lang: Language = "en", draws = true) {
  const text = terminal(told(run, lang), columns, draws);
  return stripVTControlCharacters(text).split("\n");
}

test("sentences and rows: each says what was measured, in its unit", async () => {
  const { sentences, notes, conditions } = told(fixed());
  assert.equal(sentences, [
    "Answered while one client stayed – server: none while the other stayed (1 s), then 2 reset; forever: all 2 within 220 ms; async: all 2 within 10 ms.",
    "Start of one thread, measured alone – forever: 100 ms, and that is what its clients wait for, one after another.",
    "CPU time per echo, 2 at once – forever: 60 µs (4 times as much); async: 15 µs.",
    "Echoes/s of 2 at once, on this machine, shared with the load – forever: 10,000; async: 30,000.",
    "One more client takes – forever: 8.1 MB, 1 thread; async: <0.1 MB, no thread.",
    "At Ctrl+C – server: disconnects, dies of SIGINT; forever: still answers, exit code 0; async: disconnects, exit code 0.",
  ]);
  assert.equal(notes, [
    "A thread is a Worker of Node here; --python DIR measures Python's beside it.",
  ]);
  assert.match(conditions, /^2 clients; Node, Linux, cores: 2; took 9\.0 s; /);
  assert.equal(rows(fixed()), [
    "clients in turn | 1 answered, 1 refused | 2 answered | 2 answered",
    "while one stays | none in 1 s 2 reset | all 2 within 220 ms | all 2 within 10 ms",
    "start of one thread | - | 100 ms | -",
    "CPU per echo, 1 client | 70 µs | 120 µs | 30 µs",
    "2 clients | - | 60 µs | 15 µs",
    "echoes/s, 1 client | 9,000 | 5,000 | 15,000",
    "2 clients | - | 10,000 | 30,000",
    "echo p50, p99, 1 client | 0.12, 12 ms | 0.12, 12 ms | 0.12, 12 ms",
    "2 clients | - | 0.12, 12 ms | 0.12, 12 ms",
    "longest echo, 1 client | 30 ms | 30 ms | 30 ms",
    "2 clients | - | 30 ms | 30 ms",
    "cores used, 1 client | 1.2 | 1.2 | 1.2",
    "2 clients | - | 1.2 | 1.2",
    "one more client | - | 8.1 MB 1 thread | <0.1 MB no thread",
    "Ctrl+C | disconnects dies of SIGINT | still answers exit code 0 | disconnects exit code 0",
  ]);
});

test("what is said follows what was measured", async () => {
  const answered = { connectedMs: 1, reportedMs: 6, outcome: "answered" };
  const exit = { code: 3, signal: null };
  const ignored = { echoed: false, disconnected: false, exitMs: 9, exit };
  const cases: [string, unknown, RegExp][] = [
    ["servers.0.stay.clients.0", answered, /1 of 2 within 5 ms, then 1 reset/],
    ["servers.1.stay.leftMs", 150, /1 of 2 within 110 ms, then 1 answered;/],
    ["servers.1.idle.threadStartMs", 4, /forever: 4 ms\.\n/],
    ["servers.1.idle.threadStartMs", 400, /forever: 400 ms\.\n/],
    ["servers.1.growth.1.cpuPerEchoUs", 16, /forever: 16 µs; async: 15 µs\./],
    [
      "servers.1.growth.1.windows.0.echoesPerSecond",
      4000,
      /: ~10,000; [^]*~: /,
    ],
    ["servers.2.idle.perClientMB", 0.14, /async: 0\.14 MB, no thread/],
    ["servers.0.ctrlC", "not on this system", /server: not on this system;/],
    ["servers.0.ctrlC", ignored, /server: answers no more, exit code 3/],
    ["missing", ["client.py", "x.py"], /skipped: client\.py, x\.py\./],
    ["stoppedSeconds", 12.3, /was stopped for 12 s meanwhile/],
  ];
  const said = (run: Run) =>
    [...told(run).sentences, ...told(run).notes].join("\n");
  for (const [path, value, pattern] of cases)
    assert.match(said(fixed({ [path]: value })), pattern);
  assert.match(said(besidePython()), /forever \(Python\): 0\.09 ms\.\n/);
  assert.not.match(said(besidePython()), /Worker/);

  const servers = fixed().servers.map(({ idle, stay, ...server }) => ({
    ...server,
    growth: server.growth!.map(({ cpuPerEchoUs, coresUsed, ...load }) => load),
  }));
  const shown = lines(fixed({ servers })).join("\n");
  assert.not.match(shown, /NaN|undefined|Infinity|CPU|cores u|thread|stays/);
  assert.match(shown, /echoes\/s, 1 client/);
});

test("what went wrong: a failure with its last lines, or a number of connections left out", async () => {
  const [, forever] = fixed().servers;
  const { inTurn, idle, stay, load, ctrlC, growth, ...server } = forever!;
  expectMemory(100, idle, 1700); // 814 MB of 1,700
  expectMemory(200, undefined, 1);
  const needs = async () => expectMemory(200, idle, 1700);
  const tooMuch = await needs().catch((error) => error);
  const beyond = (error: Error) => Object.assign(error, { beyond: 50 });
  const died = Object.assign(failed("ended", "1", { growth }), {
    lastLines: ["Error: arm lost", "at /x.ts:48:13"],
  });
  const fails = 'forever FAILED at "all at once": ';
  const leftOut = "clients and more were left out: ";
  const cases: [Error, string][] = [
    [
      died,
      `${fails}it ended with exit code 1; its last lines: Error: arm lost / at /x.ts:48:13`,
    ],
    [beyond(failed("wrong", "1/50")), `${fails}it answers wrongly (1/50)`],
    [new Error("one\ntwo"), `${fails}one`],
    [
      tooMuch,
      `forever: 200 ${leftOut}too little memory is free (1628 MB > 1700 MB / 2).`,
    ],
    [
      beyond(new Error("connect EMFILE 127.0.0.1")),
      `forever: 50 ${leftOut}too few files may be open (EMFILE): raise ulimit -n.`,
    ],
    [
      beyond(failed("hangs", "25/50")),
      `forever: 50 ${leftOut}no answer (25/50).`,
    ],
  ];
  for (const [error, says] of cases) {
    const found = failureOf(error, "all at once");
    const run = fixed({ "servers.1": { ...server, ...found } });
    assert.equal([...told(run).failures, ...told(run).notes], [says]);
    const all = rows(run).join("\n");
    if (error === died) assert.match(all, "1 client | 9,000 | 5,000 | 15,000");
  }
});

test("the picture: a lane for each client on one axis of time", async () => {
  const drawn = lines(fixed());
  assert.is(drawn[0], "While one client stays");
  assert.match(drawn[1]!, /^One client is connected and stays; beside it 2 cl/);
  const start = drawn.indexOf("lecture1_server.ts");
  assert.match(drawn[start + 1]!, /^ {3}stays █{50,} +1 s$/);
  assert.match(drawn[start + 2]!, /^client 1 ─{50,}✗ +reset 1 s$/);
  assert.is(drawn[start + 4], "forever.ts (one more client: 1 thread)");
  const [first, second] = drawn.slice(start + 6) as [string, string];
  assert.match(first, /^client 1 ─+● +110 ms$/);
  const twice = 1.5 * first.indexOf("●") - 9;
  assert.ok(second.indexOf("●") > twice, "twice as long");
  assert.match(drawn[start + 10]!, /^client 1 ● +5 ms$/);
  assert.match(drawn[start + 12]!, /^ +0 +1 s$/);
  const percent = (ms: number) => `${((100 * ms) / 1006).toFixed(2)}%`;
  const lane = `left: ${percent(10)}; right: ${percent(1006 - 120)}`;
  assert.match(comparePage(told(fixed())), lane);
  const titles = told(besidePython()).picture.panels.map(({ title }) => title);
  assert.match(titles.join(), /^(\w+\.ts,){3}(\w+\.py,?){3}$/);

  const [client] = fixed().servers[1]!.stay!.clients;
  const clients = Array(200).fill(client);
  clients[199] = { ...client, outcome: "closed" };
  const many = lines(fixed({ "servers.1.stay.clients": clients })).join("\n");
  assert.match(many, /\nclient 9 .*\n +and 191 more: 190 answered, 1 closed\n/);
});

/** A run of which as much is said as can be. */
const long = besidePython({
  missing: ["x.py"],
  "servers.0.failure": {
    ...{ step: "Ctrl+C", trouble: "ended", detail: "1" },
    lastLines: ["7".repeat(150), "<b>"],
  },
});

test("all that the report says is on the terminal and on the page", async () => {
  const bare = (text: string) => text.replaceAll(/\s/g, "");
  for (const run of [fixed(), long])
    for (const language of languages) {
      const { answer, ...said } = told(run, language);
      const html = comparePage(told(run, language));
      assert.match(html, `<html lang="${language}">`);
      assert.not.match(html, /NaN|undefined|Infinity|<b>[^━●✖]/);
      const page = html.replaceAll(/<[^>]*>/g, "");
      const shown = bare(lines(run, 100, language).join(""));
      for (const one of textsOf(said)) {
        assert.ok(page.includes(escape(one)), `on the page: ${one}`);
        const isThere = one === said.title || shown.includes(bare(one));
        assert.ok(isThere, `in the terminal: ${one}`);
      }
    }
  assert.equal([told(long).notes.length, told(long).failures.length], [1, 1]);
});

test("no line is wider than the terminal, in either language, drawn or in ASCII", async () => {
  const [reset] = fixed().servers[0]!.stay!.clients;
  const clients = Array(2).fill({ ...reset, reportedMs: 284 });
  const early = fixed({ "servers.0.stay": { leftMs: 280, clients } }); // three digits each
  for (const run of [fixed(), long, early])
    for (const language of languages)
      for (const columns of [100, 80, 60, 40])
        for (const draws of [true, false]) {
          const all = lines(run, columns, language, draws);
          const wide = all.filter((line) => stringWidth(line) > columns);
          assert.equal(wide, [], `wider than ${columns}`);
          const isLane = /^ *(client|클라이언트) 1 +[─●✗xo-]/;
          const lanes = all.filter((line) => isLane.test(line));
          assert.is(lanes.length, run.servers.length, `lanes at ${columns}`);
          const drawn = language === "en" ? /[^\x00-\x7f]/ : /[─│●✗█µ–]/;
          if (!draws) assert.not.match(all.join(""), drawn);
          const table = all.some((line) => /^[┌+]/.test(line));
          assert.ok(table || columns < 80, "a table");
        }
});

test("in Korean nothing is left in English", async () => {
  const { trouble: troubles, outcome: outcomes } = textsIn("ko");
  const said = Object.keys(troubles).flatMap((trouble, index) => {
    const why = { trouble, detail: trouble === "died" ? "SIGINT" : "7" };
    const run = besidePython({
      ...{ missing: ["x.py"], stoppedSeconds: 12 },
      "servers.0.failure": { ...why, step: "all at once", lastLines: ["7"] },
      "servers.0.growthEnd": { ...why, connections: 50 },
      "servers.1.stay.clients.0.outcome": Object.keys(outcomes)[index % 7],
    });
    return lines(run, 80, "ko");
  });
  const text = said.join(" ").replaceAll(/ +/g, " ");
  const words = text.match(/[A-Za-z][A-Za-z+:./]*/g)!;
  const names =
    /^(lecture1?|(server|forever|async)([.:]\w*)?|p50|p99|p|ms\.?|s\.?|MB|CPU|RST|FIN|Ctrl\+C|SIGINT|[Pp]ython:?|Node|Worker|DIR|Linux|compare|ulimit|n|x\.py\.|Server|listening|on)$/;
  const english = words.filter((word) => !names.test(word));
  assert.equal(english, []);
  assert.match(text, /다른 하나가 머문 동안\(1 s\) 없음/);
  const values = (language: Language) =>
    textsOf(textsIn(language)).map((text) => text.split(/\{\d\}/).length);
  assert.equal(values("ko"), values("en"), "as many values in each text");
});

test.unless(noTerminal)("a terminal of 50 columns, and few files", async () => {
  const command = nodeCommand("scripts/compare.ts").join("' '");
  const args = "--only async -n 1 --load 0.1 --grow --lang ko";
  const setting = "ulimit -n 70; stty cols 50; TERM=xterm";
  const narrow = inTerminal(`${setting} '${command}' ${args}`);
  assert.is(await narrow.exit(60_000), 0);
  const screen = narrow.screen();
  assert.match(screen, /^[^\n]*\r[^\r]*하나씩 차례로/, "what it waits for");
  for (const line of screen.split(/[\r\n]+/))
    assert.ok(stringWidth(stripVTControlCharacters(line)) <= 50, line);
  const said = stripVTControlCharacters(screen).replaceAll(/\n {2}/g, " ");
  assert.match(said, /1개 모두 [^]*[\d.]+ ms 안에/);
  assert.match(said, /async: 클라이언트 \d+개부터는 생략함: [^]*EMFILE/);
  assert.match(said, /하나가 늘면 – async: \S+ MB/);
  assert.match(said, /│ {3}연결 20개 +│ [\d.]+ µs/);
});

test("a saved run: with a byte order mark or without it, else none", async () => {
  const run = fixed();
  const json = JSON.stringify(run, null, 2);
  const utf16 = Buffer.from(`\ufeff${json}`, "utf16le");
  const swapped = Buffer.from(utf16).swap16();
  for (const bytes of [json, `\ufeff${json}`, utf16, swapped])
    assert.equal(lines(runIn(Buffer.from(bytes))), lines(run));

  const without = [
    ...["servers.2.stay.clients.1.outcome", "servers.0.growth.0.windows"],
    ...["servers.1.ctrlC.exit", "machine.cores", "version"],
  ].map((path) => JSON.stringify(fixed({ [path]: undefined })));
  const lost = json.replace('"reset"', '"lost"');
  const why = /JSON|^Cannot (read|destructure) prop|^another version$/;
  for (const bad of ["", "null", json.slice(0, -20), lost, ...without])
    assert.throws(() => runIn(Buffer.from(bad)), why, bad.slice(-80));
});

test.run();
