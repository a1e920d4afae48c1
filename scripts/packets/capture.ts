/** One run of a server and a client, with its packets captured. */
import { EventEmitter, once } from "node:events";
import net from "node:net";
import { release, type } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { scriptNames } from "../designs.ts";
import { preloaded } from "../erased.ts";
import { freePort, launch, projectFile, within } from "../processes.ts";
import {
  follow,
  type End,
  type Packet,
  type Recording,
  type Run,
  type Side,
} from "./recording.ts";
import type { Told } from "./tell.ts";
import { say } from "./texts.ts";
import { startCapture, type Captured } from "./tshark.ts";

/** Seconds that a program may take: a learner may have put a pause into it. */
const patience = 30;

/** Seconds that what the kernel does by itself may take. */
const moment = 10;

/** Milliseconds after the last connection's end: a server that still runs then goes on. */
const goesOn = 300;

/** Milliseconds that the robot waits before it closes. */
const robotWaits = 300;

/** One of the lecture's programs, and what it has told. */
type Program = Awaited<ReturnType<typeof start>>;

/**
 * Runs a server and a client once and captures what goes between them.
 *
 * @param save file for the packets
 * @returns the recording, and what didn't go as it should
 * @throws CannotCapture where nothing can be captured; Error when the server doesn't
 *   listen, or no packet came
 */
export async function captureRun(
  run: Run,
  save?: string,
): Promise<[Recording, string[]]> {
  const { kind, server: design, message } = run;
  const port = await freePort();
  const [capture, server] = await Promise.all([
    startCapture(port, save),
    kind === "refused" ? undefined : startServer(scriptNames[design], port),
  ]);
  const seen = following(capture.packets, port);
  const problems: string[] = [];

  /** Waits for packets; what doesn't come is told beside all that came. */
  async function until(what: string, holds: () => boolean, seconds: number) {
    const wait = capture.until(what, holds, seconds);
    await wait.catch(() => problems.push(say.missing(what, seconds)));
  }

  /** Waits for a program's end. */
  async function itsEnd({ name, process }: Program): Promise<void> {
    const missing = say.missing(say.itsEnd(name), patience);
    await process.exit(patience * 1000).catch(() => problems.push(missing));
    await process.stop();
  }

  const first = kind === "reset" ? await connect(port) : undefined;
  const client =
    kind === "robot" ? undefined : await startClient(port, message);
  if (!client) await playRobot(port, message);
  if (first) {
    const confirmed = () =>
      seen().packets.some(
        ({ connection, from, ack = 0 }) =>
          connection === 2 && from === "server" && ack > 1,
      );
    await until(say.secondWaits, confirmed, moment);
    first.end();
  }
  if (client) await itsEnd(client);
  await until("SYN", () => seen().packets.length > 0, moment);
  const over = () => seen().ended === (first ? 2 : 1);
  if (seen().packets.length) await until(say.connectionsEnd, over, patience);

  const ends: End[] = [];
  if (server && design !== "server") {
    await server.process.exit(goesOn).catch(() => {}); // it goes on
    if (!server.process.ended) {
      const atMs = performance.timeOrigin + performance.now();
      ends.push({ timeMs: atMs, from: "server", signal: "SIGINT" });
      server.process.kill("SIGINT");
    }
  }
  if (server) await itsEnd(server);
  await capture.stop().catch(({ message }: Error) => problems.unshift(message));

  const programs = [server, client].flatMap((it) => it ?? []);
  problems.push(...programs.flatMap(crashOf));
  const captured = capture.packets();
  if (captured.length === 0) throw new Error(problems.join("; "));
  const { packets } = seen();
  const told = toldOf(programs, ends, captured);
  return [{ ...aboutOf(run, captured, port), packets, ...told }, problems];
}

/** Starts a program, with the preload that tells what it does. */
async function start(
  side: Side,
  name: string,
  port: number,
  args: string[] = [],
) {
  const told: Told[] = [];
  const changes = new EventEmitter();
  const hear = (it: Told) => changes.emit("told", told.push(it));
  const file = projectFile(`${name}.ts`);
  const [node = "", ...rest] = await preloaded("packets/tell.ts", file, port);
  // A learner's mistake is told with the line of the file itself.
  const command = [node, "--enable-source-maps", ...rest, ...args];
  const process = launch(command, undefined, hear, true);
  return { side, name: `${name}.ts`, told, changes, process };
}

const startClient = (port: number, message: string) =>
  start("client", "lecture1_client", port, [`--message=${message}`]);

/** Starts a server, and waits until it listens. */
async function startServer(name: string, port: number): Promise<Program> {
  const server = await start("server", name, port);
  const { told, changes, process } = server;
  const ended = process.exit(patience * 1000);
  async function listens() {
    while (!process.ended && !told.some((it) => "listens" in it))
      await Promise.race([once(changes, "told"), ended]);
  }
  const what = say.itListens(server.name);
  await within(patience * 1000, what, listens());
  ended.catch(() => {});
  if (process.ended) throw new Error(process.all().trim() || what);
  return server;
}

/** A connection that reads nothing. */
async function connect(port: number): Promise<net.Socket> {
  const socket = new net.Socket({ allowHalfOpen: true }).pause();
  socket.on("error", () => {}); // the capture shows what happened
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Sends a line and closes without reading, as a robot arm's socket_send_line and socket_close do. */
async function playRobot(port: number, line: string): Promise<void> {
  const socket = await connect(port);
  socket.write(line);
  await sleep(robotWaits);
  socket.destroy();
}

/** The packets so far, and how many connections have ended; each packet is followed once. */
function following(captured: () => Captured[], port: number) {
  const packets: Packet[] = [];
  const { next, ended } = follow();
  return () => {
    const all = captured();
    for (const one of all.slice(packets.length)) {
      const packet = packetOf(one, port, all[0]!.atMs);
      packets.push(packet);
      next(packet);
    }
    return { packets, ended: ended() };
  };
}

function packetOf(captured: Captured, port: number, firstMs: number): Packet {
  const { atMs, connection, sender, flags, seq, ack, payload } = captured;
  const { retransmission, windowUpdate } = captured;
  return {
    timeMs: microseconds(atMs - firstMs),
    connection,
    from: portOf(sender) === port ? "server" : "client",
    flags,
    seq,
    ...(ack === undefined ? {} : { ack }),
    length: payload.length,
    ...(payload.length ? { text: payload.toString() } : {}),
    ...(retransmission ? { retransmission } : {}),
    ...(windowUpdate ? { windowUpdate } : {}),
  };
}

const portOf = (address: string) => Number(address.split(":").at(-1));
const microseconds = (ms: number) => Math.round(ms * 1000) / 1000;

/** When, where and what was run, and between which addresses. */
function aboutOf(run: Run, captured: Captured[], port: number) {
  return {
    date: new Date(captured[0]!.atMs).toISOString(),
    system: `${type()} ${release()}, Node ${process.version}`,
    run,
    connections: connectionsOf(captured, port),
  };
}

function connectionsOf(captured: Captured[], port: number) {
  const connections: Record<Side, string>[] = [];
  for (const { connection, sender, receiver } of captured) {
    const fromServer = portOf(sender) === port;
    const [client, server] = fromServer
      ? [receiver, sender]
      : [sender, receiver];
    connections[connection - 1] ??= { client, server };
  }
  return connections;
}

/** What the programs told, with times like those of the packets. */
function toldOf(programs: Program[], signals: End[], captured: Captured[]) {
  const firstMs = captured[0]!.atMs;
  const byTime = <T extends { timeMs: number }>(all: T[]) =>
    all.sort((a, b) => a.timeMs - b.timeMs);
  const all = programs.flatMap(({ side: from, told }) =>
    told.map((it) => ({
      ...it,
      from,
      timeMs: microseconds(it.atMs - firstMs),
    })),
  );
  const reads = all.flatMap((it) => {
    if (!("bytes" in it)) return [];
    const { timeMs, from, bytes, dropped, ports } = it;
    const own = captured.find(({ sender, receiver }) =>
      ports.every((port) => [sender, receiver].map(portOf).includes(port!)),
    );
    const { connection } = own ?? {};
    if (!connection) return []; // another connection of the program's
    return { timeMs, from, connection, bytes, ...(dropped ? { dropped } : {}) };
  });
  const lines = all.flatMap((it) => {
    if (!("text" in it)) return [];
    const { timeMs, from } = it;
    const texts = it.text.split(/\r?\n/).filter(Boolean);
    return texts.map((text) => ({ timeMs, from, text }));
  });
  const ends = all.flatMap((it) => {
    if (!("code" in it)) return [];
    const { timeMs, from, code } = it;
    return { timeMs, from, code };
  });
  for (const it of signals) it.timeMs = microseconds(it.timeMs - firstMs);
  return {
    reads: byTime(reads),
    lines: byTime(lines),
    ends: byTime([...signals, ...ends]),
  };
}

/**
 * What node says of an error that nobody caught: of a learner's edit, perhaps. It
 * writes that itself, so the program has told nothing of it.
 */
function crashOf({ name, told, process }: Program): string[] {
  const { ended, output } = process;
  const untold = told.reduce(
    (rest, it) => ("text" in it ? rest.replace(it.text, () => "") : rest),
    output.stderr,
  );
  if (!ended?.code || !untold.trim()) return [];
  return [say.crashed(name, ended.code, untold.trim())];
}
