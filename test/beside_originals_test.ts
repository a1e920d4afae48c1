/**
 * The ports correspond to the originals: every statement has its counterpart,
 * in order, except for those that are named here. The same for every word.
 */
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import type { Comparison } from "../scripts/beside/rows.ts";
import { findOriginal } from "../scripts/originals.ts";
import { projectFile } from "../scripts/project.ts";
import { compareTexts } from "./helpers/besideTool.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("ports beside their originals");

/** The parts of an original that are missing in its port. */
interface Own {
  /** Statements without a counterpart: their first lines. */
  statements: string[];
  /** Of the other statements, the words that the counterpart doesn't have. */
  words: string[];
}

interface Expected {
  /** The program's name without .ts. */
  name: string;
  /** Of the course's original. */
  courses: Own;
  /** Of ours, if we have one. */
  ours?: Own;
}

/** The words that are Python's only. */
const pythonOnly = ["socket", "def", "not", "__name__ __main__"];
const withSocket = "with af_inet sock_stream as";

const programs: Expected[] = [
  {
    name: "lecture1_client",
    courses: {
      statements: [],
      // The message is an option of the port.
      words: [...pythonOnly, withSocket, "encode", "decode", "ur hello"],
    },
  },
  {
    name: "lecture1_server",
    courses: {
      statements: [],
      words: [...pythonOnly, withSocket, "with conn"],
    },
  },
  {
    name: "lecture1_server_forever",
    courses: {
      // The port has one try for all, and no module sys.
      statements: ["import sys", "try:", "sys.exit(0)"],
      words: [
        ...pythonOnly,
        withSocket,
        "with conn",
        "threading",
        "client_thread threading",
        "client_thread",
        "except",
      ],
    },
    ours: {
      // There, with conn: comes before what is printed first.
      statements: ["with conn:", "try:"],
      words: [
        ...pythonOnly,
        withSocket,
        "threading",
        "threading start",
        "except",
      ],
    },
  },
  {
    name: "lecture1_server_forever_async",
    courses: {
      // A promise needs no try: its errors go to catch.
      statements: ["import asyncio", "try:"],
      words: [
        ...pythonOnly,
        "except asyncio pass",
        "asyncio",
        "sockets 0",
        "async with server",
        "asyncio run",
        "except",
      ],
    },
    ours: {
      statements: ["import asyncio", "try:"],
      words: [
        ...pythonOnly,
        "except asyncio pass",
        "asyncio",
        // In one line there, in two lines here.
        "sockets 0 getsockname",
        "async with server",
        "asyncio run",
        "except",
      ],
    },
  },
];

/** The unexpected results of a comparison. */
function flawsOf({ unmatched, ownWords }: Comparison, own: Own): string[] {
  const statements = unmatched.map(({ text }) => text);
  const words = ownWords.map((names) => names.join(" "));
  return [
    ...statements.filter((text) => !own.statements.includes(text)),
    ...words.filter((names) => !own.words.includes(names)),
  ];
}

function readPort(name: string): string {
  return readFileSync(projectFile(`${name}.ts`), "utf8");
}

interface Original {
  title: string;
  name: string;
  /** Its path; undefined if it isn't here. */
  file: string | undefined;
  own: Own;
}

const coursesFolder = process.env.LECTURE1_ORIGINALS ?? "originals";
const oursFolder = projectFile("test/originals");
const originals: Original[] = [];
for (const { name, courses, ours } of programs) {
  originals.push({
    title: `the course's ${name}.py`,
    name,
    file: findOriginal(coursesFolder, name),
    own: courses,
  });
  if (ours)
    originals.push({
      title: `our ${name}.py`,
      name,
      file: findOriginal(oursFolder, name),
      own: ours,
    });
}

for (const { title, name, file, own } of originals) {
  const why = !file && `no ${name}.py in LECTURE1_ORIGINALS`;

  test.unless(why)(`${title}: every statement has its line`, async () => {
    const original = readFileSync(file!, "utf8");
    const comparison = compareTexts(original, readPort(name));

    assert.equal(flawsOf(comparison, own), []);
  });
}

// Changes of a port, by a learner or by mistake.

interface Change {
  title: string;
  before: string;
  after: string;
  flaws: string[];
}

const changes: Change[] = [
  {
    title: "two lines change places",
    before: `    s.bind(host, port);
    await s.listen(); // from now on, the kernel does the handshakes
`,
    after: `    await s.listen();
    s.bind(host, port);
`,
    flaws: ["s.bind((host, port))"],
  },
  {
    title: "a function is renamed",
    before: "startServer",
    after: "runServer",
    flaws: ["start_server()", "def start_server"],
  },
  {
    title: "a variable is renamed",
    before: "const data = conn.recv(1024)",
    after: "const bytes = conn.recv(1024)",
    flaws: ["data"],
  },
  {
    title: "a method is renamed",
    before: "conn.sendall(data)",
    after: "conn.send(data)",
    flaws: ["sendall"],
  },
  {
    title: "a number is changed",
    before: "conn.recv(1024)",
    after: "conn.recv(4)",
    flaws: ["1024"],
  },
  {
    title: "a text is changed",
    before: "Connected by",
    after: "Welcome,",
    // Now "with conn:" is more like the "try" than the two prints are alike.
    flaws: ['print(f"Connected by {addr}")', "with conn"],
  },
  {
    title: "a line is dropped",
    before: "      conn.sendall(data);\n",
    after: "",
    flaws: ["conn.sendall(data)"],
  },
  {
    title: "the line that prints last is dropped",
    before: '    print("\\nServer is shutting down...");\n',
    after: "",
    flaws: ['print("\\nServer is shutting down...")'],
  },
];

const changed = originals.find(({ title }) => {
  return title === "our lecture1_server_forever.py";
})!;

for (const { title, before, after, flaws } of changes)
  test(`a port in which ${title}`, async () => {
    const port = readPort(changed.name);
    assert.ok(port.includes(before), `no longer there: ${before}`);
    const original = readFileSync(changed.file!, "utf8");
    const edited = port.replaceAll(before, after);

    const found = flawsOf(compareTexts(original, edited), changed.own);

    assert.equal(found, flaws);
  });

test.run();
