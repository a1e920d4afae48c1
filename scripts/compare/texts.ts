/**
 * All texts of compare, each in English and in Korean. {0} and {1} are places
 * for values.
 */
import {
  inLanguage,
  type Language,
  type Pairs,
  type TextsOf,
} from "../language.ts";

const pairs = {
  usage: [
    `usage: npx tsx scripts/compare.ts [options]
  -n, --clients N      clients in each step, 1 to 200 ({0})
      --load SECONDS   how long all echo at once, 0.1 to 60 ({1})
      --grow           more numbers of connections, up to 5,000
      --only LIST      of server,forever,async (all three)
      --python DIR     compares with the Python originals in DIR as well
      --json FILE      writes the figures as JSON; - is stdout, and nothing else
      --html FILE      writes a page for the wall
      --from FILE      shows a saved run (its JSON) instead of a new one
      --lang LANGUAGE  en or ko (the system's)
      --help           shows this`,
    `사용법: npx tsx scripts/compare.ts [옵션]
  -n, --clients N      각 단계의 클라이언트 수, 1~200 ({0})
      --load SECONDS   모두 한꺼번에 에코를 주고받는 시간(초), 0.1~60 ({1})
      --grow           연결 수를 더 늘려 가며 측정, 5,000개까지
      --only LIST      server,forever,async 중 일부 (모두)
      --python DIR     DIR의 Python 원본과도 비교
      --json FILE      측정값을 JSON으로 저장, -는 stdout(다른 출력 없음)
      --html FILE      화면에 띄울 웹 페이지로 저장
      --from FILE      새로 실행하지 않고 저장한 결과(JSON)를 표시
      --lang LANGUAGE  en 또는 ko (시스템 언어)
      --help           이 도움말`,
  ],
  folder: ["a folder that exists", "있는 폴더"],
  anotherFile: ["a file of its own", "다른 옵션과 겹치지 않는 파일"],
  noNewRun: [
    "--from shows a run that is over: leave {0} out",
    "--from은 이미 끝난 실행을 보여 줍니다. {0} 옵션을 빼세요",
  ],
  notSaved: [
    "--from {0}: no whole run of this version of --json{1}",
    "--from {0}: 이 버전의 --json으로 저장한 온전한 결과가 아닙니다{1}",
  ],

  title: ["What differs between the servers?", "서버는 무엇이 다른가"],
  pictureTitle: [
    "While one client stays",
    "클라이언트 하나가 연결을 유지하는 동안",
  ],
  experiment: [
    "One client is connected and stays; beside it {0} at the same moment, " +
      "with one message each.",
    "클라이언트 하나가 연결된 채 머뭅니다. 다른 {1}개가 동시에 접속해 메시지를 하나씩 보냅니다.",
  ],
  answerTitle: ["What differed", "무엇이 달랐나"],
  figuresTitle: ["Measured", "측정값"],
  conditions: [
    "{0}; {1}, cores: {2}; took {3} s; {4}",
    "{0}; {1}, 코어 {2}개; 걸린 시간 {3} s; {4}",
  ],

  // Titles of rows, and the leads of the sentences about the same figures.
  whileOneStaysLead: [
    "Answered while one client stayed",
    "하나가 연결을 유지하는 동안의 응답",
  ],
  threadStart: ["start of one thread", "스레드 하나의 시작"],
  threadStartLead: [
    "Start of one thread, measured alone",
    "스레드 하나를 시작하는 시간(따로 측정)",
  ],
  cpu: ["CPU per echo", "에코당 CPU"],
  cpuLead: [
    "CPU time per echo, {0} at once",
    "에코 하나의 CPU 시간, 동시 {0}개",
  ],
  rate: ["echoes/s", "초당 에코"],
  rateLead: [
    "Echoes/s of {0} at once, on this machine, shared with the load",
    "초당 에코, 동시 {0}개(부하도 함께 쓰는 이 컴퓨터의 값)",
  ],
  latency: ["echo p50, p99", "지연 p50, p99"],
  longestEcho: ["longest echo", "가장 긴 에코"],
  cores: ["cores used", "사용한 코어"],
  perClient: ["one more client", "클라이언트 하나 더"],
  perClientLead: ["One more client takes", "클라이언트 하나가 늘면"],
  ctrlCLead: ["At Ctrl+C", "Ctrl+C를 누르면"],

  // Cells of the table, and the sentences about them.
  oneClient: ["1 client", "연결 1개"],
  clients: ["{0} clients", "연결 {0}개"],
  outcomeCount: ["{0} {1}", "{0}개 {1}"],
  noneAnswered: ["none in {0}", "{0} 동안 없음"],
  noneAnsweredSentence: [
    "none while the other stayed ({0})",
    "다른 하나가 머문 동안({0}) 없음",
  ],
  allAnswered: ["all {0}\nwithin {1}", "{0}개 모두\n{1} 안에"],
  someAnswered: ["{0} of {2}\nwithin {1}", "{2}개 중 {0}개\n{1} 안에"],
  thenOthers: [", then {0}", ", 그 뒤 {0}"],
  waitForThreads: [
    "{0}, and that is what its clients wait for, one after another",
    "{0}, 클라이언트는 차례로 이 시작을 기다림",
  ],
  noThread: ["no thread", "스레드 없음"],
  oneThread: ["1 thread", "스레드 1개"],
  threads: ["{0} threads", "스레드 {0}개"],
  timesTheLowest: [" ({0} times as much)", "({0}배)"],
  stillAnswers: ["still answers", "계속 응답"],
  disconnects: ["disconnects", "연결 끊음"],
  noLongerAnswers: ["answers no more", "더는 응답 없음"],
  exitsWithCode: ["exit code {0}", "종료 코드 {0}"],
  diesOfSignal: ["dies of {0}", "{0} 종료"],
  notOnThisSystem: ["not on this system", "이 시스템은 불가"],

  // The picture.
  stays: ["stays", "유지"],
  client: ["client {0}", "클라이언트 {0}"],
  andMore: ["and {0} more: {1}", "그 밖에 {0}개: {1}"],
  legendWaits: ["connected, waits", "연결되어 대기"],
  legendAnswered: ["is answered", "응답받음"],
  legendNotAnswered: ["is not", "받지 못함"],

  // How far the figures can be trusted, and what went wrong.
  threadIsWorker: [
    "A thread is a Worker of Node here; --python DIR measures Python's beside it.",
    "여기서 스레드는 Node의 Worker입니다. Python의 스레드와는 --python DIR로 비교할 수 있습니다.",
  ],
  vagueRate: [
    "~: the windows of that load differ by more than a half; take it for a guess.",
    "~: 측정 구간 사이의 차이가 절반을 넘으므로 어림으로만 보세요.",
  ],
  suspended: [
    "Compare itself was stopped for {0} meanwhile: times may be too long.",
    "도중에 compare 자체가 {0} 동안 멈췄습니다. 시간이 실제보다 길 수 있습니다.",
  ],
  missing: ["Not found, and skipped: {0}.", "찾지 못해 건너뛴 것: {0}."],
  leftOut: [
    "{0}: {1} clients and more were left out: {2}.",
    "{0}: 클라이언트 {1}개부터는 생략함: {2}.",
  ],
  stillRunning: ["compare: {0}: still running", "compare: {0}: 진행 중"],
  failure: ['{0} FAILED at "{1}": {2}', '{0} 실패("{1}"): {2}'],
  lastLines: ["; its last lines: {0}", "; 마지막 출력: {0}"],
} satisfies Pairs;

/** The steps, as titles of rows and as texts of the spinner. */
const steps = {
  "clients in turn": ["clients in turn", "하나씩 차례로"],
  "idle clients": ["idle clients", "가만히 있는 연결"],
  "while one stays": ["while one stays", "하나가 연결 유지"],
  "all at once": ["all at once", "한꺼번에"],
  "Ctrl+C": ["Ctrl+C", "Ctrl+C"],
} satisfies Pairs;
export type Step = keyof typeof steps;

/** What happened to a client. "failed": the client program itself failed. */
const outcomes = {
  answered: ["answered", "응답"],
  reset: ["reset", "끊김(RST)"],
  refused: ["refused", "거부"],
  closed: ["closed", "닫힘(FIN)"],
  wrong: ["wrong answer", "틀린 응답"],
  failed: ["failed", "실패"],
  "no answer": ["no answer", "무응답"],
} satisfies Pairs;
export type Outcome = keyof typeof outcomes;

/** What can go wrong with a server, or with its client; {0} is the detail. */
const troubles = {
  silent: [
    'it didn\'t say "Server listening on …" in {0}',
    '{0} 안에 "Server listening on …" 출력이 없음',
  ],
  hangs: ["no answer ({0})", "응답이 없음({0})"],
  wrong: ["it answers wrongly ({0})", "틀린 응답을 보냄({0})"],
  cut: [
    "it ends connections without an answer ({0})",
    "응답 없이 연결을 끊음({0})",
  ],
  died: ["it died of {0}", "{0} 종료"],
  ended: ["it ended with exit code {0}", "스스로 끝남(종료 코드 {0})"],
  goesOn: ["it didn't end in {0}", "{0} 안에 끝나지 않음"],
  leaves: [
    "it exited, but a process that it started kept running",
    "서버는 종료되었지만 서버가 시작한 프로세스가 계속 실행됨",
  ],
  noFile: ["there is no file {0}", "{0} 파일이 없음"],
  client: ["the client failed ({0})", "클라이언트가 실패함({0})"],
  clientEnded: [
    "the client ended with exit code {0}",
    "클라이언트가 끝남(종료 코드 {0})",
  ],
  clientStays: [
    "the client didn't exit within {0}",
    "클라이언트가 {0} 안에 종료되지 않음",
  ],
  elsewhere: [
    "the client didn't connect to the server ({0})",
    "클라이언트가 서버에 연결하지 않음({0})",
  ],
  sentNothing: [
    "the client sent nothing ({0})",
    "클라이언트가 아무것도 보내지 않음({0})",
  ],
  files: [
    "too few files may be open ({0}): raise ulimit -n",
    "열 수 있는 파일이 부족함({0}), ulimit -n을 늘리세요",
  ],
  slow: ["an echo takes {0}", "에코 하나에 {0} 걸림"],
  memory: ["too little memory is free ({0})", "남은 메모리가 부족함({0})"],
  error: ["{0}", "{0}"],
} satisfies Pairs;
export type Trouble = keyof typeof troubles;

/** All texts in one language. */
export interface Texts extends TextsOf<typeof pairs> {
  language: Language;
  step: TextsOf<typeof steps>;
  outcome: TextsOf<typeof outcomes>;
  trouble: TextsOf<typeof troubles>;
}

/** All texts in a language, without values. */
export function textsIn(language: Language): Texts {
  return {
    ...inLanguage(pairs, language),
    language,
    step: inLanguage(steps, language),
    outcome: inLanguage(outcomes, language),
    trouble: inLanguage(troubles, language),
  };
}

/**
 * Puts values into a text.
 *
 * @param values the first takes the place of {0}, the second of {1}, and so on
 * @throws TypeError if a value is missing
 */
export function fill(text: string, ...values: (string | number)[]): string {
  return text.replace(/\{(\d)\}/g, (_place, index: string) =>
    values[Number(index)]!.toString(),
  );
}
