/** Numbers of connections and bytes while packets are captured. */
import * as assert from "uvu/assert";
import { Numbering } from "../scripts/packets/numbering.ts";
import type { CapturedPacket } from "../scripts/packets/tshark.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("numbering");

/** A packet with TCP's own numbers: by default, the client's ACK. */
function captured(changes: Partial<CapturedPacket> = {}): CapturedPacket {
  return {
    timeMs: 1_000_000,
    from: "client",
    connection: 1,
    flags: ["ACK"],
    seq: 5001,
    ack: 9001,
    length: 0,
    ipId: "0x0001",
    addresses: { client: "127.0.0.1:50000", server: "127.0.0.1:65432" },
    ...changes,
  };
}

function aSyn(changes: Partial<CapturedPacket> = {}): CapturedPacket {
  return captured({ flags: ["SYN"], seq: 5000, ack: undefined, ...changes });
}

/** A numbering; what it forgets is added to a list. */
function numbering(mostKnown = 10, forgotten: number[] = []): Numbering {
  return new Numbering(mostKnown, (number) => forgotten.push(number));
}

test("a SYN has number 0, and its ACK number 1", async () => {
  const numbers = numbering();
  const syn = numbers.number(aSyn()).packet;
  const flags = ["SYN", "ACK"];
  const answer = captured({ from: "server", flags, seq: 9000, ack: 5001 });
  const synAck = numbers.number(answer).packet;
  const ack = numbers.number(captured()).packet;

  assert.equal([syn.seq, syn.ack], [0, undefined]);
  assert.equal([synAck.seq, synAck.ack], [0, 1]);
  assert.equal([ack.seq, ack.ack], [1, 1]);
});

test("without a SYN, the first packet has number 1", async () => {
  const { packet, connection } = numbering().number(captured({ length: 5 }));

  assert.equal([packet.seq, packet.ack], [1, 1]);
  assert.is(connection.hasBegunHere, false);
});

test("numbers continue after TCP's begin again at 0", async () => {
  const numbers = numbering();
  const last = 2 ** 32 - 1;
  numbers.number(captured({ seq: last - 9 }));
  const { packet } = numbers.number(captured({ seq: 10 }));

  assert.is(packet.seq, 21);
});

test("numbers before the first one are not huge", async () => {
  const numbers = numbering();
  numbers.number(captured({ seq: 5001 }));
  const { packet } = numbers.number(captured({ seq: 5000 }));

  assert.is(packet.seq, 0);
});

test("a SYN that is sent again is no new connection", async () => {
  const numbers = numbering();
  numbers.number(aSyn());
  const { connection } = numbers.number(aSyn({ timeMs: 1_001_000 }));

  assert.is(connection.number, 1);
});

test("a SYN with another number is a new connection", async () => {
  const numbers = numbering();
  numbers.number(aSyn());
  const { connection } = numbers.number(aSyn({ seq: 777_000 }));

  assert.is(connection.number, 2);
});

test("the connection that was quiet for longest is forgotten", async () => {
  const forgotten: number[] = [];
  const numbers = numbering(2, forgotten);
  for (const port of [1, 2, 1, 3]) {
    const client = `127.0.0.1:${port}`;
    const addresses = { client, server: "127.0.0.1:65432" };
    numbers.number(aSyn({ addresses }));
  }

  assert.equal(forgotten, [2]);
  assert.is(numbers.count, 3);
});

test("the blocks of SACK are relative, too", async () => {
  const numbers = numbering();
  const { packet } = numbers.number(captured({ sack: [[9101, 9201]] }));

  assert.equal(packet.sack, [[101, 201]]);
});

test("a packet with the same IP number is a copy", async () => {
  const numbers = numbering();
  numbers.number(captured({ length: 5 }));
  const again = captured({ length: 5, timeMs: 1_000_000.1 });

  assert.is(numbers.number(again).packet.duplicate, true);
});

test("a packet with another IP number is no copy", async () => {
  const numbers = numbering();
  numbers.number(captured({ length: 5 }));
  const again = captured({ length: 5, ipId: "0x0002" });

  assert.is(numbers.number(again).packet.duplicate, undefined);
});

test("a packet without an IP number is no copy", async () => {
  const numbers = numbering();
  const synAck = captured({ flags: ["SYN", "ACK"], ipId: "0x0000" });
  numbers.number(synAck);

  assert.is(numbers.number(synAck).packet.duplicate, undefined);
});

test.run();
