/** Preloaded into a server: tells what it takes whenever compare asks, and ends it with compare. */
import { existsSync, readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";

let workers = 0;
let threadStartMs: number | undefined;
process.on("worker", (worker: Worker) => {
  const began = performance.now();
  workers++;
  worker.once("online", () => (threadStartMs = performance.now() - began));
  worker.once("exit", () => workers--);
});

/** What this process takes. */
function footprint() {
  const { user, system } = process.cpuUsage();
  const file = "/proc/self/status"; // only Linux has it
  const status = existsSync(file) ? readFileSync(file, "utf8") : "";
  const threads = /^Threads:\s+(\d+)/m.exec(status);
  return {
    memoryMB: process.memoryUsage.rss() / 2 ** 20,
    /** All threads where the system tells them, else the Workers. */
    threads: Number(threads?.[1] ?? workers),
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
