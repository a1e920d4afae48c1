/**
 * The lecture's closing question, answered by measuring: what differs between
 * the three servers? Starts each of them, sends N clients, shows what happened.
 *
 *   npm run compare
 *   npm run compare -- --help
 */
import { availableParallelism, release, type } from "node:os";
import { chalk } from "zx";
import { endEarly, readOptions, writeJson } from "./commandLine.ts";
import { clientRun, processesAtOnce } from "./compare/clients.ts";
import {
  allAtOnce,
  ctrlC,
  emptyResult,
  inTurn,
  step,
  whileSomeoneStays,
} from "./compare/measure.ts";
import { parseOptions, usage, type Options } from "./compare/options.ts";
import { picture } from "./compare/picture.ts";
import { showProgress } from "./compare/progress.ts";
import type { ClientRun, Comparison, Crosswise } from "./compare/result.ts";
import { sentences } from "./compare/sentences.ts";
import {
  pythonProgram,
  startedBy,
  typescriptProgram,
  type Program,
} from "./compare/servers.ts";
import { table } from "./compare/table.ts";
import { titleOf } from "./compare/words.ts";
import { stopAll } from "./launch.ts";

const options = readOptions("compare", usage, parseOptions);
const progress = showProgress();
endEarly("compare", stop);

const comparison = await compare(options);
progress.end();
await show(comparison, options);
process.exitCode = comparison.servers.some(({ failure }) => failure) ? 1 : 0;

/** The four steps, for every server. */
async function compare(options: Options): Promise<Comparison> {
  const began = performance.now();
  const { programs, missing } = findPrograms(options);
  const all = programs.map((program) => ({
    program,
    result: emptyResult(program),
    tell(done: number, of: number, what: string) {
      progress.set(titleOf(program), `${what} ${done}/${of}`);
    },
  }));
  for (const { tell } of all) tell(0, options.clients, "starts, clients");
  const ended = ({ program }: (typeof all)[number]) =>
    progress.set(titleOf(program), "");

  // 1. One after another, as the lecture says; the servers meanwhile side by side.
  await Promise.all(
    all.map(async (each) => {
      const { program, result, tell } = each;
      await step("clients in turn", program, result, (server) =>
        inTurn(program, server, result, options, tell),
      );
      ended(each);
    }),
  );
  for (const each of all) {
    const { program, result, tell } = each;
    // 2. One client stays connected, and N others come.
    await step("while one stays", program, result, (server) =>
      whileSomeoneStays(program, server, result, options, tell),
    );
    // 3. N connections echo at once.
    await step("all at once", program, result, (server) =>
      allAtOnce(program, server, result, options, tell),
    );
    ended(each);
  }
  // 4. Ctrl+C with a client connected; side by side again.
  await Promise.all(
    all.map(async (each) => {
      const { program, result, tell } = each;
      await step("Ctrl+C", program, result, (server) =>
        ctrlC(server, result, tell),
      );
      ended(each);
    }),
  );
  const crosswise = options.python ? await crossAll(programs) : [];

  return {
    machine: {
      system: `${type()} ${release()}`,
      cores: availableParallelism(),
      runtime: `Node ${process.version}`,
      start: startedBy,
    },
    options: {
      clients: options.clients,
      stayMs: options.stayMs,
      loadSeconds: options.loadSeconds,
    },
    processesAtOnce: Math.min(options.clients, processesAtOnce),
    tookSeconds: (performance.now() - began) / 1000,
    servers: all.map(({ result }) => result),
    crosswise,
    missing,
  };
}

/** The servers to compare, Python's before its port. */
function findPrograms({ only, python }: Options) {
  const missing: string[] = [];
  const programs = only.flatMap((design): Program[] => {
    const ours = typescriptProgram(design);
    const original = python ? pythonProgram(design, python) : undefined;
    if (typeof original === "string") missing.push(original);
    return typeof original === "object" ? [original, ours] : [ours];
  });
  return { programs, missing };
}

/** Each language's client with the other language's servers. */
async function crossAll(programs: Program[]): Promise<Crosswise[]> {
  const crosswise: Crosswise[] = [];
  for (const program of programs) {
    const { design, language } = program;
    const other = programs.find(
      (other) => other.design === design && other.language !== language,
    );
    if (!other) continue;
    progress.set(titleOf(program), `${other.language} client`);
    const result = emptyResult(program);
    let run: Pick<ClientRun, "outcome" | "text"> | undefined;
    await step("crosswise", program, result, async (server) => {
      run = await clientRun(other.client(server.port), performance.now());
    });
    const { outcome, text } = run ?? {
      outcome: "no answer",
      text: result.failure?.message ?? "",
    };
    const client = other.language;
    crosswise.push({ client, server: language, design, outcome, text });
    progress.set(titleOf(program), "");
  }
  return crosswise;
}

/** Four views of one object: picture, table, sentences, JSON. */
async function show(comparison: Comparison, { json }: Options): Promise<void> {
  if (json === "-") return writeJson("compare", json, comparison);
  const { machine, options, processesAtOnce, tookSeconds } = comparison;
  const columns = process.stdout.columns || 80;
  const drawn = picture(comparison.servers, columns);
  const parts = [
    drawn && chalk.bold.underline("While one client stays"),
    drawn,
    chalk.bold.underline("What was measured"),
    table(comparison, columns),
    comparison.servers.some(({ language }) => language === "Python") &&
      "x: TypeScript divided by Python",
    chalk.bold.underline("What differed"),
    ...sentences(comparison).map((sentence) => `- ${sentence}`),
    chalk.dim(
      `${options.clients} clients, ${processesAtOnce} processes at the same moment at most; ${machine.runtime}, scripts started by ${machine.start}, ${machine.cores} cores, ${machine.system}; took ${tookSeconds.toFixed(1)} s`,
    ),
  ];
  process.stdout.write(`${parts.filter(Boolean).join("\n")}\n`);
  if (json) await writeJson("compare", json, comparison);
}

/** Ends early: no process is left, and the terminal is clean. */
async function stop(code: number): Promise<void> {
  progress.end();
  await stopAll();
  process.exit(code);
}
