import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import {
  connect,
  expectEcho,
  sendUntilBlocked,
  visit,
} from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { noSignals, onLinux } from "./helpers/machine.ts";
import { startEdited, start } from "./helpers/programs.ts";
import {
  everyServer,
  foreverServer,
  visitOf,
  type Server,
} from "./helpers/servers.ts";

/** What is said of a handler that failed: the client, what, and the stack with its line. */
const fails = (what: string) =>
  new RegExp(`^lecture1_server_forever_async: \\(.*\\) ${what}\n( +at .*\n)*`);

const server: Server = {
  name: "lecture1_server_forever_async",
  forever: true,
  listens: (port) => `Server listening on ('127.0.0.1', ${port})`,
  receives: (addr, text) => `Received from ${addr}: ${text}`,
  calls: ["writer.write", "reader.read"],
  fails,
  mistakes: {
    "throw null": fails("null"),
    'throw "oops"': fails("'oops'"),
    "writer.close(); reader.read(1).then(() => { throw 7 })": fails("7"),
  },
};
const test = suite(server.name);

everyServer(test, server);
foreverServer(test, server);

test("what a handler doesn't wait for, and what it leaves behind, costs the others nothing", async () => {
  const script = await edited(server, [
    [
      "if (!data) break;",
      `$&
      if (data.length === 4) { void reader.read(); setTimeout(() => { throw new Error("late"); }); }`,
    ],
  ]);
  const bystander = await connect(script.port);
  await expectEcho(bystander, "before");
  await (await connect(script.port)).send("fail");
  await script.prints(
    /Error: late\n +at .*lecture1_server_forever_async.mjs:\d+/,
  );
  await script.prints(/TypeError: read takes/);
  await expectEcho(bystander, "after");
});

test("connections that are over are forgotten", async () => {
  const script = await edited(server, [
    ["tasks.set(connection, task);", "$& console.error(tasks.size);"],
  ]);
  for (let i = 0; i < 8; i++) await visit(script.port);
  assert.match(script.output.stderr, /^([12]\n){8}$/); // one may be ending
});

test.unless(noSignals)("Ctrl+C closes the client's connection", async () => {
  const script = await start(server);
  const client = await connect(script.port);
  await expectEcho(client, "hello");
  const pressed = performance.now();
  script.kill("SIGINT");
  assert.is(await client.endOfStream(), "FIN");
  assert.ok(performance.now() - pressed < 900, "it waited for its client");
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.lines(), [
    server.listens(script.port),
    ...visitOf(server, client.addr, ["hello"]),
    ...["", "Server is shutting down..."],
  ]);
  assert.is(script.output.stderr, "");
});

test.unless(noSignals)("Ctrl+C while a client doesn't read", async () => {
  const script = await start(server);
  const client = await connect(script.port, { reading: false });
  await sendUntilBlocked(client);
  script.kill("SIGINT");
  await sleep(20); // on a busy machine that's long; after half a second it would end at once
  script.kill("SIGINT");
  assert.equal(await script.exit(4000), { code: 0, signal: null });
  assert.match(script.output.stdout, /\n\nServer is shutting down\.\.\.\n$/);
});

test("1,000 clients at once, each echoed intact", async () => {
  const { port } = await start(server);
  const clients = await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => {
      // Elsewhere than on Linux the listen queue is short, 128 on macOS, 200 on Windows.
      if (!onLinux) await sleep(Math.floor(i / 100) * 1000);
      return connect(port);
    }),
  );
  await Promise.all(
    clients.map((client, i) => expectEcho(client, `hello ${i}`)),
  );
});

test.run();
