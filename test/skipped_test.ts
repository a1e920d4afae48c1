/** What is skipped is counted, and named at the end with its reason. */
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { projectFile, tsxLoader } from "../scripts/processes.ts";
import { launchMarked, suite } from "./harness.ts";

const test = suite("what is skipped");

test("where there is no Python: the tests that need it, and that nothing passed", async () => {
  const args = [...tsxLoader, projectFile("test/run.ts"), "parity"];
  const run = launchMarked([process.execPath, ...args], {
    PATH: "/nonexistent",
  });
  assert.is((await run.exit(30_000)).code, 1, "it tested nothing");
  const stdout = stripVTControlCharacters(run.output.stdout);
  const [, named = ""] =
    stdout.match(/^skipped, since no python3? here:\n((?: {2}.*\n)+)/m) ?? [];
  const lines = named.trimEnd().split("\n");
  assert.is(
    lines[0],
    "  parity with the Python originals: lecture1_server: hello",
  );
  assert.not.match(stdout, "\t", "each is named once");
  const [, count] = stdout.match(/^0 passed, 0 failed, (\d+) skipped$/m) ?? [];
  assert.ok(lines.length >= 13 && Number(count) >= lines.length, stdout);
});

test.run();
