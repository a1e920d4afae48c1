import { once } from "node:events";
import net from "node:net";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";
import {
  editedFile,
  erasedCommand,
  preloadedCommand,
  nodeCommand,
  start,
} from "./helpers/programs.ts";

const name = "lecture1_client";
const test = suite(name);

/** A server that treats its clients as told; it says how they ended, by FIN or an error's code. */
async function serve(treat: (client: net.Socket) => void) {
  const ends: (string | undefined)[] = [];
  const it = { port: 0, received: 0, ends };
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    client.on("data", (data) => (it.received += data.length));
    client.on("end", () => ends.push("FIN"));
    client.on("error", ({ code }: NodeJS.ErrnoException) => ends.push(code));
    treat(client);
  });
  server.listen(0, "127.0.0.1").unref(); // the tests end without it
  await once(server, "listening");
  it.port = (server.address() as net.AddressInfo).port;
  return it;
}

const portOf = ({ port }: { port: number }) => ["--port", String(port)];

/** A process that imports the client and sends a message that no command line could hold. */
function sendLong({ port }: { port: number }, size: number) {
  const command = nodeCommand(`${name}.ts`);
  const url = JSON.stringify(pathToFileURL(command.pop()!).href);
  const code = `import(${url})
    .then(({ startClient }) => startClient("127.0.0.1", ${port}, "x".repeat(${size})))
    .catch(({ code }) => { console.error(code); process.exitCode = 1; })`;
  return launch([...command, "-e", code]);
}

/** A server that echoes what it gets and closes when the client closes. */
const echo = (client: net.Socket) => client.pipe(client);

/** Sends a line ten times a second until the client has gone, as a robot's status port does. */
function sendOn(client: net.Socket) {
  client.on("close", () => clearInterval(timer));
  const timer = setInterval(() => client.write("state\n"), 100);
}

const answered = (text: string) => `Received from server: ${text}\n`;
const bytes = Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0x09, 0x0a, 0xff]);

const end = (answer: string | Buffer) => (it: net.Socket) => it.end(answer);

/** What a server does with its client, and what the client prints or says. */
const rows: Record<string, [(client: net.Socket) => void, prints: string]> = {
  echoes: [echo, answered("안녕, 로봇!")],
  "is late": [(it) => setTimeout(end("late"), 1500, it), answered("late")],
  "sends codes, controls, a byte order mark, bytes that are not UTF-8": [
    end(Buffer.concat([Buffer.from("\ufeff\u202e\r\n\r"), bytes])),
    answered("\ufeff\\u202e\r\n\\x0d\\x1b[2J\t\n\ufffd"),
  ],
  "sends much": [end("x".repeat(5000)), answered("x".repeat(1024))],
  closes: [end(""), `${name}: EOF; the server closed without an answer\n`],
  resets: [
    (it) => it.once("data", () => it.resetAndDestroy()),
    `${name}: read ECONNRESET; the server reset the connection\n`,
  ],
};
test(`what it prints where the server ${Object.keys(rows).join(", ")}`, async () => {
  const runs = Object.values(rows).map(async ([treat, prints]) => {
    const server = await serve(treat);
    const command = [...nodeCommand(`${name}.ts`), "--message", "안녕, 로봇!"];
    const script = launch([...command, ...portOf(server)]);
    const says = prints.startsWith(name);
    assert.is((await script.exit()).code, Number(says), prints);
    const [stdout, stderr] = says ? ["", prints] : [prints, ""];
    assert.equal(script.output, { stdout, stderr });
    if (!stderr.includes("RESET")) assert.equal(server.ends, ["FIN"], stdout);
  });
  await Promise.all(runs);
});

const endless = {
  "never closes": { goesOn: false, reads: true },
  "sends on and on": { goesOn: true, reads: true },
  "sends on and on, and reads nothing": { goesOn: true, reads: false },
};
test(`after the answer it soon ends, though the server ${Object.keys(endless).join(", or ")}`, async () => {
  const runs = Object.entries(endless).map(async ([how, { goesOn, reads }]) => {
    const server = await serve((client) => {
      client.write("answer");
      if (goesOn) sendOn(client);
      if (!reads) client.pause();
    });
    const script = sendLong(server, reads ? 5 : 12e6);
    await script.prints(/^Received from server: answer/);
    const answered = performance.now();
    assert.equal(await script.exit(), { code: 0, signal: null });
    const took = performance.now() - answered;
    assert.ok(took < (reads ? 2000 : 6000), `${how}: it took ${took} ms`);
  });
  await Promise.all(runs);
});

test("an output that nobody reads is not the server's end, though Windows calls it EOF", async () => {
  const server = await serve(echo);
  const breaks = `process.stdout.write = () =>
    process.stdout.emit("error", Object.assign(new Error("EOF: end of file, write"), { code: "EOF" }));`;
  const script = launch([...preloadedCommand(name, breaks), ...portOf(server)]);
  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.is(script.output.stderr, "lecture1_client: EOF: end of file, write\n");
});

test("what a learner writes after the answer: what went wrong, and where", async () => {
  const again =
    "await s.recv(1024); await new Promise((go) => setTimeout(go, 300));";
  const at = "\\r?\\n +at .*client\\.mjs:";
  const server = await serve((client) => client.end("answer"));
  for (const [code, said] of [
    [again, "^lecture1_client: EOF; the server closed"],
    [
      's.sendall("text");',
      "TypeError: sendall takes bytes, not .*String.*" + at,
    ],
    [
      "await s.recv();",
      "TypeError: recv takes 1, 2 … bytes, not undefined" + at,
    ],
  ] as const) {
    const receives = /const data = await s.recv.*/g;
    const file = await editedFile(name, [[receives, `${code} $&`]]);
    const script = launch([...(await erasedCommand(file)), ...portOf(server)]);
    assert.equal(await script.exit(), { code: 1, signal: null }, code);
    assert.match(script.output.stderr, new RegExp(said));
  }
});

for (const server of ["lecture1_server", "lecture1_server_forever_async"])
  test(`a message of 4 MB and ${server} don't wait for each other`, async () => {
    const script = await start({ name: server });
    const client = sendLong(script, 4 * 2 ** 20);
    assert.equal(await client.exit(20_000), { code: 0, signal: null });
    assert.match(client.output.stdout, /^Received from server: x{1,1024}\n$/);
    assert.is(client.output.stderr, "");
    // The server has had every byte, and then FIN: nothing was cut off.
    if (server === "lecture1_server")
      assert.equal(await script.exit(30_000), { code: 0, signal: null });
    else await script.prints(/Connection with .* closed\n$/, 30_000);
    assert.is(script.output.stderr, "");
    const received = script.output.stdout.matchAll(/^Received.*: (x+)$/gm);
    const text = Array.from(received, ([, text]) => text).join("");
    assert.is(text.length, 4 * 2 ** 20);
  });

/** Answers early, and pauses, each time longer. */
function pauses(client: net.Socket) {
  const left = [0, 500, 1e6, 2000, 11.5e6, 5000]; // after so many bytes, milliseconds
  client.on("end", () => client.end()).write("answer");
  client.on("data", () => {
    client.write("and on");
    if (client.bytesRead < (left[0] ?? Infinity)) return;
    client.pause();
    setTimeout(() => client.resume(), left.splice(0, 2)[1]);
  });
}

const crawls = (pause: number) => (client: net.Socket) => {
  client.on("end", () => client.end());
  client.on("data", (data) => {
    client.pause().write(data);
    setTimeout(() => client.resume(), pause);
  });
};

test("a server that answers early and pauses, or crawls, gets every byte, and is not reset", async () => {
  const runs = [
    { treat: pauses, size: 12e6 },
    { treat: crawls(45), size: 12e6 }, // it takes 4 s to send
    { treat: crawls(100), size: 2e6 }, // the kernel has it, and FIN, at once
  ].map(async ({ treat, size }) => {
    const server = await serve(treat);
    assert.is((await sendLong(server, size).exit(30_000)).code, 0);
    assert.equal([server.received, server.ends], [size, ["FIN"]]);
  });
  await Promise.all(runs);
});

test("a server that answers, and resets before it has the message", async () => {
  const server = await serve((client) => {
    client.pause().write("answer");
    setTimeout(() => client.resetAndDestroy(), 500);
  });
  const client = sendLong(server, 12e6);
  assert.equal(await client.exit(), { code: 1, signal: null });
  assert.match(client.output.stderr, /^(ECONNRESET|EPIPE)\n$/);
});

test.run();
