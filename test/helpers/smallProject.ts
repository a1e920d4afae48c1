/**
 * A project with a few packages, and a package manager that needs no network:
 * for the tests of scripts/install.mjs.
 */
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { launch, type Launched } from "../../scripts/launch.ts";
import { projectFile } from "../../scripts/project.ts";

/** The project's packages, by their paths in package-lock.json. */
const packages = {
  "node_modules/tool": {
    version: "1.0.0",
    dependencies: { helper: "^1.0.0" },
    optionalDependencies: { "@tool/here": "1.0.0", "@tool/there": "1.0.0" },
  },
  "node_modules/@tool/here": {
    version: "1.0.0",
    os: [process.platform],
    cpu: [process.arch],
  },
  "node_modules/helper": { version: "1.2.0" },
  "node_modules/checker": {
    version: "2.0.0",
    dependencies: { helper: "^2.0.0" },
  },
  "node_modules/checker/node_modules/helper": { version: "2.1.0" },
};

/** Is in package-lock.json, too, and never installed. */
const packageElsewhere = { version: "1.0.0", os: ["another system"] };

/** The packages of test/, by their paths in its package-lock.json. */
const testPackages = { "node_modules/browser": { version: "3.0.0" } };

const testPackageJson = {
  name: "small-project-test",
  dependencies: { browser: "3.0.0" },
};

const packageJson = {
  name: "small-project",
  version: "1.0.0",
  engines: { node: ">=18.19" },
  dependencies: { tool: "1.0.0" },
  devDependencies: { checker: "2.0.0" },
};

/** The package manager's full path. */
export const fakeManager = projectFile("test/helpers/fakeManager.mjs");

/** What a package manager was started with. */
export interface ManagerCall {
  args: string[];
  /** The folder in which it was started. */
  folder: string;
  /** Its NODE_ENV; missing if it had none. */
  nodeEnv?: string;
}

export interface InstallOptions {
  /** The package manager that runs the script; unless given: npm. */
  manager?: string;
  /** Whether the package manager installs anything; unless given: true. */
  installs?: boolean;
  /** The exit code of the package manager; unless given: 0. */
  exitCode?: number;
  /** How long the package manager takes; unless given: 0. */
  durationMs?: number;
  /** More environment variables. */
  env?: NodeJS.ProcessEnv;
  /** The script's full path; unless given: the small project's own. */
  script?: string;
  /** A command that starts node, as another user. */
  prefix?: string[];
  /** The script's arguments; unless given: none. */
  args?: string[];
}

/** Makes a project whose packages are all installed, as npm installs them. */
export async function makeSmallProject(): Promise<SmallProject> {
  const base = await mkdtemp(join(await realpath(tmpdir()), "lecture1-test-"));
  // Other users can read it, too.
  await chmod(base, 0o755);

  const project = new SmallProject(base);
  for (const script of ["install.mjs", "missingPackages.mjs"]) {
    const source = projectFile(`scripts/${script}`);
    await cp(source, project.path(`scripts/${script}`));
  }
  await project.write("package.json", packageJson);
  await project.write("package-lock.json", {
    lockfileVersion: 3,
    packages: {
      "": packageJson,
      ...packages,
      "node_modules/@tool/there": packageElsewhere,
    },
  });
  for (const [path, manifest] of Object.entries(packages))
    await project.write(`${path}/package.json`, manifest);
  await project.write("node_modules/.package-lock.json", {});
  await writeTestPackages(project);
  return project;
}

/** Writes test/, with the packages that only the tests need. */
async function writeTestPackages(project: SmallProject): Promise<void> {
  await project.write("test/package.json", testPackageJson);
  await project.write("test/package-lock.json", {
    lockfileVersion: 3,
    packages: { "": testPackageJson, ...testPackages },
  });
  for (const [path, manifest] of Object.entries(testPackages))
    await project.write(`test/${path}/package.json`, manifest);
  await project.write("test/node_modules/.package-lock.json", {});
}

export class SmallProject {
  /** The project's full path, with spaces and Korean letters. */
  readonly folder: string;
  /** Contains the project, and what doesn't belong into it. */
  readonly base: string;
  readonly #callsFile: string;

  /** Is called by makeSmallProject() only. */
  constructor(base: string) {
    this.base = base;
    this.folder = join(base, "내 문서 (TCP) 100%");
    this.#callsFile = join(base, "calls");
  }

  /** The full path of a file of the project. */
  path(file: string): string {
    return join(this.folder, file);
  }

  /** Writes a file of the project, as JSON. */
  async write(file: string, content: unknown): Promise<void> {
    await mkdir(dirname(this.path(file)), { recursive: true });
    await writeFile(this.path(file), JSON.stringify(content));
  }

  /** Changes the version in a package.json. */
  async changeVersion(file: string, version: string): Promise<void> {
    const content = JSON.parse(await readFile(this.path(file), "utf8"));
    await this.write(file, { ...content, version });
  }

  /** Removes a file or folder of the project. */
  async remove(file: string): Promise<void> {
    await rm(this.path(file), { recursive: true });
  }

  /** Moves a folder of the project. */
  async move(folder: string, target: string): Promise<void> {
    await mkdir(dirname(this.path(target)), { recursive: true });
    await rename(this.path(folder), this.path(target));
  }

  /** Makes a link to a folder of the project. */
  async link(target: string, link: string): Promise<void> {
    await symlink(this.path(target), this.path(link), "junction");
  }

  /** Each file and folder of the project, and when it was changed. */
  async state(): Promise<string[]> {
    const files = await readdir(this.folder, { recursive: true });
    const states = [];
    for (const file of files) {
      const { mtimeMs } = await stat(this.path(file));
      states.push(`${file} ${mtimeMs}`);
    }
    return states;
  }

  /** Runs scripts/install.mjs, as a package manager does. */
  install(options: InstallOptions = {}): Launched {
    const { manager = "npm", installs = true, prefix = [] } = options;
    const settings = {
      callsFile: this.#callsFile,
      packages: installs ? packages : {},
      testPackages,
      exitCode: options.exitCode ?? 0,
      durationMs: options.durationMs ?? 0,
    };
    const env = {
      ...environmentWithoutNpm(),
      npm_config_user_agent: `${manager}/1.2.3 node/v20.20.2`,
      npm_execpath: fakeManager,
      LECTURE1_FAKE_MANAGER: JSON.stringify(settings),
      ...options.env,
    };
    const { script = this.path("scripts/install.mjs"), args = [] } = options;
    return launch([...prefix, process.execPath, script, ...args], { env });
  }

  /** Each call of the package manager so far. */
  async managerCalls(): Promise<ManagerCall[]> {
    try {
      const text = await readFile(this.#callsFile, "utf8");
      const lines = text.trimEnd().split("\n");
      return lines.map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  }

  /** Removes everything. */
  async removeAll(): Promise<void> {
    await rm(this.base, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The tests may themselves be run by a package manager. */
function environmentWithoutNpm(): NodeJS.ProcessEnv {
  const variables = Object.entries(process.env);
  const others = variables.filter(([name]) => !/^p?npm_/i.test(name));
  return Object.fromEntries(others);
}
