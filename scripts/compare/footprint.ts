/**
 * Preloaded into a server: reports its memory, threads and CPU time when
 * compare asks, and exits when compare exits.
 */
import { existsSync, readFileSync } from "node:fs";
import { isMainThread, type Worker } from "node:worker_threads";

/**
 * The resources of a process. Fields that can't be known on this system are
 * missing.
 */
export interface Footprint {
  /** Resident memory. */
  memoryMB?: number;
  /** All threads; on a system that can't report them, the Workers. */
  threads?: number;
  /** How long the last Worker took to start; missing if none was started. */
  threadStartMs?: number;
  /** CPU time since the process was started. */
  cpuSeconds?: number;
}

let workers = 0;
let threadStartMs: number | undefined;

/** The resources that this process uses now. */
function footprint(): Footprint {
  const { user, system } = process.cpuUsage();
  return {
    memoryMB: process.memoryUsage.rss() / 2 ** 20,
    threads: threadsOnLinux() ?? workers,
    threadStartMs,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** How many threads this process has, by /proc, which only Linux has. */
function threadsOnLinux(): number | undefined {
  const file = "/proc/self/status";
  if (!existsSync(file)) return undefined;
  const match = /^Threads:\s+(?<count>\d+)/m.exec(readFileSync(file, "utf8"));
  return match ? Number(match.groups!.count) : undefined;
}

function watchWorkers(): void {
  process.on("worker", (worker: Worker) => {
    const startMs = performance.now();
    workers++;
    worker.once("online", () => {
      threadStartMs = performance.now() - startMs;
    });
    worker.once("exit", () => {
      workers--;
    });
  });
}

function answerCompare(): void {
  process.on("message", () => process.send!(footprint()));
  // Nothing else would stop this server when compare has exited.
  process.on("disconnect", () => process.exit());
  // compare can have exited before that line.
  if (!process.connected) process.exit();
  // The channel must not keep the server alive.
  process.channel!.unref();
}

// The threads of a server can inherit this preload.
if (isMainThread) {
  watchWorkers();
  answerCompare();
}
