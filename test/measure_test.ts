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
import { withServer, type Program } from "../scripts/compare/programs.ts";
import type { Found } from "../scripts/compare/result.ts";
import { awake, launched, projectFile } from "../scripts/processes.ts";
import { hasSignals, suite, temporaryFolder } from "./harness.ts";

const test = suite("measure");

const program: Program = {
  design: "async",
  language: "TypeScript",
  file: "",
  client: projectFile("lecture1_client.ts"),
  patienceMs: 5000,
};
const options = { clients: 4, loadSeconds: 0.3, grow: false };

/** Does one step of compare with a server inside this process. */
async function against<T>(
  step: (task: Task) => Promise<T>,
  serve: (client: net.Socket, number: number) => void,
  more: Partial<Task & Task["server"]> = {},
): Promise<T> {
  const clients = new Set<net.Socket>();
  const listener = net.createServer({ noDelay: true }, (client) => {
    clients.add(client.on("error", () => {}));
    client.on("close", () => clients.delete(client));
    serve(client, clients.size);
  });
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const footprint = async () => ({ atMs: performance.now() });
  const server: Task["server"] = {
    port: (listener.address() as net.AddressInfo).port,
    patienceMs: 1000,
    footprint,
    forget() {},
    pressCtrlC: async () => {},
    exit: async () => ({ code: 0, signal: null }),
    ...more,
  };
  try {
    return await step({ program, server, options, ...more });
  } finally {
    for (const client of clients) client.destroy();
    listener.close();
  }
}

/** What a step that goes wrong finds: its failure, and what it has measured before. */
async function failing(step: Promise<Found>) {
  const error = await step.then(
    () => assert.unreachable("it should fail"),
    (error) => error,
  );
  const { failure, ...found } = failureOf(error, "all at once");
  return {
    found,
    failure,
    said: [failure?.trouble, failure?.detail].join(" "),
  };
}

const echo = (client: net.Socket) => client.pipe(client);

test("a server of known speed: the rate, the latency, the CPU time of an echo", async () => {
  let [echoes, first] = [0, 0];
  const slowly = (client: net.Socket) =>
    client.on("data", async (data) => {
      first ||= performance.now();
      await sleep(5);
      echoes++;
      client.write(data);
    });
  const footprint = async () => ({
    ...{ atMs: performance.now(), cpuSeconds: echoes * 200e-6 },
  });
  const found = await against(allAtOnce, slowly, { footprint });
  const took = (performance.now() - first) / 1000;
  const numbers = found.growth.map(({ connections }) => connections);
  assert.equal(numbers, [1, 4, 20]);
  let sum = 0;
  for (const load of found.growth) {
    const { connections, echoesPerSecond: rate, seconds } = load;
    // A closed loop can't be faster; how much slower it is, is the machine's.
    assert.ok(rate <= connections / 0.0045, `${rate} with ${connections}`);
    assert.ok(load.p50Ms! >= 4.5 && load.p50Ms! <= load.p99Ms!);
    assert.ok(load.p99Ms! <= load.oldestWaitMs + 0.1);
    assert.ok(load.oldestWaitMs < 5000, String(load.oldestWaitMs));
    assert.ok(seconds >= (connections === 4 ? 0.29 : 0.17), String(seconds));
    const all = load.windows.reduce(
      (sum, it) => sum + it.seconds * it.echoesPerSecond,
      0,
    );
    const [us, cores] = [load.cpuPerEchoUs!, load.coresUsed!];
    const few = 200 * ((2 * connections) / all); // those on their way when it is asked
    assert.ok(Math.abs(us - 200) <= few, `${us} of CPU time, ${all} echoes`);
    assert.ok(
      Math.abs(cores / (((all / seconds) * us) / 1e6) - 1) < 0.5,
      "cores used",
    );
    sum += all;
  }
  // As the server counts: all of them, but for those of warming up.
  assert.ok(sum < echoes && sum > echoes / 8, `${sum} of ${echoes}`);
  assert.ok(took < 10);
});

test("lecture1_server echoes with one connection; N is the load of N", async () => {
  const server = { ...program, design: "server" } as const;
  const one = await against(allAtOnce, echo, { program: server });
  assert.equal(
    one.growth.map((load) => load.connections),
    [1],
  );
  const grow = { ...options, loadSeconds: 0.1, clients: 200, grow: true };
  const forever = { ...program, design: "forever" } as const;
  const all = await against(allAtOnce, echo, {
    program: forever,
    options: grow,
  });
  const numbers = all.growth.map((load) => load.connections);
  assert.equal(numbers, [1, 2, 5, 10, 20, 50, 100, 200]);
});

test("the price of one more client: what came after the first, for each that came", async () => {
  let open = 0;
  const counted = (client: net.Socket) => {
    open++;
    echo(client);
  };
  const footprint = async () => ({
    ...{ atMs: 0, memoryMB: 100 + 8 * open, threads: 11 + open },
    threadStartMs: 17,
  });
  const { idle } = await against(idleClients, counted, { footprint });
  assert.equal(idle, {
    ...{
      connections: 20,
      perClientMB: 8,
      perClientThreads: 1,
      threadStartMs: 17,
    },
  });
  open = 0;
  const few = (client: net.Socket, n: number) => {
    if (n <= 6) counted(client);
  };
  const some = await against(idleClients, few, { footprint });
  assert.equal([some.idle?.connections, some.idle?.perClientMB], [5, 8]);
  const first = (client: net.Socket, n: number) => n === 1 && echo(client);
  assert.equal(await against(idleClients, first, { footprint }), {
    idle: undefined,
  });
});

test("while one stays: who is answered meanwhile, later, dropped, never", async () => {
  const all = await against(whileOneStays, echo);
  assert.equal(
    all.stay.clients.map(({ outcome }) => outcome),
    Array(4).fill("answered"),
  );
  assert.ok(all.stay.leftMs < 900, "it leaves when all are answered");
  for (const { connectedMs, reportedMs } of all.stay.clients)
    assert.ok(connectedMs! <= reportedMs && reportedMs <= all.stay.leftMs);

  /** Serves one after another, as a server without threads. */
  function oneByOne(end: (client: net.Socket) => void) {
    let stayer: net.Socket;
    return (client: net.Socket, n: number) => {
      if (n === 1) echo((stayer = client));
      else stayer.once("close", () => end(client));
    };
  }
  const later = await against(whileOneStays, oneByOne(echo));
  const { leftMs, clients } = later.stay;
  assert.ok(leftMs >= 999 && leftMs < 2500, `it stayed ${leftMs} ms`);
  for (const client of clients) {
    assert.is(client.outcome, "answered");
    assert.ok(client.reportedMs > leftMs);
  }

  const server = { ...program, design: "server" } as const;
  const drop = oneByOne((client) => client.resetAndDestroy());
  const dropped = await against(whileOneStays, drop, { program: server });
  assert.equal(
    dropped.stay.clients.map(({ outcome }) => outcome),
    Array(4).fill("reset"),
  );

  const bad: [(client: net.Socket) => void, string, string][] = [
    [(client) => client.end(), "cut 4/4", "closed"],
    [(client) => client.write("Hullo, Server!"), "wrong 4/4", "wrong"],
    [(client) => client.write("Hello, Server! "), "wrong 4/4", "wrong"],
    [() => {}, "hangs 4/4, 1 s", "no answer"],
  ];
  for (const [end, says, outcome] of bad) {
    const serve = oneByOne((client) => end(client.resume()));
    const { said, found } = await failing(against(whileOneStays, serve));
    assert.is(said, says);
    assert.equal(
      found.stay!.clients.map((it) => it.outcome),
      Array(4).fill(outcome),
    );
  }
});

test("under load: mixed-up bytes, cut connections, and those that hang are told", async () => {
  let last = Buffer.from("");
  const mixedUp = (client: net.Socket) =>
    client.on("data", (data) => {
      const both = last.includes("robot") && data.includes("robot");
      client.write(both ? last : data);
      last = data;
    });
  const mixed = await failing(against(allAtOnce, mixedUp));
  assert.match(mixed.said, /^wrong \d\/\d/);

  const after = (what: (client: net.Socket) => void) =>
    function serve(client: net.Socket, n: number) {
      let left = n % 2 ? Infinity : 10;
      client.on("data", (data) =>
        left-- > 0 ? client.write(data) : what(client),
      );
    };
  const cut = await failing(
    against(
      allAtOnce,
      after((client) => client.destroy()),
    ),
  );
  assert.is(cut.said, "cut 2/4");
  assert.equal(
    cut.found.growth!.map((it) => it.connections),
    [1],
    "what was found before",
  );
  const hung = await failing(
    against(
      allAtOnce,
      after(() => {}),
    ),
  );
  assert.is(hung.said, "hangs 2/4, 1 s");
});

test("too little memory: that number is left out, and the steps go on", async () => {
  const price = { connections: 20, perClientMB: 1e6 };
  for (const step of [whileOneStays, allAtOnce]) {
    const task = against<Found>(step, echo, { idle: price });
    const error = await task.catch((error) => error);
    const { growthEnd, failure } = failureOf(error, "all at once");
    assert.is(failure, undefined);
    assert.is(growthEnd!.trouble, "memory");
  }
});

test("in turn: what the client program meets", async () => {
  const slow = { patienceMs: 4000 }; // a process has to start
  const cases: [(client: net.Socket) => void, string, string][] = [
    [(client) => client.end(), "cut 1/1", "closed"],
    [
      (client) => client.on("data", () => client.resetAndDestroy()),
      "cut 1/1",
      "reset",
    ],
    [
      (client) => client.end("Hullo"),
      "wrong Received from server: Hullo",
      "wrong",
    ],
    [() => {}, "hangs 1/1, 4 s", "no answer"],
  ];
  for (const [serve, says, outcome] of cases) {
    const { said, found } = await failing(against(inTurn, serve, slow));
    assert.is(said, says);
    assert.equal(
      found.inTurn!.map((it) => it.outcome),
      [outcome],
    );
  }
  let most = 0;
  const counted = (client: net.Socket, now: number) => {
    most = Math.max(most, now);
    echo(client);
  };
  const { inTurn: found = [] } = await against(inTurn, counted, slow);
  assert.is(most, 1, "one after another");
  assert.equal(
    found.map(({ outcome }) => outcome),
    Array(4).fill("answered"),
  );
  const none = { ...program, client: undefined } as Program;
  assert.equal(await against(inTurn, echo, { program: none }), {});
});

/** A learner's server, started as compare starts it; its clients in turn. */
async function learners(code: string, design: Program["design"] = "async") {
  const file = join(await temporaryFolder(), "한글 %20 server.ts");
  const start = 'import net from "node:net";\nconst port: number = 0;\n';
  await writeFile(file, start + code);
  const own = { ...program, design, file, patienceMs: 3000 };
  const found = withServer(own, (server) =>
    inTurn({ program: own, server, options }),
  );
  const { failure } = await failing(found);
  const runs = launched().filter(({ ended }) => !ended);
  assert.is(runs.length, 0, "nothing is left running");
  return { ...failure!, last: failure!.lastLines.join("\n") };
}

const listen = (
  handler: string,
) => `net.createServer((client) => { ${handler} })
  .listen(port, "127.0.0.1", function () {
    console.log(\`Server listening on 127.0.0.1:\${(this.address() as any).port}\`);
  });\n`;

test("a server that never says that it listens, and one that ends before", async () => {
  const silent = await learners(
    'console.log("서버가 듣는 중");\nsetInterval(() => {}, 1e6);\n',
  );
  assert.equal(
    [silent.trouble, silent.detail, silent.last],
    ["silent", "3 s", "서버가 듣는 중"],
  );
  const ended = await learners('throw new Error("no arm");\n');
  assert.equal([ended.trouble, ended.detail], ["ended", "1"]);
  assert.match(ended.last, /Error: no arm\nat .*한글 %20 server\.ts:3:7/);
  const wrong = await learners("const x = ;\n");
  assert.match(wrong.detail, /server\.ts:3: Unexpected ";"/);
});

test("a server that dies: how, its last words, and the line of its file", async () => {
  const handler =
    'client.on("data", () => {\n  throw new Error("arm lost");\n});';
  const died = await learners(listen(handler));
  assert.equal([died.trouble, died.detail], ["ended", "1"]);
  assert.match(died.last, /^Error: arm lost\nat .*server\.ts:4:9/m);
  const crash = await learners(
    listen("client.pipe(client).on('finish', () => process.exit(1));"),
    "server",
  );
  assert.equal(
    [crash.trouble, crash.detail],
    ["ended", "1"],
    "exit code 1 is no normal end",
  );
  const left = await learners(
    listen("client.pipe(client).on('finish', () => process.exit(0));"),
  );
  assert.equal([left.trouble, left.detail], ["ended", "0"]);
  if (!hasSignals) return;
  const killed = await learners(
    listen('process.kill(process.pid, "SIGKILL");'),
  );
  assert.equal([killed.trouble, killed.detail], ["died", "SIGKILL"]);
});

test("time in which compare itself is stopped doesn't count", async () => {
  const began = performance.now();
  const block = (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end;);
  };
  const waits = awake(300);
  block(2000);
  await waits;
  assert.ok(performance.now() - began >= 2200, "only a tick of it");
  const answer = sleep(100, "came"); // after a stop it comes in the same turn as a deadline
  const came = arrivals([answer], 200);
  block(1000);
  assert.equal(await came, ["came"]);
  assert.equal(await arrivals([sleep(1500)], 200), [undefined]);
});

test.run();
