/** Preloaded into a server: tells what it takes whenever compare asks, and ends it with compare. */
import { readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";

/** What a process takes; what can't be known is missing. */
export interface Footprint {
  memoryMB?: number;
  /** All threads where the system tells them, else the Workers. */
  threads?: number;
  /** How long the last Worker took to start. */
  threadStartMs?: number;
  cpuSeconds?: number;
  /** When this was so, in ms by a clock of its own that only goes forwards. */
  atMs: number;
}

let workers = 0;
let threadStartMs: number | undefined;
process.on("worker", (worker: Worker) => {
  const began = performance.now();
  workers++;
  worker.once("online", () => (threadStartMs = performance.now() - began));
  worker.once("exit", () => workers--);
});

function threads(): number {
  if (process.platform !== "linux") return workers; // no /proc
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/^Threads:\s+(\d+)/m.exec(status)![1]);
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  const footprint: Footprint = {
    memoryMB: process.memoryUsage.rss() / 2 ** 20,
    threads: threads(),
    threadStartMs,
    cpuSeconds: (user + system) / 1e6,
    atMs: performance.now(),
  };
  process.send!(footprint);
});
process.on("disconnect", () => process.exit()); // compare is gone: nobody else would end it
if (!process.connected) process.exit(); // or was it before
process.channel!.unref(); // being asked keeps no server alive
