/** What the command lines of compare and packets have in common. */
import { existsSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { chalk } from "zx/core";
import { inLanguage, languageOf, languages } from "./language.ts";

/** The script's name, which begins its messages. */
const script = basename(process.argv[1] ?? "").replace(/\.[jt]s$/, "");

/** The language of this run. */
export const language = languageOf(process.argv.slice(2));

const say = inLanguage(
  {
    ERR_PARSE_ARGS_UNKNOWN_OPTION: [
      (it: string) => `there is no option ${it}`,
      (it: string) => `${it} 옵션은 없습니다`,
    ],
    ERR_PARSE_ARGS_INVALID_OPTION_VALUE: [
      (it: string) => `${it}: its value is missing, or it takes none`,
      (it: string) => `${it}: 값이 없거나, 값을 줄 수 없는 옵션입니다`,
    ],
    ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL: [
      (it: string) => `${it} is no option`,
      (it: string) => `${it}: 옵션이 아닙니다`,
    ],
    takes: [
      (flag: string, what: string) => `${flag} takes ${what}`,
      (flag: string, what: string) => `${flag}에 쓸 수 있는 값: ${what}`,
    ],
    listed: ["--help lists the options", "옵션 목록은 --help로 볼 수 있습니다"],
    cantWrite: [
      (file: string, why: string) => `can't write ${file} (${why})`,
      (file: string, why: string) => `${file} 파일에 쓸 수 없습니다(${why})`,
    ],
  },
  language,
);

/**
 * Python's `__name__ == "__main__"`: a file was started, with or without its .ts, not
 * imported.
 *
 * @param url the file's import.meta.url
 */
export function isMain(url: string): boolean {
  const [, started = ""] = process.argv;
  const files = [started, `${started}.ts`].filter((file) => existsSync(file));
  return files.some((file) => pathToFileURL(realpathSync(file)).href === url);
}

/** Says in one line why the script ends, and ends it. */
export function quit(why: string, code: number): never {
  process.stderr.write(`${script}: ${why}\n`);
  process.exit(code);
}

/** Ends the script, since its command line is wrong. */
export function mistake(why: string): never {
  quit(`${why}; ${say.listed}`, 2);
}

/** Ends the script where an option has a value that it doesn't take. */
export function takes(flag: string, what: string, holds: unknown): void {
  if (!holds) mistake(say.takes(flag, what));
}

/**
 * Reads the command line; on --help or a mistake it says what to write and exits.
 *
 * @param usage the text of --help
 * @param options what may be there, as parseArgs wants it
 */
export function readFlags<T extends NonNullable<ParseArgsConfig["options"]>>(
  usage: string,
  options: T,
) {
  if (process.env.NO_COLOR) chalk.level = 0;
  try {
    const { values } = parseArgs({ options });
    for (const [flag, value] of Object.entries(values))
      if (value === "")
        mistake(say.ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`--${flag}`));
    const { help, lang } = values as { help?: boolean; lang?: string };
    takes("--lang", "en, ko", !lang || languages.some((it) => it === lang));
    if (!help) return values;
    process.stdout.write(`${usage}\n`);
    return process.exit(0);
  } catch (error) {
    const { code, message } = error as Error & { code: keyof typeof say };
    const told = say[code] as ((it: string) => string) | undefined;
    if (!told) throw error;
    return mistake(told(/'(?:-\w, )?(.+?)[ ']/.exec(message)?.[1] ?? ""));
  }
}

/** Shows what is waited for, where somebody looks at a terminal that can rub it out. */
export async function waiting<T>(what: string, task: () => Promise<T>) {
  const { stdout, stderr, env } = process;
  if (!stdout.isTTY || !stderr.isTTY || env.TERM === "dumb") return task();
  const { spinner } = await import("zx"); // which loads for long
  return spinner(what, task) as Promise<T>;
}

/** Writes what an option asks for, "-" to stdout; where it can't, it says so and exits. */
export async function write(file: string, text: string): Promise<void> {
  if (file === "-") return print(text);
  await writeFile(file, text).catch(({ code }: NodeJS.ErrnoException) =>
    quit(say.cantWrite(file, code ?? ""), 1),
  );
}

/** Writes to stdout, and waits until it is written. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

/**
 * Ends the script early when the user says so, by Ctrl+C or by closing the terminal,
 * and when its output can't be written. It ends once, however often that comes: npm
 * passes on the Ctrl+C that the terminal has sent already.
 *
 * @param stop ends what was started, then the process with this exit code
 */
export function endEarly(stop: (code: number) => unknown = process.exit): void {
  let ending = false;
  function end(code: number): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K"); // what was waited for
    if (!ending) void stop(code);
    ending = true;
  }
  process.on("SIGHUP", () => end(129));
  process.on("SIGINT", () => end(130));
  process.on("SIGTERM", () => end(143));
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE" || code === "EOF") return end(1); // EOF on Windows: who read it has gone
    quit(say.cantWrite("stdout", code ?? ""), 1);
  });
}
