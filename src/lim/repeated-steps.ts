import { hashTexts, type TextHash } from './text-hash.ts';

/** What the rows of a step were, as far as another step may hold the very same. */
export class StepDigest {
  rows = 0;
  #high = 0;
  #low = 0;
  /** Whether every row came with its completion. */
  complete = true;
  /** Whether two samples of one prompt differ: then chance cannot have made another step the same. */
  sampled = false;

  /** The order of the rows does not count. */
  add(completion: TextHash | undefined): void {
    this.rows++;
    if (!completion) {
      this.complete = false;
      return;
    }
    this.#high = (this.#high + completion.high) >>> 0;
    this.#low = (this.#low + completion.low) >>> 0;
  }

  equals(other: StepDigest): boolean {
    if (!(this.complete && other.complete && this.rows === other.rows)) return false;
    return this.#high === other.#high && this.#low === other.#low;
  }
}

/** A row as the same generation is known by, whatever step it was logged at. */
export const rowHash = (
  prompt: string,
  completion: string,
  reward: number | undefined,
  verdict: unknown,
): TextHash => hashTexts(prompt, completion, String(reward), String(verdict));

/** Which steps are another log of the generation that the step before them has. */
export interface Repeats {
  readonly steps: ReadonlySet<number>;
  /** Optimizer steps that each generation was used for, most often; 1 where none repeats. */
  readonly iterations: number;
  /** Steps that hold what the step before does, and may have come by it by themselves. */
  readonly doubtful: number;
}

/**
 * TRL keeps its last generation and logs it at every optimizer step, so with `num_iterations` above 1 each
 * stands under several consecutive steps.
 */
export function repeatedSteps(digests: ReadonlyMap<number, StepDigest>): Repeats {
  const steps = [...digests.keys()].sort((a, b) => a - b);
  const runs: number[][] = [];
  let before: StepDigest | undefined;
  for (const step of steps) {
    const digest = digests.get(step);
    if (before && digest?.equals(before)) runs.at(-1)?.push(step);
    else runs.push([step]);
    before = digest;
  }
  const isSampled = ([first = NaN]: readonly number[]): boolean =>
    digests.get(first)?.sampled === true;
  const iterations = mostOften(runs.filter(isSampled).map(({ length }) => length));
  const repeated = new Set<number>();
  let doubtful = 0;
  for (const run of runs) {
    if (run.length === 1) continue;
    for (const [i, step] of run.entries()) {
      // All samples of a step alike: the other steps tell how often a generation is logged.
      if (isSampled(run) ? i > 0 : iterations > 1 && i % iterations > 0) repeated.add(step);
      else if (i > 0 && iterations === 1) doubtful++;
    }
  }
  return { steps: repeated, iterations: repeated.size > 0 ? Math.max(2, iterations) : 1, doubtful };
}

/** The most frequent number, the larger one of a tie; 1 where there is none. */
function mostOften(numbers: readonly number[]): number {
  const times = new Map<number, number>();
  for (const number of numbers) times.set(number, (times.get(number) ?? 0) + 1);
  let best = 1;
  for (const [number, count] of times) {
    const most = times.get(best) ?? 0;
    if (count > most || (count === most && number > best)) best = number;
  }
  return best;
}
