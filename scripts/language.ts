/**
 * The language of the scripts, texts in both languages, and what the terminal
 * can draw.
 */
import { parseArgs } from "node:util";

export const languages = ["en", "ko"] as const;
export type Language = (typeof languages)[number];

/** A text, perhaps with places for values. */
type Text = string | ((...values: any[]) => string);

/**
 * Texts by their names: each in English and in Korean. A missing one is a type
 * error.
 */
export type Pairs = Record<string, readonly [Text, Text]>;
export type TextsOf<P extends Pairs> = { [Name in keyof P]: P[Name][0] };

/** Chooses one language of each pair. */
export function inLanguage<P extends Pairs>(pairs: P, language: Language) {
  const index = languages.indexOf(language);
  const texts = Object.entries(pairs).map(([name, pair]) => [
    name,
    pair[index],
  ]);
  return Object.fromEntries(texts) as TextsOf<P>;
}

/**
 * The language of a command line: that of --lang, or the system's. If --lang
 * names an unknown language, the mistake is reported in the system's.
 *
 * @param args the words after the script's name
 */
export function languageOf(args: string[], env = process.env): Language {
  const options = { lang: { type: "string" } } as const;
  const { lang } = parseArgs({ args, options, strict: false }).values;
  return languages.find((known) => known === lang) ?? systemLanguage(env);
}

/**
 * The system's language: by the environment, as setlocale(3) reads it, or if it
 * names none, as on Windows, by Intl. English if the terminal would garble
 * Korean.
 *
 * @param locale Intl's locale: "ko-KR"
 */
export function systemLanguage(
  env = process.env,
  locale = Intl.DateTimeFormat().resolvedOptions().locale,
): Language {
  const name = env.LC_ALL || env.LC_MESSAGES || env.LANG || locale;
  return /^ko(?![a-z])/i.test(name) && readsUtf8(env) ? "ko" : "en";
}

/**
 * Whether the terminal draws ─│◆ one column wide. Windows' old console with a
 * Korean font doesn't. It is the only terminal there that sets no environment
 * variable.
 */
export function drawsLines(
  env = process.env,
  system = process.platform,
): boolean {
  if (system !== "win32" || encodingLocale(env)) return readsUtf8(env);
  const setByTerminals = [
    "WT_SESSION",
    "TERM_PROGRAM",
    "TERM",
    "TERMINAL_EMULATOR",
    "ConEmuANSI",
  ];
  return setByTerminals.some((name) => env[name]);
}

/**
 * False if the locale names another encoding, and on Linux's console without
 * windows.
 */
function readsUtf8(env: NodeJS.ProcessEnv): boolean {
  const isOther = /^(C|POSIX)$|\.(?!utf-?8)/i.test(encodingLocale(env));
  return !isOther && env.TERM !== "linux";
}

/**
 * The locale that decides the encoding: ko_KR.UTF-8, C; "" if the environment
 * has none.
 */
function encodingLocale({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): string {
  return LC_ALL || LC_CTYPE || LANG || "";
}
