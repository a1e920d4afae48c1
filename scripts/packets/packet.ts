/** A packet as tshark tells of it: a row of fields, separated by tabs. */

/** One packet, with the relative numbers that Wireshark shows. */
export interface Packet {
  /** Milliseconds since 1970, to the microsecond. */
  atMs: number;
  /** The sender's and the receiver's address and port, 127.0.0.1:65432. */
  sender: string;
  receiver: string;
  /** Which connection of the capture it belongs to, counted from 0. */
  stream: number;
  /** SYN, ACK, …; a bit without a name is given as its number, 0x200. */
  flags: string[];
  seq: number;
  /** Only where the ACK flag is set does the number mean something. */
  ack?: number;
  /** How many bytes it carries, and those of them that were captured. */
  length: number;
  payload: Buffer;
  /** What Wireshark finds unusual about it. */
  notes: Finding[];
}

/** The flags in the TCP header, lowest bit first (RFC 9293, 3.1; AE: RFC 9768). */
const flagNames = "FIN SYN RST PSH ACK URG ECE CWR AE".split(" ");

/** Wireshark's findings, and how they are called here. */
const findings = {
  "tcp.analysis.retransmission": "retransmission",
  "tcp.analysis.fast_retransmission": "fast retransmission",
  "tcp.analysis.spurious_retransmission": "spurious retransmission",
  "tcp.analysis.out_of_order": "out of order",
  "tcp.analysis.lost_segment": "a packet is missing",
  "tcp.analysis.ack_lost_segment": "confirms what is missing",
  "tcp.analysis.duplicate_ack": "duplicate ACK",
  "tcp.analysis.window_update": "window update",
  "tcp.analysis.window_full": "window full",
  "tcp.analysis.zero_window": "zero window",
  "tcp.analysis.zero_window_probe": "zero window probe",
  "tcp.analysis.zero_window_probe_ack": "answers the probe",
  "tcp.analysis.keep_alive": "keep-alive",
  "tcp.analysis.keep_alive_ack": "answers the keep-alive",
  "tcp.analysis.reused_ports": "same ports as before",
} as const;
export type Finding = (typeof findings)[keyof typeof findings];

/** The fields of a row, by their names in tshark. */
export const fields = [
  "frame.time_epoch",
  "ip.src",
  "ip.dst",
  "ipv6.src",
  "ipv6.dst",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.stream",
  "tcp.flags",
  "tcp.seq",
  "tcp.ack",
  "tcp.len",
  "tcp.payload",
  ...Object.keys(findings),
];

/** Reads a row that tshark printed for one packet. */
export function parsePacket(row: string): Packet {
  const values = row.split("\t");
  const field = (name: string) => values[fields.indexOf(name)] ?? "";
  const number = (name: string) => Number(field(name));
  const address = (end: "src" | "dst") => {
    const ipv6 = field(`ipv6.${end}`);
    const host = ipv6 ? `[${ipv6}]` : field(`ip.${end}`);
    return `${host}:${field(`tcp.${end}port`)}`;
  };
  const flags = flagsOf(number("tcp.flags"));
  const payload = field("tcp.payload").replaceAll(":", "");
  const found = Object.entries(findings).filter(([name]) => field(name));
  return {
    atMs: number("frame.time_epoch") * 1000,
    sender: address("src"),
    receiver: address("dst"),
    stream: number("tcp.stream"),
    flags,
    seq: number("tcp.seq"),
    ...(flags.includes("ACK") ? { ack: number("tcp.ack") } : {}),
    length: number("tcp.len"),
    payload: Buffer.from(payload, "hex"),
    notes: found.map(([, note]) => note),
  };
}

function flagsOf(bits: number): string[] {
  const names = flagNames.filter((_, bit) => bits & (1 << bit));
  const unnamed = (bits >> flagNames.length) << flagNames.length;
  return unnamed ? [...names, `0x${unnamed.toString(16)}`] : names;
}
