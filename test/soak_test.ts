/** npm run soak: what takes long and loads the machine, so that no other test runs beside it. */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch, projectFile } from "../scripts/processes.ts";
import { connect, echo, suite } from "./harness.ts";
import { noTerminal, terminal } from "./terminal.ts";

const test = suite("soak");
const folder = projectFile(".");

/** Starts a server as a learner does, and connects a client. */
async function start() {
  const command = "npx tsx lecture1_server_forever.ts --port 0";
  const server = terminal(command, folder);
  const [, port] = await server.saw(/listening on .*?(\d+)\)?\r?\n/, 60_000);
  const client = await connect(Number(port));
  await echo(client, "before");
  return { server, client };
}

/** One Ctrl+C: the server says who is still there, goes on for it, and ends when it leaves. */
async function once({ server, client }: Awaited<ReturnType<typeof start>>) {
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

for (const busy of [false, true])
  test.unless(noTerminal)(
    `Ctrl+C through npx and tsx, ten times at once${busy ? ", while others keep both cores busy" : ""}`,
    async () => {
      const ten = await Promise.all(Array.from({ length: 10 }, start));
      const forEver = [process.execPath, "-e", "console.log(1); for (;;);"];
      const others = busy ? [launch(forEver), launch(forEver)] : [];
      await Promise.all(others.map((other) => other.saw(/1/)));
      await Promise.all(ten.map(once));
    },
  );

test.run();
