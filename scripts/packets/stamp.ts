/**
 * Preloaded into a script by run.ts: whenever the script writes a line, the
 * moment is told on file descriptor 3. Measured from outside it would be later,
 * by as long as the line lies in the pipe, and packets follow within microseconds.
 */
import { writeSync } from "node:fs";

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    const atMs = performance.timeOrigin + performance.now();
    writeSync(3, `${JSON.stringify({ atMs, text: String(args[0]) })}\n`);
    return write(...args);
  };
}
