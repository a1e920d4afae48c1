/** What differed, in sentences that are made from the very numbers of this run. */
import type { Comparison, CtrlC, Load, ServerResult } from "./result.ts";
import type { Texts } from "./texts.ts";
import {
  answeredMeanwhile,
  count,
  longestWait,
  megabytes,
  outcomesOf,
  rate,
  time,
  together,
} from "./words.ts";

/** Cores of other programs from which on the figures suffer. */
const busyCores = 0.3;

type Say = (servers: ServerResult[], words: Texts) => string[];

/** The answer to the lecture's question: five sentences at most. */
export function answer({ servers }: Comparison, words: Texts): string[] {
  const ours = servers.filter(({ language }) => language === "TypeScript");
  const all = ours.length ? ours : servers;
  const parts: Say[] = [stay, waits, rates, prices, stops];
  return parts.flatMap((say) => say(all, words));
}

const namer =
  ({ title }: Texts) =>
  ({ design, language }: ServerResult) =>
    title(design, language);

function stay(servers: ServerResult[], words: Texts): string[] {
  const { answer } = words;
  const measured = servers.filter(({ stay }) => stay?.clients.length);
  const name = namer(words);
  const groups = together(measured, (server) =>
    JSON.stringify([answeredMeanwhile(server), server.stay!.clients.length]),
  ).map(([, group]) => {
    const some = answeredMeanwhile(group[0]!);
    const others = group[0]!.stay!.clients.length;
    const names = words.list(group.map(name));
    return some === others
      ? answer.servedAll(names, others)
      : answer.served(names, some, others);
  });
  return groups.length ? [answer.stay(groups)] : [];
}

function waits(servers: ServerResult[], words: Texts): string[] {
  const name = namer(words);
  const parts = servers.flatMap((server) => {
    const wait = longestWait(server);
    return wait === undefined
      ? []
      : [words.answer.wait(name(server), time(wait))];
  });
  return parts.length ? [words.answer.waits(parts)] : [];
}

/** Servers of which all connections echo, the fastest first. */
function comparable(
  servers: ServerResult[],
): (ServerResult & { load: Load })[] {
  return servers
    .filter(
      (server): server is ServerResult & { load: Load } =>
        server.load !== undefined && server.load.unanswered === 0,
    )
    .sort((a, b) => b.load.echoesPerSecond - a.load.echoesPerSecond);
}

/** Whether one was a tenth faster, and its every window faster than every one of the other. */
function clearlyFaster(a: Load, b: Load): boolean {
  if (a.echoesPerSecond < 1.1 * b.echoesPerSecond) return false;
  const rates = ({ windows = [], echoesPerSecond }: Load) => [
    echoesPerSecond,
    ...windows.map((window) => window.echoesPerSecond),
  ];
  return Math.min(...rates(a)) > Math.max(...rates(b));
}

/** How many times as much, with the digits that last: to the half, below 1.5 to the tenth. */
function times(more: number, less: number): string {
  const ratio = more / less;
  if (ratio < 1.45) return ratio.toFixed(1);
  return ratio < 10 ? String(Math.round(ratio * 2) / 2) : ratio.toFixed(0);
}

function rates(servers: ServerResult[], words: Texts): string[] {
  const name = namer(words);
  const [fast, ...slower] = comparable(servers);
  if (!fast) return [];
  const parts = [fast, ...slower].map((server) => {
    const factor =
      server !== fast && clearlyFaster(fast.load, server.load)
        ? times(fast.load.echoesPerSecond, server.load.echoesPerSecond)
        : undefined;
    return words.answer.rate(name(server), rate(server.load), factor);
  });
  return [words.answer.rates(fast.load.connections, parts)];
}

function prices(servers: ServerResult[], words: Texts): string[] {
  const { answer, rows } = words;
  const name = namer(words);
  const parts = servers.flatMap((server) => {
    const { idle } = server;
    if (!idle) return [];
    const threads =
      idle.perClientThreads === undefined
        ? undefined
        : Math.round(idle.perClientThreads)
          ? rows.threadsOf(Math.round(idle.perClientThreads))
          : answer.noThread;
    return [answer.price(name(server), megabytes(idle.perClientMB), threads)];
  });
  return parts.length ? [answer.prices(parts)] : [];
}

function stops(servers: ServerResult[], words: Texts): string[] {
  const { answer } = words;
  const name = namer(words);
  const kind = ({ echoed, disconnected }: CtrlC) =>
    echoed ? "finishes" : disconnected ? "disconnects" : "drops";
  const parts = together(servers, ({ ctrlC }) =>
    typeof ctrlC === "object" ? kind(ctrlC) : undefined,
  ).map(([, group]) =>
    answer[kind(group[0]!.ctrlC as CtrlC)](words.list(group.map(name))),
  );
  return parts.length ? [answer.ctrlC(parts)] : [];
}

/** Whose price that is: a sentence, beside Python's where that was measured. */
export function whosePrice({ servers }: Comparison, words: Texts): string[] {
  const { answer } = words;
  const python = servers.filter(({ language }) => language === "Python");
  const ours = servers.filter(({ language }) => language === "TypeScript");
  const workers = ours.some(({ idle }) => idle?.perClientThreads);
  if (python.length === 0) return workers ? [answer.workers] : [];
  const ratios = comparable(ours).flatMap(({ design, load }) => {
    const [original] = comparable(
      python.filter((one) => one.design === design),
    );
    if (!original) return [];
    const clear =
      clearlyFaster(load, original.load) || clearlyFaster(original.load, load);
    const ratio = times(load.echoesPerSecond, original.load.echoesPerSecond);
    return [
      clear ? answer.besides(design, ratio) : answer.besidesEqual(design),
    ];
  });
  const threads = python
    .flatMap(({ idle }) => (idle?.perClientThreads ? [idle] : []))
    .map(({ connections, perClientMB }) =>
      answer.pythonThreads(connections, megabytes(perClientMB * connections)),
    );
  const parts = [...ratios, ...threads];
  return parts.length ? [answer.python(parts)] : [];
}

/** What else there is to say; the table says most of it in its own way. */
export function details(comparison: Comparison, words: Texts): string[] {
  const { servers } = comparison;
  const name = namer(words);
  const names = (group: ServerResult[]) => words.list(group.map(name));
  const { details } = words;
  const cores = servers.flatMap((server) =>
    server.load?.coresUsed === undefined || server.load.unanswered
      ? []
      : [
          details.cores(
            name(server),
            server.load.coresUsed.toFixed(1),
            rate(server.load),
          ),
        ],
  );
  return [
    ...together(
      servers,
      ({ inTurn }) => inTurn && outcomesOf(inTurn, words),
    ).map(([said, group]) => details.inTurn(names(group), said)),
    ...together(
      servers,
      ({ stay }) => stay && outcomesOf(stay.clients, words),
    ).map(([said, group]) => details.stay(names(group), said)),
    ...cores,
  ];
}

/** Whether the Python originals and their ports do the same for the clients in turn. */
export function parity(
  { servers, crosswise }: Comparison,
  words: Texts,
): string[] {
  const { details } = words;
  const pairs = servers
    .filter(({ language }) => language === "TypeScript")
    .flatMap((ours) => {
      const python = servers.find(
        (other) => other.language === "Python" && other.design === ours.design,
      );
      if (!python?.transcript.length || !ours.transcript.length) return [];
      const { length } = ours.transcript;
      const first = ours.transcript.findIndex(
        (line, i) => line !== python.transcript[i],
      );
      const same = first < 0 && length === python.transcript.length;
      return [{ ours, line: same ? 0 : (first < 0 ? length : first) + 1 }];
    });
  const name = namer(words);
  const same = together(
    pairs.filter(({ line }) => line === 0),
    ({ ours }) => String(ours.transcript.length),
  ).map(([, group]) =>
    details.same(
      words.list(group.map(({ ours }) => name(ours))),
      group[0]!.ours.transcript.length,
    ),
  );
  const different = pairs
    .filter(({ line }) => line)
    .map(({ ours, line }) => details.different(name(ours), line));
  const good = crosswise.every(({ outcome }) => outcome === "answered");
  const crossed = good
    ? crosswise.length
      ? [details.allCrosswise(crosswise.length)]
      : []
    : crosswise.map(({ client, server, design, outcome }) =>
        details.crosswise(client, server, design, words.outcomes[outcome]),
      );
  return [...same, ...different, ...crossed];
}

/** What one has to know before one trusts the figures, and what went wrong. */
export function notes(comparison: Comparison, words: Texts): string[] {
  const { servers, machine, missing } = comparison;
  const { notes } = words;
  const name = namer(words);
  const others = Math.max(
    0,
    ...servers.flatMap(({ load, growth }) =>
      [load, ...(growth ?? [])].map((one) => one?.coresOfOthers ?? 0),
    ),
  );
  const vague = comparable(servers).filter(({ load }) => isVague(load));
  const forgotten = servers.filter(
    ({ load }) => load && load.memoryWithMB === undefined,
  );
  const namesOf = (group: ServerResult[]) => words.list(group.map(name));
  return [
    ...(others >= busyCores
      ? [notes.busy(others.toFixed(1), machine.cores)]
      : []),
    ...(vague.length ? [notes.spread(namesOf(vague))] : []),
    ...servers.flatMap((server) => notesOf(server, name(server), words)),
    ...(forgotten.length ? [notes.noMemory(namesOf(forgotten))] : []),
    ...(missing.length ? [notes.missing(words.list(missing))] : []),
  ];
}

/** Whether the windows differ by more than half of what they say. */
function isVague({ windows = [], echoesPerSecond }: Load): boolean {
  const rates = windows.map((window) => window.echoesPerSecond);
  return Math.max(...rates) - Math.min(...rates) > echoesPerSecond / 2;
}

function notesOf(server: ServerResult, name: string, words: Texts): string[] {
  const { stay, design, growth = [], growthEnd, failure } = server;
  const { notes, trouble } = words;
  const said: string[] = [];
  if (stay?.limitReached)
    said.push(notes.limit(name, Math.round(stay.leftMs / 1000)));
  const loads = design === "server" ? [] : growth;
  for (const {
    connections,
    unanswered,
    answeredLater = 0,
    withoutEcho,
  } of loads) {
    const served = connections - unanswered;
    if (unanswered)
      said.push(notes.served(name, served, connections, answeredLater));
    if (withoutEcho > unanswered)
      said.push(notes.silent(name, withoutEcho - unanswered, connections));
  }
  const full = growth.filter(({ listenOverflows }) => listenOverflows);
  if (full.length) {
    const levels = full.map(({ connections }) => count(connections));
    said.push(notes.queue(name, words.list(levels)));
  }
  if (growthEnd) {
    const { connections, code, message, openFiles } = growthEnd;
    const why =
      code === "memory"
        ? notes.memory(message)
        : code === "EMFILE" && openFiles
          ? notes.openFiles(openFiles)
          : message;
    said.push(notes.growthEnd(name, count(connections), why));
  }
  if (failure) {
    const last = failure.lastLines.filter(Boolean).join(" / ");
    const why = failure.trouble
      ? trouble[failure.trouble](failure.message)
      : failure.message;
    said.push(
      notes.failed(name, words.steps[failure.step] ?? failure.step, why) +
        (last ? notes.lastLines(last) : ""),
    );
  }
  return said;
}
