/** compare's command line. */
import { existsSync } from "node:fs";
import { expectAllowed, UsageError, type Flags } from "../commandLine.ts";
import { designs, scriptNames, type Design } from "../designs.ts";
import { fill, type Texts } from "./texts.ts";

/** The options, as Node's parseArgs describes them. */
export const flags = {
  clients: { type: "string", short: "n" },
  load: { type: "string" },
  grow: { type: "boolean" },
  only: { type: "string" },
  python: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  from: { type: "string" },
  lang: { type: "string" },
  help: { type: "boolean" },
} as const;

/** The value of each option that was given. */
type GivenFlags = Flags<typeof flags>;

/** The values of options that were not given. */
export const defaults = { clients: "10", load: "0.4" };

/** The values of the options. */
export interface Options {
  /** How many clients there are in each step. */
  clients: number;
  /** How long the load of that number of connections is measured. */
  loadSeconds: number;
  /** Measures the load of more numbers of connections. */
  grow: boolean;
  designs: Design[];
  /** The folder of the Python originals. */
  python?: string;
  /** The file for the results as JSON; "-" is stdout. */
  json?: string;
  /** The file for the page. */
  html?: string;
  /** The file of a saved run, which is shown instead of a new one. */
  from?: string;
}

/**
 * Reads the options of a command line.
 *
 * @throws UsageError for a value or a combination that is not allowed
 */
export function readOptions(given: GivenFlags, say: Texts): Options {
  const { python, json, html, from, grow = false } = given;
  const clients = given.clients ?? defaults.clients;
  const load = given.load ?? defaults.load;
  const only = given.only?.split(",") ?? designs;

  function expect(option: string, allowed: string, isAllowed: boolean): void {
    expectAllowed(option, allowed, isAllowed, say.language);
  }
  const isCount = /^\d+$/.test(clients) && isBetween(clients, 1, 200);
  expect("--clients", "1-200", isCount);

  const isDuration = /^\d+(\.\d+)?$/.test(load) && isBetween(load, 0.1, 60);
  expect("--load", "0.1-60", isDuration);

  const areDesigns = only.every((name) => Object.hasOwn(scriptNames, name));
  expect("--only", designs.join(), areDesigns);

  const isFolder = !python || existsSync(`${python}/`);
  expect("--python", say.folder, isFolder);

  const isOwnFile = !html || !["-", json, from].includes(html);
  expect("--html", say.anotherFile, isOwnFile);

  if (from) expectNoNewRun(given, say);
  return {
    clients: Number(clients),
    loadSeconds: Number(load),
    grow,
    designs: designs.filter((design) => only.includes(design)),
    python,
    json,
    html,
    from,
  };
}

function isBetween(text: string, least: number, most: number): boolean {
  return Number(text) >= least && Number(text) <= most;
}

/**
 * Checks that --from is used without the options of a new run.
 *
 * @throws UsageError that names the first of them
 */
function expectNoNewRun(given: GivenFlags, say: Texts): void {
  const ofNewRun = ["clients", "load", "grow", "only", "python"];
  const option = ofNewRun.find((name) => name in given);
  if (option) throw new UsageError(fill(say.noNewRun, `--${option}`));
}
