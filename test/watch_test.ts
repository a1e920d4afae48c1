/**
 * packets --watch: real captures of programs that the tests start, as a learner
 * does.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { env, pythonCommand } from "../scripts/compare/programs.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { freePort } from "../scripts/freePort.ts";
import { launch } from "../scripts/launch.ts";
import { findOriginal } from "../scripts/originals.ts";
import { projectFile } from "../scripts/project.ts";
import { tsharkEnvironment } from "../scripts/packets/tshark.ts";
import { $ } from "../scripts/zx.ts";
import { connect, expectEcho, leave } from "./helpers/clients.ts";
import { expectRow, expectRows } from "./helpers/expectRow.ts";
import { expectNoneLeft, processesLeft, suite } from "./helpers/harness.ts";
import {
  dropFirstMessage,
  tableOf,
  whyNoNetwork,
} from "./helpers/lossyNetwork.ts";
import { noPython, noTerminal, notLinux } from "./helpers/machine.ts";
import {
  english,
  pathWithTshark,
  runPackets,
  startPackets,
} from "./helpers/packetsTool.ts";
import { listening, nodeCommand, startServer } from "./helpers/programs.ts";
import { openTerminal } from "./helpers/pseudoTerminal.ts";
import { pageOf } from "./helpers/recordings.ts";
import {
  makeTwoComputers,
  noTwoComputers,
  serverAddress,
} from "./helpers/twoComputers.ts";
import { startWatching } from "./helpers/watching.ts";
import { whyNoCapture } from "./helpers/whyNoCapture.ts";

const test = suite("watch");

const noCapture = await whyNoCapture();
const live = test.unless(noCapture);
const onLinux = test.unless(noCapture || notLinux);
const inTerminal = test.unless(noCapture || noTerminal);
const betweenComputers = test.unless(
  noCapture || (await noTwoComputers()) || (await whyNoNetwork()),
);

const server = "lecture1_server";
const threadedServer = "lecture1_server_forever";
const asyncServer = "lecture1_server_forever_async";

/** Runs the lecture's client until it exits. */
async function runClient(port: number, message?: string): Promise<void> {
  const words = message === undefined ? [] : ["--message", message];
  const command = nodeCommand("lecture1_client.ts");
  const client = launch([...command, "--port", String(port), ...words]);
  const { code } = await client.exit();
  assert.is(code, 0, client.describe());
}

// --- What is drawn
// ------------------------------------------------------------

for (const name of [server, threadedServer, asyncServer])
  live(`${name} and its client are drawn`, async () => {
    const watching = await startWatching();
    await startServer(name, watching.port);
    await runClient(watching.port);
    await watching.shows(/no more to send[^]*no more to send/);
    await watching.end();

    expectRows(await watching.rows(), [
      { from: "client", flags: "SYN", connection: 1, says: "asks to connect" },
      { from: "server", flags: "SYN, ACK", connection: 1 },
      { from: "client", connection: 1, says: "acknowledges: connected" },
      {
        from: "client",
        connection: 1,
        numbers: "Seq=1 Ack=1 Len=14",
        says: "sends 14 bytes",
      },
      { from: "server", connection: 1, says: "sends 14 bytes" },
    ]);
  });

live("what is drawn is what the recording has", async () => {
  const watching = await startWatching();
  await startServer(server, watching.port);
  await runClient(watching.port);
  await watching.shows(/no more to send[^]*no more to send/);
  await watching.end();

  const rows = await watching.rows();
  const arrows = watching.screen.match(/1: \[.*Len=\d+/g);
  const expected = rows.map(
    (row) => row.kind === "packet" && `${row.flags} ${row.numbers}`,
  );
  assert.equal(arrows, expected);
});

live("a packet is drawn while the connection goes on", async () => {
  const watching = await startWatching();
  await startServer(threadedServer, watching.port);
  const client = await connect(watching.port);
  await expectEcho(client, "first");
  await watching.shows(/"first"[^]*"first"/);
  assert.not.match(watching.screen, "FIN");

  await leave(client);
  await watching.shows(/FIN/);
  await watching.end();
});

live("half of the packets are drawn within half a second", async () => {
  const watching = await startWatching();
  await startServer(threadedServer, watching.port);
  const client = await connect(watching.port);
  const delaysMs: number[] = [];
  for (let count = 0; count < 11; count++) {
    const sentMs = performance.now();
    await expectEcho(client, `number ${count}`);
    await watching.shows(new RegExp(`"number ${count}"`));
    delaysMs.push(performance.now() - sentMs);
  }
  await watching.end();

  const medianMs = delaysMs.sort((one, other) => one - other)[5]!;
  assert.ok(medianMs < 500, String(delaysMs));
});

live("two clients have a number each", async () => {
  const watching = await startWatching();
  await startServer(asyncServer, watching.port);
  const one = await connect(watching.port);
  const other = await connect(watching.port);
  await expectEcho(other, "from the second");
  await expectEcho(one, "from the first");
  await leave(one);
  await leave(other);
  await watching.shows(/2: \[FIN/);
  await watching.end();

  const rows = await watching.rows();
  expectRows(rows, [
    { from: "client", connection: 1, flags: "SYN" },
    { from: "client", connection: 2, flags: "SYN" },
    { from: "client", connection: 2, says: "sends 15 bytes" },
    { from: "client", connection: 1, says: "sends 14 bytes" },
  ]);
  const addresses = watching.screen.match(/^ +[12]: │127\.0\.0\.1:\d+/gm);
  assert.is(addresses?.length, 2, watching.screen);
});

live("the end says how many packets and connections there were", async () => {
  const watching = await startWatching();
  await startServer(asyncServer, watching.port);
  for (let count = 0; count < 3; count++)
    await leave(await connect(watching.port));
  await watching.shows(/3: \[FIN[^]*3: \[FIN/);
  await watching.end();

  const { packets } = await watching.recording();
  const summary = `packets: ${packets.length}, connections: 3\n`;
  assert.is(watching.screen.slice(-summary.length), summary);
});

live("only packets are known, and it says so", async () => {
  const watching = await startWatching();
  await startServer(server, watching.port);
  await runClient(watching.port);
  await watching.shows(/FIN[^]*FIN/);
  await watching.end();

  const oneLine = watching.screen.replaceAll("\n", " ");
  assert.ok(oneLine.includes(english.packetsOnly), watching.screen);
  const { reads, lines, ends } = await watching.recording();
  assert.equal({ reads, lines, ends }, { reads: [], lines: [], ends: [] });
  // A number of unread bytes would be next to the server's line.
  assert.not.match(watching.screen, /[▶─]│\d/);
});

live("a robot that doesn't read the echo resets", async () => {
  const watching = await startWatching();
  await startServer(server, watching.port);
  const robot = await connect(watching.port, { reading: false });
  await robot.send("hello socket from robot\n");
  await watching.shows(/sends 24 bytes[^]*sends 24 bytes/);
  robot.socket.destroy();
  await watching.shows(/RST/);
  await watching.end();

  const rows = await watching.rows();
  expectRow(rows, {
    from: "client",
    connection: 1,
    flags: "RST, ACK",
    says: "resets the connection",
  });
});

live("a port on which nothing listens refuses", async () => {
  const watching = await startWatching();
  await connect(watching.port).catch(() => {});
  await watching.shows(/refused: nothing listens/);
  await watching.end();
});

live("a connection that began before has no handshake", async () => {
  const { port } = await startServer(threadedServer);
  const client = await connect(port);
  await expectEcho(client, "before");
  const watching = await startWatching([], { port });
  await expectEcho(client, "Hello");
  await leave(client);
  await watching.shows(/FIN[^]*FIN/);
  await watching.end();

  const rows = await watching.rows();
  const oneLine = watching.screen.replace(/\n[ │]*/g, " ");
  assert.match(oneLine, "no SYN captured");
  assert.not.match(watching.screen, /\[SYN|connected/);
  expectRows(rows.slice(0, 2), [
    {
      from: "client",
      numbers: "Seq=1 Ack=1 Len=5",
      says: "sends 5 bytes",
    },
    { from: "server", says: "acknowledges 5 bytes" },
  ]);
});

live("relative numbers are those of tshark", async () => {
  const { port } = await startServer(threadedServer);
  const client = await connect(port);
  await expectEcho(client, "before");
  const saved = join(await temporaryFolder(), "watch.pcapng");
  const watching = await startWatching(["--save", saved], { port });
  await expectEcho(client, "Hello");
  await leave(client);
  await leave(await connect(port));
  await watching.shows(/2: \[FIN[^]*2: \[FIN/);
  await watching.end();

  const fields = ["tcp.seq", "tcp.ack", "tcp.len"];
  const printed = fields.flatMap((field) => ["-e", field]);
  const command = ["tshark", "-r", saved, "-T", "fields", ...printed];
  const tshark = launch(command, { env: tsharkEnvironment() });
  await tshark.exit();
  const { packets } = await watching.recording();
  const ours = packets.map(({ seq, ack = 0, length }) => [seq, ack, length]);
  // A plugin of this machine can print lines, too.
  const printedRows = tshark.lines().filter((line) => line.includes("\t"));
  const theirs = printedRows.map((row) => row.split("\t").map(Number));
  assert.equal(ours, theirs);
});

// --- Python's programs
// --------------------------------------------------------

const originals = process.env.LECTURE1_ORIGINALS ?? "originals";
const originalServer = findOriginal(originals, "lecture1_server");
const originalClient = findOriginal(originals, "lecture1_client");
const noOriginals =
  (await noPython()) ||
  ((!originalServer || !originalClient) &&
    "no originals in LECTURE1_ORIGINALS");

test.unless(noCapture || noOriginals)("the originals are drawn", async () => {
  const watching = await startWatching();
  const { port } = watching;
  await listening(launch(pythonCommand(originalServer!, port), { env }));
  const client = launch(pythonCommand(originalClient!, port), { env });
  await client.exit();
  await watching.shows(/FIN[^]*FIN/);
  await watching.end();

  expectRows(await watching.rows(), [
    { from: "client", connection: 1, flags: "SYN" },
    { from: "client", says: "sends 14 bytes" },
    { from: "server", says: "sends 14 bytes" },
  ]);
});

test.unless(noCapture || (await noPython()))(
  "the threaded server in Python is drawn",
  async () => {
    const watching = await startWatching();
    const file = projectFile("test/originals/lecture1_server_forever.py");
    await listening(launch(pythonCommand(file, watching.port), { env }));
    await runClient(watching.port, "from TypeScript");
    await watching.shows(/"from TypeScript"[^]*"from TypeScript"/);
    await watching.end();
  },
);

/** Asserts that no line of a screen is wider than the terminal. */
function expectNarrow(screen: string, columns: number): void {
  // The terminal itself writes ^C, wherever the cursor is. stringWidth() takes
  // the heads of arrows for emoji.
  const rows = screen.replace("^C", "").replaceAll(/[▶◀]/g, ">");
  const lines = rows.split("\n");
  const tooWide = lines.filter((line) => stringWidth(line) > columns);
  assert.equal(tooWide, []);
}

// --- Language, width, and files
// -----------------------------------------------

onLinux("in Korean and 60 columns, every line fits", async () => {
  const port = await freePort();
  const command = nodeCommand("scripts/packets.ts").join(" ");
  const terminal = openTerminal(
    `${command} --watch --port ${port} --lang ko`,
    "stty cols 60",
  );
  await terminal.prints(/ms │/, 20_000);
  await startServer(server, port);
  await runClient(port, "안녕하세요");
  await terminal.prints(/FIN[^]*FIN/, 20_000);
  terminal.type("\x03");
  assert.is(await terminal.exit(), 0);

  const screen = stripVTControlCharacters(terminal.screen());
  assert.match(screen, "연결 요청");
  assert.match(screen, '"안녕하세요"');
  expectNarrow(screen, 60);
});

inTerminal("after a resize, rows fit, and old rows stay", async () => {
  const port = await freePort();
  const command = nodeCommand("scripts/packets.ts").join(" ");
  const terminal = openTerminal(
    `${command} --watch --port ${port} --lang en`,
    "tty; stty cols 100",
  );
  const [device] = await terminal.prints(/\/dev\/\S+/);
  await terminal.prints(/ms │/, 20_000);
  await startServer(threadedServer, port);
  const client = await connect(port);
  await expectEcho(client, "wide");
  await terminal.prints(/"wide"[^]*"wide"/, 20_000);
  await sleep(500); // The last ACK is drawn.
  const before = terminal.screen();
  await $`stty -F ${device} cols 50`;
  await sleep(500);
  await expectEcho(client, "narrow");
  await terminal.prints(/"narrow"[^]*"narrow"/, 20_000);
  terminal.type("\x03");
  await terminal.exit();

  const screen = terminal.screen();
  assert.is(screen.slice(0, before.length), before);
  const after = stripVTControlCharacters(screen.slice(before.length));
  expectNarrow(after, 50);
});

live("--html and --json write the same picture", async () => {
  const htmlFile = join(await temporaryFolder(), "watch.html");
  const watching = await startWatching(["--html", htmlFile]);
  await startServer(server, watching.port);
  await runClient(watching.port);
  await watching.shows(/FIN[^]*FIN/);
  await watching.end();

  const html = await readFile(htmlFile, "utf8");
  assert.is(pageOf(await watching.recording()), html);
  assert.match(html, "asks to connect");
});

live("the page of a watch explains no reads", async () => {
  const watching = await startWatching();
  await watching.end();

  const html = pageOf(await watching.recording());
  assert.match(html, "only packets are captured");
  assert.not.match(html, "◆");
  assert.not.match(html, "has not read yet");
});

live("--json - prints only JSON", async () => {
  const port = await freePort();
  const options = ["--watch", "--port", String(port), "--json", "-"];
  const packets = startPackets(options);
  await packets.prints(/Listening/, 20_000);
  await connect(port).catch(() => {});
  await sleep(1000);
  packets.kill("SIGINT");
  await packets.exit();

  const { run, packets: captured } = JSON.parse(packets.output.stdout);
  assert.equal(run.kind, "watch");
  assert.is(captured.length, 2);
});

// --- The end
// ------------------------------------------------------------------

live("a port that nobody uses has no packets", async () => {
  const watching = await startWatching();
  await watching.end();

  assert.match(watching.screen, "packets: 0, connections: 0\n");
  assert.is(watching.process.output.stderr, "");
});

inTerminal("Ctrl+C while packets come ends everything", async () => {
  const port = await freePort();
  const json = join(await temporaryFolder(), "watch.json");
  const command = nodeCommand("scripts/packets.ts").join(" ");
  const terminal = openTerminal(
    `${command} --watch --port ${port} --lang en --json ${json}`,
  );
  await terminal.prints(/ms │/, 20_000);
  await startServer(threadedServer, port);
  const client = await connect(port);
  let isOver = false;
  // More packets than rows that are drawn, but no more than can be captured on a
  // busy machine.
  const talk = (async () => {
    while (!isOver) {
      await expectEcho(client, "more");
      await sleep(1);
    }
  })();
  // If the test fails first, nothing awaits it.
  talk.catch(() => {});
  await terminal.prints(/packets more/, 20_000);
  terminal.type("\x03");
  const code = await terminal.exit();
  isOver = true;
  await talk;

  assert.is(code, 0);
  const { packets, unkept = 0 } = JSON.parse(await readFile(json, "utf8"));
  const screen = stripVTControlCharacters(terminal.screen());
  const count = (packets.length + unkept).toLocaleString("en");
  assert.match(screen, `packets: ${count}, connections: 1`);
});

/** The processes of a watch, by the name of their program. */
function programsOf(mark: string, name: string): number[] {
  const processes = processesLeft(mark).filter((process) =>
    process.split(" ")[1]!.endsWith(name),
  );
  return processes.map((process) => Number.parseInt(process));
}

for (const name of ["tshark", "dumpcap"])
  onLinux(`${name} is killed: it says so, and writes its files`, async () => {
    const watching = await startWatching();
    await connect(watching.port).catch(() => {});
    await watching.shows(/refused/);
    const [pid] = programsOf(watching.process.mark, name);
    process.kill(pid!, "SIGKILL");
    await watching.exits(1);

    const { stderr } = watching.process.output;
    assert.match(stderr, new RegExp(`^packets: ${name} reports: .+\n$`));
    assert.is((await watching.recording()).packets.length, 2);
  });

onLinux("after kill -9, nothing is left running", async () => {
  const watching = await startWatching();
  watching.process.kill("SIGKILL");
  await watching.process.exit();

  await expectNoneLeft(watching.process);
});

// --- Floods
// -------------------------------------------------------------------

live("rows that are not drawn are counted", async () => {
  const watching = await startWatching();
  await startServer(threadedServer, watching.port);
  const client = await connect(watching.port);
  for (let count = 0; count < 1000; count++) await expectEcho(client, "again");
  await leave(client);
  await watching.shows(/packets more/);
  await sleep(1500);
  await watching.end();

  const drawn = watching.screen.match(/1: \[/g)!.length;
  const counts = [...watching.screen.matchAll(/… ([\d,]+) packets more/g)];
  let more = 0;
  for (const [, count = ""] of counts) more += Number(count.replace(",", ""));
  const { packets } = await watching.recording();
  assert.is(drawn + more, packets.length);
  assert.ok(more > 0);
});

// --- Mistakes
// -----------------------------------------------------------------

onLinux("an interface that doesn't exist: those that do", async () => {
  const args = ["--watch", "--interface", "cable9"];
  const { stdout, stderr } = await runPackets(args, { exitCode: 1 });

  assert.is(stdout, "");
  const line = /^packets: --interface cable9: .*; there are .*\blo\b.*\n$/;
  assert.match(stderr, line);
});

onLinux("any interface captures the loopback, too", async () => {
  const watching = await startWatching(["--interface", "any"]);
  await startServer(server, watching.port);
  await runClient(watching.port);
  await watching.shows(/FIN[^]*FIN/);
  await watching.end();

  const { packets } = await watching.recording();
  const opening = packets.filter(({ flags }) => flags.includes("SYN"));
  assert.is(opening.length, 2);
});

live("a file that can't be written is one line", async () => {
  const args = ["--watch", "--save", "/nonexistent/x.pcapng"];
  const { stderr } = await runPackets(args, { exitCode: 1 });

  assert.is(stderr, "packets: can't write /nonexistent/x.pcapng (ENOENT)\n");
});

onLinux("without tshark, it says how to get it", async () => {
  const env = { PATH: "/nonexistent" };
  const { stderr } = await runPackets(["--watch"], { env, exitCode: 1 });

  assert.match(stderr, /^packets: tshark is not installed; sudo apt .*\n$/);
});

onLinux("a dumpcap without rights is one line, with advice", async () => {
  const PATH = await pathWithTshark('#!/bin/sh\nexec /usr/bin/tshark "$@"\n');
  const [folder = ""] = PATH.split(":");
  const dumpcap = `#!/bin/sh
if [ "$1" = -D ]; then echo "1. lo (Loopback)"; exit; fi
echo "dumpcap: You do not have permission to capture." >&2
exit 1
`;
  await writeFile(join(folder, "dumpcap"), dumpcap, { mode: 0o755 });
  const options = { env: { PATH }, exitCode: 1 };
  const { stderr } = await runPackets(["--watch"], options);

  const reason = "dumpcap reports: You do not have permission to capture\\.";
  assert.match(stderr, new RegExp(`^packets: ${reason}; sudo apt .*\n$`));
});

onLinux("a dumpcap that writes something else is one line", async () => {
  const PATH = await pathWithTshark('#!/bin/sh\nexec /usr/bin/tshark "$@"\n');
  const [folder = ""] = PATH.split(":");
  const dumpcap = `#!/bin/sh
if [ "$1" = -D ]; then echo "1. lo (Loopback)"; exit; fi
echo "hello, world: no packets"
exec sleep 60
`;
  await writeFile(join(folder, "dumpcap"), dumpcap, { mode: 0o755 });
  const options = { env: { PATH }, exitCode: 1 };
  const { stderr } = await runPackets(["--watch"], options);

  assert.match(stderr, /^packets: dumpcap reports: not pcapng.*\n$/);
});

// --- Two computers
// ------------------------------------------------------------

betweenComputers("a lost packet's retransmission is marked", async () => {
  const port = 65432;
  const computers = await makeTwoComputers();
  try {
    await $`${computers.onServer(["nft", tableOf([dropFirstMessage])])}`;
    const place = ["--host", serverAddress, "--port", String(port)];
    const command = [...nodeCommand(`${threadedServer}.ts`), ...place];
    await listening(launch(computers.onServer(command)));
    const watching = await startWatching(["--interface", "cable"], {
      port,
      runWith: computers.onServer([]),
    });
    const clientCommand = [...nodeCommand("lecture1_client.ts"), ...place];
    const client = launch(computers.onRobot(clientCommand));
    await client.exit();
    await watching.shows(/FIN[^]*FIN/);
    await watching.end();

    const rows = await watching.rows();
    const sent = { from: "client", says: "sends 14 bytes" } as const;
    const again = { from: "client", says: "retransmission" } as const;
    expectRows(rows, [sent, again, { from: "server", says: "sends 14 bytes" }]);
    const { packets } = await watching.recording();
    const repeated = packets.filter(({ retransmission }) => retransmission);
    assert.ok(repeated.some(({ length }) => length === 14));
  } finally {
    computers.remove();
  }
});

test.run();
