import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { launch, projectFile, tsxLoader } from "../scripts/launch.ts";
import { ladder, printedLines } from "../scripts/packets/ladder.ts";
import { parseOptions } from "../scripts/packets/options.ts";
import { fields, parsePacket } from "../scripts/packets/packet.ts";
import { explain, type Recording } from "../scripts/packets/recording.ts";
import { hasSignals, launchMarked, left, onLinux, suite } from "./harness.ts";
import { canCapture, tshark } from "./tshark.ts";

const test = suite("packets");
const script = projectFile("scripts/packets.ts");
const recorded = (name: string) =>
  projectFile(`scripts/packets/recorded/${name}`);
const hello = JSON.parse(
  await readFile(recorded("hello.json"), "utf8"),
) as Recording;

/** Starts packets; whatever it starts inherits a mark in its environment. */
function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  return launchMarked([process.execPath, ...tsxLoader, script, ...args], env);
}

/** Runs packets to its end; nothing it started is left. */
async function run(args: string[], code = 0, env: NodeJS.ProcessEnv = {}) {
  const packets = start(args, env);
  assert.is((await packets.exit(30_000)).code, code, packets.report());
  if (onLinux) assert.equal(await left(packets.mark), []);
  return packets.output;
}

/** Runs packets and reads its JSON. */
async function recording(args: string[]): Promise<Recording> {
  return JSON.parse((await run([...args, "--json", "-"])).stdout);
}

const drawn = `
       ms │client                        server│
          │127.0.0.1:59964      127.0.0.1:45129│
 -271.011 │                   listen ◆ accept  │  Server listening on 127.0.0.1…
    0.000 │─ [SYN] Seq=0 Len=0 ───────────────▶│  opens
    0.014 │◀──── [SYN, ACK] Seq=0 Ack=1 Len=0 ─│  agrees
    0.026 │─ [ACK] Seq=1 Ack=1 Len=0 ─────────▶│  confirms: connected
    0.562 │─ [PSH, ACK] Seq=1 Ack=1 Len=14 ───▶│  carries 14 bytes
          │  "Hello, Server!"                  │
    0.569 │◀──────── [ACK] Seq=1 Ack=15 Len=0 ─│  confirms 14 bytes
    0.850 │                     accept ◆ recv  │  Connected by ('127.0.0.1', 59…
    2.008 │                    recv ◆ sendall  │  Received: Hello, Server!
    2.134 │◀── [PSH, ACK] Seq=1 Ack=15 Len=14 ─│  carries 14 bytes
          │                  "Hello, Server!"  │
    2.146 │─ [ACK] Seq=15 Ack=15 Len=0 ───────▶│  confirms 14 bytes
    3.540 │  recv ◆ close                      │  Received from server: Hello, …
    4.280 │─ [FIN, ACK] Seq=15 Ack=15 Len=0 ──▶│  closes
    5.124 │◀── [FIN, ACK] Seq=15 Ack=16 Len=0 ─│  closes too
          │                                    │  confirms the close
    5.165 │─ [ACK] Seq=16 Ack=16 Len=0 ───────▶│  confirms the close`;

test("the ladder of the recorded run", async () => {
  assert.is(`\n${stripVTControlCharacters(ladder(hello, 80))}`, drawn);
  const lines = stripVTControlCharacters(printedLines(hello, 80)).split("\n");
  assert.equal(lines, [
    " -271.011  server  Server listening on 127.0.0.1:45129",
    "    0.850  server  Connected by ('127.0.0.1', 59964)",
    "    2.008  server  Received: Hello, Server!",
    "    3.540  client  Received from server: Hello, Server!",
  ]);
});

/** A row as tshark prints it: the fields that are given, the others empty. */
function row(
  from: "client" | "server",
  values: Record<string, string>,
): string {
  const ends = ["50000", "40000"];
  const [source, destination] = from === "client" ? ends : ends.toReversed();
  const all: Record<string, string> = {
    "frame.time_epoch": "1795358662.740020519",
    "ip.src": "127.0.0.1",
    "ip.dst": "127.0.0.1",
    "tcp.srcport": source!,
    "tcp.dstport": destination!,
    "tcp.stream": "0",
    ...values,
  };
  return fields.map((field) => all[field] ?? "").join("\t");
}

/** A row that carries bytes. */
function carrying(seq: number, bytes: Uint8Array, notes = {}): string {
  return row("client", {
    "tcp.flags": "0x0018",
    "tcp.seq": String(seq),
    "tcp.ack": "1",
    "tcp.len": String(bytes.length),
    "tcp.payload": Buffer.from(bytes).toString("hex"),
    ...notes,
  });
}

const stepsOf = (rows: string[]) => explain(rows.map(parsePacket)).packets;

function draw(rows: string[], columns = 80): string {
  const explained = explain(rows.map(parsePacket));
  const recording = { tshark: "", lines: [], ...explained };
  return stripVTControlCharacters(ladder(recording, columns));
}

const korean = Buffer.from("가나다");

test("a character cut in two comes whole with its last byte", async () => {
  const rows = [0, 4, 8].map((start) =>
    carrying(start + 1, korean.subarray(start, start + 4)),
  );
  const steps = stepsOf(rows);
  assert.equal(
    steps.map(({ text }) => text),
    ["가", "나", "다"],
  );
  const cut = "ends inside a character";
  assert.equal(
    steps.map(({ does }) => does.includes(cut)),
    [true, true, false],
  );
  for (const columns of [60, 80, 100]) {
    const drawn = draw(rows, columns).split("\n");
    assert.match(drawn.join("\n"), /"가" [^]*"나" [^]*"다" /);
    const bars = drawn.map((row) =>
      stringWidth(row.slice(0, row.lastIndexOf("│"))),
    );
    assert.is(new Set(bars).size, 1, "the lane is straight");
  }
});

test("a retransmission is shown, with its own text", async () => {
  const bytes = Buffer.from("가나다라");
  const note = { "tcp.analysis.retransmission": "1" };
  const rows = [
    carrying(1, bytes.subarray(0, 4)),
    carrying(5, bytes.subarray(4, 11)),
    carrying(5, bytes.subarray(4, 11), note),
    carrying(12, bytes.subarray(11)),
  ];
  const steps = stepsOf(rows);
  assert.equal(
    steps.map(({ text }) => text),
    ["가", "나다", "다", "라"],
  );
  assert.equal(
    steps.map(({ notes }) => notes),
    [[], [], ["retransmission"], []],
  );
  for (const columns of [60, 80])
    assert.match(draw(rows, columns), /retransmission/);
});

test("after a gap the text begins with the next whole character", async () => {
  const bytes = Buffer.from("가나다라");
  const rows = [
    carrying(1, bytes.subarray(0, 4)),
    carrying(9, bytes.subarray(8), { "tcp.analysis.lost_segment": "1" }),
  ];
  const steps = stepsOf(rows);
  assert.is(steps[1]!.text, "라");
  assert.match(draw(rows), /a packet before it is missing/);
});

test("flags without a name and control codes are shown", async () => {
  const flags = { "tcp.flags": "0x02c2", "tcp.seq": "0", "tcp.len": "0" };
  assert.match(
    draw([row("client", flags)]),
    /\[SYN, ECE, CWR, 0x200\] Seq=0 Len=0/,
  );
  const drawn = draw([carrying(1, Buffer.from("\x1b[31m\n\x9b"))]);
  assert.match(drawn, /"\\x1b\[31m\\n\\x9b"/);
  assert.not.match(drawn, /\x1b/);
});

test("a wrong option: one line, exit 2", async () => {
  const { stdout, stderr } = await run(["--server", "thread"], 2);
  assert.is(stdout, "");
  assert.is(
    stderr,
    "packets: --server thread: write one of server,forever,async; --help lists the options\n",
  );
  for (const args of [
    ["--refused", "--reset"],
    ["--refused", "--server", "async"],
    ["--reset", "--server", "forever"],
    ["--read", "a.pcapng", "--save", "b.pcapng"],
    ["--read", "a.pcapng", "--reset"],
    ["--message", ""],
    ["--save", ""],
    ["--nonsense"],
    ["word"],
  ])
    assert.throws(() => parseOptions(args), undefined, args.join(" "));
});

/** The recorded run stands in for what can't be captured, and is called so. */
async function insteadOfCapture(path: string, says: RegExp): Promise<void> {
  const { stdout, stderr } = await run([], 1, { PATH: path });
  assert.match(stderr, says);
  for (const system of ["Linux", "macOS", "Windows"])
    assert.match(stderr, new RegExp(`^  ${system}  `, "m"));
  assert.match(stdout, /^A recorded run/);
  assert.ok(stripVTControlCharacters(stdout).includes(drawn));
  const json = await run(["--json", "-"], 1, { PATH: path });
  assert.is(json.stdout, "", "what was recorded is no measurement");
}

test.when(onLinux)("without tshark: what to install, and a recorded run", () =>
  insteadOfCapture(
    "/nonexistent",
    /^packets: tshark is not installed \(ENOENT\)$/m,
  ),
);

test.when(hasSignals)(
  "without the right: which group, and a recorded run",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "lecture1-test-"));
    const file = join(folder, "tshark");
    // What tshark 4.0 says to a user who is not in the group.
    const says = `Capturing on 'Loopback: lo'
tshark: You do not have permission to capture on device "lo".
(socket: Operation not permitted)
tshark: 
0 packets captured`;
    await writeFile(file, `#!/bin/sh\ncat >&2 <<END\n${says}\nEND\nexit 1\n`);
    await chmod(file, 0o755);
    const path = [folder, process.env.PATH].join(delimiter);
    await insteadOfCapture(path, /permission to capture[^]*group access_bpf/);
    await rm(folder, { recursive: true });
  },
);

test.when(tshark !== null)("--read: the shipped captures", async () => {
  const read = await recording(["--read", recorded("hello.pcapng")]);
  const { system, ...packetsOnly } = { ...hello, lines: [] };
  assert.equal(read, { ...packetsOnly, tshark: read.tshark });

  const lossy = await recording(["--read", recorded("lossy.pcapng")]);
  const again = lossy.packets.filter(({ notes }) => notes.length);
  assert.equal(
    again.map(({ from, text, notes }) => [from, text, notes]),
    [
      ["client", "Hello, Server!", ["retransmission"]],
      ["server", "Hello, Server!", ["retransmission"]],
    ],
  );
});

test.when(tshark !== null)(
  "--read of no capture: one line, exit 1",
  async () => {
    for (const file of [script, "/nonexistent"]) {
      const { stdout, stderr } = await run(["--read", file], 1);
      assert.is(stdout, "");
      assert.match(stderr, /^packets: tshark says: The file .*\n$/);
    }
  },
);

const live = test.when(canCapture);

live("a live run, packet by packet", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lecture1-test-"));
  const file = join(folder, "live.pcapng");
  const { lines, ...live } = await recording(["--save", file]);
  const text = "Hello, Server!";
  const { packets } = live;
  const essence = packets
    .filter(({ flags }, index) => index < 3 || flags.join() !== "ACK")
    .map(({ from, flags, seq, ack, length, text }) => [
      from,
      flags.join(),
      seq,
      ack,
      length,
      text,
    ]);
  assert.equal(essence, [
    ["client", "SYN", 0, undefined, 0, undefined],
    ["server", "SYN,ACK", 0, 1, 0, undefined],
    ["client", "ACK", 1, 1, 0, undefined],
    ["client", "PSH,ACK", 1, 1, 14, text],
    ["server", "PSH,ACK", 1, 15, 14, text],
    ["client", "FIN,ACK", 15, 15, 0, undefined],
    ["server", "FIN,ACK", 15, 16, 0, undefined],
  ]);
  const does = packets.flatMap(({ from, does }) =>
    does.map((does) => `${from} ${does}`),
  );
  for (const words of [
    "client opens",
    "server agrees",
    "client confirms: connected",
    "client carries 14 bytes",
    "server confirms 14 bytes",
    "server carries 14 bytes",
    "client confirms 14 bytes",
    "client closes",
    "server closes too",
    "server confirms the close",
    "client confirms the close",
  ])
    assert.is(does.filter((each) => each === words).length, 1, words);
  for (const { notes } of packets) assert.equal(notes, []);

  const printed = lines.map(({ from, text, before, after }) =>
    [from, text.replace(/\d{4,5}/, "PORT"), before, after].join(" | "),
  );
  assert.equal(printed, [
    "server | Server listening on 127.0.0.1:PORT | listen | accept",
    "server | Connected by ('127.0.0.1', PORT) | accept | recv",
    "server | Received: Hello, Server! | recv | sendall",
    "client | Received from server: Hello, Server! | recv | close",
  ]);
  const at = (words: string, side: string) =>
    packets.find(({ from, does }) => from === side && does.includes(words))!
      .timeMs;
  const [listening, connected, received, answered] = lines.map(
    ({ timeMs }) => timeMs,
  );
  assert.ok(listening! < 0, "it listens before the first SYN");
  assert.ok(
    connected! > at("agrees", "server"),
    "accept returns after the handshake",
  );
  assert.ok(received! > at("carries 14 bytes", "client"));
  assert.ok(
    received! < at("carries 14 bytes", "server"),
    "printed before sendall",
  );
  assert.ok(answered! > at("carries 14 bytes", "server"));
  assert.ok(answered! < at("closes", "client"));

  const { system, ...saved } = live;
  assert.equal({ ...saved, lines: [] }, await recording(["--read", file]));
  await rm(folder, { recursive: true });
});

live("--refused: SYN, then RST", async () => {
  const { packets, lines } = await recording(["--refused"]);
  assert.equal(
    packets.map(({ from, flags, does }) => [from, flags.join(), ...does]),
    [
      ["client", "SYN", "opens"],
      ["server", "RST,ACK", "refuses"],
    ],
  );
  assert.match(lines.at(-1)!.text, /\(ECONNREFUSED\)$/);
});

live(
  "--reset: the second client is confirmed by TCP, and reset when the first leaves",
  async () => {
    const { packets, lines, connections } = await recording(["--reset"]);
    assert.is(connections.length, 2);
    const second = packets.filter(({ connection }) => connection === 2);
    assert.equal(
      second.map(({ from, does }) => `${from} ${does}`),
      [
        "client opens",
        "server agrees",
        "client confirms: connected",
        "client carries 14 bytes",
        "server confirms 14 bytes",
        "server resets",
      ],
    );
    const leaves = packets.find(({ does }) => does.includes("closes"))!;
    assert.is(leaves.connection, 1);
    assert.ok(second.at(-1)!.timeMs > leaves.timeMs);
    assert.match(lines.at(-1)!.text, /\(ECONNRESET\)$/);
  },
);

live("the threaded server, and characters that recv cuts", async () => {
  const message = "로봇 팔".repeat(150); // 1,500 bytes
  const { packets, lines } = await recording([
    "--server",
    "forever",
    "--message",
    message,
  ]);
  const echoes = packets.filter(
    ({ from, length }) => from === "server" && length,
  );
  assert.equal(
    echoes.map(({ length }) => length),
    [1024, 476],
  );
  assert.is(echoes.map(({ text }) => text).join(""), message);
  assert.ok(echoes[0]!.does.includes("ends inside a character"));
  assert.match(lines.at(-1)!.text, /^Server is shutting down/);
});

live(
  "Ctrl+C at any moment: no process is left, and no word is said",
  async () => {
    const moments = [
      ["tshark starts", 2],
      ["the scripts start", 4],
    ] as const;
    for (const [moment, processes] of moments) {
      const packets = start([]);
      while (onLinux && (await left(packets.mark)).length < processes)
        await sleep(20);
      packets.kill("SIGINT");
      assert.is((await packets.exit()).code, 130, moment);
      assert.equal(packets.output, { stdout: "", stderr: "" }, moment);
      if (onLinux) assert.equal(await left(packets.mark), []);
    }
  },
);

test.when(canCapture && onLinux)(
  "Ctrl+C in a terminal reaches the scripts too: no false ladder",
  async () => {
    const packets = start([]);
    while (onLinux && (await left(packets.mark)).length < 4) await sleep(20);
    // The terminal sends Ctrl+C to all of them.
    for (const pid of await left(packets.mark))
      process.kill(Number(pid), "SIGINT");
    assert.is((await packets.exit()).code, 130);
    assert.equal(packets.output, { stdout: "", stderr: "" });
    assert.equal(await left(packets.mark), []);
  },
);

test.run();
