/**
 * Captures the packets of programs that packets did not start, and passes them
 * on as tshark prints them.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { ScriptError } from "../commandLine.ts";
import { launch, type Launched } from "../launch.ts";
import type { Texts } from "./texts.ts";
import {
  CannotCapture,
  droppedPackets,
  lastWords,
  parseLine,
  rowArguments,
  startGuard,
  tsharkEnvironment,
  tsharkProgram,
  type CapturedPacket,
  type TsharkRow,
} from "./tshark.ts";

/** Time limit for tshark to start, and for it to list the interfaces. */
const startPatienceMs = 20_000;

/** Time limit for tshark to print the rest and to exit. */
const exitPatienceMs = 10_000;

/**
 * tshark remembers half a kilobyte or so of every packet, and nothing makes it
 * forget. After this many packets, another one takes over.
 */
const packetsOfOneTshark = 200_000;

/** How many packets of the next tshark wait for the one before it. */
const mostWaiting = 50_000;

/**
 * Packets wait in files until tshark has read them. Only the latest files are
 * kept, so tshark can be 7 files behind the capture.
 */
const fileKilobytes = 8000;
const fileCount = 8;

/** How much of a packet is captured: a full packet of Ethernet, in bytes. */
const capturedBytes = 1600;

/** How much of the messages and rows of tshark is kept, in characters. */
const keptOutput = 10_000;

export interface LiveCaptureOptions {
  /** The TCP port whose packets are captured, from it and to it. */
  port: number;
  /** The network interface, by a name that tshark knows. */
  interface: string;
  /** The file for all packets, as pcapng. */
  file?: string;
  /** The texts of the errors. */
  say: Texts;
  /** Is called with each packet. Its numbers are TCP's own, not relative. */
  onPacket: (packet: CapturedPacket) => void;
}

/**
 * Starts to capture the packets of a port.
 *
 * @returns the capture, which has begun
 * @throws CannotCapture if tshark is missing, or isn't allowed to capture
 * @throws ScriptError if the interface doesn't exist, or tshark fails otherwise
 */
export async function startLiveCapture(
  options: LiveCaptureOptions,
): Promise<LiveCapture> {
  const { say } = options;
  const program = await tsharkProgram(say);
  await expectInterface(program, options);
  const capture = new LiveCapture(program, options);
  try {
    await capture.begin();
  } catch (error) {
    await capture.stop();
    throw error;
  }
  return capture;
}

/** An interface that tshark lists: "3. lo (Loopback)" is one. */
const listedInterface = /^\d+\. (?<name>\S+)(?: \((?<description>.*)\))?\r?$/gm;

/**
 * Finds the interfaces of this machine.
 *
 * @param list what `tshark -D` prints
 * @returns their names; on Windows, where these are long codes, the names that
 *   the system's settings show
 */
export function interfaceNames(list: string): string[] {
  const names: string[] = [];
  for (const { groups } of list.matchAll(listedInterface)) {
    const { name = "", description } = groups ?? {};
    const isCode = name.startsWith("\\Device\\NPF_{");
    names.push(isCode && description ? description : name);
  }
  return names;
}

/** @throws ScriptError if tshark doesn't have the interface */
async function expectInterface(
  program: string,
  { interface: wanted, say }: LiveCaptureOptions,
): Promise<void> {
  const tshark = launch([program, "-D"], { env: tsharkEnvironment() });
  const { code } = await tshark.exit(startPatienceMs);
  const list = tshark.output.stdout;
  const names = interfaceNames(list);
  if (code !== 0 || names.length === 0)
    throw new CannotCapture(`${say.noRight}: ${lastWords(tshark, say)}`);

  const isCode = list.split(/\s/).includes(wanted);
  if (names.includes(wanted) || isCode) return;
  throw new ScriptError(say.noInterface(wanted, names.join(", ")));
}

/** A program that captures packets: tshark or dumpcap. */
class CapturingProgram {
  readonly #program: Launched;
  /** Stops the program if this process can't. */
  readonly #guard: Launched;
  readonly #say: Texts;

  /** @param folder a folder that the program needs until it exits */
  constructor(command: string[], say: Texts, folder?: string) {
    this.#say = say;
    this.#program = launch(command, {
      ownGroup: true,
      env: tsharkEnvironment(),
      maxOutput: keptOutput,
    });
    this.#guard = startGuard(this.#program.pid, folder);
  }

  get stdout(): Readable {
    return this.#program.child.stdout!;
  }

  get stderr(): string {
    return this.#program.output.stderr;
  }

  get hasExited(): boolean {
    return this.#program.exitStatus !== undefined;
  }

  onExit(listener: () => void): void {
    this.#program.child.once("close", listener);
  }

  /**
   * Waits until packets are captured.
   *
   * @throws ScriptError if the program exits
   */
  async begins(): Promise<void> {
    const program = this.#program;
    const begun = /Capture started|File: /;
    try {
      await program.prints(/Capturing on|File: /, startPatienceMs);
      // Older versions don't say when the capture has really begun.
      const oldVersionMs = 1000;
      await Promise.race([
        program.prints(begun, startPatienceMs),
        sleep(oldVersionMs, undefined, { ref: false }),
      ]);
    } catch {
      // It has exited, or it hangs.
    }
    if (this.hasExited) await program.exit();
    const isRunning = !this.hasExited && this.stderr !== "";
    if (!isRunning) throw new ScriptError(this.reasonOfExit());
  }

  /** Why the program has exited by itself. */
  reasonOfExit(): string {
    return `${this.#say.tsharkSays}: ${lastWords(this.#program, this.#say)}`;
  }

  /** Stops the program, which first prints and saves what it has captured. */
  async stop(): Promise<void> {
    this.#program.kill("SIGINT");
    try {
      await this.#program.exit(exitPatienceMs);
    } catch {
      await this.#program.stop();
    }
    await this.#guard.stop();
  }
}

/** A tshark that prints packets. Its files are in a folder of its own. */
class Printer extends CapturingProgram {
  readonly #folder: string;

  /**
   * @param folder the folder, which is removed by stop()
   * @param onRow is called with each row
   */
  constructor(
    program: string,
    folder: string,
    options: LiveCaptureOptions,
    onRow: (row: TsharkRow) => void,
  ) {
    const command = [program, ...printingArguments(folder, options)];
    super(command, options.say, folder);
    this.#folder = folder;
    process.once("exit", this.#removeFolder);
    const lines = createInterface(this.stdout);
    lines.on("line", (line) => onRow(parseLine(line, options.port)));
  }

  #removeFolder = (): void => {
    rmSync(this.#folder, { recursive: true, force: true });
  };

  override async stop(): Promise<void> {
    await super.stop();
    process.off("exit", this.#removeFolder);
    this.#removeFolder();
  }
}

/** The packets of a port, while they pass. */
export class LiveCapture {
  readonly #program: string;
  readonly #options: LiveCaptureOptions;
  #printer: Printer | undefined;
  /** How many packets the current tshark has printed. */
  #printed = 0;
  /** The next tshark, which takes over at the first packet that both print. */
  #next: Printer | undefined;
  /** What the next tshark has printed. */
  #waiting: CapturedPacket[] = [];
  /** tsharks that are exiting. */
  readonly #exiting = new Set<Promise<void>>();
  /** Saves the packets for the user. */
  #saver: CapturingProgram | undefined;
  #emptyField: string | undefined;
  #dropped = 0;
  #isStopping = false;
  #problem: string | undefined;
  #end = () => {};
  readonly #ended: Promise<void>;

  /** @param program the path of tshark */
  constructor(program: string, options: LiveCaptureOptions) {
    this.#program = program;
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Starts tshark, and dumpcap if the packets are saved.
   *
   * @throws ScriptError if one of them exits
   */
  async begin(): Promise<void> {
    const { file, say } = this.#options;
    this.#printer = await this.#startPrinter();
    if (file !== undefined) {
      const dumpcap = basename(this.#program).replace("tshark", "dumpcap");
      const path = join(dirname(this.#program), dumpcap);
      const command = [path, ...savingArguments(file, this.#options)];
      this.#saver = new CapturingProgram(command, say);
      this.#endWith(this.#saver);
    }
    await Promise.all([this.#printer.begins(), this.#saver?.begins()]);
  }

  /** Ends the wait of untilEnd(). */
  end(): void {
    this.#end();
  }

  /** Waits until a program has exited by itself, or end() was called. */
  async untilEnd(): Promise<void> {
    await this.#ended;
  }

  /**
   * Stops the capture. All packets that were captured before are passed on.
   *
   * @returns what the capture lacks, as messages
   */
  async stop(): Promise<string[]> {
    const { say } = this.#options;
    this.#isStopping = true;
    await Promise.all([
      this.#printer?.stop(),
      this.#next?.stop(),
      this.#saver?.stop(),
      ...this.#exiting,
    ]);
    this.#end();

    const problems: string[] = [];
    this.#dropped += droppedPackets(this.#printer?.stderr ?? "");
    if (this.#dropped > 0) problems.push(say.dropped(this.#dropped));
    if (this.#problem) problems.push(this.#problem);
    if (this.#emptyField) problems.push(say.emptyField(this.#emptyField));
    return problems;
  }

  async #startPrinter(): Promise<Printer> {
    const folder = await mkdtemp(join(tmpdir(), "lecture1-watch-"));
    const printer: Printer = new Printer(
      this.#program,
      folder,
      this.#options,
      (row) => this.#onRow(row, printer),
    );
    this.#endWith(printer);
    return printer;
  }

  /** If this program exits by itself, the capture has ended. */
  #endWith(program: CapturingProgram): void {
    program.onExit(() => {
      const isNeeded = program === this.#saver || program === this.#printer;
      if (this.#isStopping || !isNeeded) return;
      this.#problem ??= program.reasonOfExit();
      this.#end();
    });
  }

  #onRow(row: TsharkRow, printer: Printer): void {
    if (row.kind === "incomplete") this.#emptyField ??= row.field;
    if (row.kind !== "packet") return;
    const { packet } = row;
    if (printer === this.#next) this.#waiting.push(packet);
    if (printer === this.#printer && !this.#isHandedOver(packet))
      this.#pass(packet);

    const isFarBehind = this.#waiting.length > mostWaiting;
    if (isFarBehind) this.#handOver();
  }

  #pass(packet: CapturedPacket): void {
    this.#options.onPacket(packet);
    this.#printed++;
    if (this.#printed === packetsOfOneTshark) void this.#prepareNext();
  }

  /** Whether the next tshark has printed this packet, too: it takes over. */
  #isHandedOver(packet: CapturedPacket): boolean {
    const [first] = this.#waiting;
    if (!first || packet.timeMs < first.timeMs) return false;
    this.#handOver();
    return true;
  }

  #handOver(): void {
    const old = this.#printer!;
    this.#printer = this.#next!;
    this.#next = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#printed = 0;
    for (const packet of waiting) this.#pass(packet);

    const exit = old.stop().then(() => {
      this.#exiting.delete(exit);
      this.#dropped += droppedPackets(old.stderr);
    });
    this.#exiting.add(exit);
  }

  async #prepareNext(): Promise<void> {
    if (this.#isStopping) return;
    this.#next = await this.#startPrinter();
  }
}

/** The arguments that tshark and dumpcap have in common. */
function sourceArguments(options: LiveCaptureOptions): string[] {
  const { interface: name, port } = options;
  // Megabytes that wait in the kernel; by default 2, and a flood drops some.
  return ["-i", name, "-f", `tcp port ${port}`, "-B", "16"];
}

/** The arguments of the tshark that prints rows. */
function printingArguments(
  folder: string,
  options: LiveCaptureOptions,
): string[] {
  // prettier-ignore
  return [
    ...sourceArguments(options),
    "-s", `${capturedBytes}`,
    "-w", join(folder, "packets.pcapng"),
    "-b", `filesize:${fileKilobytes}`,
    "-b", `files:${fileCount}`,
    "-P",
    // The next tshark would count from another packet.
    "-o", "tcp.relative_sequence_numbers:FALSE",
    ...rowArguments(),
  ];
}

/** The arguments of the dumpcap that saves packets. */
function savingArguments(file: string, options: LiveCaptureOptions): string[] {
  return [...sourceArguments(options), "-q", "-w", file];
}
