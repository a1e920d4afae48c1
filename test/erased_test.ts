/**
 * Programs without types, as compare and packets start them: what runs by
 * itself, by npx tsx, runs there, too.
 */
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../scripts/copyProject.ts";
import {
  commandWithPreload,
  MissingFile,
  plainCommand,
} from "../scripts/erased.ts";
import { launch, type Launched } from "../scripts/launch.ts";
import { tsxLoader } from "../scripts/project.ts";
import { connect } from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { hasSignals, type Why } from "./helpers/machine.ts";
import { editedFile, listening } from "./helpers/programs.ts";

const test = suite("programs without types");

/** A program's folder: the texts of its files by their paths. */
type Files = Record<string, string>;

/** Writes a program into a folder; returns the full path of program.ts. */
async function write(files: Files): Promise<string> {
  const folder = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return join(folder, "program.ts");
}

/** A way to start a program. */
interface Way {
  name: string;
  start(file: string): Promise<Launched>;
}

const ways: Way[] = [
  {
    name: "npx tsx",
    start: async (file) => launch([process.execPath, ...tsxLoader, file]),
  },
  {
    name: "compare's client",
    start: async (file) => launch(await plainCommand(file, 7)),
  },
  {
    name: "compare's server",
    async start(file) {
      const command = await commandWithPreload({
        preload: "compare/footprint.ts",
        file,
        port: 7,
      });
      return launch(command, { messages: true });
    },
  },
  {
    name: "packets",
    async start(file) {
      const command = await commandWithPreload({
        preload: "packets/tell.ts",
        file,
        port: 7,
      });
      const env = { ...process.env, LECTURE1_REPORTS: "1" };
      return launch(command, { env, messages: true, onMark() {} });
    },
  },
];

interface ProgramCase {
  title: string;
  files: Files;
  /** The program's output. */
  printed: string;
}

const readsRobot =
  'readFileSync(new URL("robot.txt", import.meta.url), "utf8")';

const programCases: ProgramCase[] = [
  {
    title: "a package",
    files: {
      "program.ts": `
        import { chalk } from "zx/core";
        const color: string = typeof chalk.red;
        console.log(color);`,
    },
    printed: "function\n",
  },
  {
    title: "a package that is imported late",
    files: {
      "program.ts": `
        const { chalk } = await import("zx/core");
        console.log(typeof (chalk.red as unknown));`,
    },
    printed: "function\n",
  },
  {
    title: "CommonJS beside it",
    files: {
      "arm.cjs": 'exports.arm = require("node:path").basename(__filename);',
      "program.ts": `
        import { arm } from "./arm.cjs";
        console.log(arm as string);`,
    },
    printed: "arm.cjs\n",
  },
  {
    title: "a file beside it, by import.meta.url",
    files: {
      "robot.txt": "ur3",
      "program.ts": `
        import { readFileSync } from "node:fs";
        console.log(${readsRobot} as string);`,
    },
    printed: "ur3\n",
  },
  {
    title: "a file beside it, by process.argv",
    files: {
      "robot.txt": "ur3",
      "program.ts": `
        import { readFileSync } from "node:fs";
        import { dirname, join } from "node:path";
        const file: string = join(dirname(process.argv[1]!), "robot.txt");
        console.log(readFileSync(file, "utf8"));`,
    },
    printed: "ur3\n",
  },
  {
    title: "a file beside another file that it imports",
    files: {
      "arm/robot.txt": "ur5",
      "arm/arm.ts": `
        import { readFileSync } from "node:fs";
        export const arm: string = ${readsRobot};`,
      "program.ts": `
        import { arm } from "./arm/arm.ts";
        console.log(arm as string);`,
    },
    printed: "ur5\n",
  },
  {
    title: "JSON",
    files: {
      "robot.json": '{ "name": "ur3" }',
      "program.ts": `
        import robot from "./robot.json" with { type: "json" };
        console.log(robot.name as string);`,
    },
    printed: "ur3\n",
  },
  {
    title: "a separate thread",
    files: {
      "thread.js": `
        import { parentPort } from "node:worker_threads";
        parentPort.postMessage("ur3");`,
      "program.ts": `
        import { Worker } from "node:worker_threads";
        const thread = new Worker(new URL("./thread.js", import.meta.url));
        thread.on("message", (name: string) => console.log(name));`,
    },
    printed: "ur3\n",
  },
  {
    title: "a separate process, in TypeScript",
    files: {
      "arm.ts": 'const name: string = "ur3";\nprocess.send!(name);',
      "program.ts": `
        import { fork } from "node:child_process";
        const process = fork(new URL("./arm.ts", import.meta.url));
        process.on("message", (name: string) => console.log(name));`,
    },
    printed: "ur3\n",
  },
];

for (const { title, files, printed } of programCases)
  for (const { name, start } of ways)
    test(`${title}: ${name}`, async () => {
      const program = await start(await write(files));
      await program.exit();

      assert.is(program.output.stdout, printed, program.describe());
    });

test("import.meta and process.argv name the program's own file", async () => {
  const file = await write({
    "program.ts": `
      const { dirname, filename, url } = import.meta;
      const started: string = process.argv[1]!;
      console.log(JSON.stringify({ dirname, filename, url, started }));`,
  });
  const program = launch(await plainCommand(file, 7));
  await program.exit();

  const {
    dirname: folder,
    filename,
    url,
    started,
  } = JSON.parse(program.output.stdout);
  assert.is(folder, dirname(file));
  assert.is(filename, file);
  assert.match(url, /^file:.*\/program\.ts$/);
  assert.is(started, file);
});

for (const { name, start } of ways.slice(2))
  test(`an error names the line of the file: ${name}`, async () => {
    const file = await write({
      "program.ts": 'interface Arm {}\n\nthrow new Error("no arm");\n',
    });
    const program = await start(file);
    await program.exit();

    assert.match(program.output.stderr, "program.ts:3:7");
  });

test("an error in a thread of the threaded server: its line", async () => {
  const file = await editedFile("lecture1_server_forever", {
    before: "conn.sendall(data);",
    after: "arm.sendall(data);",
  });
  const lines = (await readFile(file, "utf8")).split("\n");
  const line = lines.findIndex((one) => one.includes("arm.sendall")) + 1;
  const command = await commandWithPreload({
    preload: "compare/footprint.ts",
    file,
    port: 0,
  });
  const server = await listening(launch(command, { messages: true }));
  const client = await connect(server.port);
  await client.send("hello");

  await server.prints(new RegExp(`arm is not defined .*\\.ts:${line}\\)`));
});

const noReadOnlyFolder: Why =
  (!hasSignals && "Windows has no such rights") ||
  (process.getuid?.() === 0 && "root can write everywhere");

test.unless(noReadOnlyFolder)("a folder that is read-only", async () => {
  const file = await write({ "program.ts": 'console.log("ur3" as string);' });
  await chmod(dirname(file), 0o555);
  const program = launch(await plainCommand(file, 7));
  await program.exit();
  await chmod(dirname(file), 0o755);

  assert.is(program.output.stdout, "ur3\n");
});

test("a program that is missing", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "lecture1_client.ts");
  try {
    await plainCommand(file, 7);
  } catch (error) {
    assert.instance(error, MissingFile);
    assert.is((error as MissingFile).file, file);
    assert.is((error as MissingFile).message, `${file} is missing`);
    return;
  }
  assert.unreachable("no error");
});

test("an import of a package that is missing: its line", async () => {
  const file = await write({
    "program.ts": 'import "node:fs";\nimport "no-such-package";\n',
  });
  let message = "";
  try {
    await plainCommand(file, 7);
  } catch (error) {
    message = (error as Error).message;
  }

  assert.match(message, /program\.ts:2: Could not resolve "no-such-package"/);
});

test.run();
