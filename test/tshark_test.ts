/**
 * What tshark prints: lines that become packets, and its last words when it
 * ends.
 */
import * as assert from "uvu/assert";
import {
  lastWords,
  parseLine,
  type CapturedPacket,
  type Ended,
  type Fields,
} from "../scripts/packets/tshark.ts";
import { suite } from "./helpers/harness.ts";
import { english } from "./helpers/packetsTool.ts";

const test = suite("tshark");

/** A packet with 3 bytes, in the order in which tshark prints its fields. */
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
  "tcp.payload": "656300",
  "udp.length": "",
};

/** A line of tshark with some other values. */
function lineWith(changes: Partial<Fields>): string {
  return Object.values({ ...usualFields, ...changes }).join("\t");
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

test("what a plugin prints is no row", async () => {
  assert.equal(parseLine("hello", 40000), { kind: "other" });
});

test("a packet without a time is incomplete", async () => {
  const row = parseLine(lineWith({ "frame.time_epoch": "" }), 40000);

  assert.equal(row, { kind: "incomplete", field: "frame.time_epoch" });
});

test("a packet without flags is incomplete", async () => {
  const row = parseLine(lineWith({ "tcp.flags": "" }), 40000);

  assert.equal(row, { kind: "incomplete", field: "tcp.flags" });
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

test("control characters in its words are visible", async () => {
  const tshark = endedWith("tshark: \x1b[2J");

  assert.not.match(lastWords(tshark, english), "\x1b");
});

test.run();
