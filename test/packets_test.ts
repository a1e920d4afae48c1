/**
 * packets as a user runs it: its options, its recordings, and what it prints if
 * nothing can be captured.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as assert from "uvu/assert";
import { parseFlags, UsageError } from "../scripts/commandLine.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import {
  flags,
  parseOptions,
  type Options,
} from "../scripts/packets/options.ts";
import { recordingNames } from "../scripts/packets/recordings.ts";
import { expectNoneLeft, suite } from "./helpers/harness.ts";
import { noTerminal, notLinux } from "./helpers/machine.ts";
import {
  english,
  korean,
  pathWithTshark,
  recorded,
  runPackets,
  startPackets,
  type PacketsOptions,
} from "./helpers/packetsTool.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { openTerminal } from "./helpers/pseudoTerminal.ts";

const test = suite("packets");
const onLinux = test.unless(notLinux);

// --- Options
// ------------------------------------------------------------------

/** Parses options, as packets does. */
function parse(commandLine: string, say = english): Options {
  const args = commandLine.split(" ").filter(Boolean);
  return parseOptions(parseFlags(args, flags), say);
}

/** The message of packets about wrong options. */
function mistakeOf(commandLine: string, say = english): string {
  try {
    parse(commandLine, say);
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as UsageError).message;
  }
  throw new Error(`${commandLine} is accepted`);
}

const mistakes = [
  {
    options: "--server thread",
    message: "--server must be server, forever, async",
  },
  {
    options: "--bytes 0",
    message: "--bytes must be 1-30000",
  },
  {
    options: "--bytes 30001",
    message: "--bytes must be 1-30000",
  },
  {
    options: "--bytes 1e3",
    message: "--bytes must be 1-30000",
  },
  {
    options: "--show noFin",
    message:
      "--show must be hello, long, forever, async, refused, reset, " +
      "robot, lossy, sleep, recv4",
  },
  {
    options: "--watch --server async",
    message: "--watch, --server: can't be used together",
  },
  {
    options: "--watch --show hello",
    message: "--watch, --show: can't be used together",
  },
  {
    options: "--watch --port 0",
    message: "--port must be 1-65535",
  },
  {
    options: "--watch --port 65536",
    message: "--port must be 1-65535",
  },
  {
    options: "--port 65432",
    message: "--port needs --watch",
  },
  {
    options: "--interface eth0",
    message: "--interface needs --watch",
  },
  {
    options: "--refused --server async",
    message: "--refused, --server: can't be used together",
  },
  {
    options: "--robot --bytes 4",
    message: "--robot, --bytes: can't be used together",
  },
  {
    options: "--bytes 4 --message xxxx",
    message: "--message, --bytes: can't be used together",
  },
  {
    options: "--show hello --save x",
    message: "--show, --save: can't be used together",
  },
];

for (const { options, message } of mistakes)
  test(`${options} is a mistake`, async () => {
    assert.is(mistakeOf(options), message);
  });

test("a mistake is reported in Korean", async () => {
  const mistake = mistakeOf("--refused --reset", korean);

  assert.is(mistake, "--refused, --reset: 함께 쓸 수 없습니다");
});

test("a mistake is one line on stderr, and exit code 2", async () => {
  const output = await runPackets(["--bytes", "0"], { exitCode: 2 });

  assert.equal(output, {
    stdout: "",
    stderr: "packets: --bytes must be 1-30000; see --help\n",
  });
});

test("--bytes accepts 30000", async () => {
  const { run } = parse("--bytes 30000");

  assert.is(run.message, "x".repeat(30_000));
});

test("without options, the lecture's client and server run", async () => {
  const { run } = parse("");

  assert.equal(run, {
    kind: "client",
    server: "server",
    message: "Hello, Server!",
  });
});

test("--watch watches the lecture's port", async () => {
  const { watch } = parse("--watch --interface eth0");

  assert.equal(watch, { kind: "watch", port: 65_432, interface: "eth0" });
});

test("--robot sends the line of a robot arm", async () => {
  const { run } = parse("--robot --server async");

  assert.equal(run, {
    kind: "robot",
    server: "async",
    message: "hello socket from robot\n",
  });
});

for (const { usage, language } of [english, korean])
  test(`--help names every recording, in ${language}`, async () => {
    const [, names = ""] = usage.split("--show NAME");
    const missing = recordingNames.filter((name) => !names.includes(name));

    assert.equal(missing, []);
  });

// --- Recordings
// ---------------------------------------------------------------

const folder = await temporaryFolder();
const jsonFile = join(folder, "recv4.json");
const htmlFile = join(folder, "recv4.html");
const recv4 = onlyOnce(showRecv4);

/** The output of packets for a recording that it writes into files as well. */
async function showRecv4(): Promise<string> {
  const files = ["--json", jsonFile, "--html", htmlFile];
  const { stdout } = await runPackets(["--show", "recv4", ...files]);
  return stripVTControlCharacters(stdout);
}

/** A function that does a task when it is first called, and never again. */
function onlyOnce<T>(task: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= task());
}

test("above a recording is its name, and what was changed", async () => {
  const stdout = await recv4();

  const start = `Recorded earlier: recv4, lecture1_server.ts
Changed for this recording: lecture1_server.ts:
- conn.recv(1024)
+ conn.recv(4)
`;
  assert.is(stdout.slice(0, start.length), start);
});

test("below a recording is why it is shown", async () => {
  const stdout = await recv4();

  const end = `
This is a recording of the unmodified programs (except for the change above):
shown because of --show.
`;
  assert.is(stdout.slice(-end.length), end);
});

test("a recording is drawn as a ladder", async () => {
  assert.match(await recv4(), /reads 4 bytes[^]*reads 2 bytes/);
});

test("--json FILE writes the recording", async () => {
  await recv4();

  const json = JSON.parse(await readFile(jsonFile, "utf8"));
  assert.equal(json, recorded("recv4"));
});

test("--html FILE writes a page, which is marked as recorded", async () => {
  await recv4();

  const html = await readFile(htmlFile, "utf8");
  assert.match(html, "Recorded earlier: recv4");
});

test("--json - writes to stdout, and nothing else is there", async () => {
  const args = ["--show", "recv4", "--json", "-"];
  const { stdout } = await runPackets(args);

  assert.equal(JSON.parse(stdout), recorded("recv4"));
});

test("a file that can't be written is reported", async () => {
  const args = ["--show", "recv4", "--html", "/nonexistent/x"];
  const { stderr } = await runPackets(args, { exitCode: 1 });

  assert.is(stderr, "packets: can't write /nonexistent/x (ENOENT)\n");
});

test("unread bytes are explained", async () => {
  assert.match(
    await recv4(),
    "The number next to a vertical line: bytes that have",
  );
});

test("unread bytes are not explained if there are none", async () => {
  const { stdout } = await runPackets(["--show", "refused"]);

  assert.not.match(stdout, "The number next to a vertical line");
});

// --- If nothing can be captured
// -----------------------------------------------

const noTshark: PacketsOptions = {
  env: { PATH: "/nonexistent" },
  exitCode: 1,
};

const fittingRecordings = [
  {
    options: "--bytes 4000",
    recording: "long, lecture1_server.ts",
    shows: "reads 928 bytes",
  },
  {
    options: "--server async",
    recording: "async, lecture1_server_forever_async.ts",
    shows: "still running",
  },
  {
    options: "--refused",
    recording: "refused, lecture1_server.ts",
    shows: "nothing listens",
  },
  {
    options: "--robot --server forever",
    recording: "robot, lecture1_server.ts",
    shows: "unread: 24",
  },
];

for (const { options, recording, shows } of fittingRecordings)
  onLinux(`without tshark, ${options} shows a recording`, async () => {
    const { stdout } = await runPackets(options.split(" "), noTshark);

    const [firstLine] = stdout.split("\n");
    assert.is(firstLine, `Recorded earlier: ${recording}`);
    assert.match(stdout, shows);
  });

interface DifferenceCase {
  options: string[];
  /** The text between the recording's name and the picture. */
  text: string;
}

const differs = "The recording differs from the run that you asked for:";

const differences: DifferenceCase[] = [
  {
    options: ["--message", "abc"],
    text: `${differs} --message "Hello, Server!", not "abc".`,
  },
  {
    options: ["--bytes", "5000"],
    text: `${differs} --message (4000 bytes), not (5000 bytes).`,
  },
  {
    options: ["--robot", "--server", "async"],
    text: `${differs} --server server, not async.`,
  },
  {
    options: ["--server", "forever", "--message", "로봇"],
    text: `${differs} --message "Hello, Server!", not "로봇".`,
  },
  {
    options: ["--bytes", "4000"],
    text: "",
  },
  {
    options: ["--lang", "ko", "--message", "abc"],
    text:
      '요청한 실행과 기록의 차이: --message: 기록 "Hello, Server!", ' +
      '요청 "abc".',
  },
];

/**
 * The text between a recording's name and its picture, as one line, since its
 * line breaks depend on the width.
 */
function textAbove(stdout: string): string {
  const start = stdout.indexOf("\n");
  const title = /What went over the wire|네트워크를 오간 패킷/;
  const text = stdout.slice(start, stdout.search(title));
  return text.replaceAll("\n", " ").trim();
}

for (const { options, text } of differences)
  onLinux(`${options.join(" ")}: what its recording has else`, async () => {
    const { stdout } = await runPackets(options, noTshark);

    assert.is(textAbove(stdout), text);
  });

onLinux("a recording that --show asks for differs from nothing", async () => {
  const { stdout } = await runPackets(["--show", "robot"]);

  assert.not.match(stdout, differs);
});

const installAdvice =
  "sudo apt install tshark (Fedora, Arch: wireshark-cli), answer Yes, " +
  "sudo usermod -aG wireshark $USER, log out and in again; " +
  "see docs/reference.md";

/**
 * The last paragraph, as one line, since its line breaks depend on the width.
 */
function lastSentence(stdout: string, start: string): string {
  const oneLine = stdout.trimEnd().replaceAll("\n", " ");
  return oneLine.slice(oneLine.lastIndexOf(start));
}

const missing = onlyOnce(() => runPackets([], noTshark));

onLinux("a missing tshark is reported, with how to install it", async () => {
  const { stderr } = await missing();

  assert.is(stderr, `packets: tshark is not installed; ${installAdvice}\n`);
});

onLinux("a recording is shown because tshark is missing", async () => {
  const { stdout } = await missing();

  const start = "This is a recording of the unmodified programs: ";
  const sentence = lastSentence(stdout, start);
  assert.is(sentence, `${start}tshark is not installed.`);
});

const missingInKorean = onlyOnce(() =>
  runPackets(["--reset", "--lang", "ko"], noTshark),
);

onLinux("a missing tshark is reported in Korean", async () => {
  const { stderr } = await missingInKorean();

  const advice =
    "sudo apt install tshark (Fedora, Arch: wireshark-cli), 질문에 Yes, " +
    "sudo usermod -aG wireshark $USER, 로그아웃했다가 다시 로그인; " +
    "자세한 것은 docs/reference.ko.md";
  assert.is(stderr, `packets: tshark가 설치되어 있지 않음; ${advice}\n`);
});

onLinux("a recording is marked as one in Korean", async () => {
  const { stdout } = await missingInKorean();

  const [firstLine] = stdout.split("\n");
  const title = "미리 기록해 둔 실행";
  assert.is(firstLine, `${title}: reset, lecture1_server.ts`);

  const start = "고치지 않은 프로그램을 미리 기록한 것입니다: ";
  const sentence = lastSentence(stdout, start);
  assert.is(sentence, `${start}tshark가 설치되어 있지 않음.`);
});

onLinux("without tshark, --reset shows the recording of two", async () => {
  const { stdout } = await missingInKorean();

  assert.match(stdout, "2: [RST");
});

/** tshark's message if it isn't allowed to capture. */
const refusal = "There are no interfaces on which a capture can be done";
const refused = onlyOnce(runRefused);

async function runRefused(): Promise<{ stdout: string; stderr: string }> {
  const tshark = `#!/bin/sh
echo "tshark: ${refusal}" >&2
exit 1
`;
  const env = { PATH: await pathWithTshark(tshark) };
  return runPackets(["--bytes", "1024"], { env, exitCode: 1 });
}

onLinux("a tshark that isn't allowed to capture is reported", async () => {
  const { stderr } = await refused();

  const reason = `tshark is not allowed to capture: ${refusal}`;
  assert.is(stderr, `packets: ${reason}; ${installAdvice}\n`);
});

onLinux("a recording is shown if tshark has no right", async () => {
  const { stdout } = await refused();

  const start = "This is a recording of the unmodified programs: ";
  const sentence = lastSentence(stdout, start);
  assert.is(sentence, `${start}tshark is not allowed to capture: ${refusal}.`);
});

onLinux("1024 bytes are shown by the recording of a short run", async () => {
  const { stdout } = await refused();

  const [firstLine] = stdout.split("\n");
  assert.is(firstLine, "Recorded earlier: hello, lecture1_server.ts");
  assert.match(stdout, "Len=14");
});

interface BrokenTshark {
  title: string;
  /** The body of a shell script. */
  script: string;
  /** The message of packets. */
  reason: string;
}

const brokenTsharks: BrokenTshark[] = [
  {
    title: "exits with code 0",
    script: "exit 0",
    reason: "tshark reports: exited with code 0, without a message",
  },
  {
    title: "is killed",
    script: "kill -9 $$",
    reason: "tshark reports: killed by SIGKILL",
  },
  {
    title: "lacks a library",
    script: 'echo "/bin/tshark: no libwireshark.so" >&2; exit 127',
    reason: "tshark reports: /bin/tshark: no libwireshark.so",
  },
  {
    title: "isn't allowed to capture, in Korean",
    script: 'echo "tshark: 허가 거부" >&2; exit 2',
    reason: "tshark is not allowed to capture: 허가 거부",
  },
  {
    title: "can capture, but fails otherwise",
    script: `
[ "$1" = -L ] && exit 0
echo "tshark: Permission denied by a plugin" >&2
exit 2`,
    reason: "tshark reports: Permission denied by a plugin",
  },
  {
    title: "prints control characters",
    script: `printf 'tshark: \\033[2J\\n' >&2; exit 2`,
    reason: "tshark is not allowed to capture: \\x1b[2J",
  },
  {
    title: "exits while the programs run",
    script: 'echo "Capture started." >&2; sleep 0.5',
    reason: "tshark reports: exited with code 0, without a message",
  },
];

for (const { title, script, reason } of brokenTsharks)
  onLinux(`a tshark that ${title}: a recording`, async () => {
    const PATH = await pathWithTshark(`#!/bin/bash\n${script}\n`);
    const { stdout, stderr } = await runPackets([], {
      env: { PATH },
      exitCode: 1,
    });

    assert.is(stderr, `packets: ${reason}; ${installAdvice}\n`);
    assert.match(stdout, /^Recorded earlier: hello/);
  });

onLinux("tshark speaks English, and reads nothing of the user's", async () => {
  const variables = [
    "$LC_ALL",
    "$LANGUAGE",
    "$WIRESHARK_LOG_LEVEL",
    "$(ls $HOME $XDG_CONFIG_HOME $WIRESHARK_CONFIG_DIR $WIRESHARK_PLUGIN_DIR" +
      " $WIRESHARK_DATA_DIR 2>/dev/null)",
  ];
  const script = `#!/bin/sh\necho "tshark: ${variables}." >&2\nexit 2\n`;
  const env = {
    PATH: await pathWithTshark(script),
    LC_ALL: "ko_KR.UTF-8",
    LANGUAGE: "ko",
    WIRESHARK_LOG_LEVEL: "none",
    WIRESHARK_CONFIG_DIR: "/",
  };
  const { stderr } = await runPackets(["--lang", "en"], { env, exitCode: 1 });

  assert.match(
    stderr,
    "packets: tshark is not allowed to capture: C.UTF-8,,,.; ",
  );
});

onLinux("a recording is never written to --json -", async () => {
  const { stdout } = await runPackets(["--json", "-"], noTshark);

  assert.is(stdout, "");
});

// --- The terminal
// -------------------------------------------------------------

/** Prints the recording with lost packets. */
async function showLossy(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await runPackets(["--show", "lossy"], { env });
  return stdout;
}

const inColor = { FORCE_COLOR: "1", NODE_NO_WARNINGS: "1" };
const colored = onlyOnce(() => showLossy(inColor));
const ascii = onlyOnce(() => showLossy({ LC_ALL: "C" }));

onLinux("the picture has colors", async () => {
  assert.match(await colored(), "\x1b[");
});

onLinux("NO_COLOR removes the colors, and nothing else", async () => {
  const plain = await showLossy({ ...inColor, NO_COLOR: "1" });

  assert.is(plain, stripVTControlCharacters(await colored()));
});

onLinux("LC_ALL=C has no characters that draw lines", async () => {
  assert.not.match(await ascii(), /[─│◆▶◀✗]/);
});

onLinux("LC_ALL=C draws lines with ASCII characters", async () => {
  assert.match(await ascii(), "|* reads 14 bytes");
});

onLinux("packets exits silently when its reader has exited", async () => {
  const packets = startPackets(["--show", "lossy"]);
  packets.child.stdout!.destroy();
  const { code } = await packets.exit();

  assert.is(code, 1);
  assert.is(packets.output.stderr, "");
  await expectNoneLeft(packets);
});

const inTerminal = test.unless(noTerminal);
const narrow = onlyOnce(showInNarrowTerminal);

/** The picture in a terminal with 50 columns, which understands no codes. */
async function showInNarrowTerminal(): Promise<string> {
  const [node, packets] = nodeCommand("scripts/packets.ts");
  const variables = "TERM=dumb NO_COLOR=1 NODE_NO_WARNINGS=1";
  const command = `${variables} ${node} ${packets} --show reset`;
  const terminal = openTerminal(command, "stty cols 50");
  const exitCode = await terminal.exit();

  assert.is(exitCode, 0);
  return terminal.screen();
}

inTerminal("50 columns are enough", async () => {
  const screen = await narrow();

  const tooLong = screen.split("\n").filter((line) => line.length > 50);
  assert.match(screen, "reset, lecture1_server.ts");
  assert.equal(tooLong, []);
});

inTerminal("a dumb terminal gets no codes", async () => {
  assert.not.match(await narrow(), "\x1b");
});

test.run();
