/**
 * scripts/install.mjs, which comes first in the scripts of package.json: when
 * it installs, how it calls the package manager, and how it fails.
 */
import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  readFile,
  readdir,
  stat,
  writeFile,
} from "node:fs/promises";
import { delimiter, join } from "node:path";
import * as assert from "uvu/assert";
import type { Launched } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { $ } from "../scripts/zx.ts";
import { suite } from "./helpers/harness.ts";
import { onWindows, type Why } from "./helpers/machine.ts";
import { originalProject, packagesFolder } from "./helpers/originalProject.ts";
import {
  fakeManager,
  makeSmallProject,
  type SmallProject,
} from "./helpers/smallProject.ts";

const test = suite("install");

/** The projects that the tests have made. */
const projects: SmallProject[] = [];
test.after(() => Promise.all(projects.map((project) => project.removeAll())));

/** Makes a project whose packages are all installed. */
async function smallProject(): Promise<SmallProject> {
  const project = await makeSmallProject();
  projects.push(project);
  return project;
}

/** Makes a project in which nothing is installed. */
async function freshClone(): Promise<SmallProject> {
  const project = await smallProject();
  await project.remove("node_modules");
  return project;
}

async function expectSuccess(script: Launched): Promise<void> {
  assert.equal(await script.exit(), { code: 0, signal: null });
}

/** Runs the script, and asserts that it starts no package manager. */
async function expectNothingMissing(project: SmallProject): Promise<void> {
  await expectSuccess(project.install());
  assert.equal(await project.managerCalls(), []);
}

/** Runs the script, and asserts that it starts the package manager once. */
async function expectInstall(project: SmallProject): Promise<void> {
  await expectSuccess(project.install());
  const calls = await project.managerCalls();
  assert.is(calls.length, 1);
}

// --- Nothing is missing

test("all is installed: no package manager is started", async () => {
  await expectNothingMissing(await smallProject());
});

test("all is installed: nothing is written", async () => {
  const project = await smallProject();
  const before = await project.state();

  await expectSuccess(project.install());
  assert.equal(await project.state(), before);
});

test("all is installed: nothing is printed", async () => {
  const project = await smallProject();
  const script = project.install();

  await expectSuccess(script);
  assert.equal(script.output, { stdout: "", stderr: "" });
});

test("all is installed in this project itself", async () => {
  const project = await smallProject();
  const script = join(originalProject, "scripts", "install.mjs");

  await expectSuccess(project.install({ script, args: ["test"] }));
  assert.equal(await project.managerCalls(), []);
});

test("packages may be linked into each other, as by pnpm", async () => {
  const project = await smallProject();
  const store = "node_modules/.pnpm/tool@1.0.0/node_modules";
  for (const name of ["tool", "helper", "@tool/here"])
    await project.move(`node_modules/${name}`, `${store}/${name}`);
  await project.link(`${store}/tool`, "node_modules/tool");

  await expectNothingMissing(project);
});

test("node_modules may be a link", async () => {
  const project = await smallProject();
  await project.move("node_modules", "packages");
  await project.link("packages", "node_modules");

  await expectNothingMissing(project);
});

test("another package manager may choose a newer version", async () => {
  const project = await smallProject();
  await project.remove("node_modules/.package-lock.json");
  await project.changeVersion("node_modules/helper/package.json", "1.3.0");

  await expectNothingMissing(project);
});

// --- Something is missing

for (const { what, path } of [
  { what: "node_modules is missing", path: "node_modules" },
  { what: "a package is missing", path: "node_modules/tool" },
  { what: "a devDependency is missing", path: "node_modules/checker" },
  { what: "a package's package is missing", path: "node_modules/helper" },
  {
    what: "a second version is missing",
    path: "node_modules/checker/node_modules/helper",
  },
  {
    what: "the package for this system is missing",
    path: "node_modules/@tool/here",
  },
  {
    what: "a package is there without its files",
    path: "node_modules/tool/package.json",
  },
])
  test(`${what}: it is installed`, async () => {
    const project = await smallProject();
    await project.remove(path);

    await expectInstall(project);
  });

for (const { what, file, version } of [
  {
    what: "a package is older than package.json",
    file: "node_modules/tool/package.json",
    version: "0.9.0",
  },
  {
    what: "a package is newer than package-lock.json",
    file: "node_modules/helper/package.json",
    version: "1.3.0",
  },
])
  test(`${what}: npm is started`, async () => {
    const project = await smallProject();
    await project.changeVersion(file, version);

    await expectInstall(project);
  });

test("an install was interrupted: npm is started again", async () => {
  const project = await smallProject();
  const exited = project.install();
  await exited.exit();
  await project.write("node_modules/.lecture1-install", exited.pid);

  await expectInstall(project);
});

test("two terminals: the second one waits", async () => {
  const project = await freshClone();
  const first = project.install({ durationMs: 1000 });
  await first.prints(/printed by the package manager/);
  const second = project.install();

  await second.prints(/^install: waiting until process \d+ has installed/);
  await expectSuccess(first);
  await expectSuccess(second);
});

test("two terminals: one of them installs", async () => {
  const project = await freshClone();
  const first = project.install({ durationMs: 300 });
  const second = project.install({ durationMs: 300 });
  await expectSuccess(first);
  await expectSuccess(second);

  const calls = await project.managerCalls();
  assert.is(calls.length, 1);
});

// --- The packages that only the tests need

test("install.mjs test: all is installed, nothing is started", async () => {
  const project = await smallProject();

  await expectSuccess(project.install({ args: ["test"] }));
  assert.equal(await project.managerCalls(), []);
});

test("install.mjs test: the packages of test/ are installed, too", async () => {
  const project = await freshClone();
  await project.remove("test/node_modules");
  await expectSuccess(project.install({ args: ["test"] }));

  const calls = await project.managerCalls();
  const folders = calls.map(({ folder }) => folder);
  assert.equal(folders, [project.folder, project.path("test")]);
});

test("the packages of test/ are missing: a learner needs none", async () => {
  const project = await smallProject();
  await project.remove("test/node_modules");

  await expectNothingMissing(project);
});

test("a package of test/ is looked for in test/ only", async () => {
  const project = await smallProject();
  const browser = "node_modules/browser";
  await project.move(`test/${browser}`, browser);
  await expectSuccess(project.install({ args: ["test"] }));

  const [call] = await project.managerCalls();
  assert.is(call?.folder, project.path("test"));
});

test("yarn: test/ gets a lock file of its own", async () => {
  const project = await smallProject();
  await project.remove("test/node_modules");
  const script = project.install({ args: ["test"], manager: "yarn" });

  await expectSuccess(script);
  assert.ok(existsSync(project.path("test/yarn.lock")));
});

/** The names of the packages that a package-lock.json installs. */
async function lockedPackages(file: string): Promise<string[]> {
  const text = await readFile(projectFile(file), "utf8");
  const paths = Object.keys(JSON.parse(text).packages);
  return paths.map((path) => path.replace(/^.*node_modules\//, ""));
}

test("a learner's packages are none for tests and checks", async () => {
  const learners = await lockedPackages("package-lock.json");

  for (const name of await lockedPackages("test/package-lock.json"))
    if (name !== "") assert.not(learners.includes(name), name);
});

/** How many bytes the files in a folder have. */
async function sizeOf(folder: string): Promise<number> {
  const options = { recursive: true, withFileTypes: true } as const;
  let bytes = 0;
  for (const entry of await readdir(folder, options))
    if (entry.isFile())
      bytes += (await stat(join(entry.parentPath ?? entry.path, entry.name)))
        .size;
  return bytes;
}

test("a learner's packages have less than 20 MB", async () => {
  const megabytes = (await sizeOf(packagesFolder)) / 1e6;

  assert.ok(megabytes < 20, `${megabytes.toFixed(1)} MB`);
});

// --- How the package manager is called

test("npm installs all that package-lock.json asks for, here", async () => {
  const project = await freshClone();
  await expectSuccess(project.install());

  const [call] = await project.managerCalls();
  assert.equal(call?.args, [
    "install",
    "--include=dev",
    "--include=optional",
    "--package-lock",
    "--no-save",
    "--location=project",
    "--no-global",
    "--no-dry-run",
    "--no-package-lock-only",
  ]);
});

test("npm is started in the project's folder", async () => {
  const project = await freshClone();
  await expectSuccess(project.install());

  const [call] = await project.managerCalls();
  assert.is(call?.folder, project.folder);
});

test("NODE_ENV=production leaves nothing out", async () => {
  const project = await freshClone();
  const env = { NODE_ENV: "production" };
  await expectSuccess(project.install({ env }));

  const [call] = await project.managerCalls();
  assert.is(call?.nodeEnv, undefined);
});

test("npm's output goes to stderr", async () => {
  const project = await freshClone();
  const script = project.install();
  await expectSuccess(script);

  const stderr = "printed by the package manager\n";
  assert.equal(script.output, { stdout: "", stderr });
});

for (const manager of ["pnpm", "yarn", "bun"])
  test(`${manager} run: ${manager} installs`, async () => {
    const project = await freshClone();
    await expectSuccess(project.install({ manager }));

    const [call] = await project.managerCalls();
    assert.equal(call?.args, ["install"]);
  });

/** Makes a command that is the package manager of the tests. */
async function makeCommand(folder: string, name: string): Promise<void> {
  await mkdir(folder);
  const command = `"${process.execPath}" "${fakeManager}"`;
  await writeFile(join(folder, `${name}.cmd`), `@${command} %*\r\n`);
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\nexec ${command} "$@"\n`);
  await chmod(file, 0o755);
}

for (const { what, command, env } of [
  {
    what: "pnpm 12, which is no JavaScript",
    command: "pnpm",
    env: { npm_config_user_agent: "pnpm/12.0.0", npm_execpath: "/bin/pnpm" },
  },
  {
    what: "node --run: npm",
    command: "npm",
    env: { npm_config_user_agent: undefined, npm_execpath: undefined },
  },
])
  test(`${what} is found on the PATH`, async () => {
    const project = await freshClone();
    const folder = join(project.base, "commands");
    await makeCommand(folder, command);
    const PATH = `${folder}${delimiter}${process.env.PATH}`;

    await expectSuccess(project.install({ env: { ...env, PATH } }));
    const calls = await project.managerCalls();
    assert.is(calls.length, 1);
  });

// --- npm itself

const { exitCode: npmExitCode } = await $`npm --version`;
const noNpm: Why = npmExitCode !== 0 && "no npm here";

/** Makes a project whose packages npm finds in its own folder. */
async function projectForNpm(): Promise<SmallProject> {
  const project = await smallProject();
  await project.remove("node_modules");
  const dependencies = {
    devDependencies: { checker: "file:packages/checker" },
    optionalDependencies: { tool: "file:packages/tool" },
  };
  const manifest = { engines: { node: ">=18.19" }, ...dependencies };
  await project.write("package.json", manifest);
  await project.write("package-lock.json", {
    lockfileVersion: 3,
    packages: {
      "": dependencies,
      "node_modules/checker": { resolved: "packages/checker", link: true },
      "node_modules/tool": { resolved: "packages/tool", link: true },
      "packages/checker": { version: "2.0.0", dev: true },
      "packages/tool": { version: "1.0.0", optional: true },
    },
  });
  for (const { name, version } of [
    { name: "checker", version: "2.0.0" },
    { name: "tool", version: "1.0.0" },
  ])
    await project.write(`packages/${name}/package.json`, { name, version });
  return project;
}

for (const { setting, value } of [
  { setting: "omit", value: "optional" },
  { setting: "location", value: "global" },
  { setting: "global", value: "true" },
  { setting: "production", value: "true" },
  { setting: "dry_run", value: "true" },
])
  test.unless(noNpm)(`npm with ${setting}=${value} installs all`, async () => {
    const project = await projectForNpm();
    const env = {
      npm_config_user_agent: undefined,
      npm_execpath: undefined,
      npm_config_offline: "true",
      npm_config_prefix: join(project.base, "global"),
      [`npm_config_${setting}`]: value,
    };

    await expectSuccess(project.install({ env }));
    const installed = await readdir(project.path("node_modules"));
    const packages = installed.filter((name) => !name.startsWith("."));
    assert.equal(packages, ["checker", "tool"]);
    assert.not.ok(existsSync(env.npm_config_prefix));
  });

// --- When it fails

const fromPackageManager = "printed by the package manager\n";

test("npm fails: the exit code is npm's", async () => {
  const project = await freshClone();
  const script = project.install({ installs: false, exitCode: 7 });

  assert.equal(await script.exit(), { code: 7, signal: null });
});

test("npm fails: one line more", async () => {
  const project = await freshClone();
  const script = project.install({ installs: false, exitCode: 7 });
  await script.exit();

  const line =
    "install: npm install has exited with code 7, and packages are still" +
    " missing (tool 1.0.0 and 1 more)\n";
  assert.is(script.output.stderr, fromPackageManager + line);
});

test("npm fails, but nothing is missing: it doesn't matter", async () => {
  const project = await freshClone();
  await expectSuccess(project.install({ exitCode: 1 }));
});

test("npm leaves a package out: exit code 1", async () => {
  const project = await smallProject();
  await project.remove("node_modules/@tool/here");
  const script = project.install({ installs: false });

  assert.equal(await script.exit(), { code: 1, signal: null });
});

test("npm leaves a package out: the line names it", async () => {
  const project = await smallProject();
  await project.remove("node_modules/@tool/here");
  const script = project.install({ installs: false });
  await script.exit();

  const line =
    "install: npm install has exited with code 0, and packages are still" +
    " missing (@tool/here 1.0.0)\n";
  assert.is(script.output.stderr, fromPackageManager + line);
});

test("Node is too old: one line", async () => {
  const project = await smallProject();
  await project.write("package.json", { engines: { node: ">=99.1" } });
  const script = project.install();

  assert.equal(await script.exit(), { code: 1, signal: null });
  const { node } = process.versions;
  const stderr =
    `install: Node.js ${node} is too old: get 99.1 or later from` +
    " https://nodejs.org\n";
  assert.equal(script.output, { stdout: "", stderr });
});

/** Starts a command as a user who can't write to the project's folder. */
const asOtherUser =
  process.getuid?.() === 0
    ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    : [];

/** Why there is no folder here that can't be written. */
async function noReadOnlyFolder(): Promise<Why> {
  if (onWindows) return "on Windows a folder takes no such mode";
  const { exitCode } = await $`${asOtherUser} ${process.execPath} --version`;
  return exitCode !== 0 && "root can't become another user here";
}
const whyNot = await noReadOnlyFolder();

/** Runs the script where node_modules can't be written. */
async function installReadOnly(project: SmallProject): Promise<Launched> {
  const nodeModules = project.path("node_modules");
  await chmod(nodeModules, 0o555);
  const script = project.install({ prefix: asOtherUser });
  await script.exit();
  await chmod(nodeModules, 0o755);
  return script;
}

test.unless(whyNot)("a folder of another user: all is there", async () => {
  const script = await installReadOnly(await smallProject());

  await expectSuccess(script);
  assert.equal(script.output, { stdout: "", stderr: "" });
});

test.unless(whyNot)("a folder of another user: one line", async () => {
  const project = await smallProject();
  await project.remove("node_modules/@tool/here");
  const script = await installReadOnly(project);

  assert.equal(await script.exit(), { code: 1, signal: null });
  const stderr =
    "install: packages are missing (@tool/here 1.0.0), and" +
    ` ${project.path("node_modules")} can't be written (EACCES): run npm` +
    " install there as its owner, or copy the project into a folder of your" +
    " own\n";
  assert.equal(script.output, { stdout: "", stderr });
});

test.unless(whyNot)("a folder of another user: npm isn't started", async () => {
  const project = await smallProject();
  await project.remove("node_modules/@tool/here");
  await installReadOnly(project);

  assert.equal(await project.managerCalls(), []);
});

test.run();
