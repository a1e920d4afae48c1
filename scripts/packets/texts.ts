/** Everything that packets says, in each language; a text that one of them lacks is a type error. */
import { language } from "../old/commandLine.ts";
import type { Language } from "../old/language.ts";
import { english } from "./texts/english.ts";
import { korean } from "./texts/korean.ts";

export type Texts = typeof english;

export const texts: Record<Language, Texts> = { en: english, ko: korean };

/** Those of this run. */
export const say = texts[language];
