/** What packets makes of a run: what each packet does, what lies unread, and the ladder. */
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { inLanguage } from "../scripts/language.ts";
import { ladder } from "../scripts/packets/ladder.ts";
import { follow, type Recording } from "../scripts/packets/recording.ts";
import { pictureOf, visible } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import * as tshark from "../scripts/packets/tshark.ts";
import { projectFile } from "../scripts/processes.ts";
import { suite } from "./harness.ts";

const test = suite("ladder");
const english = inLanguage(pairs, "en");
const korean = inLanguage(pairs, "ko");

const changed = ["lossy", "sleep", "recv4"];
const names = "hello long forever async refused reset robot"
  .split(" ")
  .concat(changed);

function recorded(name: string): Recording {
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  return JSON.parse(readFileSync(file, "utf8"));
}

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

const handshake = "client SYN 0, server SYN+ACK 0 1, client ACK 1 1, ";

/**
 * A run of what is written as "client PSH+ACK 1 1 14", the packet's seq, ack and length,
 * a packet each millisecond, and "server reads 14".
 */
function runOf(text: string): Recording {
  const packets: object[] = [];
  const reads: object[] = [];
  for (const [timeMs, event] of text.split(", ").filter(Boolean).entries()) {
    const [from, what = "", seq, ack, length = 0, how] = event.split(" ");
    const base = { timeMs, from, connection: 1 };
    if (what === "reads") reads.push({ ...base, bytes: Number(seq) });
    else
      packets.push({
        ...{ ...base, flags: what.split("+"), seq: Number(seq) },
        ...(ack && { ack: Number(ack) }),
        ...{ length: Number(length), ...(how && { [how]: true }) },
      });
  }
  const run = { ...recorded("hello"), packets, reads, lines: [], ends: [] };
  return run as unknown as Recording;
}

test("what each packet does, and how many connections have ended", async () => {
  const end = "client FIN+ACK 15 15, server FIN+ACK 15 16, ";
  const cases: [string, string][] = [
    [handshake, "opens; agrees; connected; 0"],
    ["client SYN 0, server RST+ACK 1 1", "opens; refuses; 1"],
    ["client PSH+ACK 1 1 14, server ACK 1 15", "carries 14; confirms 14; 0"],
    ["client PSH+ACK 1 1 10, server ACK 1 6", "carries 10; confirms 5; 0"],
    ["client RST+ACK 1 1", "resets; 1"],
    [
      "client FIN+ACK 1 1 14, server ACK 1 15",
      "carries 14 + closes; confirms 14; 0",
    ],
    [
      "client PSH+ACK 1 1 4, client PSH+ACK 1 1 4 retransmission",
      "carries 4; carries 4 + sentAgain; 0",
    ],
    ["server ACK 1 1 0 windowUpdate", "hasRoom; 0"],
    ["client FIN+ACK 1 1 5", "carries 5 + closes; 0"],
    [
      `client PSH+ACK 1 1 14, server PSH+ACK 1 15 14, ${end}`,
      "carries 14; carries 14 + confirms 14; closes + confirms 14; closes + confirmsFin; 0",
    ],
    [
      `client PSH+ACK 1 1 14, server PSH+ACK 1 15 14, ${end}client ACK 16 16`,
      "closes + confirmsFin; confirmsFin; 1",
    ],
  ];
  for (const [packets, does] of cases) {
    const { next, ended } = follow();
    const before = packets.startsWith("client SYN") ? "" : handshake;
    const all = runOf(before + packets).packets.map((packet) =>
      next(packet)
        .map((act) => act.join(" "))
        .join(" + "),
    );
    const said = [...all, ended()].join("; ");
    assert.ok(said.endsWith(does), `${packets}: ${said}`);
  }
});

test("bytes lie unread from arrival until they are read, whatever comes twice or never", async () => {
  const cases: [string, string][] = [
    ["client PSH+ACK 1 1 14, server ACK 1 15", "0|14 0|14"],
    [
      "client PSH+ACK 1 1 14, server reads 4, server ACK 1 15, server reads 10",
      "0|14 0|10 0|10 0|0",
    ],
    [
      "client PSH+ACK 1 1 14 lost, client PSH+ACK 1 1 14 retransmission",
      "0|0 0|14",
    ],
    [
      "client PSH+ACK 1 1 14, client PSH+ACK 1 1 20 retransmission",
      "0|14 0|20",
    ],
    ["client PSH+ACK 1 1 14, server RST 1", "0|14 0|0"],
    ["server PSH+ACK 1 1 9, client RST 1", "9|0 0|0"],
    ["server reads 14, client PSH+ACK 1 1 14", "0|0 0|0"], // a clock that is a little late
  ];
  for (const [events, wanted] of cases) {
    const { rows } = pictureOf(runOf(events), english);
    const unread = rows.map(
      ({ unread: { client, server } }) => `${client}|${server}`,
    );
    assert.is(unread.join(" "), wanted, events);
  }
  const ended = runOf("client PSH+ACK 1 1 14");
  ended.ends = [{ timeMs: 5, from: "server", code: 0 }];
  assert.is(pictureOf(ended, english).rows.at(-1)!.unread.server, 0);
});

test("a reset says what its sender never read, not what the other one had", async () => {
  const last = (events: string) => drawn(runOf(events)).at(-1)!;
  const sent = "server PSH+ACK 1 1 24, ";
  assert.match(last(`${sent}client RST+ACK 1 25`), / never reads 24 bytes$/);
  assert.match(last(`${sent}server RST+ACK 25 1`), / resets the connection$/);
});

test("a ladder in 80 columns", async () => {
  const run = runOf(
    `${handshake}client PSH+ACK 1 1 14, server ACK 1 15, server reads 14, client RST+ACK 15 1 0 lost`,
  );
  run.packets[3]!.text = "Hello, \x1b[2J\n";
  run.lines = [{ timeMs: -20.125, from: "client", text: "Received: 안녕" }];
  run.ends = [{ timeMs: 9, from: "server", code: 1 }];
  run.connections = [{ client: "127.0.0.1:50000", server: "127.0.0.1:40000" }];
  const wanted = `
       ms   │client                        server│
            │127.0.0.1:50000      127.0.0.1:40000│
  -20.13    │◆ Received: 안녕                    │    prints
    0.000   │─ [SYN] Seq=0 Len=0 ───────────────▶│    asks for a connection
    1.000   │◀──── [SYN, ACK] Seq=0 Ack=1 Len=0 ─│    answers the request
    2.000   │─ [ACK] Seq=1 Ack=1 Len=0 ─────────▶│    confirms: connected
    3.000   │─ [PSH, ACK] Seq=1 Ack=1 Len=14 ───▶│14  carries 14 bytes
            │  "Hello, \\x1b[2J\\n"                │14
    4.000   │◀──────── [ACK] Seq=1 Ack=15 Len=0 ─│14  confirms 14 bytes
    5.00    │                    reads 14 bytes ◆│
    6.000   │─ [RST, ACK] Seq=15 Ack=1 Len=0 ─✗  │    resets the connection
            │                                    │    lost
    9.00    │                 ends: exit code 1 ◆│`;
  assert.is(`\n${drawn(run).join("\n")}`, wanted);
  const ascii = wanted.replaceAll("─", "-").replaceAll("│", "|");
  const strokes: Record<string, string> = {
    "▶": ">",
    "◀": "<",
    "✗": "x",
    "◆": "*",
  };
  const plain = ascii.replace(/[▶◀✗◆]/g, (stroke) => strokes[stroke]!);
  assert.is(`\n${drawn(run, 80, false).join("\n")}`, plain);
});

test("every recording fits into 40 columns and more, and leaves nothing out", async () => {
  for (const name of names)
    for (const say of [english, korean])
      for (const columns of [40, 50, 80, 132]) {
        const recording = recorded(name);
        const rows = drawn(recording, columns, true, say);
        // string-width takes ▶ and ◀ for emoji, which terminals draw in one column.
        const widths = rows.map((row) =>
          stringWidth(row.replace(/[▶◀]/g, "-")),
        );
        assert.ok(Math.max(...widths) <= columns, `${name} in ${columns}`);
        for (const row of rows) assert.is(row.split("│").length, 3, row);
        const inside = rows.map((row) => row.split("│")[1]!).join("");
        for (const { text } of recording.lines)
          if (text.length < 120)
            assert.ok(
              inside.replace(/\W/g, "").includes(text.replace(/\W/g, "")),
              text,
            );
      }
});

test("the recordings show what they are named by, in the order of time", async () => {
  const wanted: Record<string, RegExp> = {
    hello: /server reads 14 bytes.*client reads 14 bytes/,
    long: /(reads 1024 bytes.*){3}reads 928 bytes.*client reads 2976 bytes/,
    forever: /server still runs: Ctrl\+C.*server ends: exit code 0/,
    async: /server still runs: Ctrl\+C.*server ends: exit code 0/,
    refused: /server \[RST, ACK\] Seq=1 Ack=1 Len=0.*client ends: exit code 1/,
    reset: /client 2: \[SYN\].*server 2: \[RST, ACK\] Seq=1 Ack=15 Len=0/,
    robot: /client \[RST, ACK\].*server ends: exit code 1/,
    lossy: /(Len=14 .*){4}/,
    sleep: /server reads 14 bytes/,
    recv4: /(server reads 4 bytes.*){3}server reads 2 bytes/,
  };
  for (const name of names) {
    const recording = recorded(name);
    const { rows } = pictureOf(recording, english);
    const said = rows.map(({ from, label }) => [from, ...label].join(" "));
    assert.match(said.join(" "), wanted[name]!);
    const { packets, reads, lines, ends } = recording;
    assert.is(rows.length, [packets, reads, lines, ends].flat().length, name);
    const times = rows.map(({ time }) => Number(time));
    assert.equal(
      times,
      times.slice().sort((a, b) => a - b),
    );
    for (const { time, label } of rows)
      assert.match(time, label[1] ? /\.\d{3}$/ : /\.\d\d $/);
    assert.is(recording.changed !== undefined, changed.includes(name), name);
  }
  assert.ok(recorded("sleep").reads[0]!.timeMs > 2000);
  const { packets } = recorded("lossy");
  const sent = packets.filter(
    ({ lost, retransmission }) => lost || retransmission,
  );
  assert.equal(
    sent.map(({ from, lost }) => `${from} ${lost}`),
    [...["client true", "client undefined", "server true", "server undefined"]],
  );
});

test("texts in both languages: not the same, no particle behind a value", async () => {
  for (const [name, pair] of Object.entries(pairs)) {
    const [one, other] = pair.map((text) =>
      typeof text === "string" ? text : (text as Function)("X", 7),
    );
    assert.not.match(`${one}${other}`, "undefined", name);
    assert.match(other!, /[가-힣]/, name);
    assert.not.match(
      other!,
      /[X7](은|는|이|가|을|를|와|과|로|으로)(\s|$)/,
      name,
    );
  }
  assert.is(english.closes, "nothing more from this side");
  assert.is(korean.closes, "이쪽에서는 더 보낼 것이 없습니다");
  assert.is(korean.agrees, "연결 요청에 응답");
  const flags = [english, korean].map(({ usage }) => usage.match(/^ +--\w+/gm));
  assert.equal(flags[0], flags[1]);
  for (const line of `${english.usage}\n${korean.usage}`.split("\n"))
    assert.ok(stringWidth(line) <= 80, line);
});

test("a row of tshark becomes a packet", async () => {
  const row = (rest: string) =>
    `1700000000.000123 0 127.0.0.1 40000 127.0.0.1 50000 ${rest}`.replaceAll(
      " ",
      "\t",
    );
  const { ends, ...packet } = tshark.parseRow(
    row("0x0018 1 15 1  656300"),
    40000,
  );
  assert.equal(packet, {
    ...{ timeMs: 1700000000000.123, connection: 1, from: "server" },
    ...{ flags: ["PSH", "ACK"], seq: 1, ack: 15, length: 3, text: "ec\0" },
    retransmission: true,
  });
  assert.equal(ends, { client: "127.0.0.1:50000", server: "127.0.0.1:40000" });
  const update = tshark.parseRow(row("0x0010 1 1  1 "), 40000); // macOS sends it
  assert.equal([update.windowUpdate, update.text], [true, undefined]);
  const syn = tshark.parseRow(row("0x0002 0 0   "), 50000);
  assert.equal([syn.from, syn.ack, syn.flags], ["client", undefined, ["SYN"]]);
  assert.is(
    visible("a\x1b[2J\r\n\u202eé 로봇"),
    "a\\x1b[2J\\x0d\\n\\u202eé 로봇",
  );
});

test("what tshark says on three systems where it may not capture, and where something else is wrong", async () => {
  const refusals = String.raw`
    You do not have permission to capture on device "lo". (socket: Operation not permitted)
    Couldn't run /usr/bin/dumpcap in child process: Permission denied
    The capture session could not be initiated on interface 'lo0' (You don't have permission to capture on that device ((cannot open BPF device) /dev/bpf0: Permission denied)).
    Unable to load Npcap or WinPcap (wpcap.dll); you will not be able to capture packets.
    There are no interfaces on which a capture can be done
    The capture session could not be initiated on interface '\Device\NPF_Loopback' (Error opening adapter: Access is denied. (5)).`;
  const others = `
    The file to which the capture would be saved ("/nonexistent/x") could not be opened: No such file or directory.
    The file to which the capture would be saved ("/root/x") could not be opened: Permission denied.
    Invalid capture filter "tcp port x" for interface 'lo'.`;
  for (const [texts, refused] of [
    [refusals, true],
    [others, false],
  ] as const)
    for (const said of texts.trim().split(/\n\s*/)) {
      const stderr = `Capturing on 'Loopback: lo'\ntshark: ${said}\n0 packets captured\n`;
      const error = tshark.complaintOf(stderr);
      assert.is(error instanceof tshark.CannotCapture, refused, said);
      const begin = refused ? "tshark may not capture" : "tshark says";
      assert.is(error.message, `${begin}: ${said}`);
    }
});

test.run();
