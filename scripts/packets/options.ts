/** The command line of packets. */
import { expectAllowed, UsageError, type Flags } from "../commandLine.ts";
import { designs } from "../designs.ts";
import type { Language } from "../language.ts";
import type { Run, Watched } from "./recording.ts";
import { recordingNames, type RecordingName } from "./recordings.ts";
import type { Texts } from "./texts.ts";
import { loopbackInterface } from "./tshark.ts";

/** The options, in the form that parseFlags() expects. */
export const flags = {
  server: { type: "string" },
  message: { type: "string" },
  bytes: { type: "string" },
  refused: { type: "boolean" },
  reset: { type: "boolean" },
  robot: { type: "boolean" },
  show: { type: "string" },
  watch: { type: "boolean" },
  port: { type: "string" },
  interface: { type: "string" },
  save: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  lang: { type: "string" },
  help: { type: "boolean" },
} as const;

type GivenFlags = Flags<typeof flags>;
type FlagName = keyof typeof flags;

/** The options of a run, checked. */
export interface Options {
  /** The run that is captured, unless a recording is shown. */
  run: Run;
  /** The recording that is shown, and nothing is run. */
  show?: RecordingName;
  /** What is watched, and nothing is run. */
  watch?: Watched;
  /** The file for the packets, as pcapng. */
  save?: string;
  /** The file for the recording, as JSON; "-" is stdout. */
  json?: string;
  /** The file for the web page; "-" is stdout. */
  html?: string;
}

/** Options for special runs, instead of the lecture's client and a server. */
const specialRuns = ["refused", "reset", "robot"] as const;

/** Options that can't be combined. */
const conflicts: { option: FlagName; excludes: FlagName[] }[] = [
  {
    option: "watch",
    excludes: ["show", "server", "message", "bytes", ...specialRuns],
  },
  {
    option: "show",
    excludes: ["server", "message", "bytes", ...specialRuns, "save"],
  },
  { option: "refused", excludes: ["reset", "robot", "server"] },
  { option: "robot", excludes: ["reset", "message", "bytes"] },
  { option: "reset", excludes: ["server"] },
  { option: "message", excludes: ["bytes"] },
];

/**
 * Windows allows no longer command lines, and --bytes becomes the client's
 * --message.
 */
const mostBytes = 30_000;

const highestPort = 65_535;

/**
 * Checks the values and the combination of the options.
 *
 * @param given what parseFlags() has returned
 * @throws UsageError for a value or a combination that isn't allowed
 */
export function parseOptions(given: GivenFlags, say: Texts): Options {
  const { language } = say;
  const { server = "server", show, bytes = "1", save, json, html } = given;
  const design = oneOf("--server", designs, server, language);
  const recording =
    show === undefined
      ? undefined
      : oneOf("--show", recordingNames, show, language);
  const isNumber = /^[1-9]\d*$/.test(bytes) && Number(bytes) <= mostBytes;
  expectAllowed("--bytes", `1-${mostBytes}`, isNumber, language);
  expectNoConflict(given, say);

  const kind = specialRuns.find((name) => given[name]) ?? "client";
  const run: Run = { kind, server: design, message: messageOf(given) };
  return { run, show: recording, watch: watchOf(given, say), save, json, html };
}

/** The port of the lecture's servers, unless they get another one. */
const lecturePort = "65432";

/** @throws UsageError for a port that isn't allowed, or without --watch */
function watchOf(given: GivenFlags, say: Texts): Watched | undefined {
  const { watch, port = lecturePort, interface: name } = given;
  for (const option of ["port", "interface"] as const)
    if (option in given && !watch)
      throw new UsageError(say.onlyWith(`--${option}`, "--watch"));
  const isPort = /^[1-9]\d{0,4}$/.test(port) && Number(port) <= highestPort;
  expectAllowed("--port", `1-${highestPort}`, isPort, say.language);
  if (!watch) return undefined;
  return {
    kind: "watch",
    port: Number(port),
    interface: name ?? loopbackInterface(),
  };
}

/**
 * Finds the value of an option among its allowed values.
 *
 * @throws UsageError if it isn't one of them
 */
function oneOf<Name extends string>(
  option: string,
  names: readonly Name[],
  value: string,
  language: Language,
): Name {
  const found = names.find((name) => name === value);
  expectAllowed(option, names.join(", "), found !== undefined, language);
  return found!;
}

/** @throws UsageError if two options can't be combined */
function expectNoConflict(given: GivenFlags, say: Texts): void {
  const isGiven = (name: FlagName) => name in given;
  for (const { option, excludes } of conflicts) {
    const other = excludes.find(isGiven);
    if (isGiven(option) && other)
      throw new UsageError(`--${option}, --${other}: ${say.together}`);
  }
}

/** The text that the client sends. */
function messageOf({ message, bytes, robot }: GivenFlags): string {
  if (message !== undefined) return message;
  if (bytes !== undefined) return "x".repeat(Number(bytes));
  return robot ? "hello socket from robot\n" : "Hello, Server!";
}
