/** The markers in a capture, and how they are removed from a saved file. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../scripts/copyProject.ts";
import {
  markerNumber,
  removeMarkers,
  withoutUdp,
} from "../scripts/packets/markers.ts";
import { suite } from "./helpers/harness.ts";
import { notLinux } from "./helpers/machine.ts";

const test = suite("markers");

const ethernet = 1;
const bsdLoopback = 0;
const udp = 17;
const tcp = 6;

/** A block of a pcapng file. */
function aBlock(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(body.length + 12, 4);
  const size = head.subarray(4);
  return Buffer.concat([head, body, size]);
}

function aSectionHeader(): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(0x1a2b3c4d);
  return aBlock(0x0a0d0d0a, body);
}

function anInterface(linkType: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(linkType);
  return aBlock(1, body);
}

/** @param ipOffset how many bytes are before the IP header */
function aPacket(protocol: number, ipOffset: number): Buffer {
  const body = Buffer.alloc(20 + ipOffset + 20);
  body[20 + ipOffset] = 0x45;
  body[20 + ipOffset + 9] = protocol;
  return aBlock(6, body);
}

const fileCases = [
  { title: "Linux' loopback", linkType: ethernet, ipOffset: 14 },
  { title: "the loopback of macOS", linkType: bsdLoopback, ipOffset: 4 },
];

for (const { title, linkType, ipOffset } of fileCases)
  test(`${title}: TCP stays, and UDP goes`, async () => {
    const start = [aSectionHeader(), anInterface(linkType)];
    const tcpPacket = aPacket(tcp, ipOffset);
    const udpPacket = aPacket(udp, ipOffset);
    const file = [...start, udpPacket, tcpPacket, udpPacket];

    const kept = withoutUdp(Buffer.concat(file));

    assert.equal(kept, Buffer.concat([...start, tcpPacket]));
  });

const strangeFiles = [
  { title: "a file that isn't pcapng", file: Buffer.from("no pcapng at all") },
  { title: "an empty file", file: Buffer.alloc(0) },
  {
    title: "a file that is cut off",
    file: Buffer.concat([
      aSectionHeader(),
      anInterface(ethernet),
      aPacket(udp, 14).subarray(0, 30),
    ]),
  },
];

for (const { title, file } of strangeFiles)
  test(`${title} stays unchanged`, async () => {
    assert.equal(withoutUdp(file), file);
  });

test("markers are removed from a file", async () => {
  const file = join(await temporaryFolder(), "packets");
  const start = [aSectionHeader(), anInterface(ethernet)];
  await writeFile(file, Buffer.concat([...start, aPacket(udp, 14)]));

  await removeMarkers(file);

  assert.equal(await readFile(file), Buffer.concat(start));
});

test("a file that is missing has no markers", async () => {
  await removeMarkers("/nonexistent/x");
});

test.unless(notLinux)("an endless device is not read", async () => {
  await removeMarkers("/dev/zero");
});

test("a marker's number is the length of its data", async () => {
  assert.is(markerNumber(8 + 3), 3);
});

test.run();
