/** Which language compare and packets speak, and what the terminal can draw. */
import { parseArgs } from "node:util";

export const languages = ["en", "ko"] as const;
export type Language = (typeof languages)[number];

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
  const { WT_SESSION, TERM_PROGRAM, TERM, TERMINAL_EMULATOR, ConEmuANSI } = env;
  return Boolean(
    WT_SESSION || TERM_PROGRAM || TERM || TERMINAL_EMULATOR || ConEmuANSI,
  );
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

/** Korean particles: after a final consonant, and after a vowel. */
export type Particle = "은/는" | "이/가" | "을/를" | "과/와" | "으로/로";

/**
 * A word with its particle, by how the word is read: "서버는", "lecture1_server.ts는",
 * "10은". Latin letters are read as Koreans read them: SYN, Python and URL end in a
 * consonant.
 */
export function withParticle(word: string, particle: Particle): string {
  const [afterConsonant, afterVowel] = particle.split("/") as [string, string];
  const [last = ""] = /[\p{L}\p{N}](?=[^\p{L}\p{N}]*$)/u.exec(word) ?? [];
  const final = finalOf(last);
  const consonant = final && !(final === "ㄹ" && particle === "으로/로");
  return `${word}${consonant ? afterConsonant : afterVowel}`;
}

/** The consonant that a character's sound ends in: "ㄹ", another one, or "" for none. */
function finalOf(character: string): string {
  const syllable = character.charCodeAt(0) - 0xac00; // 가; 28 finals, none and ㄹ (8) among them
  if (syllable >= 0 && syllable < 11172)
    return syllable % 28 === 8 ? "ㄹ" : syllable % 28 ? "other" : "";
  if (/[178l]/i.test(character)) return "ㄹ"; // 일, 칠, 팔, 엘
  return /[036mn]/i.test(character) ? "other" : "";
}
