/** What a run of compare finds out: the one object that terminal, page and JSON show. */
import type { Design } from "../designs.ts";
import { type ExitStatus } from "../launch.ts";
import type { Outcome, Step, Trouble } from "./texts.ts";

/** A connection while another client stays; times in ms since they came. */
export interface Visit {
  /** When its handshake was done; missing where there was none. */
  connectedMs?: number;
  /** When it had its answer, or what came instead. */
  reportedMs: number;
  outcome: Outcome;
}

/** What idle connections take that have had one echo each. */
export interface Idle {
  /** How many connections came after the first. */
  connections: number;
  /** Resident memory and threads of one more client. */
  perClientMB: number;
  perClientThreads: number;
  /** How long one thread takes to start, alone; missing where none is started. */
  threadStartMs?: number;
}

/** Connections that echo at once. What can't be known on a system is missing. */
export interface Load {
  connections: number;
  /** How long it was measured; what was warmed up before doesn't count. */
  seconds: number;
  windows: { seconds: number; echoesPerSecond: number }[];
  /** The median of the windows. */
  echoesPerSecond: number;
  /** So many of 100 echoes took no longer. */
  p50Ms: number;
  p99Ms: number;
  /** The longest that an echo took, or had taken so far when the measuring ended. */
  oldestWaitMs: number;
  /** The server's CPU time by the clock, and for one echo. */
  coresUsed?: number;
  cpuPerEchoUs?: number;
}

/** Why a server's steps end, or more connections are left out. */
interface Reason {
  trouble: Trouble;
  /** What the trouble is about: 1/10 connections, 10 s, an exit code, what came instead. */
  detail: string;
}

/** Ctrl+C with a client connected. */
export interface CtrlC {
  /** The client still got an echo after Ctrl+C. */
  echoed: boolean;
  /** The server ended the connection, by FIN or reset; otherwise the client left. */
  disconnected: boolean;
  exit: ExitStatus;
}

/** What a step finds out. */
export interface Found {
  /** Of each run of the client program the line it printed, or the error it met. */
  inTurn?: { outcome: Outcome; text: string }[];
  idle?: Idle;
  /** When the one who stayed left, and the others. */
  stay?: { leftMs: number; clients: Visit[] };
  /** The load by the number of connections; `load` is the one of N. */
  growth?: Load[];
  load?: Load;
  /** Why so many connections, and more, were left out. */
  growthEnd?: Reason & { connections: number };
  /** Windows has no signals between programs. */
  ctrlC?: CtrlC | "not on this system";
  /** Why there are no more steps, and the server's last lines. */
  failure?: Reason & { step: Step; lastLines: string[] };
}

/** Everything about one server. What was not measured is missing. */
export interface ServerResult extends Found {
  design: Design;
  language: "TypeScript" | "Python";
  /** The file that was run. */
  file: string;
}

/** A whole run. */
export interface Run {
  version: 2;
  machine: { system: string; cores: number; runtime: string };
  /** When it began, as ISO 8601. */
  date: string;
  options: { clients: number; loadSeconds: number; grow: boolean };
  tookSeconds: number;
  /** How long compare itself was stopped meanwhile, by Ctrl+Z or a laptop that slept. */
  stoppedSeconds?: number;
  servers: ServerResult[];
  /** Python originals that were asked for and not found. */
  missing: string[];
}
