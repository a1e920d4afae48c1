/** One clock for packets and programs, although the system's can be set. */
import * as assert from "uvu/assert";
import { SystemClock } from "../scripts/packets/clock.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("clock");

const hourMs = 3_600_000;

/** 14 November 2023, in milliseconds since 1970. */
const startMs = 1_700_000_000_000;

/**
 * Both clocks of a machine that exists only here. Reading one of them needs a
 * microsecond, as on a real machine.
 */
class Machine {
  /** By how much the system's clock was set in all, in milliseconds. */
  setMs = 0;
  #nowMs = 5000;

  systemMs(): number {
    return Math.floor(this.exactMs());
  }

  monotonicMs(): number {
    this.#nowMs += 0.001;
    return this.#nowMs;
  }

  /** The system's clock with its fraction, as the kernel stamps packets. */
  exactMs(): number {
    return startMs + this.#nowMs + this.setMs;
  }

  wait(ms: number): void {
    this.#nowMs += ms;
  }
}

/** When a packet is captured, by both clocks. */
interface Stamp {
  systemMs: number;
  monotonicMs: number;
}

function capture(machine: Machine): Stamp {
  return {
    monotonicMs: machine.monotonicMs(),
    systemMs: machine.exactMs(),
  };
}

/** Asserts that the system's times are translated to 0.02 ms. */
function expectTranslated(clock: SystemClock, stamps: Stamp[]): void {
  const toMonotonicMs = clock.translation();
  for (const { systemMs, monotonicMs } of stamps) {
    const errorMs = Math.abs(toMonotonicMs(systemMs) - monotonicMs);
    assert.ok(errorMs < 0.02, `${errorMs} ms wrong at ${monotonicMs} ms`);
  }
}

/** Captures packets for two seconds; the clock is set after one. */
function runWithStep(stepMs: number): { clock: SystemClock; stamps: Stamp[] } {
  const machine = new Machine();
  const clock = new SystemClock(machine);
  const stamps: Stamp[] = [];
  for (let tick = 0; tick < 100; tick++) {
    machine.wait(7);
    stamps.push(capture(machine));
    if (tick === 50) machine.setMs += stepMs;
    machine.wait(13);
    clock.check();
  }
  return { clock, stamps };
}

const stepCases = [
  { title: "isn't set", stepMs: 0 },
  { title: "is set to an hour later", stepMs: hourMs },
  { title: "is set to an hour earlier", stepMs: -hourMs },
  { title: "is set to half a second later", stepMs: 500 },
  { title: "is set to half a second earlier", stepMs: -500 },
];

for (const { title, stepMs } of stepCases)
  test(`the system's clock ${title}: times are right`, async () => {
    const { clock, stamps } = runWithStep(stepMs);

    expectTranslated(clock, stamps);
  });

test("a clock that is set before the first packet: it is right", async () => {
  const machine = new Machine();
  const clock = new SystemClock(machine);
  machine.wait(20);
  machine.setMs = -hourMs;
  clock.check();
  machine.wait(20);

  expectTranslated(clock, [capture(machine)]);
});

test("a clock that is set twice is followed", async () => {
  const machine = new Machine();
  const clock = new SystemClock(machine);
  const stamps: Stamp[] = [];
  for (const stepMs of [0, hourMs, -2 * hourMs]) {
    machine.setMs += stepMs;
    machine.wait(10);
    clock.check();
    machine.wait(10);
    stamps.push(capture(machine));
  }

  expectTranslated(clock, stamps);
});

test("two packets in the wrong order are before the step", async () => {
  const machine = new Machine();
  const clock = new SystemClock(machine);
  machine.wait(10);
  const first = capture(machine);
  machine.wait(1);
  const second = capture(machine);
  machine.setMs = hourMs;
  machine.wait(10);
  clock.check();

  expectTranslated(clock, [second, first]);
});

test.run();
