/**
 * compare's command line: what it accepts, and what it says about a mistake.
 */
import * as assert from "uvu/assert";
import { parseFlags, UsageError } from "../scripts/commandLine.ts";
import {
  flags,
  readOptions,
  type Options,
} from "../scripts/compare/options.ts";
import { savedRun } from "../scripts/compare/savedRun.ts";
import { textsIn } from "../scripts/compare/texts.ts";
import { languages } from "../scripts/language.ts";
import { launch } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";
import { nodeCommand } from "./helpers/programs.ts";

const test = suite("options of compare");

const english = textsIn("en");

/** Reads a command line. */
function optionsOf(commandLine: string): Options {
  const args = commandLine ? commandLine.split(" ") : [];
  return readOptions(parseFlags(args, flags), english);
}

/**
 * The message about a mistake in a command line, or in the run that it names.
 */
async function mistakeIn(commandLine: string): Promise<string> {
  try {
    const { from = "" } = optionsOf(commandLine);
    await savedRun(from, english);
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as UsageError).message;
  }
  throw new Error("there is no mistake");
}

interface Mistake {
  args: string;
  message: string;
}

const packageJson = projectFile("package.json");
const otherFile = "--html must be a file other than those of --json and --from";
const notSaved =
  "unreadable, or not a complete run that this version has saved with --json";

const mistakes: Mistake[] = [
  { args: "--nonsense", message: "unknown option --nonsense" },
  { args: "-x", message: "unknown option -x" },
  { args: "word", message: "unexpected argument word" },
  {
    args: "--clients",
    message: "--clients: the value is missing, or the option takes no value",
  },
  {
    args: "--json=",
    message: "--json: the value is missing, or the option takes no value",
  },
  {
    args: "--grow=1",
    message: "--grow: the value is missing, or the option takes no value",
  },
  { args: "--lang fr", message: "--lang must be en, ko" },
  { args: "-n 0", message: "--clients must be 1-200" },
  { args: "-n 201", message: "--clients must be 1-200" },
  { args: "-n 1e1", message: "--clients must be 1-200" },
  { args: "--load 0.05", message: "--load must be 0.1-60" },
  { args: "--load 60.1", message: "--load must be 0.1-60" },
  { args: "--load 1e1", message: "--load must be 0.1-60" },
  {
    args: "--only server,robot",
    message: "--only must be server,forever,async",
  },
  {
    args: "--python nowhere",
    message: "--python must be an existing folder",
  },
  { args: "--html -", message: otherFile },
  { args: "--html a --json a", message: otherFile },
  { args: "--html a --from a", message: otherFile },
  {
    args: "--from a -n 3",
    message:
      "--from shows a saved run: it can't be used together with --clients",
  },
  {
    args: "--from a --grow",
    message: "--from shows a saved run: it can't be used together with --grow",
  },
  {
    args: "--from nowhere",
    message: `--from nowhere: ${notSaved} (ENOENT)`,
  },
  {
    args: `--from ${packageJson}`,
    message: `--from ${packageJson}: ${notSaved}`,
  },
];

for (const { args, message } of mistakes)
  test(`a mistake: ${args.replace(packageJson, "package.json")}`, async () => {
    assert.is(await mistakeIn(args), message);
  });

test("a mistake is one line on stderr, and exit code 2", async () => {
  const compare = launch([...nodeCommand("scripts/compare.ts"), "-n", "0"]);

  const { code } = await compare.exit(30_000);

  assert.is(code, 2);
  assert.equal(compare.output, {
    stdout: "",
    stderr: "compare: --clients must be 1-200; see --help\n",
  });
});

interface Accepted {
  args: string;
  options: Partial<Options>;
}

const accepted: Accepted[] = [
  {
    args: "",
    options: {
      clients: 10,
      loadSeconds: 0.4,
      grow: false,
      designs: ["server", "forever", "async"],
    },
  },
  { args: "-n 1 --load 0.1", options: { clients: 1, loadSeconds: 0.1 } },
  { args: "-n 200 --load 60", options: { clients: 200, loadSeconds: 60 } },
  { args: "--grow", options: { grow: true } },
  { args: "--only async,server", options: { designs: ["server", "async"] } },
  { args: "--python .", options: { python: "." } },
  {
    args: "--from a --json b --html c",
    options: { from: "a", json: "b", html: "c" },
  },
];

for (const { args, options } of accepted)
  test(`accepted: ${args || "no options"}`, async () => {
    const given = optionsOf(args);

    for (const [name, value] of Object.entries(options))
      assert.equal(given[name as keyof Options], value, name);
  });

for (const language of languages) {
  const { usage } = textsIn(language);

  test(`--help names every option, in ${language}`, async () => {
    const matches = [...usage.matchAll(/--(?<name>[a-z]+)/g)];
    const named = new Set(matches.map(({ groups }) => groups!.name!));

    assert.equal([...named].sort(), Object.keys(flags).sort());
  });

  test(`--help fits on a terminal, in ${language}`, async () => {
    const tooLong = usage.split("\n").filter((line) => line.length > 80);

    assert.equal(tooLong, []);
  });
}

test.run();
