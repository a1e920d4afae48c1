/** compare: what is said of a run, and how a terminal shows it. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { failed, failureOf } from "../scripts/compare/failure.ts";
import { expectMemory } from "../scripts/compare/connections.ts";
import { report } from "../scripts/compare/report.ts";
import type { Run, Trouble } from "../scripts/compare/result.ts";
import { known, runIn } from "../scripts/compare/saved.ts";
import { terminal } from "../scripts/compare/terminal.ts";
import { textsIn } from "../scripts/compare/texts.ts";
import { languages, type Language } from "../scripts/language.ts";
import { besidePython, fixed } from "./fixed.ts";
import { suite } from "./harness.ts";

const test = suite("compare");

const told = (run: Run, language: Language = "en") =>
  report(run, textsIn(language));

/** What a terminal shows of a run, as lines without colours. */
function lines(
  run: Run,
  columns = 80,
  language: Language = "en",
  draws = true,
) {
  const text = terminal(told(run, language), columns, draws);
  return stripVTControlCharacters(text).split("\n");
}

/** The cells of a row of the table, each on one line. */
function row(run: Run, title: string, after = 0): string[] {
  const all = lines(run, 100);
  const index = all.findIndex((line) => line.startsWith(`│ ${title} `));
  assert.ok(index >= 0, `no row ${title}`);
  const cells = (line: string) =>
    line
      .split("│")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [, ...first] = cells(all[index + after]!);
  const [none, ...second] = cells(all[index + after + 1]!);
  return first.map((cell, i) =>
    none ? cell : `${cell} ${second[i] ?? ""}`.trim(),
  );
}

/** A run in which something is otherwise. */
function changed(change: (run: Run, servers: Run["servers"]) => void): Run {
  const run = fixed();
  change(run, run.servers);
  return run;
}

test("the sentences: each says what its row says", async () => {
  assert.equal(told(fixed()).sentences, [
    "Answered while one client stayed – server: none while the other stayed (1 s), then 2 reset; forever: all 2 within 220 ms; async: all 2 within 10 ms.",
    "Start of one thread, measured alone – forever: 100 ms, and that is what its clients wait for, one after another.",
    "CPU time per echo, 2 at once – forever: 60 µs (4 times as much); async: 15 µs.",
    "Echoes/s of 2 at once, on this machine, shared with the load – forever: 10,000; async: 30,000.",
    "One more client takes – forever: 8.1 MB, 1 thread; async: <0.1 MB, no thread.",
    "At Ctrl+C – server: disconnects, dies of SIGINT; forever: still answers, exit code 0; async: disconnects, exit code 0.",
  ]);
  assert.equal(told(fixed()).notes, [
    "A thread is a Worker of Node here; --python DIR measures Python's beside it.",
  ]);
  assert.is(
    told(fixed()).conditions.slice(0, 43),
    "2 clients; Node, Linux, cores: 2; took 9.0 ",
  );
});

test("the table: a column for each server, a unit for each number", async () => {
  const run = fixed();
  assert.equal(row(run, "clients in turn"), [
    "1 answered, 1 refused",
    "2 answered",
    "2 answered",
  ]);
  assert.equal(row(run, "while one stays"), [
    "none in 1 s 2 reset",
    "all 2 within 220 ms",
    "all 2 within 10 ms",
  ]);
  assert.equal(row(run, "start of one thread"), ["-", "100 ms", "-"]);
  assert.equal(row(run, "CPU per echo, 1 client"), [
    "70 µs",
    "120 µs",
    "30 µs",
  ]);
  assert.equal(row(run, "CPU per echo, 1 client", 1), ["-", "60 µs", "15 µs"]);
  assert.equal(row(run, "echoes/s, 1 client"), ["9,000", "5,000", "15,000"]);
  assert.equal(row(run, "echoes/s, 1 client", 2), ["-", "10,000", "30,000"]);
  assert.equal(
    row(run, "echo p50, p99, 1 client"),
    Array(3).fill("0.12, 12 ms"),
  );
  assert.equal(row(run, "longest echo, 1 client"), Array(3).fill("30 ms"));
  assert.equal(row(run, "cores used, 1 client"), Array(3).fill("1.2"));
  assert.equal(row(run, "one more client"), [
    "-",
    "8.1 MB 1 thread",
    "<0.1 MB no thread",
  ]);
  assert.equal(row(run, "Ctrl+C"), [
    "disconnects dies of SIGINT",
    "still answers exit code 0",
    "disconnects exit code 0",
  ]);
});

test("the picture: a lane for each client on one axis of time", async () => {
  const drawn = lines(fixed());
  assert.is(drawn[0], "While one client stays");
  assert.match(
    drawn[1]!,
    /^One client is connected and stays; beside it 2 clients at/,
  );
  const start = drawn.indexOf("lecture1_server.ts");
  assert.match(drawn[start + 1]!, /^ {3}stays █{50,} +1 s$/);
  assert.match(drawn[start + 2]!, /^client 1 ─{50,}✗ +reset 1 s$/);
  assert.is(drawn[start + 4], "forever.ts (one more client: 1 thread)");
  const [first, second] = drawn.slice(start + 6);
  assert.match(first!, /^client 1 ─+● +110 ms$/);
  assert.is(
    second!.indexOf("●") > 1.5 * first!.indexOf("●") - 9,
    true,
    "twice as long",
  );
  assert.match(drawn[start + 10]!, /^client 1 ● +5 ms$/);
  assert.match(drawn[start + 12]!, /^ +0 +1 s$/);
  const { panels } = told(besidePython()).picture;
  const titles = panels.map(({ title }) => title.split(".").at(-1));
  assert.equal(titles, ["ts", "ts", "ts", "py", "py", "py"]);
});

test("all that the report says is on the terminal", async () => {
  const run = besidePython();
  run.missing = ["x.py"];
  const reason = { trouble: "ended", detail: "1", message: "" } as const;
  run.servers[0]!.failure = { ...reason, step: "Ctrl+C", lastLines: ["arm"] };
  for (const language of languages) {
    const said = told(run, language);
    const shown = lines(run, 100, language).join(" ").replaceAll(/ +/g, " ");
    const { sentences, notes, failures, picture, table, conditions } = said;
    const all = [...sentences, ...notes, ...failures, conditions, said.answer];
    assert.is(notes.length, 1);
    for (const { title, cells } of table.rows)
      all.push(title, ...cells.flatMap(({ text }) => text.split("\n")));
    all.push(picture.title, picture.experiment, table.title, picture.end);
    for (const one of all) assert.ok(shown.includes(one), one);
  }
});

test("200 clients: nine lanes, the rest is counted", async () => {
  const run = changed((_, [, forever]) => {
    const [client] = forever!.stay!.clients;
    forever!.stay!.clients = Array(200).fill(client);
    Object.assign(forever!.stay!.clients, {
      199: { ...client, outcome: "closed" },
    });
  });
  const drawn = lines(run);
  const more = drawn.filter((line) =>
    /and 191 more: 190 answered, 1 closed/.test(line),
  );
  assert.is(more.length, 1);
  assert.is(drawn.filter((line) => line.startsWith("client 9 ")).length, 1);
});

test("no line is wider than the terminal, in either language, drawn or in ASCII", async () => {
  const long = besidePython();
  Object.assign(long.servers[0]!, {
    failure: {
      ...{ step: "Ctrl+C", trouble: "died", detail: "1", message: "" },
      lastLines: ["a".repeat(150), "b"],
    },
  });
  long.servers[2]!.growth!.push({
    ...long.servers[2]!.load!,
    connections: 5000,
  });
  const early = changed((_, [server]) => {
    server!.stay!.leftMs = 280; // each 'reset' is three digits long
    for (const client of server!.stay!.clients) client.reportedMs = 284;
  });
  for (const run of [fixed(), long, early])
    for (const language of languages)
      for (const columns of [100, 80, 60, 40])
        for (const draws of [true, false]) {
          const all = lines(run, columns, language, draws);
          for (const line of all)
            assert.ok(stringWidth(line) <= columns, `${columns}: ${line}`);
          const lanes = all.filter((line) =>
            /^ *(client|클라이언트) 1 +[─●✗xo-]/.test(line),
          );
          assert.is(lanes.length, run.servers.length, `lanes at ${columns}`);
          // eslint-disable-next-line no-control-regex
          if (!draws)
            assert.not.match(
              all.join("\n"),
              language === "en" ? /[^\x00-\x7f]/ : /[─│●✗█µ–]/,
            );
          if (columns >= 80)
            assert.ok(
              all.some((line) => /^[┌+]/.test(line)),
              "a table",
            );
        }
});

test("in Korean nothing is left in English", async () => {
  const run = besidePython();
  run.missing = ["x.py"];
  run.stoppedSeconds = 12;
  const troubles: Trouble[] = [
    "silent",
    "hangs",
    "wrong",
    "cut",
    "died",
    "ended",
    "goesOn",
    "client",
    "files",
    "memory",
    "error",
  ];
  const said = troubles.flatMap((trouble, index) => {
    const detail = trouble === "died" ? "SIGINT" : "7";
    const reason = { trouble, detail, message: "English" };
    const [server] = run.servers;
    server!.failure = { ...reason, step: "all at once", lastLines: ["7"] };
    server!.growthEnd = { ...reason, connections: 50 };
    const clients = run.servers[1]!.stay!.clients;
    const outcomes = [
      "reset",
      "refused",
      "closed",
      "wrong",
      "failed",
      "no answer",
    ] as const;
    clients[0]!.outcome = outcomes[index % 6]!;
    return lines(run, 80, "ko");
  });
  const words = said
    .join(" ")
    .replaceAll(/ *\n */g, " ")
    .match(/[A-Za-z][A-Za-z+:./]*/g);
  const known =
    /^(lecture1?|server([.:]\w*)?|forever(\.ts|\.py|:)?|async(\.ts|\.py|:)?|p50|p99|ms\.?|s|MB|CPU|RST|FIN|Ctrl\+C|SIGINT|Python:?|Node|Worker|DIR|python|Linux|compare|ulimit|n|x\.py\.|s\.|Server|listening|on|p)$/;
  const foreign = new Set(words!.filter((word) => !known.test(word)));
  assert.equal([...foreign], []);
  assert.match(said.join("\n"), /다른 하나가 머문 동안\(1 s\) 없음/);
});

test("what is said follows what was measured", async () => {
  const said = (change: Parameters<typeof changed>[0]) => {
    const { sentences, notes, failures } = told(changed(change));
    return [...sentences, ...notes, ...failures].join("\n");
  };
  const cases: [Parameters<typeof changed>[0], RegExp][] = [
    [
      (_, [server]) =>
        (server!.stay!.clients[0] = {
          connectedMs: 1,
          reportedMs: 6,
          outcome: "answered",
        }),
      /server: 1 of 2 within 5 ms, then 1 reset/,
    ],
    [
      (_, [, forever]) => (forever!.stay!.leftMs = 150),
      /forever: 1 of 2 within 110 ms, then 1 answered;/,
    ],
    [
      (_, [, forever]) => (forever!.idle!.threadStartMs = 4),
      /forever: 4 ms\.\n/,
    ],
    [
      (_, [, forever]) => (forever!.idle!.threadStartMs = 400),
      /forever: 400 ms\.\n/,
    ],
    [
      (_, [, forever]) =>
        (forever!.load!.cpuPerEchoUs = forever!.growth![1]!.cpuPerEchoUs = 16),
      /forever: 16 µs; async: 15 µs\./,
    ],
    [
      (_, [, forever]) =>
        (forever!.growth![1]!.windows[0]!.echoesPerSecond = 4000),
      /forever: ~10,000; .*\n[^]*~: the windows of that load differ/,
    ],
    [
      (_, [, , async]) => (async!.idle!.perClientMB = 0.14),
      /async: 0\.14 MB, no thread/,
    ],
    [
      (_, [server]) => (server!.ctrlC = "not on this system"),
      /At Ctrl\+C – server: not on this system; forever/,
    ],
    [
      (_, [server]) =>
        (server!.ctrlC = {
          echoed: false,
          disconnected: false,
          exit: { code: 3, signal: null },
        }),
      /server: answers no more, exit code 3/,
    ],
    [
      (run) => (run.missing = ["lecture1_client.py", "x.py"]),
      /Not found, and skipped: lecture1_client\.py, x\.py\./,
    ],
    [(run) => (run.stoppedSeconds = 12.3), /was stopped for 12 s meanwhile/],
  ];
  for (const [change, pattern] of cases) assert.match(said(change), pattern);
  assert.not.match(told(besidePython()).notes.join(), /Worker/);
  assert.match(
    told(besidePython()).sentences[1]!,
    /forever \(Python\): 0\.09 ms\.$/,
  );
});

test("what was not measured is not said", async () => {
  const run = changed((_, servers) => {
    for (const server of servers) {
      delete server.idle;
      delete server.stay;
      for (const load of server.growth!) {
        delete load.cpuPerEchoUs;
        delete load.coresUsed;
        delete load.p50Ms;
      }
    }
  });
  const all = lines(run).join("\n");
  assert.not.match(
    all,
    /NaN|undefined|Infinity|CPU|cores used|thread|p99|stays/,
  );
  assert.match(all, /echoes\/s, 1 client/);
});

test("a failure: which step, what happened, the last lines, in its column; what was found before", async () => {
  const error = failed("ended", "1", { growth: fixed().servers[1]!.growth! });
  Object.assign(error, {
    lastLines: ["Error: arm lost", "at /x/lecture1_server.ts:48:13"],
  });
  const run = changed((_, servers) => {
    const { design, language, file } = servers[1]!;
    servers[1] = { design, language, file, ...failureOf(error, "all at once") };
  });
  assert.equal(told(run).failures, [
    'forever FAILED at "all at once": it ended with exit code 1; its last lines: Error: arm lost / at /x/lecture1_server.ts:48:13',
  ]);
  assert.is(run.servers[1]!.failure!.message, "it ended with exit code 1");
  assert.equal(row(run, "echoes/s, 1 client"), ["9,000", "5,000", "15,000"]);
  assert.match(lines(run).join("\n"), /^- forever FAILED at "all at once"/m);
});

test("a number of connections for which memory or files don't do is left out, and it is said", async () => {
  const idle = fixed().servers[1]!.idle!;
  expectMemory(100, idle, 1700); // 814 MB of 1,700
  expectMemory(200, undefined, 1);
  const limits: [() => void, string][] = [
    [
      () => expectMemory(200, idle, 1700),
      "200 clients and more were left out: too little memory is free (1628 MB > 1700 MB / 2).",
    ],
    [
      () => {
        throw Object.assign(new Error("connect EMFILE 127.0.0.1:5"), {
          code: "EMFILE",
          beyond: 50,
        });
      },
      "50 clients and more were left out: too few files may be open (EMFILE): raise ulimit -n.",
    ],
    [
      () => {
        throw Object.assign(failed("hangs", "25/50, 10 s"), { beyond: 50 });
      },
      "50 clients and more were left out: no answer (25/50, 10 s).",
    ],
  ];
  for (const [limit, says] of limits) {
    const run = changed((_, [, forever]) => {
      try {
        limit();
        assert.unreachable();
      } catch (error) {
        Object.assign(forever!, failureOf(error as Error, "all at once"));
      }
    });
    assert.is(run.servers[1]!.failure, undefined);
    assert.is(told(run).notes.at(-1), `forever: ${says}`);
  }
  const many = Object.assign(failed("wrong", "1/50"), { beyond: 50 });
  assert.is(failureOf(many, "all at once").failure!.trouble, "wrong");
  const other = failureOf(new Error("one\ntwo"), "all at once").failure!;
  assert.equal([other.trouble, other.detail], ["error", "one"]);
});

test("a saved run: with a byte order mark or without it, else none", async () => {
  const run = fixed();
  run.servers[1]!.load!.cpuPerEchoUs = NaN;
  const json = JSON.stringify(known(run), null, 2);
  assert.not.match(json, /null(?!,\n +"signal": "SIGINT")(?!\n)/);
  const swapped = Buffer.from(`\ufeff${json}`, "utf16le").swap16();
  const same = [
    Buffer.from(json),
    Buffer.from(`\ufeff${json}`),
    Buffer.from(`\ufeff${json}`, "utf16le"),
    swapped,
  ];
  for (const bytes of same)
    assert.equal(lines(runIn(bytes) as Run), lines(run));
  const without = (...path: (string | number)[]) => {
    const copy = JSON.parse(json);
    const last = path.pop()!;
    delete path.reduce((part, key) => part[key], copy)[last];
    return Buffer.from(JSON.stringify(copy));
  };
  const bad: [Buffer, string][] = [
    [Buffer.from(json.slice(0, -20)), "none"],
    [Buffer.from(""), "none"],
    [Buffer.from("null"), "none"],
    [without("servers", 2, "stay", "clients", 1, "outcome"), "none"],
    [without("servers", 0, "growth", 0, "windows"), "none"],
    [without("servers", 1, "ctrlC", "exit"), "none"],
    [without("machine", "cores"), "none"],
    [Buffer.from(json.replace('"reset"', '"lost"')), "none"],
  ];
  for (const [bytes] of bad)
    assert.is(runIn(bytes), undefined, bytes.toString().slice(-80));
});

test.run();
