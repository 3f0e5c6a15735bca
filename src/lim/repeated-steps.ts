import { hashTexts, type TextHash } from './text-hash.ts';

/** A digest of the rows of a step, to detect another step with the same rows. */
export class StepDigest {
  rows = 0;
  #high = 0;
  #low = 0;
  /** Whether every row has its completion. */
  complete = true;
  /** Whether two samples of one prompt differ. If so, an identical step cannot be chance. */
  sampled = false;

  /** Adds a row. The order of rows does not matter. */
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

/** A hash of a row that does not depend on the step it was logged at. */
export const rowHash = (
  prompt: string,
  completion: string,
  reward: number | undefined,
  verdict: unknown,
): TextHash => hashTexts(prompt, completion, String(reward), String(verdict));

/** The steps that log the generation of the step before them again. */
export interface Repeats {
  readonly steps: ReadonlySet<number>;
  /** The most frequent number of optimizer steps per generation; 1 if no generation repeats. */
  readonly iterations: number;
  /** Number of steps that are equal to the step before, but possibly by chance. */
  readonly doubtful: number;
}

/**
 * Finds repeated steps. TRL keeps its last generation and logs it at every optimizer step. So with
 * `num_iterations` above 1, consecutive steps log the same generation.
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
      // If all samples of a step are alike, other steps tell how often a generation is logged.
      if (isSampled(run) ? i > 0 : iterations > 1 && i % iterations > 0) repeated.add(step);
      else if (i > 0 && iterations === 1) doubtful++;
    }
  }
  return { steps: repeated, iterations: repeated.size > 0 ? Math.max(2, iterations) : 1, doubtful };
}

/** The most frequent number; the larger one of a tie; 1 if there are no numbers. */
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
