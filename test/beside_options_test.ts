/** beside's command line: what it accepts, and what it says about a mistake. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { textsIn } from "../scripts/beside/texts.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { languages } from "../scripts/language.ts";
import { projectFile } from "../scripts/project.ts";
import { $ } from "../scripts/zx.ts";
import { suite } from "./helpers/harness.ts";
import { nodeCommand } from "./helpers/programs.ts";

const test = suite("options of beside");

/** Has our two originals. */
const ours = projectFile("test/originals");
const address =
  "https://github.com/portal301/ur-python-tutorial/tree/" +
  "8c3d3927d8cd18282450c8a398aefc326aebd8a5/lecture1";

/** Runs `beside` until it exits. */
async function runBeside(...args: string[]) {
  const command = [...nodeCommand("scripts/beside.ts"), ...args];
  const { stdout, stderr, exitCode } = await $`${command}`;
  return { stdout, stderr, exitCode };
}

interface Mistake {
  title: string;
  args: string[];
  message: string;
}

const emptyFolder = await temporaryFolder();

const mistakes: Mistake[] = [
  {
    title: "no folder",
    args: [],
    message:
      "no DIR given: name the folder with the Python originals; " +
      `the originals are at ${address}`,
  },
  {
    title: "a folder that isn't there",
    args: ["nowhere"],
    message: `nowhere is not a folder; the originals are at ${address}`,
  },
  {
    title: "a file",
    args: [projectFile("package.json")],
    message:
      `${projectFile("package.json")} is not a folder; ` +
      `the originals are at ${address}`,
  },
  {
    title: "a folder without originals",
    args: [emptyFolder, "--only", "client,async"],
    message:
      `${emptyFolder} doesn't contain lecture1_client.py, ` +
      `lecture1_server_forever_async.py; the originals are at ${address}`,
  },
  {
    title: "a folder without those that --only names",
    args: [ours, "--only", "client"],
    message:
      `${ours} doesn't contain lecture1_client.py; ` +
      `the originals are at ${address}`,
  },
  {
    title: "an unknown program",
    args: [ours, "--only", "client,robot"],
    message: "--only must be client,server,forever,async",
  },
  {
    title: "an unknown option",
    args: [ours, "--nonsense"],
    message: "unknown option --nonsense",
  },
  {
    title: "a second folder",
    args: [ours, emptyFolder],
    message: `unexpected argument ${emptyFolder}`,
  },
  {
    title: "an option without its value",
    args: [ours, "--html"],
    message: "--html: the value is missing, or the option takes no value",
  },
];

for (const { title, args, message } of mistakes)
  test(`a mistake: ${title}`, async () => {
    const run = await runBeside(...args);

    assert.equal(run, {
      stdout: "",
      stderr: `beside: ${message}; see --help\n`,
      exitCode: 2,
    });
  });

test("a mistake in Korean", async () => {
  const { stderr } = await runBeside("nowhere", "--lang", "ko");

  assert.match(stderr, "beside: nowhere: 폴더가 아닙니다; 원본은");
});

test("an original that can't be read", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "client.py"));

  const { stderr, exitCode } = await runBeside(folder);

  const file = join(folder, "client.py");
  assert.is(stderr, `beside: can't read ${file} (EISDIR)\n`);
  assert.is(exitCode, 1);
});

// The output

/** The sentences about the programs that were shown. */
function shownIn(stdout: string): string[] {
  const sentences = stdout.matchAll(/statements\s+of\s+(?<file>\S+)/g);
  return [...sentences].map(({ groups }) => groups!.file!);
}

const forever = "lecture1_server_forever.py";
const asynchronous = "lecture1_server_forever_async.py";

test("all originals that the folder has are shown", async () => {
  const { stdout, exitCode } = await runBeside(ours);

  assert.equal(shownIn(stdout), [forever, asynchronous]);
  assert.is(exitCode, 0);
});

test("missing originals are named", async () => {
  const { stdout } = await runBeside(ours);

  const text = stdout.replace(/\s+/g, " ");
  assert.match(
    text,
    "doesn't contain lecture1_client.py, lecture1_server.py; ",
  );
  assert.match(text, address);
});

test("--only shows some of them", async () => {
  const { stdout } = await runBeside(ours, "--only", "async");

  assert.equal(shownIn(stdout), [asynchronous]);
});

test("an original under its short name is found", async () => {
  const folder = await temporaryFolder();
  const text = await readFile(join(ours, forever));
  await writeFile(join(folder, "server_forever.py"), text);

  const { stdout } = await runBeside(folder);

  assert.equal(shownIn(stdout), ["server_forever.py"]);
});

test("--html writes a page", async () => {
  const file = join(await temporaryFolder(), "page.html");
  const { stdout } = await runBeside(ours, "--html", file);

  assert.match(await readFile(file, "utf8"), /^<!doctype html>/);
  assert.match(stdout, "side by side");
});

test("--html - prints only the page", async () => {
  const { stdout } = await runBeside(ours, "--html", "-");

  assert.match(stdout, /^<!doctype html>[^]*<\/html>\n$/);
});

for (const language of languages) {
  const { usage } = textsIn(language);

  test(`--help shows the options and the address, in ${language}`, async () => {
    const { stdout, exitCode } = await runBeside("--help", "--lang", language);

    assert.is(stdout, `${usage}\n`);
    assert.match(stdout, address);
    assert.is(exitCode, 0);
  });

  test(`--help fits on a terminal, in ${language}`, async () => {
    const lines = usage.split("\n").filter((line) => !line.includes("https:"));
    const tooLong = lines.filter((line) => line.length > 80);

    assert.equal(tooLong, []);
  });
}

test.run();
