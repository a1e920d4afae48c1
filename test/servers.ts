/** The rows of the lecture's tables that hold for all three servers, as tests. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import {
  launch,
  listening,
  projectFile,
  type Launched,
} from "../scripts/processes.ts";
import { erased } from "./copy.ts";
import {
  connect,
  echo,
  hasSignals,
  notLinux,
  launchScript,
  onLinux,
  program,
  random,
  temporaryFolder,
  visit,
  type Client,
  type suite,
} from "./harness.ts";

/** How a server speaks, and whether it goes on after its first client. */
export interface Server {
  name: string;
  forever: boolean;
  listens(port: number): string;
  receives(addr: string, text: string): string;
}

/** Starts a server and waits until it listens; without a port it takes a free one. */
export function start({ name }: Server, port = 0) {
  return listening(launchScript(name, ["--port", String(port)]));
}

type Change = (code: string) => string;

/** Runs a changed copy of a server, as a learner changes it. */
export async function edited(server: Pick<Server, "name">, change: Change) {
  const command = await editedProgram(server, change);
  return listening(launch([...command, "--port", "0"]));
}

/** The command that runs a changed copy of a script, without its types. */
export async function editedProgram(
  script: Pick<Server, "name">,
  change: Change,
): Promise<string[]> {
  return erased(await editedFile(script, change));
}

/** The full path of a changed copy of a script. */
export async function editedFile(
  { name }: Pick<Server, "name">,
  change: Change,
): Promise<string> {
  const original = await readFile(projectFile(`${name}.ts`), "utf8");
  const code = change(original);
  assert.is.not(code, original, "nothing was changed");
  const file = join(await temporaryFolder(), `${name}.mts`);
  await writeFile(file, code);
  return file;
}

/** The command for a script on a system where every name is ::1, except for who wants IPv4. */
export function onIPv6(name: string): string[] {
  const [node = "", ...rest] = program(`${name}.ts`);
  const code = `import dns from "node:dns";
    const { lookup, promises } = dns;
    const ask = promises.lookup;
    promises.lookup = async (host, options) =>
      options.family === 4 ? ask(host, options) : { address: "::1", family: 6 };
    dns.lookup = (host, options, done) =>
      !done || options.family === 4 ? lookup(host, options, done) : done(null, "::1", 6);`;
  return [
    node,
    "--import",
    `data:text/javascript,${encodeURIComponent(code)}`,
    ...rest,
  ];
}

/** The lines a server prints for one client, from its coming to its leaving. */
export function visitOf(server: Server, addr: string, texts: string[]) {
  const received = texts.map((text) => server.receives(addr, text));
  const closed = server.forever ? [`Connection with ${addr} closed`] : [];
  return [`Connected by ${addr}`, ...received, ...closed];
}

/** What a server that goes on for ever prints at Ctrl+C. */
export const goodbye = ["", "Server is shutting down..."];

/** Waits until a script has printed so many lines. */
async function sawLines(script: Launched, count: number) {
  const enough = () => script.lines().length >= count;
  await script.until(`${count} lines`, enough);
}

/** The resident memory of a process in MB, from Linux's /proc; 0 elsewhere. */
export async function memory(pid: number): Promise<number> {
  if (!onLinux) return 0;
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(status.match(/VmRSS:\s+(\d+)/)?.[1]) / 1024;
}

/** Bytes that lie unread in the kernel on the server's side of a connection, from Linux's /proc. */
export async function recvQueue({ socket }: Client): Promise<number> {
  const hex = (port = 0) => port.toString(16).toUpperCase().padStart(4, "0");
  const ends = `:${hex(socket.remotePort)} 0100007F:${hex(socket.localPort)} `;
  const connections = await readFile("/proc/net/tcp", "utf8");
  const line = connections.split("\n").find((line) => line.includes(ends));
  return parseInt(line!.match(/:(\w{8}) /)![1]!, 16);
}

/**
 * Starts a server for one test; one that goes on for ever serves all the tests of
 * its suite that ask here.
 */
function sharing(test: ReturnType<typeof suite>, server: Server) {
  let shared: ReturnType<typeof start> | undefined;
  return async () => {
    if (!server.forever) return start(server);
    shared ??= start(server);
    test.keep(await shared);
    return shared;
  };
}

/** The tests of what all three servers do, for one of them. */
export function everyServer(test: ReturnType<typeof suite>, server: Server) {
  const { name } = server;
  const serve = () => start(server);
  const startOrShare = sharing(test, server);

  /** One client does what the row says; everything the server prints is compared. */
  async function withClient(
    talk: (client: Client) => Promise<void>,
    texts: string[],
    stderr = /^$/,
    code = 0,
  ) {
    const script = await startOrShare();
    const before = {
      lines: server.forever ? script.lines().length : 0,
      stderr: script.output.stderr.length,
    };
    const client = await connect(script.port);
    await talk(client);
    const visit = visitOf(server, client.addr, texts).join("\n").split("\n");
    if (server.forever) await sawLines(script, before.lines + visit.length);
    else {
      assert.equal(await script.exit(), { code, signal: null });
      visit.unshift(server.listens(script.port));
    }
    assert.equal(script.lines().slice(before.lines), visit);
    const complaint = () => script.output.stderr.slice(before.stderr);
    const come = () => stderr.test(complaint());
    await script.until(`${stderr} on stderr`, come).catch(() => {});
    assert.match(complaint(), stderr);
  }

  /** A line that makes this server's handler sleep. */
  const sleeping = (ms: number) =>
    name.endsWith("server_forever")
      ? `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`
      : `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;

  async function leave(client: Client) {
    client.fin();
    assert.is(await client.ending(), "FIN");
  }

  test("the client program: hello and back; the whole output, to Ctrl+C with nobody connected", async () => {
    const script = await serve();
    const args = ["--port", String(script.port)];
    const client = launchScript("lecture1_client", args);
    assert.equal(await client.exit(), { code: 0, signal: null });
    assert.equal(client.output, {
      stdout: "Received from server: Hello, Server!\n",
      stderr: "",
    });
    const [, addr = ""] = await script.saw(/Connected by (.*)/);
    assert.match(addr, /^\('127\.0\.0\.1', \d+\)$/);
    const visit = visitOf(server, addr, ["Hello, Server!"]);
    const lines = [server.listens(script.port), ...visit];
    await sawLines(script, lines.length);
    if (server.forever && hasSignals) {
      script.kill("SIGINT");
      lines.push(...goodbye);
    }
    if (!server.forever || hasSignals)
      assert.equal(await script.exit(), { code: 0, signal: null });
    assert.equal(script.lines(), lines);
    assert.is(script.output.stderr, "");
  });

  test("4,000 bytes arrive as 1024, 1024, 1024 and 928", () =>
    withClient(
      async (client) => {
        await echo(client, "x".repeat(4000));
        await leave(client);
      },
      [1024, 1024, 1024, 928].map((size) => "x".repeat(size)),
    ));

  test("a client that has sent FIN still gets its whole echo", () =>
    withClient(
      async (client) => {
        await client.send("one last word");
        client.fin();
        assert.is(String(await client.recv(13)), "one last word");
        assert.is(await client.ending(), "FIN");
      },
      ["one last word"],
    ));

  test("a client that leaves without a word", () => withClient(leave, []));

  test("a Korean character cut in two is echoed and joined", () =>
    withClient(
      async (client) => {
        const bytes = Buffer.from("안녕 로봇");
        await echo(client, bytes.subarray(0, 5));
        await echo(client, bytes.subarray(5));
        await leave(client);
      },
      ["안", "녕 로봇"],
    ));

  test.unless(notLinux)(
    "bytes that come before the first recv lie in the kernel, as Recv-Q shows",
    async () => {
      const script = await edited(server, (code) =>
        code.replace(/const utf8 = .*/, `$&\n${sleeping(1500)}`),
      );
      const client = await connect(script.port);
      await client.send("Hello, Server!");
      await script.saw(/Connected by/);
      await sleep(300); // time enough to read, if anything did
      assert.is(await recvQueue(client), 14);
      assert.is(String(await client.recv(14)), "Hello, Server!");
      assert.is(await recvQueue(client), 0);
    },
  );

  test("a FIN that comes while the server does something else", async () => {
    const script = await edited(server, (code) =>
      code.replace(/ print\(`Received.*/, `$&\n${sleeping(300)}`),
    );
    const client = await connect(script.port);
    await client.send("hello");
    await script.saw(/Received/);
    client.fin();
    assert.is(String(await client.recv(5)), "hello");
    assert.is(await client.ending(), "FIN");
  });

  test("bytes that are not UTF-8 are echoed and shown as U+FFFD", () =>
    withClient(
      async (client) => {
        await echo(client, Buffer.from([0x41, 0xff, 0xfe, 0x42]));
        await echo(client, Buffer.from("한").subarray(0, 2));
        await leave(client);
      },
      ["A\ufffd\ufffdB", ""],
    ));

  test("control codes are shown escaped, newline and tab are kept", () =>
    withClient(
      async (client) => {
        await echo(client, "\x1b[2J\x07\x00\r\x7f\u009b a\tb\nc");
        await leave(client);
      },
      ["\\x1b[2J\\x07\\x00\\x0d\\x7f\\x9b a\tb\nc"],
    ));

  const resets = server.forever
    ? /^lecture1_server_\w+: \('127\.0\.0\.1', \d+\) reset the connection \(read ECONNRESET\)\n$/
    : /^lecture1_server: read ECONNRESET; the client reset the connection\n$/;

  test("a client that resets: one line on stderr", () =>
    withClient(
      async (client) => {
        await echo(client, "hello");
        client.reset();
      },
      ["hello"],
      resets,
      1,
    ));

  test("a client that resets at once", async () => {
    const script = await serve();
    const client = await connect(script.port);
    client.reset();
    await script.saw(/reset the connection/);
    if (!server.forever)
      return assert.equal(await script.exit(), { code: 1, signal: null });
    await script.saw(/Connection with .* closed/);
    await echo(await connect(script.port), "the next one is served");
  });

  test("64 MB from a client that doesn't read: no memory grows, no byte is lost", async () => {
    // In larger pieces: what is tested is who waits, not how often.
    const script = await edited(server, (code) =>
      code.replaceAll("(1024)", "(16384)"),
    );
    const { port, pid } = script;
    const flood = Buffer.from(
      random(1)
        .bytes(48 * 2 ** 20)
        .toString("base64"),
    );
    const client = await connect(port, { reading: false });
    await script.saw(/Connected by/);
    await sleep(200);
    const before = await memory(pid); // with the client's thread, where it has one
    const sent = client.sendPieces(flood);
    await stalls(client);
    if (server.forever) await visit(port, "the others are served");
    const stalled = await memory(pid);
    client.resume();
    const answer = await client.recv(flood.length, 40_000);
    await sent;
    assert.ok(answer.equals(flood), "the echo differs");
    const after = await memory(pid);
    await leave(client);
    const grown = Math.max(stalled, after) - before;
    assert.ok(grown < 32, `the server grew by ${grown} MB`);
  });

  test("output that nobody reads makes the server wait, not grow", async () => {
    const script = await serve();
    const { port, pid } = script;
    const before = await memory(pid);
    script.pauseOutput();
    const client = await connect(port);
    const flood = Buffer.alloc(12 * 2 ** 20, "robot ");
    const sent = client.sendPieces(flood);
    await stalls(client);
    const grown = (await memory(pid)) - before;
    assert.ok(grown < 32, `the server grew by ${grown} MB`);
    script.resumeOutput();
    const answer = await client.recv(flood.length, 40_000);
    await sent;
    assert.ok(answer.equals(flood), "the echo differs");
  });

  test("output that nobody can read any more: one line, exit 1", async () => {
    const script = await serve();
    script.closeOutput();
    const client = await connect(script.port);
    await client.send("hello");
    assert.equal(await script.exit(), { code: 1, signal: null });
    const said = hasSignals
      ? /^\w+: write EPIPE; nobody reads it any more\n$/
      : /^\w+: (EPIPE: broken pipe, write; nobody reads it any more|EOF: end of file, write)\n$/;
    assert.match(script.output.stderr, said);
  });

  test.unless(notLinux)("output on a full disk: one line, exit 1", async () => {
    const command = program(`${name}.ts`);
    const shell = `exec ${command.join(" ")} --port 0 > /dev/full`;
    const script = launch(["sh", "-c", shell]);
    assert.equal(await script.exit(), { code: 1, signal: null });
    const expected = `${name}: ENOSPC: no space left on device, write\n`;
    assert.is(script.output.stderr, expected);
  });

  test("it starts again on a port on which it closed a connection first", async () => {
    const first = await serve();
    const client = await connect(first.port);
    await echo(client, "hello");
    first.kill(name.endsWith("async") && hasSignals ? "SIGINT" : "SIGKILL");
    await client.ending();
    client.fin();
    await first.exit();
    const again = await start(server, first.port);
    await visit(again.port);
  });

  test("random chunks of random bytes come back as they were sent", async () => {
    const { seed, bytes, below } = random();
    try {
      const { port } = await startOrShare();
      const client = await connect(port);
      const started = performance.now();
      for (let i = 0; i < 60; i++) await echo(client, bytes(1 + below(5000)));
      const took = performance.now() - started;
      assert.ok(took < 1500, `${took} ms for 60 echoes: TCP holds pieces back`);
      await leave(client);
    } catch (error) {
      (error as Error).message += ` (LECTURE1_SEED=${seed})`;
      throw error;
    }
  });

  test("a port in use: which, the system's code and what to do", async () => {
    const { port } = await startOrShare();
    const second = launchScript(name, ["--port", String(port)]);
    assert.equal(await second.exit(), { code: 1, signal: null });
    assert.equal(second.output, {
      stdout: "",
      stderr: `${name}: listen EADDRINUSE: address already in use 127.0.0.1:${port}; stop the program that listens there or take another --port\n`,
    });
  });

  test("without flags it listens on 127.0.0.1:65432", async () => {
    const script = launchScript(name);
    const said = /^Server listening on .*\n|in use 127.0.0.1:65432/;
    const [line] = await script.saw(said);
    if (line.startsWith("Server"))
      assert.is(line.trim(), server.listens(65432));
  });

  test("a host that is none of this machine's, and one that is unknown", async () => {
    const elsewhere = launchScript(name, [
      "--host",
      "192.0.2.1",
      "--port",
      "0",
    ]);
    const unknown = launchScript(name, ["--host", "no.such.host.invalid"]);
    for (const script of [elsewhere, unknown]) {
      assert.equal(await script.exit(), { code: 1, signal: null });
      assert.is(script.output.stdout, "");
    }
    assert.is(
      elsewhere.output.stderr,
      `${name}: listen EADDRNOTAVAIL: address not available 192.0.2.1; no address of this machine, check --host\n`,
    );
    assert.match(
      unknown.output.stderr,
      /^\w+: getaddrinfo (ENOTFOUND|EAI_AGAIN) no\.such\.host\.invalid; unknown host, check --host.*\n$/,
    );
  });

  test("localhost is looked up as IPv4, though many systems have ::1 for it as well", async () => {
    const command = [...onIPv6(name), "--host=localhost", "--port=0"];
    const { port } = await listening(launch(command));
    (await connect(port)).fin(); // on 127.0.0.1
  });

  test.unless(notLinux || (process.getuid!() !== 0 && "it takes root"))(
    "a port that isn't for everybody: why, also where Windows reserves it",
    async () => {
      const nobody = ["setpriv", "--reuid=65534", "--clear-groups"];
      const command = program(`${name}.ts`);
      const script = launch([...nobody, ...command, "--port", "1"]);
      assert.equal(await script.exit(), { code: 1, signal: null });
      assert.is(
        script.output.stderr,
        `${name}: listen EACCES: permission denied 127.0.0.1:1; below 1024, or reserved by Hyper-V or WSL: take another --port\n`,
      );
    },
  );

  test("wrong flags: one line that says what to write, exit 2", () =>
    wrongFlags(name, [["--prot", "1"], ["--port", "65536"], ["--host="]]));

  test("--help", () => help(name));

  test("importing it runs nothing and gives its functions", async () => {
    const functions = server.forever
      ? name.endsWith("async")
        ? ["handleClient", "main"]
        : ["handleClient", "startServer"]
      : ["startServer"];
    await imports(name, functions);
  });
}

/** The tests of what the servers do that go on for ever, for one of them. */
export function foreverServer(
  test: ReturnType<typeof suite>,
  server: Server,
): void {
  test("many clients at once: each served at once, every line whole", async () => {
    const script = await start(server);
    const clients = [];
    for (const letter of "abcdefghij")
      clients.push({ letter, client: await connect(script.port) });
    await Promise.all(
      clients.map(async ({ letter, client }) => {
        for (let i = 0; i < 50; i++) await echo(client, letter.repeat(900));
        client.fin();
        await client.ending();
      }),
    );
    await sawLines(script, 1 + clients.length * 52);
    for (const { letter, client } of clients)
      assert.equal(
        script.lines().filter((line) => line.includes(client.addr)),
        visitOf(server, client.addr, Array(50).fill(letter.repeat(900))),
      );
  });

  test("complaints that nobody reads don't stop it", async () => {
    const script = await start(server);
    script.closeErrors();
    const client = await connect(script.port);
    await echo(client, "hello");
    client.reset();
    await script.saw(/Connection with .* closed\n/);
    await visit(script.port);
  });

  test("clients that come, stall, reset and go at random", async () => {
    const { seed, bytes, below } = random();
    try {
      const script = await start(server);
      let resets = 0;
      const visits = Array.from({ length: 40 }, async () => {
        const pieces = Array.from({ length: below(6) }, () =>
          bytes(1 + below(3000)),
        );
        const pauses = pieces.map(() => below(150));
        const leaves = ["fin", "reset", "fin and read"][below(3)];
        await sleep(below(500));
        const client = await connect(script.port);
        for (const [i, piece] of pieces.entries()) {
          await sleep(pauses[i]);
          await echo(client, piece);
        }
        if (leaves === "fin and read") await client.send("the rest");
        if (leaves !== "reset") client.fin();
        if (leaves === "fin and read")
          assert.is(String(await client.recv(8)), "the rest");
        if (leaves === "reset") {
          resets++;
          client.reset();
        } else assert.is(await client.ending(), "FIN");
      });
      await Promise.all(visits);
      await visit(script.port, "and the server goes on");
      await script.sawTimes("reset the connection", resets);
      await script.sawTimes(" closed\n", 41);
      const problems = script.output.stderr.split("\n").slice(0, -1);
      assert.is(problems.length, resets);
      for (const problem of problems)
        assert.match(
          problem,
          / reset the connection \((read ECONNRESET|write EPIPE|write ECONNRESET)\)$/,
        );
    } catch (error) {
      (error as Error).message += ` (LECTURE1_SEED=${seed})`;
      throw error;
    }
  });
}

/** Waits until nobody listens on a port any more. */
export async function refused(port: number): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const outcome = await connect(port).then(
      () => "connected",
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (outcome === "ECONNREFUSED") return;
    await sleep(50); // a server says goodbye a moment before it stops listening
  }
  assert.unreachable(`port ${port} still accepts`);
}

/** Waits until a client can send no more, as nobody reads from it. */
export async function stalls({ socket }: Client): Promise<void> {
  for (let sent = -1; sent !== socket.bytesWritten - socket.writableLength;) {
    sent = socket.bytesWritten - socket.writableLength;
    await sleep(300);
  }
}

/** Tries command lines that are wrong: each gets one line and the exit code 2. */
export async function wrongFlags(name: string, commandLines: string[][]) {
  const runs = commandLines.map((args) => launchScript(name, args));
  for (const script of runs) {
    assert.equal(await script.exit(), { code: 2, signal: null });
    assert.is(script.output.stdout, "");
    assert.match(
      script.output.stderr,
      new RegExp(`^${name}: .+; usage: npx tsx ${name}\\.ts \\[--host .*\n$`),
    );
  }
}

/** --help tells the flags on stdout. */
export async function help(name: string) {
  const script = launchScript(name, ["--help"]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.is(script.output.stderr, "");
  assert.match(
    script.output.stdout,
    new RegExp(`^usage: npx tsx ${name}\\.ts \\[--host HOST\\] .*\n$`),
  );
}

/** Imports a script in a process of its own: it prints nothing and ends. */
export async function imports(name: string, functions: string[]) {
  const file = program(`${name}.ts`).at(-1)!;
  const url = JSON.stringify(pathToFileURL(file).href);
  const code = `import(${url}).then((all) => console.error(Object.keys(all).join()))`;
  const script = launch([...program(`${name}.ts`).slice(0, -1), "-e", code]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.output, { stdout: "", stderr: `${functions.join()}\n` });
}
