/** What a run of compare finds out: the one object that table, picture, sentences and JSON show. */
import type { Design } from "../designs.ts";
import type { Exit } from "../processes.ts";
import type { Trouble } from "./measure.ts";

export type Language = "TypeScript" | "Python";

/** What became of a client; "wrong" is an answer that is not what was sent. */
export type Outcome =
  | "answered"
  | "refused"
  | "reset"
  | "closed"
  | "wrong"
  | "failed"
  | "no answer";

/** One run of the client program; times in ms since the step began. */
export interface ClientRun {
  startedMs: number;
  /** When its handshake was done; missing where there was none. */
  connectedMs?: number;
  /** When it printed the answer, or said what went wrong. */
  reportedMs?: number;
  endedMs: number;
  outcome: Outcome;
  /** The line it printed, or the error it met. */
  text: string;
}

/** A client that stays connected while others come; times in ms since the step began. */
export interface Stay {
  /** When the one who stays left. */
  leftMs: number;
  /** It left since the time was over, not since all the others had waited. */
  limitReached?: true;
  clients: ClientRun[];
}

/** What N idle connections take that have had one echo each. */
export interface Idle {
  /** How many connections came after the first. */
  connections: number;
  /** Resident memory with the first connection, and with all. */
  memoryOneMB: number;
  memoryAllMB: number;
  /** Memory and threads of one more client. */
  perClientMB: number;
  perClientThreads?: number;
}

/** A part of the time in which all echo. */
export interface Window {
  seconds: number;
  echoesPerSecond: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
}

/** Many connections that echo at once. Figures are medians over the windows. */
export interface Load {
  connections: number;
  /** Connections that had no echo before the measuring began. */
  unanswered: number;
  /** Of these, how many had it when the others had left. */
  answeredLater?: number;
  /** Connections that had no echo while it was measured. */
  withoutEcho: number;
  /** Echoes that were not what was sent. */
  wrong: number;
  /** All windows together; what was warmed up before doesn't count. */
  seconds: number;
  windows: Window[];
  /** Until every connection that is answered at all had its first echo. */
  firstEchoMs: number;
  echoesPerSecond: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  /** The longest that an echo took, or had taken so far when the measuring ended. */
  oldestWaitMs: number;
  /** CPU time by the clock: of the server, and of all other programs but compare. */
  coresUsed?: number;
  coresOfOthers?: number;
  /** undefined: not known on this system. */
  threadsBefore?: number;
  threadsWith?: number;
  memoryBeforeMB?: number;
  memoryWithMB?: number;
  /** How often a listen queue ran over on this machine while they connected; Linux. */
  listenOverflows?: number;
}

/** Why there are no more connections in `growth`. */
export interface GrowthEnd {
  /** How many it was to be. */
  connections: number;
  /** A code of the system, EMFILE say; or memory: there is too little. */
  code: string;
  message: string;
  /** How many files a process may open here. */
  openFiles?: number;
}

/** Ctrl+C with a client connected; times in ms since it was pressed. */
export interface CtrlC {
  /** The client still got an echo after Ctrl+C. */
  echoed: boolean;
  /** The server ended the connection, by FIN or reset; otherwise the client left. */
  disconnected: boolean;
  exit: Exit;
  /** From Ctrl+C to the end, without the time the client took to leave. */
  tookMs: number;
  lastEchoMs?: number;
  disconnectedMs?: number;
  /** When the client left by itself. */
  leftMs?: number;
  exitMs: number;
}

/** Everything about one server. A step that was not reached is missing. */
export interface ServerResult {
  design: Design;
  language: Language;
  /** The file that was run. */
  file: string;
  /** Why not all steps were done: what happened, and the server's last lines. */
  failure?: {
    step: string;
    message: string;
    trouble?: Trouble;
    lastLines: string[];
  };
  inTurn?: ClientRun[];
  stay?: Stay;
  idle?: Idle;
  load?: Load;
  /** The load by the number of connections; `load` is one of them. */
  growth?: Load[];
  growthEnd?: GrowthEnd;
  /** "not on this system": Windows has no signals between programs. */
  ctrlC?: CtrlC | "not on this system";
  /** What it printed for the clients in turn, port numbers left out. */
  transcript: string[];
}

/** Client programs of one language with the server of the other. */
export interface Crosswise {
  client: Language;
  server: Language;
  design: Design;
  outcome: Outcome;
  text: string;
}

/** A whole run. */
export interface Comparison {
  machine: {
    system: string;
    cores: number;
    runtime: string;
    /** How the TypeScript scripts were started. */
    start: string;
  };
  /** When it began, as ISO 8601. */
  date: string;
  options: {
    clients: number;
    stayMs: number;
    loadSeconds: number;
    grow: boolean;
  };
  /** Client processes that ran at the same moment at most. */
  processesAtOnce: number;
  tookSeconds: number;
  servers: ServerResult[];
  crosswise: Crosswise[];
  /** Python originals that were asked for and not found. */
  missing: string[];
}
