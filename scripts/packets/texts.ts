/** Everything that packets says: each text in English and in Korean. */
import { inLanguage, type Language, type TextsOf } from "../language.ts";

export const pairs = {
  usage: [
    `usage: npx tsx scripts/packets.ts [options]
      --server NAME    server, forever or async (server)
      --message TEXT   what the client sends (Hello, Server!)
      --bytes N        sends N letters x instead, 1 to 30000
      --refused        no server: SYN, then RST
      --reset          a second client of lecture1_server: never accepted
      --robot          in the client's place a robot, which reads nothing
      --show NAME      shows a recording: hello, long, forever, async, refused,
                       reset, robot, lossy, sleep or recv4
      --save FILE      keeps the packets, for Wireshark
      --json FILE      packets, reads, lines as JSON; - is stdout, nothing else
      --html FILE      the same as a page to look at
      --lang LANG      en or ko (the system's language)
      --help           shows this`,
    `사용법: npx tsx scripts/packets.ts [옵션]
      --server NAME    server, forever, async 중 하나 (server)
      --message TEXT   클라이언트가 보낼 문자열 (Hello, Server!)
      --bytes N        그 대신 글자 x를 N개 보냄, 1~30000
      --refused        서버 없음: SYN, 그리고 RST
      --reset          lecture1_server가 끝내 수락하지 않는 두 번째 클라이언트
      --robot          클라이언트 대신 로봇: 보내기만 하고 읽지 않음
      --show NAME      기록된 실행: hello, long, forever, async, refused,
                       reset, robot, lossy, sleep, recv4
      --save FILE      패킷을 저장함, Wireshark로 볼 수 있음
      --json FILE      패킷, 읽기, 출력을 JSON으로 씀; -는 stdout에 그것만
      --html FILE      같은 내용을 웹 페이지로 씀
      --lang LANG      en 또는 ko (시스템의 언어)
      --help           이 도움말`,
  ],
  together: ["don't go together", "함께 쓸 수 없습니다"],
  running: ["the programs run", "프로그램을 실행하는 중"],

  // The heads of the picture, and how much was captured.
  title: ["What went over the wire", "네트워크를 오간 패킷"],
  client: ["client", "클라이언트"],
  server: ["server", "서버"],
  robot: ["robot", "로봇"],
  notRead: ["unread bytes", "읽지 않은 바이트"],
  meaning: ["what it does", "설명"],
  origin: [
    (packets: number, bytes: number) =>
      `${packets} packets, ${bytes} bytes carried`,
    (packets: number, bytes: number) =>
      `패킷 ${packets}개, 데이터 ${bytes}바이트`,
  ],

  // What a packet or a program does.
  opens: ["asks for a connection", "연결 요청"],
  agrees: ["answers the request", "연결 요청에 응답"],
  refuses: ["refused: nobody listens", "연결 거부: 기다리는 서버 없음"],
  resets: ["resets the connection", "연결을 강제로 끊음"],
  closes: ["nothing more from this side", "이쪽에서는 더 보낼 것이 없습니다"],
  connected: ["confirms: connected", "확인 응답: 연결됨"],
  confirmsFin: ["confirms the FIN", "FIN에 확인 응답"],
  sentAgain: ["sent again", "재전송"],
  hasRoom: ["has room: window update", "윈도 갱신(수신 여유)"],
  hasNoRoom: ["has no room: window 0", "윈도 0(수신 여유 없음)"],
  asksForRoom: ["window probe: room now?", "윈도 확인(여유 질문)"],
  keepAlive: ["keep-alive: still there?", "keep-alive(생존 확인)"],
  answersKeepAlive: ["keep-alive acknowledged", "keep-alive에 응답(ACK)"],
  acknowledgesAgain: ["duplicate ACK: gap before", "중복 ACK(앞이 빠짐)"],
  lost: ["lost", "유실됨"],
  prints: ["prints", "출력"],
  ends: ["ends: exit code", "끝남: 종료 코드"],
  goesOn: ["still runs: Ctrl+C", "계속 실행 중: Ctrl+C"],
  carries: ["carries", "전송"],
  confirms: ["confirms", "확인 응답"],
  reads: ["reads", "읽음"],
  neverRead: ["never reads", "끝내 읽지 않음"],
  // One of the four verbs above, with a number of bytes.
  counted: [
    (does: string, count: number) =>
      `${does} ${count} byte${count === 1 ? "" : "s"}`,
    (does: string, count: number) => `${count}바이트 ${does}`,
  ],

  // Texts above and below the picture.
  hands: ["hands to the program at once", "프로그램에 바로 전달"],
  numbers: [
    "Seq: number of the packet's first byte. Ack: number of the byte " +
      "expected next. Len: bytes carried. SYN and FIN take a number each.",
    "Seq: 패킷의 첫 바이트 번호. Ack: 다음에 받을 바이트의 번호. " +
      "Len: 담긴 바이트 수. SYN과 FIN도 번호를 하나씩 씁니다.",
  ],
  times: [
    "ms: since the first packet; a packet at the moment it was captured, " +
      "on Linux' loopback that of its arrival. " +
      "◆: told by the program itself.",
    "ms: 첫 패킷부터의 시간. 패킷의 시각은 캡처된 순간이며, " +
      "Linux의 루프백에서는 도착한 순간입니다. ◆: 프로그램이 직접 알린 것.",
  ],
  unread: [
    "The number beside a line: bytes that have arrived there and that " +
      "the program has not read yet.",
    "세로줄 옆의 수: 도착했지만 프로그램이 아직 읽지 않은 바이트의 수.",
  ],
  twoClients: [
    "1 is a client that leaves after bytes of 2 are confirmed; " +
      "2 is lecture1_client, which waits for accept. " +
      "When 1 has left the server ends, and whoever still waits is reset, " +
      "whether it has sent something or not.",
    "1은 2의 바이트에 확인 응답이 온 뒤에 나가는 클라이언트이고, " +
      "2는 accept를 기다리는 lecture1_client입니다. " +
      "1이 나가면 서버가 끝나고, " +
      "아직 기다리는 연결은 보낸 것이 있든 없든 강제로 끊깁니다.",
  ],
  recorded: ["Recorded, not run here", "여기서 실행한 것이 아닌 기록"],
  changed: ["Changed for it", "기록하기 위해 바꾼 것"],
  asTheyCame: [
    "This is a recording, of the programs as they came",
    "이것은 기록이며, 프로그램은 처음 받은 그대로입니다",
  ],
  butFor: ["but for the change above", "위에서 바꾼 것은 빼고"],
  asked: ["--show asks for it", "--show로 요청함"],
  differs: [
    "The recorded run differs from the one that you asked for",
    "요청한 실행과 기록의 차이",
  ],
  // One difference of a recording: an option, and what it has and should have.
  recordedNotAsked: [
    (option: string, recorded: string, asked: string) =>
      `${option} ${recorded}, not ${asked}`,
    (option: string, recorded: string, asked: string) =>
      `${option}: 기록 ${recorded}, 요청 ${asked}`,
  ],
  longText: [
    (bytes: number) => `(${bytes} bytes)`,
    (bytes: number) => `(${bytes}바이트)`,
  ],

  // What went wrong, and what to do about it.
  noTshark: ["tshark is not installed", "tshark가 설치되어 있지 않음"],
  noRight: ["tshark may not capture", "tshark로 캡처할 수 없음"],
  tsharkSays: ["tshark says", "tshark의 메시지"],
  // What a tshark that has exited says when it says nothing.
  exitedWith: [
    (code: number | null) => `exited with code ${code}, without a message`,
    (code: number | null) => `메시지 없이 끝남, 종료 코드 ${code}`,
  ],
  killedBy: [
    (signal: string) => `killed by ${signal}`,
    (signal: string) => `${signal} 시그널을 받고 끝남`,
  ],
  dropped: [
    (packets: number) =>
      `the capture dropped ${packets} packet${packets === 1 ? "" : "s"}, ` +
      "because they arrived faster than tshark could save them: " +
      "the picture has gaps",
    (packets: number) =>
      `패킷 ${packets}개가 캡처에서 빠짐(tshark가 저장하는 것보다 빨리 도착함). ` +
      "그림에 빈 곳이 있음",
  ],
  captureLimit: [
    (seconds: number) =>
      `the capture stopped after ${seconds} s, its longest time: ` +
      "the rest of the run is missing",
    (seconds: number) =>
      `캡처는 최대 ${seconds}초까지이므로 중단됨. 그 뒤의 실행은 그림에 없음`,
  ],
  emptyField: [
    (field: string) =>
      `tshark printed packets without ${field}: they are not drawn`,
    (field: string) =>
      `tshark가 출력한 패킷 일부에 ${field} 값이 없어서 그리지 않음`,
  ],
  noPacket: [
    "no packet was captured: no program has connected",
    "캡처된 패킷 없음(접속한 프로그램이 없음)",
  ],
  linux: [
    "sudo apt install tshark (Fedora, Arch: wireshark-cli), answer Yes, " +
      "sudo usermod -aG wireshark $USER, log out and in again",
    "sudo apt install tshark (Fedora, Arch: wireshark-cli), 질문에 Yes, " +
      "sudo usermod -aG wireshark $USER, 로그아웃했다가 다시 로그인",
  ],
  darwin: [
    "install Wireshark from its .dmg, and with it ChmodBPF, then log " +
      "out and in again",
    "Wireshark를 .dmg로 설치하고 ChmodBPF도 설치한 뒤 로그아웃했다가 다시 로그인",
  ],
  win32: [
    "install Wireshark, and with it Npcap without the option that only " +
      "administrators capture",
    "Wireshark를 설치하면서 Npcap을 관리자만 캡처하게 하는 옵션 없이 설치",
  ],
  more: ["more in docs/reference.md", "자세한 것은 docs/reference.ko.md"],
  missing: [
    (what: string, seconds: number) => `did not come in ${seconds} s: ${what}`,
    (what: string, seconds: number) => `${seconds}초 동안 오지 않음: ${what}`,
  ],
  everyEnd: ["FIN or RST of each connection", "모든 연결의 FIN 또는 RST"],
  restOfRows: ["the rest of the packets", "나머지 패킷"],
  secondWaits: ["ACK of client 2's bytes", "클라이언트 2의 바이트에 대한 ACK"],
} as const;

/** The texts of one language, and which language it is. */
export type Texts = TextsOf<typeof pairs> & { language: Language };

/** Chooses the texts of a language. */
export function textsIn(language: Language): Texts {
  return { ...inLanguage(pairs, language), language };
}
