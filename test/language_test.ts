/** The language of the scripts, and what the terminal can draw. */
import * as assert from "uvu/assert";
import { drawsLines, languageOf, systemLanguage } from "../scripts/language.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";
import { nodeCommand } from "./helpers/programs.ts";

const test = suite("language");

const koreanSystem = { LANG: "ko_KR.UTF-8" };

for (const { title, args, env, language } of [
  {
    title: "--lang en, on a Korean system",
    args: ["--lang", "en"],
    env: koreanSystem,
    language: "en",
  },
  {
    title: "--lang=ko among other words",
    args: ["word", "--other", "--lang=ko"],
    env: {},
    language: "ko",
  },
  {
    title: "an unknown --lang: the system's",
    args: ["--lang", "xx"],
    env: koreanSystem,
    language: "ko",
  },
  {
    title: "--lang without a value: the system's",
    args: ["--lang"],
    env: koreanSystem,
    language: "ko",
  },
  {
    title: "no --lang: the system's",
    args: [],
    env: koreanSystem,
    language: "ko",
  },
])
  test(title, async () => {
    assert.is(languageOf(args, env), language);
  });

interface System {
  title: string;
  env: NodeJS.ProcessEnv;
  /** Intl's locale. */
  locale: string;
  language: string;
}

const systems: System[] = [
  {
    title: "Windows in Korean",
    env: {},
    locale: "ko-KR",
    language: "ko",
  },
  {
    title: "Windows in English",
    env: {},
    locale: "en-US",
    language: "en",
  },
  {
    title: "LANG comes before Intl",
    env: { LANG: "en_US.UTF-8" },
    locale: "ko-KR",
    language: "en",
  },
  {
    title: "LC_MESSAGES comes before LANG",
    env: { LANG: "en_US.UTF-8", LC_MESSAGES: "ko_KR.UTF-8" },
    locale: "en-US",
    language: "ko",
  },
  {
    title: "LC_ALL comes before LANG",
    env: { LANG: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" },
    locale: "en-US",
    language: "en",
  },
  {
    title: "LC_ALL comes before LC_MESSAGES",
    env: { LC_MESSAGES: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" },
    locale: "en-US",
    language: "en",
  },
  {
    title: "an empty LC_ALL doesn't count",
    env: { LANG: "ko_KR.UTF-8", LC_ALL: "" },
    locale: "en-US",
    language: "ko",
  },
  {
    title: "Konkani (kok) is not Korean",
    env: { LANG: "kok_IN.UTF-8" },
    locale: "en-US",
    language: "en",
  },
  {
    title: "EUC-KR would garble Korean",
    env: { LANG: "ko_KR.eucKR" },
    locale: "en-US",
    language: "en",
  },
  {
    title: "LC_CTYPE=C would garble Korean",
    env: { LANG: "ko_KR.UTF-8", LC_CTYPE: "C" },
    locale: "en-US",
    language: "en",
  },
  {
    title: "Linux' console can't show Korean",
    env: { LANG: "ko_KR.UTF-8", TERM: "linux" },
    locale: "en-US",
    language: "en",
  },
];

for (const { title, env, locale, language } of systems)
  test(`the system's language: ${title}`, async () => {
    assert.is(systemLanguage(env, locale), language);
  });

interface Terminal {
  title: string;
  env: NodeJS.ProcessEnv;
  system: NodeJS.Platform;
  drawsLines: boolean;
}

const terminals: Terminal[] = [
  {
    title: "Linux in UTF-8",
    env: { LANG: "ko_KR.UTF-8" },
    system: "linux",
    drawsLines: true,
  },
  {
    title: "macOS' Terminal, which sets LC_CTYPE,",
    env: { LC_CTYPE: "UTF-8" },
    system: "darwin",
    drawsLines: true,
  },
  {
    title: "Linux' console",
    env: { LANG: "en_US.utf8", TERM: "linux" },
    system: "linux",
    drawsLines: false,
  },
  {
    title: "Linux without a locale",
    env: {},
    system: "linux",
    drawsLines: true,
  },
  {
    title: "Linux with LC_ALL=C",
    env: { LC_ALL: "C" },
    system: "linux",
    drawsLines: false,
  },
  {
    title: "Linux in EUC-KR",
    env: { LANG: "ko_KR.EUC-KR" },
    system: "linux",
    drawsLines: false,
  },
  {
    title: "Windows' old console",
    env: {},
    system: "win32",
    drawsLines: false,
  },
  {
    title: "Windows Terminal",
    env: { WT_SESSION: "1" },
    system: "win32",
    drawsLines: true,
  },
  {
    title: "VS Code on Windows",
    env: { TERM_PROGRAM: "vscode" },
    system: "win32",
    drawsLines: true,
  },
  {
    title: "Windows with a UTF-8 locale",
    env: { LANG: "ko_KR.UTF-8" },
    system: "win32",
    drawsLines: true,
  },
  {
    title: "Windows Terminal with LANG=C",
    env: { WT_SESSION: "1", LANG: "C" },
    system: "win32",
    drawsLines: false,
  },
];

for (const { title, env, system, drawsLines: draws } of terminals)
  test(`${title} draws ${draws ? "" : "no "}lines`, async () => {
    assert.is(drawsLines(env, system), draws);
  });

/** Starts a tool on a Korean system. */
function startInKorean(tool: string, ...args: string[]): Launched {
  const env = { ...process.env, LC_ALL: "ko_KR.UTF-8" };
  return launch([...nodeCommand(`scripts/${tool}.ts`), ...args], { env });
}

for (const tool of ["compare", "packets"]) {
  test(`${tool} reports a mistake in the system's language`, async () => {
    const script = startInKorean(tool, "-x");

    assert.equal(await script.exit(30_000), { code: 2, signal: null });
    assert.is(
      script.output.stderr,
      `${tool}: -x 옵션은 없습니다; 옵션 목록은 --help로 볼 수 있습니다\n`,
    );
  });

  test(`${tool} --help is in the language of --lang`, async () => {
    const script = startInKorean(tool, "--help", "--lang", "en");

    assert.equal(await script.exit(30_000), { code: 0, signal: null });
    assert.match(script.output.stdout, /^usage: /);
  });
}

test.run();
