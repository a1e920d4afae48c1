/** What all three servers do, as tests: the rows of the lecture's tables, and what they stand. */
import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch } from "../../scripts/launch.ts";
import {
  connect,
  expectEcho,
  leave,
  sendUntilBlocked,
  unreadBytes,
  visit,
  type Client,
} from "./clients.ts";
import { eventually, type suite } from "./harness.ts";
import { hasSignals, noSignals, onLinux } from "./machine.ts";
import {
  startEdited,
  nodeCommand,
  printsTimes,
  start,
  type Edit,
} from "./programs.ts";

/** How a server speaks, and whether it goes on after its first client. */
export interface Server {
  name: string;
  forever: boolean;
  listens(port: number): string;
  receives(addr: string, text: string): string;
  /** The calls of its handler that send and receive. */
  calls: [send: string, receive: string];
  /** What is said of an error in its handler. */
  fails(what: string): RegExp;
  /** Further mistakes of a learner there, and what is said of them. */
  mistakes: Record<string, RegExp>;
}

/** The lines a server prints for one client, from its coming to its leaving. */
export function visitOf(server: Server, addr: string, texts: string[]) {
  const received = texts.map((text) => server.receives(addr, text));
  const closed = server.forever ? [`Connection with ${addr} closed`] : [];
  return [`Connected by ${addr}`, ...received, ...closed];
}

/** What a learner gets wrong in any handler: as it is written, and what is said of it. */
function mistakesOf({ calls, fails, mistakes }: Server) {
  const [send, receive] = calls;
  const verb = (call: string) => call.split(".")[1];
  const bytes = `TypeError: ${verb(send)} takes bytes, not \\[object`;
  const size = `TypeError: ${verb(receive)} takes 1, 2 … bytes, not`;
  return Object.entries({
    [`${send}([...data])`]: fails(`${bytes} Array\\]`),
    [`${send}("text")`]: fails(`${bytes} String\\]`),
    [`${send}()`]: fails(`${bytes} Undefined\\]`),
    [`${receive}()`]: fails(`${size} undefined`),
    [`${receive}(0)`]: fails(`${size} 0`),
    [`${receive}(1.5)`]: fails(`${size} 1.5`),
    [`${send}All(data)`]: fails(`TypeError: ${send}All is not a function`),
    ...mistakes,
  });
}

/** Has each message echoed before the next one, and leaves. */
const sends =
  (...messages: (string | Buffer)[]) =>
  async (client: Client) => {
    for (const message of messages) await expectEcho(client, message);
    await leave(client);
  };

async function resets(client: Client) {
  await expectEcho(client, "hello");
  client.sendReset();
}

/** Sends a line and closes without reading: a reset, too. */
async function robot({ send, socket }: Client) {
  await send("hello socket from robot\n");
  const echoed = async () => {
    const [bytes] = unreadBytes(socket.localPort!, socket.remotePort);
    return bytes === 24 ? "" : `${bytes} bytes lie at the robot`;
  };
  await (onLinux ? eventually(echoed) : sleep(1000));
  socket.destroy();
}

const korean = Buffer.from("안녕 로봇");

/** What a client does, and what each server prints of it. */
interface Visit {
  title: string;
  does: (client: Client) => Promise<void>;
  prints: string[];
  /** The client never reads: its echo lies in its kernel. */
  silent?: boolean;
  /** It resets the connection: one line on stderr, and lecture1_server exits with 1. */
  resets?: boolean;
}

const visits: Visit[] = [
  {
    title: "4,000 bytes arrive as 1024, 1024, 1024 and 928",
    does: sends("x".repeat(4000)),
    prints: [1024, 1024, 1024, 928].map((size) => "x".repeat(size)),
  },
  { title: "a client leaves without a word", does: sends(), prints: [] },
  {
    title: "a client resets",
    does: resets,
    prints: ["hello"],
    resets: true,
  },
  {
    title: "a robot closes without reading",
    does: robot,
    prints: ["hello socket from robot\n"],
    silent: true,
    resets: true,
  },
  {
    title: "a Korean character cut in two is echoed and joined",
    does: sends(korean.subarray(0, 5), korean.subarray(5)),
    prints: ["안", "녕 로봇"],
  },
  {
    title: "bytes that are not UTF-8 are echoed and shown as U+FFFD",
    does: sends(Buffer.from([0x41, 0xff, 0xfe, 0x42]), korean.subarray(0, 2)),
    prints: ["A\ufffd\ufffdB", ""],
  },
  {
    title: "a byte order mark is printed, at the start and later",
    does: sends("\ufeffhello", "a\ufeffb"),
    prints: ["\ufeffhello", "a\ufeffb"],
  },
  {
    title:
      "what drives a terminal is shown as its code; newline, tab and \\r\\n are kept",
    does: sends(
      "\x1b[2J\x07\x00\r\x7f\u009b a\tb\nc",
      "\r\n\u202ex\u2066\u061c\u200f",
    ),
    prints: [
      "\\x1b[2J\\x07\\x00\\x0d\\x7f\\x9b a\tb\nc",
      "\r\n\\u202ex\\u2066\\u061c\\u200f",
    ],
  },
  {
    title: "what looks like a code is left as it is",
    does: sends("\\u0041"),
    prints: ["\\u0041"],
  },
];

/** The tests of what all three servers do, for one of them. */
export function everyServer(test: ReturnType<typeof suite>, server: Server) {
  const { name, forever } = server;
  const serve = () => start(server);

  /** A line that makes this server's handler sleep. */
  const sleeping = (ms: number) =>
    name.endsWith("server_forever")
      ? `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`
      : `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;

  /** What is said on stderr of a client that resets the connection. */
  const resetComplaint = forever
    ? new RegExp(
        `^${name}: \\('127\\.0\\.0\\.1', \\d+\\) reset the connection \\(\\w+ (ECONNRESET|EPIPE)\\)\n$`,
      )
    : new RegExp(
        `^${name}: read ECONNRESET; the client reset the connection\n$`,
      );

  for (const { title, does, prints, silent, resets } of visits)
    test(title, async () => {
      const script = await serve();
      const client = await connect(script.port, { reading: !silent });
      await does(client);

      const lines = [
        server.listens(script.port),
        ...visitOf(server, client.addr, prints),
      ];
      if (forever) await script.prints(/Connection with .* closed\n/);
      else
        assert.equal(await script.exit(), {
          code: resets ? 1 : 0,
          signal: null,
        });
      assert.is(script.output.stdout, `${lines.join("\n")}\n`);
      assert.match(script.output.stderr, resets ? resetComplaint : /^$/);
      if (forever) await visit(script.port, "the next one is served");
    });

  test("a client that resets at once", async () => {
    const script = await serve();
    (await connect(script.port)).sendReset();
    await script.prints(/reset the connection/);
    if (!forever)
      return assert.equal(await script.exit(), { code: 1, signal: null });
    await script.prints(/Connection with .* closed/);
    await expectEcho(await connect(script.port), "the next one is served");
  });

  test("bytes that come before the first recv lie in the kernel, as Recv-Q shows; a FIN comes while the server does something else", async () => {
    const script = await edited(server, [
      [/const utf8 = .*/g, `$&\n${sleeping(1000)}`],
      [/ print\(`Received.*/g, `$&\n${sleeping(300)}`],
    ]);
    const client = await connect(script.port);
    await client.send("Hello, Server!");
    await script.prints(/Connected by/);
    await sleep(300); // time enough to read, if anything did
    if (onLinux) assert.equal(unreadBytes(script.port), [14]);
    await script.prints(/Received/);
    client.sendFin();
    assert.is(String(await client.recv(14)), "Hello, Server!");
    assert.is(await client.endOfStream(), "FIN");
  });

  test("a client that doesn't read stops being read; after its FIN it gets its whole echo, then FIN", async () => {
    // In larger pieces: what is tested is who waits, not how often.
    const script = await edited(server, [["(1024)", "(16384)"]]);
    const client = await connect(script.port, { reading: false });
    const flood = await sendUntilBlocked(client);
    client.sendFin();
    if (forever) await visit(script.port, "the others are served");
    client.socket.resume();
    const answer = await client.recv(flood.length, 40_000);
    assert.ok(answer.equals(flood), "the echo differs");
    assert.is(await client.endOfStream(), "FIN");
    assert.is(script.output.stderr, "");
  });

  test("output that nobody reads makes the server wait; then no byte is lost", async () => {
    const script = await serve();
    script.child.stdout!.pause();
    const client = await connect(script.port);
    const flood = await sendUntilBlocked(client, 16 * 2 ** 20);
    script.child.stdout!.resume();
    const answer = await client.recv(flood.length, 40_000);
    assert.ok(answer.equals(flood), "the echo differs");
  });

  test("output that nobody can read any more, or on a full disk: one line, exit 1", async () => {
    const script = await serve();
    script.child.stdout!.destroy();
    await (await connect(script.port)).send("hello");
    assert.equal(await script.exit(), { code: 1, signal: null });
    const said = hasSignals
      ? /^\w+: write EPIPE; nobody reads it any more\n$/
      : /^\w+: (EPIPE: broken pipe, write; nobody reads it any more|EOF: end of file, write)\n$/;
    assert.match(script.output.stderr, said);
    if (!onLinux) return;
    const shell = `exec ${nodeCommand(`${name}.ts`).join(" ")} --port 0 > /dev/full`;
    const full = launch(["sh", "-c", shell]);
    assert.equal(await full.exit(), { code: 1, signal: null });
    const space = `${name}: ENOSPC: no space left on device, write\n`;
    assert.is(full.output.stderr, space);
  });

  test("it starts again on a port on which it closed a connection first", async () => {
    const first = await serve();
    const client = await connect(first.port);
    await expectEcho(client, "hello");
    first.kill(name.endsWith("async") && hasSignals ? "SIGINT" : "SIGKILL");
    await client.endOfStream();
    client.sendFin();
    await first.exit();
    await visit((await start(server, first.port)).port);
  });

  test("random chunks of random bytes come back as they were sent, and TCP holds none back", async () => {
    const client = await connect((await serve()).port);
    const took = [];
    for (let i = 0; i < 60; i++) {
      const started = performance.now();
      await expectEcho(client, randomBytes(randomInt(1, 5000)));
      took.push(performance.now() - started);
    }
    const median = took.sort((a, b) => a - b)[30]!;
    assert.ok(median < 30, `${median} ms for an echo: Nagle waits 40`);
    await leave(client);
  });

  test("a learner's mistakes: what went wrong, and where; who goes on for ever does so", async () => {
    // A handler that does what its client writes behind a !
    const wait = name.endsWith("server_forever") ? "" : "await";
    const word = "const word = new TextDecoder().decode(data);";
    const does = `if (word[0] === "!") ${wait} eval(word.slice(1));`;
    const changes = [["if (!data) break;", `$& ${word} ${does}`]] as Changes;
    const goesOn = forever ? await edited(server, changes) : undefined;
    const bystander = goesOn && (await connect(goesOn.port));
    for (const [code, said] of mistakesOf(server)) {
      const script = goesOn ?? (await edited(server, changes));
      const before = script.output.stderr.length;
      const client = await connect(script.port);
      await client.send(`!${code}`);
      assert.match(await client.endOfStream(), /^(FIN|ECONNRESET)$/, code);
      const complaint = () => script.output.stderr.slice(before);
      await script.until(`${code}: ${said}`, () => said.test(complaint()));
      if (bystander) {
        assert.ok(complaint().includes(client.addr), complaint());
        await expectEcho(bystander, `after ${code}`);
      } else assert.equal(await script.exit(), { code: 1, signal: null });
    }
    if (goesOn) await visit(goesOn.port);
  });
}

/** The tests of what the servers do that go on for ever, for one of them. */
export function foreverServer(test: ReturnType<typeof suite>, server: Server) {
  test("complaints that nobody reads don't stop it", async () => {
    const script = await start(server);
    script.child.stderr!.destroy();
    const client = await connect(script.port);
    await expectEcho(client, "hello");
    client.sendReset();
    await script.prints(/Connection with .* closed\n/);
    await visit(script.port);
  });

  test("a client that stalls, since the handler sends much, then resets: one line, the next one is served", async () => {
    const send = `${server.calls[0]}(data);`;
    const more = `for (let i = 0; i < 60; i++) ${send}`;
    const script = await edited(server, [[send, more]]);
    const client = await connect(script.port, { reading: false });
    await sendUntilBlocked(client);
    client.sendReset();
    await script.prints(/Connection with .* closed\n/, 30_000);
    await visit(script.port);
    const oneLine = /^\w+: \(.*\) reset the connection.*\n$/;
    assert.match(script.output.stderr, oneLine);
  });

  test("clients that come and go, or reset, at random: each served at once, every line whole", async () => {
    const script = await start(server);
    let resets = 0;
    async function comeAndGo(letter: string) {
      const texts = [];
      await sleep(randomInt(300));
      const client = await connect(script.port);
      for (let left = randomInt(1, 20); left > 0; left--) {
        texts.push(letter.repeat(randomInt(1, 1024)));
        await expectEcho(client, texts.at(-1)!);
        await sleep(randomInt(20));
      }
      if (randomInt(3) === 0) {
        resets++;
        client.sendReset();
      } else {
        texts.push("the rest");
        await client.send("the rest");
        client.sendFin();
        assert.is(String(await client.recv(8)), "the rest");
        assert.is(await client.endOfStream(), "FIN");
      }
      return { client, texts };
    }
    const all = await Promise.all([..."abcdefghijklmnopqrst"].map(comeAndGo));
    await visit(script.port, "and the server goes on");
    await printsTimes(script, "reset the connection", resets);
    await printsTimes(script, " closed\n", 21);
    for (const { client, texts } of all) {
      const lines = script.lines().filter((line) => line.includes(client.addr));
      assert.equal(lines, visitOf(server, client.addr, texts));
    }
    const said = script.output.stderr.split("\n").slice(0, -1);
    assert.is(said.length, resets);
    const reset = / reset the connection \(\w+ (ECONNRESET|EPIPE)\)$/;
    for (const line of said) assert.match(line, reset);
  });

  test("close sends what is left, then FIN", async () => {
    // As if the client's side took nothing until then.
    const comes = /backlog\.push\(|const connection = open/g;
    const script = await edited(server, [[comes, "client.cork(); $&"]]);
    const client = await connect(script.port);
    await client.send("hello");
    client.sendFin();
    assert.is(String(await client.recv(5)), "hello");
    assert.is(await client.endOfStream(), "FIN");
  });

  test.unless(noSignals)("a second Ctrl+C ends it at once", async () => {
    const patient = ["(cancelledError), 1000)", "(cancelledError), 60_000)"];
    const changes = server.name.endsWith("async") ? [patient] : [];
    const script = await edited(server, changes as Changes);
    const client = await connect(script.port, { reading: false });
    await sendUntilBlocked(client);
    script.kill("SIGINT");
    await sleep(1000); // within half a second it would count as the same
    script.kill("SIGINT");
    assert.equal(await script.exit(4000), { code: null, signal: "SIGINT" });
  });
}
