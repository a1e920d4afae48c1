/** The meaning of each packet, and how many connections have closed. */
import * as assert from "uvu/assert";
import {
  ConnectionTracker,
  type Act,
  type Packet,
} from "../scripts/packets/recording.ts";
import { suite } from "./helpers/harness.ts";
import {
  aHandshake,
  aMessage,
  anEcho,
  aPacket,
  aSyn,
} from "./helpers/recordings.ts";

const test = suite("recording");

interface Case {
  title: string;
  packets: Packet[];
  /** The acts of each of the packets. */
  acts: Act[][];
}

/** Packets from the first SYN on. */
const openings: Case[] = [
  {
    title: "a handshake",
    packets: aHandshake(),
    acts: [[{ kind: "opens" }], [{ kind: "agrees" }], [{ kind: "connected" }]],
  },
  {
    title: "a SYN without a listening socket",
    packets: [
      aSyn(),
      aPacket("server", { flags: ["RST", "ACK"], seq: 1, ack: 1 }),
    ],
    acts: [[{ kind: "opens" }], [{ kind: "refuses" }]],
  },
];

/** Packets after a handshake. */
const exchanges: Case[] = [
  {
    title: "an ACK of all bytes",
    packets: [aMessage(), aPacket("server", { ack: 15 })],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "acknowledges", bytes: 14 }],
    ],
  },
  {
    title: "an ACK of some bytes",
    packets: [aMessage(), aPacket("server", { ack: 6 })],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "acknowledges", bytes: 5 }],
    ],
  },
  {
    title: "an ACK of data before a FIN",
    packets: [
      aMessage({ flags: ["FIN", "ACK"] }),
      aPacket("server", { ack: 15 }),
    ],
    acts: [
      [{ kind: "carries", bytes: 14 }, { kind: "closes" }],
      [{ kind: "acknowledges", bytes: 14 }],
    ],
  },
  {
    title: "a retransmission",
    packets: [aMessage(), aMessage()],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "carries", bytes: 14 }, { kind: "sentAgain" }],
    ],
  },
  {
    title: "a retransmission of bytes that arrived in two packets",
    packets: [aMessage(), aMessage({ seq: 15 }), aMessage({ length: 28 })],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "carries", bytes: 28 }, { kind: "sentAgain" }],
    ],
  },
  {
    title: "a packet with bytes that are partly new",
    packets: [aMessage(), aMessage({ length: 20 })],
    acts: [[{ kind: "carries", bytes: 14 }], [{ kind: "carries", bytes: 20 }]],
  },
  {
    title: "a packet that fills a gap",
    packets: [aMessage({ seq: 15 }), aMessage()],
    acts: [[{ kind: "carries", bytes: 14 }], [{ kind: "carries", bytes: 14 }]],
  },
  {
    title: "a retransmission of a packet that was marked as lost",
    packets: [aMessage({ lost: true }), aMessage()],
    acts: [
      [{ kind: "carries", bytes: 14 }, { kind: "lost" }],
      [{ kind: "carries", bytes: 14 }, { kind: "sentAgain" }],
    ],
  },
  {
    title: "a SYN with ACK that is sent again",
    packets: [aPacket("server", { flags: ["SYN", "ACK"], seq: 0 })],
    acts: [[{ kind: "agrees" }, { kind: "sentAgain" }]],
  },
  {
    title: "a FIN that is sent again",
    packets: [
      aPacket("client", { flags: ["FIN", "ACK"] }),
      aPacket("client", { flags: ["FIN", "ACK"] }),
    ],
    acts: [[{ kind: "closes" }], [{ kind: "closes" }, { kind: "sentAgain" }]],
  },
  {
    title: "a keep-alive and its ACK",
    packets: [
      aPacket("client", { timeMs: 1000, seq: 0 }),
      aPacket("server", { timeMs: 1000 }),
    ],
    acts: [[{ kind: "keepAlive" }], [{ kind: "answersKeepAlive" }]],
  },
  {
    title: "a keep-alive with a byte, as some systems send it",
    packets: [
      aMessage({ length: 1 }),
      aPacket("server", { ack: 2 }),
      aMessage({ timeMs: 1000, length: 1 }),
    ],
    acts: [
      [{ kind: "carries", bytes: 1 }],
      [{ kind: "acknowledges", bytes: 1 }],
      [{ kind: "carries", bytes: 1 }, { kind: "keepAlive" }],
    ],
  },
  {
    title: "a retransmission of one byte",
    packets: [aMessage({ length: 1 }), aMessage({ length: 1 })],
    acts: [
      [{ kind: "carries", bytes: 1 }],
      [{ kind: "carries", bytes: 1 }, { kind: "sentAgain" }],
    ],
  },
  {
    title: "an ACK that is captured after the byte that follows it",
    packets: [aMessage({ length: 1 }), aPacket("client")],
    acts: [[{ kind: "carries", bytes: 1 }], []],
  },
  {
    title: "an ACK that is captured after the next byte's ACK",
    packets: [
      aMessage({ timeMs: 10, length: 1 }),
      aPacket("server", { timeMs: 11, ack: 2 }),
      aPacket("client", { timeMs: 12 }),
    ],
    acts: [
      [{ kind: "carries", bytes: 1 }],
      [{ kind: "acknowledges", bytes: 1 }],
      [],
    ],
  },
  {
    title: "a receiver without room, a probe, and room again",
    packets: [
      aMessage(),
      aPacket("server", { ack: 15, zeroWindow: true }),
      aPacket("client", { seq: 14 }),
      aPacket("server", { ack: 15, zeroWindow: true }),
      aPacket("server", { ack: 15, windowUpdate: true }),
    ],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "acknowledges", bytes: 14 }, { kind: "hasNoRoom" }],
      [{ kind: "asksForRoom" }],
      [{ kind: "hasNoRoom" }],
      [{ kind: "hasRoom" }],
    ],
  },
  {
    title: "a duplicate ACK that reports a gap",
    packets: [
      aMessage({ seq: 15 }),
      aPacket("server", { sack: [[15, 29]], windowUpdate: true }),
    ],
    acts: [[{ kind: "carries", bytes: 14 }], [{ kind: "acknowledgesAgain" }]],
  },
  {
    title: "a duplicate ACK of bytes that have arrived twice",
    packets: [
      aMessage(),
      aPacket("server", { ack: 15 }),
      aMessage({ seq: 15 }),
      aPacket("server", { ack: 15, sack: [[1, 15]] }),
    ],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "acknowledges", bytes: 14 }],
      [{ kind: "carries", bytes: 14 }],
      [],
    ],
  },
  {
    title: "a window update",
    packets: [aPacket("server", { windowUpdate: true })],
    acts: [[{ kind: "hasRoom" }]],
  },
  {
    title: "a lost packet",
    packets: [aMessage({ lost: true })],
    acts: [[{ kind: "carries", bytes: 14 }, { kind: "lost" }]],
  },
];

/** Everything up to the server's FIN, which isn't acknowledged yet. */
const closing: Case = {
  title: "a FIN from each side",
  packets: [
    aMessage(),
    anEcho(),
    aPacket("client", { flags: ["FIN", "ACK"], seq: 15, ack: 15 }),
    aPacket("server", { flags: ["FIN", "ACK"], seq: 15, ack: 16 }),
  ],
  acts: [
    [{ kind: "carries", bytes: 14 }],
    [
      { kind: "carries", bytes: 14 },
      { kind: "acknowledges", bytes: 14 },
    ],
    [{ kind: "closes" }, { kind: "acknowledges", bytes: 14 }],
    [{ kind: "closes" }, { kind: "acknowledgesFin" }],
  ],
};

const finalAck = aPacket("client", { seq: 16, ack: 16 });

/** The same with the server's FIN acknowledged. */
const closed: Case = {
  title: "the final ACK",
  packets: [...closing.packets, finalAck],
  acts: [...closing.acts, [{ kind: "acknowledgesFin" }]],
};

/** Follows packets: what each does, and how many connections have ended. */
function follow(packets: Packet[]): { acts: Act[][]; closedCount: number } {
  const tracker = new ConnectionTracker();
  const acts = packets.map((packet) => tracker.onPacket(packet));
  return { acts, closedCount: tracker.closedCount() };
}

for (const { title, packets, acts } of openings)
  test(`${title}: what each packet does`, async () => {
    const followed = follow(packets);

    assert.equal(followed.acts, acts);
  });

for (const { title, packets, acts } of [...exchanges, closing, closed])
  test(`${title}: what each packet does`, async () => {
    const handshake = aHandshake();

    const followed = follow([...handshake, ...packets]);

    assert.equal(followed.acts.slice(handshake.length), acts);
  });

interface CountCase {
  title: string;
  packets: Packet[];
  closedCount: number;
}

const otherConnection = aHandshake().map((packet) => ({
  ...packet,
  connection: 2,
}));

const countCases: CountCase[] = [
  {
    title: "an open connection hasn't closed",
    packets: aHandshake(),
    closedCount: 0,
  },
  {
    title: "a refused connection has closed",
    packets: openings[1]!.packets,
    closedCount: 1,
  },
  {
    title: "a connection without the last FIN's ACK hasn't closed",
    packets: [...aHandshake(), ...closing.packets],
    closedCount: 0,
  },
  {
    title: "a connection whose FINs are acknowledged has closed",
    packets: [...aHandshake(), ...closed.packets],
    closedCount: 1,
  },
  {
    title: "one of two connections has closed",
    packets: [...aHandshake(), ...otherConnection, ...closed.packets],
    closedCount: 1,
  },
];

for (const { title, packets, closedCount } of countCases)
  test(title, async () => {
    const followed = follow(packets);

    assert.is(followed.closedCount, closedCount);
  });

test("connections are counted from their first packet on", async () => {
  const tracker = new ConnectionTracker();
  for (const packet of [aSyn(), ...otherConnection]) tracker.onPacket(packet);

  assert.is(tracker.connectionCount(), 2);
});

for (const { title, packets } of exchanges)
  test(`${title} closes no connection`, async () => {
    const followed = follow([...aHandshake(), ...packets]);

    assert.is(followed.closedCount, 0);
  });

test.run();
