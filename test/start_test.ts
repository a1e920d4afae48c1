/**
 * How the programs are started: by paths and links, npm, npx, an editor, an
 * import.
 */
import { cp, mkdtemp, readFile, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { programFiles, temporaryFolder } from "../scripts/copyProject.ts";
import { launch } from "../scripts/launch.ts";
import { projectFile, tsxLoader } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";
import { noTerminal, onWindows, type Why } from "./helpers/machine.ts";
import { originalProject, packagesFolder } from "./helpers/originalProject.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { expectOneCtrlC, startByNpx } from "./helpers/pseudoTerminal.ts";
import { bun, oldestNode } from "./helpers/runtimes.ts";

const test = suite("start");

/** TypeScript's compiler, which finds the same errors as an editor. */
const compiler = fileURLToPath(
  new URL("bin/tsc", import.meta.resolve("typescript/package.json")),
);

/**
 * Copies lecture1_server into a folder with spaces and Korean letters in its
 * name.
 */
async function copyServer(): Promise<string> {
  const folder = join(await temporaryFolder(), "내 문서 (TCP) 100%");
  for (const file of ["package.json", "lecture1_server.ts"])
    await cp(projectFile(file), join(folder, file));
  return folder;
}

/** Makes a link to a folder; returns its full path. */
async function linkTo(folder: string): Promise<string> {
  const link = join(await temporaryFolder(), "다른 이름");
  // On Windows every user can make a junction, but not a symbolic link.
  await symlink(folder, link, "junction");
  return link;
}

/**
 * Asserts that a path starts lecture1_server: with --help it prints its usage.
 */
async function expectStarts(
  path: string,
  node = process.execPath,
): Promise<void> {
  const server = launch([node, ...tsxLoader, path, "--help"]);
  assert.equal(await server.exit(), { code: 0, signal: null });
  assert.match(server.output.stdout, "usage: npx tsx lecture1_server.ts");
}

test("in a folder with spaces and Korean letters", async () => {
  const folder = await copyServer();
  await expectStarts(join(folder, "lecture1_server.ts"));
});

for (const file of [
  "lecture1_server.ts",
  "lecture1_server",
  "lecture1_server.js",
])
  test(`as ${file} through a link to its folder`, async () => {
    const link = await linkTo(await copyServer());
    await expectStarts(join(link, file));
  });

test.unless(oldestNode.why)(
  "by node 18.19, without .ts, through a link to its folder",
  async () => {
    const link = await linkTo(await copyServer());
    await expectStarts(join(link, "lecture1_server"), oldestNode.program);
  },
);

const noFileLinks: Why =
  onWindows && "on Windows a link to a file takes a right";

test.unless(noFileLinks)("through a link to the file", async () => {
  const folder = await copyServer();
  const link = join(folder, "link.ts");
  await symlink(join(folder, "lecture1_server.ts"), link);
  await expectStarts(link);
});

for (const { program, functions } of [
  { program: "lecture1_server", functions: ["startServer"] },
  {
    program: "lecture1_server_forever",
    functions: ["handleClient", "startServer"],
  },
  {
    program: "lecture1_server_forever_async",
    functions: ["handleClient", "main"],
  },
  { program: "lecture1_client", functions: ["startClient"] },
])
  test(`an import of ${program} only gives its functions`, async () => {
    const [node, file] = nodeCommand(`${program}.ts`);
    const code = `
      const program = await import("${pathToFileURL(file)}");
      console.log(JSON.stringify(Object.keys(program)));
    `;
    const script = launch([node, "--input-type=module", "--eval", code]);

    assert.equal(await script.exit(), { code: 0, signal: null });
    const stdout = `${JSON.stringify(functions)}\n`;
    assert.equal(script.output, { stdout, stderr: "" });
  });

test.unless(onWindows && "no link to a folder can be made in Wine")(
  "an editor with a learner's packages shows no error in a program",
  async () => {
    // Outside the project, where the packages of the tests can't be found.
    const folder = await mkdtemp(join(await realpath(tmpdir()), "lecture1-"));
    for (const file of [...programFiles, "package.json", "tsconfig.json"])
      await cp(projectFile(file), join(folder, file));
    await symlink(packagesFolder, join(folder, "node_modules"), "junction");

    const script = launch([process.execPath, compiler, "--project", folder]);
    await script.exit(60_000);
    await rm(folder, { recursive: true });
    assert.equal(
      script.exitStatus,
      { code: 0, signal: null },
      script.describe(),
    );
  },
);

/** Reads a JSON file of the project. */
async function readJson(file: string): Promise<any> {
  return JSON.parse(await readFile(projectFile(file), "utf8"));
}

for (const { name, command } of [
  { name: "compare", command: "node --import tsx scripts/compare.ts" },
  { name: "packets", command: "node --import tsx scripts/packets.ts" },
  { name: "beside", command: "node --import tsx scripts/beside.ts" },
  { name: "record", command: "node --import tsx scripts/record.ts" },
  { name: "server", command: "tsx lecture1_server.ts" },
  { name: "forever", command: "tsx lecture1_server_forever.ts" },
  { name: "async", command: "tsx lecture1_server_forever_async.ts" },
  { name: "client", command: "tsx lecture1_client.ts" },
])
  test(`package.json: ${name} installs what is missing, and runs`, async () => {
    const { scripts } = await readJson("package.json");
    assert.is(scripts[name], `node scripts/install.mjs && ${command}`);
  });

const prettier = "node test/node_modules/prettier/bin/prettier.cjs";
const tsc = "node test/node_modules/typescript/bin/tsc";

for (const { name, command } of [
  { name: "test", command: "node --import tsx test/run.ts" },
  { name: "soak", command: "node --import tsx test/run.ts soak" },
  {
    name: "screenshots",
    command: "node --import tsx test/screenshots.ts",
  },
  {
    name: "check",
    command: `${prettier} --check . && ${tsc} && node --import tsx test/lineLengths.ts`,
  },
  { name: "format", command: `${prettier} --write .` },
])
  test(`package.json: ${name} installs the packages of test/`, async () => {
    const { scripts } = await readJson("package.json");
    assert.is(scripts[name], `node scripts/install.mjs test && ${command}`);
  });

test("package.json has no other scripts", async () => {
  const { scripts } = await readJson("package.json");
  assert.is(Object.keys(scripts).length, 13);
});

test.unless(bun.why)("package.json's scripts in Bun's own shell", async () => {
  const script = launch([
    bun.program,
    `--cwd=${originalProject}`,
    "run",
    "--shell=bun",
    "client",
    "--help",
  ]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.match(script.output.stdout, "usage: npx tsx lecture1_client.ts");
});

test("package.json's oldest node", async () => {
  const { engines } = await readJson("package.json");
  assert.equal(engines, { node: ">=18.19" });
});

test(".npmrc's settings", async () => {
  const text = await readFile(projectFile(".npmrc"), "utf8");
  const lines = text.split(/\r?\n/);
  const settings = lines.filter((line) => line && !line.startsWith("#"));

  assert.equal(settings, [
    "audit=false",
    "fetch-retry-maxtimeout=3000",
    "fetch-retry-mintimeout=1000",
    "fund=false",
    "global=false",
    "include[]=dev",
    "include[]=optional",
    "location=project",
    "loglevel=error",
  ]);
});

test("pnpm's settings", async () => {
  const file = pathToFileURL(projectFile(".pnpmfile.cjs"));
  const { default: pnpmfile } = await import(String(file));

  const settings = pnpmfile.hooks.updateConfig({ allowBuilds: { a: true } });
  assert.equal(settings, { allowBuilds: { a: true, esbuild: false } });
});

test("Yarn's settings", async () => {
  const text = await readFile(projectFile(".yarnrc.yml"), "utf8");
  assert.match(text, /^nodeLinker: node-modules$/m);
});

/** What every configuration of Run and Debug has. */
const everyConfiguration = {
  type: "node",
  request: "launch",
  cwd: "${workspaceFolder}",
  console: "integratedTerminal",
  skipFiles: ["<node_internals>/**"],
};

for (const [index, expected] of [
  {
    name: "lecture1_server",
    program: "${workspaceFolder}/lecture1_server.ts",
    runtimeArgs: ["--import", "tsx"],
  },
  {
    name: "lecture1_server_forever",
    program: "${workspaceFolder}/lecture1_server_forever.ts",
    runtimeArgs: ["--import", "tsx"],
  },
  {
    // Under tsx an editor's breakpoints don't reach the threads.
    name:
      "lecture1_server_forever, with breakpoints in its threads " +
      "(Node 22.18 or later)",
    program: "${workspaceFolder}/lecture1_server_forever.ts",
  },
  {
    name: "lecture1_server_forever_async",
    program: "${workspaceFolder}/lecture1_server_forever_async.ts",
    runtimeArgs: ["--import", "tsx"],
  },
  {
    name: "lecture1_client",
    program: "${workspaceFolder}/lecture1_client.ts",
    runtimeArgs: ["--import", "tsx"],
  },
].entries()) {
  const [shortName] = expected.name.split(" (");
  test(`Run and Debug: ${shortName}`, async () => {
    const { configurations } = await readJson(".vscode/launch.json");
    assert.equal(configurations[index], { ...everyConfiguration, ...expected });
  });
}

test("Run and Debug has five configurations", async () => {
  const { configurations } = await readJson(".vscode/launch.json");
  assert.is(configurations.length, 5);
});

for (const name of ["lecture1_server_forever", "lecture1_server_forever_async"])
  test.unless(noTerminal)(`npx tsx ${name}.ts: Ctrl+C counts once`, async () =>
    expectOneCtrlC(await startByNpx(name)),
  );

test.run();
