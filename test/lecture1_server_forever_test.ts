import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { handleClient } from "../lecture1_server_forever.ts";
import { launch, listening, within } from "../scripts/processes.ts";
import {
  connect,
  echo,
  noSignals,
  program,
  suite,
  turn,
  visit,
} from "./harness.ts";
import {
  edited,
  everyServer,
  foreverServer,
  goodbye,
  refused,
  start,
  visitOf,
  type Server,
} from "./servers.ts";

const server: Server = {
  name: "lecture1_server_forever",
  forever: true,
  listens: (port) => `Server listening on 127.0.0.1:${port}`,
  receives: (addr, text) => `Received from ${addr}: ${text}`,
};
const test = suite(server.name);

everyServer(test, server);
foreverServer(test, server);

test("handleClient is the blocking loop, without an await in it", async () => {
  const code = handleClient.toString();
  assert.match(code, /while ?\(true\)/);
  assert.match(code, /conn\.recv\(1024\)/);
  assert.match(code, /conn\.sendall\(data\)/);
  assert.not.match(code, /await|async|\.then/);
});

test.unless(noSignals)(
  "Ctrl+C lets the clients finish; new ones are refused",
  async () => {
    const script = await start(server);
    const client = await connect(script.port);
    await echo(client, "before");
    script.kill("SIGINT");
    await script.saw(/\n\nServer is shutting down\.\.\.\n/);
    script.kill("SIGINT"); // a launcher passes the same Ctrl+C on
    await refused(script.port);
    await echo(client, "after");
    client.fin();
    assert.is(await client.ending(), "FIN");
    assert.equal(await script.exit(), { code: 0, signal: null });
    const [came, before, after, closed] = visitOf(server, client.addr, [
      "before",
      "after",
    ]);
    assert.equal(script.lines(), [
      server.listens(script.port),
      came,
      before,
      ...goodbye,
      after,
      closed,
    ]);
    assert.is(
      script.output.stderr,
      "lecture1_server_forever: still connected: 1; Ctrl+C again stops at once\n",
    );
  },
);

test.unless(noSignals)("a second Ctrl+C ends it at once", async () => {
  const script = await start(server);
  const client = await connect(script.port);
  await echo(client, "before");
  script.kill("SIGINT");
  await script.saw(/Server is shutting down\.\.\./);
  await sleep(600); // within half a second it would count as the same
  script.kill("SIGINT");
  assert.equal(await script.exit(2000), { code: null, signal: "SIGINT" });
  assert.match(await client.ending(), /^(FIN|ECONNRESET)$/);
});

test("40 clients that come at once, of whom 20 have a thread at a time: all are served by and by", async () => {
  // The same script with 20 threads in place of 200, each of which takes 30 ms to start.
  const { port } = await edited(server, (code) =>
    code.replace("maxThreads = 200", "maxThreads = 20"),
  );
  let here = 0;
  let letGo = () => {};
  const together = new Promise<void>((resolve) => (letGo = resolve));
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      await turn(i);
      const client = await connect(port);
      await echo(client, `robot ${i}`);
      if (++here === 20) letGo();
      await within(30_000, "20 clients at once", together);
      await echo(client, `robot ${i} again`);
      client.fin();
      assert.is(await client.ending(), "FIN");
    }),
  );
});

test("one thread starts after the other: meanwhile the kernel's queue is emptied", async () => {
  const script = await edited(server, (code) =>
    code
      .replace("const worker = new Worker(", 'print("starts");\n$&')
      .replace(
        '"online", running',
        '"online", () => (print("runs"), running())',
      ),
  );
  const came = Array.from({ length: 12 }, () => connect(script.port));
  for (const client of await Promise.all(came)) await echo(client, "hello");
  const starts = script.lines().filter((line) => /^(starts|runs)$/.test(line));
  assert.equal(starts, Array(12).fill(["starts", "runs"]).flat());
});

test.unless(noSignals)(
  "who waits for a thread is served when one ends, or reset at Ctrl+C",
  async () => {
    // The same script with 3 threads in place of 200.
    const script = await edited(server, (code) =>
      code.replace("maxThreads = 200", "maxThreads = 3"),
    );
    const clients = [];
    for (let i = 0; i < 6; i++) clients.push(await connect(script.port));
    const [first, , , fourth, fifth, sixth] = clients;
    for (const client of clients) await client.send("hello");
    for (const client of clients.slice(0, 3)) await client.recv(5);
    assert.is(fourth!.length, 0);
    first!.fin();
    assert.is(String(await fourth!.recv(5)), "hello");
    assert.is(fifth!.length, 0);
    script.kill("SIGINT");
    assert.is(await fifth!.ending(), "ECONNRESET");
    assert.is(await sixth!.ending(), "ECONNRESET");
    await script.saw(/still connected: 3;/);
    await echo(fourth!, "still here");
    for (const client of clients.slice(0, 4)) client.fin();
    assert.equal(await script.exit(), { code: 0, signal: null });
  },
);

test("a thread that fails ends its own client's connection, not the server", async () => {
  const script = await edited(server, (code) =>
    code.replace(
      "conn.sendall(data);",
      "if (data.length === 4) maxThreads; else conn.sendall(data);",
    ),
  );
  const bystander = await connect(script.port);
  await echo(bystander, "hello");
  const client = await connect(script.port);
  await client.send("fail");
  assert.is(await client.ending(), "FIN");
  await echo(bystander, "hello again");
  await visit(script.port);
  assert.is(
    script.output.stderr,
    `lecture1_server_forever: the thread of ${client.addr} failed: ReferenceError: maxThreads is not defined; it sees nothing outside itself\n`,
  );
});

test("a thread that fails before it has done anything", async () => {
  const script = await edited(server, (code) =>
    code.replace(/const utf8 = .*/, "if (threadFails) return;\n$&"),
  );
  const client = await connect(script.port);
  assert.is(await client.ending(), "FIN");
  await script.saw(/failed: ReferenceError: threadFails is not defined/);
  assert.is(script.ended, undefined);
});

test("a learner's mistake in a thread is said as it is", async () => {
  const script = await edited(server, (code) =>
    code.replace("conn.sendall(data)", "conn.sendAll(data)"),
  );
  const client = await connect(script.port);
  await client.send("hello");
  assert.is(await client.ending(), "FIN");
  await script.saw(/TypeError: conn\.sendAll is not a function\n/);
});

test("where the system gives no more threads, who waits is served when one ends", async () => {
  // As where `ulimit -n` doesn't tell: the third thread that would live can't start.
  const script = await edited(server, (code) =>
    code.replace(
      "const worker = new Worker(",
      'if (threads === 3) throw new Error("EAGAIN");\n$&',
    ),
  );
  const clients = [];
  for (let i = 0; i < 5; i++) clients.push(await connect(script.port));
  const [first, second, third, fourth, fifth] = clients;
  for (const client of clients.slice(0, 2)) await echo(client, "hello");
  assert.is(await third!.ending(), "FIN");
  for (const client of [first, second]) client!.fin();
  for (const client of [fourth, fifth]) await echo(client!, "hello");
  assert.is(
    script.output.stderr,
    `lecture1_server_forever: the thread of ${third!.addr} failed: Error: EAGAIN; from now on 2 at a time\n`,
  );
});

test.unless(noSignals && "Windows has no ulimit")(
  "with 100 open files 20 clients are served, those who wait when a thread ends",
  async () => {
    const command = program(`${server.name}.ts`).join(" ");
    const limited = `ulimit -n 100; exec ${command} --port 0`;
    const script = await listening(launch(["sh", "-c", limited]));
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const client = await connect(script.port);
        await echo(client, `robot ${i}`);
        await sleep(700); // so that no thread is free for all of them
        client.fin();
        assert.is(await client.ending(), "FIN");
      }),
    );
    assert.is(script.output.stderr, "");
  },
);

test.unless(noSignals && "Windows has no ulimit")(
  "more clients than open files: a thread that can't start costs its client, the others are served",
  async () => {
    const command = program(`${server.name}.ts`).join(" ");
    for (const [files, clients, least] of [
      [100, 90, 40],
      [40, 3, 2],
    ] as const) {
      const limited = `ulimit -n ${files}; exec ${command} --port 0`;
      const script = await listening(launch(["sh", "-c", limited]));
      const visits = Array.from({ length: clients }, () => visit(script.port));
      const ends = await Promise.allSettled(visits);
      const served = ends.filter(({ status }) => status === "fulfilled").length;
      assert.ok(served >= least, `${served} of ${clients}`);
      const lines = script.output.stderr.split("\n").length - 1;
      assert.ok(lines <= clients - served, script.output.stderr);
      if (lines)
        await script.saw(/EMFILE; from now on \d+ at a time, ulimit -n may/);
    }
  },
);

test("what a learner adds to handleClient works: big pieces, console.log, long lines", async () => {
  const script = await edited(server, (code) =>
    code.replace(
      "conn.sendall(data);",
      'console.log("got", data.length); print("x".repeat(200000)); conn.sendall(new TextEncoder().encode("y".repeat(200000)));',
    ),
  );
  const client = await connect(script.port);
  await client.send("a");
  await client.send("b");
  assert.is(String(await client.recv(200_000)), "y".repeat(200_000));
  client.fin();
  await client.ending();
  await script.saw(/closed\n/);
  assert.ok(
    script.lines().includes("got 1") || script.lines().includes("got 2"),
  );
  assert.ok(script.lines().includes("x".repeat(200_000)));
});

test.run();
