/**
 * A load test: how many echoes a server returns, how fast, and for how much CPU
 * time.
 */
import { createHistogram } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import {
  resultsUntilQuiet,
  type Answer,
  type Connection,
} from "./connections.ts";
import { expectAnswers, ServerFailure } from "./failure.ts";
import type { Server } from "./server.ts";
import type { Load, LoadWindow } from "./result.ts";

export interface LoadTestOptions {
  server: Server;
  /** Connections to the server that are idle. */
  connections: Connection[];
  /** How long each measurement window is, in seconds. */
  windowSeconds: number;
  /**
   * An odd number. The windows' spread shows how reliable the figures are. A
   * server that takes long for each echo gets fewer windows.
   */
  windowCount: number;
}

/** The CPU time that the server has used, and its number of echoes. */
export interface Usage {
  /** Missing if the system can't report it. */
  cpuSeconds?: number;
  echoes: number;
}

/** The latencies of the echoes, in nanoseconds: Node's Histogram. */
interface Latencies {
  percentile(percent: number): number;
}

/** The raw results of a load test, before figures are computed. */
export interface Measurements {
  connections: number;
  windows: LoadWindow[];
  latencies: Latencies;
  /** How long the oldest echo was awaited that had not arrived at the end. */
  unansweredMs: number;
  before: Usage;
  after: Usage;
}

/**
 * Makes all connections send one message after another: each as soon as its
 * previous message has been echoed.
 */
export class LoadTest {
  readonly #server: Server;
  readonly #connections: Connection[];
  readonly #windowSeconds: number;
  readonly #windowCount: number;
  readonly #latencies = createHistogram();
  /** When each connection has sent its last message, by performance.now(). */
  readonly #sentMs: number[];
  #echoes = 0;
  #isRunning = true;

  constructor(options: LoadTestOptions) {
    this.#server = options.server;
    this.#connections = options.connections;
    this.#windowSeconds = options.windowSeconds;
    this.#windowCount = options.windowCount;
    this.#sentMs = options.connections.map(() => 0);
  }

  /**
   * Runs the test; once for each object.
   *
   * @throws ServerFailure if an echo is missing or wrong
   */
  async run(): Promise<Load> {
    const loops = this.#connections.map((connection, index) =>
      this.#sendUntilStopped(connection, index),
    );
    const measurements = this.#measure();
    try {
      // The loops end before the measuring only if every connection fails.
      await Promise.race([measurements, Promise.all(loops)]);
    } finally {
      this.#isRunning = false;
    }
    const { patienceMs } = this.#server;
    const answers = await resultsUntilQuiet(loops, patienceMs);
    expectAnswers(answers, { waitedMs: patienceMs });
    return loadOf(await measurements);
  }

  /**
   * Sends one message after another on a connection; returns the last outcome.
   */
  async #sendUntilStopped(
    connection: Connection,
    index: number,
  ): Promise<Answer> {
    const message = Buffer.from(`robot ${String(index).padStart(8, "0")}`);
    while (this.#isRunning) {
      const sentMs = performance.now();
      this.#sentMs[index] = sentMs;
      const answer = await connection.echo(message);
      if (answer !== "answered") return answer;
      const tookMs = performance.now() - sentMs;
      this.#latencies.record(Math.ceil(tookMs * 1e6));
      this.#echoes++;
    }
    return "answered";
  }

  async #measure(): Promise<Measurements> {
    await this.#warmUp();
    const before = await this.#usage();
    this.#latencies.reset();

    const windows: LoadWindow[] = [];
    let isSlow = false;
    while (windows.length < this.#windowCount && !isSlow) {
      const window = await this.#measureWindow();
      windows.push(window);
      // The server takes long for each echo. A window that had to be much
      // longer than usual is worth several.
      isSlow = window.seconds > Math.max(0.5, 5 * this.#windowSeconds);
    }

    const unansweredMs = performance.now() - Math.min(...this.#sentMs);
    const after = await this.#usage();
    return {
      connections: this.#connections.length,
      windows,
      latencies: this.#latencies,
      unansweredMs,
      before,
      after,
    };
  }

  /**
   * Waits until the server is as fast as it can be: until it returns as many
   * echoes as in the tenth of a second before, after 0.3 seconds at the
   * earliest, and after a second, or ten windows, at the latest.
   */
  async #warmUp(): Promise<void> {
    const longestMs = Math.min(1000, this.#windowSeconds * 10_000);
    const shortestMs = Math.min(300, longestMs);
    const startMs = performance.now();
    let elapsedMs: number;
    let rate = 0;
    let rateBefore: number;
    do {
      rateBefore = rate;
      rate = await this.#echoesPerSecond(100);
      elapsedMs = performance.now() - startMs;
      const isSteady = Math.abs(rate - rateBefore) <= rate / 10;
      if (isSteady && elapsedMs >= shortestMs) return;
    } while (elapsedMs < longestMs);
  }

  /** @param ms how long the echoes are counted, in milliseconds */
  async #echoesPerSecond(ms: number): Promise<number> {
    const startMs = performance.now();
    const echoesBefore = this.#echoes;
    await sleep(ms);
    const seconds = (performance.now() - startMs) / 1000;
    return (this.#echoes - echoesBefore) / seconds;
  }

  async #usage(): Promise<Usage> {
    const { cpuSeconds } = await this.#server.footprint();
    return { cpuSeconds, echoes: this.#echoes };
  }

  /**
   * Counts the echoes of one window. It is longer than usual, up to 10 seconds,
   * if there is not yet one echo per connection.
   *
   * @throws ServerFailure if there is no echo at all
   */
  async #measureWindow(): Promise<LoadWindow> {
    const startMs = performance.now();
    const echoesBefore = this.#echoes;
    let seconds: number;
    let echoes: number;
    do {
      await sleep(this.#windowSeconds * 1000);
      seconds = (performance.now() - startMs) / 1000;
      echoes = this.#echoes - echoesBefore;
    } while (echoes < this.#connections.length && seconds < 10);
    if (echoes === 0)
      throw new ServerFailure("hangs", `${seconds.toFixed()} s`);
    return { seconds, echoesPerSecond: echoes / seconds };
  }
}

/** Computes the figures of a load test. */
export function loadOf(measurements: Measurements): Load {
  const { connections, windows, latencies, unansweredMs } = measurements;
  const { before, after } = measurements;
  const seconds = sum(windows.map((window) => window.seconds));
  const rates = windows.map((window) => window.echoesPerSecond);
  const percentileMs = (percent: number) => latencies.percentile(percent) / 1e6;
  const load: Load = {
    connections,
    seconds,
    windows,
    echoesPerSecond: median(rates),
    p50Ms: percentileMs(50),
    p99Ms: percentileMs(99),
    oldestWaitMs: Math.max(percentileMs(100), unansweredMs),
  };

  if (before.cpuSeconds === undefined || after.cpuSeconds === undefined)
    return load;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  // Linux counts the CPU time of a process in hundredths of a second.
  if (cpuSeconds === 0) return load;
  const echoes = after.echoes - before.echoes;
  return {
    ...load,
    coresUsed: cpuSeconds / seconds,
    cpuPerEchoUs: (cpuSeconds * 1e6) / echoes,
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The middle one of some numbers, or the mean of the two in the middle. */
function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
