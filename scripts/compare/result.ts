/**
 * The results of a run of compare: the object that terminal, page and JSON
 * show.
 */
import type { Design } from "../designs.ts";
import type { ExitStatus } from "../launch.ts";
import type { Outcome, Step, Trouble } from "./texts.ts";

/** One run of the lecture's client program. */
export interface ClientRun {
  outcome: Outcome;
  /** The line that the client printed, or its error. */
  text: string;
}

/**
 * A connection while another client stays. Its times are in milliseconds since
 * this client and the others began to connect.
 */
export interface Visit {
  /** When the handshake was done; missing if there was none. */
  connectedMs?: number;
  /** When the answer arrived, or whatever happened instead of it. */
  reportedMs: number;
  outcome: Outcome;
}

/** One client stays connected while others visit the server. */
export interface Stay {
  /** When the client left that had stayed, by the same clock as the visits. */
  leftMs: number;
  clients: Visit[];
}

/** The cost of idle connections, after one echo each. */
export interface Idle {
  /** How many connections were opened after the first. */
  connections: number;
  /** Resident memory of one more client. */
  perClientMB: number;
  /** Threads of one more client. */
  perClientThreads: number;
  /** How long one thread takes to start, alone; missing if none is started. */
  threadStartMs?: number;
}

/** A part of the time in which a load was measured. */
export interface LoadWindow {
  seconds: number;
  echoesPerSecond: number;
}

/**
 * Connections that all send one message after another. Figures that can't be
 * known on this system are missing.
 */
export interface Load {
  connections: number;
  /** How long the load was measured, without warming up. */
  seconds: number;
  windows: LoadWindow[];
  /** The median of the windows. */
  echoesPerSecond: number;
  /** 50% of the echoes took at most this long. */
  p50Ms: number;
  /** 99% of the echoes took at most this long. */
  p99Ms: number;
  /**
   * The longest time of an echo, also of one that had not arrived at the end.
   */
  oldestWaitMs: number;
  /** The server's CPU time per second. */
  coresUsed?: number;
  /** The server's CPU time per echo. */
  cpuPerEchoUs?: number;
}

/** Why a server's steps end, or larger numbers of connections are left out. */
export interface Reason {
  trouble: Trouble;
  /** The detail of the trouble: "1/10" connections, "10 s", an exit code. */
  detail: string;
}

/** This number of connections, and larger ones, were left out. */
export interface GrowthEnd extends Reason {
  connections: number;
}

/** A step that failed. There are no more steps after it. */
export interface Failure extends Reason {
  step: Step;
  /** The end of what the server has printed. */
  lastLines: string[];
}

/** Ctrl+C with a client connected. */
export interface CtrlC {
  /** The client still got an echo after Ctrl+C. */
  echoed: boolean;
  /** The server closed or reset the connection; otherwise the client left. */
  disconnected: boolean;
  exit: ExitStatus;
}

/** The results of a step. */
export interface Found {
  inTurn?: ClientRun[];
  idle?: Idle;
  stay?: Stay;
  /** The load for each number of connections. */
  growth?: Load[];
  /** The load of the number of connections that --clients gives. */
  load?: Load;
  growthEnd?: GrowthEnd;
  /** Windows has no signals between programs. */
  ctrlC?: CtrlC | "not on this system";
  failure?: Failure;
}

/** All results of one server. Values that were not measured are missing. */
export interface ServerResult extends Found {
  design: Design;
  language: "TypeScript" | "Python";
  /** The full path of the program that was run. */
  file: string;
}

export interface Machine {
  /** The operating system and its release. */
  system: string;
  cores: number;
  /** Node and its version. */
  runtime: string;
}

/** The options of a run that its figures depend on. */
export interface RunOptions {
  clients: number;
  loadSeconds: number;
  grow: boolean;
}

/** A whole run. */
export interface Run {
  version: 2;
  machine: Machine;
  /** When the run began, as ISO 8601. */
  date: string;
  options: RunOptions;
  tookSeconds: number;
  /**
   * How long compare itself was suspended, by Ctrl+Z or because a laptop slept.
   */
  stoppedSeconds?: number;
  servers: ServerResult[];
  /** The Python originals that were asked for and not found. */
  missing: string[];
}
