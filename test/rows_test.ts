/** The rows of a picture: their order, their times, and unread bytes. */
import * as assert from "uvu/assert";
import type { Read, Recording, Side } from "../scripts/packets/recording.ts";
import { recordingNames } from "../scripts/packets/recordings.ts";
import { pictureOf, visible, type Row } from "../scripts/packets/rows.ts";
import { suite } from "./helpers/harness.ts";
import { english, recorded } from "./helpers/packetsTool.ts";
import { aMessage, aPacket, aRecording } from "./helpers/recordings.ts";

const test = suite("rows");

function rowsOf(recording: Recording): Row[] {
  return pictureOf(recording, english).rows;
}

/** A read of the server's program. */
function aRead(timeMs: number, bytes: number): Read {
  return { timeMs, from: "server", connection: 1, bytes };
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
    title: "after a program's end none of its bytes are unread",
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

for (const { title, recording, unread } of unreadCases)
  test(title, async () => {
    const rows = rowsOf(recording);

    const unreadAfter = rows.map((row) => row.unread);
    assert.equal(unreadAfter, unread);
  });

test("without a reset no row says that bytes are never read", async () => {
  const rows = unreadCases.flatMap(({ recording }) => rowsOf(recording));

  const descriptions = rows.flatMap((row) => row.descriptions);
  const neverRead = descriptions.filter((text) => text.startsWith("never"));
  assert.equal(neverRead, []);
});

interface ResetCase extends UnreadCase {
  /** What the packet with RST does, the last one. */
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
    descriptions: ["resets the connection", "never reads 14 bytes"],
  },
  {
    title: "RST to a server with unread bytes",
    recording: aRecording({
      packets: [aMessage({ timeMs: 0 }), aReset("client")],
    }),
    unread: [
      { client: 0, server: 14 },
      { client: 0, server: 0 },
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
    descriptions: ["resets the connection", "never reads 1 byte"],
  },
];

function aReset(from: Side) {
  return aPacket(from, { timeMs: 1, flags: ["RST"], ack: undefined });
}

for (const { title, recording, unread, descriptions } of resetCases) {
  test(`${title}: none are unread then`, async () => {
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

test("bytes that were lost are not counted as carried", async () => {
  const lost = aMessage({ lost: true });
  const again = aMessage({ timeMs: 1, retransmission: true });

  const picture = pictureOf(aRecording({ packets: [lost, again] }), english);

  assert.match(picture.origin, /^2 packets, 14 bytes carried; /);
});

test("control and direction characters are made visible", async () => {
  const shown = visible("a\x1b[2J\r\n\u202eé 로봇");

  assert.is(shown, "a\\x1b[2J\\x0d\\n\\u202eé 로봇");
});

test.run();
