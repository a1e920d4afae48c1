/** However a program is started, it runs: by npx, npm, other runtimes, links, a debugger; and the four share what they repeat. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readFile, readdir, symlink } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { launch, projectFile, tsxLoader } from "../scripts/processes.ts";
import { scripts } from "./copy.ts";
import {
  connect,
  echo,
  launchScript,
  listening,
  noLinks,
  noSignals,
  onLinux,
  program,
  suite,
  temporaryFolder,
} from "./harness.ts";
import { editedFile } from "./servers.ts";
import { noTerminal, startByNpx } from "./terminal.ts";

const test = suite("ways to start");
const names = scripts.map((file) => file.replace(".ts", ""));
const [, forever = ""] = names;
const text = (file: string) => readFile(projectFile(file), "utf8");

/** The first program of that name, beside this node or on the PATH, of a version that will do. */
function find(name: string, holds = (_major: number, _minor: number) => true) {
  const extension = process.platform === "win32" ? ".exe" : "";
  const folders = [dirname(process.execPath)];
  folders.push(...(process.env.PATH ?? "").split(delimiter));
  folders.push(...(process.env.LECTURE1_NODES ?? "").split(delimiter));
  for (const folder of folders) {
    const program = join(folder, name + extension);
    if (!folder || !existsSync(program)) continue;
    const options = { encoding: "utf8", timeout: 10_000 } as const;
    const told = execFileSync(program, ["--version"], options);
    const [, major = 0, minor = 0] =
      /(\d+)\.(\d+)/.exec(told)?.map(Number) ?? [];
    if (holds(major, minor)) return { program, major };
  }
  return { program: "", major: 0 };
}

const oldest = find("node", (major, minor) => major === 18 && minor >= 19);
const strips = find("node", (a, b) => a > 22 || (a === 22 && b >= 18));
const runtimes = [
  { name: "node 18.19", ...oldest, args: tsxLoader },
  { name: "node 22.18 or later", ...strips, args: [] },
  { name: "deno", ...find("deno"), args: ["run", "-A"] },
  { name: "bun", ...find("bun"), args: [] },
];

/** A server and the client, hello and back, run by something: all that they print, but for their ports. */
async function transcript(server: string, by: (file: string) => string[]) {
  const begin = (name: string, port: string) =>
    launch([...by(`${name}.ts`), `--port=${port}`]);
  const script = await listening(begin(server, "0"));
  const client = begin("lecture1_client", String(script.port));
  const left = await client.exit();
  const goesOn = server !== "lecture1_server";
  if (goesOn) await script.saw(/closed\n/);
  if (goesOn) script.kill("SIGINT");
  const ended = await script.exit();
  const { stdout, stderr } = script.output;
  const lines = stdout.replace(/\b\d{4,5}\b/g, "PORT");
  return [left, client.output, goesOn && noSignals ? {} : ended, lines, stderr];
}

for (const { name, program: node, args } of runtimes)
  test.unless(!node && `no ${name} on the PATH`)(
    `${name}: the servers and the client print what they print here`,
    async () => {
      for (const server of names.slice(0, 3)) {
        const by = (file: string) => [node, ...args, projectFile(file)];
        const [there, here] = [by, program].map((it) => transcript(server, it));
        assert.equal(await there, await here);
      }
    },
  );

test.unless(noSignals || (!strips.program && "no node 22.18 on the PATH"))(
  "node --watch sends messages of its own to every thread: they disturb nobody",
  async () => {
    const file = projectFile(`${forever}.ts`);
    const command = [strips.program, "--watch", file, "--port", "0"];
    const script = await listening(launch(command));
    for (let i = 0; i < 2; i++) await echo(await connect(script.port), "hello");
    script.kill("SIGTERM"); // it ends the program, then itself
    await script.exit();
  },
);

/** Runs a script by a path; it tells how it is used. */
async function starts(path: string, name: string, node = process.execPath) {
  const script = launch([node, ...tsxLoader, path, "--help"]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.match(script.output.stdout, `usage: npx tsx ${name}.ts`);
}

test.unless(noLinks)(
  "without .ts and as .js; through links; in a folder with spaces and Korean letters",
  async () => {
    const [name = ""] = names;
    const folder = join(await temporaryFolder(), "내 문서 (TCP) 100%");
    for (const file of ["package.json", `${name}.ts`])
      await cp(projectFile(file), join(folder, file));
    const link = join(await temporaryFolder(), "다른 이름");
    await symlink(folder, link, "junction"); // what Windows allows everybody
    for (const path of [`${name}.ts`, name, `${name}.js`])
      await Promise.all(
        [folder, link].map((it) => starts(join(it, path), name)),
      );
    if (oldest.program) await starts(join(link, name), name, oldest.program);
    if (process.platform === "win32") return; // a link to a file wants a right there
    await symlink(join(folder, `${name}.ts`), join(folder, "link.ts"));
    await starts(join(folder, "link.ts"), name);
  },
);

test("importing the programs runs nothing and gives their functions", async () => {
  const urls = names.map(
    (name) => pathToFileURL(program(`${name}.ts`).at(-1)!).href,
  );
  const code = `for (const url of ${JSON.stringify(urls)})
    console.error(Object.keys(await import(url)).join());`;
  const args = ["--input-type=module", "-e", code];
  const script = launch([...program("").slice(0, -1), ...args]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.output.stdout, "");
  assert.equal(script.output.stderr.split("\n"), [
    "startServer",
    "handleClient,startServer",
    "handleClient,main",
    "startClient",
    "",
  ]);
});

test("what the four programs repeat on purpose is the same text in all of them", async () => {
  const files = await Promise.all(scripts.map(text));
  for (const [name, end, differs] of [
    ["print", "^  }\\);", /^never/],
    ["isMain", "^}", /^never/],
    [
      "parseFlags",
      "^}",
      /.*(usage|message|MESSAGE|console|complain|options|values|host, port|host ===|--host|flag =|how =|value =).*\n/g,
    ],
    ["fail", "^}", /^ {4}[A-Z_]+: .*\n|.*(console|complain).*\n/gm],
  ] as const) {
    const pattern = new RegExp(`^function ${name}\\(.*?\\{\n(.*?)${end}`, "ms");
    const [first, ...others] = files.map((file) =>
      pattern.exec(file)?.[1]?.replace(differs, ""),
    );
    assert.ok(first && first.length > 90, `${name}: ${first}`);
    for (const other of others) assert.is(other, first, name);
  }
});

test("wrong flags of a server: one line that says what to write, exit 2; --help", async () => {
  const name = "lecture1_server";
  const usage = `usage: npx tsx ${name}.ts [--host HOST] [--port PORT]\n`;
  for (const flags of ["--prot=1", "--port=65536", "--port=12a", "--host="]) {
    const script = launchScript(name, [flags]);
    assert.equal(await script.exit(), { code: 2, signal: null });
    const { stdout, stderr } = script.output;
    assert.is(stdout, "");
    assert.match(stderr, new RegExp(`^${name}: .+; usage: .*\n$`));
    assert.ok(stderr.endsWith(usage), stderr);
  }
  const script = launchScript(name, ["--help"]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.equal(script.output, { stdout: usage, stderr: "" });
});

test("npm's scripts and Run and Debug start the program that they name", async () => {
  const { scripts, engines } = JSON.parse(await text("package.json"));
  assert.is(engines.node, ">=18.19");
  for (const [script, file] of Object.entries({
    client: "lecture1_client.ts",
    server: "lecture1_server.ts",
    forever: "lecture1_server_forever.ts",
    async: "lecture1_server_forever_async.ts",
  }))
    assert.is(scripts[script], `npm install >&2 && tsx ${file}`);
  for (const script of ["compare", "packets", "test", "check", "soak"])
    assert.match(scripts[script], /^npm install >&2 && /);
  const { configurations } = JSON.parse(await text(".vscode/launch.json"));
  assert.is(configurations.length, 5);
  for (const { name, program } of configurations)
    assert.is(program, `\${workspaceFolder}/${name.split(",")[0]}.ts`);
});

/** Starts a server with a breakpoint in the line of recv. */
async function launchWith(command: string[], script: string) {
  const [before = ""] = (await text(`${forever}.ts`)).split("conn.recv(1024)");
  const line = before.split("\n").length;
  const breakpoint = pathToFileURL(projectFile("test/breakpoint.ts")).href;
  const env = {
    ...process.env,
    LECTURE1_BREAKPOINT: `${pathToFileURL(script)}:${line}`,
  };
  const args = ["--import", breakpoint, script, "--port", "0"];
  return { line, script: await listening(launch([...command, ...args], env)) };
}

test.unless(!strips.program && "no node 22.18 on the PATH")(
  "a breakpoint in handleClient stops every client's thread, which has its address as a name",
  async () => {
    const file = projectFile(`${forever}.ts`);
    const { line, script } = await launchWith([strips.program], file);
    for (const number of [1, 2]) {
      const client = await connect(script.port);
      await echo(client, "hello");
      const name = `127.0.0.1:${client.socket.localPort}`;
      await script.saw(
        new RegExp(`stopped at handleClient:${line} in .*${number}.* ${name}`),
      );
      if (!onLinux || strips.major < 24) continue;
      const tasks = `/proc/${script.pid}/task`;
      const read = (task: string) =>
        readFile(join(tasks, task, "comm"), "utf8");
      const found = await Promise.all((await readdir(tasks)).map(read));
      assert.ok(found.includes(`${name.slice(0, 15)}\n`), found.join());
    }
  },
);

test("with the tsx loader, on any node: `debugger;` in handleClient stops there", async () => {
  const changes: [string, string][] = [["conn.sendall(data);", "debugger; $&"]];
  const copy = await editedFile(forever, changes);
  const { script } = await launchWith([process.execPath, ...tsxLoader], copy);
  await echo(await connect(script.port), "hello");
  await script.saw(/stopped at handleClient:/);
});

for (const name of [forever, `${forever}_async`])
  test.unless(noTerminal)(
    `npx tsx ${name}.ts in a terminal: one Ctrl+C counts once`,
    async () => (await startByNpx(name))(),
  );

test.run();
