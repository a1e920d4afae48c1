/** However a program is started, it runs: by npx, npm, other runtimes, links, a debugger; and the four share what they repeat. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readFile, symlink } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import * as ourClient from "../lecture1_client.ts";
import * as server from "../lecture1_server.ts";
import * as threaded from "../lecture1_server_forever.ts";
import * as asynchronous from "../lecture1_server_forever_async.ts";
import { launch } from "../scripts/launch.ts";
import { projectFile, tsxLoader } from "../scripts/project.ts";
import { connect, expectEcho } from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { hasSignals } from "./helpers/machine.ts";
import {
  editedFile,
  listening,
  preloadedCommand,
  nodeCommand,
  fakeResolver,
  start,
} from "./helpers/programs.ts";
import { programFiles } from "../scripts/copyProject.ts";
import { noTerminal, startByNpx } from "./helpers/pseudoTerminal.ts";

const test = suite("ways to start");
const names = scripts.map((file) => file.replace(".ts", ""));
const [first = "", forever = "", , client = ""] = names;
const servers = names.slice(0, 3);
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
const by =
  (node: string, ...args: string[]) =>
  (file: string) => [node, ...args, projectFile(file)];

const connected = "Connected by ('127.0.0.1', PORT)\n";
const served = `${connected}Received from ('127.0.0.1', PORT): Hello, Server!
Connection with ('127.0.0.1', PORT) closed
${hasSignals ? "\nServer is shutting down...\n" : ""}`;
/** What each server prints of one client, to Ctrl+C with nobody connected, but for the ports. */
const prints = [
  `Server listening on 127.0.0.1:PORT\n${connected}Received: Hello, Server!\n`,
  `Server listening on 127.0.0.1:PORT\n${served}`,
  `Server listening on ('127.0.0.1', PORT)\n${served}`,
];

for (const [runtime, command] of [
  ["the node that runs the tests", program],
  ["node 18.19", by(oldest.program, ...tsxLoader)],
  ["node 22.18 or later", by(strips.program)],
  ["deno", by(find("deno").program, "run", "-A")],
  ["bun", by(find("bun").program)],
] as const)
  test.unless(!command("")[0] && `no ${runtime}`)(
    `by ${runtime}: all that is printed`,
    async () => {
      for (const [index, name] of servers.entries()) {
        const args = [...command(`${name}.ts`), "--port=0"];
        const script = await listening(launch(args));
        const port = `--port=${script.port}`;
        const ofClient = index > 0 ? program : command; // once will do
        const guest = launch([...ofClient(`${client}.ts`), port]);
        assert.equal(await guest.exit(), { code: 0, signal: null });
        const stdout = "Received from server: Hello, Server!\n";
        assert.equal(guest.output, { stdout, stderr: "" });
        if (index > 0) await script.prints(/closed\n/);
        if (index > 0) script.kill("SIGINT");
        const exit = await script.exit();
        if (hasSignals || index === 0)
          assert.equal(exit, { code: 0, signal: null });
        const printed = script.output.stdout.replace(/\b\d{4,5}\b/g, "PORT");
        assert.is(printed, prints[index]);
        assert.is(script.output.stderr, "");
      }
    },
  );

/** Runs a script by a path; it tells how it is used. */
async function starts(path: string, name: string, node = process.execPath) {
  const script = launch([node, ...tsxLoader, path, "--help"]);
  assert.equal(await script.exit(), { code: 0, signal: null });
  assert.match(script.output.stdout, `usage: npx tsx ${name}.ts`);
}

test("without .ts and as .js; through links; in a folder with spaces and Korean letters", async () => {
  const [name = ""] = names;
  const folder = join(await temporaryFolder(), "내 문서 (TCP) 100%");
  for (const file of ["package.json", `${name}.ts`])
    await cp(projectFile(file), join(folder, file));
  const link = join(await temporaryFolder(), "다른 이름");
  await symlink(folder, link, "junction"); // what Windows allows everybody
  for (const path of [`${name}.ts`, name, `${name}.js`])
    await starts(join(link, path), name);
  if (oldest.program) await starts(join(link, name), name, oldest.program);
  if (process.platform === "win32") return; // a link to a file wants a right there
  await symlink(join(folder, `${name}.ts`), join(folder, "link.ts"));
  await starts(join(folder, "link.ts"), name);
});

test("importing the programs, as here, runs nothing and gives their functions", async () => {
  const keys = [server, threaded, asynchronous, ourClient].map(Object.keys);
  assert.equal(keys.map(String), [
    "startServer",
    "handleClient,startServer",
    "handleClient,main",
    "startClient",
  ]);
});

test("what the four programs repeat on purpose is the same text in all of them", async () => {
  const files = await Promise.all(scripts.map(text));
  for (const [name, of, end, differs] of [
    ["print", 4, "^  }\\);", /^never/],
    ["isMain", 4, "^}", /^never/],
    [
      "parseFlags",
      4,
      "^}",
      /.*(usage|message|MESSAGE|console|complain|options|values|host, port|host ===|--host|flag =|how =|value =).*\n/g,
    ],
    ["parseFlags", 3, "^}", /.*(usage|console|complain).*\n/g],
    ["fail", 4, "^}", /^ {4}[A-Z_]+: .*\n|.*(console|complain).*\n/gm],
    ["fail", 3, "^}", /.*(ECONNRESET|console|complain).*\n/g],
  ] as const) {
    const pattern = new RegExp(`^function ${name}\\(.*?\\{\n(.*?)${end}`, "ms");
    const [one, ...others] = files
      .slice(0, of) // the servers come first
      .map((file) => pattern.exec(file)?.[1]?.replace(differs, ""));
    assert.ok(one && one.length > 90, `${name}: ${one}`);
    for (const other of others) assert.is(other, one, name);
  }
});

/** How each program is used. */
const usage = (name: string) =>
  `usage: npx tsx ${name}.ts [--host HOST] [--port PORT]${name === client ? " [--message TEXT]" : ""}`;

/** Asserts that a program, told this, says only that in one line, and what to write, where the flags are wrong. */
async function says(name: string, flags: string, code: number, said: string) {
  const how = code === 2 ? `; ${usage(name)}` : "";
  const command = [
    ...preloadedCommand(name, fakeResolver),
    ...flags.split(" "),
  ];
  const script = launch(command);
  const told = `${name} ${flags}`;
  assert.equal(await script.exit(), { code, signal: null }, told);
  const stderr = `${name}: ${said}${how}\n`;
  assert.equal(script.output, { stdout: "", stderr }, told);
}

test("wrong flags: one line that says what to write, exit 2; --help", async () => {
  const range = "--host takes a name, --port";
  for (const [name, flags, said] of [
    ...names.map((name) => [name, "--prot=1", "Unknown option '--prot'"]),
    ...["--port=65536", "--port=12a", "--host="].flatMap((flags) => [
      [first, flags, `${range} 0 (any free) to 65535`],
      [client, flags, `${range} 1 to 65535`],
    ]),
    [client, "--port=0", `${range} 1 to 65535`],
    [client, "--message=", "--message is empty: write a text"],
    [
      client,
      "--message -90,0,90",
      "Option '--message' argument is ambiguous; write --message=-90,0,90",
    ],
    [client, "hello", "Unexpected argument 'hello'"],
  ])
    await says(name!, flags!, 2, said!);
  for (const name of [first, client]) {
    const script = launch([...nodeCommand(`${name}.ts`), "--help"]);
    assert.equal(await script.exit(), { code: 0, signal: null });
    assert.equal(script.output, { stdout: `${usage(name)}\n`, stderr: "" });
  }
});

test("a port in use, nobody who listens, hosts that can't be: what the system says, and what to do; localhost is IPv4", async () => {
  const { port } = await start({ name: forever });
  const inUse = `listen EADDRINUSE: address already in use 127.0.0.1:${port}; stop the program that listens there or take another --port`;
  const unknown = "getaddrinfo ENOTFOUND nowhere; unknown host, check --host";
  for (const [name, flags, said] of [
    ...servers.map((name) => [name, `--host=localhost --port=${port}`, inUse]),
    [
      first,
      "--host=192.0.2.1 --port=0",
      "listen EADDRNOTAVAIL: address not available 192.0.2.1; no address of this machine, check --host",
    ],
    [first, "--host=nowhere --port=0", unknown],
    [client, "--host=nowhere", unknown],
    [
      client,
      "--host=localhost --port=1",
      "connect ECONNREFUSED 127.0.0.1:1; nobody listens there, is the server running?",
    ],
  ])
    await says(name!, flags!, 1, said!);
});

test("npm's scripts and Run and Debug start the program that they name", async () => {
  const { scripts, engines } = JSON.parse(await text("package.json"));
  assert.is(engines.node, ">=18.19");
  const started = { client, server: first, forever, async: `${forever}_async` };
  for (const [script, name] of Object.entries(started))
    assert.is(scripts[script], `npm install >&2 && tsx ${name}.ts`);
  for (const script of ["compare", "packets", "test", "check", "soak"])
    assert.match(scripts[script], /^npm install >&2 && /);
  const { configurations } = JSON.parse(await text(".vscode/launch.json"));
  assert.is(configurations.length, 5);
  for (const { name, program } of configurations)
    assert.is(program, `\${workspaceFolder}/${name.split(",")[0]}.ts`);
});

/** In a thread that has the client's address as a name, a debugger stops in handleClient. */
async function stops(command: string[], place = "") {
  const changes: [string, string][] = [["conn.sendall(data);", "debugger; $&"]];
  const file = await editedFile(forever, changes);
  const [before = ""] = (await readFile(file, "utf8")).split("debugger;");
  const line = `:${before.split("\n").length}`;
  const at = `handleClient, ${pathToFileURL(file)}${place || line}`;
  const preload = pathToFileURL(projectFile("test/helpers/breakpoint.js")).href;
  const all = [...command, "--import", preload, file, "--port", "0"];
  const script = await listening(launch(all));
  for (let i = 0; i < 2; i++) {
    const client = await connect(script.port);
    await expectEcho(client, "hello");
    const name = `127.0.0.1:${client.socket.localPort}`;
    await script.prints(new RegExp(`stopped at ${at} in .* ${name}`));
  }
}

test("a debugger stops at `debugger;` in every client's thread", () =>
  stops([process.execPath, ...tsxLoader], "\\?tsx:\\d+"));

test.unless(!strips.program && "no node 22.18")("at file and line, too", () =>
  stops([strips.program]),
);

for (const name of [forever, `${forever}_async`])
  test.unless(noTerminal)(
    `npx tsx ${name}.ts: Ctrl+C counts once`,
    async () => await startByNpx(name),
  );

test.run();
