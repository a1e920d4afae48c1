import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import {
  connect,
  expectEcho,
  leave,
  unreadBytes,
  untilRefused,
} from "./helpers/clients.ts";
import { testEveryServer } from "./helpers/everyServer.ts";
import { suite } from "./helpers/harness.ts";
import { noSignals, notLinux, type Why } from "./helpers/machine.ts";
import { testMistakes } from "./helpers/mistakes.ts";
import {
  nodeCommand,
  printsTimes,
  startEdited,
  startServer,
  type Edit,
} from "./helpers/programs.ts";
import { escapeRegExp, once, type Server } from "./helpers/servers.ts";

const name = "lecture1_server";

/** The message about an error: its stack, with the line of the file. */
function stackOf(error: string): RegExp {
  return new RegExp(`${error}[^]* at .*lecture1_server\\.mjs:\\d+`);
}

const server: Server = {
  name,
  isForever: false,
  closesAtCtrlC: false,
  listens: (port) => `Server listening on 127.0.0.1:${port}`,
  receives: (_addr, text) => `Received: ${text}`,
  resetComplaint:
    /^lecture1_server: read ECONNRESET; the client reset the connection\n$/,
  lostComplaint: (code) => {
    const state = "(no longer answers|can't be reached)";
    const advice = "check [a-z, ]+";
    return new RegExp(
      `^${name}: \\w+ ${code}; the client ${state}: ${advice}\n$`,
    );
  },
  complaint: (error) => stackOf(escapeRegExp(error)),
  firstLine: "const s = socket();",
  sender: "conn.sendall",
  verbs: { send: "sendall", receive: "recv" },
  send: (data) => `await conn.sendall(${data});`,
  receive: (size) => `await conn.recv(${size});`,
  sleep: (ms) => `await new Promise((done) => setTimeout(done, ${ms}));`,
};

const test = suite(name);

testEveryServer(test, server);

testMistakes(test, server, [
  {
    title: "it forgets the await before recv",
    code: "utf8.decode(conn.recv(1024));",
    complaint: stackOf('TypeError.*: The "\\w+" argument'),
  },
]);

test("a second client waits while the first is served", async () => {
  const { port } = await startServer(name);
  const first = await connect(port);
  await expectEcho(first, "first");
  const second = await connect(port);

  await second.send("second");

  await expectEcho(first, "first again");
  assert.is(second.length, 0);
});

test.unless(notLinux)(
  "a waiting client's bytes stay in the kernel",
  async () => {
    const { port } = await startServer(name);
    const first = await connect(port);
    await expectEcho(first, "first");
    const second = await connect(port);

    await second.send("second");

    await expectEcho(first, "first again");
    assert.equal(unreadBytes(port, second.socket.localPort), [6]);
  },
);

test("waiting clients are reset when the first one leaves", async () => {
  const { port } = await startServer(name);
  const first = await connect(port);
  await expectEcho(first, "first");
  const sender = await connect(port);
  const silent = await connect(port);
  await sender.send("second");
  // An echo of the first client: by now the server knows of the others.
  await expectEcho(first, "first again");

  await leave(first);

  assert.is(await sender.endOfStream(), "ECONNRESET");
  assert.is(await silent.endOfStream(), "ECONNRESET");
});

test("it exits with 0 though clients wait", async () => {
  const program = await startServer(name);
  const first = await connect(program.port);
  await expectEcho(first, "first");
  await connect(program.port);

  await leave(first);

  assert.equal(await program.exit(), { code: 0, signal: null });
});

test("it prints nothing of a client that waits", async () => {
  const program = await startServer(name);
  const first = await connect(program.port);
  await expectEcho(first, "first");
  const second = await connect(program.port);
  await second.send("second");
  await expectEcho(first, "first again");
  await leave(first);

  await program.exit();

  assert.equal(program.lines(), [
    server.listens(program.port),
    `Connected by ${first.addr}`,
    "Received: first",
    "Received: first again",
  ]);
});

test("nothing listens when its client has left", async () => {
  const { port } = await startServer(name);
  const client = await connect(port);
  await expectEcho(client, "hello");

  await leave(client);

  await untilRefused(port);
});

test("a server that closes first exits before its client", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: "break;",
  });
  const client = await connect(program.port);

  await client.send("hello");

  assert.match(await client.endOfStream(), /^(FIN|ECONNRESET)$/);
  assert.equal(await program.exit(), { code: 0, signal: null });
});

test("recv after close finds the end of the stream", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: "conn.close(); if (!(await conn.recv(1))) break;",
  });
  const client = await connect(program.port);

  await client.send("hello");

  assert.match(await client.endOfStream(), /^(FIN|ECONNRESET)$/);
  assert.equal(await program.exit(), { code: 0, signal: null });
});

// A recv that is given up for a time limit, and a loop that continues.

/** Exercise 5's time limit, which only prints that it has passed. */
const waitOn: Edit = {
  before: /const data = await conn.recv.*/g,
  after: `
    const late = new Promise((resolve) => setTimeout(resolve, 20, "late"));
    const data = await Promise.race([conn.recv(1024), late]);
    if (data === "late") {
      print(data);
      continue;
    }
  `,
};

/** Starts a server whose client is silent until 50 recvs were given up. */
async function startAndGiveUp() {
  const program = await startEdited(name, waitOn);
  const client = await connect(program.port);
  await printsTimes(program, "late\n", 50);
  return { program, client };
}

/** A client that is silent, sends three messages, and leaves. */
const silentClient = once(async () => {
  const { program, client } = await startAndGiveUp();
  const echoes = [];
  for (const message of ["first", "second", "third"]) {
    await client.send(message);
    const echo = await client.recv(message.length);
    echoes.push(String(echo));
    await printsTimes(program, "late\n", 60 + 10 * echoes.length);
  }
  client.sendFin();
  const end = await client.endOfStream();
  const exit = await program.exit();
  return { program, echoes, end, exit };
});

test("50 abandoned recvs lose no message", async () => {
  const { echoes } = await silentClient();

  assert.equal(echoes, ["first", "second", "third"]);
});

test("50 recvs that were given up: no warning", async () => {
  const { program } = await silentClient();

  assert.is(program.output.stderr, "");
});

test("after 50 abandoned recvs it closes with FIN", async () => {
  const { end, exit } = await silentClient();

  assert.is(end, "FIN");
  assert.equal(exit, { code: 0, signal: null });
});

test("a reset after 50 recvs that were given up: one line", async () => {
  const { program, client } = await startAndGiveUp();

  client.sendReset();

  assert.equal(await program.exit(), { code: 1, signal: null });
  assert.match(program.output.stderr, server.resetComplaint);
});

test("a long message after a recv that was given up is whole", async () => {
  const { program, client } = await startAndGiveUp();
  const message = "x".repeat(100_000);

  await expectEcho(client, message);

  await leave(client);
  assert.equal(await program.exit(), { code: 0, signal: null });
});

const notRoot: Why = notLinux || (process.getuid!() !== 0 && "it needs root");

test.unless(notRoot)("a port that only root can use: why", async () => {
  const withoutRight = ["setpriv", "--bounding-set=-net_bind_service"];
  const command = nodeCommand(`${name}.ts`);

  const program = launch([...withoutRight, ...command, "--port", "1"]);

  assert.equal(await program.exit(), { code: 1, signal: null });
  assert.is(
    program.output.stderr,
    "lecture1_server: listen EACCES: permission denied 127.0.0.1:1; " +
      "no permission: the port is below 1024, or reserved by Hyper-V or WSL; choose another --port\n",
  );
});

test.unless(noSignals)("Ctrl+C kills it while a client stays", async () => {
  const program = await startServer(name);
  const client = await connect(program.port);
  await expectEcho(client, "hello");

  program.kill("SIGINT");

  assert.equal(await program.exit(), { code: null, signal: "SIGINT" });
  assert.is(program.output.stderr, "");
});

test.run();
