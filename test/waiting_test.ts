/** Waits with a deadline: scripts/waiting.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import {
  activeSleep,
  watchSuspensions,
  withDeadline,
} from "../scripts/waiting.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("waiting");

/**
 * Suspends this process, as Ctrl+Z and `fg` do: for this time nothing runs, and
 * all timers are late.
 */
function suspend(ms: number): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nothing, 0, 0, ms);
}

const never = new Promise<void>(() => {});

/** The message with which a promise is rejected; "" if it isn't. */
async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("activeSleep waits for its time", async () => {
  const startedAt = performance.now();
  await activeSleep(300);
  const tookMs = performance.now() - startedAt;

  assert.ok(tookMs >= 290, `it took ${tookMs} ms`);
});

test("activeSleep doesn't count a suspension", async () => {
  const startedAt = performance.now();
  const sleeping = activeSleep(300);
  suspend(1000);
  await sleeping;
  const tookMs = performance.now() - startedAt;

  // Only the tick in which it began counts.
  assert.ok(tookMs >= 1200, `it took ${tookMs} ms`);
});

test("activeSleep is aborted by its signal", async () => {
  const controller = new AbortController();
  const sleeping = activeSleep(60_000, controller.signal);
  controller.abort();
  const error = await sleeping.catch((error) => error);

  assert.is(error.name, "AbortError");
});

test("withDeadline returns what the promise resolves to", async () => {
  const result = await withDeadline(1000, "a result", Promise.resolve(7));
  assert.is(result, 7);
});

test("withDeadline throws what the promise is rejected with", async () => {
  const failing = Promise.reject(new Error("no answer"));
  const message = await messageOf(withDeadline(1000, "an answer", failing));

  assert.is(message, "no answer");
});

test("withDeadline throws when the deadline passes", async () => {
  const message = await messageOf(withDeadline(200, "an answer", never));
  assert.is(message, "waited 200 ms for an answer");
});

test("withDeadline adds a description to its error", async () => {
  let state = "before";
  const waiting = withDeadline(200, "an answer", never, () => state);
  state = "after the start";
  const message = await messageOf(waiting);

  assert.is(message, "waited 200 ms for an answer\nafter the start");
});

test("withDeadline: a suspension makes nothing late", async () => {
  const inSameTurn = withDeadline(200, "the first", sleep(100, "first"));
  const soonAfter = withDeadline(200, "the second", sleep(560, "second"));
  suspend(500);

  assert.is(await inSameTurn, "first");
  assert.is(await soonAfter, "second");
});

test("watchSuspensions: undefined without a suspension", async () => {
  const watch = watchSuspensions();
  await sleep(300);

  assert.is(watch.stop(), undefined);
});

test("watchSuspensions: a short delay is no suspension", async () => {
  const watch = watchSuspensions();
  suspend(1000);
  await sleep(200);

  assert.is(watch.stop(), undefined);
});

test("watchSuspensions: how many seconds, all in all", async () => {
  const watch = watchSuspensions();
  suspend(2500);
  await sleep(200);
  suspend(2500);
  await sleep(200);
  const seconds = watch.stop()!;

  assert.ok(seconds > 4.6 && seconds < 6, `${seconds} s`);
});

test.run();
