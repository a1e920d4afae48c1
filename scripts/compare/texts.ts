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
  -n, --clients N      how many clients in each step, 1 to 200 (default: {0})
      --load SECONDS   length of the load test, 0.1 to 60 (default: {1})
      --grow           also tests other numbers of clients, up to 5,000
      --only LIST      only some of server,forever,async (default: all)
      --python DIR     also measures the Python originals in DIR
      --json FILE      saves the results as JSON; - prints only JSON
      --html FILE      saves the report as a web page
      --from FILE      shows a saved run (its JSON) instead of a new one
      --lang LANG      en or ko (default: the system's language)
      --help           shows this help`,
    `사용법: npx tsx scripts/compare.ts [옵션]
  -n, --clients N      각 단계의 클라이언트 수, 1~200 (기본값: {0})
      --load SECONDS   부하 테스트의 길이(초), 0.1~60 (기본값: {1})
      --grow           다른 클라이언트 수로도 부하 테스트, 5,000개까지
      --only LIST      server,forever,async 중 일부만 (기본값: 모두)
      --python DIR     DIR에 있는 Python 원본도 측정
      --json FILE      결과를 JSON으로 저장; -는 JSON만 출력
      --html FILE      같은 내용을 웹 페이지로 저장
      --from FILE      새로 실행하지 않고 저장한 결과(JSON)를 보여 줌
      --lang LANG      en 또는 ko (기본값: 시스템 언어)
      --help           이 도움말을 보여 줌`,
  ],
  folder: ["an existing folder", "이미 있는 폴더"],
  anotherFile: [
    "a file other than those of --json and --from",
    "--json, --from과 다른 파일",
  ],
  noNewRun: [
    "--from shows a saved run: it can't be used together with {0}",
    "--from은 저장한 결과를 보여 주므로 {0} 옵션과 함께 쓸 수 없습니다",
  ],
  notSaved: [
    "--from {0}: unreadable, or not a complete run that this version has " +
      "saved with --json{1}",
    "--from {0}: 읽을 수 없거나, 이 버전의 --json으로 저장한 온전한 결과가 아닙니다{1}",
  ],

  title: ["What differs between the servers?", "서버는 무엇이 다른가"],
  pictureTitle: [
    "While one client stays connected",
    "클라이언트 하나가 연결을 유지하는 동안",
  ],
  experiment: [
    "One client stays connected while {0} connect at the same time and send " +
      "one message each. It leaves when all have their answers, or when no " +
      "answer has arrived for 1 s.",
    "클라이언트 하나가 연결을 유지하는 동안 다른 {1}개가 동시에 접속해 메시지를 하나씩 보냅니다. " +
      "그 하나는 모두 응답을 받으면, 또는 1초 동안 아무 응답이 없으면 연결을 끊습니다.",
  ],
  experimentOfOne: [
    "One client stays connected while another one connects and sends a message. " +
      "It leaves when the other one has its answer, or when no answer has " +
      "arrived for 1 s.",
    "클라이언트 하나가 연결을 유지하는 동안 다른 하나가 접속해 메시지를 보냅니다. " +
      "먼저 연결한 클라이언트는 다른 하나가 응답을 받으면, 또는 1초 동안 아무 응답이 없으면 연결을 끊습니다.",
  ],
  answerTitle: ["What differed", "무엇이 달랐나"],
  figuresTitle: ["Measured", "측정값"],
  furtherTitle: ["Further measurements", "그 밖의 측정값"],
  conditions: [
    "{0}; {1}, cores: {2}; took {3} s; {4}",
    "{0}; {1}, 코어 {2}개; 걸린 시간 {3} s; {4}",
  ],

  // Titles of rows, and the leads of the sentences about the same figures.
  whileOneStaysLead: [
    "Answered while one client stayed connected",
    "하나가 연결을 유지하는 동안의 응답",
  ],
  threadStart: ["time to start a thread", "스레드 시작 시간"],
  threadStartLead: [
    "Time to start a thread, measured separately",
    "스레드 하나를 시작하는 시간(따로 측정)",
  ],
  cpu: ["CPU per echo", "에코당 CPU"],
  cpuLead: [
    "CPU time per echo with {0} clients",
    "에코 하나의 CPU 시간, 연결 {0}개",
  ],
  rate: ["echoes/s", "초당 에코 수"],
  rateLead: [
    "Echoes per second with {0} clients, which share this machine's cores " +
      "with the server",
    "초당 에코 수, 연결 {0}개(이 컴퓨터의 코어를 부하 프로그램과 나눠 쓴 값)",
  ],
  latency: ["latency p50, p99", "지연 p50, p99"],
  longestEcho: ["longest latency", "최대 지연"],
  cores: ["cores used", "사용한 코어 수"],
  perClient: ["per client", "클라이언트당"],
  perClientLead: [
    "Each additional client needs",
    "클라이언트가 하나 늘 때마다",
  ],
  ctrlCLead: ["On Ctrl+C", "Ctrl+C를 누르면"],

  // Cells of the table, and the sentences about them.
  oneClient: ["1 client", "연결 1개"],
  clients: ["{0} clients", "연결 {0}개"],
  outcomeCount: ["{0} {1}", "{0}개 {1}"],
  noneAnswered: ["none in {0}", "{0} 동안 없음"],
  noneAnsweredSentence: [
    "none until that client left ({0})",
    "그 하나가 연결을 끊을 때까지({0}) 없음",
  ],
  allAnswered: ["all {0}\nwithin {1}", "{0}개 모두\n{1} 안에"],
  someAnswered: ["{0} of {2}\nwithin {1}", "{2}개 중 {0}개\n{1} 안에"],
  thenOthers: [", then {0}", ", 그 뒤 {0}"],
  waitForThreads: [
    "{0}, and the clients wait for their threads to start one after another",
    "{0}, 클라이언트는 스레드가 하나씩 차례로 시작되기를 기다림",
  ],
  noThread: ["no thread", "스레드 없음"],
  oneThread: ["1 thread", "스레드 1개"],
  threads: ["{0} threads", "스레드 {0}개"],
  timesTheLowest: [" ({0} times the lowest)", "(가장 적은 값의 {0}배)"],
  stillAnswers: ["still answers", "계속 응답"],
  disconnects: ["disconnects", "연결 끊음"],
  noLongerAnswers: ["no longer answers", "더는 응답 없음"],
  exitsWithCode: ["exit code {0}", "종료 코드 {0}"],
  killedBySignal: ["killed by {0}", "{0}에 종료됨"],
  notOnThisSystem: ["not on Windows", "Windows에선 불가"],

  // The picture.
  stays: ["stays", "연결 유지"],
  client: ["client {0}", "클라이언트 {0}"],
  andMore: ["and {0} more: {1}", "그 밖에 {0}개: {1}"],
  legendWaits: ["connected, waiting", "연결된 채 대기"],
  legendAnswered: ["answered", "응답받음"],
  legendNotAnswered: ["not answered", "응답 못 받음"],

  // How far the figures can be trusted, and what went wrong.
  threadIsWorker: [
    "Here a thread is a Worker of Node: a separate JavaScript engine. Add " +
      "--python DIR to measure Python's threads, too.",
    "여기서 스레드는 Node의 Worker입니다. Worker는 저마다 JavaScript 엔진을 하나씩 가집니다. " +
      "--python DIR 옵션을 쓰면 Python의 스레드도 측정합니다.",
  ],
  vagueRate: [
    "~: this rate varied by more than half during the load test; treat it as " +
      "a rough estimate.",
    "~: 부하 테스트 도중에 값이 절반 넘게 달라졌으므로 대략의 값으로만 보세요.",
  ],
  suspended: [
    "compare itself was suspended for {0} during the run, so its times can be " +
      "too long.",
    "도중에 compare 자체가 {0} 동안 멈췄습니다. 시간이 실제보다 길 수 있습니다.",
  ],
  missing: ["Not found, and skipped: {0}.", "찾지 못해 건너뛴 것: {0}."],
  leftOut: [
    "{0}: load tests with {1} or more clients were skipped: {2}.",
    "{0}: 클라이언트 {1}개부터는 부하 테스트를 생략함: {2}.",
  ],
  stillRunning: ["compare: {0}: still running", "compare: {0}: 진행 중"],
  failure: ['{0} FAILED at "{1}": {2}', '{0} 실패("{1}"): {2}'],
  lastLines: ["; its last output: {0}", "; 마지막 출력: {0}"],
} satisfies Pairs;

/** The steps, as titles of rows and as texts of the spinner. */
const steps = {
  "clients in turn": ["one client at a time", "하나씩 차례로 접속"],
  "idle clients": ["idle clients", "연결만 하고 대기"],
  "while one stays": ["while one stays", "하나가 연결된 동안"],
  "all at once": ["load test", "부하 테스트"],
  "Ctrl+C": ["Ctrl+C", "Ctrl+C"],
} satisfies Pairs;
export type Step = keyof typeof steps;

/** What happened to a client. "failed": the client program itself failed. */
const outcomes = {
  answered: ["answered", "응답받음"],
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
    'it didn\'t print "Server listening on …" within {0}',
    '{0} 안에 "Server listening on …"을 출력하지 않음',
  ],
  hangs: ["no answer ({0})", "응답이 없음({0})"],
  wrong: ["wrong answer ({0})", "틀린 응답을 보냄({0})"],
  cut: [
    "it closes connections without answering ({0})",
    "응답 없이 연결을 끊음({0})",
  ],
  died: ["it was killed by {0}", "{0}에 종료됨"],
  ended: ["it exited with code {0}", "스스로 종료됨(종료 코드 {0})"],
  goesOn: ["it didn't exit within {0}", "{0} 안에 종료되지 않음"],
  leaves: [
    "it exited, but a process that it started kept running",
    "서버는 종료되었지만 서버가 시작한 프로세스가 계속 실행됨",
  ],
  noFile: ["there is no file {0}", "{0} 파일이 없음"],
  client: ["the client failed ({0})", "클라이언트가 실패함({0})"],
  clientEnded: [
    "the client exited with code {0}",
    "클라이언트가 종료됨(종료 코드 {0})",
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
    "too many open files ({0}): raise ulimit -n",
    "열린 파일이 너무 많음({0}), ulimit -n을 늘리세요",
  ],
  slow: ["an echo takes {0}", "에코 하나에 {0} 걸림"],
  memory: ["not enough free memory ({0})", "남은 메모리가 부족함({0})"],
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
 * @param values the first replaces {0}, the second {1}, and so on
 * @throws TypeError if a value is missing
 */
export function fill(text: string, ...values: (string | number)[]): string {
  return text.replace(/\{(\d)\}/g, (_place, index: string) =>
    values[Number(index)]!.toString(),
  );
}
