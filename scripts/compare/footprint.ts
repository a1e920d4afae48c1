/** Preloaded into a server: tells what it takes whenever compare asks. */
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";

/** What a process takes; what can't be known is missing. */
export interface Footprint {
  memoryMB?: number;
  /** All threads where the system tells them, else the Workers. */
  threads?: number;
  cpuSeconds?: number;
  /** When this was so, in ms of the asked process' own clock. */
  atMs: number;
}

let workers = 0;
subscribe("worker_threads", (message) => {
  workers++;
  (message as { worker: Worker }).worker.once("exit", () => workers--);
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
    cpuSeconds: (user + system) / 1e6,
    atMs: performance.now(),
  };
  process.send!(footprint);
});
process.channel!.unref(); // being asked keeps no server alive
