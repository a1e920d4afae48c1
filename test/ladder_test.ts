/** What packets makes of a run: what each packet does, what lies unread, and the ladder. */
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { inLanguage, languages } from "../scripts/language.ts";
import { ladder } from "../scripts/packets/ladder.ts";
import {
  follow,
  type Packet,
  type Recording,
  type Side,
} from "../scripts/packets/recording.ts";
import { pictureOf, visible, type Row } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import {
  CannotCapture,
  complaintOf,
  parseRow,
} from "../scripts/packets/tshark.ts";
import { projectFile } from "../scripts/processes.ts";
import { suite } from "./harness.ts";

const test = suite("ladder");
const english = inLanguage(pairs, "en");
const korean = inLanguage(pairs, "ko");

const names = [
  ...["hello", "long", "forever", "async", "refused", "reset"],
  ...["robot", "lossy", "sleep", "recv4"],
];

function recorded(name: string): Recording {
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  return JSON.parse(readFileSync(file, "utf8"));
}

const rowsOf = (recording: Recording) => pictureOf(recording, english).rows;

/** The ladder's rows, without colours. */
function drawn(
  recording: Recording,
  columns = 80,
  lines = true,
  say = english,
) {
  const text = ladder(pictureOf(recording, say), columns, lines);
  return stripVTControlCharacters(text).split("\n");
}

/** Packets from what Wireshark would write: "client SYN 0" is from, flags, seq, ack, length. */
function packets(lines: string): Packet[] {
  return lines
    .trim()
    .split("\n")
    .map((line, timeMs) => {
      const [from, flags, seq, ack, length = 0, again] = line.trim().split(" ");
      return {
        ...{ timeMs, connection: 1, from: from as Side },
        ...{ flags: flags!.split(","), seq: Number(seq) },
        ...(ack && ack !== "-" ? { ack: Number(ack) } : {}),
        length: Number(length),
        ...(again === "again" ? { retransmission: true } : {}),
        ...(again === "lost" ? { lost: true } : {}),
      } as Packet;
    });
}

/** What packets do, and how many connections have ended. */
function followed(lines: string): [string, number] {
  const { next, ended } = follow();
  const does = packets(lines).map((packet) =>
    next(packet)
      .map((act) => act.join(" "))
      .join(" + "),
  );
  return [does.join("; "), ended()];
}

const handshake = `
  client SYN 0
  server SYN,ACK 0 1
  client ACK 1 1`;

test("what each packet does: handshake, message, end", () => {
  const message = `${handshake}
    client PSH,ACK 1 1 14
    server ACK 1 15
    server PSH,ACK 1 15 14
    client ACK 15 15`;
  const does =
    "opens; agrees; connected; carries 14; confirms 14; carries 14; confirms 14";
  assert.equal(followed(message), [does, 0]);
  const end = `${message}
    client FIN,ACK 15 15
    server FIN,ACK 15 16`;
  assert.equal(followed(end), [`${does}; closes; closes + confirmsFin`, 0]);
  const [all, ended] = followed(`${end}\n client ACK 16 16`);
  assert.equal([all.split("; ").at(-1), ended], ["confirmsFin", 1]);
});

test("refused, reset, bytes with FIN, an ACK of half of them, sent again", () => {
  for (const [lines, does, ended] of [
    ["client SYN 0\n server RST,ACK 1 1", "opens; refuses", 1],
    [`${handshake}\n client RST,ACK 1 1`, "resets", 1],
    [`${handshake}\n server RST 1`, "resets", 1],
    [`${handshake}\n client FIN,ACK 1 1 5`, "carries 5 + closes", 0],
    [
      `${handshake}\n client PSH,ACK 1 1 10\n server ACK 1 6\n server ACK 1 6`,
      "carries 10; confirms 5; ",
      0,
    ],
    [
      `${handshake}\n server FIN,ACK 1 1\n client ACK 1 2`,
      "closes; confirmsFin",
      0,
    ],
    [
      `${handshake}\n client PSH,ACK 1 1 4\n client PSH,ACK 1 1 4 again`,
      "carries 4; carries 4 + sentAgain",
      0,
    ],
  ] as const) {
    const [all, count] = followed(lines);
    assert.ok(all.endsWith(does), `${lines}: ${all}`);
    assert.is(count, ended, lines);
  }
});

/** A run with these packets, and with reads: [time, side, bytes]. */
function runOf(lines: string, reads: [number, Side, number][] = []): Recording {
  const hello = recorded("hello");
  return {
    ...{ ...hello, packets: packets(lines), lines: [], ends: [] },
    reads: reads.map(([timeMs, from, bytes]) => ({
      ...{ timeMs, from, connection: 1, bytes },
    })),
  };
}

/** The bytes that lie unread after each row, at the client and at the server. */
const unreadIn = (recording: Recording) =>
  rowsOf(recording).map(
    ({ unread: { client, server } }) => `${client}|${server}`,
  );

test("bytes lie unread from their arrival until they are read, whatever comes twice or never", () => {
  const cases: [string, string, [number, Side, number][]?][] = [
    ["client PSH,ACK 1 1 14\n server ACK 1 15", "0|14 0|14"],
    [
      "client PSH,ACK 1 1 14\n server ACK 1 15",
      "0|14 0|10 0|10 0|0",
      [
        [0.5, "server", 4],
        [1.5, "server", 10],
      ],
    ],
    ["client PSH,ACK 1 1 14 lost\n client PSH,ACK 1 1 14 again", "0|0 0|14"],
    ["client PSH,ACK 1 1 14\n client PSH,ACK 1 1 14 again", "0|14 0|14"],
    ["client PSH,ACK 1 1 14\n client PSH,ACK 1 1 20 again", "0|14 0|20"],
    ["client PSH,ACK 1 1 14\n server RST 1", "0|14 0|0"],
    ["server PSH,ACK 1 1 9\n client RST 1", "9|0 0|0"],
    // A clock that is a little late: nothing lies there, and never less than nothing.
    ["client PSH,ACK 1 1 14", "0|0 0|0", [[-0.01, "server", 14]]],
  ];
  for (const [lines, unread, reads] of cases)
    assert.is(unreadIn(runOf(lines, reads)).join(" "), unread, lines);
  const ended = runOf("client PSH,ACK 1 1 14");
  ended.ends = [{ timeMs: 5, from: "server", code: 0 }];
  assert.equal(unreadIn(ended), ["0|14", "0|0"], "its program has ended");
});

test("a reset says what its sender never read, not what the other one had", () => {
  const words = (lines: string) => rowsOf(runOf(lines)).at(-1)!.words;
  const sent = "server PSH,ACK 1 1 24";
  assert.equal(words(`${sent}\n client RST,ACK 1 25`), [
    "resets the connection",
    "never reads 24 bytes",
  ]);
  assert.equal(words(`${sent}\n server RST,ACK 25 1`), [
    "resets the connection",
  ]);
});

test("rows stand in the order of time, with the digits that hold", () => {
  for (const name of names) {
    const recording = recorded(name);
    const rows = rowsOf(recording);
    const { packets, reads, lines, ends } = recording;
    const all = [packets, reads, lines, ends];
    assert.is(rows.length, all.flat().length, name);
    const times = rows.map(({ time }) => Number(time));
    assert.equal(
      times,
      times.slice().sort((a, b) => a - b),
    );
    for (const { time, label } of rows)
      assert.match(time, label.length > 1 ? /\.\d{3}$/ : /\.\d\d $/);
    assert.ok(recording.connections.length >= 1);
  }
});

/** The labels of one side in a row. */
const labels = (name: string, kind: Row["kind"], from: Side) =>
  rowsOf(recorded(name))
    .filter((row) => row.kind === kind && row.from === from)
    .map(({ label }) => label.join(" "));

test("the recordings show what they are named by", () => {
  assert.equal(labels("hello", "read", "server"), ["reads 14 bytes"]);
  assert.equal(labels("long", "read", "server"), [
    ...["reads 1024 bytes", "reads 1024 bytes"],
    ...["reads 1024 bytes", "reads 928 bytes"],
  ]);
  assert.equal(labels("recv4", "read", "server"), [
    ...["reads 4 bytes", "reads 4 bytes", "reads 4 bytes", "reads 2 bytes"],
  ]);
  for (const name of ["forever", "async"])
    assert.equal(labels(name, "end", "server"), [
      "still runs: Ctrl+C",
      "ends: exit code 0",
    ]);
  assert.equal(labels("refused", "rst", "server"), [
    "[RST, ACK] Seq=1 Ack=1 Len=0",
  ]);
  assert.equal(labels("reset", "rst", "server"), [
    "2: [RST, ACK] Seq=1 Ack=15 Len=0",
  ]);
  assert.equal(labels("robot", "end", "server"), ["ends: exit code 1"]);
  assert.equal(labels("robot", "rst", "client").length, 1);
  const lossy = rowsOf(recorded("lossy"));
  assert.equal(
    lossy.filter(({ lost }) => lost).map(({ words }) => words.at(-1)),
    ["lost", "lost"],
  );
  assert.is(
    lossy.filter(({ words }) => words.includes("sent again")).length,
    2,
  );
  const sleeps = rowsOf(recorded("sleep"));
  const read = sleeps.find(({ kind }) => kind === "read")!;
  assert.ok(Number(read.time) > 2000, "the bytes wait for two seconds");
  for (const name of names)
    assert.is(
      recorded(name).changed !== undefined,
      ["lossy", "sleep", "recv4"].includes(name),
      name,
    );
});

test("a ladder in 80 columns", () => {
  const run = runOf(
    `${handshake}
     client PSH,ACK 1 1 14
     server ACK 1 15 0
     client RST,ACK 15 1 0 lost`,
    [[4.5, "server", 14]],
  );
  run.packets[3]!.text = "Hello, \x1b[2J\n";
  run.lines = [{ timeMs: -20.125, from: "client", text: "Received: 안녕" }];
  run.ends = [{ timeMs: 9, from: "server", code: 1 }];
  run.connections = [{ client: "127.0.0.1:50000", server: "127.0.0.1:40000" }];
  assert.equal(drawn(run), [
    "       ms   │client                        server│",
    "            │127.0.0.1:50000      127.0.0.1:40000│",
    "  -20.13    │◆ Received: 안녕                    │    prints",
    "    0.000   │─ [SYN] Seq=0 Len=0 ───────────────▶│    asks for a connection",
    "    1.000   │◀──── [SYN, ACK] Seq=0 Ack=1 Len=0 ─│    answers the request",
    "    2.000   │─ [ACK] Seq=1 Ack=1 Len=0 ─────────▶│    confirms: connected",
    "    3.000   │─ [PSH, ACK] Seq=1 Ack=1 Len=14 ───▶│14  carries 14 bytes",
    '            │  "Hello, \\x1b[2J\\n"                │14',
    "    4.000   │◀──────── [ACK] Seq=1 Ack=15 Len=0 ─│14  confirms 14 bytes",
    "    4.50    │                    reads 14 bytes ◆│",
    "    5.000   │─ [RST, ACK] Seq=15 Ack=1 Len=0 ─✗  │    resets the connection",
    "            │                                    │    lost",
    "    9.00    │                 ends: exit code 1 ◆│",
  ]);
  const ascii = drawn(run, 80, false).join("\n");
  assert.not.match(ascii, /[─│◆▶◀✗…]/);
  assert.match(ascii, /- \[SYN\] Seq=0 Len=0 -+>\|/);
  assert.match(ascii, /\|<-+ \[ACK\] Seq=1 Ack=15 Len=0 -\|/);
  assert.match(ascii, /Len=0 -x  \|/);
});

test("every recording fits into 40 columns and more, and leaves nothing out", () => {
  for (const name of names)
    for (const say of [english, korean])
      for (const columns of [40, 50, 80, 132]) {
        const recording = recorded(name);
        const rows = drawn(recording, columns, true, say);
        // string-width takes ▶ and ◀ for emoji, which terminals draw in one column.
        const widths = rows.map((row) =>
          stringWidth(row.replace(/[▶◀]/g, "-")),
        );
        const widest = Math.max(...widths);
        assert.ok(widest <= columns, `${name}: ${widest} in ${columns}`);
        const walls = rows.map((row) => row.match(/│/g)?.length);
        assert.ok(
          walls.every((count) => count === 2),
          `${name}, ${columns}`,
        );
        const shown = rows
          .join("")
          .replace(/[\s│◆─▶◀✗]|\d+(?=│)|(?<=│)\d+/g, "");
        for (const { text } of recording.lines)
          if (text.length < 30 && columns > 50)
            assert.ok(shown.includes(text.replace(/\s/g, "")), text);
      }
});

test("texts in both languages: nothing undefined, not the same, no particle behind a value", () => {
  for (const [name, pair] of Object.entries(pairs)) {
    const [one, other] = pair.map((text) =>
      typeof text === "string" ? text : (text as Function)("X", 7),
    );
    assert.not.match(`${one}${other}`, "undefined", name);
    assert.ok(one !== other, name);
    assert.match(other!, /[가-힣]/, name);
    assert.not.match(other!, /X(은|는|이|가|을|를|와|과|로|으로)(\s|$)/, name);
  }
  assert.is(english.closes, "nothing more from this side");
  assert.is(korean.closes, "이쪽에서는 더 보낼 것이 없습니다");
  assert.is(korean.agrees, "연결 요청에 응답");
  for (const language of languages) {
    const { usage } = inLanguage(pairs, language);
    const flags = [...usage.matchAll(/^ +(--\w+)/gm)].map(([, flag]) => flag);
    assert.equal(flags, [
      ...["--server", "--message", "--bytes", "--refused", "--reset"],
      ...[
        "--robot",
        "--show",
        "--save",
        "--json",
        "--html",
        "--lang",
        "--help",
      ],
    ]);
    for (const line of usage.split("\n"))
      assert.ok(stringWidth(line) <= 80, line);
  }
});

test("what could drive the terminal is shown", () => {
  assert.is(
    visible("a\x1b[2J\r\n\u202e\u00e9 로봇"),
    "a\\x1b[2J\\x0d\\n\\u202e\u00e9 로봇",
  );
});

test("a row of tshark becomes a packet", () => {
  const fields = "1700000000.000123 0 127.0.0.1 40000 127.0.0.1 50000";
  const row = (rest: string) => `${fields} ${rest}`.replaceAll(" ", "\t");
  const payload = Buffer.from("로봇\xff", "latin1").toString("hex");
  const packet = parseRow(row(`0x0018 1 15 1  ${payload}`), 40000);
  assert.is(packet.timeMs, 1700000000000.123);
  assert.equal([packet.from, packet.connection], ["server", 1]);
  assert.equal(packet.flags, ["PSH", "ACK"]);
  assert.equal([packet.seq, packet.ack, packet.length], [1, 15, 3]);
  assert.is(packet.retransmission, true);
  assert.is(packet.windowUpdate, undefined);
  assert.equal(packet.ends, {
    client: "127.0.0.1:50000",
    server: "127.0.0.1:40000",
  });
  // macOS confirms once more after the handshake.
  const update = parseRow(row("0x0010 1 1  1 "), 40000);
  assert.is(update.windowUpdate, true);
  assert.equal([update.length, update.text], [0, undefined]);
  const syn = parseRow(row("0x0002 0 0   "), 50000);
  assert.equal([syn.from, syn.ack, syn.flags], ["client", undefined, ["SYN"]]);
});

test("what tshark says where it may not capture, on three systems; and where something else is wrong", () => {
  const refusals = [
    `tshark: You do not have permission to capture on device "lo".\n(socket: Operation not permitted)`,
    `tshark: Couldn't run /usr/bin/dumpcap in child process: Permission denied`,
    `tshark: The capture session could not be initiated on interface 'lo' (You don't have permission to capture on that device).`,
    `tshark: The capture session could not be initiated on interface 'lo0' (You don't have permission to capture on that device\n((cannot open BPF device) /dev/bpf0: Permission denied)).`,
    `tshark: Unable to load Npcap or WinPcap (wpcap.dll); you will not be able to capture packets.`,
    `tshark: There are no interfaces on which a capture can be done`,
    `tshark: The capture session could not be initiated on interface '\\Device\\NPF_Loopback' (Error opening adapter: Access is denied. (5)).`,
  ];
  for (const said of refusals) {
    const error = complaintOf(
      `Capturing on 'Loopback: lo'\n${said}\n0 packets captured\n`,
    );
    assert.instance(error, CannotCapture, said);
    assert.match(error.message, /^tshark may not capture: \S/);
  }
  const others = [
    `tshark: The file to which the capture would be saved ("/nonexistent/x") could not be opened: No such file or directory.`,
    `tshark: The file to which the capture would be saved ("/root/x") could not be opened: Permission denied.`,
    `tshark: Invalid capture filter "tcp port x" for interface 'lo'.`,
  ];
  for (const said of others) {
    const error = complaintOf(said);
    assert.not(error instanceof CannotCapture, said);
    assert.match(error.message, /^tshark says: (The file|Invalid)/);
  }
});

test.run();
