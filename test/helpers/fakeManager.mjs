/**
 * A package manager that needs no network. The environment variable
 * LECTURE1_FAKE_MANAGER has its settings; see smallProject.ts.
 */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { LECTURE1_FAKE_MANAGER = "", NODE_ENV } = process.env;
const settings = JSON.parse(LECTURE1_FAKE_MANAGER);

const args = process.argv.slice(2);
const call = { args, folder: process.cwd(), nodeEnv: NODE_ENV };
appendFileSync(settings.callsFile, `${JSON.stringify(call)}\n`);
console.log("printed by the package manager");

await sleep(settings.durationMs);
const isTest = basename(process.cwd()) === "test";
const packages = isTest ? settings.testPackages : settings.packages;
for (const [path, manifest] of Object.entries(packages)) {
  const file = join(path, "package.json");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(manifest));
}
process.exitCode = settings.exitCode;
