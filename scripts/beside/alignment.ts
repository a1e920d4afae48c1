/** Finds which statements of an original and its port correspond, in order. */
import type { Statement } from "./source.ts";
import { similarity } from "./words.ts";

/** Two statements with the same meaning, or one without a counterpart. */
export interface Pair {
  original?: Statement;
  port?: Statement;
}

/** Statements have to be more alike than this. */
const leastSimilarity = 0.3;

/**
 * Pairs the statements so that the sum of their similarities is as high as
 * possible. Pairs never cross. This is the algorithm of a diff, for statements
 * that are similar instead of equal.
 *
 * @returns all statements of both, in their order
 */
export function align(original: Statement[], port: Statement[]): Pair[] {
  const best = bestSums(original, port);
  const pairs: Pair[] = [];
  let index = 0;
  let portIndex = 0;
  while (index < original.length || portIndex < port.length) {
    const here = original[index];
    const there = port[portIndex];
    const sum = best[index]![portIndex]!;
    const alike = here && there ? value(here, there) : 0;
    if (alike > 0 && sum === alike + best[index + 1]![portIndex + 1]!) {
      pairs.push({ original: here, port: there });
      index += 1;
      portIndex += 1;
    } else if (here && sum === best[index + 1]![portIndex]!) {
      pairs.push({ original: here });
      index += 1;
    } else {
      pairs.push({ port: there });
      portIndex += 1;
    }
  }
  return pairs;
}

/**
 * The highest sum of similarities from any two statements on: best[i][j] is
 * that of original[i] and port[j] and all that follow them.
 */
function bestSums(original: Statement[], port: Statement[]): number[][] {
  const best = Array.from({ length: original.length + 1 }, () =>
    Array<number>(port.length + 1).fill(0),
  );
  for (let index = original.length - 1; index >= 0; index--)
    for (let other = port.length - 1; other >= 0; other--) {
      const alike = value(original[index]!, port[other]!);
      const withoutPair = Math.max(
        best[index + 1]![other]!,
        best[index]![other + 1]!,
      );
      const withPair = alike + best[index + 1]![other + 1]!;
      best[index]![other] =
        alike > 0 ? Math.max(withPair, withoutPair) : withoutPair;
    }
  return best;
}

/**
 * The value that a pair adds to the sum: 0 if the two are not a pair. The end
 * of a `with` counts half, so that no statement loses its counterpart to it.
 */
function value(original: Statement, port: Statement): number {
  const alike = similarity(original.words, port.words);
  if (alike <= leastSimilarity) return 0;
  return original.endOfWith ? alike / 2 : alike;
}
