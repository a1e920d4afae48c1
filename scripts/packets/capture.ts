/** One run of a server and a client, with its packets captured. */
import { once } from "node:events";
import net from "node:net";
import { release, type } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { scriptNames } from "../designs.ts";
import { commandWithPreload } from "../erased.ts";
import { freePort } from "../freePort.ts";
import { launch } from "../launch.ts";
import { projectFile } from "../project.ts";
import { follow, type Recording, type Run, type Side } from "./recording.ts";
import type { Told } from "./tell.ts";
import { say } from "./texts.ts";
import { startCapture, type Captured } from "./tshark.ts";

/** Seconds that a program may take, a learner's pause included; and the kernel by itself. */
const [patience, moment] = [30, 10];

/** Milliseconds: how long the robot waits; and after which a server that still runs goes on. */
const [robotWaits, goesOn] = [300, 300];

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
export async function captureRun(run: Run, save?: string) {
  const { kind, server: design, message } = run;
  const port = await freePort();
  const [capture, server] = await Promise.all([
    startCapture(port, save),
    kind === "refused" ? undefined : startServer(scriptNames[design], port),
  ]);
  const problems: string[] = [];

  /** Waits for packets; what doesn't come is told at the end. */
  async function until(what: string, holds: () => boolean, seconds: number) {
    const wait = capture.until(what, holds, seconds * 1000);
    await wait.catch(() => problems.push(say.missing(what, seconds)));
  }

  /** Waits for a program's end. */
  async function itsEnd({ name, process }: Program): Promise<void> {
    const missing = say.missing(`${name}: exit`, patience);
    await process.exit(patience * 1000).catch(() => problems.push(missing));
    await process.stop();
  }

  const first = kind === "reset" ? await connect(port) : undefined;
  const client =
    kind === "robot"
      ? await playRobot(port, message)
      : await start("client", "lecture1_client", port, message);
  if (first) {
    const waits = ({ connection, from, ack = 0 }: Captured) =>
      connection === 2 && from === "server" && ack > 1;
    const confirmed = () => capture.packets().some(waits);
    await until(say.secondWaits, confirmed, moment);
    first.end();
  }
  if (client) await itsEnd(client);
  const any = () => capture.packets().length > 0;
  const over = () => endedIn(capture.packets()) === (first ? 2 : 1);
  await until("SYN", any, moment);
  if (any()) await until(say.everyEnd, over, patience);
  if (server && design !== "server") {
    await server.process.exit(goesOn).catch(() => {});
    if (!server.process.exitStatus) {
      server.told.push({ timeMs: Date.now(), signal: "SIGINT" });
      server.process.kill("SIGINT");
    }
  }
  if (server) await itsEnd(server);
  await capture.stop().catch(({ message }: Error) => problems.unshift(message));
  const programs = [server, client].flatMap((it) => it ?? []);
  problems.push(...programs.flatMap(crashOf));
  const packets = capture.packets();
  if (packets.length === 0) throw new Error(problems.join("; "));
  return [recordingOf(run, packets, programs), problems] as const;
}

/** How many connections have ended. */
function endedIn(packets: Captured[]): number {
  const { next, ended } = follow();
  packets.forEach(next);
  return ended();
}

/** Starts a program, with the preload that tells what it does. */
async function start(side: Side, name: string, port: number, message = "") {
  const told: Told[] = [];
  const file = projectFile(`${name}.ts`);
  const command = await commandWithPreload({
    preload: "packets/tell.ts",
    file,
    port,
  });
  if (message) command.push(`--message=${message}`);
  const process = launch(command, {
    onMark: (it: Told) => told.push(it),
    messages: true,
  });
  return { side, name: `${name}.ts`, told, process };
}

/** Starts a server, and waits until it listens. */
async function startServer(name: string, port: number): Promise<Program> {
  const server = await start("server", name, port);
  const { told, process } = server;
  const listens = () => told.some(({ listens }) => listens);
  await process.until("listening", listens, patience * 1000).catch(() => {
    const late = say.missing(`${name}.ts: listen`, patience);
    const why = `${name}.ts ${say.ends} ${process.exitStatus?.code}`;
    throw new Error(
      process.printed().trim() || (process.exitStatus ? why : late),
    );
  });
  return server;
}

/** A connection that reads nothing. */
async function connect(port: number): Promise<net.Socket> {
  const socket = new net.Socket().pause().on("error", () => {}); // the capture shows what happened
  await once(socket.connect(port, "127.0.0.1"), "connect");
  return socket;
}

/** Closes without reading, as a robot arm's socket_send_line and socket_close do. */
async function playRobot(port: number, line: string): Promise<undefined> {
  const socket = await connect(port);
  socket.write(line);
  await sleep(robotWaits);
  socket.destroy();
}

/** Packets and what the programs told, with times since the first packet. */
function recordingOf(run: Run, captured: Captured[], programs: Program[]) {
  const firstMs = captured[0]!.timeMs;
  const since = (ms: number) => Math.round((ms - firstMs) * 1000) / 1000;
  const connections: Recording["connections"] = [];
  const packets = captured.map(({ ends, ...packet }) => {
    connections[packet.connection - 1] ??= ends;
    return { ...packet, timeMs: since(packet.timeMs) };
  });
  const told = programs
    .flatMap(({ side, told }) => told.map((it) => ({ from: side, ...it })))
    .map((it) => ({ ...it, timeMs: since(it.timeMs) }))
    .sort((a, b) => a.timeMs - b.timeMs);
  const isOf = (ports: Told["ports"]) => (ends: Record<Side, string>) =>
    ports?.includes(Number(ends.client.split(":").at(-1)));
  return {
    date: new Date(firstMs).toISOString(),
    system: `${type()} ${release()}, Node ${process.version}`,
    ...{ run, connections, packets },
    reads: told.flatMap(({ ports, bytes = 0, ...read }) => {
      const connection = connections.findIndex(isOf(ports)) + 1;
      return connection ? { ...read, connection, bytes } : []; // a learner's own
    }),
    lines: told.flatMap(({ text = "", ...line }) => {
      const texts = text.split(/\r?\n/).filter(Boolean);
      return texts.map((text) => ({ ...line, text }));
    }),
    ends: told.filter(({ code, signal }) => signal ?? code !== undefined),
  } satisfies Recording;
}

/** What node says itself of an error that nobody caught: of a learner's edit, perhaps. */
function crashOf({ name, told, process: { exitStatus, output } }: Program) {
  const untold = told
    .reduce((rest, { text = "" }) => rest.replace(text, ""), output.stderr)
    .trim();
  if (!exitStatus?.code || !untold) return [];
  return [`${name} ${say.ends} ${exitStatus.code}\n${untold}`];
}
