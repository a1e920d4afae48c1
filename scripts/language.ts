/** Which language compare and packets speak, texts in both, and what the terminal can draw. */
import { parseArgs } from "node:util";

export const languages = ["en", "ko"] as const;
export type Language = (typeof languages)[number];

/** A text, perhaps with places for values. */
type Text = string | ((...values: any[]) => string);

/** Texts by their names: each in English and in Korean. A missing one is a type error. */
export type Pairs = Record<string, readonly [Text, Text]>;
export type TextsOf<P extends Pairs> = { [Name in keyof P]: P[Name][0] };

/** The texts in one language. */
export function inLanguage<P extends Pairs>(pairs: P, language: Language) {
  const index = languages.indexOf(language);
  const texts = Object.entries(pairs).map(([name, it]) => [name, it[index]]);
  return Object.fromEntries(texts) as TextsOf<P>;
}

/**
 * The language of a command line: what --lang says, else the system's. A --lang that
 * names none of ours is the command line's mistake, to be told in the system's.
 *
 * @param args without node and the script's name
 */
export function languageOf(args: string[], env = process.env): Language {
  const options = { lang: { type: "string" } } as const;
  const { lang } = parseArgs({ args, options, strict: false }).values;
  return languages.find((known) => known === lang) ?? systemLanguage(env);
}

/**
 * The system's language, by the environment as setlocale(3) reads it, or where that
 * says nothing, as on Windows, by Intl; English where Korean would come out garbled.
 */
export function systemLanguage(
  env = process.env,
  locale = Intl.DateTimeFormat().resolvedOptions().locale,
): Language {
  const name = env.LC_ALL || env.LC_MESSAGES || env.LANG || locale;
  return /^ko(?![a-z])/i.test(name) && readsUtf8(env) ? "ko" : "en";
}

/**
 * Whether the terminal draws ─│◆ one column wide. Windows' old console does not with a
 * Korean font, and it is the one that says nothing about itself in the environment.
 */
export function drawsLines(env = process.env, system = process.platform) {
  if (encodingOf(env) || system !== "win32") return readsUtf8(env);
  const named = ["WT_SESSION", "TERM_PROGRAM", "TERM", "TERMINAL_EMULATOR"];
  return [...named, "ConEmuANSI"].some((name) => env[name]);
}

/** Not where another encoding is named, nor on Linux' console without a window system. */
function readsUtf8(env: NodeJS.ProcessEnv): boolean {
  const other = /^(C|POSIX)$|\.(?!utf-?8)/i.test(encodingOf(env));
  return !other && env.TERM !== "linux";
}

/** The locale that decides how characters are encoded: ko_KR.UTF-8, C; "" where none is named. */
function encodingOf({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): string {
  return LC_ALL || LC_CTYPE || LANG || "";
}
