/** What packets says, in English. */
import type { Finding } from "../packet.ts";
import type { Act } from "../recording.ts";

const bytes = (count: number) => (count === 1 ? "1 byte" : `${count} bytes`);

const findings: Record<Finding, string> = {
  retransmission: "retransmission",
  "fast retransmission": "fast retransmission",
  "spurious retransmission": "spurious retransmission",
  "out of order": "out of order",
  "a packet is missing": "a packet is missing",
  "confirms what is missing": "confirms what is missing",
  "duplicate ACK": "duplicate ACK",
  "window update": "has room: window update",
  "window full": "window full",
  "zero window": "zero window",
  "zero window probe": "zero window probe",
  "answers the probe": "answers the probe",
  "keep-alive": "keep-alive",
  "answers the keep-alive": "answers the keep-alive",
  "same ports as before": "same ports as before",
};

export const english = {
  usage: `usage: npx tsx scripts/packets.ts [options]
      --server NAME    server, forever or async (server)
      --message TEXT   what the client sends (Hello, Server!)
      --bytes N        sends N letters x instead
      --refused        no server: SYN, then RST
      --reset          a second client of lecture1_server: waits, and is reset
      --read FILE      shows a saved capture instead of a run
      --save FILE      keeps the packets, for Wireshark or --read
      --json FILE      packets and lines as JSON; - is stdout, and nothing else
      --html FILE      the same as a page to look at, with the times to scale
      --open           opens that page in the browser
      --lang LANG      en or ko (the system's language)
      --ascii          draws with - | * only, for old terminals
      --help           shows this`,

  wrong: {
    server: (name: string, designs: string) =>
      `--server ${name}: write one of ${designs}`,
    message: "--message is empty: write a text",
    bytes: (bytes: string, most: number) =>
      `--bytes ${bytes}: write a number from 1 to ${most}`,
    twoMessages: "--message and --bytes are two messages: write one of them",
    file: (flag: string) => `${flag} needs a file`,
    twoRuns: "--refused and --reset are two runs: write one of them",
    refused: "--refused starts no server: leave --server out",
    reset: "--reset is what lecture1_server does: leave --server out",
    read: (flag: string) => `--read starts nothing: leave ${flag} out`,
    sameFile: (flag: string) => `${flag} and --json name one file: name two`,
  },

  /** Above the ladder, within it and below it. */
  printed: "What the scripts printed",
  wire: "What went over the wire",
  twoClients:
    "1 is a client that leaves after bytes of 2 are confirmed; 2 is lecture1_client",
  sides: { client: "client", server: "server" },
  carried: (packets: number, count: number) =>
    `${packets === 1 ? "1 packet" : `${packets} packets`}, ${bytes(count)} carried`,
  does(act: Act): string {
    if (typeof act === "object")
      return "carries" in act
        ? `carries ${bytes(act.carries)}`
        : `confirms ${bytes(act.confirms)}`;
    return act === "confirms the handshake" ? "confirms: connected" : act;
  },
  findings,
  lost: "lost",
  captured: (captured: number, length: number) =>
    `${captured} of ${length} bytes captured`,

  /** What the page says beside that. */
  page: {
    label: (packets: number) =>
      `Sequence diagram: ${packets} packets between the client on the left and the server on the right, time goes down`,
    prints: (side: string) => `The ${side} prints:`,
    in: (call: string) => `in ${call}`,
    unread: "not read yet",
    since: (side: string, doing: string, since: string) =>
      `${side}: ${doing} since ${since} ms`,
    lasts: (time: string) => `for ${time}`,
    ready: (time: string) => `what it waits for is there for the last ${time}`,
    held: (side: string, count: number, time: string, connection: number) =>
      `${bytes(count)}${connection ? ` of connection ${connection}` : ""} wait at the ${side} for ${time}: confirmed, and not read by its script`,
    act:
      (me: string, other: string, text: string, unread: number) =>
      (act: Act): string => {
        if (typeof act === "object")
          return "carries" in act
            ? `${bytes(act.carries)}${text && `: “${text}”`}`
            : `The ${me}'s kernel has the ${bytes(act.confirms)}${unread ? "; its script has not read them yet" : ""}.`;
        return {
          opens: `The ${me} asks for a connection.`,
          agrees: `The ${me}'s kernel agrees, and asks for the other direction.`,
          refuses: "Nobody listens on this port: refused.",
          resets: unread
            ? `The ${me} resets the connection: ${bytes(unread)} were never read.`
            : `The ${me} resets the connection: it is gone at once.`,
          closes: `The ${me} has nothing more to send; it still listens.`,
          "closes too": `The ${me} has nothing more to send either.`,
          "confirms the handshake": `The ${me} confirms. Now each knows that the other one hears it: connected.`,
          "confirms the close": `The ${me} confirms the FIN of the ${other}.`,
          "ends inside a character":
            "It ends inside a character: TCP carries bytes, not text.",
          "says nothing new": "Nothing new.",
        }[act];
      },
    lost: "It never arrives.",
    again: (time: string) =>
      `Not confirmed in ${time}: sent again, with the same numbers.`,
    phases: { handshake: "Handshake", message: "Message", end: "End" },
    legend: {
      flags: {
        SYN: "opens,",
        ACK: "confirms,",
        PSH: "asks to give the bytes to the program at once,",
        FIN: "closes,",
        RST: "ends all at once.",
      },
      packet:
        "A packet. seq: the number of its first byte; ack: the number of the byte that is expected next. SYN and FIN count as one byte each.",
      slant:
        "Each packet has one time, that of its start. How long it took is not known: all arrows sink alike.",
      lost: "A packet that never arrives.",
      call: "A call that the script waits in, from one line or packet of the script to the next.",
      ready:
        "What the call waits for is there; the script has not gone on yet.",
      held: "Bytes that have arrived and that the script has not read, and how many they are.",
      scale: (time: string) => `Time to scale: this is ${time}.`,
      stretched:
        "Not to scale but evenly spaced: too short to be drawn, or before the first packet or after the last.",
      even: "Not to scale: the rows are evenly spaced, the times stand beside them.",
      noLines:
        "A saved capture doesn't tell what the scripts did: only packets are drawn.",
    },
    more: (shown: number, count: number) =>
      `These are the first ${shown} of ${count} packets and lines; --json FILE writes all.`,
    text: "The same as text",
    json: "The same as JSON",
  },

  /** What went wrong. */
  noTshark: "tshark is not installed (ENOENT)",
  noStart: (seconds: number) => `tshark didn't start in ${seconds} s`,
  tsharkSays: (said = "nothing, and ended") => `tshark says: ${said}`,
  noPacket: (file: string) => `${file} holds no TCP packet`,
  notAccepted: (seconds: number) =>
    `no client was accepted within ${seconds} s`,
  notConfirmed: (seconds: number) =>
    `no bytes of client 2 were confirmed within ${seconds} s`,
  notEnded: (script: string, seconds: number) =>
    `${script} did not end within ${seconds} s`,
  notLeft: (script: string, seconds: number) =>
    `${script} did not see its client leave within ${seconds} s`,
  noEnd: (seconds: number) =>
    `not every connection's end came within ${seconds} s`,
  notListening: (script: string) => `${script} did not listen`,
  crashed: (script: string, code: number, said: string) =>
    `${script} ended with exit code ${code}\n${said}`,

  /** What is shown where nothing can be captured. */
  shipped: "A recorded run, not one of this machine:",
  otherRun: (why: string) =>
    `A recorded run, and not the one you asked for: ${why}.`,
  otherMessage: "none was recorded with this message",
  otherServer: "none was recorded with this server",
  edited: (script: string) =>
    `none was recorded of ${script} as you changed it`,
  unreadable: (file: string) => `without tshark ${file} can't be read`,

  /** What to install, or which group to join. */
  install: {
    missing: `It is the command line of Wireshark, https://www.wireshark.org:
  Linux    sudo apt install tshark (Fedora and Arch: wireshark-cli), answer Yes,
           sudo usermod -aG wireshark $USER; log out and in again
  macOS    install Wireshark from its .dmg, and with it ChmodBPF
  Windows  install Wireshark, and with it Npcap`,
    "no right": `To capture, your user needs the right to:
  Linux    sudo dpkg-reconfigure wireshark-common (Debian, Ubuntu), answer Yes,
           sudo usermod -aG wireshark $USER; log out and in again
  macOS    install ChmodBPF, which comes with Wireshark's .dmg and puts you into
           the group access_bpf; log out and in again
  Windows  install Npcap, which comes with Wireshark, without the option that
           only administrators capture, or use a terminal as administrator`,
  },
};
