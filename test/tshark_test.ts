/**
 * tshark's output: lines that become packets, and its last words when it exits.
 */
import * as assert from "uvu/assert";
import {
  droppedPackets,
  fields,
  lastWords,
  parseLine,
  type CapturedPacket,
  type Ended,
  type Fields,
} from "../scripts/packets/tshark.ts";
import { suite } from "./helpers/harness.ts";
import { english, korean } from "./helpers/packetsTool.ts";

const test = suite("tshark");

/** A packet with 3 bytes. */
const usualFields: Fields = {
  "frame.time_epoch": "1700000000.000123",
  "tcp.stream": "0",
  "ip.src": "127.0.0.1",
  "ipv6.src": "",
  "ip.id": "0x1a2b",
  "tcp.srcport": "40000",
  "ip.dst": "127.0.0.1",
  "ipv6.dst": "",
  "tcp.dstport": "50000",
  "tcp.flags": "0x0018",
  "tcp.seq": "1",
  "tcp.ack": "15",
  "tcp.window_size_value": "512",
  "tcp.analysis.window_update": "",
  "tcp.options.sack_le": "",
  "tcp.options.sack_re": "",
  "tcp.len": "",
  "tcp.payload": "656300",
  "udp.length": "",
};

/** A line of tshark with some other values. */
function lineWith(changes: Partial<Fields>): string {
  const values = { ...usualFields, ...changes };
  return fields.map((name) => values[name]).join("\t");
}

/** Parses a line of a server on port 40000, which has to be a packet. */
function packetIn(changes: Partial<Fields>): CapturedPacket {
  const row = parseLine(lineWith(changes), 40000);
  if (row.kind !== "packet") throw new Error(`a row of kind ${row.kind}`);
  return row.packet;
}

test("a line becomes a packet", async () => {
  const { addresses, ...packet } = packetIn({});

  assert.equal(packet, {
    timeMs: 1700000000000.123,
    connection: 1,
    from: "server",
    flags: ["PSH", "ACK"],
    seq: 1,
    ack: 15,
    length: 3,
    text: "ec\0",
    ipId: "0x1a2b",
  });
});

test("a line of the server has the client's address second", async () => {
  const { addresses } = packetIn({});

  assert.equal(addresses, {
    client: "127.0.0.1:50000",
    server: "127.0.0.1:40000",
  });
});

test("a window update, as macOS sends it, carries no text", async () => {
  const packet = packetIn({
    "tcp.flags": "0x0010",
    "tcp.analysis.window_update": "1",
    "tcp.payload": "",
  });

  assert.is(packet.windowUpdate, true);
  assert.is(packet.text, undefined);
});

test("a SYN has no acknowledgment number", async () => {
  const packet = packetIn({
    "tcp.srcport": "50000",
    "tcp.dstport": "40000",
    "tcp.flags": "0x0002",
    "tcp.payload": "",
  });

  assert.is(packet.from, "client");
  assert.equal(packet.flags, ["SYN"]);
  assert.is(packet.ack, undefined);
});

test("a window of 0 is marked", async () => {
  const packet = packetIn({ "tcp.window_size_value": "0" });

  assert.is(packet.zeroWindow, true);
});

test("the window of a RST means nothing", async () => {
  const packet = packetIn({
    "tcp.flags": "0x0014",
    "tcp.window_size_value": "0",
  });

  assert.is(packet.zeroWindow, undefined);
});

test("the blocks of the SACK option are pairs", async () => {
  const packet = packetIn({
    "tcp.options.sack_le": "101,301",
    "tcp.options.sack_re": "201,401",
  });

  assert.equal(packet.sack, [
    [101, 201],
    [301, 401],
  ]);
});

test("an address of IPv6 is in brackets", async () => {
  const { addresses } = packetIn({ "ip.src": "", "ipv6.src": "::1" });

  assert.is(addresses.server, "[::1]:40000");
});

test("a retransmission isn't decided by Wireshark", async () => {
  assert.is(fields.join().includes("retransmission"), false);
});

test("a UDP datagram is a marker: its number is its length", async () => {
  const noTcp = Object.fromEntries(
    fields.filter((name) => name.startsWith("tcp")).map((name) => [name, ""]),
  );
  const row = parseLine(lineWith({ ...noTcp, "udp.length": "13" }), 40000);

  assert.equal(row, { kind: "marker", number: 5 });
});

test("what a plugin prints with tabs is no row", async () => {
  assert.equal(parseLine("hello\tplugin", 40000), { kind: "other" });
});

test("what a plugin prints is no row", async () => {
  assert.equal(parseLine("hello", 40000), { kind: "other" });
});

test("a packet without a time is incomplete", async () => {
  const row = parseLine(lineWith({ "frame.time_epoch": "" }), 40000);

  assert.equal(row, { kind: "incomplete", field: "frame.time_epoch" });
});

interface IncompleteCase {
  title: string;
  changes: Partial<Fields>;
  field: string;
}

const incompleteCases: IncompleteCase[] = [
  {
    title: "with a time that is no number",
    changes: { "frame.time_epoch": "Nov 14, 2023 22:13:20 UTC" },
    field: "frame.time_epoch",
  },
  {
    title: "without flags",
    changes: { "tcp.flags": "" },
    field: "tcp.flags",
  },
  {
    title: "without a sequence number",
    changes: { "tcp.seq": "" },
    field: "tcp.seq",
  },
  {
    title: "with the flag ACK and without its number",
    changes: { "tcp.ack": "" },
    field: "tcp.ack",
  },
  {
    title: "without an address",
    changes: { "ip.dst": "" },
    field: "ip.dst",
  },
];

for (const { title, changes, field } of incompleteCases)
  test(`a packet ${title} is incomplete`, async () => {
    const row = parseLine(lineWith(changes), 40000);

    assert.equal(row, { kind: "incomplete", field });
  });

/** A tshark that has exited with code 1 and has printed lines to stderr. */
function endedWith(...lines: string[]): Ended {
  const stderr = `${lines.join("\n")}\n`;
  return {
    exitStatus: { code: 1, signal: null },
    output: { stdout: "", stderr },
  };
}

test("its last complaint is shown", async () => {
  const tshark = endedWith(
    "Capturing on 'Loopback: lo'",
    "tshark: The file to which the capture would be saved can't be opened.",
    "0 packets captured",
  );

  assert.is(
    lastWords(tshark, english),
    "The file to which the capture would be saved can't be opened.",
  );
});

test("without a complaint, its last lines are shown", async () => {
  const tshark = endedWith("error while loading", "shared libraries");

  assert.is(
    lastWords(tshark, english),
    "error while loading; shared libraries",
  );
});

const silent = { stdout: "", stderr: "Capturing on 'Loopback: lo'\n" };

test("a tshark without words: its exit code is shown", async () => {
  const exitStatus = { code: 0, signal: null };
  const words = lastWords({ exitStatus, output: silent }, english);

  assert.is(words, "exited with code 0, without a message");
});

test("a tshark without words: its exit code in Korean", async () => {
  const exitStatus = { code: 0, signal: null };
  const words = lastWords({ exitStatus, output: silent }, korean);

  assert.is(words, "메시지 없이 끝남, 종료 코드 0");
});

test("a tshark that was killed: its signal is shown", async () => {
  const exitStatus = { code: null, signal: "SIGKILL" as const };
  const words = lastWords({ exitStatus, output: silent }, english);

  assert.is(words, "killed by SIGKILL");
});

test("a tshark that has complained and was killed: both", async () => {
  const exitStatus = { code: null, signal: "SIGABRT" as const };
  const output = { stdout: "", stderr: "tshark: Bug\n" };
  const words = lastWords({ exitStatus, output }, english);

  assert.is(words, "killed by SIGABRT; Bug");
});

const dropCases = [
  { title: "none", stderr: "10 packets captured\n", dropped: 0 },
  {
    title: "many",
    stderr: "1858 packets dropped from lo\n",
    dropped: 1858,
  },
  {
    title: "one, in the words of an older version",
    stderr: "1 packet dropped\n5 packets captured\n",
    dropped: 1,
  },
  {
    title: "twice",
    stderr: "2 packets dropped from lo\n3 packets dropped from lo\n",
    dropped: 5,
  },
];

for (const { title, stderr, dropped } of dropCases)
  test(`packets that the capture dropped: ${title}`, async () => {
    assert.is(droppedPackets(stderr), dropped);
  });

test("control characters in its words are visible", async () => {
  const tshark = endedWith("tshark: \x1b[2J");

  assert.not.match(lastWords(tshark, english), "\x1b");
});

test.run();
