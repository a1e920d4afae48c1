/** Splits a stream of captured packets in the format pcapng into its blocks. */

/** The kinds of blocks that matter here. */
const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const enhancedPacket = 6;

/** A block starts with its type and its length. */
const startBytes = 8;

export interface Block {
  /** All bytes of the block. */
  bytes: Buffer;
  /** What the block is: a part of the beginning, a packet, or something else. */
  kind: "header" | "packet" | "other";
}

/** Collects the bytes of a stream until a block is whole. */
export class BlockSplitter {
  /** Bytes of a block that isn't whole yet. */
  #rest: Buffer = Buffer.alloc(0);

  /**
   * Adds bytes of the stream, in this machine's order.
   *
   * @returns the blocks that have become whole
   * @throws Error if the bytes are not pcapng
   */
  add(bytes: Buffer): Block[] {
    const all =
      this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    const blocks: Block[] = [];
    let start = 0;
    while (all.length - start >= startBytes) {
      const length = all.readUInt32LE(start + 4);
      if (length < startBytes || length % 4 !== 0)
        throw new Error("not pcapng");
      if (all.length - start < length) break;
      const block = all.subarray(start, start + length);
      blocks.push({ bytes: block, kind: kindOf(block.readUInt32LE()) });
      start += length;
    }
    this.#rest = all.subarray(start);
    return blocks;
  }
}

function kindOf(type: number): Block["kind"] {
  switch (type) {
    case sectionHeader:
    case interfaceDescription:
      return "header";
    case enhancedPacket:
      return "packet";
    default:
      return "other";
  }
}
