/** How a terminal shows the report of compare. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { chalk } from "zx/core";
import type { Run, Visit } from "../scripts/compare/result.ts";
import { terminalText } from "../scripts/compare/terminal.ts";
import {
  textsIn,
  type Outcome,
  type Trouble,
} from "../scripts/compare/texts.ts";
import { languages, type Language } from "../scripts/language.ts";
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

const test = suite("compare on a terminal");

/** How a run is drawn. */
interface Drawing {
  run: Run;
  /** 80 unless given. */
  columns?: number;
  /** English unless given. */
  language?: Language;
  /** Draws with all characters unless it is true. */
  ascii?: boolean;
}

/** What a terminal shows, as lines without colors. */
function linesOf({
  run,
  columns = 80,
  language = "en",
  ascii = false,
}: Drawing): string[] {
  const report = reportOf(run, language);
  const text = terminalText(report, { columns, ascii });
  return stripVTControlCharacters(text).split("\n");
}

/** What a terminal shows of a run with round numbers. */
const lines = linesOf({ run: aRun() });

test("first the picture, with its title", async () => {
  assert.is(lines[0], "While one client stays connected");
});

test("below the title, what the clients do", async () => {
  const start = "One client stays connected while 2 clients connect at";
  assert.match(lines[1]!, start);
});

/** The lines of the picture from a server's title on. */
function panelOf(title: string): string[] {
  const start = lines.findIndex((line) => line.startsWith(title));
  return lines.slice(start);
}

test("a lane for the client that stays", async () => {
  const [, stays] = panelOf("lecture1_server.ts");

  assert.match(stays!, /^ {3}stays █{50,} +1 s$/);
});

test("a lane for a client that is reset", async () => {
  const [, , client] = panelOf("lecture1_server.ts");

  assert.match(client!, /^client 1 ─{50,}✗ +reset 1 s$/);
});

test("next to a server's name, the threads of each client", async () => {
  const [title] = panelOf("forever.ts");

  assert.is(title, "forever.ts (per client: 1 thread)");
});

test("a lane for a client that is answered", async () => {
  const [, , client] = panelOf("forever.ts");

  assert.match(client!, /^client 1 ─+● +110 ms$/);
});

test("a client that waits twice as long has a lane twice as long", async () => {
  const [, , first, second] = panelOf("forever.ts");

  const axisStart = "client 1 ".length;
  const firstLength = first!.indexOf("●") - axisStart;
  const secondLength = second!.indexOf("●") - axisStart;
  assert.ok(secondLength > 1.5 * firstLength, `${first}\n${second}`);
});

test("a client that hardly waits is a point", async () => {
  const [, , client] = panelOf("async.ts");

  assert.match(client!, /^client 1 ● +5 ms$/);
});

test("below the panels, the axis of time", async () => {
  const [, , , , axis] = panelOf("async.ts");

  assert.match(axis!, /^ +0 +1 s$/);
});

test("of 200 clients nine have a lane, the others are counted", async () => {
  const run = aRun();
  const stay = serverOf(run, "forever").stay!;
  const answered = stay.clients[0]!;
  const closed: Visit = { ...answered, outcome: "closed" };
  stay.clients = [...Array<Visit>(199).fill(answered), closed];

  const text = linesOf({ run }).join("\n");
  assert.match(text, /\nclient 9 .*\n +and 191 more: 190 answered, 1 closed\n/);
});

const longRun = aLongRun();

/** A run in which times have three digits in all lanes. */
const threeDigitRun = aRun();
const reset: Visit = { connectedMs: 10, reportedMs: 284, outcome: "reset" };
serverOf(threeDigitRun, "server").stay = {
  leftMs: 280,
  clients: [reset, reset],
};

const runs = [
  { name: "a run", run: aRun() },
  { name: "a long run", run: longRun },
  { name: "a run with times of three digits", run: threeDigitRun },
];

for (const { name, run } of runs.slice(0, 2))
  for (const language of languages)
    test(`all texts of ${name} are shown: ${language}`, async () => {
      const withoutSpace = (text: string) => text.replaceAll(/\s/g, "");
      const shown = withoutSpace(
        linesOf({ run, columns: 100, language }).join(""),
      );

      // The title is the page's only.
      const { title, ...shownParts } = reportOf(run, language);
      for (const text of textsOf(shownParts))
        assert.ok(shown.includes(withoutSpace(text)), `${text} is missing`);
    });

test("what could not be measured is not mentioned", async () => {
  const text = linesOf({ run: barelyMeasuredRun() }).join("\n");

  assert.not.match(text, /NaN|undefined|Infinity|CPU|cores u|thread|stays/);
});

/** All drawings of all runs, as wide as some terminals. */
function drawings(...widths: number[]): Required<Drawing>[] {
  const all: Required<Drawing>[] = [];
  for (const { run } of runs)
    for (const language of languages)
      for (const columns of widths)
        for (const ascii of [false, true])
          all.push({ run, language, columns, ascii });
  return all;
}

for (const columns of [100, 80, 60, 40]) {
  test(`no line is wider than ${columns} columns`, async () => {
    for (const drawing of drawings(columns))
      for (const line of linesOf(drawing))
        assert.ok(stringWidth(line) <= columns, line);
  });

  test(`each server has a lane at ${columns} columns`, async () => {
    const isLane = /^ *(client|클라이언트) 1 +[─●✗xo-]/;
    for (const drawing of drawings(columns)) {
      const lanes = linesOf(drawing).filter((line) => isLane.test(line));
      assert.is(lanes.length, drawing.run.servers.length);
    }
  });
}

test("from 80 columns on, the figures are a table", async () => {
  for (const drawing of drawings(80, 100)) {
    const isBorder = drawing.ascii ? /^\+-/ : /^┌─/;
    const borders = linesOf(drawing).filter((line) => isBorder.test(line));
    assert.ok(borders.length > 0, "no table");
  }
});

test("at 40 columns, the figures are a list", async () => {
  const list = linesOf({ run: aRun(), columns: 40 }).join("\n");

  assert.match(list, "\ntime to start a thread\n  forever: 100 ms\n");
  assert.match(list, "\n  10 clients\n    forever: 30 ms; async: 30 ms\n");
});

test("in ASCII no other character is drawn", async () => {
  for (const drawing of drawings(100, 80, 60, 40)) {
    if (!drawing.ascii) continue;
    const text = linesOf(drawing).join("\n");
    const notAscii = /[^\x00-\x7f]/;
    const drawn = /[─│●✗█µ–]/;
    assert.not.match(text, drawing.language === "en" ? notAscii : drawn);
  }
});

/** What a terminal shows of a run, with colors. */
function inColor(run: Run): string {
  const { level } = chalk;
  chalk.level = 1;
  const text = terminalText(reportOf(run), { columns: 80 });
  chalk.level = level;
  return text;
}

test("failures are red", async () => {
  assert.match(inColor(longRun), '\x1b[31m- server FAILED at "Ctrl+C"');
});

test("notes are yellow", async () => {
  assert.match(inColor(longRun), "\x1b[33m- Not found, and skipped: x.py.");
});

test("the lane of a client that stays is cyan", async () => {
  assert.match(inColor(aRun()), /stays \x1b\[36m█+\x1b\[39m +340 ms/);
});

test("the lane and the mark of an answered client are green", async () => {
  const lane = /client 2 +\x1b\[32m─+\x1b\[39m\x1b\[32m●\x1b\[39m +220 ms/;
  assert.match(inColor(aRun()), lane);
});

test("the lane and the mark of a reset client are red", async () => {
  const lane = /client 2 +\x1b\[31m─+\x1b\[39m\x1b\[31m✗\x1b\[39m +reset/;
  assert.match(inColor(aRun()), lane);
});

test("in Korean the wait of clients is reported", async () => {
  const text = linesOf({ run: aRun(), language: "ko" }).join(" ");

  assert.match(text, /그 하나가 연결을 끊을 때까지\(1 s\)\s+없음/);
});

/** The words that are the same in both languages. */
const sameInKorean = new Set([
  "server",
  "forever",
  "async",
  "p50",
  "p99",
  "p",
  "ms",
  "s",
  "MB",
  "CPU",
  "RST",
  "FIN",
  "Ctrl+C",
  "SIGINT",
  "Python",
  "python",
  "Node",
  "Worker",
  "JavaScript",
  "DIR",
  "Linux",
  "compare",
  "ulimit",
  "n",
  "x.py",
  // The line that a server prints.
  "Server",
  "listening",
  "on",
]);

/** A run in Korean with each trouble; the outcomes take turns. */
function runsInTrouble(): Run[] {
  const troubles = Object.keys(textsIn("ko").trouble) as Trouble[];
  const outcomes = Object.keys(textsIn("ko").outcome) as Outcome[];
  return troubles.map((trouble, index) => {
    const reason = { trouble, detail: trouble === "died" ? "SIGINT" : "7" };
    const run = besidePython({ missing: ["x.py"], stoppedSeconds: 12 });
    const ours = run.servers[0]!;
    const python = run.servers[1]!;
    ours.failure = { ...reason, step: "all at once", lastLines: ["7"] };
    ours.growthEnd = { ...reason, connections: 50 };
    python.stay!.clients[0]!.outcome = outcomes[index % outcomes.length]!;
    return run;
  });
}

test("in Korean no word is left in English", async () => {
  for (const run of runsInTrouble()) {
    const text = linesOf({ run, language: "ko" }).join(" ");

    const words = text.match(/[A-Za-z][A-Za-z0-9_+.]*/g)!;
    const isFile = /^(lecture1_server|forever|async)\.(ts|py)$/;
    const english = words
      .map((word) => word.replace(/\.$/, ""))
      .filter((word) => !sameInKorean.has(word) && !isFile.test(word));
    assert.equal(english, []);
  }
});

test.run();
