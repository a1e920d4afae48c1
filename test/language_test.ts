/** Which language is spoken where, what a terminal can draw, and Korean particles. */
import * as assert from "uvu/assert";
import { parseFlags } from "../scripts/old/commandLine.ts";
import {
  drawsLines,
  languageOf,
  systemLanguage,
  withParticle,
  type Particle,
} from "../scripts/old/language.ts";
import { launchMarked, program, suite } from "./harness.ts";

const test = suite("language");

test("--lang, else the environment, else what Intl says", async () => {
  const korean = { LANG: "ko_KR.UTF-8" };
  assert.is(languageOf(["--lang", "en"], korean), "en");
  assert.is(languageOf(["word", "--other", "--lang=ko"], {}), "ko");
  assert.is(languageOf(["--lang", "xx"], korean), "ko");
  assert.is(languageOf(["--lang"], korean), "ko");
  assert.is(languageOf([], korean), "ko");

  const cases: [NodeJS.ProcessEnv, string, string][] = [
    [{}, "ko-KR", "ko"], // Windows
    [{}, "en-US", "en"],
    [{ LANG: "en_US.UTF-8" }, "ko-KR", "en"],
    [{ LANG: "en_US.UTF-8", LC_MESSAGES: "ko_KR.UTF-8" }, "en-US", "ko"],
    [{ LANG: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" }, "en-US", "en"],
    [{ LC_MESSAGES: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" }, "en-US", "en"],
    [{ LANG: "ko_KR.UTF-8", LC_ALL: "" }, "en-US", "ko"],
    [{ LANG: "kok_IN.UTF-8" }, "en-US", "en"], // Konkani
    // What would come out garbled is said in English.
    [{ LANG: "ko_KR.eucKR" }, "en-US", "en"],
    [{ LANG: "ko_KR.UTF-8", LC_CTYPE: "C" }, "en-US", "en"],
    [{ LANG: "ko_KR.UTF-8", TERM: "linux" }, "en-US", "en"],
  ];
  for (const [env, locale, language] of cases)
    assert.is(systemLanguage(env, locale), language, JSON.stringify(env));
});

test("lines are drawn where the encoding and the terminal allow it", async () => {
  const cases: [NodeJS.ProcessEnv, NodeJS.Platform, boolean][] = [
    [{ LANG: "ko_KR.UTF-8" }, "linux", true],
    [{ LC_CTYPE: "UTF-8" }, "darwin", true], // as macOS' Terminal sets it
    [{ LANG: "en_US.utf8", TERM: "linux" }, "linux", false],
    [{}, "linux", true],
    [{ LC_ALL: "C" }, "linux", false],
    [{ LANG: "ko_KR.EUC-KR" }, "linux", false],
    [{}, "win32", false], // the old console
    [{ WT_SESSION: "1" }, "win32", true], // Windows Terminal
    [{ TERM_PROGRAM: "vscode" }, "win32", true],
    [{ LANG: "ko_KR.UTF-8" }, "win32", true],
    [{ WT_SESSION: "1", LANG: "C" }, "win32", false],
  ];
  for (const [env, system, draws] of cases)
    assert.is(drawsLines(env, system), draws, JSON.stringify(env));
});

test("particles go by the sound of the word", async () => {
  const cases: [string, Particle, string][] = [
    ["서버", "은/는", "서버는"],
    ["연결", "은/는", "연결은"],
    ["연결", "으로/로", "연결로"],
    ["패킷", "으로/로", "패킷으로"],
    ["lecture1_server.ts", "은/는", "lecture1_server.ts는"],
    ["forever", "이/가", "forever가"],
    ["SYN", "과/와", "SYN과"],
    ["Python", "을/를", "Python을"],
    ["10", "은/는", "10은"],
    ["12", "은/는", "12는"],
    ["1", "으로/로", "1로"],
    ["'서버'", "이/가", "'서버'가"],
    ["async (Python)", "이/가", "async (Python)이"],
    ["", "이/가", "가"],
  ];
  for (const [word, particle, expected] of cases)
    assert.is(withParticle(word, particle), expected);
});

test("a mistake in the command line: what is wrong, and how to write it", async () => {
  const flags = {
    number: { type: "string", short: "n" },
    lang: { type: "string" },
    yes: { type: "boolean" },
  } as const;
  const cases: [string[], string][] = [
    [["--nonsense"], "there is no option --nonsense"],
    [["-x"], "there is no option -x"],
    [["word"], "word is no option"],
    [["--", "--yes"], "--yes is no option"],
    [["--number"], "--number needs a value"],
    [["-n"], "-n needs a value"],
    [["--yes=1"], "--yes takes no value"],
    [["--number", "-5"], "--number -5: write --number=-5 if that is its value"],
    [["--lang", "fr"], "--lang fr: write en or ko"],
  ];
  for (const [args, says] of cases)
    assert.throws(
      () => parseFlags(args, flags),
      ({ message }: Error) => message === says,
    );
  const right = ["--number=-5", "--yes", "--lang", "ko"];
  assert.equal(
    { ...parseFlags(right, flags) },
    { number: "-5", yes: true, lang: "ko" },
  );
  assert.is(parseFlags(["-n", "-"], flags).number, "-");
});

for (const script of ["compare", "packets"])
  test(`${script} says a mistake in the system's language`, async () => {
    const command = [...program(`scripts/${script}.ts`), "--nonsense"];
    const started = launchMarked(command, { LC_ALL: "ko_KR.UTF-8" });
    assert.is((await started.exit()).code, 2);
    assert.is(
      started.output.stderr,
      `${script}: --nonsense 옵션은 없습니다; 옵션 목록은 --help로 볼 수 있습니다\n`,
    );
  });

test.run();
