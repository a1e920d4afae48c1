/** The four programs, by each runtime that this machine has. */
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { visit } from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { hasSignals } from "./helpers/machine.ts";
import { listening, startServer } from "./helpers/programs.ts";
import {
  bun,
  deno,
  oldestNode,
  testedNode,
  typeStrippingNode,
} from "./helpers/runtimes.ts";

const test = suite("runtimes");

const goodbye = hasSignals ? "\nServer is shutting down...\n" : "";

/** Each server, and all that it prints of one client, except for the ports. */
const servers = [
  {
    name: "lecture1_server",
    endsWithClient: true,
    prints: `Server listening on 127.0.0.1:PORT
Connected by ('127.0.0.1', PORT)
Received: Hello, Server!
`,
  },
  {
    name: "lecture1_server_forever",
    endsWithClient: false,
    prints: `Server listening on 127.0.0.1:PORT
Connected by ('127.0.0.1', PORT)
Received from ('127.0.0.1', PORT): Hello, Server!
Connection with ('127.0.0.1', PORT) closed
${goodbye}`,
  },
  {
    name: "lecture1_server_forever_async",
    endsWithClient: false,
    prints: `Server listening on ('127.0.0.1', PORT)
Connected by ('127.0.0.1', PORT)
Received from ('127.0.0.1', PORT): Hello, Server!
Connection with ('127.0.0.1', PORT) closed
${goodbye}`,
  },
];

const runtimes = [testedNode, oldestNode, typeStrippingNode, deno, bun];

for (const { name, why, command } of runtimes) {
  test.unless(why)(`lecture1_client by ${name}`, async () => {
    const server = await startServer("lecture1_server");
    const port = String(server.port);
    const args = [...command("lecture1_client.ts"), "--port", port];
    const client = launch(args);

    assert.equal(await client.exit(), { code: 0, signal: null });
    assert.equal(client.output, {
      stdout: "Received from server: Hello, Server!\n",
      stderr: "",
    });
  });

  for (const { name: file, endsWithClient, prints } of servers)
    test.unless(why)(`${file} by ${name}`, async () => {
      const args = [...command(`${file}.ts`), "--port=0"];
      const server = await listening(launch(args));
      await visit(server.port, "Hello, Server!");
      if (!endsWithClient) {
        await server.prints(/closed\n/);
        server.kill("SIGINT");
      }
      const exitStatus = await server.exit();

      if (hasSignals || endsWithClient)
        assert.equal(exitStatus, { code: 0, signal: null });
      const printed = server.output.stdout.replace(/\b\d{4,5}\b/g, "PORT");
      assert.is(printed, prints);
      assert.is(server.output.stderr, "");
    });
}

test.run();
