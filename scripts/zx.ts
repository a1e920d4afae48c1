/** zx's $ for programs that exit by themselves: clients and tools. */
import { spawn } from "node:child_process";
import { $ as zx } from "zx/core";
import { killAtExit } from "./launch.ts";

/**
 * zx's $, which starts the program itself and no shell: the process ID, the
 * memory and the signals are the program's own, on Windows as well. An exit
 * code other than 0 is no exception; `nothrow(false)` makes it one.
 *
 * zx 8.8 can't do so by an option: `shell: false` throws "No shell is
 * available". It joins the words of a command to one line, for its shell. So
 * they are encoded, with no space left in any of them, and decoded again where
 * the program is started.
 */
export const $ = zx({
  shell: true,
  prefix: "",
  postfix: "",
  quiet: true,
  nothrow: true,
  stdio: ["ignore", "pipe", "pipe"],
  quote: encodeURIComponent,
  spawn: spawnWithoutShell as typeof spawn,
});

function spawnWithoutShell(line: string, _args: string[], options: object) {
  const [program = "", ...args] = line.split(" ").map(decodeURIComponent);
  const child = spawn(program, args, { ...options, shell: false });
  killAtExit(child);
  return child;
}
