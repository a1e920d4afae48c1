import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import {
  connect,
  expectEcho,
  sendUntilBlocked,
  untilRefused,
  visit,
} from "./helpers/clients.ts";
import { testEveryServer } from "./helpers/everyServer.ts";
import {
  lostLine,
  resetLine,
  testForeverServer,
} from "./helpers/foreverServers.ts";
import { eventually, suite } from "./helpers/harness.ts";
import { noSignals, onLinux } from "./helpers/machine.ts";
import { testMistakes } from "./helpers/mistakes.ts";
import {
  printsTimes,
  startEdited,
  startPreloaded,
  startServer,
} from "./helpers/programs.ts";
import { escapeRegExp, linesOf, once, type Server } from "./helpers/servers.ts";

const name = "lecture1_server_forever_async";

/** The message about an error: the client, the error, and perhaps its stack. */
function complaint(error: string): RegExp {
  const errorLine = `^${name}: \\(.*\\) ${escapeRegExp(error)}\n`;
  return new RegExp(`${errorLine}( +at .*\n)*`);
}

const server: Server = {
  name,
  isForever: true,
  closesAtCtrlC: true,
  listens: (port) => `Server listening on ('127.0.0.1', ${port})`,
  receives: (addr, text) => `Received from ${addr}: ${text}`,
  resetComplaint: resetLine(name),
  lostComplaint: (code) => lostLine(name, code),
  complaint,
  firstLine: "const server = await startServer(",
  sender: "writer.write",
  verbs: { send: "write", receive: "read" },
  send: (data) => `writer.write(${data});`,
  receive: (size) => `await reader.read(${size});`,
  sleep: (ms) => `await new Promise((done) => setTimeout(done, ${ms}));`,
};

const test = suite(name);

testEveryServer(test, server);
testForeverServer(test, server);

testMistakes(test, server, [
  {
    title: "it throws null",
    code: "throw null;",
    complaint: complaint("null"),
  },
  {
    title: "it throws text",
    code: 'throw "oops";',
    complaint: complaint("'oops'"),
  },
  {
    title: "it throws a number when it has closed",
    code: "writer.close(); await reader.read(1).then(() => { throw 7; });",
    complaint: complaint("7"),
  },
]);

test("an error in a handler's timer affects no client", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: `$&
      if (data.length === 4) setTimeout(() => { throw new Error("late"); });`,
  });
  const bystander = await connect(program.port);
  await expectEcho(bystander, "before");
  const client = await connect(program.port);

  await client.send("fail");

  const stack = /Error: late\n +at .*lecture1_server_forever_async.mjs:\d+/;
  await program.prints(stack);
  await expectEcho(bystander, "after");
});

test("a read() without await affects no other client", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: "$& if (data.length === 4) void reader.read();",
  });
  const bystander = await connect(program.port);
  await expectEcho(bystander, "before");
  const client = await connect(program.port);

  await client.send("fail");

  await program.prints(/TypeError: read: the size/);
  await expectEcho(bystander, "after");
});

/**
 * Prints, whenever a client connects, how many sockets of clients are still in
 * memory after a garbage collection.
 */
const countSockets = `
import net from "node:net";
import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc");

let sockets = 0;
const registry = new FinalizationRegistry(() => sockets--);
const { createServer } = net;
net.createServer = (...args) => {
  const server = createServer(...args);
  return server.on("connection", (socket) => {
    sockets++;
    registry.register(socket);
    collectGarbage();
    // The registry is told in a later turn of the event loop.
    setTimeout(() => console.error("sockets: " + sockets), 20);
  });
};
`;

test("connections that are over are forgotten", async () => {
  const program = await startPreloaded(name, countSockets);

  for (let i = 0; i < 20; i++) await visit(program.port);

  await eventually(async () => {
    await visit(program.port);
    // The last client's socket, and a few that are just closing.
    assert.match(program.output.stderr, /sockets: [1-5]\n$/);
  });
});

test.unless(noSignals)("Ctrl+C closes a client's connection", async () => {
  const program = await startServer(name);
  const client = await connect(program.port);
  await expectEcho(client, "hello");
  const pressed = performance.now();

  program.kill("SIGINT");

  assert.is(await client.endOfStream(), "FIN");
  const tookMs = performance.now() - pressed;
  assert.ok(tookMs < 900, "it waited for its client");
});

test.unless(noSignals)("what it prints at Ctrl+C", async () => {
  const program = await startServer(name);
  const client = await connect(program.port);
  await expectEcho(client, "hello");

  program.kill("SIGINT");

  assert.equal(await program.exit(), { code: 0, signal: null });
  assert.equal(program.lines(), [
    server.listens(program.port),
    ...linesOf(server, client, ["hello"]),
    "",
    "Server is shutting down...",
  ]);
  assert.is(program.output.stderr, "");
});

/** Presses Ctrl+C, which is passed on twice, while a client doesn't read. */
const ctrlCWithoutReader = once(async () => {
  const program = await startServer(name);
  const client = await connect(program.port, { reading: false });
  await sendUntilBlocked(client);
  const pressed = performance.now();
  program.kill("SIGINT");
  // Two signals that are pending at the same time count as one.
  await untilRefused(program.port);
  program.kill("SIGINT");
  const exit = await program.exit();
  const tookMs = performance.now() - pressed;
  return { program, exit, tookMs };
});

test.unless(noSignals)(
  "Ctrl+C, delivered twice, stops it in a second or two",
  async () => {
    const { tookMs } = await ctrlCWithoutReader();

    assert.ok(tookMs < 4000, `it took ${tookMs} ms`);
  },
);

test.unless(noSignals)(
  "Ctrl+C, delivered twice: stops though a client doesn't read",
  async () => {
    const { program, exit } = await ctrlCWithoutReader();

    assert.equal(exit, { code: 0, signal: null });
    const end = /\n\nServer is shutting down\.\.\.\n$/;
    assert.match(program.output.stdout, end);
  },
);

/** Ctrl+C while the handlers of three clients sleep for a minute. */
const ctrlCWhileSleeping = once(async () => {
  const program = await startEdited(name, {
    before: "writer.write(data);",
    after: "await new Promise((done) => setTimeout(done, 60_000)); $&",
  });
  for (let i = 0; i < 3; i++) {
    const client = await connect(program.port);
    await client.send("hello");
  }
  await printsTimes(program, "Received", 3);
  const pressed = performance.now();
  program.kill("SIGINT");
  await program.prints(/still running/);
  const tookMs = performance.now() - pressed;
  await sleep(800); // Within half a second, it counts as the same Ctrl+C.
  const { stderr } = program.output;
  program.kill("SIGINT");
  const exit = await program.exit(4000);
  return { tookMs, stderr, exit };
});

test.unless(noSignals)("Ctrl+C while handlers sleep: one line", async () => {
  const { stderr } = await ctrlCWhileSleeping();

  const line =
    "handlers still running: 3; press Ctrl+C again to stop immediately";
  assert.is(stderr, `${name}: ${line}\n`);
});

test.unless(noSignals)(
  "Ctrl+C while handlers sleep: reported immediately",
  async () => {
    const { tookMs } = await ctrlCWhileSleeping();

    assert.ok(tookMs < 1500, `after ${tookMs} ms`);
  },
);

test.unless(noSignals)(
  "a second Ctrl+C kills it while handlers sleep",
  async () => {
    const { exit } = await ctrlCWhileSleeping();

    assert.equal(exit, { code: null, signal: "SIGINT" });
  },
);

test.unless(noSignals)("Ctrl+C waits for a handler that returns", async () => {
  const program = await startEdited(name, {
    before: "} finally {",
    after: "$& await new Promise((done) => setTimeout(done, 1000));",
  });
  const client = await connect(program.port);
  await expectEcho(client, "hello");

  program.kill("SIGINT");

  assert.equal(await program.exit(), { code: 0, signal: null });
  const line =
    "handlers still running: 1; press Ctrl+C again to stop immediately";
  assert.is(program.output.stderr, `${name}: ${line}\n`);
});

test.unless(noSignals)(
  "Ctrl+C: handlers that return in time are not reported",
  async () => {
    const program = await startEdited(name, {
      before: "} finally {",
      after: "$& await new Promise((done) => setTimeout(done, 100));",
    });
    const client = await connect(program.port);
    await expectEcho(client, "hello");

    program.kill("SIGINT");

    assert.equal(await program.exit(), { code: 0, signal: null });
    assert.is(program.output.stderr, "");
  },
);

/** The handler uses a file and another server, and fails there. */
const otherFailures = [
  {
    title: "a file that is missing",
    code: 'await (await import("node:fs/promises")).readFile("missing");',
    complaint: /: \(.*\) \[?Error: ENOENT: no such file/,
  },
  {
    title: "another server that refuses",
    code: `await new Promise((done, fail) => {
      net.connect(1, "127.0.0.1").on("error", fail);
    });`,
    complaint: /: \(.*\) Error: connect ECONNREFUSED/,
  },
];

for (const { title, code, complaint } of otherFailures)
  test(`${title} is not reported as the client's reset`, async () => {
    const program = await startEdited(name, {
      before: "if (!data) break;",
      after: `$& ${code}`,
    });
    const client = await connect(program.port);

    await client.send("hello");

    await program.prints(/Connection with .* closed\n/);
    await program.prints(/lecture1_server_forever_async: .*\n/);
    assert.match(program.output.stderr, complaint);
  });

test("1,000 clients are served at the same time", async () => {
  const { port } = await startServer(name);
  const connecting = [];
  for (let i = 0; i < 1000; i++) {
    // The listen queue is shorter elsewhere: 128 on macOS, 200 on Windows.
    const waitMs = onLinux ? 0 : Math.floor(i / 100) * 1000;
    connecting.push(sleep(waitMs).then(() => connect(port)));
  }
  const clients = await Promise.all(connecting);

  const echoes = clients.map((client, i) => expectEcho(client, `hello ${i}`));

  await Promise.all(echoes);
});

test.run();
