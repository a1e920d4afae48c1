/** The Python originals and the ports, side by side: they print the same, line by line. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import {
  freePort,
  launch,
  launchScript,
  listening,
} from "../scripts/launch.ts";
import { connect, echo, suite, type Client } from "./harness.ts";

const test = suite("parity with the Python originals");
const folder = resolve(process.env.LECTURE1_ORIGINALS ?? "originals");

/** What a client does to both servers, with messages whose reads can't be split. */
const talks: Record<string, (client: Client) => Promise<void>> = {
  hello: (client) => echo(client, "Hello, Server!"),
  "4,000 bytes": (client) => echo(client, "x".repeat(4000)),
  "three messages, one in Korean": async (client) => {
    for (const message of ["one", "둘, 로봇", "three\tand\nmore"])
      await echo(client, message);
  },
  "not a word": async () => {},
};

const servers = ["server", "server_forever", "server_forever_async"];

/** Starts an original on a port of our choice; its functions take the port as a parameter. */
function launchPython(name: string, call: string) {
  const code = `import sys; sys.path.insert(0, ${JSON.stringify(folder)}); import ${name}; ${call}`;
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  return launch(["python3", "-u", "-c", code], env);
}

function startPython(name: string, port: number) {
  const call = name.endsWith("async")
    ? `import asyncio; asyncio.run(${name}.main(port=${port}))`
    : `${name}.start_server(port=${port})`;
  return listening(launchPython(name, call));
}

function startPort(name: string, port: number) {
  return listening(launchScript(name, ["--port", String(port)]));
}

/** A transcript without what differs from run to run: the port numbers. */
function withoutPorts(lines: string[]): string[] {
  return lines.map((line) => line.replace(/\b\d{4,5}\b/g, "PORT"));
}

for (const server of servers) {
  const name = `lecture1_${server}`;
  const file = join(folder, `${name}.py`);
  if (!existsSync(file)) {
    console.log(`skipped: no original at ${file}`);
    for (const _ of Object.keys(talks)) test.skip();
    continue;
  }
  for (const [title, talk] of Object.entries(talks))
    test(`${name}: ${title}`, async () => {
      const transcripts = [];
      for (const startOne of [startPython, startPort]) {
        const script = await startOne(name, await freePort());
        const client = await connect(script.port);
        await talk(client);
        client.fin();
        await client.ending();
        if (server === "server") await script.exit();
        else {
          await script.saw(/closed\n/);
          script.kill("SIGINT");
        }
        const { code } = await script.exit();
        transcripts.push({ code, lines: withoutPorts(script.lines()) });
      }
      const [python, typescript] = transcripts;
      assert.equal(typescript, python);
    });
}

if (!existsSync(join(folder, "lecture1_client.py"))) {
  console.log(`skipped: no original at ${join(folder, "lecture1_client.py")}`);
  test.skip();
} else
  test("lecture1_client, and both clients with both servers", async () => {
    const outputs = [];
    for (const python of [true, false])
      for (const server of servers) {
        const { port } = await startPort(
          `lecture1_${server}`,
          await freePort(),
        );
        const client = python
          ? launchPython(
              "lecture1_client",
              `lecture1_client.start_client(port=${port})`,
            )
          : launchScript("lecture1_client", ["--port", String(port)]);
        outputs.push({ ...(await client.exit()), ...client.output });
      }
    for (const output of outputs) assert.equal(output, outputs[0]);
    assert.is(outputs[0]?.code, 0);
  });

test.run();
