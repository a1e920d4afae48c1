/**
 * The lecture's closing question, answered by measuring: what differs between
 * the three servers? Starts each of them, sends N clients, shows what happened.
 *
 *   npm run compare
 *   npx tsx scripts/compare.ts --help
 */
import { availableParallelism, release, type } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  exitEarly,
  isMain,
  parseFlags,
  print,
  runMain,
  withSpinner,
  write,
} from "./commandLine.ts";
import { languageOf } from "./language.ts";
import {
  arrivals,
  echoAtOnce,
  expectMemory,
  greeted,
  hello,
  priceOfOne,
  visit,
  type Connection,
} from "./compare/connections.ts";
import { expectAnswers, failureOf } from "./compare/failure.ts";
import {
  defaults,
  flags,
  readOptions,
  savedRun,
  type Options,
} from "./compare/options.ts";
import { comparePage } from "./compare/page.ts";
import {
  findPrograms,
  runClient,
  withServer,
  type Program,
  type Server,
} from "./compare/programs.ts";
import { nameOf, report } from "./compare/report.ts";
import type { Found, Load, Run, ServerResult } from "./compare/result.ts";
import { terminalText } from "./compare/terminal.ts";
import {
  fill,
  textsIn,
  type Outcome,
  type Step,
  type Texts,
} from "./compare/texts.ts";
import { activeSleep, watchSuspensions } from "./waiting.ts";

/** What a step is given: a server that has just been started, and how much to do. */
export interface Task {
  server: Server;
  options: Pick<Options, "clients" | "loadSeconds" | "grow">;
  /** What one more client takes, once it is known. */
  idle?: Found["idle"];
}

/** 1. The lecture's client program, N times, one after another. */
export async function inTurn({ server, options }: Task) {
  if (!server.client) return {}; // Python's is missing
  const inTurn: Found["inTurn"] = [];
  while (inTurn.length < options.clients) {
    const client = await runClient(server);
    inTurn.push(client);
    if (inTurn.length > 1 && mayLeaveOut(server, client)) continue;
    expectAnswers([client.outcome], server.patienceMs, { inTurn }, client.text);
  }
  return { inTurn };
}

/** 2. What one more client takes that does nothing: memory, a thread, the thread's start. */
export async function idleClients({ server }: Task) {
  if (server.design === "server") return {}; // it has one client
  return { idle: await priceOfOne(server) };
}

/** 3. One client stays connected, and N others come at the same moment. */
export async function whileOneStays({ server, options, idle }: Task) {
  expectMemory(options.clients, idle);
  const [stayer] = await greeted(server, 1);
  const since = performance.now();
  const ms = () => performance.now() - since;
  const others = Array.from({ length: options.clients }, () =>
    visit(server.port, ms),
  );
  await arrivals(others, 1000); // all are answered, or for a second no more is
  const leftMs = ms();
  void stayer!.leave();
  const came = await arrivals(others, server.patienceMs);
  const nothing = { outcome: "no answer", reportedMs: ms() } as const;
  const clients = came.map((visit) => visit ?? nothing);
  const stay = { leftMs, clients };
  const expected = clients.filter((client) => !mayLeaveOut(server, client));
  const outcomes = expected.map(({ outcome }) => outcome);
  expectAnswers(outcomes, server.patienceMs, { stay });
  return { stay };
}

/** lecture1_server has one client: the others are what it may refuse, reset or close. */
function mayLeaveOut({ design }: Server, { outcome }: { outcome: Outcome }) {
  return design === "server" && /refused|reset|closed/.test(outcome);
}

/** 4. 1, N and 5 N connections send one message after another, as fast as they can. */
export async function allAtOnce({ server, options, idle }: Task) {
  const { clients, loadSeconds } = options;
  const connections: Connection[] = [];
  const growth: Load[] = [];
  if (server.design !== "server") {
    // Until a first client has left, glibc's malloc maps new memory for each read of asyncio's.
    const [first] = await greeted(server, 1);
    await first!.leave();
  }
  for (const count of numbersOf(server, options))
    try {
      expectMemory(count, idle);
      const more = count - connections.length;
      connections.push(...(await greeted(server, more)));
      const windows = count === clients ? 5 : 3;
      const echo = echoAtOnce(connections, server, loadSeconds / 5, windows);
      growth.push(await echo);
    } catch (error) {
      const tooMany = count > clients ? { beyond: count } : {}; // perhaps
      throw Object.assign(error as Error, { found: { growth }, ...tooMany });
    }
  for (const { leave } of connections) void leave();
  return { growth };
}

/** The numbers of connections that echo at once. */
function numbersOf({ design }: Server, { clients, grow }: Task["options"]) {
  if (design === "server") return [1]; // it has one client
  const all = [1, clients, Math.min(5 * clients, 200)]; // forever has 200 threads
  if (grow) all.push(2, 5, 10, 20, 50, 100, 200);
  if (grow && design === "async") all.push(500, 1000, 2000, 5000);
  return [...new Set(all)].sort((a, b) => a - b);
}

/** 5. Ctrl+C with a client connected: is it still answered? How does the server end? */
export async function ctrlC({ server }: Task): Promise<Found> {
  if (process.platform === "win32") return { ctrlC: "not on this system" }; // no program can press it
  const [client] = await greeted(server, 1);
  await sleep(100); // CPython misses what comes just before accept or recv blocks
  await Promise.race([server.pressCtrlC(), client!.ended, activeSleep(2000)]);
  const answer = await Promise.race([client!.echo(hello), activeSleep(1000)]);
  void client!.leave();
  const exit = await server.exit();
  const echoed = answer === "answered";
  const disconnected = answer === "closed" || answer === "reset";
  return { ctrlC: { echoed, disconnected, exit } };
}

/** The steps in their order. What measures times has the machine for itself. */
const steps: [Step, (task: Task) => Promise<Found>, "alone"?][] = [
  ["clients in turn", inTurn],
  ["idle clients", idleClients],
  ["while one stays", whileOneStays, "alone"],
  ["all at once", allAtOnce, "alone"],
  ["Ctrl+C", ctrlC],
];

/** All steps with all programs; each step with fresh servers, which end in any case. */
async function compare(options: Options, say: Texts): Promise<Run> {
  const date = new Date().toISOString();
  const began = performance.now();
  const stopped = watchSuspensions();
  const { clients, loadSeconds, grow, designs, python } = options;
  const { programs, missing } = findPrograms(designs, python);
  const servers = programs.map(({ client, ...it }): ServerResult => it);
  for (const [step, measure, alone] of steps) {
    async function one(program: Program, index: number): Promise<void> {
      const result = servers[index]!;
      if (result.failure) return; // no more steps after that
      const found = await withServer(program, (server) =>
        measure({ server, options, idle: result.idle }),
      ).catch((error) => failureOf(error, step));
      Object.assign(result, found);
    }
    const what = say.step[step];
    if (!alone) await withSpinner(what, () => Promise.all(programs.map(one)));
    else
      for (const [index, program] of programs.entries())
        await withSpinner(`${nameOf(program)}: ${what}`, () =>
          one(program, index),
        );
  }
  for (const server of servers)
    server.load = server.growth?.find((it) => it.connections === clients);
  const system = `${type()} ${release()}`;
  const runtime = `Node ${process.version}`;
  return {
    version: 2,
    machine: { system, cores: availableParallelism(), runtime },
    ...{ date, options: { clients, loadSeconds, grow }, servers, missing },
    tookSeconds: (performance.now() - began) / 1000,
    stoppedSeconds: stopped.stop(),
  };
}

async function main(args: string[]): Promise<void> {
  const language = languageOf(args);
  const say = textsIn(language);
  exitEarly({ script: "compare", language });
  const given = parseFlags(args, flags);
  if (given.help) {
    const usage = fill(say.usage, defaults.clients, defaults.load);
    return print(`${usage}\n`);
  }
  const options = readOptions(given, say);
  const { json, html, from } = options;
  const run = await (from ? savedRun(from, say) : compare(options, say));
  const told = report(run, say); // what both of them draw
  if (json !== "-" && html !== "-") await print(terminalText(told));
  if (json) await write(json, `${JSON.stringify(run, null, 2)}\n`, language);
  if (html) await write(html, comparePage(told), language);
  process.exit(run.servers.some(({ failure }) => failure) ? 1 : 0);
}

if (isMain(import.meta.url)) await runMain("compare", main);
