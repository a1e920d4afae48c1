/** The command lines of the scripts: their options, errors and output. */
import { existsSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { chalk } from "zx/core";
import {
  inLanguage,
  languageOf,
  languages,
  type Language,
} from "./language.ts";

const texts = {
  unknown: [
    (option: string) => `unknown option ${option}`,
    (option: string) => `${option} 옵션은 없습니다`,
  ],
  wrongUse: [
    (option: string) =>
      `${option}: the value is missing, or the option takes no value`,
    (option: string) => `${option}: 값이 없거나, 값을 줄 수 없는 옵션입니다`,
  ],
  unexpected: [
    (word: string) => `unexpected argument ${word}`,
    (word: string) => `필요 없는 인자입니다: ${word}`,
  ],
  mustBe: [
    (option: string, allowed: string) => `${option} must be ${allowed}`,
    (option: string, allowed: string) =>
      `${option}에 쓸 수 있는 값: ${allowed}`,
  ],
  seeHelp: ["see --help", "옵션 목록은 --help로 볼 수 있습니다"],
  cantWrite: [
    (file: string, why: string) => `can't write ${file} (${why})`,
    (file: string, why: string) => `${file}에 쓸 수 없습니다(${why})`,
  ],
} as const;

/** An error that a user can cause: runMain() prints its message as one line. */
export class ScriptError extends Error {
  readonly exitCode: number;

  /** @param exitCode the script's exit code */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A mistake in the command line. */
export class UsageError extends ScriptError {
  constructor(message: string) {
    super(message, 2);
  }
}

/**
 * Python's `__name__ == "__main__"`: whether a file was started, with or
 * without its .ts, and not imported.
 *
 * @param url the file's import.meta.url
 */
export function isMain(url: string): boolean {
  const [, started = ""] = process.argv;
  const files = [started, `${started}.ts`].filter((file) => existsSync(file));
  return files.some((file) => pathToFileURL(realpathSync(file)).href === url);
}

/**
 * Runs a script's main function. If it throws a ScriptError, prints its message
 * as one line on stderr and exits with the error's code.
 *
 * @param script the script's name, the prefix of its messages
 * @throws any other error of main
 */
export async function runMain(
  script: string,
  main: (args: string[]) => Promise<void>,
): Promise<void> {
  const args = process.argv.slice(2);
  if (process.env.NO_COLOR) chalk.level = 0;
  try {
    await main(args);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    const say = inLanguage(texts, languageOf(args));
    const advice = error instanceof UsageError ? `; ${say.seeHelp}` : "";
    quit(script, `${error.message}${advice}`, error.exitCode);
  }
}

/** Prints one line on stderr and exits. */
function quit(script: string, message: string, exitCode: number): never {
  process.stderr.write(`${script}: ${message}\n`);
  process.exit(exitCode);
}

/** The options of a script, as Node's parseArgs describes them. */
type FlagOptions = NonNullable<ParseArgsConfig["options"]>;

/** The value of each option that was given. */
export type Flags<Options extends FlagOptions> = ReturnType<
  typeof parseArgs<{ options: Options }>
>["values"];

/** The options of a command line, and its other words. */
export interface CommandLine<Options extends FlagOptions> {
  /** The value of each option that was given. */
  flags: Flags<Options>;
  /** The words that are not options, for example the name of a folder. */
  words: string[];
}

/**
 * Parses a command line that has only options.
 *
 * @param args the words after the script's name
 * @param options the options that the script has
 * @returns the value of each option that was given
 * @throws UsageError, in the language that the command line asks for
 */
export function parseFlags<Options extends FlagOptions>(
  args: string[],
  options: Options,
): Flags<Options> {
  return parseCommandLine(args, options, { mostWords: 0 }).flags;
}

/**
 * Parses a command line.
 *
 * @param args the words after the script's name
 * @param options the options that the script has
 * @param limits how many other words the script accepts
 * @throws UsageError, in the language that the command line asks for
 */
export function parseCommandLine<Options extends FlagOptions>(
  args: string[],
  options: Options,
  { mostWords }: { mostWords: number },
): CommandLine<Options> {
  const say = inLanguage(texts, languageOf(args));
  const words: string[] = [];
  // Not strict: Node's own messages are in English only.
  const parsed = parseArgs({ args, options, strict: false, tokens: true });
  for (const token of parsed.tokens) {
    if (token.kind === "positional") {
      if (words.length === mostWords)
        throw new UsageError(say.unexpected(token.value));
      words.push(token.value);
    }
    if (token.kind !== "option") continue;

    const option = options[token.name];
    if (!option) throw new UsageError(say.unknown(token.rawName));
    if (!isUsedRightly(option.type, token))
      throw new UsageError(say.wrongUse(`--${token.name}`));
  }
  const { lang } = parsed.values;
  const isLanguage = languages.some((language) => language === lang);
  if (lang !== undefined && !isLanguage)
    throw new UsageError(say.mustBe("--lang", languages.join(", ")));
  return { flags: parsed.values as Flags<Options>, words };
}

/** Whether an option that needs a value has one, and a switch has no value. */
function isUsedRightly(
  type: "string" | "boolean",
  { value, inlineValue }: { value?: string; inlineValue?: boolean },
): boolean {
  if (type === "boolean") return value === undefined;
  if (!value) return false;
  // "--json --html": the second word is an option. "--json=--html" makes it a
  // value.
  return inlineValue === true || !/^-./.test(value);
}

/**
 * Checks the value of an option.
 *
 * @param allowed the allowed values, for the message
 * @throws UsageError unless the value is allowed
 */
export function expectAllowed(
  option: string,
  allowed: string,
  isAllowed: boolean,
  language: Language,
): void {
  if (isAllowed) return;
  const say = inLanguage(texts, language);
  throw new UsageError(say.mustBe(option, allowed));
}

/**
 * Shows a spinner with a text while a task runs, if the terminal can erase it
 * again.
 */
export async function withSpinner<T>(what: string, task: () => Promise<T>) {
  const { stdout, stderr, env } = process;
  if (!stdout.isTTY || !stderr.isTTY || env.TERM === "dumb") return task();
  // zx is slow to load, so only this function imports it.
  const { spinner } = await import("zx");
  return spinner(what, task) as Promise<T>;
}

/**
 * Writes the file that an option asks for.
 *
 * @param file its path; "-" is stdout
 * @throws ScriptError when the file can't be written
 */
export async function write(
  file: string,
  text: string,
  language: Language,
): Promise<void> {
  if (file === "-") return print(text);
  try {
    await writeFile(file, text);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const say = inLanguage(texts, language);
    throw new ScriptError(say.cantWrite(file, code));
  }
}

/** Writes to stdout and waits until all is written. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

export interface EarlyExitOptions {
  /** The script's name, the prefix of its messages. */
  script: string;
  language: Language;
  /**
   * Stops the processes that were started, then exits with this code; by
   * default process.exit.
   */
  stop?: (exitCode: number) => unknown;
}

/**
 * Exits early on Ctrl+C, when the terminal is closed, and when stdout can't be
 * written. It does so once, however often the signal arrives: npm passes on the
 * Ctrl+C that the terminal has already sent.
 */
export function exitEarly(options: EarlyExitOptions): void {
  const { script, language, stop = process.exit } = options;
  let isStopping = false;

  function exit(exitCode: number): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K"); // the spinner
    if (isStopping) return;
    isStopping = true;
    void stop(exitCode);
  }
  process.on("SIGHUP", () => exit(129));
  process.on("SIGINT", () => exit(130));
  process.on("SIGTERM", () => exit(143));

  process.stdout.on("error", ({ code = "" }: NodeJS.ErrnoException) => {
    // The reader has exited: `| head`. Windows calls it EOF.
    if (code === "EPIPE" || code === "EOF") return exit(1);
    const say = inLanguage(texts, language);
    quit(script, say.cantWrite("stdout", code), 1);
  });
}
