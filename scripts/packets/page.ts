import type { Language } from "../language.ts";
import type { Picture } from "./rows.ts";
import type { Texts } from "./texts.ts";
export function packetsPage(
  picture: Picture,
  notes: string[],
  lang: Language,
  texts: Texts,
): string {
  return "";
}
