/**
 * The steps of compare against servers inside this process: what they measure,
 * and when they fail.
 */
import type net from "node:net";
import * as assert from "uvu/assert";
import {
  allAtOnce,
  clientsInTurn,
  idleClients,
  whileOneStays,
} from "../scripts/compare.ts";
import type { Idle } from "../scripts/compare/result.ts";
import type { Outcome, Trouble } from "../scripts/compare/texts.ts";
import { suite } from "./helpers/harness.ts";
import {
  countsOf,
  doStep,
  echo,
  outcomesOf,
  resultsOfFailing,
  type Handler,
  type TaskChanges,
} from "./helpers/steps.ts";

const test = suite("steps of compare");

const fourAnswered: Outcome[] = [
  "answered",
  "answered",
  "answered",
  "answered",
];

/** Serves the first client only; the others when that client has left. */
function oneAfterAnother(serveOther: (client: net.Socket) => void): Handler {
  let first: net.Socket;
  return (client, number) => {
    if (number === 1) {
      first = client;
      echo(client, number);
    } else {
      first.once("close", () => {
        client.resume();
        serveOther(client);
      });
    }
  };
}

function reset(client: net.Socket): void {
  client.resetAndDestroy();
}

function close(client: net.Socket): void {
  client.end();
}

/** Answers the first client, and closes the connections of the others. */
function onlyOnce(): Handler {
  let served = 0;
  return (client, number) => {
    served++;
    if (served === 1) echo(client, number);
    else client.end();
  };
}

interface CostCase {
  title: string;
  /** How many clients the server serves at the same time. */
  served: number;
  cost: Idle | undefined;
}

const costCases: CostCase[] = [
  {
    title: "idle clients: the cost of each of 20 more",
    served: 21,
    cost: {
      connections: 20,
      perClientMB: 8,
      perClientThreads: 1,
      threadStartMs: 17,
    },
  },
  {
    title: "idle clients: only those that were served count",
    served: 6,
    cost: {
      connections: 5,
      perClientMB: 8,
      perClientThreads: 1,
      threadStartMs: 17,
    },
  },
  {
    title: "idle clients: no cost if only the first is served",
    served: 1,
    cost: undefined,
  },
];

for (const { title, served, cost } of costCases)
  test(title, async () => {
    let clients = 0;
    const handler: Handler = (client, number) => {
      if (number > served) return;
      clients++;
      echo(client, number);
    };
    const footprint = async () => ({
      memoryMB: 100 + 8 * clients,
      threads: 11 + clients,
      threadStartMs: 17,
    });

    const found = await doStep(idleClients, handler, { server: { footprint } });

    assert.equal(found.idle, cost);
  });

test("idle clients: no cost if the server ends each connection", async () => {
  let clients = 0;
  const handler: Handler = (client) => {
    clients++;
    client.once("data", (data) => client.end(data));
  };
  const footprint = async () => ({ memoryMB: 100 + clients, threads: 11 });

  const found = await doStep(idleClients, handler, { server: { footprint } });

  assert.equal(found, { idle: undefined });
});

test("idle clients: those whose connection was ended don't count", async () => {
  let clients = 0;
  const handler: Handler = (client) => {
    clients++;
    const isKept = clients <= 11;
    client.once("data", (data) => {
      if (isKept) client.write(data);
      else client.end(data);
    });
  };
  const footprint = async () => {
    const kept = Math.min(clients, 11);
    return { memoryMB: 100 + 8 * kept, threads: 11 + kept };
  };

  const found = await doStep(idleClients, handler, { server: { footprint } });

  assert.is(found.idle!.connections, 10);
  assert.is(found.idle!.perClientMB, 8);
});

test("clients in turn: no further one after its patience", async () => {
  const lateEcho: Handler = (client) => {
    client.on("data", (data) => setTimeout(() => client.write(data), 700));
  };
  const found = await doStep(clientsInTurn, lateEcho, {
    server: { patienceMs: 1500 },
    options: { clients: 50 },
  });

  const { length } = found.inTurn!;
  assert.ok(1 <= length && length <= 3, `${length} clients`);
});

test("while one stays: all are answered, and so it leaves", async () => {
  const { stay } = await doStep(whileOneStays, echo);

  const { leftMs, clients } = stay!;
  assert.equal(outcomesOf({ stay }), fourAnswered);
  assert.ok(leftMs < 900, `it stayed for ${leftMs} ms`);
  for (const { connectedMs, reportedMs } of clients) {
    assert.ok(connectedMs! <= reportedMs, "connected before the answer");
    assert.ok(reportedMs <= leftMs, "answered before it left");
  }
});

test("while one stays: all are answered when it has left", async () => {
  const handler = oneAfterAnother((client) => client.pipe(client));

  const { stay } = await doStep(whileOneStays, handler);

  const { leftMs, clients } = stay!;
  assert.equal(outcomesOf({ stay }), fourAnswered);
  assert.ok(leftMs >= 999 && leftMs < 2500, `it stayed for ${leftMs} ms`);
  for (const { reportedMs } of clients)
    assert.ok(reportedMs > leftMs, "answered after it left");
});

test("while one stays: lecture1_server may reset the others", async () => {
  const changes: TaskChanges = { server: { design: "server" } };

  const found = await doStep(whileOneStays, oneAfterAnother(reset), changes);

  assert.equal(outcomesOf(found), ["reset", "reset", "reset", "reset"]);
});

test("clients in turn: nothing if Python's client is missing", async () => {
  const changes: TaskChanges = {
    server: { language: "Python", client: undefined },
  };

  assert.equal(await doStep(clientsInTurn, echo, changes), {});
});

/** A server of which a step says that it failed. */
interface FailingCase {
  title: string;
  handler: Handler;
  trouble: Trouble;
  detail: string;
  /** What the step has found before: the outcome of each client. */
  outcomes: Outcome[];
}

const failingInTurn: FailingCase[] = [
  {
    title: "clients in turn: the server closes",
    handler: close,
    trouble: "cut",
    detail: "1/1",
    outcomes: ["closed"],
  },
  {
    title: "clients in turn: the server resets",
    handler: (client) => client.on("data", () => reset(client)),
    trouble: "cut",
    detail: "1/1",
    outcomes: ["reset"],
  },
  {
    title: "clients in turn: the server answers wrongly",
    handler: (client) => client.once("data", () => client.end("Hullo")),
    trouble: "wrong",
    detail: '"Hello, Server!" → "Hullo"',
    outcomes: ["wrong"],
  },
  {
    title: "clients in turn: the server doesn't answer",
    handler: () => {},
    trouble: "hangs",
    detail: "1/1, 4 s",
    outcomes: ["no answer"],
  },
  {
    title: "clients in turn: the server answers only once",
    handler: onlyOnce(),
    trouble: "cut",
    detail: "1/1",
    outcomes: ["answered", "closed"],
  },
];

/** As long as a client may take that has to be started. */
const clientPatienceMs = 4000;

for (const { title, handler, trouble, detail, outcomes } of failingInTurn)
  test(title, async () => {
    const changes: TaskChanges = { server: { patienceMs: clientPatienceMs } };
    const step = doStep(clientsInTurn, handler, changes);
    const found = await resultsOfFailing(step);

    assert.is(found.failure!.trouble, trouble);
    assert.is(found.failure!.detail, detail);
    assert.equal(outcomesOf(found), outcomes);
  });

const failingWhileOneStays: FailingCase[] = [
  {
    title: "while one stays: the server closes the others",
    handler: oneAfterAnother(close),
    trouble: "cut",
    detail: "4/4",
    outcomes: ["closed", "closed", "closed", "closed"],
  },
  {
    title: "while one stays: a letter of the answers is wrong",
    handler: oneAfterAnother((client) => client.write("Hullo, Server!")),
    trouble: "wrong",
    detail: "4/4",
    outcomes: ["wrong", "wrong", "wrong", "wrong"],
  },
  {
    title: "while one stays: the answers have a byte too many",
    handler: oneAfterAnother((client) => client.write("Hello, Server! ")),
    trouble: "wrong",
    detail: "4/4",
    outcomes: ["wrong", "wrong", "wrong", "wrong"],
  },
  {
    title: "while one stays: the others get no answer",
    handler: oneAfterAnother(() => {}),
    trouble: "hangs",
    detail: "4/4, 1 s",
    outcomes: ["no answer", "no answer", "no answer", "no answer"],
  },
];

for (const failing of failingWhileOneStays)
  test(failing.title, async () => {
    const step = doStep(whileOneStays, failing.handler);
    const found = await resultsOfFailing(step);

    assert.is(found.failure!.trouble, failing.trouble);
    assert.is(found.failure!.detail, failing.detail);
    assert.equal(outcomesOf(found), failing.outcomes);
  });

/** Under load, gives a client what another client has sent. */
function mixUp(): Handler {
  let previous = Buffer.from("");
  return (client) => {
    client.on("data", (data) => {
      const isLoad = previous.includes("robot") && data.includes("robot");
      client.write(isLoad ? previous : data);
      previous = data;
    });
  };
}

/** Echoes; after ten messages, every second client is treated otherwise. */
function afterTenMessages(failClient: (client: net.Socket) => void): Handler {
  return (client, number) => {
    const isFailing = number % 2 === 0;
    let messages = 0;
    client.on("data", (data) => {
      messages++;
      if (isFailing && messages > 10) failClient(client);
      else client.write(data);
    });
  };
}

interface FailingLoad {
  title: string;
  handler: Handler;
  trouble: Trouble;
  detail: RegExp;
}

const failingLoads: FailingLoad[] = [
  {
    title: "all at once: the server mixes up the clients",
    handler: mixUp(),
    trouble: "wrong",
    detail: /^\d\/4$/,
  },
  {
    title: "all at once: the server cuts half of the connections",
    handler: afterTenMessages((client) => client.destroy()),
    trouble: "cut",
    detail: /^2\/4$/,
  },
  {
    title: "all at once: half of the clients no longer get answers",
    handler: afterTenMessages(() => {}),
    trouble: "hangs",
    detail: /^2\/4, 1 s$/,
  },
];

for (const { title, handler, trouble, detail } of failingLoads)
  test(title, async () => {
    const found = await resultsOfFailing(doStep(allAtOnce, handler));

    assert.is(found.failure!.trouble, trouble);
    assert.match(found.failure!.detail, detail);
    assert.equal(countsOf(found), []);
  });

for (const step of [whileOneStays, allAtOnce])
  test(`${step.name}: too little memory is no failure`, async () => {
    const idle: Idle = {
      connections: 20,
      perClientMB: 1e6,
      perClientThreads: 1,
    };
    const found = await resultsOfFailing(doStep(step, echo, { idle }));

    assert.is(found.failure, undefined);
    assert.is(found.growthEnd!.trouble, "memory");
    assert.equal(countsOf(found), []);
  });

test.run();
