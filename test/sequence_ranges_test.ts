/** Sets of sequence numbers. */
import * as assert from "uvu/assert";
import { SequenceRanges } from "../scripts/packets/sequenceRanges.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("sequence ranges");

/** A set of sequence numbers: each range ends before its second number. */
function aSet(...ranges: [start: number, end: number][]): SequenceRanges {
  const set = new SequenceRanges();
  for (const [start, end] of ranges) set.add(start, end);
  return set;
}

interface RunCase {
  title: string;
  set: SequenceRanges;
  /** The first number from 1 on that isn't in the set. */
  endOfRun: number;
  /** The number after the highest one. */
  end: number;
}

const runCases: RunCase[] = [
  { title: "an empty set", set: aSet(), endOfRun: 1, end: 0 },
  { title: "an empty range", set: aSet([5, 5]), endOfRun: 1, end: 0 },
  { title: "one range", set: aSet([1, 15]), endOfRun: 15, end: 15 },
  {
    title: "ranges that touch",
    set: aSet([1, 5], [5, 9]),
    endOfRun: 9,
    end: 9,
  },
  {
    title: "ranges with a gap",
    set: aSet([1, 5], [6, 9]),
    endOfRun: 5,
    end: 9,
  },
  { title: "a gap at first", set: aSet([2, 5]), endOfRun: 1, end: 5 },
  {
    title: "a gap that is filled later",
    set: aSet([1, 5], [9, 12], [5, 9]),
    endOfRun: 12,
    end: 12,
  },
  {
    title: "a range over several others",
    set: aSet([3, 5], [7, 9], [20, 30], [1, 10]),
    endOfRun: 10,
    end: 30,
  },
];

for (const { title, set, endOfRun, end } of runCases)
  test(title, async () => {
    assert.is(set.endOfRun(1), endOfRun);
    assert.is(set.end(), end);
  });

test("a range is in a set only if all its numbers are", async () => {
  const set = aSet([1, 5], [7, 9]);

  assert.is(set.includes(2, 5), true);
  assert.is(set.includes(2, 6), false);
  assert.is(set.includes(4, 8), false);
});

test.run();
