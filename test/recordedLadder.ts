/** A run that was recorded once and for all, and its ladder, 80 columns wide. */
import { readFileSync } from "node:fs";
import { projectFile } from "../scripts/processes.ts";
import { recordingOf, type Shipped } from "../scripts/packets/shipped.ts";

const file = projectFile("test/recordedRun.json");
const shipped = JSON.parse(readFileSync(file, "utf8")) as Shipped;

export const recordedRun = recordingOf(shipped);

export const recordedLadder = `\
       ms │client                        server│
          │127.0.0.1:59964      127.0.0.1:45129│
 -271.011 │                   listen ◆ accept  │  Server listening on 127.0.0.1…
    0.000 │─ [SYN] Seq=0 Len=0 ───────────────▶│  opens
    0.014 │◀──── [SYN, ACK] Seq=0 Ack=1 Len=0 ─│  agrees
    0.026 │─ [ACK] Seq=1 Ack=1 Len=0 ─────────▶│  confirms: connected
    0.562 │─ [PSH, ACK] Seq=1 Ack=1 Len=14 ───▶│  carries 14 bytes
          │  "Hello, Server!"                  │
    0.569 │◀──────── [ACK] Seq=1 Ack=15 Len=0 ─│  confirms 14 bytes
    0.850 │                     accept ◆ recv  │  Connected by ('127.0.0.1', 59…
    2.008 │                    recv ◆ sendall  │  Received: Hello, Server!
    2.134 │◀── [PSH, ACK] Seq=1 Ack=15 Len=14 ─│  carries 14 bytes
          │                  "Hello, Server!"  │
    2.146 │─ [ACK] Seq=15 Ack=15 Len=0 ───────▶│  confirms 14 bytes
    3.540 │  recv ◆ close                      │  Received from server: Hello, …
    4.280 │─ [FIN, ACK] Seq=15 Ack=15 Len=0 ──▶│  closes
    5.124 │◀── [FIN, ACK] Seq=15 Ack=16 Len=0 ─│  closes too
          │                                    │  confirms the close
    5.165 │─ [ACK] Seq=16 Ack=16 Len=0 ───────▶│  confirms the close`;
