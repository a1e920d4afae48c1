/** The texts of beside, in English and in Korean. */
import { inLanguage, type Language, type TextsOf } from "../language.ts";

/** The commit of the course that has the originals of all four programs. */
export const originalsAddress =
  "https://github.com/portal301/ur-python-tutorial/tree/" +
  "8c3d3927d8cd18282450c8a398aefc326aebd8a5/lecture1";

export const pairs = {
  usage: [
    `usage: npx tsx scripts/beside.ts DIR [options]
      DIR              the folder with the Python originals
      --only LIST      some of client,server,forever,async (all)
      --html FILE      a page to look at; - is stdout, and nothing else
      --lang LANG      en or ko (the system's language)
      --help           shows this
The originals are at
${originalsAddress}`,
    `사용법: npx tsx scripts/beside.ts DIR [옵션]
      DIR              Python 원본이 있는 폴더
      --only LIST      client,server,forever,async 중 일부 (전부)
      --html FILE      웹 페이지로 씀; -는 stdout에 그것만
      --lang LANG      en 또는 ko (시스템의 언어)
      --help           이 도움말
원본을 받을 수 있는 곳:
${originalsAddress}`,
  ],

  // What is wrong with the folder.
  noFolder: [
    "DIR is missing, the folder with the Python originals",
    "Python 원본이 있는 폴더 DIR이 빠졌습니다",
  ],
  notAFolder: [
    (folder: string) => `${folder} is not a folder`,
    (folder: string) => `${folder}: 폴더가 아닙니다`,
  ],
  missing: [
    (folder: string, files: string) => `${folder} doesn't have ${files}`,
    (folder: string, files: string) => `${folder} 폴더에 없는 파일: ${files}`,
  ],
  whereToGet: [
    `the originals are at ${originalsAddress}`,
    `원본을 받을 수 있는 곳: ${originalsAddress}`,
  ],
  cantRead: [
    (file: string, why: string) => `can't read ${file} (${why})`,
    (file: string, why: string) => `${file} 파일을 읽을 수 없습니다(${why})`,
  ],

  // Above and below the programs.
  title: [
    "The Python originals and their ports, side by side",
    "Python 원본과 TypeScript 프로그램 나란히 보기",
  ],
  legend: [
    "Lines that say the same are in one row. Words that only one side has are " +
      "marked. Comments are not compared.",
    "같은 뜻의 줄은 같은 행에 있습니다. 한쪽에만 있는 단어는 표시해 두었습니다. 주석은 비교하지 않습니다.",
  ],
  endOfWith: [
    (name: string) => `(here the "with" closes ${name})`,
    (name: string) => `(여기서 "with"가 끝나며 ${name} 닫힘)`,
  ],
  all: [
    (original: string, port: string, statements: number) =>
      `All ${statements} statements of ${original} have their counterpart in ${port}.`,
    (original: string, port: string, statements: number) =>
      `${original}의 문장 ${statements}개 모두 ${port}에 대응하는 문장이 있습니다.`,
  ],
  some: [
    (original: string, port: string, statements: number, matched: number) =>
      `${matched} of the ${statements} statements of ${original} have their ` +
      `counterpart in ${port}. Without one:`,
    (original: string, port: string, statements: number, matched: number) =>
      `${original}의 문장 ${statements}개 중 ${matched}개는 ${port}에 대응하는 ` +
      "문장이 있습니다. 없는 것:",
  ],
  line: [
    (line: number, text: string) => `line ${line} (${text})`,
    (line: number, text: string) => `${line}행(${text})`,
  ],
} as const;

/** The texts of one language, and which language it is. */
export type Texts = TextsOf<typeof pairs> & { language: Language };

/** Chooses the texts of a language. */
export function textsIn(language: Language): Texts {
  return { ...inLanguage(pairs, language), language };
}
