import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import {
  connect,
  expectEcho,
  leave,
  untilRefused,
  unreadBytes,
} from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { noSignals, notLinux, onLinux, type Why } from "./helpers/machine.ts";
import { startEdited, nodeCommand, start } from "./helpers/programs.ts";
import { everyServer, type Server } from "./helpers/servers.ts";

const server: Server = {
  name: "lecture1_server",
  forever: false,
  listens: (port) => `Server listening on 127.0.0.1:${port}`,
  receives: (_addr, text) => `Received: ${text}`,
  calls: ["conn.sendall", "conn.recv"],
  fails,
  mistakes: {
    "utf8.decode(conn.recv(1024))": fails('TypeError.*: The "\\w+" argument'),
  },
};
/** What is said of a server that failed: the stack with its line. */
function fails(what: string) {
  return new RegExp(`${what}[^]* at .*lecture1_server\\.mjs:\\d+`);
}

const test = suite(server.name);

everyServer(test, server);

test("a second client waits unanswered, and is reset when the first leaves", async () => {
  const script = await start(server);
  const first = await connect(script.port);
  await expectEcho(first, "first");
  const second = await connect(script.port);
  const silent = await connect(script.port);
  await second.send("second");
  await expectEcho(first, "first again");
  assert.is(second.length, 0);
  const { localPort } = second.socket;
  if (onLinux) assert.equal(unreadBytes(script.port, localPort), [6]);
  await leave(first);
  assert.is(await second.endOfStream(), "ECONNRESET");
  assert.is(await silent.endOfStream(), "ECONNRESET");
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.lines(), [
    server.listens(script.port),
    `Connected by ${first.addr}`,
    "Received: first",
    "Received: first again",
  ]);
  await refused(script.port);
});

for (const [what, code] of [
  ["closes first ends, though its client doesn't", "break;"],
  [
    "reads after close finds the end of the stream",
    "conn.close(); if (!(await conn.recv(1))) break;",
  ],
] as const)
  test(`a server that ${what}`, async () => {
    const script = await edited(server, [["if (!data) break;", code]]);
    const client = await connect(script.port);
    await client.send("hello");
    assert.match(await client.endOfStream(), /^(FIN|ECONNRESET)$/);
    assert.equal(await script.exit(), { code: 0, signal: null });
  });

const notRoot: Why = notLinux || (process.getuid!() !== 0 && "it takes root");
test.unless(notRoot)("a port that isn't for everybody: why", async () => {
  const nobody = ["setpriv", "--bounding-set=-net_bind_service"];
  const command = nodeCommand(`${server.name}.ts`);
  const script = launch([...nobody, ...command, "--port", "1"]);
  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.is(
    script.output.stderr,
    "lecture1_server: listen EACCES: permission denied 127.0.0.1:1; below 1024, or reserved by Hyper-V or WSL: take another --port\n",
  );
});

test.unless(noSignals)("it dies of Ctrl+C, a client connected", async () => {
  const script = await start(server);
  await expectEcho(await connect(script.port), "hello");
  script.kill("SIGINT");
  assert.equal(await script.exit(), { code: null, signal: "SIGINT" });
  assert.is(script.output.stderr, "");
});

test.run();
