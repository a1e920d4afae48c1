/** npm run packets as a user runs it: its options, what it says where it can't capture, live runs. */
import {
  appendFile,
  chmod,
  mkdir,
  readFile,
  writeFile,
} from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { projectFile } from "../scripts/processes.ts";
import { callsAround } from "../scripts/packets/calls.ts";
import { ladder, originOf } from "../scripts/packets/ladder.ts";
import { parseOptions } from "../scripts/packets/options.ts";
import { parsePacket } from "../scripts/packets/packet.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import {
  captureOf,
  decoded,
  fingerprintOf,
  nearest,
  recordingOf,
  scriptsOf,
  shipped,
  shippedNames,
} from "../scripts/packets/shipped.ts";
import { texts } from "../scripts/packets/texts.ts";
import { readCapture } from "../scripts/packets/tshark.ts";
import { copyProject, lecturePort, scripts } from "./copy.ts";
import {
  launchMarked,
  left,
  noLinks,
  noSignals,
  noneLeft,
  notLinux,
  onLinux,
  program,
  suite,
  temporaryFolder,
  type Why,
} from "./harness.ts";
import { edit } from "./lecture.ts";
import { sectionsOf } from "./documents.ts";
import { noCapture, noTshark, tshark } from "./tshark.ts";

const test = suite("packets");
const script = "scripts/packets.ts";
const plain = stripVTControlCharacters;

/** Starts packets; whatever it starts inherits a mark in its environment. */
function start(args: string[], env: NodeJS.ProcessEnv = {}, folder?: string) {
  return launchMarked([...program(script, folder), ...args], env);
}

/** Runs packets to its end; nothing it started is left. */
async function run(
  args: string[],
  code = 0,
  env: NodeJS.ProcessEnv = {},
  folder?: string,
) {
  const packets = start(args, env, folder);
  assert.is((await packets.exit(30_000)).code, code, packets.report());
  await noneLeft(packets.mark);
  return packets.output;
}

/** Runs packets and reads its JSON. */
async function recording(args: string[]): Promise<Recording> {
  return JSON.parse((await run([...args, "--json", "-"])).stdout);
}

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
    ["--save", "a", "--json", "a"],
    ["--read", "a", "--json", "./a"],
    ["--read", "a", "--html", "./a"],
    ["--message", "-x"],
    ["--bytes", "0"],
    ["--bytes", "30001"],
    ["--bytes", "4", "--message", "xxxx"],
    ["--read", "a.pcapng", "--bytes", "4"],
    ["--nonsense"],
    ["word"],
  ])
    assert.throws(() => parseOptions(args), undefined, args.join(" "));
});

/** A shipped recording as packets draws it in 80 columns. */
async function drawn(name: string, language: "en" | "ko" = "en") {
  const view = { columns: 80, texts: texts[language], ascii: false };
  return plain(ladder(recordingOf(await shipped(name)), view));
}

/** A recorded run stands in for what can't be captured, and is called so. */
async function insteadOfCapture(path: string, says: RegExp): Promise<void> {
  const { stdout, stderr } = await run([], 1, { PATH: path });
  assert.match(stderr, says);
  for (const system of ["Linux", "macOS", "Windows"])
    assert.match(stderr, new RegExp(`^  ${system}  `, "m"));
  assert.match(stdout, /^A recorded run, not one of this machine:\n/);
  assert.ok(plain(stdout).includes(await drawn("hello")));
}

/** Where tshark is missing, or can be hidden. */
const hidden: Why =
  notLinux &&
  tshark !== null &&
  "tshark can't be hidden: it is not on the PATH";
const without = test.unless(hidden);

without("without tshark: what to install, and a recorded run", async () => {
  const path = "/nonexistent";
  const says = /^packets: tshark is not installed \(ENOENT\)$/m;
  await insteadOfCapture(path, says);
  const json = await run(["--json", "-"], 1, { PATH: path });
  assert.is(json.stdout, "", "what was recorded is no measurement");
});

test.unless(noSignals && "Windows has no shell scripts")(
  "without the right: which group, and a recorded run",
  async () => {
    // What tshark 4.0 says to a user who is not in the group.
    const says = `Capturing on 'Loopback: lo'
tshark: You do not have permission to capture on device "lo".
(socket: Operation not permitted)
tshark: 
0 packets captured`;
    const path = await programNamed(
      "tshark",
      `cat >&2 <<END\n${says}\nEND\nexit 1`,
    );
    await insteadOfCapture(path, /permission to capture[^]*group access_bpf/);
  },
);

/** A PATH with a shell script of this name before all others. */
async function programNamed(name: string, text: string): Promise<string> {
  const folder = await temporaryFolder();
  const file = join(folder, name);
  await writeFile(file, `#!/bin/bash\n${text}\n`);
  await chmod(file, 0o755);
  return [folder, process.env.PATH].join(delimiter);
}

test("each wish has its recording, or a line that says why it is another one", async () => {
  const wishes: [string, string, string?][] = [
    ["", "hello"],
    ["--server forever", "forever"],
    ["--server async", "async"],
    ["--refused", "refused"],
    ["--reset", "reset"],
    ["--bytes 4000", "long"],
    [`--message ${"y".repeat(3500)}`, "long", "message"],
    ["--message abc", "hello", "message"],
    ["--server forever --message abc", "forever", "message"],
    [`--server async --message ${"x".repeat(4000)}`, "async", "message"],
    ["--refused --message abc", "refused"], // which is never sent
  ];
  for (const [line, name, why] of wishes) {
    const options = parseOptions(line.split(" ").filter(Boolean));
    const { recording, differs } = await nearest(options);
    assert.equal(recording, recordingOf(await shipped(name)), line);
    // Where it is { edited }, the scripts have changed since: npm run record.
    assert.equal(differs, why ? [why] : [], line);
  }
});

without(
  "without tshark: the run that was asked for, in the language that was asked for",
  async () => {
    const env = { PATH: "/nonexistent" };
    const reset = await run(["--reset", "--lang", "ko"], 1, env);
    const [first, ...rest] = plain(reset.stdout).split("\n");
    assert.is(first, texts.ko.shipped);
    assert.ok(rest.join("\n").includes(await drawn("reset", "ko")));
    assert.ok(rest.includes(texts.ko.twoClients));
    assert.is(
      reset.stderr,
      `packets: ${texts.ko.noTshark}\n${texts.ko.install.missing}\n`,
    );
    const other = await run(["--message", "abc"], 1, env);
    assert.match(other.stdout, /^A recorded run, .*: .* with this message\.\n/);
    assert.ok(plain(other.stdout).includes(await drawn("hello")));
  },
);

without(
  "without tshark: --read of a shipped capture, and of another",
  async () => {
    const env = { PATH: "/nonexistent" };
    const copy = join(await temporaryFolder(), "mine.pcapng");
    await writeFile(copy, await readFile(captureOf("lossy")));
    const { stdout, stderr } = await run(["--read", copy], 0, env);
    assert.ok(plain(stdout).includes(await drawn("lossy")));
    assert.is(stderr, "");
    await writeFile(copy, "something else");
    const other = await run(["--read", copy], 1, env);
    assert.match(other.stderr, /^packets: tshark is not installed/);
    assert.ok(other.stdout.includes(`without tshark ${copy} can't be read.\n`));
  },
);

test.unless(hidden || noLinks)(
  "without tshark: a script that was edited gets a line, unless it does the same",
  async () => {
    const copy = await copyProject(lecturePort);
    const firstLine = async () => {
      const { stdout } = await run(
        [],
        1,
        { PATH: "/nonexistent" },
        copy.folder,
      );
      return stdout.split("\n")[0]!;
    };
    const server = join(copy.folder, "lecture1_server.ts");
    const before = await readFile(server, "utf8");
    await writeFile(server, before.replace("// waits for", "// awaits"));
    assert.is(await firstLine(), texts.en.shipped, "a comment does nothing");
    await writeFile(server, `${before}\n}`); // not even a program any more
    assert.match(await firstLine(), "of lecture1_server.ts as you changed it");
  },
);

without("colours, files that can't be written, and `| head`", async () => {
  const args = ["--read", captureOf("lossy")];
  const env = { PATH: "/nonexistent", FORCE_COLOR: "1" };
  const coloured = await run(args, 0, env);
  assert.match(coloured.stdout, "\x1b[");
  const json = ["--json", "/nonexistent/x.json"];
  const { stdout, stderr } = await run([...args, ...json], 1, {
    ...env,
    NO_COLOR: "1",
    NODE_NO_WARNINGS: "1", // Node 22 warns where both are set
  });
  assert.is(stdout, plain(coloured.stdout));
  assert.is(
    stderr,
    "packets: can't write /nonexistent/x.json (ENOENT), check --json\n",
  );
  const head = start(args, env);
  head.closeOutput();
  assert.is((await head.exit()).code, 1);
  assert.is(head.output.stderr, "");
  const ends =
    "process.stdout.write=()=>process.stdout.emit('error',{code:'EOF'})";
  const onWindows = `--import=data:text/javascript,${ends}`; // where it is called so
  const more = await run(args, 1, { ...env, NODE_OPTIONS: onWindows });
  assert.is(more.stderr, "");
});

test("a recording's scripts and lines are those of its run", async () => {
  for (const name of shippedNames.filter((name) => name !== "lossy")) {
    const { run, scripts, lines } = await shipped(name);
    assert.equal(Object.keys(scripts), scriptsOf(run!), name);
    for (const { from, text, before, after } of lines) {
      const script = from === "client" ? from : run!.server;
      assert.equal({ before, after }, callsAround(script, text));
    }
  }
});

test.unless(noLinks)(
  "the recordings are of the experiments as the lecture has them",
  async () => {
    const copy = await copyProject(lecturePort);
    const before = await readScripts(copy.folder);
    // The experiments whose packets the lecture shows.
    for (const { blocks } of sectionsOf("docs/lecture1.md")) {
      const diff = blocks.find(({ language }) => language === "diff");
      if (!diff || !blocks.some(({ text }) => text.includes("packets")))
        continue;
      await edit(diff, copy);
      const after = await readScripts(copy.folder);
      const script = scripts.find((name) => before[name] !== after[name])!;
      assert.ok(await isRecorded(script, copy.folder), "npm run record");
      await writeFile(join(copy.folder, script), before[script]!);
    }
  },
);

/** Whether there is a recording of a script as it is. */
async function isRecorded(script: string, folder = projectFile(".")) {
  const all = await Promise.all(shippedNames.map(shipped));
  const now = await fingerprintOf(join(folder, script));
  return all.some(({ scripts }) => scripts[script] === now);
}

/** The texts of the scripts in a copy. */
async function readScripts(folder: string): Promise<Record<string, string>> {
  const all = scripts.map(async (name) => [
    name,
    await readFile(join(folder, name), "utf8"),
  ]);
  return Object.fromEntries(await Promise.all(all));
}

test("a shipped capture is known by its content", async () => {
  assert.is(await decoded(projectFile("README.md")), undefined);
  for (const name of shippedNames) {
    const { packets } = (await decoded(captureOf(name)))!;
    assert.equal(packets, recordingOf(await shipped(name)).packets);
  }
});

const reads = test.unless(noTshark);

reads(
  "the shipped rows are what tshark makes of the shipped captures",
  async () => {
    // Captures of pcapng one after another are one: tshark takes half a second to start.
    const file = join(await temporaryFolder(), "all.pcapng");
    for (const name of shippedNames)
      await appendFile(file, await readFile(captureOf(name)));
    const { packets } = await readCapture(file);
    for (const name of shippedNames) {
      const { rows } = await shipped(name);
      const its = packets.splice(0, rows.length);
      const first = its[0]?.stream ?? 0;
      assert.equal(
        rows.map(parsePacket),
        its.map((packet) => ({ ...packet, stream: packet.stream - first })),
        `${name}: npm run record`,
      );
    }
    assert.equal(packets, []);
  },
);

reads("--read: whatever the user's preferences", async () => {
  const home = await temporaryFolder();
  const preferences = join(home, ".config", "wireshark", "preferences");
  await mkdir(join(preferences, ".."), { recursive: true });
  await writeFile(
    preferences,
    "tcp.relative_sequence_numbers: FALSE\ntcp.analyze_sequence_numbers: FALSE\n",
  );
  const args = ["--json", "-", "--read", captureOf("lossy")];
  const { stdout } = await run(args, 0, { HOME: home });
  const read = JSON.parse(stdout) as Recording;
  const lossy = await decoded(captureOf("lossy"));
  assert.match(originOf(lossy!, texts.en), /^12 packets, 28 bytes carried;/);
  assert.equal(read, { ...lossy, tshark: read.tshark });
  assert.equal(
    read.packets
      .filter(({ notes, lost }) => lost || notes.length)
      .map(({ from, text, lost = false, notes }) => [
        from,
        text,
        lost,
        notes.join(),
      ]),
    [
      ["client", "Hello, Server!", true, ""],
      ["client", "Hello, Server!", false, "retransmission"],
      ["server", "Hello, Server!", true, ""],
      ["server", "Hello, Server!", false, "retransmission"],
    ],
  );
});

/** Packets as a .pcap file holds them: as they are (link type 101), or as macOS' loopback has them (0). */
function pcapOf(packets: Buffer[], linkType = 101): Buffer {
  const header = Buffer.from("d4c3b2a1020004000000000000000000ffff0000", "hex");
  const type = Buffer.alloc(4);
  type.writeUInt32LE(linkType);
  const family = Buffer.from(linkType === 0 ? [2, 0, 0, 0] : []); // AF_INET
  const records = packets.flatMap((packet, index) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(index, 4); // microseconds
    record.writeUInt32LE(family.length + packet.length, 8);
    record.writeUInt32LE(family.length + packet.length, 12);
    return [record, family, packet];
  });
  return Buffer.concat([header, type, ...records]);
}

/** A packet of IPv4 and what it carries. */
function ipv4(protocol: number, content: Buffer): Buffer {
  const ip = Buffer.from("4500000000000000400000007f0000017f000001", "hex");
  ip.writeUInt16BE(ip.length + content.length, 2);
  ip[9] = protocol;
  return Buffer.concat([ip, content]);
}

/** A packet of TCP between ports 50000 and 40000, without data. */
function tcp(
  [from, to]: [number, number],
  flags: number,
  [seq, ack]: [number, number],
  window: number,
  options = "",
): Buffer {
  const content = Buffer.from(`${"0".repeat(40)}${options}`, "hex");
  content.writeUInt16BE(from, 0);
  content.writeUInt16BE(to, 2);
  content.writeUInt32BE(seq, 4);
  content.writeUInt32BE(ack, 8);
  content[12] = (content.length / 4) << 4;
  content[13] = flags;
  content.writeUInt16BE(window, 14);
  return ipv4(6, content);
}

reads(
  "a capture of macOS' loopback: the window update after the handshake is called so",
  async () => {
    const file = join(await temporaryFolder(), "macOS.pcap");
    const [SYN, ACK] = [0x02, 0x10];
    const [out, back] = [
      [50000, 40000] as [number, number],
      [40000, 50000] as [number, number],
    ];
    const scale = "02043fd801030306"; // MSS 16344, nop, window scale 6
    const packets = [
      tcp(out, SYN, [1000, 0], 65535, scale),
      tcp(back, SYN | ACK, [5000, 1001], 65535, scale),
      tcp(out, ACK, [1001, 5001], 6379),
      tcp(back, ACK, [5001, 1001], 6379),
    ];
    await writeFile(file, pcapOf(packets, 0));
    const { stdout } = await run(["--read", file]);
    const rows = plain(stdout)
      .split("\n")
      .filter((row) => row.includes("["));
    assert.match(rows[2]!, /\[ACK\] Seq=1 Ack=1 .*▶.* confirms: connected$/);
    assert.match(
      rows[3]!,
      /◀.* \[ACK\] Seq=1 Ack=1 .* has room: window update$/,
    );
    assert.is(rows.length, 4);
  },
);

reads(
  "--read of what holds no TCP packet, or no packets at all: one line, exit 1",
  async () => {
    const folder = await temporaryFolder();
    const udp = Buffer.from("1234567800080000", "hex");
    const syn = Buffer.from("c3509c40000003e8000000005002ffff00000000", "hex");
    const ip = Buffer.from("4500002800000000400600007f0000017f000001", "hex");
    const unreachable = Buffer.concat([
      Buffer.from("0303000000000000", "hex"),
      ip,
      syn,
    ]);
    const files = {
      "udp.pcap": pcapOf([ipv4(17, udp)]),
      "icmp.pcap": pcapOf([ipv4(1, unreachable)]), // quotes a SYN, and is none
    };
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), content);
      const { packets } = await readCapture(join(folder, name));
      assert.equal(packets, [], name);
    }
    const file = join(folder, "icmp.pcap");
    const { stdout, stderr } = await run(["--read", file], 1);
    assert.equal(
      [stdout, stderr],
      ["", `packets: ${file} holds no TCP packet\n`],
    );
    for (const file of [projectFile(script), "/nonexistent"]) {
      const error = await readCapture(file).catch((error) => error);
      assert.match(error.message, /^tshark says: The file .*$/);
    }
  },
);

reads(
  "--read of a file that is cut: what is there, and a line on what is not",
  async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "cut.pcapng");
    const all = await readFile(captureOf("hello"));
    await writeFile(file, all.subarray(0, 700));
    const { stdout, stderr } = await run(["--read", file], 1);
    assert.match(plain(stdout), "[SYN, ACK] Seq=0 Ack=1 Len=0");
    assert.match(stderr, /^packets: tshark says: .*cut short.*\n$/);
  },
);

const live = test.unless(noCapture);

/** macOS sends a window update on its loopback, right after the handshake. */
const unusual = (note: string) => note !== "window update";

live("a live run, packet by packet", async () => {
  const folder = await temporaryFolder();
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
    does.map((act) => `${from} ${texts.en.does(act)}`),
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
  for (const { notes } of packets) assert.equal(notes.filter(unusual), []);

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
    packets.find(
      ({ from, does }) =>
        from === side && does.map(texts.en.does).includes(words),
    )!.timeMs;
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

  const { system, run, ...saved } = live;
  assert.equal({ ...saved, lines: [] }, await recording(["--read", file]));
});

test.unless(noCapture || notLinux)(
  "--save to what can't be written: tshark's word for it, exit 1",
  async () => {
    for (const file of ["/dev/full", "/nonexistent/x.pcapng"]) {
      const { stdout, stderr } = await run(["--save", file], 1);
      assert.is(stdout, "");
      assert.match(stderr, /^packets: tshark says: The file /);
      assert.match(stderr, file);
      assert.not.match(stderr, "usermod", "this is no question of rights");
    }
  },
);

live("--refused: SYN, then RST", async () => {
  const { packets, lines } = await recording(["--refused"]);
  assert.equal(
    packets.map(({ from, flags, does }) => [from, flags.join(), ...does]),
    [
      ["client", "SYN", "opens"],
      ["server", "RST,ACK", "refuses"],
    ],
  );
  assert.match(lines.at(-1)!.text, / ECONNREFUSED /);
});

test.unless(noCapture || notLinux)(
  "an old tshark, which doesn't say when it has started",
  async () => {
    const path = await programNamed(
      "tshark",
      `exec ${tshark} "$@" 2> >(grep --line-buffered -v 'Capture started' >&2)`,
    );
    const args = ["--refused", "--json", "-"];
    const { stdout } = await run(args, 0, { PATH: path });
    assert.is((JSON.parse(stdout) as Recording).packets.length, 2);
  },
);

live(
  "--reset: the second client is confirmed by TCP, and reset when the first leaves",
  async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "reset.json");
    const { stdout } = await run(["--reset", "--json", file]);
    const text = await readFile(file, "utf8");
    const {
      packets,
      lines,
      connections,
      run: asked,
    } = JSON.parse(text) as Recording;
    assert.is(asked!.meets, "busy server");
    const { twoClients } = texts.en;
    assert.match(plain(stdout), `What went over the wire\n${twoClients}\n`);
    assert.match(plain(stdout), /^What the scripts printed\n/);
    assert.is(connections.length, 2);
    const second = packets.filter(
      ({ connection, notes }) => connection === 2 && notes.every(unusual),
    );
    assert.equal(
      second.map(({ from, does }) => `${from} ${does.map(texts.en.does)}`),
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
    assert.match(lines.at(-1)!.text, / ECONNRESET;/);
  },
);

for (const [server, calls] of [
  [
    "forever",
    [
      "listen ◆ accept",
      "accept ◆ recv",
      "recv ◆ sendall",
      "recv ◆ sendall",
      "close ◆ ",
      " ◆ close",
    ],
  ],
  [
    "async",
    [
      "startServer ◆ serveForever",
      " ◆ read",
      "read ◆ write",
      "read ◆ write",
      " ◆ close",
      "close ◆ ",
    ],
  ],
] as const)
  live(
    `${server}: its lines stand where they were printed; recv cuts a character`,
    async () => {
      const message = "로봇 팔".repeat(150); // 1,500 bytes
      // A line that is printed while the one before is being written comes after the
      // packet: not often, so one run of three must have them in their order.
      for (let run = 1; ; run++) {
        const { packets, lines } = await recording([
          ...["--server", server],
          ...["--message", message],
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
        const printed = lines.filter(({ from }) => from === "server");
        assert.equal(
          printed.map(({ before, after }) => `${before} ◆ ${after}`),
          calls,
        );
        const [, connected, received] = printed;
        const arrives = packets.find(
          ({ from, length }) => from === "client" && length,
        )!;
        assert.ok(
          connected!.timeMs > packets[1]!.timeMs,
          "accepted after the handshake",
        );
        assert.ok(received!.timeMs > arrives.timeMs, "received after it came");
        if (received!.timeMs < echoes[0]!.timeMs) return;
        assert.ok(run < 3, "printed before it is echoed");
      }
    },
  );

test.unless(noCapture || noLinks)(
  "a script that a learner's edit broke is named, with what node says",
  async () => {
    const copy = await copyProject();
    await copy.replace(
      "lecture1_client.ts",
      "s.sendall(Buffer",
      "s.sendAll(Buffer",
    );
    const client = await run([], 1, {}, copy.folder);
    assert.match(
      client.stderr,
      /^packets: lecture1_client.ts ended with exit code 1\n.*lecture1_client\.ts:24\n[^]*s.sendAll is not a function/,
    );
    assert.match(
      plain(client.stdout),
      "confirms: connected",
      "the ladder as far as it came",
    );

    await copy.replace(
      "lecture1_server.ts",
      "await s.listen();",
      "await s.listen(;",
    );
    const server = await run([], 1, {}, copy.folder);
    assert.match(
      server.stderr,
      /^packets: .*lecture1_server\.ts:21: Unexpected ";"\n$/,
    );
    assert.is(server.stdout, "");
  },
);

test.unless(noCapture || noSignals)(
  "Ctrl+C, SIGTERM or a closed terminal at any moment: no process is left, and no word is said",
  async () => {
    const moments = [
      ["SIGINT", 2, 130], // while tshark starts
      ["SIGTERM", 4, 143], // while the scripts start
      ["SIGHUP", 5, 129], // the client runs
    ] as const;
    for (const [signal, processes, code] of moments) {
      const packets = start([]);
      while (
        onLinux &&
        (await left(packets.mark)).length < processes &&
        !packets.ended
      )
        await sleep(10);
      if (packets.ended) continue; // it was too quick to be caught
      // npm passes on the Ctrl+C that the terminal has sent already: it comes twice.
      for (; !packets.ended; await sleep(2)) packets.kill(signal);
      assert.is((await packets.exit()).code, code, signal);
      assert.equal(packets.output, { stdout: "", stderr: "" }, signal);
      await noneLeft(packets.mark);
    }
  },
);

test.unless(noCapture || notLinux)(
  "Ctrl+C in a terminal reaches the scripts too: no false ladder",
  async () => {
    const packets = start([]);
    while ((await left(packets.mark)).length < 4) await sleep(10);
    for (const pid of await left(packets.mark))
      process.kill(Number(pid), "SIGINT");
    assert.is((await packets.exit()).code, 130);
    assert.equal(packets.output, { stdout: "", stderr: "" });
    await noneLeft(packets.mark);
  },
);

test.run();
