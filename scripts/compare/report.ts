/**
 * The contents of a report: words and numbers in one language, without
 * layout. terminal.ts and page.ts draw it.
 */
import type { Language } from "../language.ts";
import { visible } from "../visible.ts";
import {
  figuresOf,
  isVague,
  sentenceOf,
  tableOf,
  type FigureTable,
} from "./figures.ts";
import type { Run, ServerResult, Visit } from "./result.ts";
import { fill, type Texts } from "./texts.ts";
import {
  clientCount,
  inOneLine,
  nameOf,
  outcomeCounts,
  threadCount,
  timeText,
  waitMsOf,
} from "./wording.ts";

export interface Report {
  language: Language;
  /** The title of the page. */
  title: string;
  picture: Picture;
  /** The heading of failures, sentences and notes. */
  answerTitle: string;
  /** The failures. */
  failures: string[];
  /** The differences between the servers. */
  sentences: string[];
  /** How far the figures can be trusted. */
  notes: string[];
  /** The tables of figures, the important ones first; none of them is empty. */
  tables: FigureTable[];
  /** How many clients, on which machine, for how long, and when. */
  conditions: string;
}

/** Which clients waited while one stayed connected, on an axis of time. */
export interface Picture {
  title: string;
  /** The description of the experiment. */
  experiment: string;
  /** A panel for each server; none if this was not measured. */
  panels: Panel[];
  /** How many panels are side by side if there is room for them. */
  columns: number;
  /** The end of the axis, in milliseconds; it begins with 0. */
  endMs: number;
  /** The end of the axis as text. */
  end: string;
  legend: Legend;
}

/** The meaning of the marks of a picture. */
export interface Legend {
  waits: string;
  answered: string;
  notAnswered: string;
}

/** One server. */
export interface Panel {
  /** The name of the server's file. */
  title: string;
  /** The threads of one more client; "" if they are not known. */
  about: string;
  lanes: Lane[];
  /** About clients without a lane; "" if there are none. */
  more: string;
  /** When the client left that stayed, in milliseconds. */
  leftMs: number;
}

/** One client: a bar on the axis of time. */
export interface Lane {
  /** The client stayed, was answered, or was not. */
  kind: "stays" | "answered" | "notAnswered";
  name: string;
  /** When the client was connected, or if it never was, when it knew. */
  fromMs: number;
  /** When the client left, was answered, or knew that it won't be. */
  toMs: number;
  /** The client's outcome, if it isn't an answer, and its time. */
  result: string;
}

/** The report of a run, in one language. */
export function report(run: Run, say: Texts): Report {
  const { important, further } = figuresOf(run, say);
  const tables = [
    tableOf(say.figuresTitle, important, run.servers),
    tableOf(say.furtherTitle, further, run.servers),
  ];
  return {
    language: say.language,
    title: say.title,
    picture: pictureOf(run, say),
    answerTitle: say.answerTitle,
    failures: run.servers
      .map((server) => failureOf(server, say))
      .filter((failure) => failure !== undefined),
    sentences: important
      .map((figure) => sentenceOf(figure, say))
      .filter((sentence) => sentence !== undefined),
    notes: notesOf(run, say),
    tables: tables.filter(({ rows }) => rows.length > 0),
    conditions: conditionsOf(run, say),
  };
}

function conditionsOf(run: Run, say: Texts): string {
  const { system, runtime, cores } = run.machine;
  // Swedish writes local time as ISO 8601 does: 2026-11-24 09:00.
  const localTime = new Date(run.date).toLocaleString("sv", {
    dateStyle: "short",
    timeStyle: "short",
  });
  return fill(
    say.conditions,
    clientCount(run.options.clients, say),
    `${runtime}, ${system}`,
    cores,
    run.tookSeconds.toFixed(1),
    localTime,
  );
}

function pictureOf({ servers, options }: Run, say: Texts): Picture {
  const visited = servers.filter(({ stay }) => stay);
  const ours = visited.filter(({ language }) => language !== "Python");
  const originals = visited.filter(({ language }) => language === "Python");
  const panels = [...ours, ...originals]
    .map((server) => panelOf(server, say))
    .filter((panel) => panel !== undefined);

  let endMs = 1;
  for (const { stay } of servers) {
    if (!stay) continue;
    const reportedMs = stay.clients.map((client) => client.reportedMs);
    endMs = Math.max(endMs, stay.leftMs, ...reportedMs);
  }

  const n = options.clients;
  return {
    title: say.pictureTitle,
    experiment:
      n === 1
        ? say.experimentOfOne
        : fill(say.experiment, clientCount(n, say), n),
    panels,
    columns: new Set(visited.map(({ design }) => design)).size,
    endMs,
    end: timeText(endMs),
    legend: {
      waits: say.legendWaits,
      answered: say.legendAnswered,
      notAnswered: say.legendNotAnswered,
    },
  };
}

/** The panel of a server; undefined if its clients' waits were not measured. */
function panelOf(server: ServerResult, say: Texts): Panel | undefined {
  const { file, stay, idle } = server;
  if (!stay) return undefined;
  const { leftMs, clients } = stay;

  // There is room for ten lines.
  const laneCount = clients.length > 10 ? 9 : clients.length;
  const drawn = clients.slice(0, laneCount);
  const others = clients.slice(laneCount);

  const staying: Lane = {
    kind: "stays",
    name: say.stays,
    fromMs: 0,
    toMs: leftMs,
    result: timeText(leftMs),
  };
  const lanes = drawn.map((client, index) => {
    const name = fill(say.client, index + 1);
    return laneOf(client, name, say);
  });

  let about = "";
  if (idle) {
    const threads = threadCount(idle.perClientThreads, say);
    about = `${say.perClient}: ${threads}`;
  }
  let more = "";
  if (others.length > 0) {
    const counts = inOneLine(outcomeCounts(others, say));
    more = fill(say.andMore, others.length, counts);
  }
  return {
    title: fileName(file),
    about,
    lanes: [staying, ...lanes],
    more,
    leftMs,
  };
}

function laneOf(client: Visit, name: string, say: Texts): Lane {
  const { outcome, connectedMs, reportedMs } = client;
  const isAnswered = outcome === "answered";
  const results: string[] = [];
  if (!isAnswered) results.push(say.outcome[outcome]);
  const waitMs = waitMsOf(client);
  if (waitMs !== undefined) results.push(timeText(waitMs));
  return {
    kind: isAnswered ? "answered" : "notAnswered",
    name,
    fromMs: connectedMs ?? reportedMs,
    toMs: reportedMs,
    result: results.join(" "),
  };
}

/** The last part of a path; a saved run can be from another system. */
function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1)!;
}

/** How far the figures can be trusted. */
function notesOf(run: Run, say: Texts): string[] {
  const { servers, missing, stoppedSeconds } = run;
  const notes: string[] = [];

  const hasPython = servers.some(({ language }) => language === "Python");
  const hasThreads = servers.some(({ idle }) => idle?.perClientThreads);
  if (hasThreads && !hasPython) notes.push(say.threadIsWorker);

  const hasVague = servers.some(({ growth }) => growth?.some(isVague));
  if (hasVague) notes.push(say.vagueRate);

  if (stoppedSeconds)
    notes.push(fill(say.suspended, timeText(stoppedSeconds * 1000)));
  if (missing.length > 0) notes.push(fill(say.missing, missing.join(", ")));

  for (const server of servers) {
    if (!server.growthEnd) continue;
    const { connections, trouble, detail } = server.growthEnd;
    const count = connections.toLocaleString("en-US");
    const why = fill(say.trouble[trouble], visible(detail));
    notes.push(fill(say.leftOut, nameOf(server), count, why));
  }
  return notes;
}

/**
 * The failure of a server, with its last lines; undefined if it has not failed.
 */
function failureOf(server: ServerResult, say: Texts): string | undefined {
  if (!server.failure) return undefined;
  const { step, trouble, detail, lastLines } = server.failure;
  const why = fill(say.trouble[trouble], visible(detail));
  const failure = fill(say.failure, nameOf(server), say.step[step], why);
  const last = lastLines.map(visible).join(" / ");
  return last ? failure + fill(say.lastLines, last) : failure;
}
