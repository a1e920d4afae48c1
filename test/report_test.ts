/** The report of compare: what it says about a run, in words and numbers. */
import * as assert from "uvu/assert";
import type { Run, Visit } from "../scripts/compare/result.ts";
import { textsIn } from "../scripts/compare/texts.ts";
import { suite } from "./helpers/harness.ts";
import {
  aLongRun,
  aRun,
  barelyMeasuredRun,
  besidePython,
  reportOf,
  serverOf,
  textsOf,
} from "./helpers/runs.ts";

const test = suite("the report of compare");

/** The rows of all tables, each on one line; "---" is between two tables. */
function rowsOf(run: Run): string[] {
  const tables = reportOf(run).tables.map(({ rows }) => {
    const lines = rows.map(({ title, cells }) => {
      const texts = cells.map((text) => text.replace("\n", " ") || "-");
      return [title, ...texts].join(" | ");
    });
    return lines.join("\n");
  });
  return tables.join("\n---\n").split("\n");
}

test("a sentence for each important figure", async () => {
  const { sentences } = reportOf(aRun());

  assert.equal(sentences, [
    "Answered while one client stayed connected – " +
      "server: none until that client left (1 s), then 2 reset; " +
      "forever: all 2 within 220 ms; " +
      "async: all 2 within 10 ms.",
    "Time to start a thread, measured separately – " +
      "forever: 100 ms, and the clients wait for their threads to start " +
      "one after another.",
    "CPU time per echo with 2 clients – " +
      "forever: 60 µs (4 times the lowest); " +
      "async: 15 µs.",
    "Echoes per second with 2 clients, which share this machine's cores " +
      "with the server – " +
      "forever: 10,000; " +
      "async: 30,000.",
    "Each additional client needs – " +
      "forever: 8.1 MB, 1 thread; " +
      "async: <0.1 MB, no thread.",
    "On Ctrl+C – " +
      "server: disconnects, killed by SIGINT; " +
      "forever: still answers, exit code 0; " +
      "async: disconnects, exit code 0.",
  ]);
});

test("a row of a table for each figure", async () => {
  assert.equal(rowsOf(aRun()), [
    "one client at a time | 1 answered, 1 refused | 2 answered | 2 answered",
    "while one stays | none in 1 s 2 reset | all 2 within 220 ms | " +
      "all 2 within 10 ms",
    "time to start a thread | - | 100 ms | -",
    "CPU per echo, 2 clients | - | 60 µs | 15 µs",
    "echoes/s, 2 clients | - | 10,000 | 30,000",
    "per client | - | 8.1 MB 1 thread | <0.1 MB no thread",
    "Ctrl+C | disconnects killed by SIGINT | still answers exit code 0 | " +
      "disconnects exit code 0",
    "---",
    "CPU per echo, 10 clients | 50 µs | 12 µs",
    "echoes/s, 10 clients | 20,000 | 40,000",
    "latency p50, p99, 2 clients | 0.12, 12 ms | 0.12, 12 ms",
    "10 clients | 0.12, 12 ms | 0.12, 12 ms",
    "longest latency, 2 clients | 30 ms | 30 ms",
    "10 clients | 30 ms | 30 ms",
    "cores used, 2 clients | 1.2 | 1.2",
    "10 clients | 1.2 | 1.2",
  ]);
});

test("the conditions of the run", async () => {
  const { conditions } = reportOf(aRun());

  const start = "2 clients; Node, Linux, cores: 2; took 9.0 s; 2026-11-2";
  assert.is(conditions.slice(0, start.length), start);
});

test("the conditions in Korean", async () => {
  const { conditions } = reportOf(aRun(), "ko");

  const start = "연결 2개; Node, Linux, 코어 2개; 걸린 시간 9.0 s; 2026-11-2";
  assert.is(conditions.slice(0, start.length), start);
});

test("a note that threads are Workers of Node", async () => {
  const { notes } = reportOf(aRun());

  assert.equal(notes, [
    "Here a thread is a Worker of Node: a separate JavaScript engine. " +
      "Add --python DIR to measure Python's threads, too.",
  ]);
});

test("no note about Workers next to Python's threads", async () => {
  const { notes } = reportOf(besidePython());

  assert.equal(notes, []);
});

test("a sentence names each Python server by its language", async () => {
  const { sentences } = reportOf(besidePython());

  assert.match(sentences.join("\n"), "forever (Python): 0.09 ms.\n");
});

/**
 * A run in which one thing was measured differently, and what then is reported.
 */
interface Case {
  title: string;
  change: (run: Run) => void;
  /** A part of the sentences and notes, which are a line each. */
  reports: string;
}

const cases: Case[] = [
  {
    title: "one client is answered while another client stays",
    change(run) {
      const { clients } = serverOf(run, "server").stay!;
      clients[0] = { connectedMs: 1, reportedMs: 6, outcome: "answered" };
    },
    reports: "server: 1 of 2 within 5 ms, then 1 reset;",
  },
  {
    title: "one client is answered after the other client has left",
    change(run) {
      serverOf(run, "forever").stay!.leftMs = 150;
    },
    reports: "forever: 1 of 2 within 110 ms, then 1 answered;",
  },
  {
    title: "clients wait much longer than a thread needs to start",
    change(run) {
      serverOf(run, "forever").idle!.threadStartMs = 4;
    },
    reports: "Time to start a thread, measured separately – forever: 4 ms.\n",
  },
  {
    title: "clients wait less than a thread needs to start",
    change(run) {
      serverOf(run, "forever").idle!.threadStartMs = 400;
    },
    reports: "Time to start a thread, measured separately – forever: 400 ms.\n",
  },
  {
    title: "one client doesn't wait for several threads",
    change(run) {
      run.options.clients = 1;
      const { stay, idle } = serverOf(run, "forever");
      stay!.clients.length = 1;
      idle!.threadStartMs = 40;
    },
    reports: "Time to start a thread, measured separately – forever: 40 ms.\n",
  },
  {
    title: "two servers need about the same CPU time",
    change(run) {
      serverOf(run, "forever").growth![0]!.cpuPerEchoUs = 16;
    },
    reports: "forever: 16 µs; async: 15 µs.",
  },
  {
    title: "the rate of echoes varies by more than half: it is marked",
    change: varyRate,
    reports: "forever: ~10,000; async: 30,000.",
  },
  {
    title: "the rate of echoes varies by more than half: a note",
    change: varyRate,
    reports:
      "~: this rate varied by more than half during the load test; " +
      "treat it as a rough estimate.",
  },
  {
    title: "the rate of echoes varies by less than half: no mark",
    change(run) {
      const { windows } = serverOf(run, "forever").growth![0]!;
      windows[0]!.echoesPerSecond = 7000;
    },
    reports: "forever: 10,000; async: 30,000.",
  },
  {
    title: "one more client needs more than 0.1 MB",
    change(run) {
      serverOf(run, "async").idle!.perClientMB = 0.14;
    },
    reports: "async: 0.14 MB, no thread.",
  },
  {
    title: "Ctrl+C can't be pressed on this system",
    change(run) {
      serverOf(run, "server").ctrlC = "not on this system";
    },
    reports: "server: not on Windows;",
  },
  {
    title: "after Ctrl+C the connection stays open, without an answer",
    change(run) {
      serverOf(run, "server").ctrlC = {
        echoed: false,
        disconnected: false,
        exit: { code: 3, signal: null },
      };
    },
    reports: "server: no longer answers, exit code 3;",
  },
  {
    title: "Python originals are missing",
    change(run) {
      run.missing = ["client.py", "x.py"];
    },
    reports: "Not found, and skipped: client.py, x.py.",
  },
  {
    title: "compare was suspended",
    change(run) {
      run.stoppedSeconds = 12.3;
    },
    reports: "compare itself was suspended for 12 s during the run,",
  },
];

function varyRate(run: Run): void {
  const { windows } = serverOf(run, "forever").growth![0]!;
  windows[0]!.echoesPerSecond = 4000;
}

for (const { title, change, reports } of cases)
  test(title, async () => {
    const run = aRun();
    change(run);

    const { sentences, notes } = reportOf(run);
    assert.match([...sentences, ...notes].join("\n"), reports);
  });

// Values that a Korean text has in another order than the English one.

test("in Korean: how many of how many were answered", async () => {
  const run = aRun();
  const { clients } = serverOf(run, "server").stay!;
  clients[0] = { connectedMs: 1, reportedMs: 6, outcome: "answered" };

  const { sentences } = reportOf(run, "ko");

  assert.match(sentences[0]!, "server: 2개 중 1개 5 ms 안에, 그 뒤 1개 끊김");
});

test("in Korean: what the clients of the picture do", async () => {
  const { experiment } = reportOf(aRun(), "ko").picture;

  assert.match(experiment, "다른 2개가 동시에 접속해");
});

test("one client only: another one connects", async () => {
  const run = aRun();
  run.options.clients = 1;
  const { experiment } = reportOf(run, "en").picture;

  assert.match(experiment, "while another one connects and sends a message.");
});

test("in Korean: the clients without a lane", async () => {
  const run = aRun();
  const { stay } = serverOf(run, "forever");
  stay!.clients = Array<Visit>(12).fill(stay!.clients[0]!);

  const { panels } = reportOf(run, "ko").picture;

  assert.is(panels[1]!.more, "그 밖에 3개: 3개 응답받음");
});

test("in Korean: which server failed, where, and why", async () => {
  const [failure] = reportOf(aLongRun(), "ko").failures;

  const start =
    'server 실패("Ctrl+C"): 스스로 종료됨(종료 코드 1); 마지막 출력: 7';
  assert.is(failure!.slice(0, start.length), start);
});

test("figures that could not be measured are left out", async () => {
  assert.equal(rowsOf(barelyMeasuredRun()), [
    "one client at a time | 1 answered, 1 refused | 2 answered | 2 answered",
    "echoes/s, 2 clients | - | 10,000 | 30,000",
    "Ctrl+C | disconnects killed by SIGINT | still answers exit code 0 | " +
      "disconnects exit code 0",
    "---",
    "echoes/s, 10 clients | 20,000 | 40,000",
    "latency p50, p99, 2 clients | 0.12, 12 ms | 0.12, 12 ms",
    "10 clients | 0.12, 12 ms | 0.12, 12 ms",
    "longest latency, 2 clients | 30 ms | 30 ms",
    "10 clients | 30 ms | 30 ms",
  ]);
});

test("Python's servers are drawn below ours", async () => {
  const { panels } = reportOf(besidePython()).picture;

  const titles = panels.map(({ title }) => title);
  assert.equal(titles, [
    "lecture1_server.ts",
    "forever.ts",
    "async.ts",
    "lecture1_server.py",
    "forever.py",
    "async.py",
  ]);
});

test("a Korean text has as many places for values", async () => {
  const placesIn = (text: string) => text.split(/\{\d\}/).length - 1;
  const english = textsOf(textsIn("en"));
  const korean = textsOf(textsIn("ko"));

  assert.is(korean.length, english.length);
  for (const [index, text] of korean.entries())
    assert.is(placesIn(text), placesIn(english[index]!), text);
});

test.run();
