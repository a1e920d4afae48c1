/**
 * Installs what package-lock.json names and node_modules lacks. `npm run compare`,
 * `npm test` and others begin with it, so that they work on a fresh clone and after a
 * pull; where nothing is missing it takes a moment. It is JavaScript, since what runs
 * TypeScript may be missing as well.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));

/** Minutes that it may take. */
const limit = 10;

/** @typedef {{ version?: string, os?: string[], cpu?: string[], engines?: { node: string } }} Package */

/**
 * The packages of a lock file, by their folders; "" is the project itself. None where
 * it can't be read.
 *
 * @param {string} file
 * @returns {Record<string, Package>}
 */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(`${folder}/${file}`, "utf8")).packages;
  } catch {
    return {};
  }
}

const { "": project, ...wanted } = packagesIn("package-lock.json");

/** The packages for this machine that aren't there, or not in this version. */
function missing() {
  const installed = packagesIn("node_modules/.package-lock.json"); // npm writes it last
  return Object.entries(wanted).filter(([name, { version, os, cpu }]) => {
    if (os && !os.includes(process.platform)) return false;
    if (cpu && !cpu.includes(process.arch)) return false;
    const there = existsSync(`${folder}/${name}`);
    return !there || installed[name]?.version !== version;
  });
}

/**
 * What keeps the project from running on this Node.js.
 *
 * @returns {string | undefined}
 */
function tooOld() {
  const needed = project?.engines?.node.match(/\d+/g)?.map(Number) ?? [];
  const here = process.versions.node.split(".").map(Number);
  const index = needed.findIndex((number, i) => number !== here[i]);
  if (index < 0 || (here[index] ?? 0) > (needed[index] ?? 0)) return undefined;
  return `this is Node.js ${process.version}, and ${needed.join(".")} or later is needed: https://nodejs.org`;
}

/**
 * Installs everything with the npm that runs this.
 *
 * @param {number} count how many packages are missing
 * @returns {Promise<string | undefined>} what went wrong, in a line
 */
async function install(count) {
  const npm = process.env.npm_execpath ?? "";
  if (!npm.endsWith("npm-cli.js"))
    return `${count} packages are missing: npm install`;
  const flags = ["--no-save", "--no-audit", "--no-fund", "--json"];
  // With NODE_ENV=production, say, npm would leave out what counts as missing.
  const all = ["--include=dev", "--include=optional"];
  // By itself npm would try for more than a minute to reach what isn't there.
  const tries = [
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=3000",
  ];
  const args = [npm, "install", ...flags, ...all, ...tries];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
    timeout: limit * 60_000,
  });
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      interrupted = true;
      child.kill();
    });
  process.stderr.write(`install: npm gets what is missing (${count})\n`);
  let answer = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (answer += text));
  const [code, signal] = await once(child, "close");
  if (interrupted) process.exit(130);
  if (signal) return `npm install took more than ${limit} minutes`;
  if (code === 0) return undefined;
  const [, name = code] = /"code": "(.*)"/.exec(answer) ?? [];
  const [, why = ""] = /"summary": "(.*?)(?:\\n|")/.exec(answer) ?? [];
  return `npm install failed (${name}): ${why}; is there a network? npm install says more`;
}

let problem = tooOld();
const count = problem ? 0 : missing().length;
if (count) problem = await install(count);
if (problem) {
  process.stderr.write(`install: ${problem}\n`);
  process.exitCode = 1;
}
