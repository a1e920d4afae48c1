/** The tests that all three servers pass. */
import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch } from "../../scripts/launch.ts";
import {
  connect,
  expectEcho,
  keepaliveSeconds,
  leave,
  sendUntilBlocked,
  unreadBytes,
  visit,
  type Client,
} from "./clients.ts";
import { eventually, type Suite } from "./harness.ts";
import { hasSignals, notLinux, onLinux, onWindows } from "./machine.ts";
import {
  failOnDemand,
  fakeResolver,
  nodeCommand,
  printsTimes,
  startEdited,
  startPreloaded,
  startServer,
} from "./programs.ts";
import {
  linesOf,
  once,
  SharedServer,
  Transcript,
  type Server,
} from "./servers.ts";
import { visits, type Visit } from "./visits.ts";

/** Adds the tests that all three servers pass, for one of them. */
export function testEveryServer(test: Suite, server: Server): void {
  const shared = new SharedServer(server, () => startServer(server.name));

  testStart(test, server);
  for (const visit of visits)
    test(visit.title, () => expectVisit(server, shared, visit));
  testEarlyReset(test, server, shared);
  testKeepalive(test, server, shared);
  testLostClient(test, server);
  testBusyHandler(test, server);
  testEcho(test, shared);
  testSlowClient(test, server);
  testOutput(test, server);
}

function testStart(test: Suite, server: Server): void {
  test("the first line names its address", async () => {
    const program = await startServer(server.name);

    assert.equal(program.lines(), [server.listens(program.port)]);
  });

  test("a host name is looked up as an IPv4 address", async () => {
    const host = ["--host", "robot.local"];

    const program = await startPreloaded(server.name, fakeResolver, ...host);

    await visit(program.port); // at 127.0.0.1
  });

  test("print works in the first line that a learner adds", async () => {
    const program = await startEdited(server.name, {
      before: server.firstLine,
      after: 'print("starting");\n  $&',
    });

    const [first] = program.lines();
    assert.is(first, "starting");
    await visit(program.port);
  });

  test("it starts again on a port that it closed first", async () => {
    const first = await startServer(server.name);
    const client = await connect(first.port);
    await expectEcho(client, "hello");
    // The server sends FIN first, so its side of the connection is in
    // TIME_WAIT.
    const closesFirst = server.closesAtCtrlC && hasSignals;
    first.kill(closesFirst ? "SIGINT" : "SIGKILL");
    await client.endOfStream();
    client.sendFin();
    await first.exit();

    const second = await startServer(server.name, first.port);

    await visit(second.port);
  });
}

/**
 * Asserts what a server prints for a visit, and how it exits if that ends it.
 */
async function expectVisit(
  server: Server,
  shared: SharedServer,
  visit: Visit,
): Promise<void> {
  const { does, prints, neverReads, resets } = visit;
  const program = await shared.running();
  const transcript = new Transcript(program);
  const client = await connect(program.port, { reading: !neverReads });

  await does(client);

  if (server.isForever) {
    await transcript.shows(/Connection with .* closed\n/);
    if (resets) await transcript.shows(/ reset the connection.*\n/);
  } else {
    const code = resets ? 1 : 0;
    assert.equal(await program.exit(), { code, signal: null });
  }
  const lines = linesOf(server, client, prints);
  assert.is(transcript.stdout, `${lines.join("\n")}\n`);
  assert.match(transcript.stderr, resets ? server.resetComplaint : /^$/);
}

function testEarlyReset(
  test: Suite,
  server: Server,
  shared: SharedServer,
): void {
  test("a client resets right away", async () => {
    const program = await shared.running();
    const transcript = new Transcript(program);
    const client = await connect(program.port);

    client.sendReset();

    await transcript.shows(/reset the connection/);
    if (server.isForever) await transcript.shows(/Connection with .* closed\n/);
    else assert.equal(await program.exit(), { code: 1, signal: null });
  });
}

/** Prints the options of each server of Node's. */
const printServerOptions = `
import net from "node:net";

const { createServer } = net;
net.createServer = (options, ...args) => {
  console.error(JSON.stringify(options));
  return createServer(options, ...args);
};
`;

/** TCP's keepalive, by which a robot without power is noticed. */
function testKeepalive(
  test: Suite,
  server: Server,
  shared: SharedServer,
): void {
  test.unless(notLinux)("after 30 s of silence the kernel asks", async () => {
    const { port } = await shared.running();
    await connect(port);

    await eventually(async () => {
      const timers = keepaliveSeconds(port);
      assert.is(timers.length, 1, "one connection with keepalive");
      assert.ok(timers[0]! > 20 && timers[0]! <= 30, `${timers[0]} s`);
    });
  });

  test("Node is asked for keepalive after 30 s", async () => {
    const program = await startPreloaded(server.name, printServerOptions);

    const [line = ""] = program.output.stderr.split("\n");
    const { keepAlive, keepAliveInitialDelay } = JSON.parse(line);
    assert.equal(
      { keepAlive, keepAliveInitialDelay },
      { keepAlive: true, keepAliveInitialDelay: 30_000 },
    );
  });
}

/** Connections without an answer: cable, power, network. */
const lostConnections = [
  "read ETIMEDOUT",
  "read EHOSTUNREACH",
  "read ENETUNREACH",
  "read ECONNABORTED",
  "read EHOSTDOWN",
  "read ENETDOWN",
  "write ETIMEDOUT",
  "write EHOSTUNREACH",
];

/** The message about a connection without an answer, which is not a reset. */
function testLostClient(test: Suite, server: Server): void {
  const start = () => startPreloaded(server.name, failOnDemand);
  const shared = new SharedServer(server, start);

  for (const error of lostConnections) {
    const lostClient = once(async () => {
      const program = await shared.running();
      const transcript = new Transcript(program);
      const client = await connect(program.port);
      await client.send(error);
      const closed = `Connection with ${client.addr} closed\n`;
      if (server.isForever) await printsTimes(program, closed, 1);
      else await program.exit();
      return { program, transcript, client };
    });

    test(`${error}: one line, that no answer comes`, async () => {
      const { program, transcript } = await lostClient();

      await program.until("a complaint", () => transcript.stderr !== "");
      const [, code = ""] = error.split(" ");
      const complaint = server.lostComplaint(code);
      assert.match(transcript.stderr, complaint);
    });

    test(`${error}: its handler returns`, async () => {
      const { program, transcript, client } = await lostClient();

      const lines = linesOf(server, client, [error]);
      assert.match(transcript.stdout, `${lines.join("\n")}\n`);
      const exit = server.isForever ? undefined : { code: 1, signal: null };
      assert.equal(program.exitStatus, exit);
    });

    if (server.isForever)
      test(`${error}: the next client is served`, async () => {
        const { program } = await lostClient();

        await visit(program.port);
      });
  }
}

/** Data that arrives while the handler does something else. */
function testBusyHandler(test: Suite, server: Server): void {
  test("bytes before the first recv stay in the kernel", async () => {
    const program = await startEdited(server.name, {
      before: /const utf8 = .*/g,
      after: `$&\n${server.sleep(1000)}`,
    });
    const client = await connect(program.port);

    await client.send("Hello, Server!");

    await program.prints(/Connected by/);
    await sleep(300); // Long enough for a server that reads too early.
    if (onLinux) assert.equal(unreadBytes(program.port), [14]);
    assert.is(String(await client.recv(14)), "Hello, Server!");
  });

  test("a FIN that arrives while the handler is busy isn't lost", async () => {
    const program = await startEdited(server.name, {
      before: / print\(`Received.*/g,
      after: `$&\n${server.sleep(300)}`,
    });
    const client = await connect(program.port);
    await client.send("Hello, Server!");
    await program.prints(/Received/);

    client.sendFin();

    assert.is(String(await client.recv(14)), "Hello, Server!");
    assert.is(await client.endOfStream(), "FIN");
  });
}

function testEcho(test: Suite, shared: SharedServer): void {
  test("random bytes in random pieces are echoed unchanged", async () => {
    const { port } = await shared.running();
    const client = await connect(port);

    await echoRandomPieces(client);

    await leave(client);
  });

  test("Nagle's algorithm delays no piece of an echo", async () => {
    const { port } = await shared.running();
    const client = await connect(port);

    const times = await echoRandomPieces(client);

    times.sort((one, other) => one - other);
    const medianMs = times[30]!;
    assert.ok(medianMs < 30, `${medianMs} ms for an echo: Nagle waits 40`);
  });
}

/** Has 60 random pieces echoed; returns how many milliseconds each one took. */
async function echoRandomPieces(client: Client): Promise<number[]> {
  const times = [];
  for (let i = 0; i < 60; i++) {
    const piece = randomBytes(randomInt(1, 5000));
    const started = performance.now();
    await expectEcho(client, piece);
    times.push(performance.now() - started);
  }
  return times;
}

/** A client that sends megabytes before it reads the first byte of the echo. */
function testSlowClient(test: Suite, server: Server): void {
  const slowClient = once(async () => {
    // Larger pieces are only faster.
    const program = await startEdited(server.name, {
      before: "(1024)",
      after: "(16384)",
    });
    const client = await connect(program.port, { reading: false });
    const sent = await sendUntilBlocked(client);
    client.sendFin();
    if (server.isForever) await visit(program.port, "others are served");
    client.socket.resume();
    const echo = await client.recv(sent.length, 40_000);
    const end = await client.endOfStream();
    const { stderr } = program.output;
    return { sent, echo, end, stderr };
  });

  test("a client that doesn't read its echo is not read", async () => {
    await slowClient(); // It asserts that the server reads no more.
  });

  if (server.isForever)
    test("others are served while a client doesn't read", async () => {
      await slowClient(); // Another client connects meanwhile.
    });

  test("a client that reads late gets its whole echo", async () => {
    const { sent, echo } = await slowClient();

    assert.ok(echo.equals(sent), "the echo differs");
  });

  test("a client that reads late gets FIN after its echo", async () => {
    const { end } = await slowClient();

    assert.is(end, "FIN");
  });

  test("a client that reads late is no error", async () => {
    const { stderr } = await slowClient();

    assert.is(stderr, "");
  });
}

/** Servers whose stdout can't be written. */
function testOutput(test: Suite, server: Server): void {
  test("unread output makes it wait, but not exit", async () => {
    const program = await startServer(server.name);
    program.child.stdout!.pause();
    const client = await connect(program.port);
    const sent = await sendUntilBlocked(client, 16 * 2 ** 20);

    program.child.stdout!.resume();

    const echo = await client.recv(sent.length, 40_000);
    assert.ok(echo.equals(sent), "the echo differs");
  });

  test("it exits if stdout is closed: one line, exit 1", async () => {
    const program = await startServer(server.name);
    program.child.stdout!.destroy();
    const client = await connect(program.port);

    await client.send("hello");

    assert.equal(await program.exit(), { code: 1, signal: null });
    const complaints = onWindows
      ? [
          "EPIPE: broken pipe, write; the receiving end was closed",
          "EOF: end of file, write",
        ]
      : ["write EPIPE; the receiving end was closed"];
    const { stderr } = program.output;
    const [, complaint] = stderr.trimEnd().split(`${server.name}: `);
    assert.ok(complaints.includes(complaint!), stderr);
  });

  test.unless(notLinux)("on a full disk it exits: one line", async () => {
    const command = nodeCommand(`${server.name}.ts`).join(" ");
    const line = `exec ${command} --port 0 > /dev/full`;

    const program = launch(["sh", "-c", line]);

    assert.equal(await program.exit(), { code: 1, signal: null });
    const complaint = "ENOSPC: no space left on device, write";
    assert.is(program.output.stderr, `${server.name}: ${complaint}\n`);
  });
}
