/** The Python originals and the ports print the same, line by line. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { env, pythonCommand } from "../scripts/compare/programs.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { withDeadline } from "../scripts/waiting.ts";
import { connect, expectEcho, leave, type Client } from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { noPython, noSignals, type Why } from "./helpers/machine.ts";
import {
  listening,
  startServer,
  type ListeningServer,
} from "./helpers/programs.ts";

const test = suite("parity with the Python originals");

const servers = [
  "lecture1_server",
  "lecture1_server_forever",
  "lecture1_server_forever_async",
];

/** The course's originals, and ours for what the course only describes. */
const folders = [
  process.env.LECTURE1_ORIGINALS ?? "originals",
  projectFile("test/originals"),
];

const pythonIsMissing = await noPython();

/** The file of a Python original; undefined if it isn't here. */
function originalOf(name: string): string | undefined {
  return folders.map((folder) => join(folder, `${name}.py`)).find(existsSync);
}

/** Why a program can't be compared with its original. */
function noOriginal(name: string): Why {
  if (pythonIsMissing) return pythonIsMissing;
  return !originalOf(name) && `no ${name}.py in LECTURE1_ORIGINALS`;
}

function launchPython(name: string, port: number): Launched {
  return launch(pythonCommand(originalOf(name)!, port), { env });
}

/** Starts a server in the language of the original. */
function startOriginal(name: string): Promise<ListeningServer> {
  return listening(launchPython(name, 0));
}

/** How a server and its client ended, and what the server printed. */
interface Transcript {
  endOfStream: string;
  code: number | null;
  signal: string | null;
  /** With PORT instead of the port numbers, which differ. */
  lines: string[];
}

/** Waits for both ends. */
async function transcriptOf(
  server: Launched,
  client: Client,
): Promise<Transcript> {
  const endOfStream = await client.endOfStream();
  const { code, signal } = await server.exit();
  const lines = server
    .lines()
    .map((line) => line.replace(/\b\d{4,5}\b/g, "PORT"));
  return { endOfStream, code, signal, lines };
}

/**
 * Sends messages of which every recv returns the same: whole ones, and one that
 * it cuts into pieces of 1024 bytes.
 */
async function sendMessages(client: Client): Promise<void> {
  const messages = ["one", "둘, 로봇", "three\tand\nmore", "x".repeat(4000)];
  for (const message of messages) await expectEcho(client, message);
}

/**
 * Presses Ctrl+C, twice if need be: CPython misses one that arrives just before
 * accept or recv blocks.
 *
 * @param reaction resolves when the server has noticed
 */
async function pressCtrlC(
  server: Launched,
  reaction: Promise<unknown>,
): Promise<void> {
  server.kill("SIGINT");
  await withDeadline(3000, "a reaction", reaction).catch(() =>
    server.kill("SIGINT"),
  );
  await reaction;
}

/** A client leaves the server that serves one client. */
async function clientLeaves(server: ListeningServer): Promise<Transcript> {
  const client = await connect(server.port);
  await sendMessages(client);
  client.sendFin();
  return transcriptOf(server, client);
}

/** Ctrl+C closes the connection and ends the server. */
async function ctrlCCloses(server: ListeningServer): Promise<Transcript> {
  const client = await connect(server.port);
  await sendMessages(client);
  await pressCtrlC(server, client.endOfStream());
  return transcriptOf(server, client);
}

/**
 * A client leaves without a word, and Ctrl+C closes the next one's connection.
 */
async function nextIsClosed(server: ListeningServer): Promise<Transcript> {
  await letClientLeave(server);
  return ctrlCCloses(server);
}

/** A client leaves without a word, and Ctrl+C lets the next one finish. */
async function nextMayFinish(server: ListeningServer): Promise<Transcript> {
  await letClientLeave(server);
  const client = await connect(server.port);
  await sendMessages(client);
  // Python writes the empty line above this line separately, and perhaps later.
  await pressCtrlC(server, server.prints(/shutting down\.\.\.\n/));
  await expectEcho(client, "after");
  client.sendFin();
  return transcriptOf(server, client);
}

async function letClientLeave(server: ListeningServer): Promise<void> {
  const client = await connect(server.port);
  await leave(client);
  await server.prints(/closed\n/);
}

const cases = [
  {
    title: "lecture1_server: its client leaves",
    name: "lecture1_server",
    run: clientLeaves,
    skip: noOriginal("lecture1_server"),
  },
  {
    title: "lecture1_server: Ctrl+C",
    name: "lecture1_server",
    run: ctrlCCloses,
    skip: noOriginal("lecture1_server") || noSignals,
  },
  {
    title: "lecture1_server_forever: a client leaves, Ctrl+C",
    name: "lecture1_server_forever",
    run: nextMayFinish,
    skip: noOriginal("lecture1_server_forever") || noSignals,
  },
  {
    title: "lecture1_server_forever_async: a client leaves, Ctrl+C",
    name: "lecture1_server_forever_async",
    run: nextIsClosed,
    skip: noOriginal("lecture1_server_forever_async") || noSignals,
  },
];

for (const { title, name, run, skip } of cases)
  test.unless(skip)(title, async () => {
    const python = await run(await startOriginal(name));

    const typeScript = await run(await startServer(name));

    assert.equal(typeScript, python);
  });

for (const name of servers)
  test.unless(noOriginal("lecture1_client"))(
    `Python's client with ${name}.ts`,
    async () => {
      const { port } = await startServer(name);

      const client = launchPython("lecture1_client", port);

      assert.equal(await client.exit(), { code: 0, signal: null });
      assert.equal(client.lines(), ["Received from server: Hello, Server!"]);
      assert.is(client.output.stderr, "");
    },
  );

test.run();
