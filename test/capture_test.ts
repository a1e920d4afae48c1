/**
 * Captures with tshark: runs of the unmodified programs, and of programs that a
 * learner has changed.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { withoutUdp } from "../scripts/packets/markers.ts";
import type { Row } from "../scripts/packets/rows.ts";
import { $ } from "../scripts/zx.ts";
import {
  captureRuns,
  CapturedRun,
  preloaded,
  type ProgramEdit,
} from "./helpers/capturedRun.ts";
import {
  expectPause,
  expectRow,
  expectRows,
  type WantedRow,
} from "./helpers/expectRow.ts";
import {
  expectNoneLeft,
  processesLeft,
  suite,
  type Marked,
} from "./helpers/harness.ts";
import {
  dropEveryEcho,
  dropFirstMessage,
  networkWith,
  whyNoNetwork,
} from "./helpers/lossyNetwork.ts";
import { notLinux } from "./helpers/machine.ts";
import { pathWithTshark, startPackets } from "./helpers/packetsTool.ts";
import { whyNoCapture } from "./helpers/whyNoCapture.ts";

const test = suite("capture");

const noCapture = await whyNoCapture();
const live = test.unless(noCapture);
const onLinux = test.unless(noCapture || notLinux);
const noNetwork = noCapture || (await whyNoNetwork());
const inNetwork = test.unless(noNetwork);

const serverFile = "lecture1_server.ts";
const threadedServerFile = "lecture1_server_forever.ts";
const asyncServerFile = "lecture1_server_forever_async.ts";
const clientFile = "lecture1_client.ts";

/** 1,500 bytes: two calls of recv(1024). */
const longMessage = "로봇팔입니".repeat(100);

/** The message of the lecture's client arrives at the server. */
const messageArrives: WantedRow = {
  from: "client",
  flags: "PSH, ACK",
  says: "sends 14 bytes",
  unread: { client: 0, server: 14 },
};
const messageIsRead: WantedRow = {
  from: "server",
  says: "reads 14 bytes",
  unread: { client: 0, server: 0 },
};
const echoArrives: WantedRow = {
  from: "server",
  flags: "PSH, ACK",
  says: "sends 14 bytes",
  unread: { client: 14, server: 0 },
};
const echoIsRead: WantedRow = {
  from: "client",
  says: "reads 14 bytes",
  unread: { client: 0, server: 0 },
};
const echoIsPrinted: WantedRow = {
  from: "client",
  prints: /^Received from server: Hello, Server!$/,
  unread: { client: 0, server: 0 },
};

const longMessageArrives: WantedRow = {
  from: "client",
  flags: "PSH, ACK",
  says: "sends 1500 bytes",
  unread: { client: 0, server: 1500 },
};
const firstPieceIsRead: WantedRow = {
  from: "server",
  says: "reads 1024 bytes",
  unread: { client: 0, server: 476 },
};
const firstPieceIsEchoed: WantedRow = {
  from: "server",
  flags: "PSH, ACK",
  says: "sends 1024 bytes",
};

// --- The unmodified programs
// -------------------------------------------------

const plain = new CapturedRun({ args: ["--json", "-"] });

const handshake: WantedRow[] = [
  { from: "server", prints: /^Server listening on 127\.0\.0\.1:/ },
  {
    from: "client",
    flags: "SYN",
    numbers: "Seq=0 Len=0",
    says: "asks to connect",
    unread: { client: 0, server: 0 },
  },
  {
    from: "server",
    flags: "SYN, ACK",
    numbers: "Seq=0 Ack=1 Len=0",
    says: "agrees to connect",
  },
  {
    from: "client",
    flags: "ACK",
    numbers: "Seq=1 Ack=1 Len=0",
    says: "acknowledges: connected",
  },
];

live("SYN, SYN+ACK and ACK follow a server that listens", async () => {
  expectRows(plain.rows, handshake);
});

live("the message is unread until the server reads it", async () => {
  expectRows(plain.rows, [
    ...handshake,
    messageArrives,
    messageIsRead,
    {
      from: "server",
      prints: /^Received: Hello, Server!$/,
      unread: { client: 0, server: 0 },
    },
    echoArrives,
  ]);
});

live("the echo is unread until the client reads it", async () => {
  expectRows(plain.rows, [echoArrives, echoIsRead, echoIsPrinted]);
});

live("the client's FIN follows its last line, then the server's", async () => {
  expectRows(plain.rows, [
    echoIsPrinted,
    {
      from: "client",
      flags: "FIN, ACK",
      numbers: "Seq=15 Ack=15 Len=0",
      says: "no more to send",
    },
    {
      from: "server",
      flags: "FIN, ACK",
      numbers: "Seq=15 Ack=16 Len=0",
      says: "no more to send",
    },
  ]);
});

live("the server exits with code 0 after the client's FIN", async () => {
  expectRows(plain.rows, [
    { from: "client", flags: "FIN, ACK" },
    { from: "server", says: "exits with code 0" },
  ]);
});

live("times are counted from the first packet", async () => {
  const [first] = plain.recording.packets;

  assert.is(first!.timeMs, 0);
});

live("a run has ten packets, and on macOS an ACK more", async () => {
  const { packets } = plain.recording;

  assert.ok(packets.length <= 11, `${packets.length} packets`);
});

live("a run has four lines", async () => {
  assert.is(plain.recording.lines.length, 4);
});

live("a run has two reads", async () => {
  assert.is(plain.recording.reads.length, 2);
});

// --- Robots, which don't read their echo
// --------------------------------------

const robot = new CapturedRun({ args: ["--json", "-", "--robot"] });
const threadsRobot = new CapturedRun({
  args: ["--json", "-", "--robot", "--server", "forever"],
});

const robotResets: WantedRow = {
  from: "client",
  flags: "RST, ACK",
  says: "resets the connection",
};

/** Asserts that a robot pauses after its line, and then resets. */
function expectReset(rows: Row[]): Row {
  const line = expectRow(rows, {
    from: "client",
    flags: "PSH, ACK",
    says: "sends 24 bytes",
    unread: { client: 0, server: 24 },
  });
  const reset = expectRow(rows, {
    ...robotResets,
    unread: { client: 0, server: 0 },
    after: line,
  });
  expectPause(rows, { side: "client", from: line, until: reset, leastMs: 295 });
  return reset;
}

live("a robot resets the connection after 300 ms", async () => {
  expectReset(robot.rows);
});

live("a robot's RST shows how many bytes it leaves unread", async () => {
  expectRow(robot.rows, { ...robotResets, says: "unread: 24 bytes" });
});

live("the server prints ECONNRESET after a robot's RST", async () => {
  const reset = expectReset(robot.rows);
  expectRow(robot.rows, {
    from: "server",
    prints: /ECONNRESET/,
    after: reset,
  });
});

live("the server exits with code 1 after a robot's RST", async () => {
  expectRows(robot.rows, [
    robotResets,
    { from: "server", prints: /ECONNRESET/ },
    { from: "server", says: "exits with code 1" },
  ]);
});

live("a robot resets the threaded server's connection as well", async () => {
  expectReset(threadsRobot.rows);
  expectRow(threadsRobot.rows, {
    ...robotResets,
    says: "unread: 24 bytes",
  });
});

live("the threaded server runs on after a robot's RST", async () => {
  expectRows(threadsRobot.rows, [
    robotResets,
    { from: "server", prints: /ECONNRESET/ },
    { from: "server", says: "still running: gets Ctrl+C" },
  ]);
});

// --- A second client, which is never accepted
// ---------------------------------

const reset = new CapturedRun({ args: ["--json", "-", "--reset"] });

live("the kernel acknowledges bytes of a waiting client", async () => {
  expectRows(reset.rows, [
    { from: "client", connection: 1, flags: "SYN" },
    {
      from: "server",
      connection: 2,
      flags: "ACK",
      says: "acknowledges 14 bytes",
      unread: { client: 0, server: 14 },
    },
    { from: "client", connection: 1, flags: "FIN, ACK" },
  ]);
});

live("a waiting client is reset when the first one closes", async () => {
  const firstCloses = expectRow(reset.rows, {
    from: "client",
    connection: 1,
    flags: "FIN, ACK",
  });
  expectRow(reset.rows, {
    from: "server",
    connection: 2,
    flags: "RST, ACK",
    says: "resets the connection",
    unread: { client: 0, server: 0 },
    after: firstCloses,
  });
});

live("the RST shows how many bytes the server leaves unread", async () => {
  expectRow(reset.rows, {
    from: "server",
    connection: 2,
    flags: "RST, ACK",
    says: "unread: 14 bytes",
  });
});

// --- A thread reads a long message in pieces
// ----------------------------------

const threadsLong = new CapturedRun({
  args: ["--json", "-", "--server", "forever", "--message", longMessage],
});

live("a thread echoes the first 1024 bytes that it reads", async () => {
  expectRows(threadsLong.rows, [
    longMessageArrives,
    firstPieceIsRead,
    firstPieceIsEchoed,
  ]);
});

const receivedFrom: WantedRow = { from: "server", prints: /^Received from / };

live("a thread reads and prints the rest as a second piece", async () => {
  expectRows(threadsLong.rows, [
    firstPieceIsRead,
    receivedFrom,
    { from: "server", says: "reads 476 bytes", unread: { server: 0 } },
    receivedFrom,
  ]);
});

live("the threaded server gets Ctrl+C, and exits with code 0", async () => {
  expectRows(threadsLong.rows, [
    { from: "server", says: "reads 476 bytes" },
    receivedFrom,
    { from: "server", says: "still running: gets Ctrl+C" },
    { from: "server", says: "exits with code 0" },
  ]);
});

live("the threaded server gets Ctrl+C within seconds", async () => {
  const { ends } = threadsLong.recording;

  const client = ends.find(({ from }) => from === "client");
  const interrupt = ends.find(({ signal }) => signal === "SIGINT");
  const laterMs = interrupt!.timeMs - client!.timeMs;
  assert.ok(laterMs < 4000, `${laterMs} ms after the client's exit`);
});

// --- Programs that a learner has changed
// --------------------------------------

/** The async server computes for 200 ms before it prints and echoes. */
const computing = new CapturedRun({
  args: ["--json", "-", "--server", "async", "--message", longMessage],
  edits: [
    {
      file: asyncServerFile,
      before: "      print(`Received from",
      after: `      for (const end = Date.now() + 200; Date.now() < end; );
      print(\`Received from`,
    },
  ],
});

live("a handler that computes has read before it computes", async () => {
  const { rows } = computing;
  const read = expectRows(rows, [longMessageArrives, firstPieceIsRead]);
  const echo = expectRow(rows, { ...firstPieceIsEchoed, after: read });

  expectPause(rows, { side: "server", from: read, until: echo, leastMs: 195 });
});

live("a handler that computes reads the rest after its echo", async () => {
  expectRows(computing.rows, [
    firstPieceIsEchoed,
    { from: "server", says: "reads 476 bytes", unread: { server: 0 } },
  ]);
});

/** The server prints in Korean, and what it has received 100 ms late. */
const serverPrintsLate: ProgramEdit[] = [
  { file: serverFile, before: "`Server listening on ", after: "`대기: " },
  {
    file: serverFile,
    before: "print(`Received: ${utf8.decode(data, { stream: true })}`)",
    after: `setTimeout(
          () => print(\`받음: \${utf8.decode(data, { stream: true })}\`),
          100,
        )`,
  },
];

/**
 * The client uses Node's own socket instead of Python's: its bytes arrive as a
 * "data" event, and it prints them 100 ms later. It also has a connection that
 * is not captured.
 */
const clientUsesEvents: ProgramEdit[] = [
  {
    file: clientFile,
    before: "const s = socket();",
    after: `const other = net.createServer((conn) => conn.end("x"));
  await once(other.listen(0), "listening");
  const { port: otherPort } = other.address() as net.AddressInfo;
  await once(net.connect(otherPort), "data");
  other.close();

  const s = net.connect(port, host);`,
  },
  {
    file: clientFile,
    before: "await s.connect(host, port);",
    after: `await once(s, "connect");`,
  },
  { file: clientFile, before: "s.sendall(Buffer", after: "s.write(Buffer" },
  {
    file: clientFile,
    before: "const data = await s.recv(1024);",
    after: `const [data] = await once(s, "data");
    await new Promise((resolve) => setTimeout(resolve, 100));`,
  },
  { file: clientFile, before: "await s.close();", after: "s.end();" },
];

const eventsAndLateLines = new CapturedRun({
  args: ["--json", "-"],
  edits: [...serverPrintsLate, ...clientUsesEvents],
});

live("lines in Korean are shown unchanged", async () => {
  expectRow(eventsAndLateLines.rows, { from: "server", prints: /^대기: / });
});

live("a line that is printed late is shown after the echo", async () => {
  expectRows(eventsAndLateLines.rows, [
    { from: "server", prints: /^대기: / },
    messageArrives,
    messageIsRead,
    echoArrives,
    { from: "server", prints: /^받음: Hello, Server!$/ },
  ]);
});

live(`bytes of a "data" event are read once, as they arrive`, async () => {
  const { rows } = eventsAndLateLines;
  const message = expectRow(rows, messageArrives);
  const read = expectRow(rows, { ...echoIsRead, after: message });

  expectPause(rows, { side: "client", from: message, until: read, leastMs: 0 });
});

live("a connection that isn't captured has no rows", async () => {
  const { connections, reads } = eventsAndLateLines.recording;

  assert.is(connections.length, 1);
  assert.is(reads.length, 2);
});

live(`bytes of a "data" event are printed later`, async () => {
  const { rows } = eventsAndLateLines;
  const read = expectRows(rows, [messageArrives, echoIsRead]);
  const print = expectRow(rows, { ...echoIsPrinted, after: read });

  expectPause(rows, { side: "client", from: read, until: print, leastMs: 95 });
});

const sleepLine = "await new Promise((resolve) => setTimeout(resolve, 300));";

/** The program sleeps before a statement. */
function sleepsBefore(file: string, statement: string): ProgramEdit {
  return { file, before: statement, after: `${sleepLine} ${statement}` };
}

/** To be preloaded: the client's close() sends RST instead of FIN. */
const clientResets = `
import net from "node:net";

function end() {
  this.resetAndDestroy();
  return this;
}
const isClient = process.argv[1]?.includes("lecture1_client");
if (isClient) net.Socket.prototype.end = end;
`;

const pauses = new CapturedRun({
  args: ["--json", "-"],
  edits: [
    sleepsBefore(clientFile, "s.sendall(Buffer"),
    sleepsBefore(serverFile, "await conn.sendall(data);"),
    sleepsBefore(clientFile, "await s.close();"),
  ],
  env: preloaded(clientResets),
});

live("a client that sleeps before sendall sends 300 ms late", async () => {
  const { rows } = pauses;
  const connected = expectRow(rows, {
    from: "client",
    flags: "ACK",
    numbers: "Seq=1 Ack=1 Len=0",
  });
  const message = expectRow(rows, { ...messageArrives, after: connected });

  expectPause(rows, {
    side: "client",
    from: connected,
    until: message,
    leastMs: 295,
  });
});

live("a server that sleeps before sendall has read before", async () => {
  const { rows } = pauses;
  const read = expectRows(rows, [messageArrives, messageIsRead]);
  const echo = expectRow(rows, { ...echoArrives, after: read });

  expectPause(rows, { side: "server", from: read, until: echo, leastMs: 295 });
});

live("a client that sleeps before close has printed before", async () => {
  const { rows } = pauses;
  const printed = expectRows(rows, [echoArrives, echoIsRead, echoIsPrinted]);
  const closed = expectRow(rows, {
    from: "client",
    flags: "RST, ACK",
    says: "resets the connection",
    unread: { client: 0, server: 0 },
    after: printed,
  });

  expectPause(rows, {
    side: "client",
    from: printed,
    until: closed,
    leastMs: 295,
  });
});

const recv4 = new CapturedRun({
  args: ["--json", "-"],
  edits: [
    { file: serverFile, before: "conn.recv(1024)", after: "conn.recv(4)" },
  ],
});

live("each recv(4) is shown with its bytes, and the rest", async () => {
  expectRows(recv4.rows, [
    messageArrives,
    { from: "server", says: "reads 4 bytes", unread: { server: 10 } },
    { from: "server", says: "reads 4 bytes", unread: { server: 6 } },
    { from: "server", says: "reads 4 bytes", unread: { server: 2 } },
    { from: "server", says: "reads 2 bytes", unread: { server: 0 } },
  ]);
});

/** A thread that reads a first piece, echoes it and then sleeps for 600 ms. */
const sleepingThread = new CapturedRun({
  args: ["--json", "-", "--robot", "--server", "forever"],
  edits: [
    {
      file: threadedServerFile,
      before: "conn.recv(1024);",
      after: "conn.recv(20);",
    },
    {
      file: threadedServerFile,
      before: "conn.sendall(data);",
      after: `conn.sendall(data);
        const memory = new SharedArrayBuffer(4);
        Atomics.wait(new Int32Array(memory), 0, 0, 600);`,
    },
  ],
});

live("a thread can read bytes that arrived before an RST", async () => {
  expectRows(sleepingThread.rows, [
    { from: "server", says: "reads 20 bytes", unread: { server: 4 } },
    { from: "client", flags: "RST, ACK", unread: { server: 4 } },
    { from: "server", says: "reads 4 bytes", unread: { server: 0 } },
  ]);
});

// --- More connections than one
// ----------------------------------------------

const startStatement = "startClient(host, port, message).catch(fail);";

/** The client connects, and then once more. */
const connectsTwice: ProgramEdit = {
  file: clientFile,
  before: startStatement,
  after: `startClient(host, port, message)
    .then(() => startClient(host, port, message))
    .catch(fail);`,
};

/** The client has two connections at the same time. */
const hasTwoConnections: ProgramEdit = {
  file: clientFile,
  before: startStatement,
  after: `for (const one of [message, message])
    startClient(host, port, one).catch(fail);`,
};

const twoConnections = [
  {
    title: "one after the other",
    run: new CapturedRun({
      args: ["--json", "-", "--server", "async"],
      edits: [connectsTwice],
    }),
  },
  {
    title: "at the same time",
    run: new CapturedRun({
      args: ["--json", "-", "--server", "forever"],
      edits: [hasTwoConnections],
    }),
  },
];

for (const { title, run } of twoConnections) {
  live(`two connections ${title}: all their packets are there`, async () => {
    const { packets } = run.recording;

    for (const connection of [1, 2]) {
      const fins = packets.filter(
        (packet) =>
          packet.connection === connection && packet.flags.includes("FIN"),
      );
      assert.is(fins.length, 2, `connection ${connection}`);
    }
  });

  live(`two connections ${title}: nothing is reported missing`, async () => {
    assert.is(run.output.stderr, "");
  });

  live(`two connections ${title}: Ctrl+C is sent soon`, async () => {
    const { ends } = run.recording;

    const client = ends.find(({ from }) => from === "client");
    const interrupt = ends.find(({ signal }) => signal === "SIGINT");
    const laterMs = interrupt!.timeMs - client!.timeMs;
    assert.ok(laterMs < 10_000, `${laterMs} ms after the client's exit`);
  });
}

/** Long after its client, the server connects to its port before it exits. */
const oneMoreAtTheEnd = new CapturedRun({
  args: ["--json", "-"],
  edits: [
    {
      file: serverFile,
      before: "startServer(host, port).catch(fail);",
      after: `startServer(host, port)
    .then(() => new Promise((done) => setTimeout(done, 3000)))
    .then(async () => (await import("node:net")).connect(port, "127.0.0.1"))
    .then((last) => last.on("error", () => {}))
    .catch(fail);`,
    },
  ],
});

live("packets shortly before the server's exit are there", async () => {
  expectRow(oneMoreAtTheEnd.rows, {
    from: "client",
    connection: 2,
    flags: "SYN",
    says: "asks to connect",
  });
});

const refusedTwice = new CapturedRun({
  args: ["--json", "-", "--refused"],
  edits: [
    {
      file: clientFile,
      before: startStatement,
      after: `startClient(host, port, message)
    .catch(() => startClient(host, port, message))
    .catch(fail);`,
    },
  ],
});

live("both refusals of a client that tries again are there", async () => {
  const { packets } = refusedTwice.recording;

  const resets = packets.filter(({ flags }) => flags.includes("RST"));
  assert.equal(
    resets.map(({ connection }) => connection),
    [1, 2],
  );
});

// --- What a program reads in other ways
// --------------------------------------

/** The server answers with four bytes, two of which are no UTF-8. */
const answersWithOddBytes: ProgramEdit = {
  file: serverFile,
  before: "await conn.sendall(data);",
  after: "await conn.sendall(Buffer.from([0x41, 0xff, 0x42, 0xff]));",
};

const decoding = new CapturedRun({
  args: ["--json", "-"],
  edits: [
    answersWithOddBytes,
    {
      file: clientFile,
      before: "const data = await s.recv(1024);",
      after: `const data = await s.recv(1024);
    print(\`decoded \${data}\`);`,
    },
    {
      file: clientFile,
      before: 'nodeSocket.on("error", () => {});',
      after: `nodeSocket.on("error", () => {});
  nodeSocket.setEncoding("utf8");`,
    },
  ],
});

live("after setEncoding() the bytes of the socket are counted", async () => {
  expectRows(decoding.rows, [
    {
      from: "server",
      flags: "PSH, ACK",
      says: "sends 4 bytes",
      unread: { client: 4 },
    },
    { from: "client", says: "reads 4 bytes", unread: { client: 0 } },
    { from: "client", prints: /^decoded / },
  ]);
});

/** The client lets Node put five bytes at a time into its own buffer. */
const clientUsesOnread: ProgramEdit = {
  file: clientFile,
  before: "await s.connect(host, port);",
  after: `const buffer = Buffer.alloc(5);
    let count = 0;
    await new Promise<void>((done) => {
      function callback(size: number): boolean {
        count += size;
        print(\`got \${count}\`);
        if (count === 14) {
          own.end();
          done();
        }
        return true;
      }
      const own = net.connect({ port, host, onread: { buffer, callback } });
      own.write(message);
    });
    return;`,
};

const onread = new CapturedRun({
  args: ["--json", "-"],
  edits: [clientUsesOnread],
});

live("bytes in a program's own buffer are read", async () => {
  expectRows(onread.rows, [
    echoArrives,
    { from: "client", says: "reads 5 bytes", unread: { client: 9 } },
    { from: "client", prints: /^got 5$/ },
    { from: "client", says: "reads 5 bytes", unread: { client: 4 } },
    { from: "client", says: "reads 4 bytes", unread: { client: 0 } },
    { from: "client", prints: /^got 14$/ },
  ]);
});

const puttingBack = new CapturedRun({
  args: ["--json", "-"],
  edits: [
    {
      file: clientFile,
      before: "async recv(size: number): Promise<Buffer> {",
      after: `async recv(size: number): Promise<Buffer> {
      await once(nodeSocket, "readable");
      nodeSocket.unshift(nodeSocket.read(6));`,
    },
  ],
});

live("bytes that a program puts back are read once", async () => {
  const { reads } = puttingBack.recording;

  const atClient = reads.filter(({ from }) => from === "client");
  assert.equal(
    atClient.map(({ bytes }) => bytes),
    [6, 8],
  );
});

// --- A connection that is quiet
// ---------------------------------------------

const quiet = new CapturedRun({
  args: ["--json", "-", "--server", "async"],
  edits: [
    {
      file: clientFile,
      before: 'nodeSocket.on("error", () => {});',
      after: `nodeSocket.on("error", () => {});
  nodeSocket.setKeepAlive(true, 1000);`,
    },
    {
      file: clientFile,
      before: "await s.close();",
      after: `await new Promise((resolve) => setTimeout(resolve, 1400));
    await s.close();`,
    },
  ],
});

onLinux("a keep-alive and its ACK have their words", async () => {
  expectRows(quiet.rows, [
    echoIsPrinted,
    { from: "client", flags: "ACK", says: "keep-alive: still there?" },
    { from: "server", flags: "ACK", says: "keep-alive acknowledged" },
    { from: "client", flags: "FIN, ACK" },
  ]);
});

/** The server has no room, since it waits before it reads. */
const full = new CapturedRun({
  args: ["--json", "-"],
  edits: [
    {
      file: serverFile,
      before: "conn.recv(1024)",
      after: "conn.recv(1e6)",
    },
    {
      file: serverFile,
      before: "const utf8 = new TextDecoder(",
      after: `await new Promise((resolve) => setTimeout(resolve, 1000));
    const utf8 = new TextDecoder(`,
    },
    {
      file: clientFile,
      before: "Buffer.from(message)",
      after: "Buffer.alloc(3e6, 65)",
    },
  ],
});

onLinux("a receiver without room, and the probes, have words", async () => {
  expectRows(full.rows, [
    { from: "server", flags: "ACK", says: "zero window: no room" },
    { from: "client", flags: "ACK", says: "window probe: room now?" },
    { from: "server", flags: "ACK", says: "zero window: no room" },
    { from: "server", says: "window update: has room" },
  ]);
});

onLinux("3 MB: no byte is unread after the server has all", async () => {
  const { rows } = full;

  const mostUnread = Math.max(...rows.map(({ unread }) => unread.server));
  assert.ok(mostUnread > 100_000, `${mostUnread}`);
  assert.is(rows.at(-1)!.unread.server, 0);
});

// --- A firewall after the capture
// ------------------------------------------

const lostMessage = new CapturedRun({
  args: ["--json", "-", "--server", "async"],
  runWith: networkWith([dropFirstMessage]),
});
const lostEcho = new CapturedRun({
  args: ["--json", "-", "--robot"],
  runWith: networkWith([dropEveryEcho]),
});

inNetwork("a message that is dropped is unread when it arrives", async () => {
  expectRows(lostMessage.rows, [
    { ...messageArrives, unread: { client: 0, server: 0 } },
    { ...messageArrives, says: "retransmission", unread: { server: 14 } },
    messageIsRead,
  ]);
});

inNetwork("an echo that never arrives is never unread", async () => {
  const unread = lostEcho.rows.map((row) => row.unread.client);

  assert.equal(
    unread.filter((bytes) => bytes > 0),
    [],
  );
});

inNetwork("a robot whose echo never arrives sends FIN", async () => {
  expectRows(lostEcho.rows, [
    { from: "server", says: "sends 24 bytes" },
    { from: "server", says: "retransmission" },
    { from: "client", flags: "FIN, ACK" },
  ]);
});

inNetwork("an echo that never arrives isn't left unread", async () => {
  const phrases = lostEcho.rows.flatMap(({ descriptions }) => descriptions);

  assert.equal(
    phrases.filter((phrase) => phrase.startsWith("unread: ")),
    [],
  );
});

// --- tshark on another machine
// ----------------------------------------------

/** The folder of a user who has set Wireshark up in an odd way. */
async function homeWithSettings(): Promise<string> {
  const home = await temporaryFolder();
  const settings = join(home, ".config", "wireshark");
  const plugins = join(home, ".local", "lib", "wireshark", "plugins");
  await mkdir(settings, { recursive: true });
  await mkdir(plugins, { recursive: true });
  await writeFile(join(settings, "disabled_protos"), "tcp\n");
  await writeFile(
    join(settings, "preferences"),
    "frame.generate_epoch_time: FALSE\ntcp.relative_sequence_numbers: FALSE\n",
  );
  await writeFile(join(plugins, "hello.lua"), 'print("hello")\n');
  return home;
}

const otherUser = new CapturedRun({
  args: ["--json", "-"],
  env: {
    HOME: await homeWithSettings(),
    XDG_CONFIG_HOME: undefined,
    WIRESHARK_LOG_LEVEL: "none",
  },
});

onLinux("the user's settings of Wireshark change nothing", async () => {
  expectRows(otherUser.rows, [...handshake, messageArrives, messageIsRead]);
});

/**
 * A tshark whose lines a program changes: Node, since others keep lines back.
 *
 * @param change JavaScript: the replacement of `line`
 */
function tsharkWithLines(change: string): Promise<string> {
  const code = `
    process.on("SIGINT", () => {});
    require("node:readline")
      .createInterface({ input: process.stdin })
      .on("line", (line) => console.log(${change}));`;
  return pathWithTshark(`#!/bin/bash
PATH=\${PATH#*:} exec tshark "$@" > >(exec ${process.execPath} -e '${code}')
`);
}

const withPlugin = new CapturedRun({
  args: ["--json", "-"],
  env: { PATH: await tsharkWithLines('"hello\\n" + line') },
});

onLinux("lines of a plugin are no packets", async () => {
  assert.is(withPlugin.recording.packets.length, 10);
});

/** Leaves out the sequence number, the eleventh field of TCP packets. */
const withoutSeq = new CapturedRun({
  env: {
    PATH: await tsharkWithLines(
      'line.split("\\t").map((value, at) => (at === 10 ? "" : value)).join("\\t")',
    ),
  },
  exitCode: 1,
});

onLinux("packets without a number are reported in one line", async () => {
  assert.equal(withoutSeq.output, {
    stdout: "",
    stderr:
      "packets: tshark printed packets without tcp.seq: they are not drawn\n",
  });
});

/** tshark reports at its exit that the kernel's buffer was full. */
const droppingTshark = `#!/bin/bash
trap : INT
PATH=\${PATH#*:} tshark "$@"
code=$?
echo "3 packets dropped from lo" >&2
exit $code
`;
const dropping = new CapturedRun({
  env: { PATH: await pathWithTshark(droppingTshark) },
  exitCode: 1,
});

onLinux("packets that the capture drops are reported", async () => {
  assert.is(
    dropping.output.stderr,
    "packets: the capture dropped 3 packets, because they arrived faster " +
      "than tshark could save them: the picture has gaps\n",
  );
});

/**
 * To be preloaded: in packets, the system's clock is set to an hour later when
 * the client starts.
 */
const clockIsSet = `
import child_process from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

const { now } = Date;
const { spawn } = child_process;
const isPackets = process.argv[1]?.includes("packets");
child_process.spawn = (command, args, options) => {
  const isClient = args.some((arg) => arg.includes("lecture1_client"));
  if (isClient) Date.now = () => now() + 3_600_000;
  return spawn(command, args, options);
};
if (isPackets) syncBuiltinESMExports();
`;

/** The kernel's times are an hour later then. */
const anHourLater =
  "line.replace(/^[0-9.]+/, (time) => (Number(time) + 3600).toFixed(6))";

const clockStep = new CapturedRun({
  args: ["--json", "-"],
  env: {
    ...preloaded(clockIsSet),
    PATH: await tsharkWithLines(anHourLater),
  },
});

onLinux("if the system's clock is set, a read follows its bytes", async () => {
  expectRows(clockStep.rows, [...handshake, messageArrives, messageIsRead]);
});

onLinux("if the system's clock is set, times stay small", async () => {
  for (const { time } of clockStep.rows)
    assert.ok(Math.abs(Number(time)) < 60_000, time);
});

// --- Mistakes of a learner
// ----------------------------------------------------

const misspelled = new CapturedRun({
  edits: [
    { file: clientFile, before: "s.sendall(Buffer", after: "s.sendAll(Buffer" },
  ],
  exitCode: 1,
});

live("after an uncaught error the client exits with code 1", async () => {
  const { stderr } = misspelled.output;

  assert.match(stderr, /^packets: lecture1_client.ts exits with code 1\n/);
});

live("an uncaught error is reported with its line", async () => {
  const { stderr } = misspelled.output;

  assert.match(stderr, /client\.ts:\d+\n[^]*s.sendAll is not a function/);
});

live("the packets before an uncaught error are shown", async () => {
  assert.match(misspelled.output.stdout, "acknowledges: connected");
});

const neverConnects = new CapturedRun({
  edits: [
    {
      file: clientFile,
      before: "await s.connect(host, port);",
      after: "await s.connekt(host, port);",
    },
  ],
  exitCode: 1,
});

live("a client that never connects: that is reported first", async () => {
  const { stderr } = neverConnects.output;

  const reason = "no packet was captured: no program has connected";
  const end = "lecture1_client.ts exits with code 1";
  assert.ok(stderr.startsWith(`packets: ${reason}; ${end}\n`), stderr);
  assert.match(stderr, "s.connekt is not a function");
});

const syntaxError = new CapturedRun({
  edits: [
    {
      file: serverFile,
      before: "await s.listen();",
      after: "await s.listen(;",
    },
  ],
  exitCode: 1,
});

live("a syntax error is reported with its line, in one line", async () => {
  const error = /^packets: .*lecture1_server\.ts:\d+: Unexpected ";"\n$/;

  assert.match(syntaxError.output.stderr, error);
});

live("a program with a syntax error has no picture", async () => {
  assert.is(syntaxError.output.stdout, "");
});

// --- No server, an older tshark, and files
// ------------------------------------

/** Older versions of tshark don't print when the capture has started. */
const olderTshark = `#!/bin/bash
withoutLine() { grep --line-buffered -v "Capture started"; }
PATH=\${PATH#*:} exec tshark "$@" 2> >(withoutLine >&2)
`;
const savedFile = join(await temporaryFolder(), "packets");
const refused = new CapturedRun({
  args: ["--json", "-", "--refused", "--save", savedFile],
  env: { PATH: await pathWithTshark(olderTshark) },
});

onLinux("without a server the kernel refuses the client's SYN", async () => {
  expectRows(refused.rows, [
    { from: "client", flags: "SYN" },
    { from: "server", flags: "RST, ACK", says: "refused: nothing listens" },
    { from: "client", says: "exits with code 1" },
  ]);
});

onLinux("--save keeps the packets as pcapng", async () => {
  const blockType = (await readFile(savedFile)).readUInt32LE();

  assert.is(blockType, 0x0a0d0d0a);
});

onLinux("--save keeps TCP only", async () => {
  const file = await readFile(savedFile);

  assert.equal(withoutUdp(file), file);
});

const unsaved = new CapturedRun({
  args: ["--save", "/nonexistent/x"],
  exitCode: 1,
});

onLinux("a file that can't be saved is reported", async () => {
  const complaint = /^packets: tshark reports: The file .*\/nonexistent\//;

  assert.match(unsaved.output.stderr, complaint);
});

onLinux("a file that can't be saved is no reason for a recording", async () => {
  assert.is(unsaved.output.stdout, "");
});

// --- Signals to packets
// -------------------------------------------------------

/** A tshark that is just starting ignores SIGINT, and so does this program. */
const deafTshark = `#!/bin/sh
trap "" INT
sleep 99 & wait
`;

interface Interruption {
  title: string;
  signal: NodeJS.Signals;
  /** The signal is sent when packets and what it has started are this many. */
  processes: number;
  /** The exit code of packets; null if the signal kills it. */
  exitCode: number | null;
  /** Another tshark, as a script. */
  tshark?: string;
}

const interruptions: Interruption[] = [
  {
    title: "SIGTERM while tshark starts",
    signal: "SIGTERM",
    processes: 3,
    exitCode: 143,
  },
  {
    title: "SIGTERM while tshark ignores SIGINT",
    signal: "SIGTERM",
    processes: 5,
    exitCode: 143,
    tshark: deafTshark,
  },
  {
    title: "Ctrl+C while the programs start",
    signal: "SIGINT",
    processes: 5,
    exitCode: 130,
  },
  {
    title: "a closed terminal while the programs run",
    signal: "SIGHUP",
    processes: 6,
    exitCode: 129,
  },
  {
    title: "kill -9 while tshark starts",
    signal: "SIGKILL",
    processes: 4,
    exitCode: null,
  },
  {
    title: "kill -9 while tshark ignores SIGINT",
    signal: "SIGKILL",
    processes: 5,
    exitCode: null,
    tshark: deafTshark,
  },
  {
    title: "kill -9 while the programs run",
    signal: "SIGKILL",
    processes: 6,
    exitCode: null,
  },
];

for (const interruption of interruptions)
  onLinux(`${interruption.title}: no output, no process left`, async () => {
    const { signal, processes, exitCode, tshark } = interruption;
    const PATH = tshark ? await pathWithTshark(tshark) : process.env.PATH;
    const packets = startPackets(["--server", "async"], { env: { PATH } });
    const pids = await untilRunning(packets, processes);

    // The terminal sends Ctrl+C to all its processes.
    if (signal === "SIGINT") await $`kill -INT ${pids}`;
    await sendUntilExit(packets, signal);

    assert.is(packets.exitStatus?.code, exitCode);
    assert.equal(packets.output, { stdout: "", stderr: "" });
    await expectNoneLeft(packets);
  });

/**
 * Waits until packets and what it has started are many enough.
 *
 * @returns their process IDs
 * @throws Error when packets exits first
 */
async function untilRunning(packets: Marked, count: number): Promise<string[]> {
  while (!packets.exitStatus) {
    const lines = processesLeft(packets.mark);
    if (lines.length >= count) return lines.map((line) => line.split(" ")[0]!);
    await sleep(10);
  }
  throw new Error(`packets has exited before it had ${count} processes`);
}

/**
 * Sends a signal again and again, as npm passes on a Ctrl+C that was already
 * sent.
 */
async function sendUntilExit(
  packets: Marked,
  signal: NodeJS.Signals,
): Promise<void> {
  while (!packets.exitStatus) {
    packets.kill(signal);
    await sleep(2);
  }
}

const runs = [
  plain,
  robot,
  threadsRobot,
  reset,
  threadsLong,
  computing,
  eventsAndLateLines,
  pauses,
  recv4,
  sleepingThread,
  misspelled,
  neverConnects,
  syntaxError,
  ...twoConnections.map(({ run }) => run),
  oneMoreAtTheEnd,
  refusedTwice,
  decoding,
  onread,
  puttingBack,
];
const runsOnLinux = [
  refused,
  unsaved,
  quiet,
  full,
  otherUser,
  withPlugin,
  withoutSeq,
  dropping,
  clockStep,
];
if (!noCapture) await captureRuns(runs);
if (!noCapture && !notLinux) await captureRuns(runsOnLinux);
if (!noNetwork) await captureRuns([lostMessage, lostEcho]);
test.run();
