/** What packets tells of real runs: of the programs as they are, and as learners edit them. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { inLanguage } from "../scripts/language.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { CannotCapture, startCapture } from "../scripts/packets/tshark.ts";
import { freePort } from "../scripts/processes.ts";
import { copyProject } from "./copy.ts";
import * as harness from "./harness.ts";

const test = harness.suite("live");
const english = inLanguage(pairs, "en");

/** Why nothing can be captured here; false where it can. */
const noCapture = await freePort()
  .then(async (port) => (await startCapture(port)).stop())
  .then(() => false as const)
  .catch((error) => error instanceof CannotCapture && error.message);
const live = test.unless(noCapture);
const edited = test.unless(noCapture || harness.noLinks);
const onLinux = test.unless(noCapture || harness.notLinux);

const start = (args: string[] = [], env = {}, folder?: string) =>
  harness.launchMarked(
    [...harness.program("scripts/packets.ts", folder), ...args],
    env,
  );

/** Runs packets to its end; nothing that it started is left. */
async function run(args: string[], code = 0, env = {}, folder?: string) {
  const packets = start(args, env, folder);
  assert.is((await packets.exit(60_000)).code, code, packets.report());
  await harness.noneLeft(packets.mark);
  return packets.output;
}

/** What packets measures with these options. */
async function measure(options = "", folder?: string): Promise<Recording> {
  const args = [...options.split(" ").filter(Boolean), "--json", "-"];
  return JSON.parse((await run(args, 0, {}, folder)).stdout);
}

/** The same of a program in which a text has been replaced. */
async function measureEdited(
  [script, before, after]: readonly [string, string, string],
  options = "",
): Promise<Recording> {
  const { replace, folder } = await copyProject();
  await replace(`lecture1_${script}.ts`, before, after);
  return measure(options, folder);
}

/** Rows as text, with what lies unread at the client and at the server: "server reads 14 bytes <0|0>". */
const rowsOf = (recording: Recording) =>
  pictureOf(recording, english).rows.map((row) => {
    const { client, server } = row.unread;
    const text = [row.from, ...row.label, ...row.words].join(" ");
    return { text: `${text} <${client}|${server}>`, ms: Number(row.time) };
  });

/** Looks for rows that come one after another, each a regular expression; returns when they were. */
const seek =
  (recording: Recording) =>
  (texts: TemplateStringsArray | string, ...more: unknown[]) => {
    const rows = rowsOf(recording);
    const all = rows.map(({ ms, text }) => `${ms} ${text}`).join("\n");
    const wanted =
      typeof texts === "string" ? texts : String.raw(texts, ...more);
    let last = -1;
    return wanted
      .trim()
      .split(/\s*\n\s*/)
      .map((line) => {
        const at = (text: string) => new RegExp(`^${line}`).test(text);
        last = rows.findIndex(({ text }, index) => index > last && at(text));
        assert.ok(last >= 0, `not in its place: ${line}\n${all}`);
        return rows[last]!.ms;
      });
  };

const message = "client .PSH, ACK. .* carries 14 bytes <0.14>";
const read = "server reads 14 bytes <0.0>";
const echo = "server .PSH, ACK. .* carries 14 bytes <14.0>";
const answered = "client Received from server: Hello, Server! prints <0.0>";

/** The bytes of each read at a side. */
const readBy = (side: string, { reads }: Recording) =>
  reads.filter(({ from }) => from === side).map(({ bytes }) => bytes);

live("ten packets, four lines, two reads", async () => {
  const recording = await measure();
  const [listening, first] = seek(recording)`
    server Server listening on 127.0.0.1:\d+ prints
    client .SYN. Seq=0 Len=0 asks for a connection <0.0>
    server .SYN, ACK. Seq=0 Ack=1 Len=0 answers the request
    client .ACK. Seq=1 Ack=1 Len=0 confirms: connected
    ${message}
    ${read}
    server Received: Hello, Server! prints <0.0>
    ${echo}
    client reads 14 bytes <0.0>
    ${answered}
    client .FIN, ACK. Seq=15 Ack=15 Len=0 nothing more from this side
    server .FIN, ACK. Seq=15 Ack=16 Len=0 nothing more from this side`;
  assert.ok(listening! < 0 && first === 0);
  seek(recording)("client .SYN\nserver Connected by .* prints");
  seek(recording)("client .FIN\nclient ends: exit code 0");
  seek(recording)("server .FIN\nserver ends: exit code 0");
  assert.ok(recording.packets.length <= 11); // macOS confirms once more
});

live("a robot: one server ends with 1, two go on", async () => {
  for (const server of ["server", "forever", "async"]) {
    // A busy machine may take longer for the echo than the robot waits.
    let recording = await measure(`--robot --server ${server}`);
    const answered = ({ packets }: Recording) =>
      packets.some(
        ({ from, length, timeMs }) =>
          from === "server" && length && timeMs < 290,
      );
    for (let more = 5; !answered(recording) && more; more--)
      recording = await measure(`--robot --server ${server}`);
    const [, reset] = seek(recording)`
      server .PSH, ACK. .* carries 24 bytes <24.0>
      client .RST, ACK. .* resets the connection never reads 24 bytes <0.0>
      server .*ECONNRESET.* prints
      server ${server === "server" ? "ends: exit code 1" : "still runs: Ctrl.C"}`;
    assert.ok(reset! >= 299, `it waits for 0.3 s: ${reset}`);
    assert.equal(readBy("client", recording), []);
    assert.not(recording.packets.some(({ flags }) => flags.includes("FIN")));
  }
});

live("--refused, --reset, bytes that recv cuts", async () => {
  seek(await measure("--refused"))`
    client .SYN
    server .RST, ACK. .* refused: nobody listens
    client ends: exit code 1`;
  const reset = await measure("--reset");
  seek(reset)`
    client 1: .SYN
    client 2: .SYN
    server 2: .ACK. .* confirms 14 bytes <0.14>
    client 1: .FIN
    server 2: .RST, ACK. .* resets the connection never reads 14 bytes <0.0>`;
  assert.equal(reset.reads, [], "nobody read anything");
  for (const server of ["forever", "async"]) {
    const text = "로봇팔입니".repeat(100); // 1,500 bytes
    const long = await measure(`--server ${server} --message ${text}`);
    assert.equal(readBy("server", long), [1024, 476], server);
    const client = readBy("client", long);
    assert.is(
      client.reduce((sum, bytes) => sum + bytes),
      1500,
    );
  }
});

// ---- Ten edits, of which it was once concluded what they do ---------------

edited("1. a handler that computes: read at once", async () => {
  const busy = "for (const end = Date.now() + 200; Date.now() < end; );";
  const print = "      print(`Received from";
  const edit = ["server_forever_async", print, `${busy}\n${print}`] as const;
  const recording = await measureEdited(edit, "--server async");
  const [, at, echoed] = seek(recording)(`${message}\n${read}\n${echo}`);
  assert.ok(echoed! - at! >= 195, `${at} ${echoed}`);
});

live("2. forever: a thread's reads, and no calls", async () => {
  const recording = await measure("--server forever");
  seek(recording)`
    ${message}
    ${read}
    ${echo}
    server still runs: Ctrl.C
    server Server is shutting down... prints
    server ends: exit code 0`;
  seek(recording)(`${message}\nserver Received from .* prints`);
  for (const { text } of rowsOf(recording))
    assert.not.match(text, /accept|recv|sendall/);
});

edited("3. lines in Korean: read and echoed all the same", async () => {
  const received = ["server", "`Received: ", "`받음: "] as const;
  const lines = `${message}\n${read}\nserver 받음: Hello, Server! prints <0.0>\n${echo}`;
  seek(await measureEdited(received))(lines);
  const listens = [
    "server_forever",
    "`Server listening on ",
    "`대기: ",
  ] as const;
  const forever = await measureEdited(listens, "--server forever");
  seek(forever)(`server 대기: \n${message}\n${read}\n${echo}`);
});

edited("4. a client that resets has read its bytes", async () => {
  const close = "    async close() {\n";
  const resets = `${close}      return void s.resetAndDestroy();\n`;
  const recording = await measureEdited(["client", close, resets]);
  seek(recording)`
    ${echo}
    client reads 14 bytes <0.0>
    ${answered}
    client .RST, ACK. .* resets the connection <0.0>`;
});

const wait = "await new Promise((resolve) => setTimeout(resolve, 300));";
const inSendall = ["server", "await conn.sendall(data);"] as const;
const afterConnect = ["client", "s.sendall(Buffer"] as const;
const beforeClose = ["client", "await s.close();"] as const;
for (const [title, [script, call], rows] of [
  ["5. before sendall", inSendall, `server Received: .*<0.0>\n${echo}`],
  ["6. after connect", afterConnect, `client .ACK. Seq=1 Ack=1\n${message}`],
  ["7. before close", beforeClose, `${answered}\nclient .FIN`],
] as const)
  edited(`a pause, ${title}: nothing happens, nothing is said to`, async () => {
    const edit = [script, call, `${wait} ${call}`] as const;
    const recording = await measureEdited(edit);
    const [before = 0, after = 0] = seek(recording)(rows);
    assert.ok(after - before >= 295, `${before} ${after}`);
    const meanwhile = rowsOf(recording).filter(
      ({ ms, text }) => before < ms && ms < after && text.startsWith(script),
    );
    assert.equal(meanwhile, []);
  });

edited("8. a line printed after its echo", async () => {
  const line = "print(`Received: ${utf8.decode(data, { stream: true })}`)";
  const later = `setTimeout(() => ${line}, 100)`;
  const recording = await measureEdited(["server", line, later]);
  seek(recording)(`${message}\n${read}\n${echo}\nserver Received: .* prints`);
});

live("9. two runs of one program: the same", async () => {
  const said = async () => {
    const rows = rowsOf(await measure()).map(({ text }) => text);
    const whole = rows.map((text) => text.replace(/\d{5}|<.*/g, ""));
    return whole.filter((text) => !/^\w+ .ACK/.test(text)).sort();
  };
  assert.equal(await said(), await said());
});

edited("10. recv(4): each read with its bytes", async () => {
  const edit = ["server", "conn.recv(1024)", "conn.recv(4)"] as const;
  const recording = await measureEdited(edit);
  seek(recording)`
    ${message}
    server reads 4 bytes <\d+.10>
    server reads 4 bytes <\d+.6>
    server reads 4 bytes <\d+.2>
    server reads 2 bytes <\d+.0>`;
  const client = readBy("client", recording);
  assert.is(
    client.reduce((sum, bytes) => sum + bytes),
    14,
  );
});

edited("listening to data; other sockets", async () => {
  const recv = "    async recv(size: number): Promise<Buffer> {\n";
  const other = `const other = net.createServer((it) => it.end("x")).listen(0, () =>
      net.connect((other.address() as net.AddressInfo).port).on("data", () => other.close()));
      return new Promise((resolve) => s.on("data", (data) => setTimeout(resolve, 100, data)));\n`;
  const recording = await measureEdited(["client", recv, recv + other]);
  seek(recording)(`${echo}\nclient reads 14 bytes <0.0>\n${answered}`);
  assert.equal(readBy("client", recording), [14]);
});

// ---- What goes wrong ------------------------------------------------------

edited("a learner's mistake is told with its line", async () => {
  const { replace, folder } = await copyProject();
  await replace("lecture1_client.ts", "s.sendall(Buffer", "s.sendAll(Buffer");
  const client = await run([], 1, {}, folder);
  assert.match(
    client.stderr,
    /^packets: lecture1_client.ts ends: exit code 1\n[^]*lecture1_client\.ts:\d+\n[^]*s.sendAll is not a function/,
  );
  assert.match(client.stdout, "confirms: connected");
  await replace("lecture1_server.ts", "await s.listen();", "await s.listen(;");
  const { stdout, stderr } = await run([], 1, {}, folder);
  assert.match(
    stderr,
    /^packets: .*lecture1_server\.ts:\d+: Unexpected ";"\n$/,
  );
  assert.is(stdout, "");
});

onLinux("--save; what can't be saved; an old tshark", async () => {
  const file = join(await harness.temporaryFolder(), "tshark");
  await run(["--refused", "--save", file]);
  assert.is((await readFile(file)).readUInt32LE(), 0x0a0d0d0a);
  const full = await run(["--refused", "--save", "/nonexistent/x"], 1);
  assert.match(
    full.stderr,
    /^packets: tshark says: The file .*\/nonexistent\/x/,
  );
  assert.is(full.stdout, "", "this is no question of rights");
  const old = `#!/bin/bash\nPATH=\${PATH#*:} exec tshark "$@" 2> >(grep --line-buffered -v 'Capture started' >&2)\n`;
  await writeFile(file, old, { mode: 0o755 });
  const PATH = `${join(file, "..")}:${process.env.PATH}`;
  const { stdout } = await run(["--refused"], 0, { PATH });
  assert.match(stdout, "2 packets, ");
});

onLinux("signals and kill -9: nothing is left", async () => {
  for (const [signal, processes, code] of [
    ["SIGINT", 3, 130], // while tshark starts
    ["SIGTERM", 5, 143], // while the programs start
    ["SIGHUP", 6, 129], // while they run
    ...[2, 3, 4, 5, 6].map((count) => ["SIGKILL", count, null] as const),
  ] as const) {
    const packets = start(["--server", "async"]);
    while (
      (await harness.left(packets.mark)).length < processes &&
      !packets.ended
    )
      await sleep(5);
    assert.not(packets.ended, `${signal}: it was too quick`);
    // npm passes on the Ctrl+C that the terminal has sent already: it comes twice.
    for (; !packets.ended; await sleep(2)) packets.kill(signal);
    assert.is((await packets.exit()).code, code, signal);
    assert.equal(packets.output, { stdout: "", stderr: "" }, signal);
    await harness.noneLeft(packets.mark);
  }
});

onLinux("Ctrl+C in a terminal: no false ladder", async () => {
  const packets = start();
  while ((await harness.left(packets.mark)).length < 5) await sleep(5);
  for (const pid of await harness.left(packets.mark))
    process.kill(parseInt(pid), "SIGINT");
  assert.is((await packets.exit()).code, 130);
  assert.equal(packets.output, { stdout: "", stderr: "" });
  await harness.noneLeft(packets.mark);
});

test.run();
