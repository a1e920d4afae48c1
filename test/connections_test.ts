/** Waits for several results, which end when no further one arrives. */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { resultsUntilQuiet } from "../scripts/compare/connections.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("connections of compare");

/** Suspends this process, as Ctrl+Z and `fg` do: all timers are late. */
function suspend(ms: number): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nothing, 0, 0, ms);
}

test("each result has its place, whenever it arrives", async () => {
  const promises = [sleep(150, "first"), sleep(10, "second")];

  assert.equal(await resultsUntilQuiet(promises, 1000), ["first", "second"]);
});

test("each result that arrives starts the wait for the next", async () => {
  const promises = [sleep(200, "a"), sleep(400, "b"), sleep(600, "c")];

  assert.equal(await resultsUntilQuiet(promises, 350), ["a", "b", "c"]);
});

test("a result that is too late is missing", async () => {
  assert.equal(await resultsUntilQuiet([sleep(1500)], 200), [undefined]);
});

test("a result in the turn of the deadline is not too late", async () => {
  const results = resultsUntilQuiet([sleep(100, "result")], 200);
  suspend(500);

  assert.equal(await results, ["result"]);
});

test("a result soon after a suspension is not too late", async () => {
  const results = resultsUntilQuiet([sleep(560, "result")], 200);
  suspend(500);

  assert.equal(await results, ["result"]);
});

test("an error of one of them is thrown", async () => {
  const failing = sleep(10).then(() => {
    throw new Error("connect EMFILE");
  });
  let message = "";
  try {
    await resultsUntilQuiet([sleep(300), failing], 1000);
  } catch (error) {
    message = (error as Error).message;
  }

  assert.is(message, "connect EMFILE");
});

test.run();
