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
      --only LIST      only some of client,server,forever,async (default: all)
      --html FILE      saves the same as a web page; - prints only the page
      --lang LANG      en or ko (default: the system's language)
      --help           shows this help
The originals are at
${originalsAddress}`,
    `사용법: npx tsx scripts/beside.ts DIR [옵션]
      DIR              Python 원본이 있는 폴더
      --only LIST      client,server,forever,async 중 일부만 (기본값: 모두)
      --html FILE      같은 내용을 웹 페이지로 저장; -는 페이지만 출력
      --lang LANG      en 또는 ko (기본값: 시스템 언어)
      --help           이 도움말을 보여 줌
원본은 여기에서 받을 수 있습니다:
${originalsAddress}`,
  ],

  // Errors in the folder.
  noFolder: [
    "no DIR given: name the folder with the Python originals",
    "DIR이 없습니다. Python 원본이 있는 폴더를 적으세요",
  ],
  notAFolder: [
    (folder: string) => `${folder} is not a folder`,
    (folder: string) => `${folder}: 폴더가 아닙니다`,
  ],
  missing: [
    (folder: string, files: string) => `${folder} doesn't contain ${files}`,
    (folder: string, files: string) => `${folder} 폴더에 없는 파일: ${files}`,
  ],
  whereToGet: [
    `the originals are at ${originalsAddress}`,
    `원본은 여기에서 받을 수 있습니다: ${originalsAddress}`,
  ],
  cantRead: [
    (file: string, why: string) => `can't read ${file} (${why})`,
    (file: string, why: string) => `${file}: 파일을 읽을 수 없습니다(${why})`,
  ],

  // Above and below the programs.
  title: [
    "The Python originals and their ports, side by side",
    "Python 원본과 TypeScript 프로그램을 나란히 보기",
  ],
  legend: [
    "Lines with the same meaning are in one row. Words that appear on only one " +
      "side are marked. Comments are not compared.",
    "같은 뜻의 줄은 같은 행에 있습니다. 한쪽에만 있는 단어는 표시해 두었습니다. 주석은 비교하지 않습니다.",
  ],
  endOfWith: [
    (name: string) => `(the "with" closes ${name} here)`,
    (name: string) => `(여기서 "with"가 끝나고 ${name} 닫힘)`,
  ],
  all: [
    (original: string, port: string, statements: number) =>
      `All ${statements} statements of ${original} have a counterpart in ${port}.`,
    (original: string, port: string, statements: number) =>
      `${original}의 문장 ${statements}개 모두 ${port}에 대응하는 문장이 있습니다.`,
  ],
  some: [
    (original: string, port: string, statements: number, matched: number) =>
      `${matched} of the ${statements} statements of ${original} have a ` +
      `counterpart in ${port}. The others:`,
    (original: string, port: string, statements: number, matched: number) =>
      `${original}의 문장 ${statements}개 중 ${matched}개는 ${port}에 대응하는 ` +
      "문장이 있습니다. 나머지:",
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
