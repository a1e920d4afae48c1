import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { tsxLoader } from "../scripts/project.ts";
import {
  connect,
  expectEcho,
  leave,
  untilRefused,
  sendUntilBlocked,
  visit,
} from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { noSignals } from "./helpers/machine.ts";
import {
  startEdited,
  editedFile,
  listening,
  preloadedCommand,
  nodeCommand,
  printsTimes,
  start,
} from "./helpers/programs.ts";
import {
  everyServer,
  foreverServer,
  visitOf,
  type Server,
} from "./helpers/servers.ts";

const server: Server = {
  name: "lecture1_server_forever",
  forever: true,
  listens: (port) => `Server listening on 127.0.0.1:${port}`,
  receives: (addr, text) => `Received from ${addr}: ${text}`,
  calls: ["conn.sendall", "conn.recv"],
  fails: at,
  mistakes: {
    "conn.sendall(new Uint16Array(2))": at(".* not \\[object Uint16Array\\]"),
    'conn.recv("1024")': at('.* not "1024"'),
    "throw null": failed("null"),
    'throw "two\\nlines"': failed("'two\\\\nlines'"),
    'throw new Error("two\\nlines")': at("Error: two"),
    'print(Symbol("x"))': at("TypeError: Cannot convert a Symbol .*"),
    maxThreads: at(
      "ReferenceError: maxThreads is not defined",
      "; it sees nothing outside itself",
    ),
  },
};
const test = suite(server.name);

/** What is said of a thread that failed: one line. */
function failed(what: string) {
  const thread = "the thread of \\(.*, \\d+\\)";
  return new RegExp(`^lecture1_server_forever: ${thread} failed: ${what}\n$`);
}

/** The same, with the line of the file. */
function at(what: string, advice = "") {
  return failed(`${what} \\(lecture1_server_forever\\.ts:\\d+\\)${advice}`);
}

everyServer(test, server);
foreverServer(test, server);

test("as npx tsx starts it: a failure's line is that of the file; threads do without tsx, and with a small heap", async () => {
  const heap =
    'require("worker_threads").resourceLimits.maxYoungGenerationSizeMb';
  const file = await editedFile(server.name, [
    ["conn.sendall(data);", "\n\n\n      conn.sendall([...data]);"],
    ["print(`Connected", `print(process.execArgv.length + " " + ${heap}); $&`],
  ]);
  const tsx = ["--require", "tsx/preflight", ...tsxLoader];
  const script = launch([process.execPath, ...tsx, file, "--port", "0"]);
  const client = await connect((await listening(script)).port);
  await client.send("hello");
  const [before = ""] = (await readFile(file, "utf8")).split("conn.sendall([");
  const line = before.split("\n").length;
  await script.prints(new RegExp(`Array\\] \\(${server.name}\\.ts:${line}\\)`));
  await script.prints(/^0 2$/m);
});

test("messages that aren't ours, as Node sends with --watch, are for nobody", async () => {
  const script = await edited(server, [
    ["(1024)", "(16384)"],
    [
      "globalThis.__name =",
      'for (const other of [null, 5, "text", "sendall", [], ["print x"], { "watch:import": ["x"] }, { toString: 1 }, new ArrayBuffer(3), { length: 5e7 }]) parentPort.postMessage(other);\n    $&',
    ],
  ]);
  for (let i = 0; i < 2; i++) await visit(script.port);
  await printsTimes(script, " closed\n", 2);
  assert.is(script.output.stderr, "");
  assert.is(script.lines().length, 7);
  await sendUntilBlocked(await connect(script.port, { reading: false })); // they don't count as written
});

test.unless(noSignals)("Ctrl+C lets the clients finish", async () => {
  const script = await start(server);
  const client = await connect(script.port);
  await expectEcho(client, "before");
  script.kill("SIGINT");
  await script.prints(/\n\nServer is shutting down\.\.\.\n/);
  await sleep(100);
  script.kill("SIGINT"); // a launcher passes the same Ctrl+C on
  await refused(script.port);
  await expectEcho(client, "after");
  await leave(client);
  assert.equal(await script.exit(), { code: 0, signal: null });
  const texts = ["before", "after"];
  const [came, before, after, closed] = visitOf(server, client.addr, texts);
  assert.equal(script.lines(), [
    server.listens(script.port),
    ...[came, before, "", "Server is shutting down...", after, closed],
  ]);
  assert.is(
    script.output.stderr,
    "lecture1_server_forever: still connected: 1; Ctrl+C again stops at once\n",
  );
});

test("threads are limited by a container's memory; who waits for one is served when one ends, or reset at Ctrl+C", async () => {
  const code = "process.constrainedMemory = () => 6 * 12e6;"; // half of it for threads
  const command = [...preloadedCommand(server.name, code), "--port", "0"];
  const script = await listening(launch(command));
  const clients = [];
  for (let i = 0; i < 6; i++) clients.push(await connect(script.port));
  const [first, , , fourth, fifth, sixth] = clients;
  for (const client of clients) await client.send("hello");
  for (const client of clients.slice(0, 3)) await client.recv(5);
  await sleep(200);
  assert.is(fourth!.length, 0);
  first!.sendFin();
  assert.is(String(await fourth!.recv(5)), "hello");
  assert.is(fifth!.length, 0);
  if (noSignals) return;
  script.kill("SIGINT");
  for (const client of [fifth, sixth])
    assert.is(await client!.endOfStream(), "ECONNRESET");
  await script.prints(/still connected: 3;/);
  await expectEcho(fourth!, "still here");
  for (const client of clients.slice(0, 4)) client.sendFin();
  assert.equal(await script.exit(), { code: 0, signal: null });
});

test("one thread starts after the other: meanwhile the kernel's queue is emptied", async () => {
  const script = await edited(server, [
    ["worker = new Worker(", 'print("starts");\n$&'],
    ["isRunning = true;", '$& print("runs");'],
  ]);
  const came = Array.from({ length: 6 }, () => connect(script.port));
  for (const client of await Promise.all(came))
    await expectEcho(client, "hello");
  const starts = script.lines().filter((line) => /^(starts|runs)$/.test(line));
  assert.equal(starts, Array(6).fill(["starts", "runs"]).flat());
});

test("where the system gives no more threads, who waits is served when one ends", async () => {
  // As where `ulimit -n` doesn't tell: the third thread that would live can't start.
  const script = await edited(server, [
    [
      "worker = new Worker(",
      'if (threads === 3) throw new Error("EAGAIN");\n$&',
    ],
  ]);
  const clients = [];
  for (let i = 0; i < 5; i++) clients.push(await connect(script.port));
  const [first, second, third, fourth, fifth] = clients;
  for (const client of clients.slice(0, 2)) await expectEcho(client, "hello");
  assert.is(await third!.endOfStream(), "FIN");
  for (const client of [first, second]) client!.sendFin();
  for (const client of [fourth, fifth]) await expectEcho(client!, "hello");
  assert.is(
    script.output.stderr,
    `lecture1_server_forever: the thread of ${third!.addr} failed: Error: EAGAIN; from now on 2 at a time\n`,
  );
});

test.unless(noSignals)("few open files: who waits is served", async () => {
  const command = nodeCommand(`${server.name}.ts`).join(" ");
  for (const [files, clients, least, complaints] of [
    [70, 60, 25, 0],
    [40, 3, 2, 1],
  ] as const) {
    const limited = `ulimit -n ${files}; exec ${command} --port 0`;
    const script = await listening(launch(["sh", "-c", limited]));
    const visits = Array.from({ length: clients }, () => visit(script.port));
    const ends = await Promise.allSettled(visits);
    const served = ends.filter(({ status }) => status === "fulfilled").length;
    assert.ok(served >= least, `${served} of ${clients}`);
    const lines = script.output.stderr.split("\n").length - 1;
    assert.ok(lines <= complaints, script.output.stderr);
    if (lines)
      await script.prints(/EMFILE; from now on \d+ at a time, ulimit -n may/);
  }
});

test("what a learner adds to handleClient works: big pieces, console.log, long lines", async () => {
  const script = await edited(server, [
    ["conn.recv(1024)", "conn.recv(1e6)"],
    [
      "conn.sendall(data);",
      'console.log("got", data.length); print("x".repeat(200000)); conn.sendall(new TextEncoder().encode("y".repeat(200000)));',
    ],
  ]);
  const client = await connect(script.port);
  await client.send("a".repeat(200_000)); // more than the memory that thread and main share
  assert.is(String(await client.recv(200_000)), "y".repeat(200_000));
  client.sendFin();
  await client.endOfStream();
  await script.prints(/closed\n/);
  assert.ok(script.lines().some((line) => /^got \d+$/.test(line)));
  assert.ok(script.lines().includes("x".repeat(200_000)));
});

test.run();
