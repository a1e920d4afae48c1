/**
 * Which packages of a package.json and package-lock.json are missing. This is
 * JavaScript and needs no package, since possibly nothing is installed yet.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The contents of a package.json, or what package-lock.json has about a
 * package.
 *
 * @typedef {object} Manifest
 * @property {string} [version]
 * @property {Record<string, string>} [dependencies] their versions, by names
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {string[]} [os] the systems that it is for; missing: all
 * @property {string[]} [cpu] the processors that it is for; missing: all
 */

/**
 * The contents of package-lock.json.
 *
 * @typedef {object} Lock
 * @property {Record<string, Manifest | undefined>} packages by their paths
 * @property {boolean} isObeyed whether npm has installed the packages: other
 *   package managers choose the versions of some of them
 */

/**
 * A package that is installed, or the folder itself that needs packages.
 *
 * @typedef {object} Installed
 * @property {Manifest} manifest
 * @property {string} path its path in package-lock.json; the folder's is ""
 * @property {string} folder
 */

/**
 * A package that another package needs on this machine.
 *
 * @typedef {object} Dependency
 * @property {string} name
 * @property {string} path its path in package-lock.json
 * @property {string} [version] missing: any version will do
 */

/**
 * Follows the dependencies from package to package, and looks for each as Node
 * does. So the packages can be next to each other, as npm puts them, or linked
 * into each other, as pnpm does.
 *
 * @param {string} folder the folder of the package.json
 * @returns {string[]} "NAME VERSION" of each package that is missing
 */
export function missingPackages(folder) {
  const lock = readLock(folder);
  /** @type {Set<string>} */
  const visited = new Set();
  /** @type {string[]} */
  const missing = [];

  // The loop also reaches the packages that are added in it.
  const found = [readFolder(folder)];
  for (const dependent of found)
    for (const dependency of dependenciesOf(dependent, lock)) {
      if (visited.has(dependency.path)) continue;
      visited.add(dependency.path);
      const installed = findInstalled(dependency, dependent);
      if (installed) found.push(installed);
      else missing.push(describe(dependency));
    }
  return missing;
}

/**
 * @param {string} folder
 * @returns {Installed} the folder, which needs its devDependencies, too
 */
function readFolder(folder) {
  const manifest = readJson(join(folder, "package.json"));
  const { dependencies, devDependencies } = manifest;
  manifest.dependencies = { ...dependencies, ...devDependencies };
  return { manifest, path: "", folder };
}

/**
 * @param {string} folder
 * @returns {Lock} without packages if package-lock.json is missing
 */
function readLock(folder) {
  const { packages = {} } = readJson(join(folder, "package-lock.json"));
  const writtenByNpm = join(folder, "node_modules", ".package-lock.json");
  return { packages, isObeyed: existsSync(writtenByNpm) };
}

/**
 * @param {Installed} dependent
 * @param {Lock} lock
 * @returns {Dependency[]} what it needs on this machine
 */
function dependenciesOf({ manifest, path }, lock) {
  const { dependencies, optionalDependencies = {} } = manifest;
  const all = { ...dependencies, ...optionalDependencies };
  const needed = [];
  for (const [name, range] of Object.entries(all)) {
    const lockedPath = findLocked(name, path, lock);
    const locked = lock.packages[lockedPath];
    const isOptional = optionalDependencies[name] !== undefined;
    if (isOptional && !isForThisMachine(locked)) continue;

    const isExact = /^\d+\.\d+\.\d+$/.test(range);
    const lockedVersion = lock.isObeyed ? locked?.version : undefined;
    const version = isExact ? range : lockedVersion;
    needed.push({ name, path: lockedPath, version });
  }
  return needed;
}

/**
 * Finds a dependency in package-lock.json as Node would in node_modules: in the
 * package that needs it, or in the nearest one around it.
 *
 * @param {string} name the dependency's name
 * @param {string} path the path of the package that needs it
 * @param {Lock} lock
 * @returns {string} the dependency's path
 */
function findLocked(name, path, lock) {
  let around = path;
  while (around !== "") {
    const inside = `${around}/node_modules/${name}`;
    if (lock.packages[inside]) return inside;
    const end = around.lastIndexOf("/node_modules/");
    around = around.slice(0, Math.max(end, 0));
  }
  return `node_modules/${name}`;
}

/**
 * Whether an optional package is for this system and processor.
 *
 * @param {Manifest} [locked] undefined: package-lock.json doesn't have it
 */
function isForThisMachine(locked) {
  if (!locked) return false;
  const { os, cpu } = locked;
  return allows(os, process.platform) && allows(cpu, process.arch);
}

/**
 * @param {string[] | undefined} values those that are allowed, or those that
 *   are not, each with a "!"
 * @param {string} value
 */
function allows(values, value) {
  if (!values || values.includes(value)) return true;
  const excludes = values.every((other) => other.startsWith("!"));
  return excludes && !values.includes(`!${value}`);
}

/**
 * @param {Dependency} dependency
 * @param {Installed} dependent the package that needs it
 * @returns {Installed | undefined} undefined: it is missing, or another version
 *   is there
 */
function findInstalled({ name, path, version }, dependent) {
  // What package.json itself asks for is in the node_modules next to it: the
  // scripts start programs from there.
  const isAskedFor = dependent.path === "";
  const from = dependent.folder;
  const folder = isAskedFor ? folderIn(from, name) : findFolder(name, from);
  if (folder === undefined) return undefined;
  const manifest = readJson(join(folder, "package.json"));
  const isWanted = version === undefined || version === manifest.version;
  return isWanted ? { manifest, path, folder } : undefined;
}

/**
 * Finds the folder of a package as Node does: in the nearest node_modules.
 *
 * @param {string} name
 * @param {string} from the folder of the package that needs it
 * @returns {string | undefined} undefined: there is none
 */
function findFolder(name, from) {
  const folder = folderIn(from, name);
  if (folder !== undefined) return folder;
  const around = dirname(from);
  return around === from ? undefined : findFolder(name, around);
}

/**
 * @param {string} from a folder with node_modules
 * @param {string} name a package's name
 * @returns {string | undefined} the package's folder, without links, since Node
 *   continues from there; undefined: the package is missing
 */
function folderIn(from, name) {
  const folder = join(from, "node_modules", name);
  const isInstalled = existsSync(join(folder, "package.json"));
  return isInstalled ? realpathSync(folder) : undefined;
}

/** @param {Dependency} dependency */
function describe({ name, version }) {
  return version === undefined ? name : `${name} ${version}`;
}

/**
 * @param {string} file
 * @returns {any} an empty object if the file is missing, or is not JSON
 */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}
