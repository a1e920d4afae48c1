/**
 * How compare judges the client program: by what goes over its connection and
 * by its exit code, and not by what it prints.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { clientsInTurn } from "../scripts/compare.ts";
import { runClient } from "../scripts/compare/programs.ts";
import type { Found } from "../scripts/compare/result.ts";
import type { Outcome, Trouble } from "../scripts/compare/texts.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { launched } from "../scripts/launch.ts";
import { freePort } from "../scripts/freePort.ts";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";
import { editedFile, type Edit } from "./helpers/programs.ts";
import {
  doStep,
  echo,
  outcomesOf,
  resultsOfFailing,
  type Handler,
} from "./helpers/steps.ts";

const test = suite("the client program in compare");

/** Runs a learner's client once. */
async function runOnce(
  client: string,
  handler: Handler,
  patienceMs = 10_000,
): Promise<Found> {
  return doStep(clientsInTurn, handler, {
    server: { client, patienceMs },
    options: { clients: 1 },
  });
}

/** The lecture's client, as a learner changes it. */
async function clientWith(edit: Edit | undefined): Promise<string> {
  if (!edit) return projectFile("lecture1_client.ts");
  return editedFile("lecture1_client", edit);
}

/** A client that a learner has written. */
async function written(code: string): Promise<string> {
  const file = join(await temporaryFolder(), "client.ts");
  await writeFile(file, code);
  return file;
}

/** The beginning of a client that a learner has written. */
const connects = `
import net from "node:net";
const port = Number(process.argv.at(-1));
const socket = net.connect(port, "127.0.0.1");
`;

/** Replaces the line that prints the answer. */
function insteadOfPrint(code: string): Edit {
  const print = "print(`Received from server: ${data.toString()}`);";
  return { before: print, after: code };
}

/** Echoes in pieces of four bytes, as a server with recv(4) does. */
const echoInPieces: Handler = (client) => {
  // A client that has sent FIN still gets the rest.
  client.allowHalfOpen = true;
  client.on("end", () => setTimeout(() => client.end(), 200));
  client.on("data", async (data) => {
    for (let start = 0; start < data.length; start += 4) {
      client.write(data.subarray(start, start + 4));
      await sleep(20);
    }
  });
};

interface AnsweredCase {
  title: string;
  /** What the learner has changed in the client; nothing unless given. */
  edit?: Edit;
  handler?: Handler;
  /** What the client prints. */
  text: string;
}

const answeredCases: AnsweredCase[] = [
  {
    title: "another message is answered",
    edit: { before: '"Hello, Server!"', after: '"안녕, 서버!"' },
    text: "Received from server: 안녕, 서버!",
  },
  {
    title: "a message of 3 MB is answered",
    edit: {
      before: 'message = "Hello, Server!"',
      after: 'message = "x".repeat(3e6)',
    },
    text: `${"Received from server: ".padEnd(200, "x")}…`,
  },
  {
    title: "a client that prints in Korean is answered",
    edit: { before: "Received from server:", after: "서버에서 받음:" },
    text: "서버에서 받음: Hello, Server!",
  },
  {
    title: "a client that prints nothing is answered",
    edit: insteadOfPrint(""),
    text: "",
  },
  {
    title: "a client that is sent its answer in pieces is answered",
    handler: echoInPieces,
    text: "Received from server: Hell",
  },
  {
    title: "a client that exits with the first piece is answered",
    edit: insteadOfPrint("console.log('bye'); process.exit();"),
    handler: echoInPieces,
    text: "bye",
  },
];

for (const { title, edit, handler = echo, text } of answeredCases)
  test(title, async () => {
    const client = await clientWith(edit);
    const { inTurn } = await runOnce(client, handler);

    assert.equal(inTurn, [{ outcome: "answered", text }]);
  });

test("two connections of a client are both judged", async () => {
  const client = await written(`${connects}
    socket.end("one");
    socket.resume().on("close", () => {
      net.connect(port, "127.0.0.1").resume().end("two");
    });
  `);
  let connections = 0;
  const handler: Handler = (socket, number) => {
    connections++;
    if (connections === 1) echo(socket, number);
    else socket.once("data", () => socket.end("tow"));
  };
  const found = await resultsOfFailing(runOnce(client, handler));

  assert.equal(outcomesOf(found), ["wrong"]);
  assert.is(found.failure!.detail, '"two" → "tow"');
});

/** A client or a server of which compare says that it fails. */
interface FailingCase {
  title: string;
  /** What the learner has changed in the client. */
  edit?: Edit;
  handler?: Handler;
  outcome: Outcome;
  trouble: Trouble;
  detail: string;
}

/** Sends without end, from the client's message on. */
const flood: Handler = (client) => {
  const piece = Buffer.alloc(65_536, "x");
  function write(): void {
    let hasRoom = true;
    while (hasRoom && client.writable) hasRoom = client.write(piece);
  }
  client.on("drain", write);
  client.once("data", write);
};

const failingCases: FailingCase[] = [
  {
    title: "a server that sends a part back and closes: wrong",
    handler: (client) => client.once("data", () => client.end("Hell")),
    outcome: "wrong",
    trouble: "wrong",
    detail: '"Hello, Server!" → "Hell"',
  },
  {
    title: "a server that sends all back twice: wrong",
    handler: (client) => {
      client.once("data", () => client.end("Hello, Server!Hello, Server!"));
    },
    outcome: "wrong",
    trouble: "wrong",
    detail: '"Hello, Server!" → "Hello, Server!Hello, Server!"',
  },
  {
    title: "a server that sends without end: wrong, and cut",
    handler: flood,
    outcome: "wrong",
    trouble: "wrong",
    detail: `"Hello, Server!" → "${"x".repeat(40)}…"`,
  },
  {
    title: "a server that closes without an answer: cut",
    handler: (client) => client.end(),
    outcome: "closed",
    trouble: "cut",
    detail: "1/1",
  },
  {
    title: "an exit code without an error: the code",
    edit: insteadOfPrint("process.exitCode = 3;"),
    outcome: "failed",
    trouble: "clientEnded",
    detail: "3",
  },
  {
    title: "a client that throws: its error",
    edit: insteadOfPrint('throw new TypeError("no text");'),
    outcome: "failed",
    trouble: "client",
    detail: "TypeError: no text",
  },
  {
    title: "a client that connects to another port: its error",
    edit: { before: "s.connect(host, port)", after: "s.connect(host, 1)" },
    outcome: "failed",
    trouble: "client",
    detail:
      "lecture1_client: connect ECONNREFUSED 127.0.0.1:1; " +
      "nothing is listening on that port: is the server running?",
  },
  {
    title: "a client that doesn't connect: that it doesn't",
    edit: { before: "await s.connect(host, port);", after: "process.exit();" },
    outcome: "failed",
    trouble: "elsewhere",
    detail: "",
  },
  {
    title: "a client that sends nothing: that it doesn't",
    edit: { before: "s.sendall(Buffer.from(message));", after: "" },
    outcome: "failed",
    trouble: "sentNothing",
    detail: "3 s",
  },
  {
    title: "a client that is answered and stays: that it doesn't exit",
    edit: insteadOfPrint("setInterval(() => {}, 1000);"),
    outcome: "failed",
    trouble: "clientStays",
    detail: "3 s",
  },
  {
    title: "a client that prints without end: that it doesn't exit",
    edit: insteadOfPrint("while (true) console.log('x'.repeat(9999));"),
    outcome: "failed",
    trouble: "clientStays",
    detail: "3 s",
  },
];

for (const failing of failingCases)
  test(failing.title, async () => {
    const { edit, handler = echo } = failing;
    const client = await clientWith(edit);
    const found = await resultsOfFailing(runOnce(client, handler, 3000));

    assert.equal(outcomesOf(found), [failing.outcome]);
    assert.is(found.failure!.trouble, failing.trouble);
    assert.is(found.failure!.detail, failing.detail);
  });

test("a port on which nothing listens refuses the client itself", async () => {
  const port = await freePort();
  const client = projectFile("lecture1_client.ts");
  const report = await runClient(client, {
    language: "TypeScript",
    port,
    patienceMs: 10_000,
  });

  assert.equal(report, {
    outcome: "refused",
    text:
      `lecture1_client: connect ECONNREFUSED 127.0.0.1:${port}; ` +
      "nothing is listening on that port: is the server running?",
  });
});

test("what a client has started is stopped with it", async () => {
  const client = await written(`
    import { spawn } from "node:child_process";
    const options = { stdio: "inherit" };
    const code = "setInterval(() => {}, 1000)";
    spawn(process.execPath, ["--eval", code], options).unref();
    ${connects}
    socket.end("hello");
    socket.resume();
  `);
  const { inTurn } = await runOnce(client, echo);

  assert.is(inTurn![0]!.outcome, "answered");
  const stillRunning = launched().filter(({ exitStatus }) => !exitStatus);
  assert.equal(stillRunning, []);
});

test.run();
