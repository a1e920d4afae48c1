/** Runs that compare has saved as JSON: read and checked. */
import { readFile } from "node:fs/promises";
import { UsageError } from "../commandLine.ts";
import { designs } from "../designs.ts";
import type { ExitStatus } from "../launch.ts";
import type {
  ClientRun,
  CtrlC,
  Failure,
  GrowthEnd,
  Idle,
  Load,
  LoadWindow,
  Machine,
  Run,
  RunOptions,
  ServerResult,
  Stay,
  Visit,
} from "./result.ts";
import { fill, textsIn, type Texts } from "./texts.ts";

/**
 * Reads a run that --json has written.
 *
 * @throws UsageError if the file can't be read or is no whole run of this
 *   version
 */
export async function savedRun(file: string, say: Texts): Promise<Run> {
  try {
    return parseRun(await readFile(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(fill(say.notSaved, file, code ? ` (${code})` : ""));
  }
}

/**
 * Parses the contents of a saved run.
 *
 * @throws Error unless it is a whole run of this version
 */
export function parseRun(bytes: Buffer): Run {
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  const run: unknown = JSON.parse(text);
  checkRun(run);
  return run;
}

/** The encoding by the byte order mark. PowerShell's > writes UTF-16. */
function encodingOf(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return "utf-8";
}

/**
 * Checks that a value is a whole run of this version.
 *
 * @throws Error that names the first field that is missing or wrong
 */
export function checkRun(run: unknown): asserts run is Run {
  const version = run && (run as Partial<Run>).version;
  if (version !== 2) throw new Error("the run is of another version");
  isRun(run, "run");
}

/**
 * Checks a value of a run.
 *
 * @param path the path of the value, for the message: "run.servers[0].file"
 * @throws Error that names the path of the missing or wrong value
 */
type Check = (value: unknown, path: string) => void;

/** Throws that a value is not what it should be. */
function refuse(value: unknown, path: string, wanted: string): never {
  const state = value === undefined ? "is missing" : `is no ${wanted}`;
  throw new Error(`${path} ${state}`);
}

const isNumber: Check = (value, path) => {
  if (!Number.isFinite(value)) refuse(value, path, "number");
};

const isText: Check = (value, path) => {
  if (typeof value !== "string") refuse(value, path, "text");
};

const isBoolean: Check = (value, path) => {
  if (typeof value !== "boolean") refuse(value, path, "boolean");
};

const isDate: Check = (value, path) => {
  const isValid = typeof value === "string" && !isNaN(Date.parse(value));
  if (!isValid) refuse(value, path, "date");
};

function isOneOf(...allowed: unknown[]): Check {
  return (value, path) => {
    if (!allowed.includes(value)) refuse(value, path, "value of this field");
  };
}

/** The value is allowed to be missing. */
function optional(check: Check): Check {
  return (value, path) => {
    if (value !== undefined) check(value, path);
  };
}

function nullOr(check: Check): Check {
  return (value, path) => {
    if (value !== null) check(value, path);
  };
}

function isListOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) refuse(value, path, "list");
    for (const [index, item] of value.entries())
      check(item, `${path}[${index}]`);
  };
}

/** A check for each field of an object. A field without one is a type error. */
type Checks<T> = { [Field in keyof T]-?: Check };

function isObject<T>(checks: Checks<T>): Check {
  return (value, path) => {
    if (typeof value !== "object" || value === null)
      refuse(value, path, "object");
    const fields = value as Record<string, unknown>;
    for (const [name, check] of Object.entries<Check>(checks))
      check(fields[name], `${path}.${name}`);
  };
}

/** The names that are allowed in results: those with a text. */
const texts = textsIn("en");
const isOutcome = isOneOf(...Object.keys(texts.outcome));
const isStep = isOneOf(...Object.keys(texts.step));
const isTrouble = isOneOf(...Object.keys(texts.trouble));

const isClientRun = isObject<ClientRun>({
  outcome: isOutcome,
  text: isText,
});

const hasFieldsOfVisit = isObject<Visit>({
  connectedMs: optional(isNumber),
  reportedMs: isNumber,
  outcome: isOutcome,
});

const isVisit: Check = (value, path) => {
  hasFieldsOfVisit(value, path);
  const { outcome, connectedMs } = value as Visit;
  // Only a connected client can be answered.
  if (outcome === "answered") isNumber(connectedMs, `${path}.connectedMs`);
};

const isStay = isObject<Stay>({
  leftMs: isNumber,
  clients: isListOf(isVisit),
});

const isIdle = isObject<Idle>({
  connections: isNumber,
  perClientMB: isNumber,
  perClientThreads: isNumber,
  threadStartMs: optional(isNumber),
});

const isWindow = isObject<LoadWindow>({
  seconds: isNumber,
  echoesPerSecond: isNumber,
});

const isLoad = isObject<Load>({
  connections: isNumber,
  seconds: isNumber,
  windows: isListOf(isWindow),
  echoesPerSecond: isNumber,
  p50Ms: isNumber,
  p99Ms: isNumber,
  oldestWaitMs: isNumber,
  coresUsed: optional(isNumber),
  cpuPerEchoUs: optional(isNumber),
});

const isGrowthEnd = isObject<GrowthEnd>({
  trouble: isTrouble,
  detail: isText,
  connections: isNumber,
});

const isFailure = isObject<Failure>({
  trouble: isTrouble,
  detail: isText,
  step: isStep,
  lastLines: isListOf(isText),
});

const isExit = isObject<ExitStatus>({
  code: nullOr(isNumber),
  signal: nullOr(isText),
});

const hasFieldsOfCtrlC = isObject<CtrlC>({
  echoed: isBoolean,
  disconnected: isBoolean,
  exit: isExit,
});

const isCtrlC: Check = (value, path) => {
  if (value !== "not on this system") hasFieldsOfCtrlC(value, path);
};

const isServer = isObject<ServerResult>({
  design: isOneOf(...designs),
  language: isOneOf("TypeScript", "Python"),
  file: isText,
  inTurn: optional(isListOf(isClientRun)),
  idle: optional(isIdle),
  stay: optional(isStay),
  growth: optional(isListOf(isLoad)),
  load: optional(isLoad),
  growthEnd: optional(isGrowthEnd),
  ctrlC: optional(isCtrlC),
  failure: optional(isFailure),
});

const isMachine = isObject<Machine>({
  system: isText,
  cores: isNumber,
  runtime: isText,
});

const isRunOptions = isObject<RunOptions>({
  clients: isNumber,
  loadSeconds: isNumber,
  grow: isBoolean,
});

const isRun = isObject<Run>({
  version: isOneOf(2),
  machine: isMachine,
  date: isDate,
  options: isRunOptions,
  tookSeconds: isNumber,
  stoppedSeconds: optional(isNumber),
  servers: isListOf(isServer),
  missing: isListOf(isText),
});
