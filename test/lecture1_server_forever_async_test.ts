import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import {
  connect,
  expectEcho,
  sendUntilBlocked,
  visit,
} from "./helpers/clients.ts";
import { testEveryServer } from "./helpers/everyServer.ts";
import { resetLine, testForeverServer } from "./helpers/foreverServers.ts";
import { eventually, suite } from "./helpers/harness.ts";
import { noSignals, onLinux } from "./helpers/machine.ts";
import { testMistakes } from "./helpers/mistakes.ts";
import {
  startEdited,
  startPreloaded,
  startServer,
} from "./helpers/programs.ts";
import { escapeRegExp, linesOf, once, type Server } from "./helpers/servers.ts";

const name = "lecture1_server_forever_async";

/**
 * What is printed of an error: the client, the error, and perhaps its stack.
 */
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

test("an error in a handler's timer disturbs nobody", async () => {
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

test("a read() that nobody awaits disturbs nobody", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: "$& if (data.length === 4) void reader.read();",
  });
  const bystander = await connect(program.port);
  await expectEcho(bystander, "before");
  const client = await connect(program.port);

  await client.send("fail");

  await program.prints(/TypeError: read takes/);
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
  await sleep(20); // After half a second, it would end immediately.
  program.kill("SIGINT");
  const exit = await program.exit();
  const tookMs = performance.now() - pressed;
  return { program, exit, tookMs };
});

test.unless(noSignals)(
  "Ctrl+C, passed on twice, ends it in a second or two",
  async () => {
    const { tookMs } = await ctrlCWithoutReader();

    assert.ok(tookMs < 4000, `it took ${tookMs} ms`);
  },
);

test.unless(noSignals)(
  "Ctrl+C, passed on twice, ends it when a client doesn't read",
  async () => {
    const { program, exit } = await ctrlCWithoutReader();

    assert.equal(exit, { code: 0, signal: null });
    const end = /\n\nServer is shutting down\.\.\.\n$/;
    assert.match(program.output.stdout, end);
  },
);

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
