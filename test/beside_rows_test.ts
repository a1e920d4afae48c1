/** Which lines of an original and its port beside puts into one row. */
import * as assert from "uvu/assert";
import { compareTexts, pairsOf, partsOf } from "./helpers/besideTool.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("rows of beside");

interface Case {
  title: string;
  python: string[];
  typescript: string[];
  pairs: string[];
}

const cases: Case[] = [
  {
    title: "names are compared as snake_case",
    python: ["start_client(HOST)", "get_port()"],
    typescript: ["getHost();", "await startClient(HOST);", "getPort();"],
    pairs: ["| 1", "1 | 2", "2 | 3"],
  },
  {
    title: "pairs never cross",
    python: ["one(a, b)", "two(c)"],
    typescript: ["two(c);", "one(a, b);"],
    pairs: ["1 |", "2 | 1", "| 2"],
  },
  {
    title: "too few words in common make no pair",
    python: ["one(a, b, c)"],
    typescript: ["two(d, e, c);"],
    pairs: ["1 |", "| 1"],
  },
  {
    title: "a call that prettier has broken is one statement",
    python: ["def start(host, port):", "    listen()"],
    typescript: [
      "async function start(",
      "  host: string,",
      "  port: number,",
      ") {",
      "  await listen();",
      "}",
    ],
    pairs: ["1 | 1-4", "2 | 5", "| 6"],
  },
  {
    title: "a call in brackets over some lines of Python is one",
    python: ["start(", "    host,", "    port)", "stop()"],
    typescript: ["start(host, port);", "stop();"],
    pairs: ["1-3 | 1", "4 | 2"],
  },
  {
    title: "a line of Python that \\ continues is one",
    python: ["total = one + \\", "    two", "stop()"],
    typescript: ["const total = one + two;", "stop();"],
    pairs: ["1-2 | 1", "3 | 2"],
  },
  {
    title: "an if with its break",
    python: ["if not data:", "    break", "go()"],
    typescript: ["if (!data) break;", "go();"],
    pairs: ["1-2 | 1", "3 | 2"],
  },
  {
    title: "an if with its break in braces",
    python: ["if not data: break", "go()"],
    typescript: ["if (!data) {", "  break;", "}", "go();"],
    pairs: ["1 | 1-3", "2 | 4"],
  },
  {
    title: "an if with more than its break is two",
    python: ["if not data:", "    stop()", "    break"],
    typescript: ["if (!data) {", "  stop();", "  break;", "}"],
    pairs: ["1 | 1", "2 | 2", "3 | 3", "| 4"],
  },
  {
    title: "with … as s, and its end with the finally",
    python: ["with socket.socket() as s:", "    s.connect()", "stop()"],
    typescript: [
      "const s = socket();",
      "try {",
      "  await s.connect();",
      "} finally {",
      "  await s.close();",
      "}",
      "stop();",
    ],
    pairs: ["1 | 1", "| 2", "2 | 3", "end | 4-6", "3 | 7"],
  },
  {
    title: "two ends of with, the inner one first",
    python: ["with a() as s:", "    with s.b() as conn:", "        conn.go()"],
    typescript: [
      "const s = a();",
      "const conn = s.b();",
      "conn.go();",
      "} finally {",
      "  conn.close();",
      "}",
      "} finally {",
      "  s.close();",
      "}",
    ],
    pairs: ["1 | 1", "2 | 2", "3 | 3", "end | 4-6", "end | 7-9"],
  },
  {
    title: "with conn with the try",
    python: ["with conn:", "    conn.recv()"],
    typescript: ["try {", "  conn.recv();", "} finally {", "}"],
    pairs: ["1 | 1", "2 | 2", "end | 3", "| 4"],
  },
  {
    title: "the end of a with without a finally is not shown",
    python: ["with socket() as s:", "    s.connect()"],
    typescript: ["const s = socket();", "s.connect();"],
    pairs: ["1 | 1", "2 | 2"],
  },
  {
    title: "a call of close is worth more than the end of a with",
    python: ["with socket() as s:", "    s.close()"],
    typescript: ["const s = socket();", "} finally {", "  s.close();", "}"],
    pairs: ["1 | 1", "2 | 2-4"],
  },
  {
    title: "an except with the catch and what it throws on",
    python: ["try:", "    go()", "except KeyboardInterrupt:", "    stop()"],
    typescript: [
      "try {",
      "  go();",
      "} catch (error) {",
      "  if (error !== keyboardInterrupt) throw error;",
      "  stop();",
      "}",
    ],
    pairs: ["1 | 1", "2 | 2", "3 | 3-4", "4 | 5", "| 6"],
  },
  {
    title: "a module with the module that does the same",
    python: ["import socket", "import threading", "import sys"],
    typescript: [
      'import { once } from "node:events";',
      'import net from "node:net";',
      'import { Worker } from "node:worker_threads";',
    ],
    pairs: ["| 1", "1 | 2", "2 | 3", "3 |"],
  },
  {
    title: "__main__ with isMain",
    python: ['if __name__ == "__main__":', "    start()"],
    typescript: ["if (isMain()) {", "  start();", "}"],
    pairs: ["1 | 1", "2 | 2", "| 3"],
  },
  {
    title: "a template with braces in it is one text",
    python: ['print(f"got {data.decode()}")', "stop()"],
    typescript: ["print(`got ${decode(data, { a: { b: 1 } })}`);", "stop();"],
    pairs: ["1 | 1", "2 | 2"],
  },
  {
    title: "a function in the arguments has its own statements",
    python: ["run(main)", "    go()"],
    typescript: ["run(main, () => {", "  go();", "});"],
    pairs: ["1 | 1", "2 | 2", "| 3"],
  },
  {
    title: "without semicolons",
    python: ["one(a)", "two(b)"],
    typescript: ["one(a)", "  .then(c)", "two(b)"],
    pairs: ["1 | 1-2", "2 | 3"],
  },
  {
    title: "statements that share a line are in one row",
    python: ["one(a); two(b)"],
    typescript: ["one(a); two(b);"],
    pairs: ["1 | 1"],
  },
  {
    title: "brackets and keywords in comments and texts don't count",
    python: ['print("if ( {")  # if (', "stop()"],
    typescript: ['print("if ( {"); // if (', "/* { */", "stop();"],
    pairs: ["1 | 1", "2 | 3"],
  },
  {
    title: "below You can stop reading here nothing is read",
    python: ["one()"],
    typescript: ["one();", "// --- You can stop reading here", "two();"],
    pairs: ["1 | 1"],
  },
  {
    title: "an empty original",
    python: [],
    typescript: ["one();"],
    pairs: ["| 1"],
  },
  { title: "an empty port", python: ["one()"], typescript: [], pairs: ["1 |"] },
];

for (const { title, python, typescript, pairs } of cases)
  test(title, async () => {
    const found = pairsOf(python.join("\n"), typescript.join("\n"));

    assert.equal(found, pairs);
  });

// The output

test("every line of both programs is shown once", async () => {
  const python = "# one\nimport a\n\n\ndef f():\n    g()  # two\n# three\n";
  const typescript = "// one\n\nfunction f() {\n  g();\n}\n\n// two\n";
  const { rows } = compareTexts(python, typescript);

  const numbers = (side: "original" | "port") =>
    rows.flatMap((row) => row[side].map(({ number }) => number));
  assert.equal(numbers("original"), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(numbers("port"), [1, 2, 3, 4, 5, 6, 7]);
});

test("comments of both sides end above the same row", async () => {
  const python = "# one\ngo()";
  const typescript = "// one\n// two\ngo();";
  const { rows } = compareTexts(python, typescript);

  const numbers = rows.map(({ original, port }) => {
    return [original[0]?.number, port[0]?.number];
  });
  assert.equal(numbers, [
    [undefined, 1],
    [1, 2],
    [2, 3],
  ]);
});

const python = [
  "data = s.recv(1024)  # waits",
  '"""A docstring."""',
  "other_call()",
].join("\n");
const typescript = [
  "const data = await s.recv(1024); // waits here",
  'const utf8 = new TextDecoder("utf-8"); // decodes',
  "}",
].join("\n");

test("words that only one side has are marked", async () => {
  const comparison = compareTexts(python, typescript);

  assert.equal(partsOf(comparison, "port", "unlike"), [
    "const",
    "await",
    'const utf8 = new TextDecoder("utf-8");',
  ]);
});

test("a line without a counterpart is marked as a whole", async () => {
  const comparison = compareTexts(python, typescript);

  assert.equal(partsOf(comparison, "original", "unlike"), ["other_call()"]);
});

test("comments and docstrings are shown, and not compared", async () => {
  const comparison = compareTexts(python, typescript);

  const comments = ["# waits", '"""A docstring."""'];
  assert.equal(partsOf(comparison, "original", "comment"), comments);
  assert.is(comparison.statements, 2);
});

test("statements without a counterpart are named", async () => {
  const { unmatched } = compareTexts(python, typescript);

  assert.equal(unmatched, [{ line: 3, text: "other_call()" }]);
});

// Unusual files

const plain = "def f():\n    go()  # 한글\n";

for (const { title, text } of [
  { title: "CRLF", text: plain.replaceAll("\n", "\r\n") },
  { title: "a byte order mark", text: `\ufeff${plain}` },
  { title: "tabs", text: plain.replace("    ", "\t") },
])
  test(`an original with ${title} is shown as one without`, async () => {
    const port = "function f() {\n  go();\n}\n";

    assert.equal(compareTexts(text, port), compareTexts(plain, port));
  });

test("what controls a terminal is not shown", async () => {
  const { rows } = compareTexts('go("\x1b[2J\u202e")', "go();");

  const [part] = rows[0]!.original[0]!.parts;
  assert.is(part!.text, 'go("\ufffd[');
});

test.run();
