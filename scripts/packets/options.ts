/** The command line of packets. */
import {
  isSameFile,
  pageOptions,
  parseFlags,
  type PageOptions,
} from "../old/commandLine.ts";
import { designs, type Design } from "../designs.ts";
import { drawsLines } from "../old/language.ts";
import type { Run } from "./recording.ts";
import { say } from "./texts.ts";

export interface Options extends Run, PageOptions {
  /** A capture to show instead of a run. */
  read?: string;
  /** File for the packets. */
  save?: string;
  /** File for the JSON, "-" for stdout. */
  json?: string;
  /** Draws with ASCII only. */
  ascii: boolean;
  help: boolean;
}

/** Bytes at most: Windows' command lines, of which the message is a part, hold 32,767 characters. */
const mostBytes = 30_000;

/** What --read, which runs nothing, can't do with. */
const ofRun = [
  ...(["server", "message", "bytes"] as const),
  ...(["refused", "reset", "save"] as const),
];

function numberIn(bytes: string): number {
  const number = /^\d+$/.test(bytes) ? Number(bytes) : 0;
  if (number >= 1 && number <= mostBytes) return number;
  throw new Error(say.wrong.bytes(bytes, mostBytes));
}

/**
 * Reads the command line.
 *
 * @param args without node and the script's name
 * @throws Error whose message says in one line what is wrong and what to write
 */
export function parseOptions(args: string[]): Options {
  const values = parseFlags(args, {
    server: { type: "string" },
    message: { type: "string" },
    bytes: { type: "string" },
    refused: { type: "boolean" },
    reset: { type: "boolean" },
    read: { type: "string" },
    save: { type: "string" },
    json: { type: "string" },
    html: { type: "string" },
    open: { type: "boolean", default: false },
    lang: { type: "string" },
    ascii: { type: "boolean", default: !drawsLines() },
    help: { type: "boolean", default: false },
  });
  const { server = "server", bytes } = values;
  const long = bytes && "x".repeat(numberIn(bytes));
  const message = values.message ?? long ?? "Hello, Server!";
  const { refused, reset, read, save, json, html, open, ascii, help } = values;
  const { wrong } = say;
  if (!designs.includes(server as Design))
    throw new Error(wrong.server(server, designs.join()));
  if (message === "") throw new Error(wrong.message);
  if (values.message && bytes) throw new Error(wrong.twoMessages);
  for (const [flag, file] of Object.entries({ read, save, json }))
    if (file === "") throw new Error(wrong.file(`--${flag}`));
  if (refused && reset) throw new Error(wrong.twoRuns);
  if (refused && values.server) throw new Error(wrong.refused);
  if (reset && server !== "server") throw new Error(wrong.reset);
  const other = ofRun.find((flag) => values[flag] !== undefined);
  if (read && other) throw new Error(wrong.read(`--${other}`));
  for (const [flag, file] of Object.entries({ read, save }))
    if (isSameFile(file, json)) throw new Error(wrong.sameFile(`--${flag}`));
  return {
    server: server as Design,
    message,
    meets: refused ? "nobody" : reset ? "busy server" : "server",
    ...(read ? { read } : {}),
    ...(save ? { save } : {}),
    ...(json ? { json } : {}),
    ...pageOptions(html, open, [save, json, read]),
    ascii,
    help,
  };
}
