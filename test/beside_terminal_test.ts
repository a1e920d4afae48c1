/** How a terminal shows the originals and the ports. */
import { readFileSync } from "node:fs";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { chalk } from "zx/core";
import { report, type Report } from "../scripts/beside/report.ts";
import { terminalText } from "../scripts/beside/terminal.ts";
import { textsIn } from "../scripts/beside/texts.ts";
import { languages, type Language } from "../scripts/language.ts";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("beside on a terminal");

/** A short program in both languages. */
const python = [
  "# 원본",
  "with socket.socket() as s:",
  "    data = s.recv(1024)",
  "    sys.exit(0)",
].join("\n");
const typescript = [
  "const s = socket();",
  "try {",
  "  const data = await s.recv(1024); // waits",
  "} finally {",
  "  s.close();",
  "}",
].join("\n");

function reportOf(
  originalText: string,
  portText: string,
  language: Language = "en",
): Report {
  const programs = { original: "a.py", originalText, port: "b.ts", portText };
  return report([programs], [], textsIn(language));
}

interface Drawing {
  columns: number;
  language?: Language;
  drawsLines?: boolean;
  hasColors?: boolean;
}

/** The lines that a terminal shows of the short program. */
function linesOf({
  columns,
  language = "en",
  drawsLines = true,
  hasColors = false,
}: Drawing): string[] {
  const level = chalk.level;
  chalk.level = hasColors ? 1 : 0;
  const drawn = reportOf(python, typescript, language);
  const text = terminalText(drawn, { columns, drawsLines, hasColors });
  chalk.level = level;
  return text.split("\n");
}

test("two columns from 100 columns on, with ~ without colors", async () => {
  const lines = linesOf({ columns: 100 });

  assert.equal(lines.slice(3), [
    "",
    "  a.py                       │   b.ts",
    "1 # 원본                     │",
    "2 with socket.socket() as s: │ 1 const s = socket();",
    "  ~~~~                 ~~    │   ~~~~~",
    "                             │ 2 try {",
    "                             │   ~~~~~",
    "3     data = s.recv(1024)    │ 3   const data = await s.recv(1024); // waits",
    "                             │     ~~~~~        ~~~~~",
    "4     sys.exit(0)            │",
    "      ~~~~~~~~~~~            │",
    '  (the "with" closes s here) │ 4 } finally {',
    "                             │   ~~~~~~~~~~~",
    "                             │ 5   s.close();",
    "                             │     ~~~~~~~~~~",
    "                             │ 6 }",
    "",
    "2 of the 3 statements of a.py have a counterpart in b.ts. The others: line 4 (sys.exit(0)).",
    "",
  ]);
});

test("below 100 columns one under the other, pair by pair", async () => {
  const lines = linesOf({ columns: 99, language: "ko" });

  assert.equal(lines.slice(3), [
    "",
    "py   a.py",
    "ts   b.ts",
    "",
    "py 1 # 원본",
    "",
    "py 2 with socket.socket() as s:",
    "     ~~~~                 ~~",
    "ts 1 const s = socket();",
    "     ~~~~~",
    "",
    "ts 2 try {",
    "     ~~~~~",
    "",
    "py 3     data = s.recv(1024)",
    "ts 3   const data = await s.recv(1024); // waits",
    "       ~~~~~        ~~~~~",
    "",
    "py 4     sys.exit(0)",
    "         ~~~~~~~~~~~",
    "",
    'py   (여기서 "with"가 끝나고 s 닫힘)',
    "ts 4 } finally {",
    "     ~~~~~~~~~~~",
    "ts 5   s.close();",
    "       ~~~~~~~~~~",
    "ts 6 }",
    "",
    "a.py의 문장 3개 중 2개는 b.ts에 대응하는 문장이 있습니다. 나머지: 4행(sys.exit(0)).",
    "",
  ]);
});

test("with colors, what is unlike is bold and magenta", async () => {
  const lines = linesOf({ columns: 100, hasColors: true });

  const line = lines.find((line) => line.includes("recv"))!;
  const [, port] = line.split("│");
  const marked = "\x1b[1m\x1b[35m";
  const end = "\x1b[39m\x1b[22m";
  assert.match(
    port!,
    `  ${marked}const${end} data = ${marked}await${end} s.recv`,
  );
});

test("with colors there is no ~", async () => {
  const lines = linesOf({ columns: 100, hasColors: true });

  assert.not.match(lines.join("\n"), "~");
});

test("a terminal that draws no lines gets ASCII characters", async () => {
  const lines = linesOf({ columns: 100, drawsLines: false });

  assert.match(lines.join("\n"), "s: | 1 const s = socket();");
  assert.not.match(lines.join("\n"), "│");
});

test("all statements have a counterpart: the sentence", async () => {
  const drawn = reportOf("go()\nstop()", "go();\nstop();");

  assert.is(
    drawn.programs[0]!.sentence,
    "All 2 statements of a.py have a counterpart in b.ts.",
  );
});

// Whole programs

const whole = ["forever", "forever_async"].map((name) => {
  const port = `lecture1_server_${name}.ts`;
  const original = port.replace(/ts$/, "py");
  const originalFile = projectFile(`test/originals/${original}`);
  const portText = readFileSync(projectFile(port), "utf8");
  return {
    original,
    originalText: readFileSync(originalFile, "utf8"),
    port,
    portText,
  };
});

for (const columns of [40, 60, 80, 100, 160])
  for (const language of languages)
    for (const hasColors of [true, false]) {
      const colors = hasColors ? "colors" : "no colors";
      test(`${columns} columns, ${language}, ${colors}: all fits`, async () => {
        const drawn = report(whole, ["A note."], textsIn(language));
        const options = { columns, hasColors, drawsLines: true };
        const lines = terminalText(drawn, options).split("\n");

        const tooLong = lines.filter((line) => stringWidth(line) > columns);
        assert.equal(tooLong, []);
      });
    }

test("a word that is too long for its column is cut, not lost", async () => {
  const word = "a".repeat(200);
  const drawn = reportOf(`go(${word})`, `go(${word});`);
  const options = { columns: 100, drawsLines: true, hasColors: true };

  const text = terminalText(drawn, options);

  assert.is(text.split("a").length - 1 >= 400, true);
});

test("wide characters are wrapped by their width", async () => {
  const comment = `# ${"가나다 ".repeat(40)}`;
  const drawn = reportOf(`${comment}\ngo()`, "go();");
  const options = { columns: 100, drawsLines: true, hasColors: true };

  const lines = terminalText(drawn, options).split("\n");

  const tooLong = lines.filter((line) => stringWidth(line) > 100);
  assert.equal(tooLong, []);
});

test.run();
