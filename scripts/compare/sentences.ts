/** What differed, in sentences that are made from the very numbers of this run. */
import type { Comparison, ServerResult } from "./result.ts";
import { longestWait } from "./table.ts";
import {
  answered,
  count,
  list,
  megabytes,
  outcomesOf,
  time,
  titleOf,
} from "./words.ts";

/** The answer to the lecture's question, a sentence an element. */
export function sentences(comparison: Comparison): string[] {
  const { servers } = comparison;
  return [
    ...inTurn(servers),
    ...stay(servers),
    ...cost(servers),
    ...speed(servers),
    ...ctrlC(servers),
    ...parity(comparison),
    ...failures(servers),
  ];
}

/** Groups servers of which the same can be said. */
function together(
  servers: ServerResult[],
  say: (server: ServerResult) => string | undefined,
): [names: string, said: string, size: number][] {
  const groups = new Map<string, string[]>();
  for (const server of servers) {
    const said = say(server);
    if (said === undefined) continue;
    groups.set(said, [...(groups.get(said) ?? []), titleOf(server)]);
  }
  return [...groups].map(([said, names]) => [list(names), said, names.length]);
}

function inTurn(servers: ServerResult[]): string[] {
  const say = ({ inTurn }: ServerResult) => inTurn && outcomesOf(inTurn);
  return together(servers, say).map(
    ([names, said, size]) =>
      `Clients in turn, ${names}: ${said}${size > 1 ? " each" : ""}.`,
  );
}

function stay(servers: ServerResult[]): string[] {
  return servers.flatMap((server) => {
    if (!server.stay?.clients.length) return [];
    const { clients, leftMs } = server.stay;
    const name = titleOf(server);
    const before = answered(clients).filter((run) => run.endedMs <= leftMs);
    const longest = time(longestWait(server)!);
    if (before.length === clients.length)
      return [
        `While one client stayed, ${name} answered all ${clients.length} others; the slowest took ${longest}, its start included.`,
      ];
    return [
      `While one client stayed for ${time(leftMs)}, ${name} answered ${before.length} of ${clients.length} others; in the end: ${outcomesOf(clients)}, after ${longest} at the longest.`,
    ];
  });
}

function cost(servers: ServerResult[]): string[] {
  return servers.flatMap((server) => {
    const { load } = server;
    if (!load || load.unanswered) return [];
    const grown = load.memoryWithMB - load.memoryBeforeMB;
    const each = megabytes(Math.max(0, grown) / load.connections);
    const threads =
      load.threadsWith === undefined
        ? ""
        : `${load.threadsWith - load.threadsBefore!} more threads and `;
    return [
      `For ${load.connections} connections ${titleOf(server)} took ${threads}${megabytes(Math.max(0, grown))} more memory, ${each} each.`,
    ];
  });
}

function speed(servers: ServerResult[]): string[] {
  const all = servers
    .filter(({ load }) => load && !load.unanswered)
    .sort((a, b) => b.load!.echoesPerSecond - a.load!.echoesPerSecond);
  const [fast, ...slower] = all;
  if (!fast || slower.length === 0) return [];
  const rate = ({ load }: ServerResult) => load!.echoesPerSecond;
  const others = slower.map(
    (server) =>
      `${(rate(fast) / rate(server)).toFixed(1)} times as many as ${titleOf(server)}`,
  );
  return [
    `With all at once ${titleOf(fast)} made the most echoes, ${count(rate(fast))} a second: ${list(others)}.`,
  ];
}

function ctrlC(servers: ServerResult[]): string[] {
  const say = ({ ctrlC }: ServerResult) => {
    if (typeof ctrlC !== "object") return undefined;
    const { echoed, disconnected, exit } = ctrlC;
    const client = echoed
      ? "the connected client still got its echo"
      : disconnected
        ? "the connected client was disconnected"
        : "the connected client got no echo";
    const server = exit.signal
      ? `died of ${exit.signal}`
      : `exited with ${exit.code}`;
    return `${client}, and the server ${server}`;
  };
  return together(servers, say).map(
    ([names, said]) => `At Ctrl+C to ${names} ${said}.`,
  );
}

/** Whether a Python original and its port printed the same for the clients in turn. */
function parity({ servers, crosswise, missing }: Comparison): string[] {
  const said = servers
    .filter(({ language }) => language === "TypeScript")
    .flatMap((ours) => {
      const python = servers.find(
        (other) => other.language === "Python" && other.design === ours.design,
      );
      if (!python?.transcript.length || !ours.transcript.length) return [];
      const line = ours.transcript.findIndex(
        (line, i) => line !== python.transcript[i],
      );
      const same =
        line < 0 && ours.transcript.length === python.transcript.length;
      return same
        ? [
            `${titleOf(ours)} and its Python original printed the same ${ours.transcript.length} lines, ports aside.`,
          ]
        : [
            `${titleOf(ours)} and its Python original printed different lines, the first is line ${(line < 0 ? ours.transcript.length : line) + 1}.`,
          ];
    });
  const crossed = crosswise.map(
    ({ client, server, design, outcome }) =>
      `${client} client with the ${server} ${design}: ${outcome}.`,
  );
  const gone = missing.length
    ? [`Not found, and skipped: ${list(missing)}.`]
    : [];
  return [...said, ...crossed, ...gone];
}

function failures(servers: ServerResult[]): string[] {
  return servers.flatMap((server) => {
    if (!server.failure) return [];
    const { step, message, lastLines } = server.failure;
    const last = lastLines.filter(Boolean).join(" / ");
    return [
      `${titleOf(server)} FAILED at "${step}": ${message}${last && `; its last lines: ${last}`}`,
    ];
  });
}
