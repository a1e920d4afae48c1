/** One run of a server and a client, with its packets captured. */
import { once } from "node:events";
import net from "node:net";
import { release, type } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { scriptNames } from "../designs.ts";
import { commandWithPreload } from "../erased.ts";
import { freePort } from "../freePort.ts";
import { launch, type Launched } from "../launch.ts";
import { projectFile } from "../project.ts";
import { withDeadline } from "../waiting.ts";
import { monotonicMs, SystemClock } from "./clock.ts";
import {
  ConnectionTracker,
  type End,
  type Line,
  type Packet,
  type Read,
  type Recording,
  type Run,
  type Side,
} from "./recording.ts";
import type { ProgramEvent } from "./tell.ts";
import type { Texts } from "./texts.ts";
import {
  CannotCapture,
  startCapture,
  type Capture,
  type CapturedPacket,
} from "./tshark.ts";

/** Time limit for a program, including a pause that a learner has added. */
const programPatienceSeconds = 30;

/**
 * Time limit for the kernel, to send a packet by itself or to open a
 * connection.
 */
const kernelPatienceSeconds = 10;

/** How long the robot waits before it closes its connection. */
const robotWaitsMs = 300;

/** Time that a server gets to exit by itself, before it gets Ctrl+C. */
const serverExitMs = 300;

export interface CaptureRunOptions {
  run: Run;
  /** The file for the packets, as pcapng. */
  file?: string;
  /** The texts of errors and problems. */
  say: Texts;
}

/** The result of a run. */
export interface CapturedRun {
  recording: Recording;
  /** Messages about everything that went wrong. */
  problems: string[];
}

/**
 * Runs a server and a client once, and captures the packets between them.
 *
 * @throws CannotCapture if nothing can be captured on this machine
 * @throws Error if the server doesn't listen, tshark fails, or no packet was
 *   captured
 */
export async function captureRun(
  options: CaptureRunOptions,
): Promise<CapturedRun> {
  const session = await start(options);
  await runClient(session);
  await waitForPackets(session);
  const wasOverMs = performance.now();
  await endServer(session);
  const ranOnMs = performance.now() - wasOverMs;
  await waitForFinalPackets(session, ranOnMs);
  await endCapture(session);
  return resultOf(session);
}

/** A run in progress: the data that its steps share. */
interface Session {
  run: Run;
  say: Texts;
  port: number;
  /** Watches whether the system's clock is set during the run. */
  clock: SystemClock;
  capture: Capture;
  connections: OpenConnections;
  /** Is missing if nothing listens (--refused). */
  server?: Program;
  /** Is missing if a robot connects instead of the program. */
  client?: Program;
  problems: string[];
}

/** One of the lecture's programs, which reports what it does. */
interface Program {
  side: Side;
  /** Its file's name: "lecture1_client.ts". */
  file: string;
  process: Launched;
  /** The events so far. */
  events: ProgramEvent[];
  /** When it got Ctrl+C from packets, by the monotonic clock. */
  interruptedMs?: number;
}

/** 1. Starts the capture and the server. */
async function start(options: CaptureRunOptions): Promise<Session> {
  const { run, file, say } = options;
  const clock = new SystemClock();
  clock.watch();
  const port = await freePort();
  const needsServer = run.kind !== "refused";
  const [capture, server] = await Promise.all([
    startCapture({ port, file, say }),
    needsServer ? startServer(scriptNames[run.server], port, say) : undefined,
  ]);
  const connections = new OpenConnections(capture.packets);
  const problems: string[] = [];
  return { run, say, port, clock, capture, connections, server, problems };
}

/** 2. Runs the client until it exits. */
async function runClient(session: Session): Promise<void> {
  switch (session.run.kind) {
    case "client":
    case "refused":
      await startClient(session);
      break;
    case "robot":
      await playRobot(session);
      break;
    case "reset":
      await startSecondClient(session);
      break;
  }
  if (session.client) await exitOf(session.client, session);
}

/**
 * 3. Waits until every connection that was seen has closed: the programs can
 * open more than one.
 */
async function waitForPackets(session: Session): Promise<void> {
  const { capture, connections, say } = session;
  await catchUp(session);
  const isOver = () =>
    capture.emptyField !== undefined || !connections.areOpen();
  await until(session, say.everyEnd, isOver, programPatienceSeconds);
}

/**
 * 4. Waits until the server exits. It gets Ctrl+C if it serves one client after
 * another, or if it still waits for its only client.
 */
async function endServer(session: Session): Promise<void> {
  const { server, run, capture } = session;
  if (!server) return;
  const hasNoClient = capture.packets.length === 0;
  if (run.server !== "server" || hasNoClient) await interrupt(server);
  await exitOf(server, session);
}

/**
 * 5. Waits for packets that come only after step 3: of connections that close
 * when the server exits, or of a server that ran on for long. Otherwise, there
 * are none, and the wait would cost almost a second.
 *
 * @param ranOnMs how long the server ran after step 3, in milliseconds
 */
async function waitForFinalPackets(
  session: Session,
  ranOnMs: number,
): Promise<void> {
  const canBeMore = session.connections.areOpen() || ranOnMs > 1000;
  if (canBeMore) await catchUp(session);
}

/**
 * 6. Stops the capture. Its problems come first, because they explain others.
 */
async function endCapture({
  capture,
  clock,
  problems,
}: Session): Promise<void> {
  const lacks = await capture.stop();
  problems.unshift(...lacks);
  clock.stop();
}

/**
 * 7. Puts together what was captured and what the programs have reported.
 *
 * @throws CannotCapture if tshark has failed before the first packet
 * @throws Error if there is no packet for another reason
 */
function resultOf(session: Session): CapturedRun {
  const { say, capture, server, client, problems } = session;
  if (capture.packets.length === 0 && problems.length === 0)
    problems.push(say.noPacket);

  const programs: Program[] = [];
  if (server) programs.push(server);
  if (client) programs.push(client);
  for (const program of programs) {
    const crash = crashOf(program, say);
    if (crash) problems.push(crash);
  }

  if (capture.packets.length > 0)
    return { recording: recordingOf(session, programs), problems };
  const reasons = problems.join("; ");
  throw capture.couldNotCapture
    ? new CannotCapture(reasons)
    : new Error(reasons);
}

/** Starts a program, with the preload that reports what it does. */
async function startProgram(
  side: Side,
  file: string,
  port: number,
  args: string[] = [],
): Promise<Program> {
  const command = await commandWithPreload({
    preload: "packets/tell.ts",
    file: projectFile(file),
    port,
  });
  const events: ProgramEvent[] = [];
  const program = launch([...command, ...args], {
    env: { ...process.env, LECTURE1_REPORTS: "1" },
    onMark: (event: ProgramEvent) => events.push(event),
    messages: true,
  });
  return { side, file, process: program, events };
}

/**
 * Starts a server and waits until it listens.
 *
 * @param script its file without .ts
 * @throws Error with what the server has printed, if it doesn't listen
 */
async function startServer(
  script: string,
  port: number,
  say: Texts,
): Promise<Program> {
  const server = await startProgram("server", `${script}.ts`, port);
  const { file, process, events } = server;
  const listens = () => events.some(({ kind }) => kind === "listens");
  try {
    await process.until("listening", listens, programPatienceSeconds * 1000);
    return server;
  } catch {
    const printed = process.printed().trim();
    if (printed) throw new Error(printed);
    if (process.exitStatus)
      throw new Error(`${file} ${say.ends} ${process.exitStatus.code}`);
    throw new Error(say.missing(`${file}: listen`, programPatienceSeconds));
  }
}

/** Starts the lecture's client. */
async function startClient(session: Session): Promise<void> {
  const { message } = session.run;
  session.client = await startProgram(
    "client",
    "lecture1_client.ts",
    session.port,
    [`--message=${message}`],
  );
}

/**
 * Starts the lecture's client while another client is connected, so that the
 * server doesn't accept it. The other client closes when the kernel has
 * acknowledged the bytes of the lecture's client.
 */
async function startSecondClient(session: Session): Promise<void> {
  const { capture, say } = session;
  const first = await connect(session);
  await startClient(session);
  const isAcknowledged = () =>
    capture.packets.some(
      ({ connection, from, ack = 0 }) =>
        connection === 2 && from === "server" && ack > 1,
    );
  await until(session, say.secondWaits, isAcknowledged, kernelPatienceSeconds);
  first.end();
}

/**
 * Sends one line and closes without reading, as a robot arm's socket_send_line
 * and socket_close do. The echo is unread then, so the kernel resets the
 * connection.
 */
async function playRobot(session: Session): Promise<void> {
  const socket = await connect(session);
  socket.write(session.run.message);
  await sleep(robotWaitsMs);
  socket.destroy();
}

/**
 * Opens a connection that reads nothing. If the server's kernel doesn't answer,
 * that is a problem of the run.
 *
 * @throws Error if the server's kernel refuses the connection
 */
async function connect(session: Session): Promise<net.Socket> {
  const { port, problems, say } = session;
  const what = "SYN, ACK";
  const socket = new net.Socket();
  socket.pause();
  // The capture shows what has happened to the connection.
  socket.on("error", () => {});
  socket.connect(port, "127.0.0.1");
  const connected = once(socket, "connect");
  connected.catch(() => {});
  try {
    await withDeadline(kernelPatienceSeconds * 1000, what, connected);
  } catch {
    if (socket.errored) throw socket.errored;
    problems.push(say.missing(what, kernelPatienceSeconds));
  }
  return socket;
}

/** Waits for packets. If they are missing, that is a problem of the run. */
async function until(
  session: Session,
  what: string,
  holds: () => boolean,
  patienceSeconds: number,
): Promise<void> {
  const { capture } = session;
  await tolerate(session, capture.until(what, holds, patienceSeconds));
}

/**
 * Waits until all packets so far are there. If tshark prints no more of them,
 * that is a problem of the run.
 */
async function catchUp(session: Session): Promise<void> {
  await tolerate(session, session.capture.catchUp());
}

/** Turns the error of a wait for tshark into a problem of the run. */
async function tolerate(
  { capture, problems }: Session,
  wait: Promise<void>,
): Promise<void> {
  try {
    await wait;
  } catch (error) {
    // If tshark has exited, capture.stop() reports why.
    if (!capture.hasExited) problems.push((error as Error).message);
  }
}

/** The connections of a run, as far as they have been captured. */
class OpenConnections {
  readonly #tracker = new ConnectionTracker();
  readonly #packets: CapturedPacket[];
  /** How many of the packets the tracker has followed. */
  #followed = 0;

  /** @param packets a list that grows during the run */
  constructor(packets: CapturedPacket[]) {
    this.#packets = packets;
  }

  /** Whether a connection has neither been reset nor closed by both sides. */
  areOpen(): boolean {
    for (; this.#followed < this.#packets.length; this.#followed++)
      this.#tracker.onPacket(this.#packets[this.#followed]!);
    return this.#tracker.closedCount() < this.#tracker.connectionCount();
  }
}

/** Presses Ctrl+C, unless the server exits by itself. */
async function interrupt(server: Program): Promise<void> {
  try {
    await server.process.exit(serverExitMs);
  } catch {
    server.interruptedMs = monotonicMs();
    server.process.kill("SIGINT");
  }
}

/** Waits for a program's exit. If it is late, that is a problem of the run. */
async function exitOf(program: Program, session: Session): Promise<void> {
  const { problems, say } = session;
  const { file, process } = program;
  try {
    await process.exit(programPatienceSeconds * 1000);
  } catch {
    problems.push(say.missing(`${file}: exit`, programPatienceSeconds));
    await process.stop();
  }
}

/**
 * The message that Node prints about an uncaught error, for example after a
 * learner's edit.
 */
function crashOf(program: Program, say: Texts): string | undefined {
  const { file, process, events } = program;
  // The program's own output is reported as events; Node's is not.
  let unreported = process.output.stderr;
  for (const event of events)
    if (event.kind === "prints")
      unreported = unreported.replace(event.text, "");

  const exitCode = process.exitStatus?.code;
  if (!exitCode || unreported.trim() === "") return undefined;
  return `${file} ${say.ends} ${exitCode}\n${unreported.trim()}`;
}

/** Puts packets and events together, with times since the first packet. */
function recordingOf(session: Session, programs: Program[]): Recording {
  const { run, clock, capture } = session;
  const [first] = capture.packets;
  const toMonotonicMs = clock.translation();
  const times = capture.packets.map(({ timeMs }) => toMonotonicMs(timeMs));
  const firstMs = times[0]!;
  const sinceFirst = (ms: number) => Math.round((ms - firstMs) * 1000) / 1000;

  const numbers = connectionNumbers(capture.packets);
  const seen = new Set<string>();
  const tracker = new ConnectionTracker();
  const connections: Recording["connections"] = [];
  const packets: Packet[] = [];
  for (const [index, captured] of capture.packets.entries()) {
    const { addresses, ipId, ...packet } = captured;
    packet.timeMs = sinceFirst(times[index]!);
    packet.connection = numbers.get(captured.connection)!;
    const acts = tracker.onPacket(packet);
    if (acts.some(({ kind }) => kind === "sentAgain"))
      packet.retransmission = true;
    // A retransmission is a new packet, with a new IP identification.
    const identity = identityOf(captured);
    if (seen.has(identity) && Number(ipId) !== 0) packet.duplicate = true;
    seen.add(identity);
    connections[packet.connection - 1] ??= addresses;
    packets.push(packet);
  }

  const { reads, lines, ends } = reportsOf(programs, connections, sinceFirst);
  return {
    date: new Date(first!.timeMs).toISOString(),
    system: `${type()} ${release()}, Node ${process.version}`,
    run,
    connections,
    packets,
    reads,
    lines,
    ends,
  };
}

/** A text that only copies of the same packet share. */
function identityOf(packet: CapturedPacket): string {
  const { connection, from, flags, seq, ack, length, ipId } = packet;
  return [connection, from, flags, seq, ack, length, ipId].join(" ");
}

/**
 * Numbers the connections from 1, in the order in which they were seen.
 * Wireshark's numbers have gaps if a connection isn't drawn.
 */
function connectionNumbers(packets: CapturedPacket[]): Map<number, number> {
  const numbers = new Map<number, number>();
  for (const { connection } of packets)
    if (!numbers.has(connection)) numbers.set(connection, numbers.size + 1);
  return numbers;
}

/**
 * Sorts what the programs have done by its kind and its time.
 *
 * @param sinceFirst turns the monotonic clock's milliseconds into those since
 *   the first packet
 */
function reportsOf(
  programs: Program[],
  connections: Recording["connections"],
  sinceFirst: (ms: number) => number,
): Pick<Recording, "reads" | "lines" | "ends"> {
  const reads: Read[] = [];
  const lines: Line[] = [];
  const ends: End[] = [];
  for (const { side, events, interruptedMs } of programs) {
    for (const event of events) {
      const moment = { from: side, timeMs: sinceFirst(event.timeMs) };
      switch (event.kind) {
        case "reads": {
          const { bytes, ports } = event;
          const connection = numberOfConnection(ports, connections);
          // A connection that a learner has added isn't captured.
          if (connection > 0) reads.push({ ...moment, connection, bytes });
          break;
        }
        case "prints":
          for (const text of event.text.split(/\r?\n/))
            if (text !== "") lines.push({ ...moment, text });
          break;
        case "exits":
          ends.push({ ...moment, code: event.code });
          break;
      }
    }
    if (interruptedMs !== undefined) {
      const timeMs = sinceFirst(interruptedMs);
      ends.push({ from: side, timeMs, signal: "SIGINT" });
    }
  }

  return {
    reads: reads.sort(byTime),
    lines: lines.sort(byTime),
    ends: ends.sort(byTime),
  };
}

/**
 * Finds a connection by its ports, of which the client's is enough.
 *
 * @returns its number, counted from 1; 0 if it wasn't captured
 */
function numberOfConnection(
  ports: (number | undefined)[],
  connections: Recording["connections"],
): number {
  const index = connections.findIndex(({ client }) => {
    const clientPort = Number(client.split(":").at(-1));
    return ports.includes(clientPort);
  });
  return index + 1;
}

function byTime(one: { timeMs: number }, other: { timeMs: number }): number {
  return one.timeMs - other.timeMs;
}
