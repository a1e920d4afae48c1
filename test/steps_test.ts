/** compare's steps against servers inside this test, whose speed, price and mistakes are known. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import {
  allAtOnce,
  idleClients,
  inTurn,
  whileOneStays,
  type Task,
} from "../scripts/compare.ts";
import { arrivals } from "../scripts/compare/connections.ts";
import { failureOf } from "../scripts/compare/failure.ts";
import {
  findPrograms,
  withServer,
  type Program,
} from "../scripts/compare/programs.ts";
import type { Found, Visit } from "../scripts/compare/result.ts";
import { launch, launched } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { activeSleep } from "../scripts/waiting.ts";
import { suite } from "./helpers/harness.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { hasSignals } from "./helpers/machine.ts";

const test = suite("measure");

const program: Program = {
  ...{ design: "async", language: "TypeScript", file: "" },
  client: projectFile("lecture1_client.ts"),
};
const options = { clients: 4, loadSeconds: 0.3, grow: false };

/** What a server does with a client, and how many there are with it. */
type Serve = (client: net.Socket, number: number) => unknown;

const reset = (client: net.Socket) => client.resetAndDestroy();
const echo = (client: net.Socket) => client.pipe(client);

/** Does one step of compare with a server inside this process. */
async function against<T>(
  step: (task: Task) => Promise<T>,
  serve: Serve,
  own: Partial<Task["server"] & Task> = {},
): Promise<T> {
  const clients = new Set<net.Socket>();
  const listener = net.createServer({ noDelay: true }, (client) => {
    clients.add(client.on("error", () => {}));
    client.on("close", () => clients.delete(client));
    serve(client, clients.size);
  });
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const server: Task["server"] = {
    ...program,
    port: (listener.address() as net.AddressInfo).port,
    patienceMs: 1000,
    footprint: async () => ({}),
    dropOutput() {},
    pressCtrlC: async () => {},
    exit: async () => ({ code: 0, signal: null }),
    ...own,
  };
  try {
    return await step({ options, ...own, server });
  } finally {
    for (const client of clients) client.destroy();
    listener.close();
  }
}

/** What a step that goes wrong finds: what is said of it, what it has measured before. */
async function failing(step: Promise<Found>, says: RegExp) {
  const error = await step.catch((error) => error);
  assert.instance(error, Error, `it should fail: ${says}`);
  const found = failureOf(error, "all at once");
  const { trouble, detail } = found.failure ?? found.growthEnd!;
  const isLeftOut = found.failure ? "" : "left out: ";
  return { said: `${isLeftOut}${trouble} ${detail}`, found };
}

/** What became of the clients. */
const met = ({ inTurn, stay }: Found) =>
  (inTurn ?? stay?.clients ?? []).map(({ outcome }) => outcome).join();
const four = "answered,answered,answered,answered";

const numbersOf = ({ growth = [] }: Found) =>
  growth.map(({ connections }) => connections);

test("a server of known speed: the rate, the latency, the CPU time of an echo", async () => {
  let echoes = 0;
  const slowly: Serve = (client) =>
    client.on("data", async (data) => {
      await sleep(5);
      echoes++;
      client.write(data);
    });
  const footprint = async () => ({ cpuSeconds: echoes * 200e-6 });
  const found = await against(allAtOnce, slowly, { footprint });
  assert.equal(numbersOf(found), [1, 4, 20]);
  let sum = 0;
  for (const load of found.growth) {
    const { connections, echoesPerSecond: rate, seconds, windows } = load;
    // A closed loop can't be faster; how much slower it is, is the machine's.
    assert.ok(rate <= connections / 0.0045, `too fast: ${rate} echoes/s`);
    const { p50Ms, p99Ms, oldestWaitMs: oldestMs } = load;
    const waits = [4.5, p50Ms, p99Ms, oldestMs + 0.1, 5000];
    const sorted = [...waits].sort((a, b) => a - b);
    assert.equal(waits, sorted, "p50, p99, the longest echo");
    assert.ok(seconds >= (connections === 4 ? 0.29 : 0.17), String(seconds));
    const counts = windows.map((it) => it.seconds * it.echoesPerSecond);
    const all = counts.reduce((sum, count) => sum + count);
    const [us, cores] = [load.cpuPerEchoUs!, load.coresUsed!];
    const few = 200 * ((2 * connections) / all); // those on their way when it is asked
    assert.ok(Math.abs(us - 200) <= few, `${us} µs of CPU an echo`);
    const part = cores / (((all / seconds) * us) / 1e6);
    assert.ok(Math.abs(part - 1) < 0.5, `cores used: ${cores}`);
    sum += all;
  }
  // As the server counts: all of them, but for those of warming up.
  assert.ok(sum < echoes && sum > echoes / 8, `${sum} of ${echoes}`);
});

test("lecture1_server echoes with one connection; with --grow there are more numbers", async () => {
  const own = { options: { loadSeconds: 0.1, clients: 200, grow: true } };
  const first = await against(allAtOnce, echo, { ...own, design: "server" });
  assert.equal(numbersOf(first), [1]);
  const forever = await against(allAtOnce, echo, { ...own, design: "forever" });
  assert.equal(numbersOf(forever), [1, 2, 5, 10, 20, 50, 100, 200]);
});

test("the price of one more client: what came after the first, for each that came", async () => {
  const each = { perClientMB: 8, perClientThreads: 1, threadStartMs: 17 };
  async function priceWhere(served: number) {
    let open = 0;
    const some: Serve = (client, n) =>
      n <= served && (open++, expectEcho(client));
    const footprint = async () => ({
      ...{ memoryMB: 100 + 8 * open, threads: 11 + open, threadStartMs: 17 },
    });
    return (await against(idleClients, some, { footprint })).idle;
  }
  const found = await Promise.all([21, 6, 1].map(priceWhere));
  const [all, five] = [20, 5].map((connections) => ({ connections, ...each }));
  assert.equal(found, [all, five, undefined]);
});

/** Serves one after another, as a server without threads, and ends the others like that. */
function oneByOne(end: (client: net.Socket) => unknown): Serve {
  let stayer: net.Socket;
  return (client, n) => {
    if (n === 1) expectEcho((stayer = client));
    else stayer.once("close", () => end(client.resume()));
  };
}

test("while one stays: who is answered meanwhile, who later, who is dropped", async () => {
  const first = { design: "server" } as const;
  const [all, late, dropped] = await Promise.all([
    against(whileOneStays, echo),
    against(whileOneStays, oneByOne(echo)),
    against(whileOneStays, oneByOne(reset), first),
  ]);
  assert.ok(all.stay.leftMs < 900, "it leaves when all are answered");
  const { leftMs } = late.stay;
  assert.ok(leftMs >= 999 && leftMs < 2500, `it stayed ${leftMs} ms`);
  assert.equal([all, late].map(met), [four, four]);
  for (const { connectedMs, reportedMs } of all.stay.clients as Visit[])
    assert.ok(connectedMs! <= reportedMs && reportedMs <= all.stay.leftMs);
  for (const { reportedMs } of late.stay.clients)
    assert.ok(reportedMs > leftMs, "later");
  assert.is(met(dropped), "reset,reset,reset,reset");
});

/** Gives a client what another one has sent, once both are under load. */
function mixedUp(): Serve {
  let last = Buffer.from("");
  return (client) =>
    client.on("data", (data) => {
      const both = last.includes("robot") && data.includes("robot");
      client.write(both ? last : data);
      last = data;
    });
}

/** Does something with every second client after ten messages. */
const afterTen =
  (what: (client: net.Socket) => unknown): Serve =>
  (client, n) => {
    let left = n % 2 ? Infinity : 10;
    client.on("data", (data) =>
      left-- > 0 ? client.write(data) : what(client),
    );
  };

test("a server that closes, resets, answers wrongly, mixes up, cuts, hangs: what is said, and what the clients met", async () => {
  const turn = (serve: Serve) => against(inTurn, serve, { patienceMs: 4000 }); // a process has to start
  let served = 0;
  const once: Serve = (it) => (served++ ? it.end() : expectEcho(it));
  const stays = (end: (client: net.Socket) => unknown) =>
    against(whileOneStays, oneByOne(end));
  const load = (serve: Serve) => against(allAtOnce, serve);
  const client = join(await temporaryFolder(), "client.ts"); // it prints that as Python's does
  await writeFile(client, 'console.log("Received from server: ");');
  const own = { client, patienceMs: 4000 };
  const idle = { connections: 20, perClientMB: 1e6, perClientThreads: 1 };
  const cases: [Promise<Found>, RegExp, string][] = [
    [turn((it) => it.end()), /^cut 1.1$/, "closed"],
    [turn((it) => it.on("data", () => reset(it))), /^cut 1.1$/, "reset"],
    [turn((it) => it.end("Hullo")), /^wrong Received .*: Hullo$/, "wrong"],
    [turn(() => {}), /^hangs 1.1, 4 s$/, "no answer"],
    [turn(once), /^cut 1.1$/, "answered,closed"],
    [against(inTurn, echo, own), /^cut 1.1$/, "closed"],
    [stays((it) => it.end()), /^cut 4.4$/, "closed"],
    [stays((it) => it.write("Hullo, Server!")), /^wrong 4.4$/, "wrong"],
    [stays((it) => it.write("Hello, Server! ")), /^wrong 4.4$/, "wrong"],
    [stays(() => {}), /^hangs 4.4, 1 s$/, "no answer"],
    [load(mixedUp()), /^wrong \d.\d$/, ""],
    [load(afterTen((it) => it.destroy())), /^cut 2.4$/, ""],
    [load(afterTen(() => {})), /^hangs 2.4, 1 s$/, ""],
    // Too little memory is no failure: the steps go on.
    [against(whileOneStays, echo, { idle }), /^left out: memory/, ""],
    [against(allAtOnce, echo, { idle }), /^left out: memory/, ""],
  ];
  const all = cases.map(async ([step, says, outcome]) => {
    const { said, found } = await failing(step, says);
    assert.match(said, says);
    assert.is([...new Set(met(found).split(","))].join(), outcome, said);
    const before = said.startsWith("left") ? [] : [1];
    if (!outcome) assert.equal(numbersOf(found), before, "found before");
  });
  await Promise.all(all);
});

test("what of Python is missing is named, and ours doesn't take its place", async () => {
  const folder = projectFile("test/originals");
  const { programs, missing } = findPrograms(["server", "async"], folder);
  assert.equal(missing, ["lecture1_server.py", "lecture1_client.py"]);
  const [, , theirs] = programs;
  assert.equal([theirs!.language, theirs!.client], ["Python", undefined]);
  assert.equal(await against(inTurn, echo, theirs), {});
});

/** A learner's server that listens, with what it does with a client. */
const listen = (
  handler: string,
) => `net.createServer((client) => { ${handler} })
  .listen(port, "127.0.0.1", function () {
    console.log(\`Server listening on 127.0.0.1:\${(this.address() as any).port}\`);
  });\n`;

test("a learner's server that doesn't listen, that ends or dies: how, its last words, the line of its file", async () => {
  const ends = (how: string) =>
    listen(`client.pipe(client).on("finish", () => process.${how});`);
  const throws =
    'client.on("data", () => {\n  throw new Error("arm lost");\n});';
  const silent = 'console.log("서버가 듣는 중");\nsetInterval(() => {}, 1e6);';
  const cases: [string, RegExp, Program["design"]?][] = [
    [silent, /^silent 3 s\n서버가 듣는 중$/],
    [
      'throw new Error("no arm");',
      /^ended 1\n[^]*\nError: no arm\nat .*한글 %20 1\.ts:3:7/,
    ],
    ["const x = ;", /\d\.ts:3: Unexpected ";"/],
    [listen(throws), /^ended 1\n[^]*\nError: arm lost\nat .*\d\.ts:4:9\)?$/],
    [ends("exit(1)"), /^ended 1\n/, "server"],
    [ends("exit(0)"), /^ended 0\n/],
  ];
  const killed = listen('process.kill(process.pid, "SIGKILL");');
  if (hasSignals) cases.push([killed, /^died SIGKILL\n/]);
  const folder = await temporaryFolder();
  const start = 'import net from "node:net";\nconst port: number = 0;\n';
  const all = cases.map(async ([code, says, design = "async"], index) => {
    const own = {
      ...program,
      design,
      file: join(folder, `한글 %20 ${index}.ts`),
    };
    await writeFile(own.file, start + code);
    const task = (server: Task["server"]) => inTurn({ server, options });
    const patienceMs = code === silent ? 3000 : 10_000;
    const step = withServer(own, task, patienceMs);
    const { said, found } = await failing(step, says);
    assert.match([said, ...found.failure!.lastLines].join("\n"), says);
  });
  await Promise.all(all);
  const left = launched().filter(({ exitStatus }) => !exitStatus);
  assert.is(left.length, 0, "nothing is left running");
  // What can't even be started: what the system says.
  assert.throws(() => launch([process.execPath, "\0"]), /null bytes/);
});

test("time in which compare itself is stopped doesn't count", async () => {
  const began = performance.now();
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  const block = (ms: number) => Atomics.wait(nothing, 0, 0, ms);
  const waits = activeSleep(300);
  block(1000);
  await waits;
  assert.ok(performance.now() - began >= 1200, "only a tick of it");
  // In the same turn as a deadline, and soon after the stop.
  const both = [100, 560].map((ms) => arrivals([sleep(ms, "came")], 200));
  block(500);
  assert.equal(await Promise.all(both), [["came"], ["came"]]);
  assert.equal(await arrivals([sleep(1500)], 200), [undefined]);
});

test.run();
