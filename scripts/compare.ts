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
import type { Design } from "./designs.ts";
import { languageOf } from "./language.ts";
import {
  costOfIdleClient,
  expectMemory,
  hello,
  openConnection,
  openConnections,
  resultsUntilQuiet,
  visit,
  type Connection,
} from "./compare/connections.ts";
import {
  expectAnswers,
  resultsOfFailedStep,
  ServerFailure,
} from "./compare/failure.ts";
import { LoadTest } from "./compare/loadTest.ts";
import {
  defaults,
  flags,
  readOptions,
  type Options,
} from "./compare/options.ts";
import { comparePage } from "./compare/page.ts";
import { findPrograms, runClient, type Program } from "./compare/programs.ts";
import { report } from "./compare/report.ts";
import type {
  ClientRun,
  Found,
  Idle,
  Load,
  Machine,
  Run,
  RunOptions,
  ServerResult,
  Visit,
} from "./compare/result.ts";
import { savedRun } from "./compare/savedRun.ts";
import { withServer, type Server } from "./compare/server.ts";
import { terminalText } from "./compare/terminal.ts";
import {
  fill,
  textsIn,
  type Outcome,
  type Step,
  type Texts,
} from "./compare/texts.ts";
import { nameOf, timeText } from "./compare/wording.ts";
import { activeSleep, watchSuspensions } from "./waiting.ts";

/** The input of a step: a newly started server, and how much to do. */
export interface Task {
  server: Server;
  options: RunOptions;
  /** The cost of one more idle client, once it is known. */
  idle?: Idle;
}

/**
 * 1. The lecture's client program, N times, one after another; no further one
 * after 10 seconds.
 */
export async function clientsInTurn({ server, options }: Task): Promise<Found> {
  // Python's client may be missing.
  if (!server.client) return {};

  const startMs = performance.now();
  const inTurn: ClientRun[] = [];
  while (inTurn.length < options.clients) {
    // A server that answers late: these clients are enough.
    if (performance.now() - startMs > server.patienceMs) break;
    const client = await runClient(server.client, server);
    const { outcome, text, reason } = client;
    const isFirst = inTurn.length === 0;
    inTurn.push({ outcome, text });
    if (!isFirst && mayTurnAway(server, outcome)) continue;

    const found = { inTurn };
    if (reason) throw new ServerFailure(reason.trouble, reason.detail, found);
    expectAnswers([outcome], { waitedMs: server.patienceMs, found });
  }
  return { inTurn };
}

/** 2. The cost of one more idle client: memory, a thread, and its start. */
export async function idleClients({ server }: Task): Promise<Found> {
  // lecture1_server has one client only.
  if (server.design === "server") return {};
  return { idle: await costOfIdleClient(server) };
}

/** 3. One client stays connected, and N others connect at the same moment. */
export async function whileOneStays(task: Task): Promise<Found> {
  const { server, options, idle } = task;
  const { patienceMs } = server;
  const connections = options.clients;
  expectMemory({ connections, perClientMB: idle?.perClientMB });
  const stayingClient = await openConnection(server);

  const startMs = performance.now();
  const elapsedMs = () => performance.now() - startMs;
  const visits = Array.from({ length: connections }, () =>
    visit(server.port, startMs),
  );

  // The first client leaves when all others are answered, or when there has
  // been no further answer for a second.
  await resultsUntilQuiet(visits, 1000);
  const leftMs = elapsedMs();
  void stayingClient.leave();

  const results = await resultsUntilQuiet(visits, patienceMs);
  const unanswered: Visit = { outcome: "no answer", reportedMs: elapsedMs() };
  const clients = results.map((result) => result ?? unanswered);
  const stay = { leftMs, clients };

  const outcomes = clients
    .map((client) => client.outcome)
    .filter((outcome) => !mayTurnAway(server, outcome));
  expectAnswers(outcomes, { waitedMs: patienceMs, found: { stay } });
  return { stay };
}

/** lecture1_server has one client. It is allowed to refuse, reset or close the others. */
function mayTurnAway({ design }: Server, outcome: Outcome): boolean {
  if (design !== "server") return false;
  return ["refused", "reset", "closed"].includes(outcome);
}

/** 4. N and 5 N connections send message after message, without a pause. */
export async function allAtOnce(task: Task): Promise<Found> {
  const { server, options, idle } = task;
  const counts = connectionCounts(server.design, options);
  // lecture1_server has one client only.
  if (counts.length === 0) return {};

  const connections: Connection[] = [];
  const growth: Load[] = [];

  // Until one client has left, glibc's malloc maps new memory for every read in
  // asyncio.
  const first = await openConnection(server);
  await first.leave();

  for (const count of counts) {
    const slow = growth.find(({ p50Ms }) => p50Ms > slowEchoMs);
    if (slow && count > options.clients) {
      const detail = timeText(slow.p50Ms);
      return {
        growth,
        growthEnd: { connections: count, trouble: "slow", detail },
      };
    }
    try {
      expectMemory({ connections: count, perClientMB: idle?.perClientMB });
      const missing = count - connections.length;
      connections.push(...(await openConnections(server, missing)));
      const test = new LoadTest({
        server,
        connections,
        windowSeconds: options.loadSeconds / 5,
        windowCount: count === options.clients ? 5 : 3,
      });
      growth.push(await test.run());
    } catch (error) {
      const failure = ServerFailure.from(error);
      failure.found = { growth };
      if (count > options.clients) failure.connections = count;
      throw failure;
    }
  }

  for (const connection of connections) void connection.leave();
  return { growth };
}

/**
 * If an echo needs longer than this with N connections, larger numbers would
 * need much too long.
 */
const slowEchoMs = 1000;

/**
 * The numbers of connections whose load is measured, from the smallest. One
 * connection is left out: its echo needs several times as much CPU time if the
 * system runs the server and this process on two cores instead of one.
 */
export function connectionCounts(
  design: Design,
  options: RunOptions,
): number[] {
  const { clients, grow } = options;
  // lecture1_server has one client only.
  if (design === "server") return [];

  // lecture1_server_forever has 200 threads.
  const counts = [clients, Math.min(5 * clients, 200)];
  if (grow) counts.push(5, 10, 20, 50, 100, 200);
  if (grow && design === "async") counts.push(500, 1000, 2000, 5000);
  const several = counts.filter((count) => count > 1);
  return [...new Set(several)].sort((a, b) => a - b);
}

/** 5. Ctrl+C with a client connected: what happens to it and to the server? */
export async function ctrlC({ server }: Task): Promise<Found> {
  // On Windows a program can't send Ctrl+C to another program.
  if (process.platform === "win32") return { ctrlC: "not on this system" };

  const client = await openConnection(server);
  // CPython can miss a signal that arrives just before accept or recv blocks.
  await sleep(100);
  await Promise.race([server.pressCtrlC(), client.ended, activeSleep(2000)]);
  const answer = await Promise.race([client.echo(hello), activeSleep(1000)]);
  void client.leave();
  const exit = await server.exit();
  return {
    ctrlC: {
      echoed: answer === "answered",
      disconnected: answer === "closed" || answer === "reset",
      exit,
    },
  };
}

interface PlannedStep {
  step: Step;
  measure: (task: Task) => Promise<Found>;
  /** The step measures times. No other server runs meanwhile. */
  alone?: boolean;
}

/** The steps in their order. */
const steps: PlannedStep[] = [
  { step: "clients in turn", measure: clientsInTurn },
  { step: "idle clients", measure: idleClients, alone: true },
  { step: "while one stays", measure: whileOneStays, alone: true },
  { step: "all at once", measure: allAtOnce, alone: true },
  { step: "Ctrl+C", measure: ctrlC },
];

/** A program, and what the steps have found out about it. */
interface Subject {
  program: Program;
  result: ServerResult;
}

/** Does all steps with all programs. */
async function compare(options: Options, say: Texts): Promise<Run> {
  const date = new Date().toISOString();
  const startMs = performance.now();
  const suspensions = watchSuspensions();
  const { clients, loadSeconds, grow } = options;
  const { programs, missing } = findPrograms(options.designs, options.python);
  const subjects = programs.map((program): Subject => {
    const { design, language, file } = program;
    return { program, result: { design, language, file } };
  });

  for (const planned of steps) await doStep(planned, subjects, options, say);

  const servers = subjects.map(({ result }) => result);
  for (const server of servers)
    server.load = server.growth?.find((load) => load.connections === clients);
  return {
    version: 2,
    machine: thisMachine(),
    date,
    options: { clients, loadSeconds, grow },
    servers,
    missing,
    tookSeconds: (performance.now() - startMs) / 1000,
    stoppedSeconds: suspensions.stop(),
  };
}

/** Does a step with all programs: at the same time, or one after another. */
async function doStep(
  planned: PlannedStep,
  subjects: Subject[],
  options: Options,
  say: Texts,
): Promise<void> {
  const title = say.step[planned.step];
  const measure = (subject: Subject) =>
    measureServer(planned, subject, options);
  if (!planned.alone) {
    await withProgress(title, say, () => Promise.all(subjects.map(measure)));
    return;
  }
  for (const subject of subjects) {
    const subjectTitle = `${nameOf(subject.program)}: ${title}`;
    await withProgress(subjectTitle, say, () => measure(subject));
  }
}

/**
 * Shows the step that is running: in a terminal by a spinner, otherwise by a
 * line on stderr if the step needs long.
 */
async function withProgress<T>(
  title: string,
  say: Texts,
  task: () => Promise<T>,
): Promise<T> {
  const isTerminal = process.stdout.isTTY && process.stderr.isTTY;
  if (isTerminal) return withSpinner(title, task);
  const line = `${fill(say.stillRunning, title)}\n`;
  const timer = setTimeout(() => process.stderr.write(line), 20_000);
  try {
    return await task();
  } finally {
    clearTimeout(timer);
  }
}

/** Does a step with a newly started server, unless an earlier step failed. */
async function measureServer(
  { step, measure }: PlannedStep,
  { program, result }: Subject,
  options: Options,
): Promise<void> {
  if (result.failure) return;
  const { idle } = result;
  try {
    const found = await withServer(program, (server) =>
      measure({ server, options, idle }),
    );
    Object.assign(result, found);
  } catch (error) {
    const failure = ServerFailure.from(error);
    Object.assign(result, resultsOfFailedStep(step, failure));
  }
}

function thisMachine(): Machine {
  return {
    system: `${type()} ${release()}`,
    cores: availableParallelism(),
    runtime: `Node ${process.version}`,
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
  const run = from ? await savedRun(from, say) : await compare(options, say);

  // Terminal and page draw the same report.
  const drawn = report(run, say);
  const isStdoutTaken = json === "-";
  if (!isStdoutTaken) await print(terminalText(drawn));
  if (json) await write(json, `${JSON.stringify(run, null, 2)}\n`, language);
  if (html) await write(html, comparePage(drawn), language);

  const hasFailed = run.servers.some((server) => server.failure);
  process.exit(hasFailed ? 1 : 0);
}

if (isMain(import.meta.url)) await runMain("compare", main);
