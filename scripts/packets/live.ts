/**
 * Captures the packets of programs that packets did not start, and passes them
 * on as they come. dumpcap captures them, and tshark reads what dumpcap writes:
 * a tshark that captures by itself is told only every 500 ms that there is more
 * (Wireshark 4.0).
 */
import { once } from "node:events";
import { createWriteStream, existsSync, type WriteStream } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { which } from "zx/core";
import { ScriptError } from "../commandLine.ts";
import { launch, type Launched } from "../launch.ts";
import { withDeadline } from "../waiting.ts";
import { BlockSplitter, type Block } from "./pcapng.ts";
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
} from "./tshark.ts";

/** Time limit for dumpcap to start, and for it to list the interfaces. */
const startPatienceMs = 20_000;

/** Time limit for dumpcap and tshark to pass on the rest and to exit. */
const exitPatienceMs = 10_000;

/** How long a packet can wait in the kernel before dumpcap gets it. */
const kernelDelayMs = 300;

/**
 * tshark needs half a kilobyte or so for every packet that it has read, and
 * nothing makes it forget. After this many packets, another tshark takes over.
 */
const packetsOfOneTshark = 100_000;

/** How many packets before that the other tshark is started. */
const packetsAhead = 5_000;

/** How much of the messages of dumpcap and tshark is kept, in characters. */
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
 * @throws CannotCapture if tshark is missing, or nothing can be captured
 * @throws ScriptError if the interface doesn't exist, or the file can't be
 *   written
 */
export async function startLiveCapture(
  options: LiveCaptureOptions,
): Promise<LiveCapture> {
  const { say, file } = options;
  const tshark = await tsharkProgram(say);
  const dumpcap = await dumpcapProgram(tshark, say);
  await expectInterface(dumpcap, options);
  const copy = file === undefined ? undefined : await openFile(file, say);
  const capture = new LiveCapture({ tshark, dumpcap, copy, options });
  try {
    await capture.begins();
  } catch (error) {
    await capture.stop();
    throw error;
  }
  return capture;
}

/** @throws CannotCapture if dumpcap, which comes with tshark, is missing */
async function dumpcapProgram(tshark: string, say: Texts): Promise<string> {
  const name = basename(tshark).replace("tshark", "dumpcap");
  const besideTshark = join(dirname(tshark), name);
  if (existsSync(besideTshark)) return besideTshark;
  const onPath = await which("dumpcap", { nothrow: true });
  if (!onPath) throw new CannotCapture(say.noDumpcap);
  return onPath;
}

/** @throws ScriptError if the file can't be written */
async function openFile(file: string, say: Texts): Promise<WriteStream> {
  const stream = createWriteStream(file);
  try {
    await once(stream, "open");
  } catch (error) {
    throw new ScriptError(cantSave(file, error, say));
  }
  return stream;
}

function cantSave(file: string, error: unknown, say: Texts): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  return say.cantSave(file, code);
}

/** An interface in a list: "3. lo (Loopback)". */
const listedInterface = /^\d+\. (?<name>\S+)(?: \((?<description>.*)\))?\r?$/gm;

/**
 * Finds the interfaces of this machine.
 *
 * @param list what `dumpcap -D` prints
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

/** @throws ScriptError if the interface doesn't exist */
async function expectInterface(
  dumpcap: string,
  { interface: wanted, say }: LiveCaptureOptions,
): Promise<void> {
  const listing = launch([dumpcap, "-D"], { env: tsharkEnvironment() });
  await listing.exit(startPatienceMs);
  const list = listing.output.stdout;
  const names = interfaceNames(list);
  if (names.length === 0)
    throw new CannotCapture(`${say.dumpcapSays}: ${lastWords(listing, say)}`);

  const isCode = list.split(/\s/).includes(wanted);
  if (names.includes(wanted) || isCode) return;
  throw new ScriptError(say.noInterface(wanted, names.join(", ")));
}

interface LiveCaptureParts {
  /** The path of tshark. */
  tshark: string;
  /** The path of dumpcap. */
  dumpcap: string;
  /** The file for all packets. */
  copy: WriteStream | undefined;
  options: LiveCaptureOptions;
}

/** The packets of a port, while they pass. */
export class LiveCapture {
  readonly #tshark: string;
  readonly #options: LiveCaptureOptions;
  readonly #dumpcap: Launched;
  readonly #guard: Launched;
  readonly #splitter = new BlockSplitter();
  readonly #copy: WriteStream | undefined;
  /** The blocks at the beginning of the capture, which every tshark needs. */
  readonly #headers: Buffer[] = [];
  #reader: Reader;
  /** Takes over after `reader`. */
  #next: Reader | undefined;
  /** How many packets `reader` has got. */
  #packets = 0;
  /** All tsharks that have not exited. */
  readonly #readers = new Set<Reader>();
  #emptyField: string | undefined;
  #isStopping = false;
  readonly #problems: string[] = [];
  #end = () => {};
  readonly #ended: Promise<void>;

  /** Is called by startLiveCapture() only. */
  constructor({ tshark, dumpcap, copy, options }: LiveCaptureParts) {
    this.#tshark = tshark;
    this.#options = options;
    this.#copy = copy;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#reader = this.#startReader();
    this.#dumpcap = launch([dumpcap, ...captureArguments(options)], {
      ownGroup: true,
      env: tsharkEnvironment(),
      rawOutput: true,
      maxOutput: keptOutput,
    });
    this.#guard = startGuard(this.#dumpcap.pid);
    this.#follow();
  }

  /** Passes on what dumpcap writes, and ends when dumpcap exits. */
  #follow(): void {
    const { say, file = "" } = this.#options;
    const source = this.#dumpcap.child.stdout!;
    source.on("data", (bytes: Buffer) => this.#onBytes(bytes));
    source.on("end", () => this.#reader.end());
    this.#dumpcap.child.once("close", () => {
      const words = lastWords(this.#dumpcap, say);
      this.#fail(`${say.dumpcapSays}: ${words}`);
    });
    this.#copy?.on("error", (error) => this.#fail(cantSave(file, error, say)));
  }

  /** Ends because something is wrong, unless the capture is ending already. */
  #fail(problem: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#problems.push(problem);
    this.#end();
  }

  #onBytes(bytes: Buffer): void {
    try {
      for (const block of this.#splitter.add(bytes)) this.#onBlock(block);
    } catch (error) {
      const { message } = error as Error;
      this.#fail(`${this.#options.say.dumpcapSays}: ${message}`);
    }
    this.#waitFor(this.#reader.input);
    if (this.#copy) this.#waitFor(this.#copy);
  }

  #onBlock({ kind, bytes }: Block): void {
    if (kind === "header") this.#headers.push(bytes);
    if (kind === "packet") this.#countPacket();
    // If tshark has exited or the file is full, that is reported.
    if (!this.#reader.input.destroyed) this.#reader.input.write(bytes);
    if (!this.#copy?.destroyed) this.#copy?.write(bytes);
  }

  /** Lets dumpcap wait until a program or a file has taken its bytes. */
  #waitFor(target: Writable): void {
    if (target.destroyed || !target.writableNeedDrain) return;
    const source = this.#dumpcap.child.stdout!;
    source.pause();
    const goOn = () => {
      target.off("drain", goOn);
      target.off("close", goOn);
      source.resume();
    };
    target.on("drain", goOn);
    target.on("close", goOn);
  }

  /** Lets the next tshark take over if it is time. */
  #countPacket(): void {
    this.#packets++;
    if (this.#packets === packetsOfOneTshark - packetsAhead) {
      this.#next = this.#startReader(this.#reader);
      for (const header of this.#headers) this.#next.input.write(header);
    }
    if (this.#packets <= packetsOfOneTshark) return;
    this.#reader.end();
    this.#reader = this.#next!;
    this.#packets = 1;
  }

  /** @param before the tshark whose rows come first */
  #startReader(before?: Reader): Reader {
    const { say, port, onPacket } = this.#options;
    const reader = new Reader({
      tshark: this.#tshark,
      before,
      onLine: (line) => {
        const row = parseLine(line, port);
        if (row.kind === "packet") onPacket(row.packet);
        if (row.kind === "incomplete") this.#emptyField ??= row.field;
      },
    });
    this.#readers.add(reader);
    void reader.exited.then(() => {
      this.#readers.delete(reader);
      if (!reader.hasEnded)
        this.#fail(`${say.tsharkSays}: ${reader.words(say)}`);
    });
    return reader;
  }

  /**
   * Waits until packets are captured.
   *
   * @throws CannotCapture if dumpcap or tshark exits
   */
  async begins(): Promise<void> {
    const { say } = this.#options;
    // The first bytes are written when the capture has begun.
    const begun = once(this.#dumpcap.child.stdout!, "data");
    const what = "dumpcap: Capturing";
    try {
      await withDeadline(
        startPatienceMs,
        what,
        Promise.race([begun, this.#ended]),
      );
    } catch {
      this.#fail(say.missing(what, startPatienceMs / 1000));
    }
    const problem = this.#problems.pop();
    if (problem !== undefined) throw new CannotCapture(problem);
  }

  /** Ends the wait of untilEnd(). */
  end(): void {
    this.#end();
  }

  /** Waits until end() was called, or the capture has failed. */
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
    if (!this.#dumpcap.exitStatus) await sleep(kernelDelayMs);
    this.#isStopping = true;
    this.#dumpcap.kill("SIGINT");
    await exitOrStop(this.#dumpcap);
    await this.#guard.stop();
    for (const reader of [...this.#readers]) await reader.stop();
    await this.#closeCopy();

    const problems = [...this.#problems];
    const dropped = droppedPackets(this.#dumpcap.output.stderr);
    if (dropped > 0) problems.unshift(say.dropped(dropped));
    if (this.#emptyField) problems.push(say.emptyField(this.#emptyField));
    return problems;
  }

  async #closeCopy(): Promise<void> {
    if (!this.#copy || this.#copy.destroyed) return;
    this.#copy.end();
    await once(this.#copy, "close");
  }
}

interface ReaderOptions {
  /** The path of tshark. */
  tshark: string;
  /** The tshark whose rows come first. */
  before: Reader | undefined;
  /** Is called with each line that tshark prints. */
  onLine: (line: string) => void;
}

/** A tshark that reads packets from its stdin and prints a row for each. */
class Reader {
  readonly #tshark: Launched;
  readonly #guard: Launched;
  /** Resolves when tshark has exited, and all its lines were passed on. */
  readonly exited: Promise<void>;
  /** Whether tshark exits because it has got all its packets. */
  hasEnded = false;

  constructor({ tshark, before, onLine }: ReaderOptions) {
    const command = [tshark, ...readingArguments()];
    this.#tshark = launch(readingPipe(command), {
      ownGroup: true,
      env: tsharkEnvironment(),
      input: true,
      rawOutput: true,
      maxOutput: keptOutput,
    });
    this.#guard = startGuard(this.#tshark.pid);
    // A tshark that has exited can't get more; its exit is reported.
    this.input.on("error", () => {});
    this.exited = this.#read(onLine, before);
  }

  /** Where tshark gets its packets. */
  get input(): Writable {
    return this.#tshark.child.stdin!;
  }

  async #read(onLine: ReaderOptions["onLine"], before?: Reader): Promise<void> {
    const closed = once(this.#tshark.child, "close");
    await before?.exited;
    const lines = createInterface(this.#tshark.child.stdout!);
    lines.on("line", onLine);
    await once(lines, "close");
    await closed;
    await this.#guard.stop();
  }

  /** The explanation of tshark of its exit. */
  words(say: Texts): string {
    return lastWords(this.#tshark, say);
  }

  /** There are no more packets: tshark prints the rest and exits. */
  end(): void {
    this.hasEnded = true;
    this.input.end();
  }

  async stop(): Promise<void> {
    this.end();
    await exitOrStop(this.#tshark);
    this.#tshark.kill("SIGKILL");
    await this.exited;
  }
}

/**
 * Gives a program a pipe as its stdin. Node's own is a socket, except on
 * Windows, and tshark reads packets from a pipe, but not from a socket.
 *
 * @returns a command that becomes the program: its exit is the program's
 */
function readingPipe(command: string[]): string[] {
  if (process.platform === "win32") return command;
  const shell = `
    folder=$(mktemp -d) && mkfifo "$folder/pipe" || exit 1
    exec 3<&0
    {
      exec > "$folder/pipe"
      rm -r "$folder"
      exec cat <&3
    } 2> /dev/null &
    exec "$@" < "$folder/pipe" 3<&-`;
  return ["sh", "-c", shell, "sh", ...command];
}

/** Waits until a program has exited; kills it if it doesn't. */
async function exitOrStop(program: Launched): Promise<void> {
  try {
    await program.exit(exitPatienceMs);
  } catch {
    await program.stop();
  }
}

/** The arguments of the dumpcap that captures packets. */
function captureArguments(options: LiveCaptureOptions): string[] {
  const { interface: name, port } = options;
  // prettier-ignore
  return [
    "-q",
    "-i", name,
    "-f", `tcp port ${port}`,
    // Megabytes that wait in the kernel; by default 2, and a flood drops some.
    "-B", "16",
    "-w", "-",
  ];
}

/** The arguments of a tshark that prints the packets on its stdin. */
function readingArguments(): string[] {
  // prettier-ignore
  return [
    "-r", "-",
    // The next tshark would count from another packet.
    "-o", "tcp.relative_sequence_numbers:FALSE",
    ...rowArguments(),
  ];
}
