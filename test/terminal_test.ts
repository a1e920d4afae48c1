/** Ctrl+C typed in a terminal, where npx and tsx stand between the keyboard and the script. */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch, projectFile } from "../scripts/processes.ts";
import { connect, echo, suite } from "./harness.ts";
import { noTerminal, terminal } from "./terminal.ts";

const test = suite("Ctrl+C in a terminal");
const folder = projectFile(".");

type Started = Awaited<ReturnType<typeof start>>;

/** Starts a server as a learner does, and connects a client. */
async function start(name: string) {
  const server = terminal(`npx tsx ${name}.ts --port 0`, folder);
  const [, port] = await server.saw(/listening on .*?(\d+)\)?\r?\n/);
  const client = await connect(Number(port));
  await echo(client, "before");
  return { server, client };
}

/** One Ctrl+C: the server says who is still there, goes on for it, and ends when it leaves. */
async function once({ server, client }: Started) {
  server.type("\x03");
  await server.saw(/still connected: 1; Ctrl\+C again stops at once/);
  await sleep(700); // until whatever passes the Ctrl+C on has done so
  await echo(client, "after");
  client.fin();
  assert.is(await client.ending(), "FIN");
  await server.exit();
  const closed = `Connection with ${client.addr} closed\n`;
  assert.ok(server.screen().endsWith(closed), server.screen());
  assert.is(server.screen().split("shutting down").length, 2);
}

/** Ten at once: npx, tsx and the script get the cores by turns. */
function startTen(): Promise<Started[]> {
  const ten = Array.from({ length: 10 }, () => "lecture1_server_forever");
  return Promise.all(ten.map(start));
}

test.unless(noTerminal)("lecture1_server_forever, ten times", async () => {
  await Promise.all((await startTen()).map(once));
});

test.unless(noTerminal)(
  "lecture1_server_forever, ten times while others keep both cores busy",
  async () => {
    const ten = await startTen();
    const forEver = [process.execPath, "-e", "console.log(1); for (;;);"];
    const others = [launch(forEver), launch(forEver)];
    await Promise.all(others.map((other) => other.saw(/1/)));
    await Promise.all(ten.map(once));
  },
);

test.unless(noTerminal)("a second Ctrl+C ends it at once", async () => {
  const { server, client } = await start("lecture1_server_forever");
  server.type("\x03");
  await server.saw(/still connected: 1/);
  await sleep(700);
  server.type("\x03");
  await server.exit(3000);
  assert.match(await client.ending(), /^(FIN|ECONNRESET)$/);
});

test.unless(noTerminal)("lecture1_server_forever_async", async () => {
  const { server, client } = await start("lecture1_server_forever_async");
  server.type("\x03");
  assert.is(await client.ending(), "FIN");
  client.fin();
  await server.exit();
  const closed = `Connection with ${client.addr} closed\n`;
  const end = `${closed}\nServer is shutting down...\n`;
  assert.ok(server.screen().endsWith(end), server.screen());
});

test.run();
