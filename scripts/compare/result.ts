/** What a run of compare finds out: the one object that table, picture, sentences and JSON show. */
import type { Design } from "../designs.ts";
import type { Exit } from "../launch.ts";

export type Language = "TypeScript" | "Python";

/** What became of a client; "wrong" is an answer that is not what was sent. */
export type Outcome =
  "answered" | "refused" | "reset" | "closed" | "wrong" | "no answer";

/** One run of the client program; times in ms since the step began. */
export interface ClientRun {
  startedMs: number;
  endedMs: number;
  outcome: Outcome;
  /** The line it printed, or the error it met. */
  text: string;
}

/** A client that stays connected while others come; times in ms since the step began. */
export interface Stay {
  /** When the one who stays left. */
  leftMs: number;
  clients: ClientRun[];
}

/** Many connections that echo at once. */
export interface Load {
  connections: number;
  /** Connections that never had an echo. */
  unanswered: number;
  /** Echoes that were not what was sent. */
  wrong: number;
  seconds: number;
  /** Until every connection that is answered at all had its first echo. */
  firstEchoMs: number;
  echoesPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** undefined: not on this system. */
  threadsBefore?: number;
  threadsWith?: number;
  memoryBeforeMB: number;
  memoryWithMB: number;
}

/** Ctrl+C with a client connected. */
export interface CtrlC {
  /** The client still got an echo after Ctrl+C. */
  echoed: boolean;
  /** The server ended the connection, by FIN or reset; otherwise the client left. */
  disconnected: boolean;
  exit: Exit;
  /** From Ctrl+C to the end, without the time the client took to leave. */
  tookMs: number;
}

/** Everything about one server. A step that was not reached is missing. */
export interface ServerResult {
  design: Design;
  language: Language;
  /** The file that was run. */
  file: string;
  /** Why not all steps were done: what happened, and the server's last lines. */
  failure?: { step: string; message: string; lastLines: string[] };
  inTurn?: ClientRun[];
  stay?: Stay;
  load?: Load;
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
  options: { clients: number; stayMs: number; loadSeconds: number };
  /** Client processes that ran at the same moment at most. */
  processesAtOnce: number;
  tookSeconds: number;
  servers: ServerResult[];
  crosswise: Crosswise[];
  /** Python originals that were asked for and not found. */
  missing: string[];
}
