/** All texts of packets, in English and in Korean. */
import { inLanguage, type Language, type TextsOf } from "../language.ts";

export const pairs = {
  usage: [
    `usage: npx tsx scripts/packets.ts [options]
      --server NAME    server, forever or async (default: server)
      --message TEXT   what the client sends (default: Hello, Server!)
      --bytes N        sends the letter x N times instead, 1 to 30000
      --refused        no server: SYN, then RST
      --reset          two clients of lecture1_server, the second never accepted
      --robot          a robot instead of the client; it reads nothing
      --show NAME      shows a recording: hello, long, forever, async, refused,
                       reset, robot, lossy, sleep or recv4
      --watch          shows packets of programs that you start, as they come
      --port N         with --watch: the server's port (default: 65432)
      --interface NAME with --watch: the network interface (default: loopback)
      --save FILE      saves the packets, for Wireshark
      --json FILE      saves packets, reads, output as JSON; - prints only JSON
      --html FILE      saves the same as a web page
      --lang LANG      en or ko (default: the system's language)
      --help           shows this help`,
    `사용법: npx tsx scripts/packets.ts [옵션]
      --server NAME    server, forever, async 중 하나 (기본값: server)
      --message TEXT   클라이언트가 보낼 문자열 (기본값: Hello, Server!)
      --bytes N        그 대신 글자 x를 N개(1~30000) 보냄
      --refused        서버 없이 실행: SYN에 RST
      --reset          lecture1_server에 클라이언트 둘: 두 번째는 수락되지 않음
      --robot          클라이언트 대신 로봇 실행: 보내기만 하고 읽지 않음
      --show NAME      기록 보기: hello, long, forever, async, refused,
                       reset, robot, lossy, sleep, recv4
      --watch          직접 실행한 프로그램의 패킷을 오가는 대로 보여 줌
      --port N         --watch와 함께: 서버의 포트(기본값: 65432)
      --interface NAME --watch와 함께: 네트워크 인터페이스(기본값: 루프백)
      --save FILE      패킷을 저장(Wireshark로 볼 수 있음)
      --json FILE      패킷, 읽기, 출력을 JSON으로 저장; -는 JSON만 출력
      --html FILE      같은 내용을 웹 페이지로 저장
      --lang LANG      en 또는 ko (기본값: 시스템 언어)
      --help           이 도움말을 보여 줌`,
  ],
  together: ["can't be used together", "함께 쓸 수 없습니다"],
  onlyWith: [
    (option: string, other: string) => `${option} needs ${other}`,
    (option: string, other: string) =>
      `${option}: ${other} 옵션과 함께 써야 합니다`,
  ],
  running: ["running the programs", "프로그램을 실행하는 중"],

  // Headings of the picture, and how much was captured.
  title: ["What went over the wire", "네트워크를 오간 패킷"],
  client: ["client", "클라이언트"],
  server: ["server", "서버"],
  robot: ["robot", "로봇"],
  notRead: ["unread bytes", "읽지 않은 바이트"],
  meaning: ["what it does", "설명"],
  origin: [
    (packets: number, bytes: number) =>
      `${packets} packets, ${bytes} bytes of data`,
    (packets: number, bytes: number) =>
      `패킷 ${packets}개, 데이터 ${bytes}바이트`,
  ],

  // Labels for the actions of packets and programs.
  opens: ["asks to connect", "연결 요청"],
  agrees: ["agrees to connect", "연결 요청에 동의"],
  refuses: ["refused: nothing listens", "거부: 기다리는 서버 없음"],
  resets: ["resets the connection", "연결을 강제로 끊음"],
  closes: ["no more to send", "더 보낼 것 없음"],
  connected: ["acknowledges: connected", "확인 응답: 연결됨"],
  acknowledgesFin: ["acknowledges the FIN", "FIN에 확인 응답"],
  sentAgain: ["retransmission", "재전송"],
  copied: ["same packet, seen twice", "같은 패킷이 또 보임"],
  hasRoom: ["window update: has room", "윈도 갱신(수신 여유)"],
  hasNoRoom: ["zero window: no room", "윈도 0(수신 여유 없음)"],
  asksForRoom: ["window probe: room now?", "윈도 확인(여유 질문)"],
  keepAlive: ["keep-alive: still there?", "keep-alive(생존 확인)"],
  answersKeepAlive: ["keep-alive acknowledged", "keep-alive에 확인 응답"],
  acknowledgesAgain: ["duplicate ACK: a gap", "중복 ACK(앞이 빠짐)"],
  lost: ["lost", "유실됨"],
  prints: ["prints", "출력"],
  ends: ["exits with code", "끝남: 종료 코드"],
  goesOn: ["still running: gets Ctrl+C", "계속 실행 중: Ctrl+C 보냄"],
  carries: ["sends", " 전송"],
  acknowledges: ["acknowledges", "에 확인 응답"],
  reads: ["reads", " 읽음"],
  neverRead: ["unread:", "는 읽지 않음"],
  // One of the four texts above, with a number of bytes.
  counted: [
    (does: string, count: number) =>
      `${does} ${count} byte${count === 1 ? "" : "s"}`,
    (does: string, count: number) => `${count}바이트${does}`,
  ],

  // Texts above and below the picture.
  ackFlag: ["acknowledges", "확인 응답"],
  pshFlag: ["don't wait for more data", "데이터를 더 기다리지 말 것"],
  numbers: [
    "Seq: sequence number of the packet's first byte; if it carries none, of " +
      "the next byte. Ack: sequence number of the byte that is expected next. " +
      "Len: number of bytes. SYN and FIN use one sequence number each.",
    "Seq(순서 번호): 패킷의 첫 바이트 번호, 데이터가 없으면 다음 바이트의 번호. " +
      "Ack(확인 응답 번호): 다음에 받을 바이트의 번호. " +
      "Len: 담긴 바이트 수. SYN과 FIN도 번호를 하나씩 씁니다.",
  ],
  times: [
    "ms: time since the first packet. A packet's time is when it was " +
      "captured; on Linux's loopback interface, that is when it arrived. " +
      "◆: reported by the program itself.",
    "ms: 첫 패킷부터 잰 시간. 패킷의 시각은 캡처된 순간이며, " +
      "Linux의 루프백에서는 도착한 순간입니다. ◆: 프로그램이 직접 알린 것.",
  ],
  packetTimes: [
    "ms: time since the first packet. A packet's time is when it was " +
      "captured; on Linux's loopback interface, that is when it arrived.",
    "ms: 첫 패킷부터 잰 시간. 패킷의 시각은 캡처된 순간이며, " +
      "Linux의 루프백에서는 도착한 순간입니다.",
  ],
  unread: [
    "The number next to a vertical line: bytes that have arrived there but " +
      "that the program has not read yet.",
    "세로줄 옆의 수: 도착했지만 프로그램이 아직 읽지 않은 바이트의 수.",
  ],
  twoClients: [
    "1 and 2 are clients. 2 (lecture1_client) waits to be accepted; 1 closes " +
      "its connection after 2's bytes have been acknowledged. Then the server " +
      "exits, and every connection that has not been accepted is reset, " +
      "whether its client has sent data or not.",
    "1과 2는 클라이언트입니다. 2(lecture1_client)는 accept를 기다리고, " +
      "1은 2가 보낸 바이트에 확인 응답이 온 다음 연결을 끊습니다. " +
      "그러면 서버가 끝나고, 아직 수락되지 않은 연결은 " +
      "보낸 것이 있든 없든 RST로 끊깁니다.",
  ],
  // What --watch says before the first packet.
  watching: [
    (port: number, name: string) =>
      `Listening to the packets of port ${port} on ${name}. Start a server and ` +
      "clients in other terminals. Ctrl+C stops this.",
    (port: number, name: string) =>
      `${name}에서 포트 ${port}의 패킷을 기다립니다. ` +
      "다른 터미널에서 서버와 클라이언트를 실행하세요. Ctrl+C를 누르면 끝납니다.",
  ],
  packetsOnly: [
    "Only packets are shown, because only packets are captured: nothing is " +
      "known of what the programs read and print, or of unread bytes. The " +
      "number before the flags is the number of the connection.",
    "캡처되는 것은 패킷뿐이므로 패킷만 보여 줍니다. 프로그램이 읽고 출력한 것과 " +
      "읽지 않은 바이트는 알 수 없습니다. 플래그 앞의 수는 연결 번호입니다.",
  ],
  noSyn: [
    "no SYN captured: Seq and Ack count from the first packet here",
    "SYN은 캡처되지 않음: Seq와 Ack는 여기 첫 패킷부터 셈",
  ],
  morePackets: [
    (dots: string, count: string) => `${dots} ${count} packets more`,
    (dots: string, count: string) => `${dots} 패킷 ${count}개 더`,
  ],
  watched: [
    (packets: string, connections: string) =>
      `packets: ${packets}, connections: ${connections}`,
    (packets: string, connections: string) =>
      `패킷 ${packets}개, 연결 ${connections}개`,
  ],
  unkept: [
    (kept: number, more: number) =>
      `These are the first ${kept} packets. ${more} more were counted only.`,
    (kept: number, more: number) =>
      `처음 패킷 ${kept}개입니다. 그 뒤의 ${more}개는 세기만 했습니다.`,
  ],
  recorded: ["Recorded earlier", "미리 기록해 둔 실행"],
  changed: ["Changed for this recording", "이 기록을 위해 바꾼 것"],
  unmodified: [
    "This is a recording of the unmodified programs",
    "고치지 않은 프로그램을 미리 기록한 것입니다",
  ],
  exceptForChange: ["except for the change above", "위에 적은 것만 바꿈"],
  asked: ["shown because of --show", "--show 옵션을 씀"],
  differs: [
    "The recording differs from the run that you asked for",
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

  // Problems, and advice.
  noTshark: ["tshark is not installed", "tshark가 설치되어 있지 않음"],
  noRight: ["tshark is not allowed to capture", "tshark에 캡처 권한이 없음"],
  tsharkSays: ["tshark reports", "tshark의 메시지"],
  dumpcapSays: ["dumpcap reports", "dumpcap의 메시지"],
  noDumpcap: ["dumpcap is not installed", "dumpcap이 설치되어 있지 않음"],
  cantSave: [
    (file: string, why: string) => `can't write ${file} (${why})`,
    (file: string, why: string) => `${file}에 쓸 수 없습니다(${why})`,
  ],
  noInterface: [
    (name: string, names: string) =>
      `--interface ${name}: there is none of this name; there are ${names}`,
    (name: string, names: string) =>
      `--interface ${name}: 없는 이름입니다. 있는 이름: ${names}`,
  ],
  // For a tshark that has exited without a message.
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
      `the capture stopped at its limit of ${seconds} s: ` +
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
    "install Wireshark and its ChmodBPF from the .dmg, then log out and in " +
      "again",
    "Wireshark를 .dmg로 설치하고 ChmodBPF도 설치한 뒤 로그아웃했다가 다시 로그인",
  ],
  win32: [
    "install Wireshark and Npcap, without Npcap's option that only " +
      "administrators can capture",
    "Wireshark와 Npcap을 설치. 이때 관리자만 캡처하게 하는 Npcap 옵션은 끔",
  ],
  more: ["see docs/reference.md", "자세한 것은 docs/reference.ko.md"],
  missing: [
    (what: string, seconds: number) =>
      `still missing after ${seconds} s: ${what}`,
    (what: string, seconds: number) =>
      `${seconds}초가 지나도 오지 않음: ${what}`,
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
