/** The actions of a client, and the server's output for each. */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { expectEcho, leave, unreadBytes, type Client } from "./clients.ts";
import { eventually } from "./harness.ts";
import { onLinux } from "./machine.ts";

export interface Visit {
  title: string;
  does: (client: Client) => Promise<void>;
  /** The text of each line about received data. */
  prints: string[];
  /** The client never reads: the echo stays in its kernel. */
  neverReads?: boolean;
  /** The client resets the connection: a line on stderr, and exit code 1. */
  resets?: boolean;
}

/** "안녕 로봇" in UTF-8: 3 bytes a character, and a space. */
const korean = Buffer.from("안녕 로봇");

export const visits: Visit[] = [
  {
    title: "4,000 bytes arrive as 1024, 1024, 1024 and 928",
    does: (client) => sendAndLeave(client, "x".repeat(4000)),
    prints: [
      "x".repeat(1024),
      "x".repeat(1024),
      "x".repeat(1024),
      "x".repeat(928),
    ],
  },
  {
    title: "a client leaves without a word",
    does: leave,
    prints: [],
  },
  {
    title: "a client resets after its echo",
    does: resetAfterEcho,
    prints: ["hello"],
    resets: true,
  },
  {
    title: "a robot closes without reading",
    does: closeWithoutReading,
    prints: ["hello socket from robot\n"],
    neverReads: true,
    resets: true,
  },
  {
    title: "a Korean character cut in two is echoed and joined",
    does: (client) =>
      sendAndLeave(client, korean.subarray(0, 5), korean.subarray(5)),
    prints: ["안", "녕 로봇"],
  },
  {
    title: "bytes that are not UTF-8 are printed as U+FFFD",
    does: (client) => sendAndLeave(client, Buffer.from("41fffe42", "hex")),
    prints: ["A\ufffd\ufffdB"],
  },
  {
    title: "half a Korean character at the end prints nothing",
    does: (client) => sendAndLeave(client, korean.subarray(0, 2)),
    prints: [""],
  },
  {
    title: "a byte order mark is printed, at the start and later",
    does: (client) => sendAndLeave(client, "\ufeffhello", "a\ufeffb"),
    prints: ["\ufeffhello", "a\ufeffb"],
  },
  {
    title: "control codes are printed as \\x1b",
    does: (client) => sendAndLeave(client, "\x1b[2J\x07\x00\r\x7f\u009b"),
    prints: ["\\x1b[2J\\x07\\x00\\x0d\\x7f\\x9b"],
  },
  {
    title: "direction controls are printed as \\u202e",
    does: (client) => sendAndLeave(client, "\u202ex\u2066\u061c\u200f"),
    prints: ["\\u202ex\\u2066\\u061c\\u200f"],
  },
  {
    title: "newline, tab and \\r\\n are printed unchanged",
    does: (client) => sendAndLeave(client, " a\tb\nc", "\r\n"),
    prints: [" a\tb\nc", "\r\n"],
  },
  {
    title: "a newline that recv cuts in two stays a newline",
    does: (client) => sendAndLeave(client, `${"x".repeat(1023)}\r\n`),
    prints: [`${"x".repeat(1023)}\r`, "\n"],
  },
  {
    title: "a newline that arrives in two pieces stays a newline",
    does: (client) => sendAndLeave(client, "one\r", "\ntwo"),
    prints: ["one\r", "\ntwo"],
  },
  {
    title: "a text that looks like a code is printed unchanged",
    does: (client) => sendAndLeave(client, "\\u0041"),
    prints: ["\\u0041"],
  },
];

/** Has each message echoed before the next one is sent, and leaves. */
async function sendAndLeave(
  client: Client,
  ...messages: (string | Buffer)[]
): Promise<void> {
  for (const message of messages) await expectEcho(client, message);
  await leave(client);
}

async function resetAfterEcho(client: Client): Promise<void> {
  await expectEcho(client, "hello");
  client.sendReset();
}

/**
 * Sends a line and closes while the echo is unread: the kernel sends a reset.
 */
async function closeWithoutReading(client: Client): Promise<void> {
  const { socket } = client;
  await client.send("hello socket from robot\n");
  if (onLinux)
    await eventually(async () => {
      const unread = unreadBytes(socket.localPort!, socket.remotePort);
      assert.equal(unread, [24], "the echo in the robot's kernel");
    });
  else await sleep(1000);
  socket.destroy();
}
