/**
 * npm run check finds lines that are too long, except for long texts and
 * addresses.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { $ } from "../scripts/zx.ts";
import { suite } from "./helpers/harness.ts";
import { nodeCommand } from "./helpers/programs.ts";

const test = suite("the lengths of lines");

/** 100 characters. */
const hundred = "a ".repeat(50);

/** Checks a folder with one file of TypeScript. */
async function check(code: string) {
  const folder = await temporaryFolder();
  const file = join(folder, "planted.ts");
  await writeFile(file, code);
  const command = nodeCommand("test/lineLengths.ts");
  const { exitCode, stdout } = await $`${command} ${folder}`;
  return { exitCode, stdout, file };
}

const tooLong = [
  { name: "code", line: `const sum = ${"1 + ".repeat(25)}1;` },
  { name: "a comment", line: `// ${hundred}` },
  { name: "a docstring", line: `/** ${hundred} */` },
  { name: "a comment after code", line: `const one = 1; // ${hundred}` },
  { name: "quotes in a comment", line: `// "${hundred}"` },
  { name: "a regular expression", line: `const a = /${hundred}/;` },
  { name: "code after a text", line: `const a = "${hundred}".length;` },
];

for (const { name, line } of tooLong)
  test(`found: ${name}`, async () => {
    const { exitCode, stdout, file } = await check(`\n${line}\n`);

    assert.is(stdout, `${file}:2: longer than 90 columns\n`);
    assert.is(exitCode, 1);
  });

const allowed = [
  { name: "a line of 90 columns", line: `// ${"a".repeat(87)}` },
  { name: "a string", line: `console.log("${hundred}");` },
  { name: "a template", line: `console.log(\`\${1} ${hundred}\`);` },
  { name: "a template of some lines", line: `const a = \`\n${hundred}\n\`;` },
  { name: "an address", line: `// https://example.com/${"a/".repeat(50)}` },
];

for (const { name, line } of allowed)
  test(`allowed: ${name}`, async () => {
    const { exitCode, stdout } = await check(`${line}\n`);

    assert.is(stdout, "");
    assert.is(exitCode, 0);
  });

test.run();
