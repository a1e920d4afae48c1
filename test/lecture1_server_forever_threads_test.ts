/**
 * The abilities of lecture1_server_forever's handler in its thread: use recv's
 * bytes, send parts of large buffers, print by Node's own means, import. And
 * the line that is named when it fails.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { tsxLoader } from "../scripts/project.ts";
import { connect, expectEcho, leave, type Client } from "./helpers/clients.ts";
import { eventually, suite } from "./helpers/harness.ts";
import { notLinux } from "./helpers/machine.ts";
import {
  editedFile,
  erasedCommand,
  listening,
  printsTimes,
  startEdited,
  type Edit,
  type ListeningServer,
} from "./helpers/programs.ts";
import { typeStrippingNode } from "./helpers/runtimes.ts";
import {
  once,
  SharedServer,
  Transcript,
  type Server,
} from "./helpers/servers.ts";

const name = "lecture1_server_forever";
const test = suite(`${name}'s threads`);

/** The handler's actions, which a client asks for by the title. */
interface Task {
  title: string;
  /** The learner's statements. `data` is what recv returned: the title. */
  code: string;
}

/** Lets the handler do the task whose title a client sends. */
function tasksOnDemand(tasks: Task[]): Edit {
  const cases = tasks.map(
    ({ title, code }) =>
      `case ${JSON.stringify(title)}: { ${code}; continue; }`,
  );
  return {
    before: "if (!data) break;",
    after: `$&
      switch (new TextDecoder().decode(data)) {
        ${cases.join("\n")}
      }`,
  };
}

/** Several tests use one server, each with its own client. */
function sharedServer(start: () => Promise<ListeningServer>): SharedServer {
  const isForever = { isForever: true } as Server;
  return new SharedServer(isForever, start);
}

/** A client of a shared server, and what the server has printed since then. */
interface Guest {
  program: ListeningServer;
  client: Client;
  transcript: Transcript;
}

/** Connects a client, whose first message the server has echoed and printed. */
async function connectGuest(shared: SharedServer): Promise<Guest> {
  const program = await shared.running();
  const client = await connect(program.port);
  await expectEcho(client, "hello");
  await printsTimes(program, `Received from ${client.addr}: hello\n`, 1);
  return { program, client, transcript: new Transcript(program) };
}

/** Leaves, and waits until the server has printed its last line of it. */
async function leaveServer({ program, client }: Guest): Promise<void> {
  await leave(client);
  await printsTimes(program, `Connection with ${client.addr} closed\n`, 1);
}

// --- What recv returns -------------------------------------------------------

const receiveTasks = [
  {
    title: "recv's bytes as text",
    code: 'print(data.toString("utf8", 0, 4))',
    prints: "recv\n",
  },
  {
    title: "recv's bytes as a number",
    code: "print(data.readInt32BE())", // "recv" in ASCII
    prints: `${0x72656376}\n`,
  },
  {
    title: "recv's bytes, together with more",
    code: 'print(Buffer.concat([data, Buffer.from("!")]).indexOf("!"))',
    prints: "32\n",
  },
  {
    title: "recv's bytes in a text",
    code: "print(`${data}`)",
    prints: "recv's bytes in a text\n",
  },
  {
    title: "recv's bytes are the handler's own",
    code: `
      conn.sendall(data);
      const next = conn.recv(1024);
      print(data + ", then " + next);
    `,
    prints: "recv's bytes are the handler's own, then next\n",
    then: "next",
  },
];

const receiving = sharedServer(() =>
  startEdited(name, tasksOnDemand(receiveTasks)),
);

for (const { title, prints, then } of receiveTasks)
  test(title, async () => {
    const guest = await connectGuest(receiving);
    const { program, client, transcript } = guest;

    await client.send(title);

    if (then) {
      await client.recv(title.length);
      await client.send(then);
    }
    await program.until("a line", () => /\n/.test(transcript.stdout));
    assert.is(transcript.stdout, prints);
    await leaveServer(guest);
  });

// --- Parts of large buffers --------------------------------------------------

const sendTasks = [
  {
    title: "5 MB, a view of 1024 bytes at a time",
    code: `
      const file = Buffer.alloc(5e6, "0123456789ab");
      for (let i = 0; i < 5e6; i += 1024)
        conn.sendall(file.subarray(i, i + 1024));
    `,
    sends: Buffer.alloc(5e6, "0123456789ab"),
  },
  {
    title: "a view of the middle",
    code: 'conn.sendall(Buffer.from("one two three").subarray(4, 7))',
    sends: Buffer.from("two"),
  },
  {
    title: "a view of the beginning",
    code: "conn.sendall(new Uint8Array([1, 2, 3, 4]).subarray(0, 2))",
    sends: Buffer.from([1, 2]),
  },
  {
    title: "a view that is empty, then one that is not",
    code: `
      conn.sendall(data.subarray(3, 3));
      conn.sendall(data.subarray(2, 6));
    `,
    sends: Buffer.from("view"),
  },
  {
    title: "a whole array",
    code: "conn.sendall(new Uint8Array([1, 2, 3, 4]))",
    sends: Buffer.from([1, 2, 3, 4]),
  },
  {
    title: "a buffer that the handler changes afterwards",
    code: `
      const buffer = Buffer.from("before");
      conn.sendall(buffer);
      buffer.write("after!");
      const bytes = new Uint8Array([1, 2]);
      conn.sendall(bytes);
      bytes[0] = 9;
    `,
    sends: Buffer.from("before\x01\x02"),
  },
];

const sending = sharedServer(() => startEdited(name, tasksOnDemand(sendTasks)));

for (const { title, sends } of sendTasks)
  test(`sends ${title}`, async () => {
    const { port } = await sending.running();
    const client = await connect(port);

    await client.send(title);

    const received = await client.recv(sends.length);
    assert.ok(received.equals(sends), "other bytes");
  });

/** A separate server sends 5 MB in views. */
const sentInViews = once(async () => {
  const [{ title, sends }] = sendTasks as [(typeof sendTasks)[0]];
  const { port, pid } = await startEdited(name, tasksOnDemand(sendTasks));
  const client = await connect(port);
  const startedAt = performance.now();
  await client.send(title);
  await client.recv(sends.length);
  const tookMs = performance.now() - startedAt;
  return { tookMs, peakMB: peakMBOf(pid) };
});

/**
 * The most memory that a process has used so far, by /proc. Undefined anywhere
 * but on Linux.
 */
function peakMBOf(pid: number): number | undefined {
  if (notLinux) return undefined;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const { groups } = /^VmHWM:\s+(?<kB>\d+) kB$/m.exec(status)!;
  return Number(groups!.kB) / 1000;
}

test("5 MB in views take well under 2 s", async () => {
  const { tookMs } = await sentInViews();

  assert.ok(tookMs < 2000, `${tookMs} ms`);
});

test.unless(notLinux)("5 MB in views take less than 200 MB", async () => {
  const { peakMB } = await sentInViews();

  assert.ok(peakMB! < 200, `${peakMB} MB`);
});

// --- Node's own means to print -----------------------------------------------

const statements: Task[] = [
  {
    title: "console.log, an object",
    code: "console.log({ x: 1, y: [2, 'z'] })",
  },
  {
    title: "console.log, several values",
    code: "console.log('a', 1, null, [])",
  },
  {
    title: "console.log, a format",
    code: "console.log('%d of %s', 3, 'four')",
  },
  { title: "console.log, nothing", code: "console.log()" },
  { title: "console.log, Korean", code: "console.log('안녕, 로봇!')" },
  {
    title: "console.log, a color",
    code: "console.log('\\x1b[31mred\\x1b[0m')",
  },
  {
    title: "console.log, an error",
    code: "console.log(String(new Error('x')))",
  },
  { title: "console.info", code: "console.info(new Map([[1, 2]]))" },
  { title: "console.debug", code: "console.debug(10n)" },
  { title: "console.error", code: "console.error({ x: 1 })" },
  { title: "console.warn", code: "console.warn('%o', 'w')" },
  { title: "console.assert", code: "console.assert(false, 'not so')" },
  { title: "console.table", code: "console.table([{ x: 1 }, { x: 2 }])" },
  { title: "console.dir", code: "console.dir({ a: { b: {} } }, { depth: 0 })" },
  { title: "console.count", code: "console.count(); console.count()" },
  {
    title: "console.group",
    code: "console.group('g'); console.log('in\\nit'); console.groupEnd()",
  },
  { title: "write, a text", code: "process.stdout.write('no newline')" },
  { title: "write, stderr", code: "process.stderr.write('no newline')" },
  { title: "write, a Buffer", code: "process.stdout.write(Buffer.from('안'))" },
  {
    title: "write, a Uint8Array",
    code: "process.stdout.write(new Uint8Array([65, 66]))",
  },
  {
    title: "write, a character cut in two",
    code: `
      process.stdout.write(Buffer.from([0xec, 0x95]));
      process.stdout.write(Buffer.from([0x88, 10]));
    `,
  },
  {
    title: "write, base64",
    code: "process.stdout.write('aGVsbG8=', 'base64')",
  },
  { title: "write, hex", code: "process.stderr.write('ec9588', 'hex')" },
  {
    title: "write, latin1",
    code: "process.stdout.write('\\xec\\x95\\x88', 'latin1')",
  },
  {
    title: "write, what it returns",
    code: "console.log(process.stdout.write(''))",
  },
];

/**
 * Three times each: a Worker's own streams write the first text immediately,
 * and the others when its handler has returned.
 */
const repeated = statements.map(({ title, code }) => ({
  title,
  code: `for (let i = 0; i < 3; i++) { ${code}; }`,
}));

const withCallback: Task[] = [
  {
    title: "write, a callback",
    code: "process.stdout.write('a', () => process.stdout.write('b'))",
  },
  {
    title: "write, an encoding and a callback",
    code: `
      process.stdout.write("61", "hex", () => process.stdout.write("b"));
    `,
  },
];

const printTasks = [...repeated, ...withCallback];

const printing = sharedServer(() =>
  startEdited(name, tasksOnDemand(printTasks)),
);

for (const { title, code } of printTasks)
  test(`${title}: as node prints it`, async () => {
    const guest = await connectGuest(printing);
    const { client, transcript } = guest;
    const node = launch([process.execPath, "--eval", code]);
    await node.exit();

    await client.send(title);

    // It is there while the client stays.
    await eventually(async () => {
      const { stdout, stderr } = transcript;
      assert.equal({ stdout, stderr }, node.output);
    });
    await leaveServer(guest);
  });

test("print and Node's own means keep their order", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: `$&
      for (let i = 0; i < 1000; i += 4) {
        print(i);
        console.log(i + 1);
        process.stdout.write((i + 2) + "\\n");
        console.info(i + 3);
      }`,
  });
  const client = await connect(program.port);

  await client.send("hello");

  await program.prints(/\n999\n/);
  const numbers = program.lines().filter((line) => /^\d+$/.test(line));
  const inOrder = Array.from({ length: 1000 }, (_, i) => String(i));
  assert.equal(numbers, inOrder);
});

test("unread output makes console.log wait", async () => {
  const program = await startEdited(name, {
    before: "if (!data) break;",
    after: `$&
      for (let i = 0; i < 2000; i++) console.log("x".repeat(10_000));`,
  });
  program.child.stdout!.pause();
  const client = await connect(program.port);
  await client.send("hello");
  await sleep(500); // Long enough for a thread that doesn't wait.
  assert.is(client.length, 0);

  program.child.stdout!.resume();

  assert.is(String(await client.recv(5)), "hello");
});

// --- import ------------------------------------------------------------------

const asyncHandler: Edit = {
  before: "export function handleClient",
  after: "export async function handleClient",
};

const importTasks = [
  {
    title: "a module of Node's",
    code: 'print((await import("node:net")).isIP("127.0.0.1"))',
    prints: "4\n",
  },
  {
    title: "a package",
    code: 'print((await import("string-width")).default("안녕"))',
    prints: "4\n",
  },
];

const importing = sharedServer(() =>
  startEdited(name, asyncHandler, tasksOnDemand(importTasks)),
);

for (const { title, prints } of importTasks) {
  const imported = once(async () => {
    const guest = await connectGuest(importing);
    const { program, client, transcript } = guest;
    await client.send(title);
    await program.until("output", () => {
      return transcript.stdout !== "" || transcript.stderr !== "";
    });
    await leaveServer(guest);
    return transcript;
  });

  test(`import of ${title}`, async () => {
    const { stdout } = await imported();

    assert.match(stdout, prints);
  });

  test(`import of ${title}: no warning`, async () => {
    const { stderr } = await imported();

    assert.is(stderr, "");
  });
}

// --- The line that is named when a handler fails ------------------------------

/** How a server with a changed handler is started. */
const starts = [
  {
    by: "node",
    why: false as const,
    command: (file: string) => erasedCommand(file),
  },
  {
    by: "tsx",
    why: false as const,
    command: async (file: string) => [process.execPath, ...tsxLoader, file],
  },
  {
    by: "node 22.18",
    why: typeStrippingNode.why,
    command: async (file: string) => [typeStrippingNode.program, file],
  },
];

/** The signature of handleClient, unchanged and as an arrow function's. */
const signature =
  "export function handleClient(conn: Connection, addr: string) {";
const arrow =
  "export const handleClient = (conn: Connection, addr: string) => {";

/** A learner's changes of the handler, which has a mistake. */
const handlers = [
  {
    title: "a function",
    edits: [],
    hasLine: true,
  },
  {
    title: "an async function",
    edits: [asyncHandler],
    hasLine: true,
  },
  {
    title: "a function below a commented one",
    edits: [
      { before: signature, after: `// ${signature}\n// }\n\n${signature}` },
    ],
    hasLine: true,
  },
  {
    title: "an arrow function",
    edits: [{ before: signature, after: arrow }],
    hasLine: false,
  },
  {
    title: "an arrow function below a comment",
    edits: [{ before: signature, after: `// ${signature}\n// }\n\n${arrow}` }],
    hasLine: false,
  },
  {
    title: "a function in a const",
    edits: [
      {
        before: signature,
        after: arrow.replace("=", "= function ").replace("=> ", ""),
      },
    ],
    hasLine: false,
  },
];

/** Starts a server whose handler fails; returns what it prints of that. */
async function complaintOf(file: string, command: string[]): Promise<string> {
  const program = await listening(launch([...command, "--port", "0"]));
  const client = await connect(program.port);
  await client.send("hello");
  await program.prints(/failed: .*\n/);
  return program.output.stderr;
}

/** The line of a file that has a text, as editors count. */
async function lineOf(text: string, file: string): Promise<number> {
  const lines = (await readFile(file, "utf8")).split("\n");
  return lines.findIndex((line) => line.includes(text)) + 1;
}

const mistake: Edit = {
  before: "if (!data) break;",
  after: '$&\n\n      throw new Error("mistake");',
};

for (const { by, why, command } of starts)
  for (const { title, edits, hasLine } of handlers)
    test.unless(why)(`${by}: line of an error in ${title}`, async () => {
      const file = await editedFile(name, mistake, ...edits);
      const words = await command(file);

      const complaint = await complaintOf(file, words);

      const line = await lineOf('Error("mistake")', words.at(-1)!);
      const place = hasLine ? ` (lecture1_server_forever.ts:${line})` : "";
      assert.match(complaint, `failed: Error: mistake${place}\n`);
    });

for (const { by, why, command } of starts)
  test.unless(why)(
    `${by}: line of an error that a package throws`,
    async () => {
      const file = await editedFile(name, asyncHandler, {
        before: "if (!data) break;",
        after: `$&
        const esbuild = await import("esbuild");
        esbuild.initialize({ wasmURL: "mistake" });`,
      });
      const words = await command(file);

      const complaint = await complaintOf(file, words);

      const line = await lineOf("esbuild.initialize", words.at(-1)!);
      const place = `(lecture1_server_forever.ts:${line})`;
      const error = 'Error: The "wasmURL" option only works in the browser';
      assert.match(complaint, `failed: ${error} ${place}\n`);
    },
  );

test("`using` under tsx: it works, or what a thread lacks", async () => {
  const file = await editedFile(name, {
    before: "if (!data) break;",
    after: `$&
      using file = { [Symbol.dispose]() { print("disposed"); } };`,
  });
  const command = [process.execPath, ...tsxLoader, file, "--port", "0"];
  const program = await listening(launch(command));
  const client = await connect(program.port);

  await client.send("hello");

  const lacks =
    "a thread doesn't have what tsx adds to a file for `using` and decorators\n";
  await program.prints(/\ndisposed\n|failed: .*\n/);
  const { stdout, stderr } = program.output;
  assert.ok(stdout.includes("disposed") || stderr.endsWith(lacks), stderr);
});

test.run();
