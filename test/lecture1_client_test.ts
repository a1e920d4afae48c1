/**
 * lecture1_client against servers that answer, pause, close, reset, or never
 * stop sending.
 */
import { once } from "node:events";
import net from "node:net";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { $ } from "../scripts/zx.ts";
import { suite } from "./helpers/harness.ts";
import {
  editedFile,
  erasedCommand,
  failOnDemand,
  nodeCommand,
  preloadedCommand,
  startServer,
  type Edit,
} from "./helpers/programs.ts";

const name = "lecture1_client";
const test = suite(name);

/** The actions of a server after a client has connected. */
type Behavior = (client: net.Socket) => void;

/** A server in this process, and what its clients have done. */
interface TestServer {
  port: number;
  /** How many bytes have arrived. */
  receivedBytes: number;
  /** How each client's stream was closed: "FIN", or an error's code. */
  streamEnds: (string | undefined)[];
}

/** Starts a server. It doesn't keep this process from exiting. */
async function serve(behavior: Behavior): Promise<TestServer> {
  const listener = net.createServer({ allowHalfOpen: true });
  listener.listen(0, "127.0.0.1");
  listener.unref();
  await once(listener, "listening");

  const { port } = listener.address() as net.AddressInfo;
  const server: TestServer = { port, receivedBytes: 0, streamEnds: [] };
  listener.on("connection", (client) => {
    client.on("data", (data) => {
      server.receivedBytes += data.length;
    });
    client.on("end", () => server.streamEnds.push("FIN"));
    client.on("error", ({ code }: NodeJS.ErrnoException) => {
      server.streamEnds.push(code);
    });
    behavior(client);
  });
  return server;
}

/** Echoes what arrives, and closes when the client closes. */
function echo(client: net.Socket): void {
  client.pipe(client);
}

/** Sends an answer, then FIN. */
function answerWith(answer: string | Buffer): Behavior {
  return (client) => client.end(answer);
}

/** The arguments of the client for a server. */
function portOf(server: { port: number }): string[] {
  return ["--port", String(server.port)];
}

/**
 * A command that imports the client and sends a message of many x, which no
 * command line could hold. If that fails, it prints the error's code.
 *
 * @param length of the message, in bytes
 */
function commandToSend(length: number, { port }: { port: number }): string[] {
  const [node, file] = nodeCommand(`${name}.ts`);
  const code = `
    import { startClient } from "${pathToFileURL(file)}";
    try {
      await startClient("127.0.0.1", ${port}, "x".repeat(${length}));
    } catch (error) {
      console.error(error.code);
      process.exitCode = 1;
    }
  `;
  return [node, "--input-type=module", "--eval", code];
}

// Servers that need seconds for the client's message. Their clients start here,
// at the same time, and their tests come last. zx starts them, since a suite
// kills what launch() has started after each test.

/** Pauses of readWithPauses(), each longer than the one before. */
const pauses = [
  { afterBytes: 0, pauseMs: 500 },
  { afterBytes: 1e6, pauseMs: 2000 },
  { afterBytes: 11.5e6, pauseMs: 5000 },
];

/** Answers before it reads anything, then reads with pauses. */
function readWithPauses(client: net.Socket): void {
  const pausesLeft = [...pauses];
  client.on("end", () => client.end());
  client.write("answer");
  client.on("data", () => {
    client.write("more");
    const [next] = pausesLeft;
    if (!next || client.bytesRead < next.afterBytes) return;
    pausesLeft.shift();
    client.pause();
    setTimeout(() => client.resume(), next.pauseMs);
  });
}

/** Echoes piece by piece, at most 64 KB, with a pause after each. */
function echoSlowly(pauseMs: number): Behavior {
  return (client) => {
    client.on("end", () => client.end());
    client.on("data", (data) => {
      client.pause();
      client.write(data);
      setTimeout(() => client.resume(), pauseMs);
    });
  };
}

const slowServers = [
  {
    title: "answers early and pauses",
    behavior: readWithPauses,
    messageBytes: 12e6,
  },
  {
    // The client needs about 4 seconds to send.
    title: "reads slowly",
    behavior: echoSlowly(45),
    messageBytes: 12e6,
  },
  {
    // The kernel accepts the whole message and FIN immediately.
    title: "reads slowly what the kernel has",
    behavior: echoSlowly(100),
    messageBytes: 2e6,
  },
];

/** How a client exited, and its server. */
interface SlowRun {
  server: TestServer;
  exitCode: number | null;
}

async function runSlowly(
  behavior: Behavior,
  messageBytes: number,
): Promise<SlowRun> {
  const server = await serve(behavior);
  const client = $`${commandToSend(messageBytes, server)}`;
  const { exitCode } = await client.timeout("30s", "SIGKILL");
  return { server, exitCode };
}

// The client's messages while it waits for a connection. These clients start
// here, too, and wait at the same time.

/** A client's output, and when it was printed. */
interface Run {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** When it printed on stderr, in milliseconds since its start. */
  stderrTimesMs: number[];
}

/** Runs a command, started by zx, until it exits. */
async function runOf(command: string[]): Promise<Run> {
  const startedAt = performance.now();
  const client = $`${command}`;
  const stderrTimesMs: number[] = [];
  client.stderr.on("data", () => {
    stderrTimesMs.push(performance.now() - startedAt);
  });
  const { exitCode, stdout, stderr } = await client.timeout("30s", "SIGKILL");
  return { exitCode, stdout, stderr, stderrTimesMs };
}

/** To be preloaded: no answer arrives; the test stops the client after 5 s. */
const connectNever = `
  import net from "node:net";
  net.Socket.prototype.connect = function () {
    setTimeout(() => process.exit(3), 5000);
    return this;
  };
`;

/** To be preloaded: the first answer arrives after 3.5 s. */
const connectLate = `
  import net from "node:net";
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (...args) {
    setTimeout(() => connect.apply(this, args), 3500);
    return this;
  };
`;

/** To be preloaded: the system gives up after 3.5 s. */
const connectFailsLate = `
  import net from "node:net";
  net.Socket.prototype.connect = function () {
    const error = new Error("connect ETIMEDOUT 192.168.0.2:65432");
    Object.assign(error, { code: "ETIMEDOUT", syscall: "connect" });
    setTimeout(() => this.destroy(error), 3500);
    return this;
  };
`;

/** To be preloaded: for 5 s, no name is resolved to an address. */
const lookupNever = `
  import dns from "node:dns";
  dns.lookup = () => setTimeout(() => process.exit(3), 5000);
`;

/** Runs the client with code that runs before it. */
function runPreloaded(code: string, ...args: string[]): Promise<Run> {
  return runOf([...preloadedCommand(name, code), ...args]);
}

/** Runs the client on a server whose answer is late, not its handshake. */
async function runWithLateAnswer(): Promise<Run> {
  const server = await serve((client) => {
    setTimeout(() => client.end("late"), 3500);
  });
  return runOf([...nodeCommand(`${name}.ts`), ...portOf(server)]);
}

/** Runs the client on a server that accepts late. */
async function runWithLateConnect(): Promise<{ run: Run; port: number }> {
  const server = await serve(echo);
  const run = await runPreloaded(connectLate, ...portOf(server));
  return { run, port: server.port };
}

const neverConnected = runPreloaded(connectNever, "--host=192.168.0.2");
const neverFound = runPreloaded(lookupNever, "--host=robot", "--port=30001");
const failedLate = runPreloaded(connectFailsLate, "--host=192.168.0.2");
const connectedLate = runWithLateConnect();
const answeredLate = runWithLateAnswer();

/** The line that the client prints while it waits for a connection. */
function stillWaiting(address: string): string {
  return (
    `lecture1_client: still waiting for ${address}; ` +
    "is that computer on, and does its firewall allow the port?\n"
  );
}

// A recv that is given up for a time limit, many times, before the answer.

/** A learner's loop: it waits on when 20 ms have passed. */
const waitOn: Edit = {
  before: /const data = await s.recv.*/g,
  after: `
    let data = "late";
    while (data === "late") {
      const late = new Promise((resolve) => setTimeout(resolve, 20, "late"));
      data = await Promise.race([s.recv(1024), late]);
    }
  `,
};

/** The server's answer arrives after about 60 abandoned recvs. */
async function runGivingUp(): Promise<Run> {
  const file = await editedFile(name, waitOn);
  const server = await serve((client) => {
    setTimeout(() => client.end("answer"), 1500);
  });
  return runOf([...(await erasedCommand(file)), ...portOf(server)]);
}

const gaveUp = runGivingUp();

const slowRuns = slowServers.map(({ title, behavior, messageBytes }) => ({
  title,
  messageBytes,
  run: runSlowly(behavior, messageBytes),
}));

// The client's output.

const answers = [
  {
    title: "prints Korean",
    behavior: echo,
    prints: "Received from server: 안녕, 로봇!\n",
  },
  {
    title: "waits for an answer that is late",
    behavior: (client: net.Socket) => {
      setTimeout(() => client.end("late"), 1500);
    },
    prints: "Received from server: late\n",
  },
  {
    title: "shows controls as codes, keeps newlines, tabs and BOM",
    behavior: answerWith("\ufeff\u202e\r\n\r\x1b[2J\t\n"),
    prints: "Received from server: \ufeff\\u202e\r\n\\x0d\\x1b[2J\t\n\n",
  },
  {
    title: "shows a line end that recv cuts in two as a line end",
    behavior: answerWith(`${"x".repeat(1023)}\r\n`),
    prints: `Received from server: ${"x".repeat(1023)}\r\n`,
  },
  {
    title: "shows bytes that are not UTF-8 as U+FFFD",
    behavior: answerWith(Buffer.from([0x61, 0xff, 0x62])),
    prints: "Received from server: a\ufffdb\n",
  },
  {
    title: "prints 1024 bytes of a long answer",
    behavior: answerWith("x".repeat(5000)),
    prints: `Received from server: ${"x".repeat(1024)}\n`,
  },
];

for (const { title, behavior, prints } of answers)
  test(`${title}, and closes with FIN`, async () => {
    const server = await serve(behavior);
    const command = [...nodeCommand(`${name}.ts`), ...portOf(server)];
    const client = launch([...command, "--message", "안녕, 로봇!"]);

    assert.equal(await client.exit(), { code: 0, signal: null });
    assert.equal(client.output, { stdout: prints, stderr: "" });
    assert.equal(server.streamEnds, ["FIN"]);
  });

test("reports a server that closes without an answer", async () => {
  const server = await serve(answerWith(""));
  const client = launch([...nodeCommand(`${name}.ts`), ...portOf(server)]);

  assert.equal(await client.exit(), { code: 1, signal: null });
  assert.equal(client.output, {
    stdout: "",
    stderr:
      "lecture1_client: EOF; the server closed the connection without an answer\n",
  });
  assert.equal(server.streamEnds, ["FIN"]);
});

test("reports a server that resets the connection", async () => {
  const server = await serve((client) => {
    client.once("data", () => client.resetAndDestroy());
  });
  const client = launch([...nodeCommand(`${name}.ts`), ...portOf(server)]);

  assert.equal(await client.exit(), { code: 1, signal: null });
  assert.equal(client.output, {
    stdout: "",
    stderr:
      "lecture1_client: read ECONNRESET; the server reset the connection\n",
  });
});

// A connection that breaks when it was made.

/** The advice when the other side has vanished. */
const noAnswer =
  "the server no longer answers: check its cable, power and network";

for (const { error, advice } of [
  { error: "read ETIMEDOUT", advice: noAnswer },
  { error: "read EHOSTUNREACH", advice: noAnswer },
  { error: "read EHOSTDOWN", advice: noAnswer },
  { error: "read ENETUNREACH", advice: noAnswer },
  { error: "read ENETDOWN", advice: noAnswer },
  {
    error: "read ECONNABORTED",
    advice: "the connection broke: check cable, power and network",
  },
  { error: "read ECONNRESET", advice: "the server reset the connection" },
  { error: "write ETIMEDOUT", advice: noAnswer },
  { error: "write EPIPE", advice: "the receiving end was closed" },
])
  test(`advice for ${error}, when it was connected`, async () => {
    const server = await serve(() => {});
    const command = [
      ...preloadedCommand(name, failOnDemand),
      ...portOf(server),
    ];
    const client = launch([...command, "--message", error]);

    assert.equal(await client.exit(), { code: 1, signal: null });
    assert.equal(client.output, {
      stdout: "",
      stderr: `lecture1_client: ${error}; ${advice}\n`,
    });
  });

test("a closed stdout is not reported as the server's EOF", async () => {
  // As on Windows: the error has the same code as the end of the server's
  // stream.
  const breakStdout = `
    process.stdout.write = () => {
      const error = new Error("EOF: end of file, write");
      error.code = "EOF";
      process.stdout.emit("error", error);
    };
  `;
  const server = await serve(echo);
  const command = preloadedCommand(name, breakStdout);
  const client = launch([...command, ...portOf(server)]);

  assert.equal(await client.exit(), { code: 1, signal: null });
  assert.is(client.output.stderr, "lecture1_client: EOF: end of file, write\n");
});

// The code that a learner writes before the client's recv.

const additions = [
  {
    title: "a second recv finds the server's FIN",
    code: `
      await s.recv(1024);
      await new Promise((resolve) => setTimeout(resolve, 300));
    `,
    complaint: /^lecture1_client: EOF; the server closed/,
  },
  {
    title: "sendall of a text: TypeError with its line",
    code: 's.sendall("text");',
    complaint:
      /TypeError: sendall needs bytes, not .*String.*\r?\n +at .*client\.mjs:/,
  },
  {
    title: "recv without a size: TypeError with its line",
    code: "await s.recv();",
    complaint:
      /TypeError: recv: .*a positive integer, not undefined\r?\n +at .*client\.mjs:/,
  },
];

for (const { title, code, complaint } of additions)
  test(title, async () => {
    const file = await editedFile(name, {
      before: /const data = await s.recv/g,
      after: `${code} $&`,
    });
    const server = await serve(answerWith("answer"));
    const client = launch([...(await erasedCommand(file)), ...portOf(server)]);

    assert.equal(await client.exit(), { code: 1, signal: null });
    assert.match(client.output.stderr, complaint);
  });

// Servers that don't close the connection.

/** Sends a line ten times a second, as a robot's status port does. */
function sendForever(client: net.Socket): void {
  const timer = setInterval(() => client.write("state\n"), 100);
  client.on("close", () => clearInterval(timer));
}

const endlessServers = [
  {
    title: "never closes",
    behavior: (client: net.Socket) => {
      client.write("answer");
    },
    messageBytes: 5,
    limitMs: 2000,
  },
  {
    title: "sends forever",
    behavior: (client: net.Socket) => {
      client.write("answer");
      sendForever(client);
    },
    messageBytes: 5,
    limitMs: 2000,
  },
  {
    title: "sends forever and never reads",
    behavior: (client: net.Socket) => {
      client.pause();
      client.write("answer");
      sendForever(client);
    },
    messageBytes: 12e6,
    limitMs: 6000,
  },
];

for (const { title, behavior, messageBytes, limitMs } of endlessServers)
  test(`exits soon after the answer of a server that ${title}`, async () => {
    const server = await serve(behavior);
    const client = launch(commandToSend(messageBytes, server));
    await client.prints(/^Received from server: answer/);
    const answeredAt = performance.now();
    const exitStatus = await client.exit();
    const tookMs = performance.now() - answeredAt;

    assert.equal(exitStatus, { code: 0, signal: null });
    assert.ok(tookMs < limitMs, `it took ${tookMs} ms`);
  });

test("fails if the server answers, then resets in mid-message", async () => {
  const server = await serve((client) => {
    client.pause();
    client.write("answer");
    setTimeout(() => client.resetAndDestroy(), 500);
  });
  const client = launch(commandToSend(12e6, server));

  assert.equal(await client.exit(), { code: 1, signal: null });
  assert.match(client.output.stderr, /^(ECONNRESET|EPIPE)\n$/);
});

// Messages that are longer than all buffers.

/** Everything that a server has printed as received. */
function receivedText(stdout: string): string {
  const lines = stdout.matchAll(/^Received.*: (?<text>x+)$/gm);
  return Array.from(lines, ({ groups }) => groups!.text).join("");
}

const fourMB = 4 * 2 ** 20;

for (const serverName of ["lecture1_server", "lecture1_server_forever_async"])
  test(`4 MB: it and ${serverName} don't block each other`, async () => {
    const server = await startServer(serverName);
    const client = launch(commandToSend(fourMB, server));

    // The client has its answer.
    assert.equal(await client.exit(20_000), { code: 0, signal: null });
    assert.match(client.output.stdout, /^Received from server: x{1,1024}\n$/);
    assert.is(client.output.stderr, "");

    // The server has every byte, then FIN: nothing was cut off.
    if (serverName === "lecture1_server")
      assert.equal(await server.exit(30_000), { code: 0, signal: null });
    else await server.prints(/Connection with .* closed\n$/, 30_000);
    assert.is(server.output.stderr, "");
    assert.is(receivedText(server.output.stdout).length, fourMB);
  });

// The runs that were started above.

test("reports after 3 s what it still waits for, once", async () => {
  const { stderr } = await neverConnected;

  assert.is(stderr, stillWaiting("192.168.0.2:65432"));
});

test("reports it after 3 s", async () => {
  const { stderrTimesMs } = await neverConnected;

  const [timeMs] = stderrTimesMs;
  assert.ok(timeMs! > 3000 && timeMs! < 4900, `after ${timeMs} ms`);
});

test("reports what it waits for while a name is looked up", async () => {
  const { stderr } = await neverFound;

  assert.is(stderr, stillWaiting("robot:30001"));
});

test("prints the answer though it had to wait for 3.5 s", async () => {
  const { run, port } = await connectedLate;

  assert.is(run.stdout, "Received from server: Hello, Server!\n");
  assert.is(run.stderr, stillWaiting(`127.0.0.1:${port}`));
  assert.is(run.exitCode, 0);
});

test("reports what it waits for, then why it has failed", async () => {
  const { stderr, exitCode } = await failedLate;

  const failure =
    "lecture1_client: connect ETIMEDOUT 192.168.0.2:65432; " +
    "no answer: is that computer on, and does its firewall allow the port?\n";
  assert.is(stderr, stillWaiting("192.168.0.2:65432") + failure);
  assert.is(exitCode, 1);
});

test("reports nothing when only the answer is late", async () => {
  const { stdout, stderr } = await answeredLate;

  assert.equal(
    { stdout, stderr },
    { stdout: "Received from server: late\n", stderr: "" },
  );
});

test("gets the answer after 50 recvs that were given up", async () => {
  const { stdout, exitCode } = await gaveUp;

  assert.is(stdout, "Received from server: answer\n");
  assert.is(exitCode, 0);
});

test("50 recvs that were given up: no warning", async () => {
  const { stderr } = await gaveUp;

  assert.is(stderr, "");
});

for (const { title, messageBytes, run } of slowRuns) {
  test(`sends all to a server that ${title}`, async () => {
    const { server, exitCode } = await run;

    assert.is(exitCode, 0);
    assert.is(server.receivedBytes, messageBytes);
  });

  test(`doesn't reset a server that ${title}`, async () => {
    const { server } = await run;
    assert.equal(server.streamEnds, ["FIN"]);
  });
}

test.run();
