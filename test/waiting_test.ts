/** Waits while this process is suspended: that time doesn't count. */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { resultsUntilQuiet } from "../scripts/compare/connections.ts";
import { activeSleep } from "../scripts/waiting.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("waiting");

/** Blocks this process, as a suspension does. */
function block(ms: number): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nothing, 0, 0, ms);
}

test("of a suspension, only one tick counts", async () => {
  const startMs = performance.now();
  const waited = activeSleep(300);

  block(1000);
  await waited;

  assert.ok(performance.now() - startMs >= 1200);
});

test("a result in the turn of the deadline is not too late", async () => {
  const results = resultsUntilQuiet([sleep(100, "result")], 200);

  block(500);

  assert.equal(await results, ["result"]);
});

test("a result soon after a suspension is not too late", async () => {
  const results = resultsUntilQuiet([sleep(560, "result")], 200);

  block(500);

  assert.equal(await results, ["result"]);
});

test("a result that is too late is missing", async () => {
  assert.equal(await resultsUntilQuiet([sleep(1500)], 200), [undefined]);
});

test.run();
