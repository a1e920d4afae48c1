/** What packets says, in Korean. */
import { withParticle } from "../../old/language.ts";
import type { Act } from "../recording.ts";
import type { Texts } from "../texts.ts";

const acts: Record<Extract<Act, string>, string> = {
  opens: "연결 요청",
  agrees: "연결 수락",
  refuses: "연결 거부",
  resets: "연결을 강제로 끊음",
  closes: "송신 종료",
  "closes too": "이쪽도 송신 종료",
  "confirms the handshake": "확인 응답: 연결됨",
  "confirms the close": "종료 확인 응답",
  "ends inside a character": "글자 중간에서 잘림",
  "says nothing new": "새로운 내용 없음",
};

export const korean: Texts = {
  usage: `사용법: npx tsx scripts/packets.ts [옵션]
      --server NAME    server, forever, async 중 하나 (server)
      --message TEXT   클라이언트가 보낼 문자열 (Hello, Server!)
      --bytes N        그 대신 글자 x를 N개 보냄
      --refused        서버 없음: SYN, 그리고 RST
      --reset          lecture1_server의 두 번째 클라이언트: 대기 후 강제로 끊김
      --read FILE      실행하는 대신 저장된 캡처를 보여 줌
      --save FILE      패킷을 저장함, Wireshark나 --read로 볼 수 있음
      --json FILE      패킷과 출력을 JSON으로 씀; -는 stdout이며 그것만 출력
      --html FILE      같은 내용을 시간에 비례한 그림이 있는 웹 페이지로 씀
      --open           그 페이지를 브라우저로 엶
      --lang LANG      en 또는 ko (시스템의 언어)
      --ascii          오래된 터미널용으로 - | * 만으로 그림
      --help           이 도움말`,

  wrong: {
    server: (name, designs) => `--server ${name}: ${designs} 중 하나를 쓰세요`,
    message: "--message가 비어 있습니다. 문자열을 쓰세요",
    bytes: (bytes, most) => `--bytes ${bytes}: 1부터 ${most}까지의 수를 쓰세요`,
    twoMessages: "--message와 --bytes는 함께 쓸 수 없습니다. 하나만 쓰세요",
    file: (flag) => `${flag}에는 파일 이름이 필요합니다`,
    twoRuns: "--refused와 --reset은 함께 쓸 수 없습니다. 하나만 쓰세요",
    refused: "--refused는 서버를 시작하지 않습니다. --server를 빼세요",
    reset: "--reset은 lecture1_server의 동작입니다. --server를 빼세요",
    read: (flag) =>
      `--read는 아무것도 실행하지 않습니다. ${flag} 옵션을 빼세요`,
    sameFile: (flag) =>
      `${flag}와 --json의 파일이 같습니다. 서로 다른 파일을 쓰세요`,
  },

  printed: "프로그램이 출력한 내용",
  wire: "네트워크를 오간 패킷",
  twoClients:
    "1은 2의 데이터에 확인 응답이 온 뒤에 연결을 끊는 클라이언트, 2는 lecture1_client",
  sides: { client: "클라이언트", server: "서버" },
  carried: (packets, count) => `패킷 ${packets}개, 데이터 ${count}바이트`,
  does(act) {
    if (typeof act === "string") return acts[act];
    return "carries" in act
      ? `${act.carries}바이트 전송`
      : `${act.confirms}바이트 확인 응답`;
  },
  findings: {
    retransmission: "재전송",
    "fast retransmission": "빠른 재전송",
    "spurious retransmission": "불필요한 재전송",
    "out of order": "순서가 바뀜",
    "a packet is missing": "앞 패킷이 캡처에 없음",
    "confirms what is missing": "캡처에 없는 데이터의 ACK",
    "duplicate ACK": "중복 ACK",
    "window update": "윈도 갱신(수신 여유)",
    "window full": "윈도 가득 참",
    "zero window": "제로 윈도(여유 없음)",
    "zero window probe": "제로 윈도 프로브",
    "answers the probe": "프로브에 응답",
    "keep-alive": "keep-alive",
    "answers the keep-alive": "keep-alive에 응답",
    "same ports as before": "앞서 쓴 포트를 다시 씀",
  },
  lost: "유실됨",
  captured: (captured, length) => `${length}바이트 중 ${captured}바이트 캡처됨`,

  page: {
    label: (packets) =>
      `시퀀스 다이어그램: 왼쪽 클라이언트와 오른쪽 서버 사이의 패킷 ${packets}개, 시간은 아래로 흐름`,
    prints: (side) => `${side} 출력:`,
    in: (call) => `${call} 중`,
    unread: "읽기 전",
    since: (side, doing, since) => `${side}: ${since} ms부터 ${doing}`,
    lasts: (time) => `${time} 동안`,
    ready: (time) => `마지막 ${time} 동안은 기다리던 것이 이미 와 있음`,
    held: (side, count, time, connection) =>
      `${connection ? `연결 ${connection}의 ` : ""}${count}바이트가 ${side}에서 ${time} 동안 대기: 확인 응답(ACK)은 했지만 프로그램이 아직 읽지 않음`,
    act:
      (me, other, text, unread) =>
      (act): string => {
        if (typeof act === "object")
          return "carries" in act
            ? `${act.carries}바이트 전송${text && `: “${text}”`}`
            : `${me}의 커널이 ${act.confirms}바이트를 받았습니다.${unread ? " 프로그램은 아직 읽지 않았습니다." : ""}`;
        return {
          opens: `${withParticle(me, "이/가")} 연결을 요청합니다.`,
          agrees: `${me}의 커널이 수락하고, 반대 방향의 연결도 요청합니다.`,
          refuses: "이 포트에서 기다리는 프로그램이 없습니다. 거부됩니다.",
          resets: unread
            ? `${withParticle(me, "이/가")} 연결을 강제로 끊습니다. ${unread}바이트는 끝내 읽지 않았습니다.`
            : `${withParticle(me, "이/가")} 연결을 강제로 끊습니다. 연결이 즉시 사라집니다.`,
          closes: `${withParticle(me, "은/는")} 더 보낼 것이 없습니다. 받는 것은 계속합니다.`,
          "closes too": `${me}도 더 보낼 것이 없습니다.`,
          "confirms the handshake": `${me}의 확인 응답입니다. 양쪽 모두 상대가 수신할 수 있음을 확인했고, 연결이 수립됩니다.`,
          "confirms the close": `${withParticle(me, "이/가")} ${other}의 FIN에 확인 응답합니다.`,
          "ends inside a character":
            "글자 중간에서 잘렸습니다. TCP는 글자가 아니라 바이트를 전달합니다.",
          "says nothing new": "새로운 내용이 없습니다.",
        }[act];
      },
    lost: "도착하지 못합니다.",
    again: (time) =>
      `${time} 동안 확인 응답(ACK)이 오지 않아 같은 번호로 다시 보냅니다.`,
    phases: { handshake: "연결 수립", message: "데이터", end: "연결 종료" },
    legend: {
      flags: {
        SYN: "연결 요청,",
        ACK: "확인 응답,",
        PSH: "데이터를 프로그램에 바로 전달,",
        FIN: "송신 종료,",
        RST: "강제로 끊음.",
      },
      packet:
        "패킷. seq: 첫 바이트의 번호, ack: 다음에 받을 바이트의 번호. SYN과 FIN은 각각 1바이트로 셉니다.",
      slant:
        "캡처에는 패킷마다 출발한 시각만 있습니다. 도착할 때까지 걸린 시간은 알 수 없어서 화살표의 기울기를 모두 같게 그렸습니다.",
      lost: "도착하지 못한 패킷.",
      call: "프로그램이 기다리고 있는 호출. 프로그램의 출력이나 패킷을 기준으로 그렸습니다.",
      ready:
        "기다리던 것이 이미 와 있지만, 프로그램은 아직 다음으로 넘어가지 않았습니다.",
      held: "도착했지만 프로그램이 아직 읽지 않은 바이트와 그 개수.",
      scale: (time) => `실제 시간에 비례: 이 길이가 ${time}입니다.`,
      stretched:
        "시간에 비례하지 않고 같은 간격으로 그린 구간: 그리기에 너무 짧은 시간, 첫 패킷 이전, 마지막 패킷 이후.",
      even: "시간에 비례하지 않습니다. 같은 간격으로 그리고 시각을 적었습니다.",
      noLines: "저장된 캡처에는 프로그램의 동작이 없어서 패킷만 그렸습니다.",
    },
    more: (shown, count) =>
      `패킷과 출력 ${count}개 중 처음 ${shown}개입니다. 전체는 --json FILE로 저장할 수 있습니다.`,
    text: "텍스트로 보기",
    json: "JSON으로 보기",
  },

  noTshark: "tshark가 설치되어 있지 않습니다(ENOENT)",
  noStart: (seconds) => `tshark가 ${seconds}초 안에 시작하지 않았습니다`,
  tsharkSays: (said = "(메시지 없이 끝남)") => `tshark의 메시지: ${said}`,
  noPacket: (file) => `${file} 파일에 TCP 패킷이 없습니다`,
  notAccepted: (seconds) => `${seconds}초 안에 수락된 클라이언트가 없습니다`,
  notConfirmed: (seconds) =>
    `${seconds}초 안에 클라이언트 2의 데이터에 확인 응답이 오지 않았습니다`,
  notEnded: (script, seconds) =>
    `${withParticle(script, "이/가")} ${seconds}초 안에 끝나지 않았습니다`,
  notLeft: (script, seconds) =>
    `${withParticle(script, "이/가")} ${seconds}초 안에 클라이언트의 연결 종료를 받지 못했습니다`,
  noEnd: (seconds) => `${seconds}초 안에 끝나지 않은 연결이 있습니다`,
  notListening: (script) =>
    `${withParticle(script, "이/가")} 연결을 기다리는 상태가 되지 않았습니다`,
  crashed: (script, code, said) =>
    `${withParticle(script, "이/가")} 종료 코드 ${withParticle(String(code), "으로/로")} 끝났습니다\n${said}`,

  shipped: "이 컴퓨터에서 캡처한 것이 아니라 미리 기록해 둔 실행입니다:",
  otherRun: (why) =>
    `요청한 실행이 아니라 미리 기록해 둔 다른 실행입니다. ${why}.`,
  otherMessage: "이 메시지로 기록한 실행이 없습니다",
  otherServer: "이 서버로 기록한 실행이 없습니다",
  edited: (script) =>
    `수정한 ${withParticle(script, "으로/로")} 기록한 실행이 없습니다`,
  unreadable: (file) => `tshark가 없으면 ${file} 파일을 읽을 수 없습니다`,

  install: {
    missing: `tshark는 Wireshark(https://www.wireshark.org)의 명령줄 프로그램입니다:
  Linux    sudo apt install tshark (Fedora와 Arch: wireshark-cli), 질문에 Yes,
           sudo usermod -aG wireshark $USER; 로그아웃했다가 다시 로그인
  macOS    Wireshark를 .dmg로 설치하고 ChmodBPF도 설치
  Windows  Wireshark를 설치하면서 Npcap도 설치`,
    "no right": `캡처하려면 사용자에게 권한이 필요합니다:
  Linux    sudo dpkg-reconfigure wireshark-common (Debian, Ubuntu), 질문에 Yes,
           sudo usermod -aG wireshark $USER; 로그아웃했다가 다시 로그인
  macOS    Wireshark의 .dmg에 있는 ChmodBPF를 설치하면 사용자가 access_bpf
           그룹에 들어감; 로그아웃했다가 다시 로그인
  Windows  Wireshark에 있는 Npcap을 관리자만 캡처하게 하는 옵션 없이 설치하거나,
           관리자 권한으로 연 터미널을 사용`,
  },
};
