/** The lines that the scripts print, and the calls between which each is printed. */
import type { Design } from "../designs.ts";

/** A line's beginning, the call that has returned before it, the call that comes after it. */
type Calls = [RegExp, string, string];

const accepting: Calls[] = [
  [/^Server listening/, "listen", "accept"],
  [/^Connected by/, "accept", "recv"],
  [/^Received/, "recv", "sendall"],
  [/reset the connection/, "recv", ""],
];

const calls: Record<Design | "client", Calls[]> = {
  client: [
    [/^Received from server/, "recv", "close"],
    [/^lecture1_client: connect /, "connect", ""],
    [/^lecture1_client: (read |EOF)/, "recv", ""],
  ],
  server: accepting,
  forever: [
    ...accepting,
    [/^Connection with/, "close", ""],
    [/^Server is shutting down/, "", "close"],
  ],
  async: [
    [/^Server listening/, "startServer", "serveForever"],
    [/^Connected by/, "", "read"],
    [/^Received/, "read", "write"],
    [/reset the connection/, "read", ""],
    [/^Connection with/, "", "close"],
    [/^Server is shutting down/, "close", ""],
  ],
};

/** The calls before and after the line, in the script that prints it; "" where there is none. */
export function callsAround(script: Design | "client", line: string) {
  const found = calls[script].find(([beginning]) => beginning.test(line));
  const [, before = "", after = ""] = found ?? [];
  return { before, after };
}
