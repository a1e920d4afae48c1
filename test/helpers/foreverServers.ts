/** The tests that the threaded server and the async server pass. */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import {
  connect,
  expectEcho,
  sendUntilBlocked,
  visit,
  type Client,
} from "./clients.ts";
import type { Suite } from "./harness.ts";
import { noSignals } from "./machine.ts";
import {
  printsTimes,
  startEdited,
  startPreloaded,
  startServer,
  type Edit,
} from "./programs.ts";
import { linesOf, once, SharedServer, type Server } from "./servers.ts";
import { visits } from "./visits.ts";

/**
 * What one of these servers prints on stderr when a client resets.
 *
 * @param name the server's file without .ts
 */
export function resetLine(name: string): RegExp {
  const addr = "\\('127\\.0\\.0\\.1', \\d+\\)";
  const error = "\\w+ (ECONNRESET|EPIPE)";
  return new RegExp(`^${name}: ${addr} reset the connection \\(${error}\\)\n$`);
}

/**
 * What one of these servers prints on stderr when a client no longer answers.
 *
 * @param name the server's file without .ts
 * @param code the system's code for it
 */
export function lostLine(name: string, code: string): RegExp {
  const addr = "\\('127\\.0\\.0\\.1', \\d+\\)";
  const error = `\\((read|write) ${code}\\)`;
  const advice = "check its cable, power and network";
  return new RegExp(
    `^${name}: ${addr} no longer answers ${error}: ${advice}\n$`,
  );
}

/** Adds the tests that both of these servers pass, for one of them. */
export function testForeverServer(test: Suite, server: Server): void {
  testAfterReset(test, server);
  testStalledClient(test, server);
  testRandomClients(test, server);
  testClose(test, server);
  testSecondCtrlC(test, server);

  test("a closed stderr doesn't stop it", async () => {
    const program = await startServer(server.name);
    program.child.stderr!.destroy();
    const client = await connect(program.port);
    await expectEcho(client, "hello");

    client.sendReset(); // The server reports it on stderr.

    await program.prints(/Connection with .* closed\n/);
    await visit(program.port);
  });
}

function testAfterReset(test: Suite, server: Server): void {
  const shared = new SharedServer(server, () => startServer(server.name));
  const resets = visits.filter(({ resets }) => resets);

  for (const { title, does, neverReads } of resets)
    test(`${title}: the next is served`, async () => {
      const { port } = await shared.running();
      const client = await connect(port, { reading: !neverReads });

      await does(client);

      await visit(port);
    });

  test("a client resets right away: the next is served", async () => {
    const { port } = await shared.running();
    const client = await connect(port);

    client.sendReset();

    await visit(port);
  });
}

function testStalledClient(test: Suite, server: Server): void {
  const stalledClient = once(async () => {
    const send = server.send("data");
    const program = await startEdited(server.name, {
      before: send,
      after: `for (let i = 0; i < 60; i++) ${send}`,
    });
    const client = await connect(program.port, { reading: false });
    await sendUntilBlocked(client);
    client.sendReset();
    await program.prints(/Connection with .* closed\n/, 30_000);
    await visit(program.port);
    return program;
  });

  test("a stalled client resets: the next is served", async () => {
    await stalledClient(); // The next client is its last step.
  });

  test("a stalled client resets: one line on stderr", async () => {
    const { output } = await stalledClient();

    const oneLine = /^\w+: \(.*\) reset the connection.*\n$/;
    assert.match(output.stderr, oneLine);
  });
}

function testRandomClients(test: Suite, server: Server): void {
  const randomClients = once(async () => {
    const program = await startServer(server.name);
    const { port } = program;
    const letters = "abcdefghijklmnopqrst".split("");
    const visiting = letters.map((letter) => visitAtRandom(port, letter));
    const clients = await Promise.all(visiting);
    await visit(port, "and the server keeps running");
    const resets = clients.filter(({ hasReset }) => hasReset).length;
    await printsTimes(program, "reset the connection", resets);
    await printsTimes(program, " closed\n", letters.length + 1);
    return { program, clients, resets };
  });

  test("20 clients at random: each is served", async () => {
    await randomClients(); // It asserts each echo and each FIN.
  });

  test("20 clients at random: every line is whole", async () => {
    const { program, clients } = await randomClients();

    for (const { client, texts } of clients) {
      const { addr } = client;
      const lines = program.lines().filter((line) => line.includes(addr));
      assert.equal(lines, linesOf(server, client, texts));
    }
  });

  test("20 clients at random: one line for each reset", async () => {
    const { program, resets } = await randomClients();

    const complaints = program.output.stderr.split("\n").slice(0, -1);
    assert.is(complaints.length, resets);
    for (const complaint of complaints)
      assert.match(`${complaint}\n`, server.resetComplaint);
  });
}

/** The actions of a client of testRandomClients(). */
interface RandomVisit {
  client: Client;
  /** The messages that it sent. */
  texts: string[];
  hasReset: boolean;
}

/**
 * Connects at a random time, has some messages echoed, and resets or leaves.
 */
async function visitAtRandom(
  port: number,
  letter: string,
): Promise<RandomVisit> {
  await sleep(randomInt(300));
  const client = await connect(port);
  const texts: string[] = [];
  const messages = randomInt(1, 20);
  for (let i = 0; i < messages; i++) {
    const text = letter.repeat(randomInt(1, 1024));
    texts.push(text);
    await expectEcho(client, text);
    await sleep(randomInt(20));
  }

  const hasReset = randomInt(3) === 0;
  if (hasReset) {
    client.sendReset();
    return { client, texts, hasReset };
  }

  // The last message and FIN, before the echo arrives.
  texts.push("the rest");
  await client.send("the rest");
  client.sendFin();
  assert.is(String(await client.recv(8)), "the rest");
  assert.is(await client.endOfStream(), "FIN");
  return { client, texts, hasReset };
}

/** Keeps what is written to a client in Node until the stream is closed. */
const corkClients = `
import net from "node:net";

const { createServer } = net;
net.createServer = (...args) => {
  const server = createServer(...args);
  return server.on("connection", (client) => client.cork());
};
`;

function testClose(test: Suite, server: Server): void {
  const closed = once(async () => {
    const { port } = await startPreloaded(server.name, corkClients);
    const client = await connect(port);
    await client.send("hello");
    client.sendFin();
    const echo = String(await client.recv(5));
    const end = await client.endOfStream();
    return { echo, end };
  });

  test("close sends what is left", async () => {
    const { echo } = await closed();

    assert.is(echo, "hello");
  });

  test("close sends FIN after what is left", async () => {
    const { end } = await closed();

    assert.is(end, "FIN");
  });
}

/** A handler that returns after a minute, for which the async server waits. */
const slowEnd: Edit = {
  before: "writer.close();",
  after: "await new Promise((resolve) => setTimeout(resolve, 60_000)); $&",
};

function testSecondCtrlC(test: Suite, server: Server): void {
  test.unless(noSignals)("a second Ctrl+C kills it immediately", async () => {
    const edits = server.closesAtCtrlC ? [slowEnd] : [];
    const program = await startEdited(server.name, ...edits);
    const client = await connect(program.port, { reading: false });
    await sendUntilBlocked(client);
    program.kill("SIGINT");
    await sleep(1000); // Within half a second, it counts as the same Ctrl+C.

    program.kill("SIGINT");

    const exit = await program.exit(4000);
    assert.equal(exit, { code: null, signal: "SIGINT" });
  });
}
