import { once } from "node:events";
import net from "node:net";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { launch, listening } from "../scripts/processes.ts";
import { launchScript, program, random, suite } from "./harness.ts";
import { editedProgram, help, imports, onIPv6, wrongFlags } from "./servers.ts";

const name = "lecture1_client";
const test = suite(name);

/** A server that treats its clients as told; `unref` lets the tests end without it. */
async function serve(treat: (client: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => {});
    treat(client);
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

/** Runs the client against a server that treats its one client as told. */
async function against(
  treat: (client: net.Socket) => void,
  args: string[] = [],
) {
  const port = await serve(treat);
  const script = launchScript(name, ["--port", String(port), ...args]);
  return { ...(await script.exit()), ...script.output, port };
}

/** A process that imports the client and sends a message that no command line could hold. */
function sendLong(port: number, message: string) {
  const command = program(`${name}.ts`);
  const url = JSON.stringify(pathToFileURL(command.pop()!).href);
  const code = `import(${url})
    .then(({ startClient }) => startClient("127.0.0.1", ${port}, ${message}))
    .catch(({ code }) => { console.error(code); process.exitCode = 1; })`;
  return launch([...command, "-e", code]);
}

/** A server that echoes what it gets and closes when the client closes. */
function echo(client: net.Socket) {
  client.pipe(client);
}

test("it sends the message and prints the answer", async () => {
  const run = await against(echo, ["--message", "안녕, 로봇!"]);
  assert.is(run.stdout, "Received from server: 안녕, 로봇!\n");
  assert.is(run.stderr, "");
  assert.is(run.code, 0);
});

test("it prints 1024 bytes of a longer answer, and closes without a reset", async () => {
  let ended = false;
  const run = await against(
    (client) => {
      client.on("end", () => (ended = true)).resume();
      client.end("x".repeat(5000));
    },
    ["--message", "hello"],
  );
  assert.is(run.stdout, `Received from server: ${"x".repeat(1024)}\n`);
  assert.is(run.code, 0);
  assert.ok(ended, "it ended without FIN");
});

test("it waits for the answer as long as it takes", async () => {
  const run = await against((client) => {
    setTimeout(() => client.end("late"), 1500);
  });
  assert.is(run.stdout, "Received from server: late\n");
});

test("it doesn't wait for a server that never closes", async () => {
  let answered = 0;
  const run = await against((client) => {
    answered = performance.now();
    client.write("answer");
  });
  const took = performance.now() - answered;
  assert.is(run.stdout, "Received from server: answer\n");
  assert.is(run.code, 0);
  assert.ok(took < 3000, `it took ${took} ms`);
});

test("control codes and bytes that are not UTF-8", async () => {
  const bytes = Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0x09, 0x0a, 0xff]);
  const run = await against((client) => client.end(bytes));
  assert.is(run.stdout, "Received from server: \\x1b[2J\t\n\ufffd\n");
});

test("the server closes without an answer", async () => {
  const run = await against((client) => client.end());
  assert.is(run.stdout, "");
  assert.is(
    run.stderr,
    "lecture1_client: EOF; the server closed without an answer\n",
  );
  assert.is(run.code, 1);
});

test("an output that nobody reads is not the server's end, though Windows calls it EOF", async () => {
  const port = await serve(echo);
  const breaks = `process.stdout.write = () =>
    process.stdout.emit("error", Object.assign(new Error("EOF: end of file, write"), { code: "EOF" }));`;
  const [node = "", ...rest] = program(`${name}.ts`);
  const preload = ["--import", `data:text/javascript,${breaks}`];
  const script = launch([node, ...preload, ...rest, "--port", String(port)]);
  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.is(script.output.stderr, "lecture1_client: EOF: end of file, write\n");
});

test("recv again, after the server's FIN: the end of the stream", async () => {
  const port = await serve((client) => client.end("answer"));
  const command = await editedProgram({ name }, (code) =>
    code.replace(
      /const data = await s.recv.*/,
      "await s.recv(1024); await new Promise((resolve) => setTimeout(resolve, 300)); $&",
    ),
  );
  const script = launch([...command, "--port", String(port)]);
  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.match(script.output.stderr, /^lecture1_client: EOF;/);
});

test("the server resets", async () => {
  const run = await against((client) => {
    client.once("data", () => client.resetAndDestroy());
  });
  assert.is(run.stdout, "");
  assert.is(
    run.stderr,
    "lecture1_client: read ECONNRESET; the server reset the connection\n",
  );
  assert.is(run.code, 1);
});

test("nobody listens", async () => {
  const script = launchScript(name, ["--port", "1"]);
  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.equal(script.output, {
    stdout: "",
    stderr:
      "lecture1_client: connect ECONNREFUSED 127.0.0.1:1; nobody listens there, is the server running?\n",
  });
});

test("an unknown host", async () => {
  const script = launchScript(name, ["--host", "no.such.host.invalid"]);
  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.is(script.output.stdout, "");
  assert.match(
    script.output.stderr,
    /^lecture1_client: getaddrinfo (ENOTFOUND|EAI_AGAIN) no\.such\.host\.invalid; unknown host, check --host.*\n$/,
  );
});

for (const server of ["lecture1_server", "lecture1_server_forever_async"])
  test(`a message of 8 MB and ${server} don't wait for each other`, async () => {
    const script = await listening(launchScript(server, ["--port", "0"]));
    const { port } = script;
    const message = `"${random(1).bytes(9).toString("hex")}".repeat(2 ** 20 / 2)`;
    const client = sendLong(port, message);
    assert.equal(await client.exit(20_000), { code: 0, signal: null });
    assert.match(client.output.stdout, /^Received from server: \w{1,1024}\n$/);
    assert.is(client.output.stderr, "");
    // The server has had every byte, and then FIN: nothing was cut off.
    if (server === "lecture1_server")
      assert.equal(await script.exit(30_000), { code: 0, signal: null });
    else await script.saw(/Connection with .* closed\n$/, 30_000);
    assert.is(script.output.stderr, "");
    const received = script.output.stdout.matchAll(/^Received.*: (\w+)$/gm);
    const bytes = [...received].reduce(
      (sum, [, text]) => sum + text!.length,
      0,
    );
    assert.is(bytes, 9 * 2 ** 20);
  });

test("a server that answers early and reads late still gets every byte", async () => {
  let received = 0;
  const size = 12 * 2 ** 20;
  const port = await serve((client) => {
    client.pause();
    client.write("answer");
    setTimeout(() => client.resume(), 2500);
    client.on("data", (data) => (received += data.length));
    client.on("end", () => client.end());
  });
  const client = sendLong(port, `"x".repeat(${size})`);
  assert.equal(await client.exit(), { code: 0, signal: null });
  assert.is(received, size);
});

test("a server that answers, and resets before it has the message", async () => {
  const port = await serve((client) => {
    client.pause();
    client.write("answer");
    setTimeout(() => client.resetAndDestroy(), 500);
  });
  const client = sendLong(port, '"x".repeat(12 * 2 ** 20)');
  assert.equal(await client.exit(), { code: 1, signal: null });
  assert.match(client.output.stderr, /^(ECONNRESET|EPIPE)\n$/);
});

test("localhost is looked up as IPv4, though many systems have ::1 for it as well", async () => {
  const port = await serve(echo);
  const args = ["--host", "localhost", "--port", String(port)];
  const client = launch([...onIPv6(name), ...args]);
  assert.is((await client.exit()).code, 0, client.report());
});

test("wrong flags: one line that says what to write, exit 2", () =>
  wrongFlags(name, [
    ["--prot", "1"],
    ["--port", "0"],
    ["--message", ""],
    ["hello"],
  ]));

test("--help", () => help(name));

test("importing it runs nothing and gives its function", () =>
  imports(name, ["startClient"]));

test.run();
