/** What npm's scripts begin with: it installs what is missing, and says in a line why it can't. */
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { projectFile } from "../scripts/processes.ts";
import {
  launchMarked,
  noSignals,
  noneLeft,
  suite,
  temporaryFolder,
} from "./harness.ts";

const test = suite("install");

interface Lock {
  packages: Record<string, Package>;
}
interface Package {
  version: string;
  os?: string[];
  cpu?: string[];
  engines?: { node: string };
  hasInstallScript?: boolean;
}
const json = async (file: string) => JSON.parse(await readFile(file, "utf8"));
const lock: Lock = await json(projectFile("package-lock.json"));
const { "": project, ...all } = lock.packages;

/** A project with this lock file, and in the place of npm a program that does as told. */
async function projectWith(packages: Lock["packages"], npm: string) {
  const folder = await temporaryFolder();
  const write = async (file: string, content: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  };
  const lock = { packages: { "": project, ...packages } };
  await write("package.json", '{ "type": "module" }');
  await write("package-lock.json", JSON.stringify(lock));
  await write("npm-cli.js", `import fs from "node:fs";\n${npm}`);
  const script = join(folder, "scripts", "install.js");
  await cp(projectFile("scripts/install.js"), script);

  /** Starts it as npm does. */
  const start = (npm = join(folder, "npm-cli.js")) =>
    launchMarked([process.execPath, script], { npm_execpath: npm });
  /** Runs it to its end: its exit code and what it said. */
  async function run(npm?: string) {
    const script = start(npm);
    const { code } = await script.exit();
    assert.is(script.output.stdout, "", "stdout is for what comes after it");
    return [code, script.output.stderr];
  }
  return { folder, start, run, write };
}

/** Installs what the lock file names for this system, as npm does. */
const installs = `
  const { packages } = JSON.parse(fs.readFileSync("package-lock.json", "utf8"));
  delete packages[""];
  for (const [folder, { os, cpu }] of Object.entries(packages))
    if ((os && !os.includes(process.platform)) || (cpu && !cpu.includes(process.arch)))
      delete packages[folder];
    else fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages }));
  fs.writeFileSync("called", process.argv.slice(2).join(" "));`;

const says = (missing: number) =>
  `install: npm gets what is missing (${missing})\n`;

/** Those of the lock file that this system needs. */
const here = Object.entries(all).filter(
  ([, { os, cpu }]) =>
    (os?.includes(process.platform) ?? true) &&
    (cpu?.includes(process.arch) ?? true),
);

test("a fresh clone, then nothing, then another lock file, then a folder that is gone", async () => {
  const { folder, run, write } = await projectWith(all, installs);
  assert.equal(await run(), [0, says(here.length)]);
  const called = await readFile(join(folder, "called"), "utf8");
  assert.match(called, /^install --no-save .*--json/);
  for (const kind of ["dev", "optional"])
    assert.match(called, `--include=${kind}`, "whatever NODE_ENV says");
  assert.equal(await run("npm-cli.js of nobody"), [0, ""]);

  const zx = { ...all["node_modules/zx"]!, version: "0.0.1" };
  const packages = { ...all, "node_modules/zx": zx };
  await write("package-lock.json", JSON.stringify({ packages }));
  assert.equal(await run(), [0, says(1)]);
  assert.equal(await run("npm-cli.js of nobody"), [0, ""]);

  const file = "node_modules/.package-lock.json";
  const installed: Lock = await json(join(folder, file));
  installed.packages["node_modules/nowhere"] = zx;
  await write(file, JSON.stringify(installed));
  const more = { ...packages, "node_modules/nowhere": zx };
  await write("package-lock.json", JSON.stringify({ packages: more }));
  assert.equal(await run(), [0, says(1)]);
});

test("packages of another system don't count; those of this one that are missing do", async () => {
  const { folder, run, write } = await projectWith(all, installs);
  await run();
  const file = "node_modules/.package-lock.json";
  const installed: Lock = await json(join(folder, file));
  const ours = `node_modules/@esbuild/${process.platform}-${process.arch}`;
  assert.ok(installed.packages[ours], "esbuild's program for this system");
  delete installed.packages[ours]; // a folder that WSL and Windows share
  await write(file, JSON.stringify(installed));
  assert.equal(await run(), [0, says(1)]);
});

test("what goes wrong is a line: no network, an npm that says nothing, no npm", async () => {
  const error = {
    code: "ENOTFOUND",
    summary: "request failed, reason: getaddrinfo\nmore",
  };
  const answer = JSON.stringify({ error }, null, 2);
  const fails = `console.error("npm error"); console.log(${JSON.stringify(answer)}); process.exit(1);`;
  const offline = await projectWith(all, fails);
  const [code, said] = await offline.run();
  assert.is(code, 1);
  assert.is(
    said,
    `${says(here.length)}install: npm install failed (ENOTFOUND): request failed, reason: getaddrinfo; is there a network? npm install says more\n`,
  );
  const silent = await projectWith(all, "process.exit(7);");
  assert.match(String(await silent.run()), /npm install failed \(7\): ;/);
  for (const other of ["", "/usr/lib/pnpm.cjs"])
    assert.equal(await silent.run(other), [
      1,
      `install: ${here.length} packages are missing: npm install\n`,
    ]);
});

test("a lock file that can't be read, after a merge say, keeps nothing from running", async () => {
  const { run, write } = await projectWith(all, installs);
  await write("package-lock.json", "<<<<<<< HEAD");
  assert.equal(await run(), [0, ""]);
});

test("a Node.js that is too old is told, before anything is installed", async () => {
  const { run, write } = await projectWith(all, installs);
  const needs = (node: string) =>
    write(
      "package-lock.json",
      JSON.stringify({ packages: { "": { engines: { node } } } }),
    );
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  for (const enough of [
    `>=${major}.${minor}`,
    `>=${major - 1}.99`,
    ">=20.11",
  ]) {
    await needs(enough);
    assert.equal(await run(), [0, ""], enough);
  }
  for (const tooMuch of [`>=${major}.${minor + 1}`, `>=${major + 1}.0`]) {
    await needs(tooMuch);
    assert.equal(await run(), [
      1,
      `install: this is Node.js ${process.version}, and ${tooMuch.slice(2)} or later is needed: https://nodejs.org\n`,
    ]);
  }
});

test.unless(noSignals)("Ctrl+C ends it and npm, without a word", async () => {
  const { start } = await projectWith(all, "setInterval(() => {}, 1000);");
  const script = start();
  await script.saw(/npm gets/);
  script.kill("SIGINT");
  assert.is((await script.exit()).code, 130);
  assert.is(script.output.stderr, says(here.length));
  await noneLeft(script.mark);
});

test("npm has no install script to warn of, and every script that needs packages gets them", async () => {
  const { allowScripts, scripts } = await json(projectFile("package.json"));
  const withScript = Object.entries(all).filter(
    ([, { hasInstallScript }]) => hasInstallScript,
  );
  const names = withScript.map(([folder]) =>
    folder.replace(/.*node_modules\//, ""),
  );
  assert.equal(Object.keys(allowScripts), names);
  for (const name of ["compare", "packets", "test", "server", "client"])
    assert.match(scripts[name], /^node scripts\/install\.js && /);
});

test.run();
