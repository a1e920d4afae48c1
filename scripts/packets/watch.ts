/**
 * Watches programs that packets did not start: draws each of their packets as
 * it is captured, and keeps the first ones for the files that are wanted.
 */
import { release, type } from "node:os";
import wrapAnsi from "wrap-ansi";
import { chalk } from "zx/core";
import { print } from "../commandLine.ts";
import { drawsLines } from "../language.ts";
import { LadderDrawing, layoutForRowsToCome } from "./ladder.ts";
import { startLiveCapture, type LiveCapture } from "./live.ts";
import { Numbering, type NumberedConnection } from "./numbering.ts";
import type { Packet, Recording, Watched } from "./recording.ts";
import { RowWriter } from "./rows.ts";
import type { Texts } from "./texts.ts";
import type { CapturedPacket } from "./tshark.ts";

/** How many rows are drawn in a second. More packets are only counted. */
const mostRowsASecond = 200;

/** Rows that the terminal has not taken yet, in bytes: then none is drawn. */
const mostUnwritten = 100_000;

/** How many packets are kept for a file, and how many bytes of their data. */
const mostKeptPackets = 10_000;
const mostKeptBytes = 16_000_000;

/**
 * How many connections are remembered. The packets of one that is forgotten,
 * because it has been quiet for longest, belong to a new one.
 */
const mostConnections = 1000;

/** How many gaps in a connection's captured numbers are remembered. */
const mostRanges = 100;

/** The terminal's width that a ladder needs. */
const leastColumns = 40;

export interface WatchOptions {
  watched: Watched;
  /** The file for all packets, as pcapng. */
  file?: string;
  /** Whether packets are kept for the recording. */
  keepsPackets: boolean;
  /** Whether rows are drawn on stdout. */
  draws: boolean;
  say: Texts;
}

/** What a watch has seen. */
export interface WatchResult {
  recording: Recording;
  /** How many packets and connections there were, as a text. */
  summary: string;
  /** Messages about what went wrong. */
  problems: string[];
}

/** Packets that are drawn as they come. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #writer: RowWriter;
  readonly #numbering: Numbering;
  #capture: LiveCapture | undefined;
  #hasToEnd = false;

  #drawing: LadderDrawing | undefined;
  /** The longest time of a row, for which there is room. */
  #longestTime = "";
  /** The connections whose addresses were drawn, and are remembered. */
  readonly #introduced = new Set<number>();
  #packetCount = 0;
  /** Rows of the current second. */
  #rowsDrawn = 0;
  /** Packets that were not drawn, and of which nothing was said. */
  #notDrawn = 0;
  #second: NodeJS.Timeout | undefined;

  #firstMs: number | undefined;
  readonly #kept: Packet[] = [];
  #keptBytes = 0;
  readonly #connections: Recording["connections"] = [];

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#writer = new RowWriter({
      numbersConnections: true,
      knowsReads: false,
      mostRanges,
      texts: options.say,
    });
    this.#numbering = new Numbering(mostConnections, (number) => {
      this.#writer.tracker.forget(number);
      this.#introduced.delete(number);
    });
  }

  /**
   * Watches until end() is called, or tshark exits.
   *
   * @throws CannotCapture or ScriptError if nothing can be captured
   */
  async run(): Promise<WatchResult> {
    const { watched, file, draws, say } = this.#options;
    this.#capture = await startLiveCapture({
      port: watched.port,
      interface: watched.interface,
      file,
      say,
      onPacket: (packet) => this.#onPacket(packet),
    });
    if (draws) process.stdout.on("resize", this.#layOut);
    await this.#introduce();
    if (!this.#hasToEnd) await this.#capture.untilEnd();
    const problems = await this.#capture.stop();
    process.stdout.off("resize", this.#layOut);
    this.#sayNotDrawn();
    return this.#result(problems);
  }

  /** Ends run(), after the packets that were captured before. */
  end(): void {
    this.#hasToEnd = true;
    this.#capture?.end();
  }

  /** Prints what is watched, what to do, and the heading of the ladder. */
  async #introduce(): Promise<void> {
    const { watched, draws, say } = this.#options;
    const listening = say.watching(watched.port, watched.interface);
    if (!draws) {
      process.stderr.write(`packets: ${listening}\n`);
      return;
    }
    this.#layOut();
    const wrap = (text: string) => wrapAnsi(text, columnsNow());
    const sides = { client: say.client, server: say.server };
    const lines = [
      chalk.bold(wrap(listening)),
      wrap(say.packetsOnly),
      ...this.#drawing!.heading("ms", sides),
    ];
    await print(`${lines.join("\n")}\n`);
  }

  /** Fits the rows to come to the terminal's width. */
  #layOut = (): void => {
    const layout = layoutForRowsToCome(columnsNow(), this.#longestTime);
    this.#drawing = new LadderDrawing(layout, drawsLines());
  };

  /** After some hours, the times need another column. */
  #makeRoomFor(time: string): void {
    if (time.length <= this.#longestTime.length) return;
    this.#longestTime = time;
    this.#layOut();
  }

  #onPacket(captured: CapturedPacket): void {
    this.#firstMs ??= captured.timeMs;
    this.#packetCount++;
    const { packet, connection } = this.#numbering.number(captured);
    const row = this.#writer.packetRow(packet);
    if (row.isRetransmission) packet.retransmission = true;
    this.#keep(packet, connection);
    if (!this.#options.draws) return;

    if (!this.#hasRoom()) {
      this.#notDrawn++;
      return;
    }
    this.#makeRoomFor(row.time);
    const drawing = this.#drawing!;
    const lines = [...this.#heading(connection), ...drawing.row(row)];
    process.stdout.write(`${lines.join("\n")}\n`);
    this.#rowsDrawn++;
  }

  /** Whether another row can be drawn now. */
  #hasRoom(): boolean {
    this.#second ??= setTimeout(() => this.#onSecond(), 1000);
    if (this.#notDrawn > 0) return false;
    if (process.stdout.writableLength > mostUnwritten) return false;
    return this.#rowsDrawn < mostRowsASecond;
  }

  #onSecond(): void {
    this.#second = undefined;
    this.#rowsDrawn = 0;
    if (process.stdout.writableLength <= mostUnwritten) this.#sayNotDrawn();
    else this.#second = setTimeout(() => this.#onSecond(), 1000);
  }

  #sayNotDrawn(): void {
    clearTimeout(this.#second);
    this.#second = undefined;
    if (this.#notDrawn === 0) return;
    const { say } = this.#options;
    const count = this.#notDrawn.toLocaleString("en");
    const text = say.morePackets(drawsLines() ? "…" : "...", count);
    const lines = this.#drawing!.remark(text);
    process.stdout.write(`${lines.join("\n")}\n`);
    this.#notDrawn = 0;
  }

  /** The addresses of a connection, above the first of its rows. */
  #heading({ number, addresses, hasBegunHere }: NumberedConnection): string[] {
    if (this.#introduced.has(number)) return [];
    this.#introduced.add(number);
    const lines = this.#drawing!.heading(`${number}:`, addresses);
    if (hasBegunHere) return lines;
    return [...lines, ...this.#drawing!.remark(this.#options.say.noSyn)];
  }

  #keep(packet: Packet, { number, addresses }: NumberedConnection): void {
    const isFull =
      this.#kept.length >= mostKeptPackets || this.#keptBytes > mostKeptBytes;
    if (!this.#options.keepsPackets || isFull) return;
    this.#kept.push(packet);
    this.#keptBytes += packet.text?.length ?? 0;
    this.#connections[number - 1] ??= addresses;
  }

  #result(problems: string[]): WatchResult {
    const packets = this.#packetCount.toLocaleString("en");
    const connections = this.#numbering.count.toLocaleString("en");
    const summary = this.#options.say.watched(packets, connections);
    return { recording: this.#recording(), summary, problems };
  }

  #recording(): Recording {
    const unkept = this.#packetCount - this.#kept.length;
    return {
      date: new Date(this.#firstMs ?? Date.now()).toISOString(),
      system: `${type()} ${release()}, Node ${process.version}`,
      run: this.#options.watched,
      connections: this.#connections,
      packets: this.#kept,
      ...(unkept > 0 && { unkept }),
      reads: [],
      lines: [],
      ends: [],
    };
  }
}

/** The width of the terminal. */
function columnsNow(): number {
  return Math.max(process.stdout.columns || 80, leastColumns);
}
