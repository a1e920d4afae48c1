/** Every text that compare shows, in each language: what one has, the other has as well. */
import { designs, type Design } from "../designs.ts";
import { withParticle, type Language } from "../old/language.ts";
import type { Doing, Trouble } from "./measure.ts";
import type { Language as ProgramLanguage, Outcome } from "./result.ts";

/** "a", "a and b", "a, b, and c". */
const list = (words: string[]) => new Intl.ListFormat("en").format(words);

/** "a", "a와 b", "a, b, c": what Intl says, 및, is stiff. */
function koreanList([first = "", ...rest]: string[]): string {
  if (rest.length === 1) return `${withParticle(first, "과/와")} ${rest[0]}`;
  return [first, ...rest].join(", ");
}

const s = (count: number) => (count === 1 ? "" : "s");

const outcomes: Record<Outcome, string> = {
  answered: "answered",
  reset: "reset",
  refused: "refused",
  closed: "closed",
  wrong: "wrong",
  failed: "failed",
  "no answer": "no answer",
};
const doing: Record<Exclude<Doing, "">, string> = {
  starting: "starts",
  "in turn": "in turn",
  idle: "idle",
  "one stays": "while one stays",
  connecting: "connect",
  "warming up": "echo, warming up",
  echoing: "echo",
  leaving: "leave",
  "Ctrl+C": "Ctrl+C",
  crosswise: "the other's client",
};
/** The steps, by their names in the JSON. */
const steps: Record<string, string> = {
  "clients in turn": "clients in turn",
  "idle clients": "idle clients",
  "while one stays": "while one stays",
  "all at once": "all at once",
  "Ctrl+C": "Ctrl+C",
};
const trouble: Record<Trouble, (detail: string) => string> = {
  hangs: (detail) => `it hangs: ${detail}`,
  wrong: (detail) => `it answers wrongly: ${detail}`,
  died: (detail) => `it died: ${detail}`,
  cut: (detail) => `it cut connections: ${detail}`,
  client: (detail) => `the client failed: ${detail}`,
};

const english = {
  list,
  outcomes,
  doing,
  steps,
  trouble,
  /** How often each outcome came: "9 answered". */
  outcome: (count: number, outcome: Outcome) => `${count} ${outcomes[outcome]}`,
  title: (design: Design, language: ProgramLanguage) =>
    language === "Python" ? `${design} (Python)` : design,

  options: {
    usage: `usage: npx tsx scripts/compare.ts [options]
  -n, --clients N      clients in each step, 1 to 500 (10)
      --stay MS        how long one client lets each other wait (1000)
      --load SECONDS   how long all echo at once, 0.1 to 60 (0.5)
      --grow           goes on with up to 5,000 connections
      --only LIST      of server,forever,async (all three)
      --python DIR     compares with the Python originals in DIR as well
      --all            shows everything that was measured
      --json FILE      writes the figures as JSON; - is stdout, and nothing else
      --html FILE      writes a page with pictures, to look at
      --open           opens that page in the browser
      --from FILE      shows a saved run (its JSON) instead of a new one
      --lang LANGUAGE  en or ko (the system's)
      --ascii          draws with ASCII characters (where the terminal needs it)
      --help           shows this`,
    noFolder: (folder: string) => `--python ${folder}: no such folder`,
    noJson: "--json needs a file, or - for stdout",
    noFrom: "--from needs a file that --json has written",
    noNewRun: (flag: string) =>
      `--from shows a run that is over: leave ${flag} out`,
    noNumber: (flag: string, text: string, least: number, most: number) =>
      `${flag} ${text}: write a number from ${least} to ${most}`,
    noDesigns: (text: string) =>
      `--only ${text}: write some of ${designs.join()}`,
    cantRead: (file: string, why: string) =>
      `--from ${file}: can't read it (${why})`,
    notSaved: (file: string) =>
      `--from ${file}: this is no run that --json has written`,
  },

  headings: {
    picture: "While one client stays",
    answer: "What differed",
    figures: "Measured",
    growth: "How it grows",
  },

  picture: {
    stays: "stays",
    ownThreads: (threads: number, connections: number) =>
      `${threads} more threads for ${connections} clients`,
    oneThread: (connections: number) =>
      `no more threads for ${connections} clients`,
    more: (count: number, said: string) => `… and ${count} more: ${said}`,
    legend: [
      "· its process starts  ─ connected, waits  ● is answered  ✗ is not",
      "══ has a thread of its own  ╠═ all in one thread",
    ],
  },

  rows: {
    inTurn: "clients in turn",
    stay: "while one stays",
    longestWait: "  longest wait",
    rates: (count: number) =>
      `echoes/s, ${count.toLocaleString("en-US")} connection${s(count)}`,
    perClient: "one more client",
    ctrlC: "Ctrl+C",
    clientStart: "a client's start, median",
    wait: "  wait, median",
    unanswered: "all at once",
    echo: (served: number, of: number) => `${served} of ${of} echo`,
    firstEcho: "  first echo of all",
    range: "  echoes per second",
    fromTo: (low: string, high: string) => `${low} to ${high}`,
    p50: "  latency p50",
    p90: "  latency p90",
    p99: "  latency p99",
    oldest: "  longest, or so far",
    withoutEcho: "  without an echo",
    cores: "  cores used",
    threads: "  threads before, with",
    memory: "  memory before, with",
    idleMemory: "  memory idle: of 1, all",
    others: "  cores of other programs",
    overflows: "  listen queue ran over",
    ctrlCTakes: "  takes",
    below: (time: string) => `less than ${time}`,
    python: "    Python",
    failed: "failed",
    threadsOf: (count: number) => `${count} thread${s(count)}`,
    getsEcho: "gets its echo",
    disconnected: "disconnected",
    noEcho: "gets no echo",
    exits: (code: number | null) => `exits with ${code}`,
    dies: (signal: string) => `dies of ${signal}`,
    notHere: "not on this system",
    unknown: "-",
  },

  growth: {
    connections: "clients",
    rate: "echoes/s",
    oldest: "longest",
    firstEcho: "first",
    memory: "memory",
    threads: "threads",
    scale: (rate: string, time: string) =>
      `the bars: echoes per second up to ${rate}; the longest wait from 0.1 ms to ${time} (logarithmic)`,
  },

  answer: {
    stay: (parts: string[]) =>
      `Answered while one stayed: ${parts.join(", ")}.`,
    servedAll: (names: string, count: number) => `${names} all ${count}`,
    served: (names: string, some: number, count: number) =>
      `${names} ${some} of ${count}`,
    waits: (parts: string[]) =>
      `Longest wait once connected: ${parts.join(", ")}.`,
    wait: (name: string, time: string) => `${name} ${time}`,
    rates: (count: number, parts: string[]) =>
      `Echoes/s of ${count} at once, roughly: ${parts.join(", ")}.`,
    rate: (name: string, rate: string, times?: string) =>
      `${name} ${rate}${times ? ` (${times} times fewer)` : ""}`,
    prices: (parts: string[]) => `One more client: ${parts.join("; ")}.`,
    price: (name: string, memory: string, threads?: string) =>
      `${name} ${memory}${threads ? `, ${threads}` : ""}`,
    noThread: "no thread",
    ctrlC: (parts: string[]) => `At Ctrl+C ${parts.join(", ")}.`,
    finishes: (names: string) => `${names} let the client finish`,
    disconnects: (names: string) => `${names} disconnected it`,
    drops: (names: string) => `${names} left it without an echo`,
    workers:
      "A thread is a Worker of Node here; --python DIR measures Python's beside it.",
    python: (parts: string[]) => `Beside Python: ${parts.join(", ")}.`,
    besides: (design: Design, times: string) =>
      `${design} ${times} times as many echoes`,
    besidesEqual: (design: Design) => `${design} about as many echoes`,
    pythonThreads: (count: number, memory: string) =>
      `${count} threads there take ${memory}`,
  },

  details: {
    inTurn: (names: string, said: string) =>
      `Clients in turn, ${names}: ${said}.`,
    stay: (names: string, said: string) =>
      `While one client stayed, ${names}: ${said}.`,
    cores: (name: string, used: string, rate: string) =>
      `${name} used ${used} cores for ${rate} echoes a second.`,
    same: (names: string, lines: number) =>
      `As in Python, ports aside: the ${lines} lines of ${names}.`,
    different: (name: string, line: number) =>
      `${name} and its Python original printed different lines, the first is line ${line}.`,
    crosswise: (
      client: string,
      server: string,
      design: Design,
      outcome: string,
    ) => `${client} client with the ${server} ${design}: ${outcome}.`,
    allCrosswise: (count: number) =>
      `Each language's client with the other's servers: ${count} of ${count} answered.`,
  },

  notes: {
    limit: (name: string, seconds: number) =>
      `${name}: after ${seconds} s the one who stayed left, since not all had started, or the server still worked for them.`,
    busy: (cores: string, of: number) =>
      `Other programs used up to ${cores} of ${of} cores: for better figures end them and run it again.`,
    spread: (names: string) =>
      `${names}: the windows differ by more than a half; take the echoes per second for a guess.`,
    served: (name: string, served: number, count: number, later: number) =>
      `${name} serves ${served} of ${count} at once; ${later === count - served ? "all" : `${later} of`} the others had their turn when these left.`,
    silent: (name: string, silent: number, count: number) =>
      `${name}: ${silent} of ${count} connections had no echo while it was measured.`,
    queue: (name: string, levels: string) =>
      `${name}: the listen queue ran over with ${levels} clients at once.`,
    growthEnd: (name: string, count: string, why: string) =>
      `${name} was not measured with ${count} clients: ${why}.`,
    memory: (free: string) => `it would take too much memory (${free})`,
    openFiles: (limit: number) =>
      `no more than ${limit} files may be open here (ulimit -n)`,
    noMemory: (names: string) =>
      `${names}: this system doesn't tell the memory of a process.`,
    missing: (names: string) => `Not found, and skipped: ${names}.`,
    failed: (name: string, step: string, why: string) =>
      `${name} FAILED at "${step}": ${why}`,
    lastLines: (lines: string) => `; its last lines: ${lines}`,
  },

  /** The last line: under which conditions it was measured. */
  conditions: (
    clients: number,
    processes: number,
    cores: number,
    seconds: string,
    machine: string,
  ) =>
    `${clients} clients, at most ${processes} processes at once; ${machine}, ${cores} cores; took ${seconds} s`,
  more: "npx tsx scripts/compare.ts --all shows all figures, --grow ever more clients.",

  /** What the page says beside that. */
  page: {
    title: "What differs between the servers?",
    waited: "Who waited",
    stays: (time: string) => `one client stays connected: ${time}`,
    client: (
      number: number,
      startedMs: string,
      connectedMs: string | undefined,
      outcome: string,
      endMs: string,
    ) =>
      `client ${number}: starts at ${startedMs} ms, ${connectedMs === undefined ? "" : `connected at ${connectedMs} ms, `}${outcome} at ${endMs} ms`,
    costs: "What it costs",
    rate: (count: number) =>
      `Echoes per second, ${count.toLocaleString("en-US")} connection${s(count)} at once`,
    windows: "the thin line: from the slowest to the fastest window",
    oneAtATime: (names: string) =>
      `Not in these pictures: ${names}, one client at a time.`,
    memory: "Memory of one more client",
    threads: "Threads of one more client",
    latency: "Latency of an echo (from line to line ten times as long)",
    longest: "longest",
    grows: {
      rate: "Echoes per second",
      latency: "Latency p99 (from line to line ten times as long)",
      memory: "Memory of the server",
      connections: "connections at once",
      dashed: "dashed: the Python original",
    },
    ctrlC: "Ctrl+C",
    ctrlCAbout:
      "A client is connected when Ctrl+C is pressed, at 0, and sends once more.",
    lastEcho: "last echo",
    disconnected: "server disconnects",
    left: "client leaves",
    all: "All figures",
    run: "This run",
    again: "To measure it again:",
    json: "The figures as JSON",
    tooLong: "They are too long for this page: --json FILE writes them.",
  },
};

/** The texts of a language. */
export type Texts = typeof english;

const koreanOutcomes: Record<Outcome, string> = {
  answered: "응답",
  reset: "끊김(RST)",
  refused: "거부",
  closed: "닫힘(FIN)",
  wrong: "틀린 응답",
  failed: "실패",
  "no answer": "무응답",
};

const korean: Texts = {
  list: koreanList,
  outcomes: koreanOutcomes,
  doing: {
    starting: "시작하는 중",
    "in turn": "하나씩 차례로",
    idle: "대기",
    "one stays": "하나가 연결 유지",
    connecting: "접속하는 중",
    "warming up": "에코, 준비 구간",
    echoing: "에코 측정",
    leaving: "연결을 끊는 중",
    "Ctrl+C": "Ctrl+C",
    crosswise: "다른 언어의 클라이언트",
  },
  steps: {
    "clients in turn": "하나씩 차례로",
    "idle clients": "대기 연결",
    "while one stays": "하나가 연결 유지",
    "all at once": "한꺼번에",
    "Ctrl+C": "Ctrl+C",
  },
  trouble: {
    hangs: (detail) => `응답이 없음: ${detail}`,
    wrong: (detail) => `잘못된 응답: ${detail}`,
    died: (detail) => `종료됨: ${detail}`,
    cut: (detail) => `연결을 끊음: ${detail}`,
    client: (detail) => `클라이언트 실패: ${detail}`,
  },
  outcome: (count, outcome) => `${count}개 ${koreanOutcomes[outcome]}`,
  title: (design, language) =>
    language === "Python" ? `${design}(Python)` : design,

  options: {
    usage: `사용법: npx tsx scripts/compare.ts [옵션]
  -n, --clients N      각 단계의 클라이언트 수, 1~500 (10)
      --stay MS        하나가 연결을 유지하며 나머지를 기다리게 하는 시간 (1000)
      --load SECONDS   모두 한꺼번에 에코를 주고받는 시간, 0.1~60 (0.5)
      --grow           연결을 5,000개까지 늘려 가며 측정
      --only LIST      server,forever,async 중 일부 (모두)
      --python DIR     DIR의 Python 원본과도 비교
      --all            측정한 것을 모두 표시
      --json FILE      측정값을 JSON으로 저장, -는 stdout(다른 출력 없음)
      --html FILE      그림이 있는 웹 페이지로 저장
      --open           그 페이지를 브라우저로 열기
      --from FILE      새로 실행하지 않고 저장한 결과(JSON)를 표시
      --lang LANGUAGE  en 또는 ko (시스템 언어)
      --ascii          ASCII 문자로만 그림 (터미널에 따라 자동)
      --help           이 도움말`,
    noFolder: (folder) => `--python ${folder}: 그런 폴더가 없습니다`,
    noJson: "--json에는 파일 이름이나 -(stdout)가 필요합니다",
    noFrom: "--from에는 --json으로 저장한 파일이 필요합니다",
    noNewRun: (flag) =>
      `--from은 이미 끝난 실행을 보여 줍니다. ${flag} 옵션을 빼세요`,
    noNumber: (flag, text, least, most) =>
      `${flag} ${text}: ${least}부터 ${most}까지의 수를 쓰세요`,
    noDesigns: (text) => `--only ${text}: ${designs.join()} 중에서 고르세요`,
    cantRead: (file, why) => `--from ${file}: 읽을 수 없습니다(${why})`,
    notSaved: (file) => `--from ${file}: --json으로 저장한 결과가 아닙니다`,
  },

  headings: {
    picture: "클라이언트 하나가 연결을 유지하는 동안",
    answer: "무엇이 달랐나",
    figures: "측정값",
    growth: "연결이 늘어나면",
  },

  picture: {
    stays: "유지",
    ownThreads: (threads, connections) =>
      `클라이언트 ${connections}개에 스레드 ${threads}개 추가`,
    oneThread: (connections) =>
      `클라이언트 ${connections}개에 추가 스레드 없음`,
    more: (count, said) => `… 그 밖에 ${count}개: ${said}`,
    legend: [
      "· 프로세스 시작 중  ─ 연결되어 대기  ● 응답받음  ✗ 받지 못함",
      "══ 각자 자기 스레드  ╠═ 모두 한 스레드",
    ],
  },

  rows: {
    inTurn: "하나씩 차례로",
    stay: "하나가 연결 유지",
    longestWait: "  최장 대기",
    rates: (count) => `초당 에코, 연결 ${count.toLocaleString("en-US")}개`,
    perClient: "클라이언트 하나당",
    ctrlC: "Ctrl+C",
    clientStart: "클라이언트 시작, 중앙값",
    wait: "  대기, 중앙값",
    unanswered: "한꺼번에",
    echo: (served, of) => `${of}개 중 ${served}개`,
    firstEcho: "  모두 첫 에코까지",
    range: "  초당 에코 수",
    fromTo: (low, high) => `${low}~${high}`,
    p50: "  지연 p50",
    p90: "  지연 p90",
    p99: "  지연 p99",
    oldest: "  가장 오래 걸린 에코",
    withoutEcho: "  에코 없는 연결",
    cores: "  사용한 코어",
    threads: "  스레드: 연결 전, 중",
    memory: "  메모리: 연결 전, 중",
    idleMemory: "  대기 메모리: 1개, 전체",
    others: "  다른 프로그램의 코어",
    overflows: "  수신 대기 큐 넘침",
    ctrlCTakes: "  걸린 시간",
    below: (time) => `${time} 미만`,
    python: "    Python",
    failed: "실패",
    threadsOf: (count) => `스레드 ${count}개`,
    getsEcho: "에코 받음",
    disconnected: "연결 끊김",
    noEcho: "에코 없음",
    exits: (code) => `종료 코드 ${code}`,
    dies: (signal) => `${withParticle(signal, "으로/로")} 종료`,
    notHere: "이 시스템에 없음",
    unknown: "-",
  },

  growth: {
    connections: "연결",
    rate: "에코/초",
    oldest: "최장",
    firstEcho: "첫 에코",
    memory: "메모리",
    threads: "스레드",
    scale: (rate, time) =>
      `막대: 초당 에코 수는 ${rate}까지, 최장 대기는 0.1 ms부터 ${time}까지(로그)`,
  },

  answer: {
    stay: (parts) => `하나가 연결을 유지하는 동안 응답: ${parts.join(", ")}.`,
    servedAll: (names, count) => `${names} ${count}개 모두`,
    served: (names, some, count) => `${names} ${count}개 중 ${some}개`,
    waits: (parts) => `연결 후 최장 대기: ${parts.join(", ")}.`,
    wait: (name, time) => `${name} ${time}`,
    rates: (count, parts) =>
      `연결 ${count}개의 초당 에코 수(어림): ${parts.join(", ")}.`,
    rate: (name, rate, times) =>
      `${name} ${rate}${times ? `(${times}배 느림)` : ""}`,
    prices: (parts) => `클라이언트 하나당: ${parts.join("; ")}.`,
    price: (name, memory, threads) =>
      `${name} ${memory}${threads ? `, ${threads}` : ""}`,
    noThread: "스레드 없음",
    ctrlC: (parts) => `Ctrl+C: ${parts.join(", ")}.`,
    finishes: (names) =>
      `${withParticle(names, "은/는")} 클라이언트를 끝까지 처리함`,
    disconnects: (names) => `${withParticle(names, "은/는")} 연결을 끊음`,
    drops: (names) => `${withParticle(names, "은/는")} 응답하지 않음`,
    workers:
      "여기서 스레드는 Node의 Worker입니다. Python의 스레드와는 --python DIR로 비교할 수 있습니다.",
    python: (parts) => `Python 원본과 비교하면 ${parts.join(", ")}.`,
    besides: (design, times) =>
      `${withParticle(design, "은/는")} 에코 ${times}배`,
    besidesEqual: (design) =>
      `${withParticle(design, "은/는")} 에코 수가 비슷함`,
    pythonThreads: (count, memory) => `Python 스레드 ${count}개는 ${memory}`,
  },

  details: {
    inTurn: (names, said) => `하나씩 차례로, ${names}: ${said}.`,
    stay: (names, said) => `하나가 연결을 유지하는 동안, ${names}: ${said}.`,
    cores: (name, used, rate) =>
      `${withParticle(name, "은/는")} 초당 에코 ${rate}개에 코어 ${used}개를 썼습니다.`,
    same: (names, lines) =>
      `포트 번호를 빼면 Python과 출력이 같음: ${names} ${lines}줄.`,
    different: (name, line) =>
      `${withParticle(name, "과/와")} Python 원본의 출력이 ${line}번째 줄부터 다릅니다.`,
    crosswise: (client, server, design, outcome) =>
      `${client} 클라이언트와 ${server} ${design}: ${outcome}.`,
    allCrosswise: (count) =>
      `서로 다른 언어의 클라이언트와 서버: ${count}개 중 ${count}개 응답.`,
  },

  notes: {
    limit: (name, seconds) =>
      `${name}: 일부 클라이언트가 시작하지 못했거나 서버의 일이 끝나지 않아, 연결을 유지하던 클라이언트가 ${seconds}초 뒤에 연결을 끊었습니다.`,
    busy: (cores, of) =>
      `다른 프로그램이 코어 ${of}개 중 ${cores}개까지 썼습니다. 그 프로그램을 끝내고 다시 측정하면 더 정확합니다.`,
    spread: (names) =>
      `${names}: 측정 구간의 차이가 절반을 넘습니다. 초당 에코 수는 어림으로만 보세요.`,
    served: (name, served, count, later) =>
      `${withParticle(name, "은/는")} ${count}개 중 ${served}개를 동시에 처리합니다. 이들이 연결을 끊자 나머지 ${count - served}개 중 ${later}개가 응답받았습니다.`,
    silent: (name, silent, count) =>
      `${name}: 측정하는 동안 ${count}개 중 ${silent}개의 연결에 에코가 없었습니다.`,
    queue: (name, levels) =>
      `${name}: 한꺼번에 ${levels}개가 접속할 때 수신 대기 큐가 넘쳤습니다.`,
    growthEnd: (name, count, why) =>
      `${withParticle(name, "은/는")} ${count}개까지 측정하지 못했습니다: ${why}.`,
    memory: (free) => `메모리가 부족합니다(${free})`,
    openFiles: (limit) => `파일을 ${limit}개까지만 열 수 있습니다(ulimit -n)`,
    noMemory: (names) =>
      `${names}: 이 시스템에서는 프로세스의 메모리를 알 수 없습니다.`,
    missing: (names) => `찾지 못해 건너뛴 것: ${names}.`,
    failed: (name, step, why) => `${name} 실패("${step}"): ${why}`,
    lastLines: (lines) => `; 마지막 출력: ${lines}`,
  },

  conditions: (clients, processes, cores, seconds, machine) =>
    `클라이언트 ${clients}개, 동시에 최대 ${processes}개 프로세스; ${machine}, 코어 ${cores}개; ${seconds}초 걸림`,
  more: "모든 측정값은 npx tsx scripts/compare.ts --all, 연결을 늘려 보려면 --grow.",

  page: {
    title: "서버는 무엇이 다른가",
    waited: "누가 기다렸나",
    stays: (time) => `클라이언트 하나가 연결 유지: ${time}`,
    client: (number, startedMs, connectedMs, outcome, endMs) =>
      `클라이언트 ${number}: ${startedMs} ms에 시작, ${connectedMs === undefined ? "" : `${connectedMs} ms에 연결, `}${endMs} ms에 ${outcome}`,
    costs: "비용",
    rate: (count) =>
      `초당 에코 수, 연결 ${count.toLocaleString("en-US")}개를 한꺼번에`,
    windows: "가는 선: 가장 느린 구간부터 가장 빠른 구간까지",
    oneAtATime: (names) =>
      `${withParticle(names, "은/는")} 한 번에 클라이언트 하나만 처리하므로 이 그림에 없습니다.`,
    memory: "클라이언트 하나당 메모리",
    threads: "클라이언트 하나당 스레드",
    latency: "에코 지연(한 칸에 10배)",
    longest: "최장",
    grows: {
      rate: "초당 에코 수",
      latency: "지연 p99(한 칸에 10배)",
      memory: "서버의 메모리",
      connections: "동시 연결 수",
      dashed: "점선: Python 원본",
    },
    ctrlC: "Ctrl+C",
    ctrlCAbout:
      "클라이언트가 연결된 상태에서 시각 0에 Ctrl+C를 누르고, 클라이언트는 한 번 더 전송합니다.",
    lastEcho: "마지막 에코",
    disconnected: "서버가 연결을 끊음",
    left: "클라이언트가 연결을 끊음",
    all: "모든 측정값",
    run: "이번 측정",
    again: "다시 측정하려면:",
    json: "측정값 JSON",
    tooLong:
      "너무 길어서 이 페이지에는 없습니다. --json FILE로 저장할 수 있습니다.",
  },
};

export const texts: Record<Language, Texts> = { en: english, ko: korean };
