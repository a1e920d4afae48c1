/**
 * What tshark prints: rows that become packets, and complaints that become
 * errors.
 */
import * as assert from "uvu/assert";
import {
  CannotCapture,
  complaintOf,
  parseRow,
} from "../scripts/packets/tshark.ts";
import { suite } from "./helpers/harness.ts";
import { english } from "./helpers/packetsTool.ts";

const test = suite("tshark");

/** The first fields of a row: a packet from port 40000 to port 50000. */
const beginning = [
  "1700000000.000123",
  "0",
  "127.0.0.1",
  "40000",
  "127.0.0.1",
  "50000",
];

/**
 * Parses a row of tshark.
 *
 * @param fields flags, sequence number, acknowledgment number, retransmission,
 *   window update, data in hexadecimal
 */
function parse(fields: string[], { serverPort }: { serverPort: number }) {
  return parseRow([...beginning, ...fields].join("\t"), serverPort);
}

test("a row becomes a packet", async () => {
  const fields = ["0x0018", "1", "15", "1", "", "656300"];

  const { addresses, ...packet } = parse(fields, { serverPort: 40000 });

  assert.equal(packet, {
    timeMs: 1700000000000.123,
    connection: 1,
    from: "server",
    flags: ["PSH", "ACK"],
    seq: 1,
    ack: 15,
    length: 3,
    text: "ec\0",
    retransmission: true,
  });
});

test("a row of the server has the client's address second", async () => {
  const fields = ["0x0018", "1", "15", "1", "", "656300"];

  const { addresses } = parse(fields, { serverPort: 40000 });

  assert.equal(addresses, {
    client: "127.0.0.1:50000",
    server: "127.0.0.1:40000",
  });
});

test("a window update, as macOS sends it, carries no text", async () => {
  const fields = ["0x0010", "1", "1", "", "1", ""];

  const packet = parse(fields, { serverPort: 40000 });

  assert.is(packet.windowUpdate, true);
  assert.is(packet.text, undefined);
});

test("a SYN has no acknowledgment number", async () => {
  const fields = ["0x0002", "0", "0", "", "", ""];

  const packet = parse(fields, { serverPort: 50000 });

  assert.is(packet.from, "client");
  assert.equal(packet.flags, ["SYN"]);
  assert.is(packet.ack, undefined);
});

interface Complaint {
  title: string;
  text: string;
}

/**
 * What tshark says if it isn't allowed to capture, or can't capture on this
 * system.
 */
const refusals: Complaint[] = [
  {
    title: "Linux: no right to open a socket",
    text:
      'You do not have permission to capture on device "lo". ' +
      "(socket: Operation not permitted)",
  },
  {
    title: "Linux: no right to run dumpcap",
    text: "Couldn't run /usr/bin/dumpcap in child process: Permission denied",
  },
  {
    title: "macOS: no right to open a BPF device",
    text:
      "The capture session could not be initiated on interface 'lo0' " +
      "(You don't have permission to capture on that device " +
      "((cannot open BPF device) /dev/bpf0: Permission denied)).",
  },
  {
    title: "Windows: no Npcap",
    text:
      "Unable to load Npcap or WinPcap (wpcap.dll); " +
      "you will not be able to capture packets.",
  },
  {
    title: "Windows: no interfaces",
    text: "There are no interfaces on which a capture can be done",
  },
  {
    title: "Windows: Npcap is for administrators",
    text:
      "The capture session could not be initiated on interface " +
      "'\\Device\\NPF_Loopback' " +
      "(Error opening adapter: Access is denied. (5)).",
  },
];

const otherComplaints: Complaint[] = [
  {
    title: "a file in a folder that doesn't exist",
    text:
      'The file to which the capture would be saved ("/nonexistent/x") ' +
      "could not be opened: No such file or directory.",
  },
  {
    title: "a file that the user can't write",
    text:
      'The file to which the capture would be saved ("/root/x") ' +
      "could not be opened: Permission denied.",
  },
  {
    title: "a wrong filter",
    text: "Invalid capture filter \"tcp port x\" for interface 'lo'.",
  },
];

/** What tshark writes to stderr with a complaint. */
function stderrWith(complaint: string): string {
  const lines = [
    "Capturing on 'Loopback: lo'",
    `tshark: ${complaint}`,
    "0 packets captured",
  ];
  return `${lines.join("\n")}\n`;
}

for (const { title, text } of refusals)
  test(`nothing can be captured: ${title}`, async () => {
    const error = complaintOf(stderrWith(text), english);

    assert.instance(error, CannotCapture);
    assert.is(error.message, `tshark may not capture: ${text}`);
  });

for (const { title, text } of otherComplaints)
  test(`another complaint: ${title}`, async () => {
    const error = complaintOf(stderrWith(text), english);

    assert.not.instance(error, CannotCapture);
    assert.is(error.message, `tshark says: ${text}`);
  });

test.run();
