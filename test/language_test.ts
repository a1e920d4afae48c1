/** Which language is spoken where, what a terminal can draw, and the options of the tools. */
import * as assert from "uvu/assert";
import { drawsLines, languageOf, systemLanguage } from "../scripts/language.ts";
import { flags, readOptions, savedRun } from "../scripts/compare/options.ts";
import { textsIn } from "../scripts/compare/texts.ts";
import { launch } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";
import { nodeCommand } from "./helpers/programs.ts";
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

/** What compare says of a command line, and the code it would end with. */
async function mistake(args: string[]): Promise<string> {
  const { argv, exit, stderr } = process;
  const { write } = stderr;
  const said: unknown[] = [];
  process.argv = ["node", "compare", ...args];
  process.exit = (code) => {
    said.push(code);
    throw code;
  };
  stderr.write = (text: unknown) => said.push(text) > 0;
  await Promise.resolve()
    .then(() => savedRun(readOptions().from!))
    .catch(() => {});
  Object.assign(process, { argv, exit });
  stderr.write = write;
  return said.join("");
}

test("a mistake in the command line: one line that says what is wrong", async () => {
  const file = projectFile("package.json");
  const none = "no whole run of this version of --json";
  const cases: [string, string][] = [
    ["--nonsense", "there is no option --nonsense"],
    ["-x", "there is no option -x"],
    ["word", "word is no option"],
    ["--clients", "--clients: its value is missing, or it takes none"],
    ["--json=", "--json: its value is missing, or it takes none"],
    ["--grow=1", "--grow: its value is missing, or it takes none"],
    ["--lang fr", "--lang takes en, ko"],
    ["-n 0", "--clients takes 1-200"],
    ["-n 201", "--clients takes 1-200"],
    ["-n 1e1", "--clients takes 1-200"],
    ["--load 0.05", "--load takes 0.1-60"],
    ["--only server,robot", "--only takes server,forever,async"],
    ["--python nowhere", "--python takes a folder that exists"],
    ["--html -", "--html takes a file of its own"],
    ["--html a --json a", "--html takes a file of its own"],
    ["--from a -n 3", "--from shows a run that is over: leave --clients out"],
    ["--from nowhere", `--from nowhere: ${none} (ENOENT)`],
    [`--from ${file}`, `--from ${file}: ${none}`],
  ];
  for (const [args, what] of cases) {
    const said = await mistake(args.split(" "));
    assert.match(said, `: ${what}; --help lists the options\n2`);
  }
});

test("both tools say it in the system's language, or the one of --lang", async () => {
  const env = { ...process.env, LC_ALL: "ko_KR.UTF-8" };
  for (const tool of ["compare", "packets"]) {
    const start = (...args: string[]) =>
      launch([...nodeCommand(`scripts/${tool}.ts`), ...args], { env });
    const [korean, english] = [start("-x"), start("--help", "--lang", "en")];
    assert.is((await korean.exit(30_000)).code, 2);
    const line = `${tool}: -x 옵션은 없습니다; 옵션 목록은 --help로 볼 수 있습니다\n`;
    assert.is(korean.output.stderr, line);
    assert.is((await english.exit(30_000)).code, 0);
    assert.match(english.output.stdout, /^usage: /);
  }
});

test("--help names every option of compare, in both languages", async () => {
  for (const language of ["en", "ko"] as const) {
    const usage = textsIn(language).usage;
    const named = [...usage.matchAll(/--([a-z]+)/g)].map(([, name]) => name);
    assert.equal([...new Set(named)].sort(), Object.keys(flags).sort());
    for (const line of usage.split("\n")) assert.ok(line.length <= 80, line);
  }
});

test.run();
