/**
 * The lecture's closing question, answered by measuring: what differs between
 * the three servers? Starts each of them, sends N clients, shows what happened.
 *
 *   npm run compare
 *   npx tsx scripts/compare.ts --help
 */
import { readFile } from "node:fs/promises";
import { availableParallelism, release, type } from "node:os";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import {
  endEarly,
  readOptions,
  writeJson,
  writePage,
} from "./old/commandLine.ts";
import { toAscii } from "./compare/ascii.ts";
import { clientRun, now, processesAtOnce } from "./compare/clients.ts";
import { growth } from "./compare/growth.ts";
import { allAtOnce } from "./compare/load.ts";
import {
  ctrlC,
  idle,
  inTurn,
  whileOneStays,
  type Doing,
  type Found,
  type Task,
  type Trouble,
} from "./compare/measure.ts";
import { parseOptions, usage, type Options } from "./compare/options.ts";
import { picture } from "./compare/picture.ts";
import { showProgress } from "./compare/progress.ts";
import type { Comparison, Crosswise, ServerResult } from "./compare/result.ts";
import {
  answer,
  details,
  notes,
  parity,
  whosePrice,
} from "./compare/sentences.ts";
import {
  pythonProgram,
  startedBy,
  typescriptProgram,
  type Program,
  type Running,
} from "./compare/servers.ts";
import { table } from "./compare/table.ts";
import { texts } from "./compare/texts.ts";
import { stopAll } from "./processes.ts";

const options = readOptions("compare", usage, parseOptions);
const words = texts[options.lang];
const progress = showProgress();
endEarly("compare", stop);

const { from } = options;
const comparison = from ? await saved(from) : await compare(options);
progress.end();
await show(comparison, options);
await showPage(comparison, options);
if (comparison.servers.some(({ failure }) => failure)) process.exitCode = 1;

/** The four steps, for every server. */
async function compare(options: Options): Promise<Comparison> {
  const date = new Date().toISOString();
  const began = performance.now();
  const { programs, missing } = findPrograms(options);
  const results = programs.map(emptyResult);
  const step = async (
    index: number,
    name: string,
    measure: Step,
    starting?: Promise<Running>,
  ) => {
    const result = results[index]!;
    if (result.failure)
      return starting?.then((server) => server.stop()).catch(() => {});
    const program = programs[index]!;
    Object.assign(result, await oneStep(name, program, measure, starting));
  };
  const sideBySide = (name: string, measure: Step, some = programs) =>
    Promise.all(
      some.map((program) => step(programs.indexOf(program), name, measure)),
    );

  // 1. One after another, as the lecture says; the servers meanwhile side by side.
  await sideBySide("clients in turn", inTurn);

  // What idle connections take needs no quiet: it is measured beside the first server
  // of step 2, which only lets its clients wait. It serves one, the others many.
  const many = programs.filter(({ design }) => design !== "server");
  const beside = () => sideBySide("idle clients", idle, many);
  if (programs[0] === many[0]) await beside();

  // 2. One client stays connected, and N others come.
  // 3. More and more connections echo at once.
  // For that a server has the machine for itself; the next one starts meanwhile.
  const alone = programs.flatMap((program, index) => [
    { index, program, name: "while one stays", measure: whileOneStays },
    { index, program, name: "all at once", measure: allAtOnce },
  ]);
  let next: Promise<Running> | undefined;
  for (const [i, { index, name, measure }] of alone.entries()) {
    const starting = next;
    next = alone[i + 1]?.program.start();
    next?.catch(() => {}); // its own step tells
    const first = i === 0 && programs[0] !== many[0];
    await Promise.all([
      step(index, name, measure, starting),
      first && beside(),
    ]);
  }

  // 4. Ctrl+C with a client connected; side by side again.
  await sideBySide("Ctrl+C", ctrlC);
  const crosswise = options.python ? await crossAll(programs) : [];

  const { clients, stayMs, loadSeconds, grow } = options;
  return {
    machine: {
      system: `${type()} ${release()}`,
      cores: availableParallelism(),
      runtime: `Node ${process.version}`,
      start: startedBy,
    },
    date,
    options: { clients, stayMs, loadSeconds, grow },
    processesAtOnce: Math.min(clients, processesAtOnce),
    tookSeconds: (performance.now() - began) / 1000,
    servers: results,
    crosswise,
    missing,
  };
}

type Step = (task: Task) => Promise<Found>;

function emptyResult({ design, language, file }: Program): ServerResult {
  return { design, language, file, transcript: [] };
}

/**
 * Does one step with a fresh server. Whatever goes wrong is what it finds, with the
 * server's last lines.
 *
 * @param starting the server, where it has been started before
 */
async function oneStep(
  name: string,
  program: Program,
  measure: Step,
  starting = program.start(),
): Promise<Found> {
  const title = words.title(program.design, program.language);
  const tell = (doing: Doing, done?: number, of?: number) =>
    progress.set(
      title,
      doing && words.doing[doing],
      [done, of].filter((number) => number !== undefined).join("/"),
    );
  let server: Running | undefined;
  try {
    tell("starting");
    server = await starting;
    return await measure({ program, server, options, tell });
  } catch (error) {
    const { trouble, output } = error as Error & {
      trouble?: Trouble;
      output?: string;
    };
    const [message = ""] = (error as Error).message.split("\n");
    const lines = (server?.all() ?? output ?? "").trimEnd().split(/\r?\n/);
    const lastLines = lines.slice(-4).map((line) => line.slice(0, 200));
    const failure = { step: name, message, lastLines };
    return { failure: trouble ? { ...failure, trouble } : failure };
  } finally {
    await server?.stop();
    tell("");
  }
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
    let { outcome, text }: Pick<Crosswise, "outcome" | "text"> = {
      outcome: "no answer",
      text: "",
    };
    const { failure } = await oneStep("crosswise", program, async (task) => {
      task.tell("crosswise");
      const { port } = task.server;
      ({ outcome, text } = await clientRun(other, port, now(), 10_000));
      return {};
    });
    text ||= failure?.message ?? "";
    const client = other.language;
    crosswise.push({ client, server: language, design, outcome, text });
  }
  return crosswise;
}

/** A run that --json has written. */
async function saved(file: string): Promise<Comparison> {
  const { options: say } = words;
  try {
    const run: Comparison = JSON.parse(await readFile(file, "utf8"));
    const lists = [run.servers, run.crosswise, run.missing];
    const whole = run.machine && run.options && run.tookSeconds;
    if (!whole || !lists.every(Array.isArray)) throw new SyntaxError();
    return run;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code ? say.cantRead(file, code) : say.notSaved(file);
    process.stderr.write(`compare: ${why}\n`);
    return process.exit(2);
  }
}

/** Views of one object: picture, answer, table, curves, JSON. */
async function show(
  comparison: Comparison,
  { json, all, ascii }: Options,
): Promise<void> {
  if (json === "-") return writeJson("compare", json, comparison);
  const { servers, machine, options, processesAtOnce, tookSeconds } =
    comparison;
  const columns = process.stdout.columns || 80;
  const { headings } = words;
  const drawn = picture(servers, columns, words);
  const curves = options.grow || all ? growth(servers, columns, words) : "";
  const wrap = (text: string) => wrapAnsi(text, columns, { hard: true });
  const sentence = (text: string) =>
    wrapAnsi(text, columns - 2, { hard: true })
      .replace(/^/gm, "  ")
      .replace(/^ /, "-");
  const heading = (text: string) => chalk.bold.underline(text);
  const conditions = words.conditions(
    options.clients,
    processesAtOnce,
    machine.cores,
    tookSeconds.toFixed(1),
    [machine.runtime, all && machine.start, machine.system]
      .filter(Boolean)
      .join(", "),
  );
  const parts = [
    drawn && heading(headings.picture),
    drawn,
    heading(headings.answer),
    ...[
      ...answer(comparison, words),
      ...whosePrice(comparison, words),
      ...parity(comparison, words),
      ...(all ? details(comparison, words) : []),
    ].map(sentence),
    ...notes(comparison, words).map((note) => chalk.yellow(sentence(note))),
    heading(headings.figures),
    table(comparison, columns, all, words),
    curves && heading(headings.growth),
    curves,
    chalk.dim(wrap(conditions)),
    !all && !from && chalk.dim(wrap(words.more)),
  ];
  const text = `${parts.filter(Boolean).join("\n")}\n`;
  process.stdout.write(ascii ? toAscii(text) : text);
  if (json) await writeJson("compare", json, comparison);
}

/** The page that --html asks for; a second passes until what draws it is loaded. */
async function showPage(
  comparison: Comparison,
  { html, open, lang }: Options,
): Promise<void> {
  if (!html) return;
  const { comparePage } = await import("./compare/page.ts");
  await writePage("compare", html, await comparePage(comparison, lang), open);
}

/** Ends early: no process is left, and the terminal is clean. */
async function stop(code: number): Promise<void> {
  progress.end();
  await stopAll();
  process.exit(code);
}
