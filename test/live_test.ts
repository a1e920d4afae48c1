/** What packets tells of real runs: of the programs as they are, and as learners edit them. */
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { inLanguage } from "../scripts/language.ts";
import { type Recording, type Side } from "../scripts/packets/recording.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { CannotCapture, startCapture } from "../scripts/packets/tshark.ts";
import { freePort } from "../scripts/processes.ts";
import { copyProject } from "./copy.ts";
import {
  launchMarked,
  left,
  noLinks,
  noSignals,
  noneLeft,
  notLinux,
  program,
  suite,
  temporaryFolder,
} from "./harness.ts";

const test = suite("live");
const english = inLanguage(pairs, "en");

/** Why nothing can be captured here; false where it can. */
const noCapture = await freePort()
  .then((port) => startCapture(port))
  .then((capture) => capture.stop())
  .then(() => false as const)
  .catch((error) => error instanceof CannotCapture && error.message);
const live = test.unless(noCapture);

type Copy = Awaited<ReturnType<typeof copyProject>>;

/** Runs packets to its end; nothing that it started is left. */
async function run(args: string[], code = 0, folder?: string, env = {}) {
  const command = [...program("scripts/packets.ts", folder), ...args];
  const packets = launchMarked(command, env);
  assert.is((await packets.exit(60_000)).code, code, packets.report());
  await noneLeft(packets.mark);
  return packets.output;
}

/** What packets measures, of the programs or of an edited copy. */
async function measure(args: string[] = [], copy?: Copy): Promise<Recording> {
  const { stdout } = await run([...args, "--json", "-"], 0, copy?.folder);
  return JSON.parse(stdout);
}

/** Rows as text: who, what, and what lies unread at the server and the client. */
const rowsOf = (recording: Recording) =>
  pictureOf(recording, english).rows.map(
    ({ from, label, words, unread: { client, server } }) =>
      `${[from, ...label, ...words].join(" ")} (${client}, ${server})`,
  );

const sum = (all: { bytes: number }[]) =>
  all.reduce((sum, { bytes }) => sum + bytes, 0);

/** The moments of the message: when it arrived, was read, printed and echoed. */
function momentsOf({ packets, reads, lines }: Recording) {
  const data = (side: Side) =>
    packets.find(({ from, length }) => from === side && length)!.timeMs;
  const server = lines.filter(({ from }) => from === "server");
  return {
    arrived: data("client"),
    read: reads.find(({ from }) => from === "server")!.timeMs,
    printed: server.find(({ text }) => text.includes("Hello"))!.timeMs,
    echoed: data("server"),
  };
}

/** Holds that the server has read all before it echoes, and never has anything unread after that. */
function readBeforeEcho(recording: Recording): void {
  const rows = pictureOf(recording, english).rows;
  const echo = rows.findIndex(
    ({ from, kind }) => from === "server" && kind === "data",
  );
  assert.ok(rows.some(({ unread }) => unread.server === 14));
  for (const { unread } of rows.slice(echo)) assert.is(unread.server, 0);
  const { arrived, read, echoed } = momentsOf(recording);
  assert.ok(arrived < read && read < echoed, `${arrived} ${read} ${echoed}`);
}

// ---- The programs as they are ---------------------------------------------

live("ten packets, what they do, and what was read when", async () => {
  const recording = await measure();
  const { packets, reads, lines, ends } = recording;
  const does = rowsOf(recording).filter((row) => /^\w+ \[/.test(row));
  for (const words of [
    "client [SYN] Seq=0 Len=0 asks for a connection (0, 0)",
    "server [SYN, ACK] Seq=0 Ack=1 Len=0 answers the request (0, 0)",
    "client [ACK] Seq=1 Ack=1 Len=0 confirms: connected (0, 0)",
    "client [PSH, ACK] Seq=1 Ack=1 Len=14 carries 14 bytes (0, 14)",
    "server [PSH, ACK] Seq=1 Ack=15 Len=14 carries 14 bytes (14, 0)",
    "client [FIN, ACK] Seq=15 Ack=15 Len=0 nothing more from this side (0, 0)",
  ])
    assert.is(does.filter((row) => row === words).length, 1, does.join("\n"));
  assert.ok(packets.length >= 9 && packets.length <= 11); // an ACK may come with FIN; macOS
  assert.equal(
    reads.map(({ from, connection, bytes }) => [from, connection, bytes]),
    [
      ["server", 1, 14],
      ["client", 1, 14],
    ],
  );
  const port = /\d{4,5}(?!.*\d)/;
  assert.equal(
    lines.map(({ from, text }) => `${from}: ${text.replace(port, "PORT")}`),
    [
      "server: Server listening on 127.0.0.1:PORT",
      "server: Connected by ('127.0.0.1', PORT)",
      "server: Received: Hello, Server!",
      "client: Received from server: Hello, Server!",
    ],
  );
  assert.equal(ends.map(({ from, code }) => `${from} ${code}`).sort(), [
    "client 0",
    "server 0",
  ]);
  readBeforeEcho(recording);
  const { arrived, read, printed, echoed } = momentsOf(recording);
  const times = [lines[0]!.timeMs, 0, arrived, read, printed, echoed];
  assert.equal(
    times,
    times.slice().sort((a, b) => a - b),
  );
});

live("a robot: the first server ends with 1, the other two go on", async () => {
  for (const server of ["server", "forever", "async"]) {
    const recording = await measure(["--robot", "--server", server]);
    const { packets, reads, lines, ends, run } = recording;
    assert.is(run.message, "hello socket from robot\n");
    const [reset] = packets.filter(({ flags }) => flags.includes("RST"));
    assert.is(reset?.from, "client", server);
    assert.not(
      packets.some(({ flags }) => flags.includes("FIN")),
      server,
    );
    const echo = packets.find(
      ({ from, length }) => from === "server" && length,
    );
    assert.ok(reset!.timeMs >= 299 && echo!.timeMs < reset!.timeMs);
    assert.ok(rowsOf(recording).some((row) => row.includes("never reads 24")));
    assert.equal(
      reads.map(({ from, bytes }) => [from, bytes]),
      [["server", 24]],
    );
    const said = lines.filter(({ text }) => text.includes("ECONNRESET"));
    assert.is(said.length, 1, "one line");
    const fates = ends.map(({ code, signal }) => signal ?? code);
    assert.equal(fates, server === "server" ? [1] : ["SIGINT", 0], server);
  }
});

live("--refused, --reset, and 1,500 bytes that recv cuts", async () => {
  const refused = await measure(["--refused"]);
  assert.equal(rowsOf(refused).slice(0, 2), [
    "client [SYN] Seq=0 Len=0 asks for a connection (0, 0)",
    "server [RST, ACK] Seq=1 Ack=1 Len=0 refused: nobody listens (0, 0)",
  ]);
  assert.equal(
    refused.ends.map(({ code }) => code),
    [1],
  );

  const reset = await measure(["--reset"]);
  const second = reset.packets.filter(({ connection }) => connection === 2);
  const last = second.at(-1)!;
  assert.equal([last.from, last.flags], ["server", ["RST", "ACK"]]);
  const leaves = reset.packets.find(({ flags }) => flags.includes("FIN"))!;
  assert.ok(leaves.connection === 1 && leaves.timeMs < last.timeMs);
  assert.ok(second.some(({ from, ack }) => from === "server" && ack === 15));
  assert.equal(reset.reads, [], "nobody read anything");
  assert.ok(rowsOf(reset).some((row) => /2: \[RST.*never reads 14/.test(row)));

  const message = "로봇 팔".repeat(150); // 1,500 bytes
  for (const server of ["forever", "async"]) {
    const run = await measure(["--server", server, "--message", message]);
    const read = run.reads.filter(({ from }) => from === "server");
    assert.equal(
      read.map(({ bytes }) => bytes),
      [1024, 476],
      server,
    );
    assert.is(sum(run.reads.filter(({ from }) => from === "client")), 1500);
  }
});

// ---- Ten edits, of which it was once concluded what they do ---------------

const noEdits = noCapture || noLinks;
const edited = test.unless(noEdits);
const wait = "await new Promise((resolve) => setTimeout(resolve, 300));";

/** Measures a program with a text of it replaced. */
async function measureEdited(
  script: string,
  edits: [string, string][],
  args: string[] = [],
): Promise<Recording> {
  const copy = await copyProject();
  for (const [before, after] of edits)
    await copy.replace(script, before, after);
  return measure(args, copy);
}

edited("1. a handler that computes: read at once, printed later", async () => {
  const recording = await measureEdited(
    "lecture1_server_forever_async.ts",
    [
      [
        "      print(`Received from",
        "      for (const end = Date.now() + 200; Date.now() < end; );\n      print(`Received from",
      ],
    ],
    ["--server", "async"],
  );
  const { read, printed } = momentsOf(recording);
  assert.ok(printed - read >= 195, `${printed - read}`);
  readBeforeEcho(recording);
});

live(
  "2. forever: nothing is said of accept; the thread's reads are told",
  async () => {
    const recording = await measure(["--server", "forever"]);
    readBeforeEcho(recording);
    const rows = rowsOf(recording);
    const told = rows.filter((row) => /^server (?!\[)/.test(row));
    for (const row of told)
      assert.match(
        row,
        /^server (.* prints|reads 14 bytes|still runs: Ctrl\+C|ends: exit code 0) \(/,
      );
    assert.is(told.filter((row) => row.includes("reads")).length, 1);
  },
);

edited(
  "3. a line translated into Korean: read and echoed all the same",
  async () => {
    const recording = await measureEdited("lecture1_server.ts", [
      ["`Received: ", "`받음: "],
      ["`Connected by ", "`연결됨: "],
      ["`Server listening on ", "`기다리는 중: "],
    ]);
    readBeforeEcho(recording);
    const texts = recording.lines.map(({ text }) => text);
    assert.ok(texts.includes("받음: Hello, Server!"));
  },
);

edited("4. a client that resets: it has read what it resets", async () => {
  const recording = await measureEdited("lecture1_client.ts", [
    ["      s.resume();\n", "      return void s.resetAndDestroy();\n"],
    ["`Received from server: ", "`Answer: "],
  ]);
  const rows = rowsOf(recording);
  assert.ok(rows.includes("client reads 14 bytes (0, 0)"));
  const reset = rows.find((row) => row.startsWith("client [RST"))!;
  assert.match(reset, /resets the connection \(0, 0\)$/);
});

/** The longest time in which nothing happens, and the rows around it. */
function longestPause(recording: Recording): [number, string, string] {
  const { rows } = pictureOf(recording, english);
  const first = rows.findIndex(({ kind }) => kind === "syn");
  const [index] = rows
    .map(({ time }, index) => [
      index,
      index > first ? Number(time) - Number(rows[index - 1]!.time) : 0,
    ])
    .sort(([, a], [, b]) => b! - a!)[0]!;
  const pause = Number(rows[index!]!.time) - Number(rows[index! - 1]!.time);
  const all = rowsOf(recording);
  return [pause, all[index! - 1]!, all[index!]!];
}

for (const [title, script, before, after, around] of [
  [
    "5. a pause before sendall",
    "lecture1_server.ts",
    "await conn.sendall(data);",
    `${wait} await conn.sendall(data);`,
    [/^server Received: .* prints \(0, 0\)/, /^server \[PSH, ACK\]/],
  ],
  [
    "6. a pause after connect",
    "lecture1_client.ts",
    "await s.connect(host, port);",
    `await s.connect(host, port); ${wait}`,
    [
      /^(client \[ACK\] Seq=1 Ack=1|server Connected by).*\(0, 0\)/,
      /^client \[PSH, ACK\]/,
    ],
  ],
  [
    "7. a pause before close",
    "lecture1_client.ts",
    "await s.close();",
    `${wait} await s.close();`,
    [/^client Received from server: .*\(0, 0\)/, /^client \[FIN, ACK\]/],
  ],
] as const)
  edited(`${title}: nothing happens, and nothing is said to`, async () => {
    const recording = await measureEdited(script, [[before, after]]);
    const [pause, last, next] = longestPause(recording);
    assert.ok(pause >= 295, `${pause}`);
    assert.match(last, around[0]);
    assert.match(next, around[1]);
    readBeforeEcho(recording);
  });

edited("8. a line printed after its echo: the read stands before", async () => {
  const line =
    "      print(`Received: ${utf8.decode(data, { stream: true })}`);\n";
  const recording = await measureEdited("lecture1_server.ts", [
    [
      `  ${line}        await conn.sendall(data);`,
      `        await conn.sendall(data);\n  ${line.trimEnd()}`,
    ],
  ]);
  const { printed, echoed } = momentsOf(recording);
  assert.ok(printed > echoed);
  readBeforeEcho(recording);
});

live("9. two runs of one program: the same is said of both", async () => {
  const sides = async () => {
    const rows = rowsOf(await measure()).map((row) =>
      row.replace(/\d{5}/g, "PORT").replace(/ \(\d+, \d+\)$/, ""),
    );
    return ["client", "server"].map((side) =>
      rows.filter((row) => row.startsWith(side) && !/^\w+ \[ACK\]/.test(row)),
    );
  };
  const [one, other] = [await sides(), await sides()];
  assert.equal(one, other);
});

edited("10. recv(4): each read with its bytes, 14, 10, 6, 2", async () => {
  const recording = await measureEdited("lecture1_server.ts", [
    ["conn.recv(1024)", "conn.recv(4)"],
  ]);
  const read = recording.reads.filter(({ from }) => from === "server");
  assert.equal(
    read.map(({ bytes }) => bytes),
    [4, 4, 4, 2],
  );
  const unread = pictureOf(recording, english).rows.map(
    ({ unread }) => unread.server,
  );
  const steps = unread.filter((bytes, index) => bytes !== unread[index - 1]);
  assert.equal(steps, [0, 14, 10, 6, 2, 0]);
  const client = recording.reads.filter(({ from }) => from === "client");
  assert.is(sum(client), 14);
  assert.not(client[0]!.dropped);
  assert.ok(sum(client) === client[0]!.bytes || client.at(-1)!.dropped);
});

edited(
  "who listens to data instead of calling read, and other sockets",
  async () => {
    const other = `const other = net.createServer((it) => it.end("x")).listen(0, () =>
    net.connect((other.address() as net.AddressInfo).port).on("data", () => other.close()));\n`;
    const recording = await measureEdited("lecture1_server_forever.ts", [
      ['      print("\\nServer', '      print("\\nServer'],
    ]).catch(() =>
      measureEdited("lecture1_client.ts", [
        [
          "    const data = await s.recv(1024);",
          `    ${other}    const data = await new Promise<Buffer>((resolve) => s.raw.once("data", resolve));`,
        ],
        [
          "  return {\n    /** Does the TCP",
          "  return {\n    raw: s,\n    /** Does the TCP",
        ],
      ]),
    );
    const client = recording.reads.filter(({ from }) => from === "client");
    assert.equal(
      client.map(({ bytes, dropped }) => [bytes, dropped]),
      [[14, undefined]],
    );
  },
);

// ---- What goes wrong ------------------------------------------------------

edited(
  "a learner's mistake is told with its line, beside what came",
  async () => {
    const copy = await copyProject();
    await copy.replace(
      "lecture1_client.ts",
      "s.sendall(Buffer",
      "s.sendAll(Buffer",
    );
    const client = await run(["--lang", "en"], 1, copy.folder);
    assert.match(
      client.stderr,
      /^packets: lecture1_client.ts ends: exit code 1\n[^]*lecture1_client\.ts:\d+\n[^]*s.sendAll is not a function/,
    );
    assert.match(client.stdout, "confirms: connected");
    await copy.replace(
      "lecture1_server.ts",
      "await s.listen();",
      "await s.listen(;",
    );
    const server = await run([], 1, copy.folder);
    assert.match(
      server.stderr,
      /^packets: .*lecture1_server\.ts:\d+: Unexpected ";"\n$/,
    );
    assert.is(server.stdout, "");
  },
);

test.unless(noCapture || notLinux)(
  "--save; what can't be saved; a tshark that doesn't say when it has started",
  async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "run.pcapng");
    const json = join(folder, "run.json");
    const { stdout } = await run(["--refused", "--save", file, "--json", json]);
    assert.match(stdout, "refused: nobody listens");
    assert.is((await readFile(file)).readUInt32LE(0), 0x0a0d0d0a);
    assert.is(JSON.parse(await readFile(json, "utf8")).packets.length, 2);
    const full = await run(["--refused", "--save", "/nonexistent/x"], 1);
    assert.match(
      full.stderr,
      /^packets: tshark says: The file .*\/nonexistent\/x/,
    );
    assert.is(full.stdout, "", "this is no question of rights");
    const old = `#!/bin/bash\nPATH=\${PATH#*:}\nexec tshark "$@" 2> >(grep --line-buffered -v 'Capture started' >&2)\n`;
    await writeFile(join(folder, "tshark"), old, { mode: 0o755 });
    const env = { PATH: [folder, process.env.PATH].join(delimiter) };
    const { stdout: two } = await run(["--refused"], 0, undefined, env);
    assert.match(two, /2 packets|2개/);
  },
);

test.unless(noCapture || notLinux)(
  "Ctrl+C, SIGTERM, a closed terminal, kill -9 at any moment: nothing is left",
  async () => {
    for (const [signal, processes, code] of [
      ["SIGINT", 2, 130], // while tshark starts
      ["SIGTERM", 4, 143], // while the programs start
      ["SIGHUP", 5, 129], // while they run
      ["SIGKILL", 3, null],
      ["SIGKILL", 5, null],
      ["SIGKILL", 6, null],
    ] as const) {
      const command = [...program("scripts/packets.ts"), "--server", "async"];
      const packets = launchMarked(command);
      while ((await left(packets.mark)).length < processes && !packets.ended)
        await sleep(5);
      assert.not(packets.ended, `${signal}: it was too quick`);
      // npm passes on the Ctrl+C that the terminal has sent already: it comes twice.
      for (; !packets.ended; await sleep(2)) packets.kill(signal);
      assert.is((await packets.exit()).code, code, signal);
      assert.equal(packets.output, { stdout: "", stderr: "" }, signal);
      await noneLeft(packets.mark);
    }
  },
);

test.unless(noCapture || noSignals || notLinux)(
  "Ctrl+C in a terminal reaches the programs, too: no false ladder",
  async () => {
    const packets = launchMarked(program("scripts/packets.ts"));
    while ((await left(packets.mark)).length < 5) await sleep(5);
    for (const pid of await left(packets.mark))
      process.kill(Number(pid), "SIGINT");
    assert.is((await packets.exit()).code, 130);
    assert.equal(packets.output, { stdout: "", stderr: "" });
    await noneLeft(packets.mark);
  },
);

test.run();
