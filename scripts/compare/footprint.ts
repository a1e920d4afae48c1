/** Preloaded into a server: tells what it takes whenever compare asks, and ends it with compare. */
import { readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";

let workers = 0;
let threadStartMs: number | undefined;
process.on("worker", (worker: Worker) => {
  const began = performance.now();
  workers++;
  worker.once("online", () => (threadStartMs = performance.now() - began));
  worker.once("exit", () => workers--);
});

/** As /proc tells it, which only Linux has. */
function linuxThreads(): number | undefined {
  if (process.platform !== "linux") return undefined;
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/^Threads:\s+(\d+)/m.exec(status)![1]);
}

/** What this process takes. */
function footprint() {
  const { user, system } = process.cpuUsage();
  return {
    memoryMB: process.memoryUsage.rss() / 2 ** 20,
    /** All threads where the system tells them, else the Workers. */
    threads: linuxThreads() ?? workers,
    /** How long the last Worker took to start. */
    threadStartMs,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** What a process takes; what can't be known is missing. */
export type Footprint = Partial<ReturnType<typeof footprint>>;

process.on("message", () => process.send!(footprint()));
process.on("disconnect", () => process.exit()); // compare is gone: nobody else would end it
if (!process.connected) process.exit(); // or was it before
process.channel!.unref(); // being asked keeps no server alive
