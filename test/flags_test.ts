/**
 * The messages of the four programs about a wrong command line, and about the
 * system's errors.
 */
import { once } from "node:events";
import net from "node:net";
import * as assert from "uvu/assert";
import { launch } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";
import {
  fakeResolver,
  nodeCommand,
  preloadedCommand,
} from "./helpers/programs.ts";

const test = suite("flags");

const servers = [
  "lecture1_server",
  "lecture1_server_forever",
  "lecture1_server_forever_async",
];

/** The first line of each program's --help. */
const usages: Record<string, string> = {
  lecture1_server:
    "usage: npx tsx lecture1_server.ts [--host HOST] [--port PORT]",
  lecture1_server_forever:
    "usage: npx tsx lecture1_server_forever.ts [--host HOST] [--port PORT]",
  lecture1_server_forever_async:
    "usage: npx tsx lecture1_server_forever_async.ts [--host HOST] [--port PORT]",
  lecture1_client:
    "usage: npx tsx lecture1_client.ts [--host HOST] [--port PORT] [--message TEXT]",
};

for (const [program, usage] of Object.entries(usages))
  test(`${program} --help`, async () => {
    const script = launch([...nodeCommand(`${program}.ts`), "--help"]);

    assert.equal(await script.exit(), { code: 0, signal: null });
    assert.equal(script.output, { stdout: `${usage}\n`, stderr: "" });
  });

/** A command line that a program rejects. */
interface Mistake {
  program: string;
  args: string[];
  /** The program's message about it, before the usage. */
  message: string;
}

const mistakes: Mistake[] = [];

for (const program of Object.keys(usages)) {
  const isClient = program === "lecture1_client";
  const ports = isClient ? "1 to 65535" : "0 (any free) to 65535";
  for (const args of [
    "--port=65536",
    "--port=-1",
    "--port=12a",
    "--port=1e3",
    "--port=",
    "--host=",
  ])
    mistakes.push({
      program,
      args: [args],
      message: `--host must not be empty, --port must be ${ports}`,
    });
  mistakes.push(
    {
      program,
      args: ["--prot=1"],
      message: "Unknown option '--prot'",
    },
    {
      program,
      args: ["hello"],
      message: "Unexpected argument 'hello'",
    },
  );
}

mistakes.push(
  {
    program: "lecture1_client",
    args: ["--port=0"],
    message: "--host must not be empty, --port must be 1 to 65535",
  },
  {
    program: "lecture1_client",
    args: ["--message="],
    message: "--message must not be empty",
  },
);

for (const { program, args, message } of mistakes)
  test(`${program} ${args.join(" ")}`, async () => {
    const script = launch([...nodeCommand(`${program}.ts`), ...args]);

    assert.equal(await script.exit(), { code: 2, signal: null });
    assert.equal(script.output, {
      stdout: "",
      stderr: `${program}: ${message}; ${usages[program]}\n`,
    });
  });

test("lecture1_client --message -90,0,90: write --message=-XYZ", async () => {
  const command = nodeCommand("lecture1_client.ts");
  const client = launch([...command, "--message", "-90,0,90"]);

  assert.equal(await client.exit(), { code: 2, signal: null });
  const { stderr } = client.output;
  assert.match(stderr, /^lecture1_client: [^\n]*\n$/, "one line");
  assert.match(stderr, "argument is ambiguous");
  assert.match(stderr, "--message=-XYZ");
  assert.match(stderr, "usage: npx tsx lecture1_client.ts");
});

// Errors of the system. This process listens on the port, and never accepts.
const listener = net.createServer();
listener.listen(0, "127.0.0.1");
listener.unref();
await once(listener, "listening");
const { port: takenPort } = listener.address() as net.AddressInfo;

/** Asserts that a program exits with 1 and one line on stderr. */
async function expectError(command: string[], stderr: string): Promise<void> {
  const script = launch(command);

  assert.equal(await script.exit(), { code: 1, signal: null });
  assert.equal(script.output, { stdout: "", stderr });
}

for (const program of servers) {
  const portInUse =
    `${program}: listen EADDRINUSE: address already in use ` +
    `127.0.0.1:${takenPort}; another program is using this port: ` +
    "stop it or choose another --port\n";

  test(`${program}: a port in use`, async () => {
    const args = ["--port", String(takenPort)];
    await expectError([...nodeCommand(`${program}.ts`), ...args], portInUse);
  });

  test(`${program}: localhost is 127.0.0.1, not ::1`, async () => {
    const command = preloadedCommand(program, fakeResolver);
    const args = ["--host", "localhost", "--port", String(takenPort)];
    await expectError([...command, ...args], portInUse);
  });

  test(`${program}: an unknown host`, async () => {
    const command = preloadedCommand(program, fakeResolver);
    await expectError(
      [...command, "--host=nowhere", "--port=0"],
      `${program}: getaddrinfo ENOTFOUND nowhere; unknown host: check --host\n`,
    );
  });

  test(`${program}: an address of another machine`, async () => {
    const command = nodeCommand(`${program}.ts`);
    await expectError(
      [...command, "--host=192.0.2.1", "--port=0"],
      `${program}: listen EADDRNOTAVAIL: address not available 192.0.2.1; ` +
        "this computer does not have that address: check --host\n",
    );
  });
}

test("lecture1_client: an unknown host", async () => {
  const command = preloadedCommand("lecture1_client", fakeResolver);
  await expectError(
    [...command, "--host=nowhere"],
    "lecture1_client: getaddrinfo ENOTFOUND nowhere; " +
      "unknown host: check --host\n",
  );
});

test("lecture1_client: nothing listens on localhost, 127.0.0.1", async () => {
  const command = preloadedCommand("lecture1_client", fakeResolver);
  await expectError(
    [...command, "--host=localhost", "--port=1"],
    "lecture1_client: connect ECONNREFUSED 127.0.0.1:1; " +
      "nothing is listening on that port: is the server running?\n",
  );
});

/**
 * To be preloaded: every connect() fails with an error code of the system.
 *
 * @param address the server's
 */
function failingConnect(code: string, address = "127.0.0.1"): string {
  return `
    import net from "node:net";
    net.Socket.prototype.connect = function () {
      const error = new Error("connect ${code}");
      error.code = "${code}";
      error.syscall = "connect";
      error.address = "${address}";
      return this.destroy(error);
    };
  `;
}

/** To be preloaded: every listen() fails with an error code of the system. */
function failingListen(code: string): string {
  return `
    import net from "node:net";
    net.Server.prototype.listen = function () {
      const error = new Error("listen ${code}");
      error.code = "${code}";
      process.nextTick(() => this.emit("error", error));
      return this;
    };
  `;
}

// The advice of each program for each code; test/lecture1_client_test.ts has
// FIN.
for (const { code, advice } of [
  {
    code: "ECONNREFUSED",
    advice: "nothing is listening on that port: is the server running?",
  },
  { code: "ECONNRESET", advice: "the server reset the connection" },
  {
    code: "ETIMEDOUT",
    advice:
      "no answer: is that computer on, and does its firewall allow the port?",
  },
  {
    code: "EHOSTUNREACH",
    advice:
      "that computer can't be reached: check power, cable, firewall, --host, subnet",
  },
  {
    code: "EHOSTDOWN",
    advice:
      "that computer can't be reached: check power, cable, firewall, --host, subnet",
  },
  {
    code: "ENETUNREACH",
    advice:
      "there is no route to that network: check your cable, --host, subnet",
  },
  {
    code: "ENETDOWN",
    advice:
      "there is no route to that network: check your cable, --host, subnet",
  },
  {
    code: "ECONNABORTED",
    advice: "the connection broke: check cable, power and network",
  },
  { code: "ENOTFOUND", advice: "unknown host: check --host" },
  {
    code: "EAI_AGAIN",
    advice: "unknown host: check --host and the network",
  },
  { code: "EPIPE", advice: "the receiving end was closed" },
])
  test(`lecture1_client: advice for ${code}`, async () => {
    await expectError(
      preloadedCommand("lecture1_client", failingConnect(code)),
      `lecture1_client: connect ${code}; ${advice}\n`,
    );
  });

for (const address of ["192.168.0.2", "10.0.0.127"])
  test(`lecture1_client: nothing listens on ${address}`, async () => {
    const advice =
      "nothing is listening on that port: is the server running with --host 0.0.0.0?";
    await expectError(
      preloadedCommand(
        "lecture1_client",
        failingConnect("ECONNREFUSED", address),
      ),
      `lecture1_client: connect ECONNREFUSED; ${advice}\n`,
    );
  });

for (const program of servers)
  for (const { code, advice } of [
    {
      code: "EADDRINUSE",
      advice:
        "another program is using this port: stop it or choose another --port",
    },
    {
      code: "EADDRNOTAVAIL",
      advice: "this computer does not have that address: check --host",
    },
    {
      code: "EACCES",
      advice:
        "no permission: the port is below 1024, or reserved by Hyper-V or WSL; choose another --port",
    },
    { code: "ENOTFOUND", advice: "unknown host: check --host" },
    {
      code: "EAI_AGAIN",
      advice: "unknown host: check --host and the network",
    },
    { code: "EPIPE", advice: "the receiving end was closed" },
  ])
    test(`${program}: advice for ${code}`, async () => {
      await expectError(
        preloadedCommand(program, failingListen(code)),
        `${program}: listen ${code}; ${advice}\n`,
      );
    });

// The other two servers serve their next client.
for (const { code, advice } of [
  { code: "ECONNRESET", advice: "the client reset the connection" },
  {
    code: "ETIMEDOUT",
    advice: "the client no longer answers: check its cable, power and network",
  },
  {
    code: "EHOSTUNREACH",
    advice: "the client can't be reached: check its cable, power and network",
  },
  {
    code: "EHOSTDOWN",
    advice: "the client can't be reached: check its cable, power and network",
  },
  {
    code: "ENETUNREACH",
    advice: "the client can't be reached: check cables and network",
  },
  {
    code: "ENETDOWN",
    advice: "the client can't be reached: check cables and network",
  },
  {
    code: "ECONNABORTED",
    advice: "the client no longer answers: check its cable, power and network",
  },
])
  test(`lecture1_server: advice for ${code}`, async () => {
    await expectError(
      preloadedCommand("lecture1_server", failingListen(code)),
      `lecture1_server: listen ${code}; ${advice}\n`,
    );
  });

test.run();
