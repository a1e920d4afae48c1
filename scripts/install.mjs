/**
 * Runs first in the scripts of package.json: installs the packages if one of
 * them is missing. Otherwise it writes nothing and starts nothing, so the
 * scripts also run in a folder that belongs to another user. It is JavaScript,
 * because a fresh clone has nothing yet that runs TypeScript.
 *
 *   node scripts/install.mjs        the packages of the programs and tools
 *   node scripts/install.mjs test   those of the tests and checks, too, which
 *                                   are in test/package.json: a learner
 *                                   doesn't need them
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { missingPackages } from "./missingPackages.mjs";

const project = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * How each package manager is called.
 *
 * @type {Record<string, string[]>}
 */
const installArguments = {
  // A user's settings can contradict each of these options.
  npm: [
    "install",
    // Without optional packages there is no esbuild, and so no tsx.
    "--include=dev",
    "--include=optional",
    // By package-lock.json, which stays unchanged.
    "--package-lock",
    "--no-save",
    // Into this folder and no other, and not only on trial.
    "--location=project",
    "--no-global",
    "--no-dry-run",
    "--no-package-lock-only",
  ],
  pnpm: ["install"],
  yarn: ["install"],
  bun: ["install"],
};

/** Why the scripts can't run: printed as one line. */
class InstallError extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode] the exit code of this script
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The packages that the package.json of a folder asks for. */
class Packages {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.nodeModules = join(folder, "node_modules");
    /** Exists while this script installs, and contains its process ID. */
    this.lockFile = join(this.nodeModules, ".lecture1-install");
  }

  /**
   * Installs the packages if one is missing.
   *
   * @throws InstallError when one is still missing afterwards
   */
  async installMissing() {
    const manager = packageManager();
    let isLocked = false;
    while (!isLocked) {
      await this.otherInstall();
      const missing = this.findMissing();
      if (missing.length === 0) return;
      isLocked = this.lock(manager, missing);
    }
    const exitCode = install(manager, this.folder);
    rmSync(this.lockFile, { force: true });

    // The exit code doesn't decide: pnpm can install all packages and still
    // fail.
    const missing = this.findMissing();
    if (missing.length === 0) return;
    throw new InstallError(
      `${manager} install has exited with code ${exitCode}, and packages are` +
        ` still missing (${summary(missing)})`,
      exitCode || 1,
    );
  }

  /**
   * Waits while this script installs in another terminal, since two installs at
   * the same time damage each other.
   */
  async otherInstall() {
    const pid = this.lockingProcess();
    if (isRunning(pid))
      process.stderr.write(
        `install: waiting until process ${pid} has installed the packages\n`,
      );
    while (isRunning(this.lockingProcess())) await sleep(100);
  }

  /** @returns {string[]} what has to be installed */
  findMissing() {
    // An interrupted install can leave a package without some of its files.
    if (this.isInterrupted()) return ["the rest of an interrupted install"];
    return missingPackages(this.folder);
  }

  /** Whether the process in the lock file was stopped, for example by Ctrl+C. */
  isInterrupted() {
    const pid = this.lockingProcess();
    return pid !== undefined && !isRunning(pid);
  }

  /**
   * @returns {number | undefined} the process in the lock file; undefined:
   *   there is no such file, or on Windows it is just being removed
   */
  lockingProcess() {
    try {
      return Number(readFileSync(this.lockFile, "utf8"));
    } catch {
      return undefined;
    }
  }

  /**
   * Makes the lock file.
   *
   * @param {string} manager
   * @param {string[]} missing
   * @returns {boolean} false if another process has just done so
   * @throws InstallError when node_modules can't be written
   */
  lock(manager, missing) {
    try {
      mkdirSync(this.nodeModules, { recursive: true });
      if (this.isInterrupted()) rmSync(this.lockFile, { force: true });
      return this.createLockFile();
    } catch (error) {
      throw new InstallError(
        `packages are missing (${summary(missing)}), and ${this.nodeModules}` +
          ` can't be written (${codeOf(error)}): run ${manager} install there` +
          " as its owner, or copy the project into a folder of your own",
      );
    }
  }

  /** @returns {boolean} false if the file exists already */
  createLockFile() {
    try {
      writeFileSync(this.lockFile, String(process.pid), { flag: "wx" });
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw error;
    }
  }
}

try {
  expectNode();
  await new Packages(project).installMissing();
  if (process.argv[2] === "test")
    await new Packages(join(project, "test")).installMissing();
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`install: ${error.message}\n`);
  process.exitCode = error.exitCode;
}

/** @throws InstallError when Node is older than package.json allows */
function expectNode() {
  const packageJson = readFileSync(join(project, "package.json"), "utf8");
  const oldest = JSON.parse(packageJson).engines.node.replace(">=", "");
  const [oldestMajor, oldestMinor] = oldest.split(".").map(Number);
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split(".").map(Number);

  if (major > oldestMajor) return;
  if (major === oldestMajor && minor >= oldestMinor) return;
  throw new InstallError(
    `Node.js ${node} is too old: get ${oldest} or later from https://nodejs.org`,
  );
}

/**
 * The package manager that has started this script.
 *
 * @returns {string} npm if there is none, or an unknown one
 */
function packageManager() {
  const { npm_config_user_agent: agent = "" } = process.env;
  const names = Object.keys(installArguments);
  return names.find((name) => agent.startsWith(`${name}/`)) ?? "npm";
}

/**
 * Runs the package manager. All that it prints goes to stderr.
 *
 * @param {string} manager
 * @param {string} folder
 * @returns {number} its exit code; 1 if a signal has killed it
 */
function install(manager, folder) {
  // Without a lock file of its own, Yarn 2 and later would take test/ for a part
  // of the project around it. ("a": an existing file stays as it is.)
  if (manager === "yarn")
    writeFileSync(join(folder, "yarn.lock"), "", { flag: "a" });

  // NODE_ENV=production would leave out the devDependencies.
  const { NODE_ENV, ...env } = process.env;
  const args = installArguments[manager] ?? [];
  /** @type {import("node:child_process").SpawnSyncOptions} */
  const options = { cwd: folder, env, stdio: ["inherit", 2, 2] };

  const script = scriptOf(manager);
  const { status } = script
    ? spawnSync(process.execPath, [script, ...args], options)
    : spawnSync([manager, ...args].join(" "), { ...options, shell: true });
  return status ?? 1;
}

/**
 * The JavaScript file of the package manager that has started this script. The
 * package manager can be missing from the PATH, and on Windows the file needs
 * no shell.
 *
 * @param {string} manager
 * @returns {string | undefined} undefined: it is a command on the PATH
 */
function scriptOf(manager) {
  const { npm_config_user_agent: agent, npm_execpath: file } = process.env;
  if (!agent?.startsWith(`${manager}/`) || !file) return undefined;
  const isScript = [".js", ".cjs", ".mjs"].includes(extname(file));
  return isScript ? file : undefined;
}

/** @param {number} [pid] undefined: none */
function isRunning(pid) {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** @param {unknown} error what a function of node:fs has thrown */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}

/**
 * @param {string[]} packages
 * @returns {string} the first one, and how many others
 */
function summary(packages) {
  const [first = ""] = packages;
  const others = packages.length - 1;
  return others === 0 ? first : `${first} and ${others} more`;
}
