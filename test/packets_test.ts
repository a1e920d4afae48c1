/** packets as a user runs it: its options, its recordings, and what it says where it can't capture. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters as plain } from "node:util";
import * as assert from "uvu/assert";
import { suite } from "./helpers/harness.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { notLinux } from "./helpers/machine.ts";
import {
  english,
  threeAtATime,
  korean,
  pathWithTshark,
  recorded,
  run,
  start,
} from "./helpers/packetsTool.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { noTerminal, openTerminal } from "./helpers/pseudoTerminal.ts";

const test = suite("packets");
const without = test.unless(notLinux);

test("a wrong option: one line, exit 2", async () => {
  const wrong = `
    --server thread: --server takes server, forever, async
    --bytes 30001: --bytes takes 1-30000
    --show noFin: --show takes hello, long, forever, async, refused, reset, robot, lossy, sleep, recv4
    --refused --server async: --refused, --server: don't go together
    --robot --bytes 4: --robot, --bytes: don't go together
    --bytes 4 --message xxxx: --message, --bytes: don't go together
    --show hello --save x: --show, --save: don't go together`;
  await threeAtATime(wrong.trim().split(/\n\s*/), async (line) => {
    const [args = "", ...says] = line.split(": ");
    const told = `packets: ${says.join(": ")}; --help lists the options\n`;
    const output = await run(args.split(" "), 2);
    assert.equal(output, { stdout: "", stderr: told });
  });
});

test("--show: the ladder, the JSON, the page; twice that it is recorded", async () => {
  const folder = await temporaryFolder();
  const [json, html] = [join(folder, "a.json"), join(folder, "a.html")];
  const show = ["--show", "recv4"];
  const shown = await run([...show, "--json", json, "--html", html]);
  const stdout = plain(shown.stdout);
  const begin = `Recorded, not run here: recv4, lecture1_server.ts
Changed for it: lecture1_server.ts:
- conn.recv(1024)
+ conn.recv(4)
`;
  const end = `
This is a recording, of the programs as they came (but for the change above):
--show asks for it.
`;
  assert.ok(stdout.startsWith(begin), stdout);
  assert.ok(stdout.endsWith(end), stdout);
  assert.match(stdout, /reads 4 bytes[^]*reads 2 bytes/);
  assert.equal(JSON.parse(await readFile(json, "utf8")), recorded("recv4"));
  assert.match(await readFile(html, "utf8"), "Recorded, not run here: recv4");
  const only = await run([...show, "--json", "-"]);
  assert.equal(JSON.parse(only.stdout), recorded("recv4"));
  const nowhere = await run([...show, "--html", "/nonexistent/x"], 1);
  assert.is(nowhere.stderr, "packets: can't write /nonexistent/x (ENOENT)\n");
});

without("where nothing can be captured: why, and what fits", async () => {
  const said = "There are no interfaces on which a capture can be done";
  const PATH = await pathWithTshark(
    `#!/bin/sh\necho "tshark: ${said}" >&2\nexit 1`,
  );
  const cases = [
    ["--bytes 4000", "long, lecture1_server.ts", "reads 928 bytes"],
    ["--server async", "async, lecture1_server_forever_async.ts", "still runs"],
    ["--refused", "refused, lecture1_server.ts", "nobody listens"],
    ["--robot --server forever", "robot, lecture1_server.ts", "never reads 24"],
    ["--reset --lang ko", "reset, lecture1_server.ts", "2: [RST", korean],
    ["--bytes 1024", "hello, lecture1_server.ts", "Len=14", english, PATH],
  ] as const;
  await threeAtATime(
    cases,
    async ([args, name, shows, say = english, PATH]) => {
      const env = { PATH: PATH ?? "/nonexistent" };
      const { stdout, stderr } = await run(args.split(" "), 1, env);
      const why = PATH ? `${say.noRight}: ${said}` : say.noTshark;
      const end = `${say.asTheyCame}: ${why}. `;
      assert.ok(stdout.startsWith(`${say.recorded}: ${name}\n`), stdout);
      assert.ok(stdout.replaceAll("\n", " ").endsWith(end), stdout);
      assert.match(stdout, shows);
      assert.is(stderr, `packets: ${why}; ${say.linux}; ${say.more}\n`);
    },
  );
  const json = await run(["--json", "-"], 1, { PATH });
  assert.is(json.stdout, "", "what was recorded is no measurement");
});

without("colours, NO_COLOR, other characters, and `| head`", async () => {
  const args = ["--show", "lossy"];
  const coloured = { FORCE_COLOR: "1", NODE_NO_WARNINGS: "1" };
  const [colours, none, ascii] = await Promise.all([
    run(args, 0, coloured),
    run(args, 0, { ...coloured, NO_COLOR: "1" }),
    run(args, 0, { LC_ALL: "C" }),
  ]);
  assert.match(colours.stdout, "\x1b[");
  assert.is(none.stdout, plain(colours.stdout));
  assert.not.match(ascii.stdout, /[─│◆▶◀✗]/);
  assert.match(ascii.stdout, "|* reads 14 bytes");
  const head = start(args);
  head.child.stdout!.destroy();
  assert.is((await head.exit()).code, 1);
  assert.is(head.output.stderr, "");
});

test.unless(noTerminal)("50 columns; a dumb one: no codes", async () => {
  const command = `${nodeCommand("scripts/packets.ts").join(" ")} --show reset`;
  const env = "stty cols 50; TERM=dumb NO_COLOR=1 NODE_NO_WARNINGS=1";
  const shell = terminal(`${env} ${command}`);
  assert.is(await shell.exit(), 0);
  assert.not.match(shell.screen(), /\x1b|[^\n]{51}/);
  assert.match(shell.screen(), "reset, lecture1_server.ts");
});

test.run();
