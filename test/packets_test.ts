/** packets as a user runs it: its options, its recordings, and what it says where it can't capture. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { inLanguage } from "../scripts/language.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { projectFile } from "../scripts/processes.ts";
import {
  launchMarked,
  noneLeft,
  notLinux,
  program,
  suite,
  temporaryFolder,
} from "./harness.ts";
import { noTerminal, terminal } from "./terminal.ts";

const test = suite("packets");
const korean = inLanguage(pairs, "ko");

function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  return launchMarked([...program("scripts/packets.ts"), ...args], env);
}

/** Runs packets to its end; nothing that it started is left. */
async function run(args: string[], code = 0, env: NodeJS.ProcessEnv = {}) {
  const packets = start(args, env);
  assert.is((await packets.exit(30_000)).code, code, packets.report());
  await noneLeft(packets.mark);
  return packets.output;
}

test("a wrong option: one line, exit 2", async () => {
  const wrong = `
    --server thread: --server takes server, forever, async
    --bytes 30001: --bytes takes 1-30000
    --show noFin: --show takes hello, long, forever, async, refused, reset, robot, lossy, sleep, recv4
    --refused --reset: --refused, --reset: don't go together
    --refused --server async: --refused, --server: don't go together
    --robot --bytes 4: --robot, --bytes: don't go together
    --bytes 4 --message xxxx: --message, --bytes: don't go together
    --show hello --save x: --show, --save: don't go together
    --read a.pcapng: there is no option --read
    --ascii: there is no option --ascii`;
  for (const line of wrong.trim().split(/\n\s*/)) {
    const [args = "", ...says] = line.split(": ");
    const { stdout, stderr } = await run(args.split(" "), 2);
    const told = `packets: ${says.join(": ")}; --help lists the options\n`;
    assert.equal([stdout, stderr], ["", told]);
  }
});

test("--show: the ladder, the JSON, the page; it says before and after that it is recorded", async () => {
  const folder = await temporaryFolder();
  const [json, html] = [join(folder, "a.json"), join(folder, "a.html")];
  const both = ["--json", json, "--html", html];
  const { stdout } = await run(["--show", "recv4", ...both]);
  const lines = stripVTControlCharacters(stdout).trimEnd().split("\n");
  assert.is(lines[0], "Recorded, not run here: recv4, lecture1_server.ts");
  assert.equal(lines.slice(1, 4), [
    "Changed for it: lecture1_server.ts:",
    "- conn.recv(1024)",
    "+ conn.recv(4)",
  ]);
  assert.match(
    lines.join(" "),
    /This is a recording, of the programs as they came \(but for the change above\): --show asks for it\.$/,
  );
  const file = projectFile("scripts/packets/recordings/recv4.json");
  const kept = JSON.parse(await readFile(file, "utf8"));
  assert.equal(JSON.parse(await readFile(json, "utf8")), kept);
  assert.match(await readFile(html, "utf8"), "Recorded, not run here: recv4");
  const only = await run(["--show", "recv4", "--json", "-"]);
  assert.equal(JSON.parse(only.stdout), kept);
  const nowhere = await run(["--show", "hello", "--html", "/nonexistent/x"], 1);
  assert.is(nowhere.stderr, "packets: can't write /nonexistent/x (ENOENT)\n");
});

/** Where tshark is missing, or can be hidden. */
const without = test.unless(notLinux);

without("without tshark: the recording that fits, and why", async () => {
  const env = { PATH: "/nonexistent" };
  const why = "tshark is not installed";
  for (const [args, shows] of [
    ["--message abc", "hello, lecture1_server.ts"],
    ["--bytes 4000", "long, lecture1_server.ts"],
    ["--server forever", "forever, lecture1_server_forever.ts"],
    ["--server async", "async, lecture1_server_forever_async.ts"],
    ["--refused", "refused, lecture1_server.ts"],
    ["--robot --server async", "robot, lecture1_server.ts"],
  ] as const) {
    const { stdout, stderr } = await run(args.split(" "), 1, env);
    const last = `\nThis is a recording, of the programs as they came: ${why}.\n`;
    assert.ok(stdout.startsWith(`Recorded, not run here: ${shows}\n`), stdout);
    assert.ok(stdout.endsWith(last), stdout);
    assert.ok(stderr.startsWith(`packets: ${why}; sudo apt install`), stderr);
    assert.is(stderr.split("\n").length, 2, "one line");
  }
  const { stdout } = await run(["--reset", "--lang", "ko"], 1, env);
  assert.match(stdout, `${korean.recorded}: reset, lecture1_server.ts\n`);
  assert.ok(stdout.endsWith(`${korean.asTheyCame}: ${korean.noTshark}.\n`));
  const json = await run(["--json", "-"], 1, env);
  assert.is(json.stdout, "", "what was recorded is no measurement");
});

without("without the right: what tshark says", async () => {
  const file = join(await temporaryFolder(), "tshark");
  const said =
    "Couldn't run /usr/bin/dumpcap in child process: Permission denied";
  const text = `#!/bin/sh\necho "tshark: ${said}" >&2\nexit 1\n`;
  await writeFile(file, text, { mode: 0o755 });
  const PATH = `${join(file, "..")}:${process.env.PATH}`;
  const { stdout, stderr } = await run([], 1, { PATH });
  assert.ok(
    stderr.startsWith(`packets: tshark may not capture: ${said}; sudo apt`),
    stderr,
  );
  assert.ok(
    stdout
      .replaceAll("\n", " ")
      .endsWith(`as they came: tshark may not capture: ${said}. `),
  );
});

without("colours, NO_COLOR, other characters, and `| head`", async () => {
  const args = ["--show", "lossy"];
  const plain = stripVTControlCharacters;
  const coloured = await run(args, 0, { FORCE_COLOR: "1" });
  assert.match(coloured.stdout, "\x1b[");
  const none = { FORCE_COLOR: "1", NO_COLOR: "1", NODE_NO_WARNINGS: "1" };
  assert.is((await run(args, 0, none)).stdout, plain(coloured.stdout));
  const ascii = await run(args, 0, { LC_ALL: "C" });
  assert.not.match(ascii.stdout, /[─│◆▶◀✗]/);
  assert.ok(plain(ascii.stdout).includes("|* reads 14 bytes"));
  const head = start(args);
  head.closeOutput();
  assert.is((await head.exit()).code, 1);
  assert.is(head.output.stderr, "");
});

test.unless(noTerminal)(
  "in a terminal of 50 columns nothing is wider, and a dumb one gets no codes",
  async () => {
    const command = [...program("scripts/packets.ts"), "--show", "reset"].join(
      " ",
    );
    const narrow = terminal(
      `stty cols 50; TERM=dumb NO_COLOR=1 NODE_NO_WARNINGS=1 ${command}`,
      projectFile("."),
    );
    assert.is(await narrow.exit(), 0);
    const screen = narrow.screen();
    assert.not.match(screen, "\x1b");
    for (const line of screen.split("\n")) assert.ok(line.length <= 50, line);
    assert.match(screen, "reset, lecture1_server.ts");
  },
);

test.run();
