/** The Python originals and the ports, side by side: they print the same, line by line. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { env, pythonCommand } from "../scripts/compare/programs.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { withDeadline } from "../scripts/waiting.ts";
import { connect, expectEcho, leave } from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { noPython, noSignals, type Why } from "./helpers/machine.ts";
import { listening, start } from "./helpers/programs.ts";
import { programFiles } from "../scripts/copyProject.ts";

const test = suite("parity with the Python originals");

/** Those of the course, and ours for what the course only describes. */
const folders = [
  process.env.LECTURE1_ORIGINALS ?? "originals",
  projectFile("test/originals"),
];
const original = (name: string) =>
  folders.map((folder) => join(folder, `${name}.py`)).find(existsSync);

const why = await noPython();
/** Why there is nothing to compare with. */
const without = (name: string): Why =>
  why || (!original(name) && `no ${name}.py in LECTURE1_ORIGINALS`);

const launchPython = (name: string, port: number) =>
  launch(pythonCommand(original(name)!, port), { env });

/** The original and the port of a server. */
const both = (name: string) => [
  () => listening(launchPython(name, 0)),
  () => start({ name }),
];

/** How a server ended and what it printed, without what differs: the port numbers. */
const transcript = async (script: Launched) => ({
  ...(await script.exit()),
  lines: script.lines().map((line) => line.replace(/\b\d{4,5}\b/g, "PORT")),
});

/** Ctrl+C, twice if need be: CPython misses one that comes just before accept or recv blocks. */
async function interrupt(script: Launched, reacts: Promise<unknown>) {
  script.kill("SIGINT");
  const again = () => script.kill("SIGINT");
  await withDeadline(3000, "a reaction", reacts).catch(again);
}

const servers = scripts.slice(0, 3).map((file) => file.replace(".ts", ""));
for (const [name = "", leaves = ""] of [
  ...servers.map((name) => [name]),
  ["lecture1_server", ", whose client leaves"],
])
  test.unless(without(name) || (leaves ? false : noSignals))(
    name + leaves,
    async () => {
      const forever = name === "lecture1_server_forever";
      const transcripts = [];
      for (const begin of both(name)) {
        const script = await begin();
        if (name !== "lecture1_server") {
          await leave(await connect(script.port)); // without a word
          await script.prints(/closed\n/);
        }
        const client = await connect(script.port);
        // Messages that one recv takes whole, or cuts where every recv does.
        for (const message of ["one", "둘, 로봇", "three\tand\nmore"])
          await expectEcho(client, message);
        await expectEcho(client, "x".repeat(4000));
        const reacts = forever
          ? script.prints(/shutting down\.\.\.\n/) // Python writes the \n by itself
          : client.endOfStream();
        if (!leaves) await interrupt(script, reacts);
        if (!leaves) await reacts;
        if (forever) await expectEcho(client, "after");
        if (forever || leaves) client.sendFin();
        const ending = await client.endOfStream();
        transcripts.push({ ending, ...(await transcript(script)) });
      }
      assert.equal(transcripts[1], transcripts[0]); // TypeScript, Python
    },
  );

test.unless(without("lecture1_client"))(
  "the client with all servers",
  async () => {
    for (const name of servers) {
      const { port } = await start({ name });
      const client = launchPython("lecture1_client", port);
      assert.equal(await client.exit(), { code: 0, signal: null });
      assert.equal(client.lines(), ["Received from server: Hello, Server!"]);
      assert.is(client.output.stderr, "");
    }
  },
);

test.run();
