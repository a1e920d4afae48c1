import * as assert from "uvu/assert";
import { connect, echo, noSignals, onLinux, suite } from "./harness.ts";
import {
  everyServer,
  recvQueue,
  refused,
  start,
  type Server,
} from "./servers.ts";

const server: Server = {
  name: "lecture1_server",
  forever: false,
  listens: (port) => `Server listening on 127.0.0.1:${port}`,
  receives: (_addr, text) => `Received: ${text}`,
};
const test = suite(server.name);

everyServer(test, server);

test("a second client waits unanswered, and is reset when the first leaves", async () => {
  const script = await start(server);
  const first = await connect(script.port);
  await echo(first, "first");
  const second = await connect(script.port);
  const silent = await connect(script.port);
  await second.send("second");
  await echo(first, "first again");
  assert.is(second.length, 0);
  if (onLinux) assert.is(await recvQueue(second), 6); // unread in the kernel
  first.fin();
  assert.is(await first.ending(), "FIN");
  assert.is(await second.ending(), "ECONNRESET");
  assert.is(await silent.ending(), "ECONNRESET");
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.lines(), [
    server.listens(script.port),
    `Connected by ${first.addr}`,
    "Received: first",
    "Received: first again",
  ]);
});

test("a client after the first has left: ECONNREFUSED", async () => {
  const script = await start(server);
  const client = await connect(script.port);
  client.fin();
  await script.exit();
  await refused(script.port);
});

for (const connected of [false, true])
  test.unless(noSignals)(
    `Ctrl+C with ${connected ? "a client" : "nobody"} connected: it dies of SIGINT`,
    async () => {
      const script = await start(server);
      if (connected) await echo(await connect(script.port), "hello");
      script.kill("SIGINT");
      assert.equal(await script.exit(), { code: null, signal: "SIGINT" });
      assert.is(script.output.stderr, "");
    },
  );

test.run();
