/** What packets says of each packet, and how it draws it: from rows as tshark prints them. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { launch } from "../scripts/processes.ts";
import { languages } from "../scripts/old/language.ts";
import { callsAround } from "../scripts/packets/calls.ts";
import { ladder, printedLines, type View } from "../scripts/packets/ladder.ts";
import { fields, parsePacket } from "../scripts/packets/packet.ts";
import { explain, linesOf } from "../scripts/packets/recording.ts";
import { texts } from "../scripts/packets/texts.ts";
import { suite } from "./harness.ts";
import { recordedLadder, recordedRun } from "./recordedLadder.ts";

const test = suite("the ladder");
const plain = stripVTControlCharacters;

function view(columns: number, more: Partial<View> = {}): View {
  return { columns, texts: texts.en, ascii: false, ...more };
}

test("the recorded run", async () => {
  assert.is(plain(ladder(recordedRun, view(80))), recordedLadder);
  assert.equal(plain(printedLines(recordedRun, view(80))).split("\n"), [
    " -271.011  server  Server listening on 127.0.0.1:45129",
    "    0.850  server  Connected by ('127.0.0.1', 59964)",
    "    2.008  server  Received: Hello, Server!",
    "    3.540  client  Received from server: Hello, Server!",
  ]);
});

test("a printed line is cut at the terminal's width, an error is wrapped at words", async () => {
  const error =
    "lecture1_client: connect ECONNREFUSED 127.0.0.1:65432; nobody listens there, is the server running?";
  const printed = (text: string) =>
    plain(
      printedLines(
        { ...recordedRun, lines: [{ ...recordedRun.lines[0]!, text }] },
        view(80),
      ),
    ).split("\n");
  const [cut, ...rest] = printed("x".repeat(200));
  assert.is(stringWidth(cut!), 80);
  assert.equal(rest, []);
  const whole = printed(error);
  assert.ok(whole.every((row) => stringWidth(row) <= 80));
  assert.ok(whole.join(" ").replace(/ +/g, " ").includes(error));
});

const bitOf = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 };

interface Values {
  bytes?: Uint8Array | string;
  ack?: number;
  [field: string]: unknown;
}

/** A row as tshark prints it for a packet of the client ("> SYN") or the server ("< SYN ACK"). */
function row(packet: string, seq: number, values: Values = {}): string {
  const { ack, bytes = "", ...rest } = values;
  const [from, ...flags] = packet.split(" ");
  const names = ack === undefined ? flags : [...flags, "ACK"];
  const bits = names.map((name) => bitOf[name as keyof typeof bitOf]);
  const payload = Buffer.from(bytes as string);
  const ports = from === ">" ? [50000, 40000] : [40000, 50000];
  const all: Record<string, unknown> = {
    "frame.time_epoch": "1795358662.740020519",
    "ip.src": "127.0.0.1",
    "ip.dst": "127.0.0.1",
    "tcp.srcport": ports[0],
    "tcp.dstport": ports[1],
    "tcp.stream": 0,
    "tcp.flags": `0x${bits.reduce((sum, bit) => sum | bit, 0).toString(16)}`,
    "tcp.seq": seq,
    "tcp.ack": ack ?? 0,
    "tcp.len": payload.length,
    "tcp.payload": payload.toString("hex"),
    ...rest,
  };
  return fields.map((field) => all[field] ?? "").join("\t");
}

const explained = (rows: string[]) => explain(rows.map(parsePacket));

/** What each packet does, its notes behind it. */
const doings = (rows: string[]) =>
  explained(rows).packets.map(({ does, notes }) =>
    [...does.map(texts.en.does), ...notes].join(", "),
  );

const textsOf = (rows: string[]) =>
  explained(rows).packets.map(({ text }) => text);

function draw(rows: string[], columns = 80, more: Partial<View> = {}): string {
  const recording = { tshark: "", lines: [], ...explained(rows) };
  return plain(ladder(recording, view(columns, more)));
}

const handshake = [
  row("> SYN", 0),
  row("< SYN", 0, { ack: 1 }),
  row(">", 1, { ack: 1 }),
];
const retransmission = { "tcp.analysis.retransmission": 1 };

test("a whole connection, the client's half closed first", async () => {
  const rows = [
    ...handshake,
    row("> PSH", 1, { ack: 1, bytes: "a" }),
    row("< PSH", 1, { ack: 2, bytes: "answer" }),
    row("> FIN", 2, { ack: 7 }),
    row("< PSH", 7, { ack: 3, bytes: "more" }),
    row(">", 3, { ack: 11 }),
    row(">", 3, { ack: 11 }),
    row("< FIN", 11, { ack: 3 }),
    row(">", 3, { ack: 12 }),
  ];
  assert.equal(doings(rows), [
    "opens",
    "agrees",
    "confirms: connected",
    "carries 1 byte",
    "carries 6 bytes, confirms 1 byte",
    "closes, confirms 6 bytes",
    "carries 4 bytes, confirms the close",
    "confirms 4 bytes",
    "says nothing new",
    "closes too",
    "confirms the close",
  ]);
  const ended = (rows: string[]) => explained(rows).connections[0]!.ended;
  assert.is(ended(rows), true);
  assert.is(ended(rows.slice(0, -1)), false);
});

test("a refusal, and the client asks once more", async () => {
  const asks = [row("> SYN", 0), row("< RST", 1, { ack: 1 })];
  assert.equal(doings([...asks, ...asks]), [
    "opens",
    "refuses",
    "opens",
    "refuses",
  ]);
});

test("a reset carries what it carries", async () => {
  const rows = [...handshake, row("> RST", 1, { ack: 1, bytes: "too late" })];
  assert.is(doings(rows).at(-1), "resets, carries 8 bytes");
  assert.is(explained(rows).connections[0]!.ended, true);
});

test("SYN with data", async () => {
  const rows = [
    row("> SYN", 0, { bytes: "early" }),
    row("< SYN", 0, { ack: 6 }),
    row(">", 6, { ack: 1 }),
  ];
  assert.equal(doings(rows), [
    "opens, carries 5 bytes",
    "agrees, confirms 5 bytes",
    "confirms: connected",
  ]);
});

test("a capture that begins in the middle", async () => {
  const rows = [
    row("< PSH", 1, { ack: 1, bytes: "answer" }),
    row(">", 1, { ack: 7 }),
    row("< RST", 7, { ack: 1 }),
  ];
  assert.equal(doings(rows), ["carries 6 bytes", "confirms 6 bytes", "resets"]);
  assert.equal(explained(rows).connections, [
    { client: "127.0.0.1:50000", server: "127.0.0.1:40000", ended: true },
  ]);
});

test("an old packet that comes late takes nothing back", async () => {
  const rows = [
    ...handshake,
    row("> PSH", 1, { ack: 1, bytes: "abc" }),
    row("<", 1, { ack: 4 }),
    row("> PSH", 1, { ack: 1, bytes: "abc", ...retransmission }),
    row("<", 1, { ack: 1, "tcp.analysis.duplicate_ack": 1 }),
    row("> PSH", 4, { ack: 1, bytes: "d" }),
    row("<", 1, { ack: 5 }),
  ];
  assert.equal(doings(rows).slice(3), [
    "carries 3 bytes",
    "confirms 3 bytes",
    "carries 3 bytes, retransmission",
    "duplicate ACK",
    "carries 1 byte",
    "confirms 1 byte",
  ]);
});

test("what Wireshark finds is shown, at every width and in every language", async () => {
  const found = fields.filter((field) => field.startsWith("tcp.analysis."));
  assert.is(found.length, 15);
  for (const field of found)
    for (const columns of [40, 60, 80, 200])
      for (const language of languages) {
        const rows = [row(">", 1, { ack: 1, [field]: 1 })];
        const [note] = explained(rows).packets[0]!.notes;
        const words = texts[language].findings[note!];
        const drawn = draw(rows, columns, { texts: texts[language] });
        assert.ok(words && drawn.includes(words), `${note} in ${language}`);
      }
});

test("the window update after a handshake on macOS has words", async () => {
  const update = row("<", 1, { ack: 1, "tcp.analysis.window_update": 1 });
  assert.equal(doings([...handshake, update]).at(-1), "window update");
  assert.match(draw([...handshake, update]), "has room: window update");
});

test("rows that end in CRLF, as on Windows", async () => {
  const rows = [...handshake, row("> PSH", 1, { ack: 1, bytes: "a" })];
  const print = `process.stdout.write(${JSON.stringify(`${rows.join("\r\n")}\r\n`)})`;
  const tshark = launch([process.execPath, "-e", print]);
  await tshark.exit();
  assert.equal(explained(tshark.lines()), explained(rows));
  const written = [{ atMs: 5, text: "Received: a\r\nReceived: b\r\n" }];
  const printed = linesOf("server", "server", written, 3);
  assert.equal(
    printed.map(({ text }) => text),
    ["Received: a", "Received: b"],
  );
});

test("a lost packet's arrow doesn't reach the other side", async () => {
  const hello = { ack: 1, bytes: "x".repeat(200) };
  const rows = [
    row("> SYN", 0),
    row("> SYN", 0, retransmission),
    ...handshake.slice(1),
    row("> PSH", 1, hello),
    row("> PSH", 1, { ...hello, ...retransmission }),
    row("> PSH", 1, { ...hello, ...retransmission }),
    row("<", 1, { ack: 201 }),
    // This one had been confirmed, so both arrived.
    row("> PSH", 1, {
      ...hello,
      ...retransmission,
      "tcp.analysis.spurious_retransmission": 1,
    }),
    row("< FIN", 1, { ack: 201 }),
    row("< FIN", 1, { ack: 201, "tcp.analysis.fast_retransmission": 1 }),
    // Of this one a part comes again: the rest may have arrived.
    row("> PSH", 201, { ack: 2, bytes: "a long one" }),
    row("> PSH", 203, { ack: 2, bytes: "long one", ...retransmission }),
  ];
  const lost = explained(rows).packets.map(({ lost }) => Number(lost ?? 0));
  assert.equal(lost, [1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0]);
  const drawn = draw(rows).split("\n");
  assert.is(drawn.filter((row) => / {2}lost$/.test(row)).length, 4);
  const arrows = drawn.filter((row) => /\d │.*[─◀▶✗]/.test(row));
  assert.equal(
    arrows.map((row) => Number(row.includes("✗"))),
    lost,
  );
  for (const row of arrows)
    assert.match(row, row.includes("✗") ? /─✗ {2}│|│ {2}✗─/ : /▶│|│◀/);
  assert.equal(line(drawn, 0).size, 1);
  assert.equal(line(drawn, 1).size, 1);
});

test("--ascii draws with ASCII, and stands as straight", async () => {
  const rows = [
    ...handshake,
    row("> PSH", 1, { ack: 1, bytes: "a".repeat(200) }),
    row("> PSH", 1, { ack: 1, bytes: "a".repeat(200), ...retransmission }),
  ];
  for (const columns of [40, 60, 80, 200]) {
    const drawn = draw(rows, columns, { ascii: true });
    assert.match(drawn, /^[\x20-\x7e\n]*$/);
    const widths = (text: string) =>
      text.split("\n").map((row) => stringWidth(row));
    assert.equal(widths(drawn), widths(draw(rows, columns)));
  }
  const lines = printedLines(recordedRun, view(80, { ascii: true }));
  assert.match(lines, /^[\x20-\x7e\n]*$/);
  assert.match(
    plain(ladder(recordedRun, view(80, { ascii: true }))),
    /listen \* accept {2}\| {2}Server listening on 127\.0\.0\.1~$/m,
  );
});

test("characters cut in two come whole with their last byte", async () => {
  const bytes = Buffer.from("가나다😀");
  for (const size of [1, 2, 4, 5]) {
    const rows = [...handshake];
    for (let start = 0; start < bytes.length; start += size)
      rows.push(
        row(">", start + 1, {
          ack: 1,
          bytes: bytes.subarray(start, start + size),
        }),
      );
    assert.is(textsOf(rows).join(""), "가나다😀");
    const cuts = doings(rows).map((does) =>
      does.includes("ends inside a character"),
    );
    const inside = rows.map((_, index) => {
      const sent = bytes.subarray(0, Math.max(0, index - 2) * size);
      return (
        index > 2 &&
        sent.toString() !== "가나다😀".slice(0, sent.toString().length)
      );
    });
    assert.equal(cuts, inside, `pieces of ${size}`);
  }
});

test("text that was sent again, or overlaps, or follows a gap", async () => {
  const bytes = Buffer.from("가나다라");
  const piece = (from: number, to: number, notes = {}) =>
    row(">", from + 1, { ack: 1, bytes: bytes.subarray(from, to), ...notes });
  const sentAgain = [
    piece(0, 4),
    piece(4, 11),
    piece(4, 11, retransmission),
    piece(11, 12),
  ];
  assert.equal(textsOf([...handshake, ...sentAgain]).slice(3), [
    "가",
    "나다",
    "다",
    "라",
  ]);
  const earlier = [piece(0, 4), piece(4, 8), piece(0, 4), piece(8, 12)];
  assert.equal(textsOf([...handshake, ...earlier]).slice(3), [
    ...["가", "나", "가", "다라"],
  ]);
  const overlap = [piece(0, 4), piece(2, 8), piece(8, 12)];
  assert.equal(textsOf([...handshake, ...overlap]).slice(3), [
    "가",
    "나",
    "다라",
  ]);
  const gap = [piece(0, 4), piece(8, 12)];
  assert.equal(textsOf([...handshake, ...gap]).slice(3), ["가", "라"]);
  assert.equal(
    textsOf([piece(1, 6)]),
    ["나"],
    "a capture that begins in the middle",
  );
});

test("bytes that are no UTF-8, or were not captured", async () => {
  const bytes = Buffer.from([0xf8, 0x41, 0xc0, 0xff]);
  const rows = [...handshake, row(">", 1, { ack: 1, bytes })];
  assert.is(textsOf(rows).at(-1), "\ufffdA\ufffd\ufffd");
  assert.is(doings(rows).at(-1), "carries 4 bytes");
  assert.is(textsOf([row(">", 1, { bytes: "\ufeffhello" })])[0], "\ufeffhello");
  const overlong = row(">", 1, { ack: 1, bytes: Buffer.from([0x41, 0xc0]) });
  assert.equal(textsOf([overlong]), ["A\ufffd"]);
  assert.equal(doings([overlong]), ["carries 2 bytes"]);
  const captured = Buffer.from("가나").subarray(0, 4);
  const part = row(">", 1, { bytes: captured, "tcp.len": 200 });
  const next = row(">", 201, { bytes: "b" });
  assert.is(doings([part])[0], "carries 200 bytes, ends inside a character");
  assert.match(draw([part]), "4 of 200 bytes captured");
  assert.equal(textsOf([...handshake, part, next]).slice(3), ["가", "b"]);
});

test("nothing in a text drives the terminal", async () => {
  const text = "\x1b[31m\n\x9b\u202e\u2066\ufeff";
  const drawn = draw([row(">", 1, { bytes: text })], 100);
  assert.match(drawn, '"\\x1b[31m\\n\\x9b\\u202e\\u2066\\ufeff"');
  const line = {
    timeMs: 0,
    from: "server" as const,
    text,
    before: "",
    after: "",
  };
  const printed = printedLines({ ...recordedRun, lines: [line] }, view(100));
  for (const code of ["\x1b", "\x9b", "\u202e"]) {
    assert.not.match(drawn, code);
    assert.not.match(plain(printed), code);
    assert.not.match(
      plain(ladder({ ...recordedRun, lines: [line] }, view(100))),
      code,
    );
  }
});

test("flags without a name are shown by their number", async () => {
  const drawn = draw([row(">", 0, { "tcp.flags": "0x02c2" })]);
  assert.match(drawn, "[SYN, ECE, CWR, 0x200] Seq=0 Len=0");
});

test("several connections, IPv6 among them", async () => {
  const ipv6 = {
    "tcp.stream": 1,
    "ip.src": "",
    "ip.dst": "",
    "ipv6.src": "fe80::1234:5678:9abc:def0",
    "ipv6.dst": "fe80::1",
  };
  const rows = [...handshake, row("> SYN", 0, ipv6)];
  for (const columns of [60, 80]) {
    const drawn = draw(rows, columns);
    assert.match(drawn, /^ +1: │127\.0\.0\.1:50000 +127\.0\.0\.1:40000│$/m);
    assert.match(drawn, "[fe80::1234:5678:9abc:def0]:50000");
    assert.match(drawn, "[fe80::1]:40000");
    assert.match(drawn, /─ 1: \[ACK\].*\n[^]*─ 2: \[SYN\]/);
  }
});

test("the lane is straight, and no wider than the terminal", async () => {
  const long = "로봇 팔이 움직입니다 ".repeat(50);
  const late = { "frame.time_epoch": "1795365862.740020519" }; // 7,200 s after
  const rows = [
    ...handshake,
    row("> PSH", 1, { ack: 1, bytes: long }),
    row("<", 1, { ack: 1_000_001, ...late }),
  ];
  for (const columns of [40, 60, 80, 100, 200])
    for (const language of languages) {
      const drawn = draw(rows, columns, { texts: texts[language] });
      const lines = drawn.split("\n");
      for (const side of [0, 1] as const)
        assert.is(line(lines, side).size, 1, `side ${side} at ${columns}`);
      for (const row of lines)
        assert.ok(stringWidth(row) <= Math.min(columns, 100), row);
      assert.match(drawn, "Ack=1000001", "nothing of the numbers is cut");
    }
});

test("a wide letter is cut as a whole", async () => {
  const text = "로봇 팔이 움직입니다".repeat(20);
  for (let shift = 0; shift < 2; shift++) {
    const line = { ...recordedRun.lines[0]!, text: "x".repeat(shift) + text };
    const bytes = Buffer.from(line.text).subarray(0, -1); // "ends inside a character"
    const rows = [row("> PSH", 1, { bytes })];
    const recording = { tshark: "", ...explained(rows), lines: [line] };
    for (let columns = 60; columns < 100; columns++) {
      const drawn = plain(ladder(recording, view(columns)));
      for (const row of drawn.split("\n"))
        assert.ok(stringWidth(row) <= columns, row);
      assert.is(
        new Set(drawn.match(/│.*?│/g)!.map((row) => stringWidth(row))).size,
        1,
      );
    }
    const printed = plain(printedLines(recording, view(120)));
    assert.ok(stringWidth(printed) <= 120);
  }
});

test("both languages say every text, each in its own way", async () => {
  const same: string[] = [];
  compareTexts(texts.en, texts.ko, "", same);
  assert.equal(same.sort(), [".findings.keep-alive"]);
});

test("texts that stand in lines of their own fit into 80 columns", async () => {
  for (const { usage, install, twoClients, shipped } of Object.values(texts))
    for (const text of [usage, ...Object.values(install), twoClients, shipped])
      for (const line of text.split("\n"))
        assert.ok(stringWidth(line) <= 80, line);
});

/** Says every text, 12 where it wants something; finds those that are the same. */
function compareTexts(
  english: object,
  korean: object,
  path: string,
  same: string[],
): void {
  for (const [key, text] of Object.entries(english)) {
    const other = (korean as Record<string, unknown>)[key];
    const name = `${path}.${key}`;
    if (typeof text === "object")
      compareTexts(text, other as object, name, same);
    else {
      const values = key === "does" ? ["opens"] : ["12", 12, "12"];
      const said = [text, other].map((each) =>
        String(typeof each === "function" ? each(...values) : each),
      );
      assert.not.match(said.join(), /undefined|NaN|\[object/, name);
      if (said[0] === said[1]) same.push(name);
    }
  }
}

/** The columns in which the lane's left or right side stands. */
function line(rows: string[], side: 0 | 1): Set<number> {
  return new Set(
    rows.map((row) => {
      const at = side ? row.lastIndexOf("│") : row.indexOf("│");
      return stringWidth(row.slice(0, at));
    }),
  );
}

test("each line stands between its calls", async () => {
  const around = (script: Parameters<typeof callsAround>[0], line: string) =>
    Object.values(callsAround(script, line)).join(" ◆ ");
  const lines = {
    listening: "Server listening on 127.0.0.1:65432",
    connected: "Connected by ('127.0.0.1', 40610)",
    received: "Received from ('127.0.0.1', 40610): hello",
    reset: "lecture1_server: read ECONNRESET; the client reset the connection",
    closed: "Connection with ('127.0.0.1', 40610) closed",
    down: "Server is shutting down...",
  };
  const all = (script: "server" | "forever" | "async") =>
    Object.values(lines).map((line) => around(script, line));
  assert.equal(all("server").slice(0, 4), [
    "listen ◆ accept",
    "accept ◆ recv",
    "recv ◆ sendall",
    "recv ◆ ",
  ]);
  assert.equal(all("forever"), [
    ...all("server").slice(0, 4),
    "close ◆ ",
    " ◆ close",
  ]);
  assert.equal(all("async"), [
    "startServer ◆ serveForever",
    " ◆ read",
    "read ◆ write",
    "read ◆ ",
    " ◆ close",
    "close ◆ ",
  ]);
  assert.equal(
    [
      "Received from server: hello",
      "lecture1_client: connect ECONNREFUSED 127.0.0.1:1; nobody listens there, is the server running?",
      "lecture1_client: read ECONNRESET; the server reset the connection",
      "lecture1_client: EOF; the server closed without an answer",
      "something else",
    ].map((line) => around("client", line)),
    ["recv ◆ close", "connect ◆ ", "recv ◆ ", "recv ◆ ", " ◆ "],
  );
});

test("several lines written at once are lines of their own", async () => {
  const written = [{ atMs: 5, text: "Received: a\nReceived: b\n" }];
  assert.equal(
    linesOf("server", "server", written, 3).map(({ timeMs, text }) => [
      timeMs,
      text,
    ]),
    [
      [2, "Received: a"],
      [2, "Received: b"],
    ],
  );
});

test.run();
