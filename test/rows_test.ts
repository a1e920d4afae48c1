/** The rows of a picture: their order, their times, and unread bytes. */
import * as assert from "uvu/assert";
import type { Packet, Recording, Side } from "../scripts/packets/recording.ts";
import { recordingNames } from "../scripts/packets/recordings.ts";
import { pictureOf, visible, type Row } from "../scripts/packets/rows.ts";
import { suite } from "./helpers/harness.ts";
import { english, recorded } from "./helpers/packetsTool.ts";
import {
  aHandshake,
  aMessage,
  aPacket,
  aRead,
  aRecording,
} from "./helpers/recordings.ts";

const test = suite("rows");

function rowsOf(recording: Recording): Row[] {
  return pictureOf(recording, english).rows;
}

interface UnreadCase {
  title: string;
  recording: Recording;
  /** The unread bytes after each row. */
  unread: Record<Side, number>[];
}

const unreadCases: UnreadCase[] = [
  {
    title: "bytes are unread from their arrival on",
    recording: aRecording({
      packets: [
        aMessage({ timeMs: 0 }),
        aPacket("server", { timeMs: 1, ack: 15 }),
      ],
    }),
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 14 },
    ],
  },
  {
    title: "bytes are unread until they are read",
    recording: aRecording({
      packets: [
        aMessage({ timeMs: 0 }),
        aPacket("server", { timeMs: 2, ack: 15 }),
      ],
      reads: [aRead(1, 4), aRead(3, 10)],
    }),
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 10 },
      { client: 0, server: 10 },
      { client: 0, server: 0 },
    ],
  },
  {
    title: "bytes that were lost arrive with the retransmission",
    recording: aRecording({
      packets: [
        aMessage({ timeMs: 0, lost: true }),
        aMessage({ timeMs: 1, retransmission: true }),
      ],
    }),
    unread: [
      { client: 0, server: 0 },
      { client: 0, server: 14 },
    ],
  },
  {
    title: "bytes that have arrived before don't count again",
    recording: aRecording({
      packets: [
        aMessage({ timeMs: 0, length: 14 }),
        aPacket("server", { timeMs: 1, ack: 15 }),
        aMessage({ timeMs: 2, length: 20, retransmission: true }),
        aPacket("server", { timeMs: 3, ack: 21 }),
      ],
    }),
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 14 },
      { client: 0, server: 20 },
      { client: 0, server: 20 },
    ],
  },
  {
    title: "a read that is recorded before its packet leaves none unread",
    recording: aRecording({
      reads: [aRead(0, 14)],
      packets: [aMessage({ timeMs: 1 })],
    }),
    unread: [
      { client: 0, server: 0 },
      { client: 0, server: 0 },
    ],
  },
  {
    title: "after a program's exit none of its bytes are unread",
    recording: aRecording({
      packets: [aMessage({ timeMs: 0 })],
      ends: [{ timeMs: 5, from: "server", code: 0 }],
    }),
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 0 },
    ],
  },
];

/** 14 bytes of the client's data, after its message. */
function moreData(changes: Partial<Packet> = {}): Packet {
  return aMessage({ seq: 15, ...changes });
}

interface ServerCase {
  title: string;
  recording: Partial<Recording>;
  /** The server's unread bytes after each row. */
  unread: number[];
}

const gapCases: ServerCase[] = [
  {
    title: "bytes after a gap are unread when the gap is filled",
    recording: {
      packets: [
        moreData({ timeMs: 0 }),
        aPacket("server", { timeMs: 1, ack: 1 }),
        aMessage({ timeMs: 2 }),
        aPacket("server", { timeMs: 3, ack: 29 }),
      ],
      reads: [aRead(4, 10), aRead(5, 10)],
    },
    unread: [0, 0, 28, 28, 18, 8],
  },
  {
    title: "bytes between two gaps are unread with those before them",
    recording: {
      packets: [
        aMessage({ timeMs: 0, seq: 29 }),
        moreData({ timeMs: 1 }),
        aMessage({ timeMs: 2 }),
      ],
    },
    unread: [0, 0, 42],
  },
  {
    title: "bytes that weren't captured are unread when they are acknowledged",
    recording: {
      packets: [
        moreData({ timeMs: 0 }),
        aPacket("server", { timeMs: 1, ack: 29 }),
      ],
    },
    unread: [0, 28],
  },
  {
    title: "a FIN that wasn't captured is no unread byte",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aPacket("server", { timeMs: 1, ack: 16 }),
      ],
    },
    unread: [14, 14],
  },
  {
    title: "bytes that weren't captured don't count after they are read",
    recording: {
      packets: [moreData({ timeMs: 1 })],
      reads: [aRead(0, 14)],
    },
    unread: [0, 14],
  },
];

const lossCases: ServerCase[] = [
  {
    title: "bytes that are lost after the capture arrive with the next copy",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aPacket("server", { timeMs: 201, ack: 15 }),
      ],
    },
    unread: [0, 14, 14],
  },
  {
    title: "bytes that are lost twice arrive with the third copy",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aMessage({ timeMs: 600 }),
      ],
      reads: [aRead(601, 4)],
    },
    unread: [0, 0, 14, 10],
  },
  {
    title: "bytes without an ACK don't count after a retransmission",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aPacket("server", { timeMs: 300, ack: 1 }),
      ],
    },
    unread: [0, 0, 0],
  },
  {
    title: "bytes before and after a lost packet count as they arrive",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        moreData({ timeMs: 1 }),
        aMessage({ timeMs: 2, seq: 29 }),
        aPacket("server", { timeMs: 3, ack: 15 }),
        moreData({ timeMs: 4 }),
        aPacket("server", { timeMs: 5, ack: 43 }),
      ],
    },
    unread: [14, 14, 14, 14, 42, 42],
  },
  {
    title: "bytes whose ACK is lost have arrived when they are read",
    recording: {
      packets: [aMessage({ timeMs: 0 }), aMessage({ timeMs: 200 })],
      reads: [aRead(2, 4), aRead(3, 10)],
    },
    unread: [14, 10, 0, 0],
  },
  {
    title: "bytes that D-SACK reports as received twice count at first",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aPacket("server", { timeMs: 201, ack: 15, sack: [[1, 15]] }),
      ],
    },
    unread: [14, 14, 14],
  },
  {
    title: "D-SACK of the network's duplicate doesn't undo a loss",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aMessage({ timeMs: 201, duplicate: true }),
        aPacket("server", { timeMs: 202, ack: 15 }),
        aPacket("server", { timeMs: 203, ack: 15, sack: [[1, 15]] }),
      ],
    },
    unread: [0, 14, 14, 14, 14],
  },
  {
    title: "D-SACK of a copy after the ACK doesn't undo a loss",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aPacket("server", { timeMs: 201, ack: 15 }),
        aMessage({ timeMs: 400 }),
        aPacket("server", { timeMs: 401, ack: 15, sack: [[1, 15]] }),
      ],
    },
    unread: [0, 14, 14, 14, 14],
  },
  {
    title: "bytes that the other side still expects have not arrived",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aPacket("server", { timeMs: 50, flags: ["FIN", "ACK"], ack: 1 }),
        aPacket("client", { timeMs: 51, flags: ["RST"], seq: 15 }),
      ],
    },
    unread: [0, 0, 0],
  },
  {
    title: "a block of SACK that the next ACK repeats is no D-SACK",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        moreData({ timeMs: 1 }),
        aMessage({ timeMs: 200 }),
        moreData({ timeMs: 201 }),
        aPacket("server", { timeMs: 202, ack: 1, sack: [[15, 29]] }),
        aPacket("server", { timeMs: 203, ack: 29, sack: [[15, 29]] }),
      ],
    },
    unread: [0, 0, 14, 28, 28, 28],
  },
  {
    title: "a duplicate of D-SACK doesn't undo a loss",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 200 }),
        aMessage({ timeMs: 201, duplicate: true }),
        aPacket("server", { timeMs: 202, ack: 15, sack: [[1, 15]] }),
        aPacket("server", {
          timeMs: 203,
          ack: 15,
          sack: [[1, 15]],
          duplicate: true,
        }),
      ],
    },
    unread: [0, 14, 14, 14, 14],
  },
  {
    title: "bytes that SACK has acknowledged aren't lost",
    recording: {
      packets: [
        moreData({ timeMs: 0 }),
        aPacket("server", { timeMs: 1, ack: 1, sack: [[15, 29]] }),
        moreData({ timeMs: 2 }),
        aMessage({ timeMs: 3 }),
      ],
    },
    unread: [0, 0, 0, 28],
  },
  {
    title: "a duplicate that the network makes is no sign of a loss",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aMessage({ timeMs: 1, duplicate: true }),
        aPacket("server", { timeMs: 2, ack: 15 }),
      ],
    },
    unread: [14, 14, 14],
  },
  {
    title: "a duplicate after the ACK doesn't count again",
    recording: {
      packets: [
        aMessage({ timeMs: 0 }),
        aPacket("server", { timeMs: 1, ack: 15 }),
        aMessage({ timeMs: 2 }),
      ],
    },
    unread: [14, 14, 14],
  },
  {
    title: "bytes that arrive after a program's exit are not unread",
    recording: {
      packets: [aMessage({ timeMs: 0 }), moreData({ timeMs: 6 })],
      ends: [{ timeMs: 5, from: "server", code: 0 }],
    },
    unread: [14, 0, 0],
  },
];

for (const { title, recording, unread } of [...gapCases, ...lossCases])
  test(title, async () => {
    const rows = rowsOf(aRecording(recording));

    const unreadAfter = rows.map((row) => row.unread.server);
    assert.equal(unreadAfter, unread);
  });

/** All orders of some things. */
function ordersOf<T>(things: T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((first) => {
    const others = things.filter((thing) => thing !== first);
    return ordersOf(others).map((order) => [first, ...order]);
  });
}

/** How many of the first bytes are there, if each packet carries 10 bytes. */
function bytesWithoutGap(startsThatArrived: number[]): number {
  let next = 1;
  while (startsThatArrived.includes(next)) next += 10;
  return next - 1;
}

test("five packets in every order: unread are those without a gap", async () => {
  for (const starts of ordersOf([1, 11, 21, 31, 41])) {
    const packets = starts.map((seq, index) =>
      aMessage({ timeMs: index, seq, length: 10 }),
    );

    const rows = rowsOf(aRecording({ packets }));

    const expected = starts.map((_start, index) =>
      bytesWithoutGap(starts.slice(0, index + 1)),
    );
    const unreadAfter = rows.map((row) => row.unread.server);
    assert.equal(unreadAfter, expected, `order ${starts}`);
  }
});

test("a robot whose echo is lost resets without unread bytes", async () => {
  const echo = { flags: ["PSH", "ACK"], ack: 15, length: 14 };
  const packets = [
    ...aHandshake(),
    aMessage({ timeMs: 3 }),
    aPacket("server", { timeMs: 4, ...echo }),
    aPacket("server", { timeMs: 205, ...echo }),
    aPacket("client", { timeMs: 300, flags: ["FIN", "ACK"], seq: 15 }),
    aPacket("client", { timeMs: 301, flags: ["RST"], seq: 16, ack: undefined }),
  ];

  const rows = rowsOf(aRecording({ packets }));

  const unreadAtClient = rows.map((row) => row.unread.client);
  assert.equal(unreadAtClient, [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(rows.at(-1)!.descriptions, ["resets the connection"]);
});

for (const { title, recording, unread } of unreadCases)
  test(title, async () => {
    const rows = rowsOf(recording);

    const unreadAfter = rows.map((row) => row.unread);
    assert.equal(unreadAfter, unread);
  });

test("without a reset no row has unread bytes in its description", async () => {
  const rows = unreadCases.flatMap(({ recording }) => rowsOf(recording));

  const descriptions = rows.flatMap((row) => row.descriptions);
  const neverRead = descriptions.filter((text) => text.startsWith("unread"));
  assert.equal(neverRead, []);
});

interface ResetCase extends UnreadCase {
  /** The descriptions of the packet with RST, the last packet. */
  descriptions: string[];
}

const resetCases: ResetCase[] = [
  {
    title: "RST from a server with unread bytes",
    recording: aRecording({
      packets: [aMessage({ timeMs: 0 }), aReset("server")],
    }),
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 0 },
    ],
    descriptions: ["resets the connection", "unread: 14 bytes"],
  },
  {
    title: "RST to a server with unread bytes",
    recording: aRecording({
      packets: [aMessage({ timeMs: 0 }), aReset("client")],
    }),
    // On Linux, its program can still read them.
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 14 },
    ],
    descriptions: ["resets the connection"],
  },
  {
    title: "RST from a client with an unread byte",
    recording: aRecording({
      packets: [
        aPacket("server", { timeMs: 0, flags: ["PSH", "ACK"], length: 1 }),
        aReset("client"),
      ],
    }),
    unread: [
      { client: 1, server: 0 },
      { client: 0, server: 0 },
    ],
    descriptions: ["resets the connection", "unread: 1 byte"],
  },
];

function aReset(from: Side) {
  return aPacket(from, { timeMs: 1, flags: ["RST"], ack: undefined });
}

for (const { title, recording, unread, descriptions } of resetCases) {
  test(`${title}: what is unread then`, async () => {
    const rows = rowsOf(recording);

    const unreadAfter = rows.map((row) => row.unread);
    assert.equal(unreadAfter, unread);
  });

  test(`${title}: its descriptions`, async () => {
    const rows = rowsOf(recording);

    assert.equal(rows.at(-1)!.descriptions, descriptions);
  });
}

for (const name of recordingNames) {
  test(`${name}: a row for each packet, read, line and end`, async () => {
    const { packets, reads, lines, ends } = recorded(name);
    const count = packets.length + reads.length + lines.length + ends.length;

    const rows = rowsOf(recorded(name));

    assert.is(rows.length, count);
  });

  test(`${name}: the rows are in the order of time`, async () => {
    const rows = rowsOf(recorded(name));

    const times = rows.map(({ time }) => Number(time));
    const sorted = [...times].sort((one, other) => one - other);
    assert.equal(times, sorted);
  });

  test(`${name}: times have the decimals that hold`, async () => {
    const rows = rowsOf(recorded(name));

    for (const { kind, time } of rows)
      assert.match(time, kind === "packet" ? /\.\d{3}$/ : /\.\d{2}$/);
  });
}

test("bytes that were lost are not counted", async () => {
  const lost = aMessage({ lost: true });
  const again = aMessage({ timeMs: 1, retransmission: true });

  const picture = pictureOf(aRecording({ packets: [lost, again] }), english);

  assert.match(picture.origin, /^2 packets, 14 bytes of data; /);
});

/** The shown part of a text that a packet carries. */
function shownText(text: string): string {
  const packet = aMessage({ length: Buffer.byteLength(text), text });
  const [row] = rowsOf(aRecording({ packets: [packet] }));
  if (row?.kind !== "packet") throw new Error("the row is no packet's");
  return row.data;
}

/** An emoji of seven code points. */
const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}";

const shortened = [
  {
    title: "a text of 120 characters is shown whole",
    text: "x".repeat(120),
    shown: "x".repeat(120),
  },
  {
    title: "of a text of 121 characters 32 are shown",
    text: "x".repeat(121),
    shown: `${"x".repeat(32)}...`,
  },
  {
    title: "an emoji at the 32nd place is not cut in two",
    text: `${"x".repeat(31)}\u{1f916}${"y".repeat(99)}`,
    shown: `${"x".repeat(31)}\u{1f916}...`,
  },
  {
    title: "120 emoji are shown whole",
    text: "\u{1f916}".repeat(120),
    shown: "\u{1f916}".repeat(120),
  },
  {
    title: "121 emoji are cut after 32",
    text: "\u{1f916}".repeat(121),
    shown: `${"\u{1f916}".repeat(32)}...`,
  },
  {
    title: "an emoji of several code points is one character",
    text: `${"x".repeat(31)}${family}${"y".repeat(99)}`,
    shown: visible(`${"x".repeat(31)}${family}...`),
  },
];

for (const { title, text, shown } of shortened)
  test(title, async () => {
    assert.is(shownText(text), shown);
  });

test("control and direction characters are made visible", async () => {
  const shown = visible("a\x1b[2J\r\n\u202eé 로봇");

  assert.is(shown, "a\\x1b[2J\\x0d\\n\\u202eé 로봇");
});

test.run();
