import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { tsxLoader } from "../scripts/project.ts";
import {
  connect,
  expectEcho,
  leave,
  sendUntilBlocked,
  untilRefused,
  visit,
  type Client,
} from "./helpers/clients.ts";
import { testEveryServer } from "./helpers/everyServer.ts";
import {
  lostLine,
  resetLine,
  testForeverServer,
} from "./helpers/foreverServers.ts";
import { suite } from "./helpers/harness.ts";
import { noSignals, noUlimit } from "./helpers/machine.ts";
import { testMistakes } from "./helpers/mistakes.ts";
import {
  editedFile,
  listening,
  nodeCommand,
  printsTimes,
  startEdited,
  startPreloaded,
  startServer,
  type ListeningServer,
} from "./helpers/programs.ts";
import { escapeRegExp, once, type Server } from "./helpers/servers.ts";

const name = "lecture1_server_forever";

/** The message about a thread that failed: one line, without the place. */
function threadFailed(what: string): RegExp {
  const thread = "the thread of \\('127\\.0\\.0\\.1', \\d+\\)";
  return new RegExp(`^${name}: ${thread} failed: ${what}\n$`);
}

/**
 * The message about an error in a handler: one line, with the place in the
 * file.
 */
function complaint(error: string, advice = ""): RegExp {
  const place = "\\(lecture1_server_forever\\.ts:\\d+\\)";
  return threadFailed(`${escapeRegExp(error)} ${place}${advice}`);
}

const server: Server = {
  name,
  isForever: true,
  closesAtCtrlC: false,
  listens: (port) => `Server listening on 127.0.0.1:${port}`,
  receives: (addr, text) => `Received from ${addr}: ${text}`,
  resetComplaint: resetLine(name),
  lostComplaint: (code) => lostLine(name, code),
  complaint,
  firstLine: "const s = socket();",
  sender: "conn.sendall",
  verbs: { send: "sendall", receive: "recv" },
  send: (data) => `conn.sendall(${data});`,
  receive: (size) => `conn.recv(${size});`,
  sleep: (ms) =>
    `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`,
};

const test = suite(name);

testEveryServer(test, server);
testForeverServer(test, server);

testMistakes(test, server, [
  {
    title: "it sends numbers of 16 bits",
    code: "conn.sendall(new Uint16Array(2));",
    complaint: complaint(
      "TypeError: sendall needs bytes, not [object Uint16Array]",
    ),
  },
  {
    title: "it receives a size that is text",
    code: 'conn.recv("1024");',
    complaint: complaint(
      'TypeError: recv: the size must be a positive integer, not "1024"',
    ),
  },
  {
    title: "it throws null",
    code: "throw null;",
    complaint: threadFailed("null"),
  },
  {
    title: "it throws text of two lines",
    code: 'throw "two\\nlines";',
    complaint: threadFailed("'two\\\\nlines'"),
  },
  {
    title: "it throws an error of two lines",
    code: 'throw new Error("two\\nlines");',
    complaint: complaint("Error: two"),
  },
  {
    title: "it prints a symbol",
    code: 'print(Symbol("x"));',
    complaint: complaint(
      "TypeError: Cannot convert a Symbol value to a string",
    ),
  },
  {
    title: "it uses a name from outside the thread",
    code: "print(net.isIP(addr));",
    complaint: complaint(
      "ReferenceError: net is not defined",
      "; handleClient can't use anything outside itself",
    ),
  },
  {
    title: "it uses its own name that begins as tsx's do",
    code: "print(__count);",
    complaint: complaint(
      "ReferenceError: __count is not defined",
      "; handleClient can't use anything outside itself",
    ),
  },
]);

// --- A thread's start --------------------------------------------------------

/**
 * A thread fails in a server that `npx tsx` has started, and prints its
 * options.
 */
const underTsx = once(async () => {
  const heapMB =
    'require("worker_threads").resourceLimits.maxYoungGenerationSizeMb';
  const file = await editedFile(
    name,
    {
      before: "conn.sendall(data);",
      after: "\n\n\n      conn.sendall([...data]);",
    },
    {
      before: "print(`Connected",
      after: `print("options: " + process.execArgv.length);
        print("heap: " + ${heapMB});
        $&`,
    },
  );
  const tsx = ["--require", "tsx/preflight", ...tsxLoader];
  const program = launch([process.execPath, ...tsx, file, "--port", "0"]);
  const { port } = await listening(program);
  const client = await connect(port);
  await client.send("hello");
  await program.prints(/failed: .*\n/);
  return { file, program };
});

test("under tsx a failure names the line of the file", async () => {
  const { file, program } = await underTsx();

  const lines = (await readFile(file, "utf8")).split("\n");
  const index = lines.findIndex((line) => line.includes("sendall([...data])"));
  const place = `(lecture1_server_forever.ts:${index + 1})`;
  assert.match(program.output.stderr, `Array] ${place}`);
});

test("threads run without the tsx loader", async () => {
  const { program } = await underTsx();

  assert.ok(program.lines().includes("options: 0"));
});

test("threads have a small heap for what doesn't live long", async () => {
  const { program } = await underTsx();

  assert.ok(program.lines().includes("heap: 2"));
});

/** Reports on stdout when a thread is started and when it runs. */
const printStarts = `
import module from "node:module";
import threads from "node:worker_threads";

threads.Worker = class extends threads.Worker {
  constructor(...args) {
    console.log("starts");
    super(...args);
    this.on("online", () => console.log("runs"));
  }
};
module.syncBuiltinESMExports();
`;

test("threads start one after the other", async () => {
  const program = await startPreloaded(name, printStarts);

  const connecting = Array.from({ length: 6 }, () => connect(program.port));
  const clients = await Promise.all(connecting);

  for (const client of clients) await expectEcho(client, "hello");
  const starts = program.lines().filter((line) => /^(starts|runs)$/.test(line));
  const inTurn = Array(6).fill(["starts", "runs"]).flat();
  assert.equal(starts, inTurn);
});

/**
 * Each thread sends the main thread further messages, as Node does with
 * --watch.
 */
const foreignMessages = `
import module from "node:module";
import threads from "node:worker_threads";

function sendMessages({ parentPort }) {
  const messages = [
    null,
    5,
    "text",
    "sendall",
    [],
    ["print x"],
    { "watch:import": ["x"] },
    { toString: 1 },
    new ArrayBuffer(3),
    { length: 5e7 },
  ];
  for (const message of messages) parentPort.postMessage(message);
}

threads.Worker = class extends threads.Worker {
  constructor(code, options) {
    const call = "(" + sendMessages + ")(require('node:worker_threads'));";
    super(call + code, options);
  }
};
module.syncBuiltinESMExports();
`;

test("sending after close is not reported as a client's reset", async () => {
  const program = await startEdited(name, {
    before: "conn.sendall(data);",
    after: "conn.close(); $&",
  });
  for (let i = 0; i < 5; i++) {
    const client = await connect(program.port);
    await client.send("hello");
    assert.is(await client.endOfStream(), "FIN");
    client.sendFin();
  }

  await printsTimes(program, " closed\n", 5);
  // If the connection was closed before, Node reports nothing.
  const { stderr } = program.output;
  assert.match(stderr, /^(.*\) failed: write after end\n)*$/);
});

test("a closed stderr doesn't stop a thread that writes there", async () => {
  const program = await startEdited(name, {
    before: "conn.sendall(data);",
    after: 'for (let i = 0; i < 200; i++) console.error("x".repeat(1e4)); $&',
  });
  program.child.stderr!.destroy();

  await visit(program.port);
});

test("messages of others to the main thread print nothing", async () => {
  const program = await startPreloaded(name, foreignMessages);

  await visit(program.port);
  await visit(program.port);

  await printsTimes(program, " closed\n", 2);
  // One line of the server, and three of each client.
  assert.is(program.lines().length, 7);
  assert.is(program.output.stderr, "");
});

test("messages of others don't count as written", async () => {
  const { port } = await startPreloaded(name, foreignMessages);

  const client = await connect(port, { reading: false });

  await sendUntilBlocked(client);
});

// --- How many threads there may be -------------------------------------------

test("60 clients are served at the same time", async () => {
  const { port } = await startServer(name);
  const connecting = Array.from({ length: 60 }, () => connect(port));
  const clients = await Promise.all(connecting);

  const echoes = clients.map((client) => expectEcho(client, "hello"));

  await Promise.all(echoes);
});

/** A container's memory. The server uses half of it, 12 MB for each thread. */
const memoryForThreeThreads = `
  process.constrainedMemory = () => 2 * 3 * 12e6;
`;

/** Starts a server with 3 busy threads, and connects clients that get none. */
async function startWithThreeThreads(waitingClients: number) {
  const program = await startPreloaded(name, memoryForThreeThreads);
  const served: Client[] = [];
  for (let i = 0; i < 3; i++) {
    const client = await connect(program.port);
    await expectEcho(client, "hello");
    served.push(client);
  }
  const waiting: Client[] = [];
  for (let i = 0; i < waitingClients; i++) {
    const client = await connect(program.port);
    await client.send("hello");
    waiting.push(client);
  }
  return { program, served, waiting };
}

test("a container's memory limits the threads", async () => {
  const { waiting } = await startWithThreeThreads(1);

  await sleep(200); // Long enough for a fourth thread.

  assert.is(waiting[0]!.length, 0);
});

/** The server's message when a client has to wait for a thread. */
function allInUse(threads: number): string {
  return (
    `${name}: all ${threads} threads are in use: ` +
    "further clients wait until one is free\n"
  );
}

test("clients that wait for a thread: one line, once", async () => {
  const { program, served } = await startWithThreeThreads(2);
  const [first] = served;
  await program.prints(/all 3 threads/);
  // A thread exits, a client that waited gets the next one, and others wait
  // again.
  first!.sendFin();
  await first!.endOfStream();
  const another = await connect(program.port);
  await another.send("hello");
  await expectEcho(served[1]!, "still here");

  assert.is(program.output.stderr, allInUse(3));
});

test("as many clients as threads: no line", async () => {
  const { program, served } = await startWithThreeThreads(0);

  await expectEcho(served[0]!, "still here");

  assert.is(program.output.stderr, "");
});

test("one waiting client is served when a thread exits", async () => {
  const { served, waiting } = await startWithThreeThreads(2);

  served[0]!.sendFin();

  assert.is(String(await waiting[0]!.recv(5)), "hello");
  assert.is(waiting[1]!.length, 0);
});

test.unless(noSignals)("Ctrl+C resets the clients that wait", async () => {
  const { program, served, waiting } = await startWithThreeThreads(2);

  program.kill("SIGINT");

  for (const client of waiting)
    assert.is(await client.endOfStream(), "ECONNRESET");
  await program.prints(/still connected: 3;/);
  await expectEcho(served[0]!, "still here");
  for (const client of served) client.sendFin();
  assert.equal(await program.exit(), { code: 0, signal: null });
});

test.unless(noSignals)("Ctrl+C resets a silent client that waits", async () => {
  const { program } = await startWithThreeThreads(0);
  // Unread bytes would reset the connection in any case.
  const silent = await connect(program.port);
  await program.prints(/all 3 threads are in use/);

  program.kill("SIGINT");

  assert.is(await silent.endOfStream(), "ECONNRESET");
});

/**
 * The system starts at most two threads, and reports it only when the third
 * fails.
 */
const noThirdThread = `
import module from "node:module";
import threads from "node:worker_threads";

let running = 0;
threads.Worker = class extends threads.Worker {
  constructor(...args) {
    if (running === 2) throw new Error("EAGAIN");
    super(...args);
    running++;
    this.on("exit", () => running--);
  }
};
module.syncBuiltinESMExports();
`;

/**
 * Starts a server with 2 threads at work, and connects a client that gets none.
 */
async function startWithoutThirdThread() {
  const program = await startPreloaded(name, noThirdThread);
  const served: Client[] = [];
  for (let i = 0; i < 2; i++) {
    const client = await connect(program.port);
    await expectEcho(client, "hello");
    served.push(client);
  }
  const third = await connect(program.port);
  return { program, served, third };
}

test("a thread that can't start costs its client", async () => {
  const { program, third } = await startWithoutThirdThread();

  assert.is(await third.endOfStream(), "FIN");

  await program.prints(/EAGAIN.*\n/);
  assert.is(
    program.output.stderr,
    `${name}: the thread of ${third.addr} failed: Error: EAGAIN; ` +
      "the thread limit is now 2\n",
  );
});

test("after a thread that couldn't start, clients wait for one", async () => {
  const { program, served, third } = await startWithoutThirdThread();
  await third.endOfStream();
  const fourth = await connect(program.port);
  const fifth = await connect(program.port);

  for (const client of served) client.sendFin();

  await expectEcho(fourth, "hello");
  await expectEcho(fifth, "hello");
  assert.is(timesPrinted(program, "failed"), 1);
});

/** Starts a server that can open only a few files. */
async function startWithFiles(openFiles: number): Promise<ListeningServer> {
  const command = nodeCommand(`${name}.ts`).join(" ");
  const line = `ulimit -n ${openFiles}; exec ${command} --port 0`;
  return listening(launch(["sh", "-c", line]));
}

/**
 * Lets clients connect at the same time; returns how many of them were served.
 */
async function servedOf(clients: number, port: number): Promise<number> {
  const visits = Array.from({ length: clients }, () => visit(port));
  const results = await Promise.allSettled(visits);
  return results.filter(({ status }) => status === "fulfilled").length;
}

test.unless(noUlimit)(
  "70 open files: 25 of 60 clients are served",
  async () => {
    const program = await startWithFiles(70);

    const served = await servedOf(60, program.port);

    assert.ok(served >= 25, `${served} of 60`);
    // Perhaps some clients had to wait.
    const { stderr } = program.output;
    assert.ok(["", allInUse(6)].includes(stderr), stderr);
  },
);

test.unless(noUlimit)("70 open files: who waits for a thread", async () => {
  const program = await startWithFiles(70);
  const served: Client[] = [];
  for (let i = 0; i < 6; i++) {
    const client = await connect(program.port);
    await expectEcho(client, "hello");
    served.push(client);
  }
  const waiting = await connect(program.port);

  await program.prints(/threads are in use.*\n/);
  assert.is(program.output.stderr, allInUse(6));
  served[0]!.sendFin();
  await expectEcho(waiting, "hello");
});

test.unless(noUlimit)("40 open files: why a thread can fail", async () => {
  const program = await startWithFiles(40);

  const served = await servedOf(3, program.port);

  assert.ok(served >= 2, `${served} of 3`);
  const complaints = program.output.stderr.split("\n").slice(0, -1);
  const failed =
    / failed: .*EMFILE; the thread limit is now \d+ \(.* raise ulimit -n\)$/;
  const waits = / threads are in use: further clients wait until one is free$/;
  for (const complaint of complaints)
    assert.ok(failed.test(complaint) || waits.test(complaint), complaint);
});

// --- Ctrl+C ------------------------------------------------------------------

/** Starts a server with a client, and presses Ctrl+C. */
async function startAndPressCtrlC() {
  const program = await startServer(name);
  const client = await connect(program.port);
  await expectEcho(client, "before");
  program.kill("SIGINT");
  await program.prints(/\n\nServer is shutting down\.\.\.\n/);
  return { program, client };
}

/** How often a text is on stdout and stderr together. */
function timesPrinted(program: ListeningServer, text: string): number {
  return program.printed().split(text).length - 1;
}

test.unless(noSignals)("Ctrl+C lets a client finish", async () => {
  const { program, client } = await startAndPressCtrlC();

  await expectEcho(client, "after");
  await leave(client);

  assert.equal(await program.exit(), { code: 0, signal: null });
  assert.equal(program.lines(), [
    server.listens(program.port),
    `Connected by ${client.addr}`,
    `Received from ${client.addr}: before`,
    "",
    "Server is shutting down...",
    `Received from ${client.addr}: after`,
    `Connection with ${client.addr} closed`,
  ]);
});

test.unless(noSignals)("Ctrl+C, passed on twice, counts once", async () => {
  const { program, client } = await startAndPressCtrlC();
  await sleep(100);

  program.kill("SIGINT");

  await sleep(100);
  await expectEcho(client, "after");
  await leave(client);
  assert.equal(await program.exit(), { code: 0, signal: null });
  assert.is(timesPrinted(program, "shutting down"), 1);
  assert.is(timesPrinted(program, "still connected"), 1);
});

test.unless(noSignals)("nothing listens after Ctrl+C", async () => {
  const { program } = await startAndPressCtrlC();

  await untilRefused(program.port);
});

test.unless(noSignals)("Ctrl+C: how many are still connected", async () => {
  const { program } = await startAndPressCtrlC();

  await program.prints(/still connected.*\n/);
  assert.is(
    program.output.stderr,
    `${name}: still connected: 1; press Ctrl+C again to stop immediately\n`,
  );
});

// --- What a learner adds to handleClient -------------------------------------

/**
 * A handler that receives, sends and prints more than fits into the memory that
 * a thread and the main thread share.
 */
const bigHandler = once(async () => {
  const program = await startEdited(
    name,
    { before: "conn.recv(1024)", after: "conn.recv(1e6)" },
    {
      before: "conn.sendall(data);",
      after: `
        console.log("got", data.length);
        print("x".repeat(200_000));
        conn.sendall(new TextEncoder().encode("y".repeat(200_000)));`,
    },
  );
  const client = await connect(program.port);
  await client.send("a".repeat(200_000));
  const answer = String(await client.recv(200_000));
  client.sendFin();
  await client.endOfStream();
  await program.prints(/closed\n/);
  return { program, answer };
});

test("sendall sends 200,000 bytes", async () => {
  const { answer } = await bigHandler();

  assert.is(answer, "y".repeat(200_000));
});

test("recv(1e6) returns the data that has arrived", async () => {
  const { program } = await bigHandler();

  const sizes = program.lines().filter((line) => /^got \d+$/.test(line));
  assert.ok(sizes.length > 0);
});

test("print prints a line of 200,000 letters", async () => {
  const { program } = await bigHandler();

  assert.ok(program.lines().includes("x".repeat(200_000)));
});

test.run();
