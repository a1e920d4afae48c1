/** The command line of packets. */
import { parseFlags } from "../commandLine.ts";
import { designs, type Design } from "../designs.ts";

export interface Options {
  server: Design;
  message: string;
  /** What the client meets: a server, none, or one that is busy with another client. */
  meets: "server" | "nobody" | "busy server";
  /** A capture to show instead of a run. */
  read?: string;
  /** File for the packets. */
  save?: string;
  /** File for the JSON, "-" for stdout. */
  json?: string;
  help: boolean;
}

export const usage = `usage: npm run packets -- [options]
      --server NAME    server, forever or async (server)
      --message TEXT   what the client sends (Hello, Server!)
      --refused        no server: SYN, then RST
      --reset          a second client of lecture1_server, which waits and is reset
      --read FILE      shows a saved capture instead of a run
      --save FILE      keeps the packets, for Wireshark or --read
      --json FILE      writes packets and lines as JSON; - is stdout, and nothing else
      --help           shows this`;

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
    refused: { type: "boolean" },
    reset: { type: "boolean" },
    read: { type: "string" },
    save: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  });
  const { server = "server", message = "Hello, Server!", help } = values;
  const { refused, reset, read, save, json } = values;
  if (!designs.includes(server as Design))
    throw new Error(`--server ${server}: write one of ${designs.join()}`);
  if (message === "") throw new Error("--message is empty: write a text");
  for (const [flag, file] of Object.entries({ read, save, json }))
    if (file === "") throw new Error(`--${flag} needs a file`);
  if (refused && reset)
    throw new Error("--refused and --reset are two runs: write one of them");
  if (refused && values.server)
    throw new Error("--refused starts no server: leave --server out");
  if (reset && server !== "server")
    throw new Error(`--reset is what lecture1_server does: leave --server out`);
  const ofRun = ["server", "message", "refused", "reset", "save"] as const;
  const other = ofRun.find((flag) => values[flag] !== undefined);
  if (read && other)
    throw new Error(`--read starts nothing: leave --${other} out`);
  if (save && save === json)
    throw new Error("--save and --json write one file: name two");
  return {
    server: server as Design,
    message,
    meets: refused ? "nobody" : reset ? "busy server" : "server",
    ...(read ? { read } : {}),
    ...(save ? { save } : {}),
    ...(json ? { json } : {}),
    help,
  };
}
