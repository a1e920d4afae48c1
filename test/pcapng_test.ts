/** Blocks of pcapng, however the stream of bytes is cut. */
import * as assert from "uvu/assert";
import { interfaceNames } from "../scripts/packets/live.ts";
import { BlockSplitter, type Block } from "../scripts/packets/pcapng.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("pcapng");

/** A block of a type, with a number of bytes between its ends. */
function aBlock(type: number, size: number): Buffer {
  const block = Buffer.alloc(12 + size, 7);
  block.writeUInt32LE(type, 0);
  block.writeUInt32LE(block.length, 4);
  block.writeUInt32LE(block.length, 8 + size);
  return block;
}

const blocks = [
  aBlock(0x0a0d0d0a, 16),
  aBlock(1, 8),
  aBlock(6, 100),
  aBlock(6, 0),
  aBlock(5, 24),
];

for (const size of [1, 7, 64, 1000])
  test(`blocks in pieces of ${size} bytes`, async () => {
    const all = Buffer.concat(blocks);
    const splitter = new BlockSplitter();
    const found: Block[] = [];
    for (let start = 0; start < all.length; start += size)
      found.push(...splitter.add(all.subarray(start, start + size)));

    assert.equal(
      found.map(({ bytes }) => bytes.toString("hex")),
      blocks.map((bytes) => bytes.toString("hex")),
    );
    const kinds = ["header", "header", "packet", "packet", "other"];
    assert.equal(
      found.map(({ kind }) => kind),
      kinds,
    );
  });

test("a stream that isn't pcapng is an error", async () => {
  assert.throws(() => new BlockSplitter().add(Buffer.from("hello, world")));
});

const lists = [
  {
    system: "Linux",
    list: "1. eth0\n2. any\n3. lo (Loopback)\n",
    names: ["eth0", "any", "lo"],
  },
  {
    system: "macOS",
    list: "1. en0 (Wi-Fi)\n2. lo0 (Loopback)\n",
    names: ["en0", "lo0"],
  },
  {
    system: "Windows",
    list:
      "1. \\Device\\NPF_{A1B2} (Wi-Fi 2)\r\n" +
      "2. \\Device\\NPF_Loopback (Adapter for loopback traffic capture)\r\n",
    names: ["Wi-Fi 2", "\\Device\\NPF_Loopback"],
  },
];

for (const { system, list, names } of lists)
  test(`the names of interfaces on ${system}`, async () => {
    assert.equal(interfaceNames(list), names);
  });

test.run();
