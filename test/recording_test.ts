/** What each packet does, and how many connections have ended. */
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
  /** What each of the packets does. */
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
    acts: [[{ kind: "carries", bytes: 14 }], [{ kind: "confirms", bytes: 14 }]],
  },
  {
    title: "an ACK of some bytes",
    packets: [aMessage(), aPacket("server", { ack: 6 })],
    acts: [[{ kind: "carries", bytes: 14 }], [{ kind: "confirms", bytes: 5 }]],
  },
  {
    title: "an ACK of data before a FIN",
    packets: [
      aMessage({ flags: ["FIN", "ACK"] }),
      aPacket("server", { ack: 15 }),
    ],
    acts: [
      [{ kind: "carries", bytes: 14 }, { kind: "closes" }],
      [{ kind: "confirms", bytes: 14 }],
    ],
  },
  {
    title: "a retransmission",
    packets: [aMessage(), aMessage({ retransmission: true })],
    acts: [
      [{ kind: "carries", bytes: 14 }],
      [{ kind: "carries", bytes: 14 }, { kind: "sentAgain" }],
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
      { kind: "confirms", bytes: 14 },
    ],
    [{ kind: "closes" }, { kind: "confirms", bytes: 14 }],
    [{ kind: "closes" }, { kind: "confirmsFin" }],
  ],
};

const finalAck = aPacket("client", { seq: 16, ack: 16 });

/** The same with the server's FIN acknowledged. */
const closed: Case = {
  title: "the final ACK",
  packets: [...closing.packets, finalAck],
  acts: [...closing.acts, [{ kind: "confirmsFin" }]],
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

const countCases: CountCase[] = [
  {
    title: "a connection that has opened hasn't ended",
    packets: aHandshake(),
    closedCount: 0,
  },
  {
    title: "a connection that was refused has ended",
    packets: openings[1]!.packets,
    closedCount: 1,
  },
  {
    title: "a connection whose last FIN isn't acknowledged hasn't ended",
    packets: [...aHandshake(), ...closing.packets],
    closedCount: 0,
  },
  {
    title: "a connection whose FINs are acknowledged has ended",
    packets: [...aHandshake(), ...closed.packets],
    closedCount: 1,
  },
];

for (const { title, packets, closedCount } of countCases)
  test(title, async () => {
    const followed = follow(packets);

    assert.is(followed.closedCount, closedCount);
  });

for (const { title, packets } of exchanges)
  test(`${title} ends no connection`, async () => {
    const followed = follow([...aHandshake(), ...packets]);

    assert.is(followed.closedCount, 0);
  });

test.run();
