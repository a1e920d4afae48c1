/**
 * What goes wrong with a server: how it is counted, and how compare reports it.
 */
import * as assert from "uvu/assert";
import { expectMemory } from "../scripts/compare/connections.ts";
import {
  expectAnswers,
  resultsOfFailedStep,
  ServerFailure,
} from "../scripts/compare/failure.ts";
import type { Run } from "../scripts/compare/result.ts";
import { MissingFile } from "../scripts/erased.ts";
import type { Outcome, Trouble } from "../scripts/compare/texts.ts";
import { suite } from "./helpers/harness.ts";
import { aRun, aServer, reportOf } from "./helpers/runs.ts";

const test = suite("failures");

const { growth } = aServer("forever");

/** A run in which the fourth step of the threaded server failed. */
function failedRun(error: unknown): Run {
  const failure = ServerFailure.from(error);
  return aRun({
    servers: [
      aServer("server"),
      {
        design: "forever",
        language: "TypeScript",
        file: "/lecture/forever.ts",
        ...resultsOfFailedStep("all at once", failure),
      },
      aServer("async"),
    ],
  });
}

/** A failure with more than N connections. */
function withFifty(error: Error): ServerFailure {
  const failure = ServerFailure.from(error);
  failure.connections = 50;
  return failure;
}

/** A server that ended under load, after its load had been measured. */
function ended(): ServerFailure {
  const failure = new ServerFailure("ended", "1", { growth });
  failure.lastLines = ["Error: arm lost", "at /x.ts:48:13"];
  return failure;
}

/** Texts of programs that would clear the screen, and color it. */
function escaping(): ServerFailure {
  const failure = new ServerFailure("client", "\x1b[2Jcleared\u202e");
  failure.lastLines = ["\x1b[31mred\x07"];
  return failure;
}

function tooLittleMemory(): ServerFailure {
  try {
    expectMemory({ connections: 200, perClientMB: 8.14, freeMB: 1700 });
  } catch (error) {
    return error as ServerFailure;
  }
  throw new Error("there is memory enough");
}

interface ReportCase {
  title: string;
  error: Error;
  /** Everything that the report says about it. */
  reported: string;
}

const reportCases: ReportCase[] = [
  {
    title: "a server that exited: with its last lines",
    error: ended(),
    reported:
      'forever FAILED at "load test": it exited with code 1; ' +
      "its last output: Error: arm lost / at /x.ts:48:13",
  },
  {
    title: "a wrong answer to more than N clients is a failure",
    error: withFifty(new ServerFailure("wrong", "1/50")),
    reported: 'forever FAILED at "load test": wrong answer (1/50)',
  },
  {
    title: "an error of another kind: its first line",
    error: new Error("one\ntwo"),
    reported: 'forever FAILED at "load test": one',
  },
  {
    title: "characters that control a terminal are shown as codes",
    error: escaping(),
    reported:
      'forever FAILED at "load test": the client failed ' +
      "(\\x1b[2Jcleared\\u202e); its last output: \\x1b[31mred\\x07",
  },
  {
    title: "a long detail is cut",
    error: new ServerFailure("client", "x".repeat(1024)),
    reported:
      'forever FAILED at "load test": the client failed ' +
      `(${"x".repeat(200)}…)`,
  },
  {
    title: "a program that is missing",
    error: new MissingFile("/lecture/forever.ts"),
    reported:
      'forever FAILED at "load test": there is no file /lecture/forever.ts',
  },
  {
    title: "not enough memory: more clients are skipped",
    error: tooLittleMemory(),
    reported:
      "forever: load tests with 200 or more clients were skipped: " +
      "not enough free memory (1628 MB > 1700 MB / 2).",
  },
  {
    title: "too few files: more clients are skipped",
    error: withFifty(new Error("connect EMFILE 127.0.0.1")),
    reported:
      "forever: load tests with 50 or more clients were skipped: " +
      "too many open files (EMFILE): raise ulimit -n.",
  },
  {
    title: "no answer to more than N clients: they are skipped",
    error: withFifty(new ServerFailure("hangs", "25/50")),
    reported:
      "forever: load tests with 50 or more clients were skipped: no answer (25/50).",
  },
];

for (const { title, error, reported } of reportCases)
  test(title, async () => {
    const { failures, notes } = reportOf(failedRun(error));

    assert.equal([...failures, ...notes], [reported]);
  });

test("load tests that are skipped, in Korean", async () => {
  const { notes } = reportOf(failedRun(tooLittleMemory()), "ko");

  assert.equal(notes, [
    "forever: 클라이언트 200개부터는 부하 테스트를 생략함: " +
      "남은 메모리가 부족함(1628 MB > 1700 MB / 2).",
  ]);
});

test("what was measured before a failure is still reported", async () => {
  const [measured] = reportOf(failedRun(ended())).tables;

  const rates = measured!.rows.find(
    ({ title }) => title === "echoes/s, 2 clients",
  );
  assert.equal(rates!.cells, ["", "10,000", "30,000"]);
});

test("half of the free memory may be used", async () => {
  expectMemory({ connections: 100, perClientMB: 8.14, freeMB: 1700 });
});

test("memory of an unknown size is not checked", async () => {
  expectMemory({ connections: 200, freeMB: 1 });
});

interface AnswersCase {
  outcomes: (Outcome | undefined)[];
  trouble: Trouble;
  detail: string;
}

const answersCases: AnswersCase[] = [
  {
    outcomes: ["answered", "wrong", "closed", undefined],
    trouble: "wrong",
    detail: "1/4",
  },
  {
    outcomes: ["failed", "closed"],
    trouble: "client",
    detail: "1/2",
  },
  {
    outcomes: ["closed", "reset", "refused", "answered", "no answer"],
    trouble: "cut",
    detail: "3/5",
  },
  {
    outcomes: [undefined, "no answer", "answered"],
    trouble: "hangs",
    detail: "2/3, 1.5 s",
  },
];

for (const { outcomes, trouble, detail } of answersCases) {
  const names = outcomes.map((outcome) => outcome ?? "nothing");
  test(`${names.join(", ")}: ${trouble}`, async () => {
    const found = { growth };
    try {
      expectAnswers(outcomes, { waitedMs: 1500, found });
    } catch (error) {
      assert.instance(error, ServerFailure);
      const failure = error as ServerFailure;
      assert.is(failure.trouble, trouble);
      assert.is(failure.message, detail);
      assert.is(failure.found, found);
      return;
    }
    assert.unreachable("no failure");
  });
}

test("clients that are all answered are no failure", async () => {
  expectAnswers(["answered", "answered"], { waitedMs: 1000 });
});

test.run();
