/** The ladder: a picture as text. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { chalk } from "zx/core";
import { ladder, type LadderOptions } from "../scripts/packets/ladder.ts";
import type { Packet, Recording } from "../scripts/packets/recording.ts";
import { recordingNames } from "../scripts/packets/recordings.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { suite } from "./helpers/harness.ts";
import { english, korean, recorded } from "./helpers/packetsTool.ts";
import {
  aHandshake,
  aMessage,
  aPacket,
  aRecording,
} from "./helpers/recordings.ts";

const test = suite("ladder");

interface DrawOptions extends Partial<LadderOptions> {
  texts?: typeof english;
}

/** Draws a recording without colors: in 80 columns, with lines, in English. */
function draw(recording: Recording, options: DrawOptions = {}): string {
  const { columns = 80, drawsLines = true, texts = english } = options;
  const picture = pictureOf(recording, texts);
  return stripVTControlCharacters(ladder(picture, { columns, drawsLines }));
}

/** A run with everything that a ladder can have. */
function aResetRun(): Recording {
  return aRecording({
    connections: [{ client: "127.0.0.1:50000", server: "127.0.0.1:40000" }],
    packets: [
      ...aHandshake(),
      aMessage({ timeMs: 3, text: "Hello, \x1b[2J\n" }),
      aPacket("server", { timeMs: 4, ack: 15 }),
      aPacket("client", {
        timeMs: 6,
        flags: ["RST", "ACK"],
        seq: 15,
        lost: true,
      }),
    ],
    reads: [{ timeMs: 5, from: "server", connection: 1, bytes: 14 }],
    lines: [{ timeMs: -20.125, from: "client", text: "Received: 안녕" }],
    ends: [{ timeMs: 9, from: "server", code: 1 }],
  });
}

test("a ladder in 80 columns", async () => {
  const drawn = draw(aResetRun());

  const expected = `
       ms   │client                        server│
            │127.0.0.1:50000      127.0.0.1:40000│
  -20.13    │◆ Received: 안녕                    │    prints
    0.000   │─ [SYN] Seq=0 Len=0 ───────────────▶│    asks to connect
    1.000   │◀──── [SYN, ACK] Seq=0 Ack=1 Len=0 ─│    agrees to connect
    2.000   │─ [ACK] Seq=1 Ack=1 Len=0 ─────────▶│    acknowledges: connected
    3.000   │─ [PSH, ACK] Seq=1 Ack=1 Len=14 ───▶│14  sends 14 bytes
            │  "Hello, \\x1b[2J\\n"                │14
    4.000   │◀──────── [ACK] Seq=1 Ack=15 Len=0 ─│14  acknowledges 14 bytes
    5.00    │                    reads 14 bytes ◆│
    6.000   │─ [RST, ACK] Seq=15 Ack=1 Len=0 ─✗  │    resets the connection
            │                                    │    lost
    9.00    │                 exits with code 1 ◆│`;
  assert.is(`\n${drawn}`, expected);
});

test("the same ladder in ASCII", async () => {
  const drawn = draw(aResetRun(), { drawsLines: false });

  const expected = `
       ms   |client                        server|
            |127.0.0.1:50000      127.0.0.1:40000|
  -20.13    |* Received: 안녕                    |    prints
    0.000   |- [SYN] Seq=0 Len=0 --------------->|    asks to connect
    1.000   |<---- [SYN, ACK] Seq=0 Ack=1 Len=0 -|    agrees to connect
    2.000   |- [ACK] Seq=1 Ack=1 Len=0 --------->|    acknowledges: connected
    3.000   |- [PSH, ACK] Seq=1 Ack=1 Len=14 --->|14  sends 14 bytes
            |  "Hello, \\x1b[2J\\n"                |14
    4.000   |<-------- [ACK] Seq=1 Ack=15 Len=0 -|14  acknowledges 14 bytes
    5.00    |                    reads 14 bytes *|
    6.000   |- [RST, ACK] Seq=15 Ack=1 Len=0 -x  |    resets the connection
            |                                    |    lost
    9.00    |                 exits with code 1 *|`;
  assert.is(`\n${drawn}`, expected);
});

interface ColorCase {
  title: string;
  flags: string[];
  /** How many bytes the packet carries. */
  length: number;
  /** The escape sequence that begins the color. */
  sequence: string;
}

const colorCases: ColorCase[] = [
  { title: "SYN is green", flags: ["SYN"], length: 0, sequence: "\x1b[32m" },
  {
    title: "FIN is yellow",
    flags: ["FIN", "ACK"],
    length: 0,
    sequence: "\x1b[33m",
  },
  { title: "RST is red", flags: ["RST"], length: 0, sequence: "\x1b[31m" },
  {
    title: "data is cyan",
    flags: ["PSH", "ACK"],
    length: 14,
    sequence: "\x1b[36m",
  },
];

/** Draws a packet of the client, with colors. */
function drawInColor(packet: Packet): string {
  const recording = aRecording({ packets: [packet] });
  const picture = pictureOf(recording, english);
  const { level } = chalk;
  chalk.level = 1;
  const drawn = ladder(picture, { columns: 80, drawsLines: true });
  chalk.level = level;
  return drawn;
}

for (const { title, flags, length, sequence } of colorCases)
  test(title, async () => {
    const drawn = drawInColor(aPacket("client", { flags, length }));

    const beginning = `${sequence}─ [${flags.join(", ")}] Seq=1`;
    assert.ok(drawn.includes(beginning), JSON.stringify(drawn));
  });

test("the number of unread bytes is bold and yellow", async () => {
  const drawn = drawInColor(aMessage());

  assert.ok(drawn.includes("│\x1b[1m\x1b[33m14"), JSON.stringify(drawn));
});

/** A run of one packet, with the longest flags that a packet has. */
function aFinalMessage(length: number): Recording {
  const flags = ["FIN", "PSH", "ACK"];
  return aRecording({
    connections: [],
    packets: [aPacket("client", { flags, length })],
  });
}

test("numbers without room on the arrow are below", async () => {
  const drawn = draw(aFinalMessage(14), { columns: 40 });

  const expected = `
       ms   │client            server│
    0.000   │─ [FIN, PSH, ACK] ─────▶│14
            │  Seq=1 Ack=1 Len=14    │14
            │  sends 14 bytes        │14
            │  no more to send       │14`;
  assert.is(`\n${drawn}`, expected);
});

test("an arrow without room for its shaft is drawn", async () => {
  const drawn = draw(aFinalMessage(12345), { columns: 40 });

  assert.match(drawn, "│─ [FIN, PSH, ACK] ▶│12345");
});

/** The letters of a text, which a ladder can break anywhere. */
function lettersOf(text: string): string {
  return text.replace(/\W/g, "");
}

/** Every width and language in which the recordings are drawn. */
const looks: DrawOptions[] = [];
for (const texts of [english, korean])
  for (const columns of [40, 50, 80, 132]) looks.push({ columns, texts });

for (const name of recordingNames) {
  test(`${name}: every line fits into 40 columns and more`, async () => {
    for (const look of looks) {
      const lines = draw(recorded(name), look).split("\n");

      for (const line of lines) {
        // string-width counts ▶ and ◀ as emoji, which are two columns wide.
        const width = stringWidth(line.replace(/[▶◀]/g, "-"));
        assert.ok(width <= look.columns!, `${look.columns}: ${line}`);
      }
    }
  });

  test(`${name}: every line has two walls`, async () => {
    for (const look of looks) {
      const lines = draw(recorded(name), look).split("\n");

      for (const line of lines) assert.is(line.split("│").length, 3, line);
    }
  });

  test(`${name}: all that the programs print is shown`, async () => {
    const { lines: printed } = recorded(name);
    // Longer lines are cut.
    const short = printed.filter(({ text }) => text.length < 120);

    for (const look of looks) {
      const lines = draw(recorded(name), look).split("\n");

      const inLane = lines.map((line) => line.split("│")[1]);
      const letters = lettersOf(inLane.join(""));
      for (const { text } of short)
        assert.ok(letters.includes(lettersOf(text)), text);
    }
  });
}

test.run();
