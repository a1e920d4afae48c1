/** However a script is started, it runs: without .ts, through a link, from a folder with spaces and Korean letters. */
import { cp, symlink } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { launch, projectFile, tsxLoader } from "../scripts/processes.ts";
import { copyProject } from "./copy.ts";
import { noLinks, suite, temporaryFolder } from "./harness.ts";

const test = suite("ways to start");
const names = [
  "lecture1_client",
  "lecture1_server",
  "lecture1_server_forever",
  "lecture1_server_forever_async",
];

/** Runs a script by a path; it tells how it is used. */
async function starts(path: string, name: string) {
  const script = launch([process.execPath, ...tsxLoader, path, "--help"]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.match(script.output.stdout, `usage: npx tsx ${name}.ts`);
}

for (const name of names)
  test.unless(noLinks)(
    `${name}: without .ts, by its full path through a link to its folder`,
    async () => {
      const link = join(await temporaryFolder(), "다른 이름");
      const { folder } = await copyProject();
      await symlink(folder, link, "junction"); // what Windows allows everybody
      await starts(join(link, name), name);
    },
  );

test("without .ts; through a link to the file; in a folder with spaces and Korean letters", async () => {
  const [name = ""] = names;
  const folder = join(await temporaryFolder(), "내 문서 (TCP)");
  for (const file of ["package.json", `${name}.ts`])
    await cp(projectFile(file), join(folder, file));
  await starts(join(folder, name), name);
  await starts(join(folder, `${name}.ts`), name);
  if (process.platform === "win32") return; // a link to a file wants a right there
  const link = join(folder, "link.ts");
  await symlink(projectFile(`${name}.ts`), link);
  await starts(link, name);
});

test.run();
