import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { connect, echo, noSignals, suite, turn } from "./harness.ts";
import {
  edited,
  everyServer,
  foreverServer,
  goodbye,
  stalls,
  start,
  visitOf,
  type Server,
} from "./servers.ts";

const server: Server = {
  name: "lecture1_server_forever_async",
  forever: true,
  listens: (port) => `Server listening on ('127.0.0.1', ${port})`,
  receives: (addr, text) => `Received from ${addr}: ${text}`,
};
const test = suite(server.name);

everyServer(test, server);
foreverServer(test, server);

test.unless(noSignals)("Ctrl+C closes the client's connection", async () => {
  const script = await start(server);
  const client = await connect(script.port);
  await echo(client, "hello");
  const pressed = performance.now();
  script.kill("SIGINT");
  assert.is(await client.ending(), "FIN");
  assert.ok(performance.now() - pressed < 900, "it waited for its client");
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.lines(), [
    server.listens(script.port),
    ...visitOf(server, client.addr, ["hello"]),
    ...goodbye,
  ]);
  assert.is(script.output.stderr, "");
});

test.unless(noSignals)(
  "Ctrl+C, passed on twice, ends it in a second or two, also when a client doesn't read",
  async () => {
    const script = await start(server);
    const client = await connect(script.port, { reading: false });
    void client.sendPieces(Buffer.alloc(32 * 2 ** 20, "x"));
    await stalls(client);
    script.kill("SIGINT");
    await sleep(100);
    script.kill("SIGINT");
    assert.equal(await script.exit(4000), { code: 0, signal: null });
    assert.equal(script.lines().slice(-2), goodbye);
  },
);

test.unless(noSignals)("a second Ctrl+C ends it at once", async () => {
  const script = await edited(server, (code) =>
    code.replace("(cancelledError), 1000)", "(cancelledError), 60_000)"),
  );
  const client = await connect(script.port, { reading: false });
  void client.sendPieces(Buffer.alloc(32 * 2 ** 20, "x"));
  await stalls(client);
  script.kill("SIGINT");
  await sleep(1000);
  script.kill("SIGINT");
  assert.equal(await script.exit(4000), { code: null, signal: "SIGINT" });
});

test("a learner's mistake is shown with its place, not taken for a reset", async () => {
  const script = await edited(server, (code) =>
    code.replace("writer.write(data)", "writer.write(42 as any)"),
  );
  const client = await connect(script.port);
  await client.send("hello");
  assert.is(await client.ending(), "FIN");
  await script.saw(/\d+\) TypeError.*ERR_INVALID_ARG_TYPE.*\n +at /);
});

test("1,000 clients at once, each echoed intact", async () => {
  const { port } = await start(server);
  const clients = await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => {
      await turn(i);
      return connect(port);
    }),
  );
  for (const round of ["hello from", "again"])
    await Promise.all(
      clients.map((client, i) => echo(client, `${round} ${i}`)),
    );
});

test.run();
