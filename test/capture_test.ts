/** What packets tells of real runs: of the programs as they are, and as learners edit them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import type { Recording } from "../scripts/packets/recording.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { CannotCapture, startCapture } from "../scripts/packets/tshark.ts";
import { freePort } from "../scripts/freePort.ts";
import { launch } from "../scripts/launch.ts";
import { $ as command } from "../scripts/zx.ts";
import * as harness from "./helpers/harness.ts";
import { notLinux } from "./helpers/machine.ts";
import {
  english,
  threeAtATime,
  pathWithTshark,
  run,
  start,
} from "./helpers/packetsTool.ts";
import { copyProject } from "./helpers/programs.ts";

const test = harness.suite("live");

/** Why nothing can be captured here; false where it can. */
const noCapture = await freePort()
  .then(async (port) => (await startCapture(port)).stop())
  .then(() => false as const)
  .catch((error) => error instanceof CannotCapture && error.message);
const live = test.unless(noCapture);
const onLinux = test.unless(noCapture || notLinux);

/** A script, a text in it, and what takes its place. */
type Edit = [script: string, before: string, after: string];

/** Runs packets beside the programs, or beside edited ones. */
async function runWith(args: string[], code: number, edits: Edit[]) {
  if (!edits.length) return run(args, code);
  const { replace, folder } = await copyProject();
  for (const [script, before, after] of edits)
    await replace(`lecture1_${script}.ts`, before, after);
  return run(args, code, {}, folder);
}

/** A robot that has left when its echo came, on a busy machine, shows something else. */
const tooLate = ({ run, packets }: Recording) =>
  run.kind === "robot" &&
  !packets.some((it) => it.from === "server" && it.length && it.timeMs < 290);

/** What packets measures. */
async function measure(options: string, edits: Edit[]): Promise<Recording> {
  const args = `--json - ${options}`.trim().split(" ");
  const recording = JSON.parse((await runWith(args, 0, edits)).stdout);
  return tooLate(recording) ? measure(options, edits) : recording;
}

/**
 * Looks for rows that come one after another, each a regular expression; below an empty
 * line anew. A row ends with what lies unread at the client and at the server, <0|0>.
 * "300 ms later: " nothing but lines is told of that side until then.
 */
function seek(recording: Recording, wanted: string): void {
  const { rows: drawn } = pictureOf(recording, english);
  const rows = drawn.map(({ time, from, label, words, unread }) => {
    const lies = `<${unread.client}|${unread.server}>`;
    const text = [from, ...label, ...words, lies].join(" ");
    return { text, ms: Number(time) };
  });
  const all = rows.map(({ ms, text }) => `${ms} ${text}`).join("\n");
  let last = -1;
  for (const line of wanted.trim().split(/\n */)) {
    const [, pause, pattern = ""] = /^(?:(\d+) ms later: )?(.*)/.exec(line)!;
    const [at, is] = [last, new RegExp(`^${pattern}`)];
    last = line ? rows.findIndex(({ text }, i) => i > at && is.test(text)) : -1;
    assert.ok(last >= 0 || !line, `not in its place: ${line}\n${all}`);
    if (!pause) continue;
    const took = rows[last]!.ms - rows[at]!.ms;
    assert.ok(took >= Number(pause), `${line}: ${took} ms\n${all}`);
    const its = new RegExp(`^${pattern.split(" ")[0]} (?!.ACK|ends|.* prints)`);
    const told = rows.slice(at + 1, last).filter(({ text }) => its.test(text));
    assert.equal(told, [], `before ${line}\n${all}`);
  }
}

/** Options and edits, and the rows that they lead to. */
function told(options: string, ...edits: Edit[]) {
  return (rows: string) => async () =>
    seek(await measure(options, edits), rows);
}

const message = "client .PSH, ACK. .* carries 14 bytes <0.14>";
const read = "server reads 14 bytes <0.0>";
const echo = "server .PSH, ACK. .* carries 14 bytes <14.0>";
const answer = "client reads 14 bytes <0.0>";
const answered = "client Received from server: Hello, Server! prints <0.0>";

const long = `--message ${"로봇팔입니".repeat(100)}`; // 1,500 bytes
const carriesLong = "client .PSH, ACK. .* carries 1500 bytes <0.1500>";

const robot = `client .PSH, ACK. .* carries 24 bytes <0.24>
  295 ms later: client .RST, ACK. .* resets the connection never reads 24 bytes <0.0>
  server .*ECONNRESET.* prints`;

/** A run of the lecture's client and server; nothing else is in it. */
const ten = `server Server listening on 127.0.0.1:.* prints
  client .SYN. Seq=0 Len=0 asks for a connection <0.0>
  server .SYN, ACK. Seq=0 Ack=1 Len=0 answers the request
  client .ACK. Seq=1 Ack=1 Len=0 confirms: connected
  ${message}
  ${read}
  server Received: Hello, Server! prints <0.0>
  ${echo}
  ${answer}
  ${answered}
  client .FIN, ACK. Seq=15 Ack=15 Len=0 nothing more from this side
  server .FIN, ACK. Seq=15 Ack=16 Len=0 nothing more from this side

  client .FIN
  server ends: exit code 0`;

const asTheyCome = [
  async () => {
    const recording = await measure("", []);
    seek(recording, ten);
    const { packets, lines, reads } = recording;
    assert.is(packets[0]!.timeMs, 0);
    assert.ok(packets.length <= 11); // macOS confirms once more
    assert.equal([lines.length, reads.length], [4, 2]);
  },
  told("--robot")(`${robot}\nserver ends: exit code 1`),
  told("--robot --server forever")(`${robot}\nserver still runs: Ctrl.C`),
  told("--reset")(`client 1: .SYN
    server 2: .ACK. .* confirms 14 bytes <0.14>
    client 1: .FIN
    server 2: .RST, ACK. .* resets the connection never reads 14 bytes <0.0>`),
  told(`--server forever ${long}`)(`${carriesLong}
    server reads 1024 bytes <0.476>
    server .PSH, ACK. .* carries 1024 bytes

    server reads 1024 bytes <0.476>
    server Received from .* prints
    server reads 476 bytes <.*0>
    server Received from .* prints
    server still runs: Ctrl.C
    server ends: exit code 0`),
];

live("ten packets, four lines, two reads; robots; a thread's reads", () =>
  threeAtATime(asTheyCome, (it) => it()),
);

const print = "      print(`Received from";
const busy = "for (const end = Date.now() + 200; Date.now() < end; );\n";
const computes: Edit = ["server_forever_async", print, busy + print];

const line = "print(`Received: ${utf8.decode(data, { stream: true })}`)";
const recv = "    async recv(size: number): Promise<Buffer> {\n";
const other = `const other = net.createServer((it) => it.end("x")).listen(0, () =>
  net.connect((other.address() as net.AddressInfo).port).on("data", () => other.close()));\n`;
const data = `return new Promise((resolve) => s.on("data", (data) => setTimeout(resolve, 100, data)));\n`;
const korean: Edit[] = [
  ["server", "`Server listening on ", "`대기: "],
  ["server", line, `setTimeout(() => ${line}, 100)`],
  ["server", "`Received: ", "`받음: "],
  ["client", recv, recv + other + data],
];

const pause = "await new Promise((resolve) => setTimeout(resolve, 300));";
const paused = (name: string, it: string): Edit => [name, it, pause + it];
const close = "    async close() {\n";
const pauses: Edit[] = [
  paused("client", "s.sendall(Buffer"),
  paused("server", "await conn.sendall(data);"),
  paused("client", "await s.close();"),
  ["client", close, `${close}      return void s.resetAndDestroy();\n`],
];

const nap =
  "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);";

const asEdited = [
  // 1. A handler that computes has read at once.
  told(
    `--server async ${long}`,
    computes,
  )(`${carriesLong}
    server reads 1024 bytes <0.476>
    195 ms later: server .PSH, ACK. .* carries 1024 bytes
    server reads 476 bytes <.*0>`),
  // 3. Lines in Korean, 8. one of them late; who listens to data, and other sockets.
  told(
    "",
    ...korean,
  )(`server 대기: .* prints
    ${message}
    ${read}
    ${echo}
    server 받음: Hello, Server! prints

    ${message}
    0 ms later: ${answer}
    95 ms later: ${answered}`),
  // Pauses, 5. before sendall, 6. after connect, 7. before close; 4. then a reset.
  told(
    "",
    ...pauses,
  )(`client .ACK. Seq=1 Ack=1
    295 ms later: ${message}
    ${read}
    295 ms later: ${echo}
    ${answer}
    ${answered}
    295 ms later: client .RST, ACK. .* resets the connection <0.0>`),
  // 10. Each recv(4) with its bytes.
  told("", ["server", "conn.recv(1024)", "conn.recv(4)"])(`${message}
    server reads 4 bytes <.*10>
    server reads 4 bytes <.*6>
    server reads 4 bytes <.*2>
    server reads 2 bytes <.*0>`),
  // What a thread reads when its robot has long reset the connection.
  told(
    "--robot --server forever",
    ["server_forever", "conn.recv(1024)", "conn.recv(20)"],
    ["server_forever", "conn.sendall(data);", `conn.sendall(data); ${nap}`],
  )(`server reads 20 bytes <.*4>
    client .RST
    server reads 4 bytes`),
  failing(
    ["client", "s.sendall(Buffer", "s.sendAll(Buffer"],
    /^packets: lecture1_client.ts ends: exit code 1\n[^]*client\.ts:\d+\n[^]*s.sendAll is not a function/,
    /confirms: connected/,
  ),
  failing(
    ["server", "await s.listen();", "await s.listen(;"],
    /^packets: .*lecture1_server\.ts:\d+: Unexpected ";"\n$/,
    /^$/,
  ),
];

/** A mistake, what is said of it, and what is shown all the same. */
function failing(edit: Edit, says: RegExp, shows: RegExp) {
  return async () => {
    const { stdout, stderr } = await runWith([], 1, [edit]);
    assert.match(stderr, says);
    assert.match(stdout, shows);
  };
}

live("edits, of which it was once concluded what they do; mistakes", () =>
  threeAtATime(asEdited, (it) => it()),
);

onLinux("--refused, an old tshark, --save; what can't be saved", async () => {
  const file = join(await harness.temporaryFolder(), "packets");
  const old = `#!/bin/bash\nPATH=\${PATH#*:} exec tshark "$@" 2> >(grep --line-buffered -v 'Capture started' >&2)\n`;
  const PATH = await pathWithTshark(old);
  const saved = ["--refused", "--save", file, "--json", "-"];
  const [refused, full] = await Promise.all([
    run(saved, 0, { PATH }),
    run(["--save", "/nonexistent/x"], 1),
  ]);
  const rows = "client .SYN\nserver .RST, ACK. .* refused: nobody listens";
  seek(JSON.parse(refused.stdout), `${rows}\nclient ends: exit code 1`);
  assert.is((await readFile(file)).readUInt32LE(), 0x0a0d0d0a);
  const why = /^packets: tshark says: The file .*\/nonexistent\//;
  assert.match(full.stderr, why);
  assert.is(full.stdout, "", "this is no question of rights");
});

test("a port to capture is nobody else's: 200 here, 200 of another process", async () => {
  const code = `import("${new URL("../scripts/processes.js", import.meta.url)}").then(async ({ freePort }) => {
    for (let i = 0; i < 200; i++) console.log(await freePort()); setInterval(() => {}, 1000); })`;
  const other = launch([process.execPath, "-e", code]);
  const ours = await Promise.all(Array.from({ length: 200 }, freePort));
  await other.until("its ports", () => other.lines().length === 200);
  assert.is(new Set([...ours.map(String), ...other.lines()]).size, 400);
});

const deaf = `#!/bin/sh\ntrap "" INT; sleep 99 & wait`; // as a tshark that just starts
/** When so many processes run, packets gets a signal; its exit code; another tshark. */
const moments = [
  [5, "SIGKILL", null, deaf],
  [5, "SIGTERM", 143, deaf],
  [3, "SIGTERM", 143], // while tshark starts
  [5, "SIGINT", 130], // while the programs start
  [6, "SIGHUP", 129], // while they run
  ...[4, 6].map((count) => [count, "SIGKILL", null, ""] as const),
] as const;

onLinux("signals and kill -9: nothing is left, no false ladder", () =>
  threeAtATime(moments, async ([processes, signal, code, tshark]) => {
    const PATH = tshark ? await pathWithTshark(tshark) : process.env.PATH;
    const packets = start(["--server", "async"], { PATH });
    let pids: string[] = [];
    for (; pids.length < processes && !packets.exitStatus; await sleep(10))
      pids = harness.processesLeft(packets.mark);
    assert.not(packets.exitStatus, `${signal}: it was too quick`);
    // Ctrl+C comes to all in the terminal, and npm passes it on: it comes twice.
    const all = pids.map((line) => String(parseInt(line)));
    if (signal === "SIGINT") await command`kill -INT ${all}`;
    for (; !packets.exitStatus; await sleep(2)) packets.kill(signal);
    assert.is((await packets.exit()).code, code, `${signal}: exit code`);
    assert.equal(packets.output, { stdout: "", stderr: "" }, signal);
    await harness.expectNoneLeft(packets);
  }),
);

test.run();
