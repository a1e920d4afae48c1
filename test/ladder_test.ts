/** What packets makes of a run: what each packet does, what lies unread, and the ladder. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { ladder } from "../scripts/packets/ladder.ts";
import { follow, type Recording } from "../scripts/packets/recording.ts";
import { pictureOf, visible } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import * as tshark from "../scripts/packets/tshark.ts";
import { suite } from "./helpers/harness.ts";
import { english, korean, recorded } from "./helpers/packetsTool.ts";

const test = suite("ladder");

/** The ladder's rows, without colours. */
function drawn(it: Recording, columns = 80, lines = true, say = english) {
  const text = ladder(pictureOf(it, say), columns, lines);
  return stripVTControlCharacters(text).split("\n");
}

const handshake = "client SYN 0, server SYN+ACK 0 1, client ACK 1 1";

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

const data = "client PSH+ACK 1 1 14";

test("what each packet does, and how many connections have ended", async () => {
  const closed = `${data}, server PSH+ACK 1 15 14, client FIN+ACK 15 15, server FIN+ACK 15 16`;
  const cases = {
    [handshake]: "opens; agrees; connected; 0",
    "client SYN 0, server RST+ACK 1 1": "opens; refuses; 1",
    [`${data}, server ACK 1 15`]: "carries 14; confirms 14; 0",
    [`${data}, server ACK 1 6`]: "carries 14; confirms 5; 0",
    "client FIN+ACK 1 1 14, server ACK 1 15":
      "carries 14 + closes; confirms 14; 0",
    [`${data}, ${data} retransmission`]:
      "carries 14; carries 14 + sentAgain; 0",
    "server ACK 1 1 0 windowUpdate": "hasRoom; 0",
    [closed]:
      "carries 14; carries 14 + confirms 14; closes + confirms 14; closes + confirmsFin; 0",
    [`${closed}, client ACK 16 16`]: "closes + confirmsFin; confirmsFin; 1",
  };
  for (const [packets, does] of Object.entries(cases)) {
    const { next, ended } = follow();
    const before = packets.startsWith("client SYN") ? "" : `${handshake}, `;
    const acts = runOf(before + packets).packets.map(next);
    const all = acts.map((acts) => acts.join(" + ").replaceAll(",", " "));
    const said = [...all, ended()].join("; ");
    assert.ok(said.endsWith(does), `${packets}: ${said}`);
  }
});

test("bytes lie unread from arrival until they are read; a reset says what its sender never read", async () => {
  const cases = {
    [`${data}, server ACK 1 15`]: "0|14 0|14",
    [`${data}, server reads 4, server ACK 1 15, server reads 10`]:
      "0|14 0|10 0|10 0|0",
    [`${data} lost, ${data} retransmission`]: "0|0 0|14",
    [`${data}, client PSH+ACK 1 1 20 retransmission`]: "0|14 0|20",
    [`${data}, server RST 1`]: "0|14 0|0 never reads 14 bytes",
    [`${data}, client RST 1`]: "0|14 0|0",
    "server PSH+ACK 1 1 1, client RST 1": "1|0 0|0 never reads 1 byte",
    [`server reads 14, ${data}`]: "0|0 0|0", // a clock that is a little late
  };
  for (const [events, wanted] of Object.entries(cases)) {
    const { rows } = pictureOf(runOf(events), english);
    const unread = rows.map(({ unread: it }) => `${it.client}|${it.server}`);
    const never = rows.at(-1)!.words.filter((it) => it.startsWith("never"));
    assert.is([...unread, ...never].join(" "), wanted, events);
  }
  const ended = runOf(data);
  ended.ends = [{ timeMs: 5, from: "server", code: 0 }];
  assert.is(pictureOf(ended, english).rows.at(-1)!.unread.server, 0);
});

test("a ladder in 80 columns", async () => {
  const run = runOf(
    `${handshake}, ${data}, server ACK 1 15, server reads 14, client RST+ACK 15 1 0 lost`,
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
  const strokes = "─│▶◀✗◆";
  const plain = (it: string) => "-|><x*"[strokes.indexOf(it)]!;
  const ascii = wanted.replace(/[─│▶◀✗◆]/g, plain);
  assert.is(`\n${drawn(run, 80, false).join("\n")}`, ascii);
});

const names = "hello long forever async refused reset robot lossy sleep recv4";
const recordings = names.split(" ").map(recorded);

test("each recording, in the order of time, fits into 40 columns and more", async () => {
  const letters = (text: string) => text.replace(/\W/g, "");
  for (const recording of recordings) {
    const { packets, reads, lines, ends } = recording;
    const { rows } = pictureOf(recording, english);
    assert.is(rows.length, [packets, reads, lines, ends].flat().length);
    const times = rows.map(({ time }) => Number(time));
    assert.equal(
      times,
      [...times].sort((one, other) => one - other),
    );
    for (const { time, label } of rows)
      assert.match(time, label[1] ? /\.\d{3}$/ : /\.\d\d $/);
    for (const say of [english, korean])
      for (const columns of [40, 50, 80, 132]) {
        const ladder = drawn(recording, columns, true, say);
        for (const row of ladder) {
          // string-width takes ▶ and ◀ for emoji, which terminals draw in one column.
          assert.ok(stringWidth(row.replace(/[▶◀]/g, "-")) <= columns, row);
          assert.is(row.split("│").length, 3, row);
        }
        const inside = letters(ladder.map((row) => row.split("│")[1]).join(""));
        for (const { text } of lines.filter(({ text }) => text.length < 120))
          assert.ok(inside.includes(letters(text)), text);
      }
  }
});

test("texts in both languages: not the same, no particle behind a value", async () => {
  for (const [name, pair] of Object.entries(pairs)) {
    const [, other = ""] = pair.map((text) =>
      typeof text === "string" ? text : (text as Function)("X", 7),
    );
    assert.match(other, /[가-힣]/, name);
    const particle = /[X7](은|는|이|가|을|를|와|과|로|으로)(\s|$)/;
    assert.not.match(other, particle, name);
  }
  const flags = [english, korean].map(({ usage }) => usage.match(/^ +--\w+/gm));
  assert.equal(flags[0], flags[1]);
  for (const line of `${english.usage}\n${korean.usage}`.split("\n"))
    assert.ok(stringWidth(line) <= 80, line);
});

test("a row of tshark becomes a packet", async () => {
  const before = "1700000000.000123 0 127.0.0.1 40000 127.0.0.1 50000 ";
  const parse = (row: string, port: number) =>
    tshark.parseRow((before + row).replaceAll(" ", "\t"), port);
  const { ends, ...packet } = parse("0x0018 1 15 1  656300", 40000);
  assert.equal(packet, {
    ...{ timeMs: 1700000000000.123, connection: 1, from: "server" },
    ...{ flags: ["PSH", "ACK"], seq: 1, ack: 15, length: 3, text: "ec\0" },
    retransmission: true,
  });
  assert.equal(ends, { client: "127.0.0.1:50000", server: "127.0.0.1:40000" });
  const update = parse("0x0010 1 1  1 ", 40000); // macOS sends it
  assert.equal([update.windowUpdate, update.text], [true, undefined]);
  const syn = parse("0x0002 0 0   ", 50000);
  assert.equal([syn.from, syn.ack, syn.flags], ["client", undefined, ["SYN"]]);
  const shown = visible("a\x1b[2J\r\n\u202eé 로봇");
  assert.is(shown, "a\\x1b[2J\\x0d\\n\\u202eé 로봇");
});

test("what three systems say where tshark may not capture, and others", async () => {
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
  const listed = (texts: string) => texts.trim().split(/\n\s*/);
  for (const said of [...listed(refusals), ...listed(others)]) {
    const stderr = `Capturing on 'Loopback: lo'\ntshark: ${said}\n0 packets captured\n`;
    const error = tshark.complaintOf(stderr);
    const refused = refusals.includes(said);
    assert.is(error instanceof tshark.CannotCapture, refused, said);
    const begin = refused ? "tshark may not capture" : "tshark says";
    assert.is(error.message, `${begin}: ${said}`);
  }
});

test.run();
