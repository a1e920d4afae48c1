/** The Python originals and the ports, side by side: they print the same, line by line. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { env, pythonCommand } from "../scripts/compare/programs.ts";
import {
  freePort,
  launch,
  listening,
  projectFile,
  within,
  type Launched,
} from "../scripts/processes.ts";
import {
  connect,
  echo,
  notLinux,
  suite,
  type Client,
  launchScript,
  type Why,
} from "./harness.ts";
import { noPython } from "./python.ts";

const test = suite("parity with the Python originals");

// As Python on a Korean Windows writes into a pipe, if it isn't told otherwise.
process.env.PYTHONIOENCODING = "cp949";

/** Those of the course, and ours for what the course only describes. */
const folders = [
  process.env.LECTURE1_ORIGINALS ?? "originals",
  projectFile("test/originals"),
];

/** The file of an original; undefined where there is none. */
const original = (name: string) =>
  folders.map((folder) => join(folder, `${name}.py`)).find(existsSync);

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

const servers = ["server", "server_forever", "server_forever_async"].map(
  (name) => `lecture1_${name}`,
);

const launchPython = (file: string, port: number) =>
  launch(pythonCommand(file, port), env);

const startPort = (name: string, port: number) =>
  listening(launchScript(name, ["--port", String(port)]));

/** The original and the port of a server, started one after the other. */
const both = (name: string) => [
  async () => listening(launchPython(original(name)!, await freePort())),
  async () => startPort(name, await freePort()),
];

/** A transcript without what differs from run to run: the port numbers. */
function withoutPorts(lines: string[]): string[] {
  return lines.map((line) => line.replace(/\b\d{4,5}\b/g, "PORT"));
}

/** Ctrl+C, twice if need be: CPython misses one that comes just before accept or recv blocks. */
async function interrupt(
  script: Launched,
  reacts: Promise<unknown> = script.exit(),
): Promise<void> {
  script.kill("SIGINT");
  const again = () => script.kill("SIGINT");
  await within(3000, "a reaction", reacts).catch(again);
}

/** Why there is nothing to compare with. */
const without = (name: string): Why =>
  noPython || (!original(name) && `no ${name}.py in LECTURE1_ORIGINALS`);

for (const name of servers) {
  for (const [title, talk] of Object.entries(talks))
    test.unless(without(name))(`${name}: ${title}`, async () => {
      const transcripts = [];
      for (const start of both(name)) {
        const script = await start();
        const client = await connect(script.port);
        await talk(client);
        client.fin();
        await client.ending();
        if (name === "lecture1_server") await script.exit();
        else {
          await script.saw(/closed\n/);
          await interrupt(script);
        }
        const { code, signal } = await script.exit();
        transcripts.push({ code, signal, lines: withoutPorts(script.lines()) });
      }
      const [python, typescript] = transcripts;
      assert.equal(typescript, python);
    });
}

const missing = servers.map(without).find(Boolean) ?? false;
test.unless(notLinux || missing)(
  "Ctrl+C with a client connected: who is disconnected, who is still echoed, how it ends",
  async () => {
    for (const name of servers) {
      const ends = [];
      for (const start of both(name)) {
        const script = await start();
        const client = await connect(script.port);
        await echo(client, "before");
        const forever = name === "lecture1_server_forever";
        const reacts = forever
          ? script.saw(/shutting down\.\.\.\n/) // Python writes the \n by itself
          : client.ending();
        await interrupt(script, reacts);
        if (forever) {
          await reacts;
          await echo(client, "after");
          client.fin();
        }
        const ending = await client.ending();
        const end = await script.exit();
        ends.push({ ending, ...end, lines: withoutPorts(script.lines()) });
      }
      const [python, typescript] = ends;
      assert.equal(typescript, python, name);
    }
  },
);

test.unless(without("lecture1_client"))(
  "lecture1_client, and both clients with both servers",
  async () => {
    const outputs = [];
    for (const python of [true, false])
      for (const server of servers) {
        const { port } = await startPort(server, await freePort());
        const client = python
          ? launchPython(original("lecture1_client")!, port)
          : launchScript("lecture1_client", ["--port", String(port)]);
        const exit = await client.exit();
        const { stderr } = client.output;
        outputs.push({ ...exit, stderr, lines: client.lines() });
      }
    for (const output of outputs) assert.equal(output, outputs[0]);
    assert.is(outputs[0]?.code, 0);
  },
);

test.run();
