/** What the command lines of compare and packets have in common. */
import { existsSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { chalk } from "zx/core";
import {
  languageOf,
  languages,
  withParticle,
  type Language,
} from "./language.ts";
import { openInBrowser } from "./page/open.ts";

/** What the command line is told, in each language. */
const english = {
  listed: "--help lists the options",
  unknown: (flag: string) => `there is no option ${flag}`,
  noWord: (word: string) => `${word} is no option`,
  needsValue: (flag: string) => `${flag} needs a value`,
  noValue: (flag: string) => `${flag} takes no value`,
  ambiguous: (flag: string, value: string) =>
    `${flag} ${value}: write ${flag}=${value} if that is its value`,
  languages: (lang: string) => `--lang ${lang}: write en or ko`,
  cantWrite: (file: string, flag: string, code = "") =>
    `can't write ${file} (${code}), check ${flag}`,
  cantOpen: (file: string, why: string) =>
    `no browser opens (${why}); open ${file} yourself`,
  noHtml: "--html needs a file",
  htmlTwice: "--html and another option name one file: name two",
  openNothing: "--open shows what --html writes: add --html FILE",
  cantWriteOutput: (code = "") => `can't write the output (${code})`,
};
const texts: Record<Language, typeof english> = {
  en: english,
  ko: {
    listed: "옵션 목록은 --help로 볼 수 있습니다",
    unknown: (flag) => `${flag} 옵션은 없습니다`,
    noWord: (word) => `${withParticle(word, "은/는")} 옵션이 아닙니다`,
    needsValue: (flag) => `${flag}에는 값이 필요합니다`,
    noValue: (flag) => `${flag}에는 값을 줄 수 없습니다`,
    ambiguous: (flag, value) =>
      `${flag} ${value}: 이것이 값이라면 ${flag}=${value} 형태로 쓰세요`,
    languages: (lang) => `--lang ${lang}: en이나 ko를 쓰세요`,
    cantWrite: (file, flag, code) =>
      `${file} 파일에 쓸 수 없습니다(${code}). ${withParticle(flag, "을/를")} 확인하세요`,
    cantOpen: (file, why) =>
      `브라우저가 열리지 않습니다(${why}). ${file} 파일을 직접 여세요`,
    noHtml: "--html에는 파일 이름이 필요합니다",
    htmlTwice: "--html과 다른 옵션의 파일이 같습니다. 서로 다른 파일을 쓰세요",
    openNothing:
      "--open은 --html로 만든 페이지를 엽니다. --html FILE을 함께 쓰세요",
    cantWriteOutput: (code) => `출력할 수 없습니다(${code})`,
  },
};

/** The language of this run. */
export const language = languageOf(process.argv.slice(2));
const say = texts[language];

/**
 * Takes arguments apart, as parseArgs does, with words of our own for a mistake.
 *
 * @param args without node and the script's name
 * @param options what may be there, as parseArgs wants it
 * @throws Error whose message says in one line what is wrong
 */
export function parseFlags<T extends Flags>(args: string[], options: T) {
  const free = { strict: false, allowPositionals: true, tokens: true } as const;
  for (const token of parseArgs({ args, options, ...free }).tokens) {
    if (token.kind === "positional") throw new Error(say.noWord(token.value));
    if (token.kind === "option") checkFlag(token, options[token.name]);
  }
  return parseArgs({ args, options }).values;
}

type Flags = NonNullable<ParseArgsConfig["options"]>;

/** An option as it stands in the arguments. */
interface Flag {
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

function checkFlag(flag: Flag, known: Flags[string] | undefined): void {
  const { name, rawName, value, inlineValue } = flag;
  if (!known) throw new Error(say.unknown(rawName));
  if (known.type === "boolean") {
    if (value !== undefined) throw new Error(say.noValue(rawName));
    return;
  }
  if (value === undefined) throw new Error(say.needsValue(rawName));
  if (!inlineValue && /^-./.test(value))
    throw new Error(say.ambiguous(rawName, value));
  if (name === "lang" && !languages.some((language) => language === value))
    throw new Error(say.languages(value));
}

/**
 * Reads the command line; on --help or a mistake it says what to write and exits.
 *
 * @param name the script's name, which begins its messages
 * @param usage the text of --help
 * @param parse reads the arguments; throws an Error that says what is wrong
 */
export function readOptions<T extends { help: boolean }>(
  name: string,
  usage: string,
  parse: (args: string[]) => T,
): T {
  if (process.env.NO_COLOR) chalk.level = 0;
  try {
    const options = parse(process.argv.slice(2));
    if (!options.help) return options;
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  } catch (error) {
    const { message } = error as Error;
    process.stderr.write(`${name}: ${message}; ${say.listed}\n`);
    process.exit(2);
  }
}

/** The options of a page: where it is written, and whether the browser opens it. */
export interface PageOptions {
  html?: string;
  open: boolean;
}

/**
 * Checks the options of a page.
 *
 * @param others the other files that are written or read
 * @throws Error whose message says what is wrong
 */
export function pageOptions(
  html: string | undefined,
  open: boolean,
  others: (string | undefined)[],
): PageOptions {
  if (html === "" || html === "-") throw new Error(say.noHtml);
  if (others.some((other) => isSameFile(html, other)))
    throw new Error(say.htmlTwice);
  if (open && !html) throw new Error(say.openNothing);
  return html ? { html, open } : { open };
}

/** Whether two options name one file, perhaps in two ways. */
export function isSameFile(one?: string, other?: string): boolean {
  return Boolean(one && other) && fileOf(one!) === fileOf(other!);
}

/** A file's own path where it exists. */
const fileOf = (name: string) =>
  existsSync(name) ? realpathSync(name) : resolve(name);

/** Writes the JSON that --json asks for; where it can't, it says so and exits. */
export async function writeJson(
  name: string,
  file: string,
  result: object,
): Promise<void> {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (file === "-") return void process.stdout.write(text);
  await write(name, "--json", file, text);
}

/** Writes the page that --html asks for and opens it; where it can't, it says so and exits. */
export async function writePage(
  name: string,
  file: string,
  page: string,
  open: boolean,
): Promise<void> {
  await write(name, "--html", file, page);
  if (!open) return;
  await openInBrowser(file).catch(({ message }: Error) => {
    process.stderr.write(`${name}: ${say.cantOpen(file, message)}\n`);
    process.exitCode = 1;
  });
}

async function write(name: string, flag: string, file: string, text: string) {
  await writeFile(file, text).catch(({ code }: NodeJS.ErrnoException) => {
    process.stderr.write(`${name}: ${say.cantWrite(file, flag, code)}\n`);
    process.exit(1);
  });
}

/**
 * Ends the script early when the user says so, by Ctrl+C or by closing the terminal,
 * and when its output can't be written. It ends once, however often that comes: npm
 * passes on the Ctrl+C that the terminal has sent already.
 *
 * @param name the script's name, which begins its messages
 * @param stop ends what was started, then the process with this exit code
 */
export function endEarly(
  name: string,
  stop: (code: number) => Promise<void>,
): void {
  let ending = false;
  function end(code: number): void {
    if (!ending) void stop(code);
    ending = true;
  }
  process.on("SIGHUP", () => end(129));
  process.on("SIGINT", () => end(130));
  process.on("SIGTERM", () => end(143));
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    const unread = code === "EPIPE" || code === "EOF"; // EOF on Windows: who read it has gone
    if (!unread && !ending)
      process.stderr.write(`${name}: ${say.cantWriteOutput(code)}\n`);
    end(1);
  });
}
