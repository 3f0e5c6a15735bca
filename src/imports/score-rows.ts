import { fillRows } from '../lim/fill.ts';
import { rowOf } from '../lim/matrix.ts';
import type { LimResult } from '../lim/score.ts';
import type { Imported } from './rollout-import.ts';

/** The rows of a score file, in the order of the prompts; `score` is null for none. */
export function* scoreRows(
  { matrix, prompts }: Imported,
  result: Pick<LimResult, 'rule' | 'scores'>,
) {
  const filled = result.rule === 'limr' ? fillRows(matrix) : matrix;
  // A matrix of means has one sample in each entry, which says nothing.
  const counted = matrix.samples.some((count) => count > 1);
  for (const [p, { prompt, messages, id, answer }] of prompts.entries()) {
    const score = result.scores[p] ?? NaN;
    // A dropped prompt shows its unfilled curve, the reason why it was dropped.
    const scored = Number.isNaN(score) ? matrix : filled;
    const curve = rowOf(scored, p);
    yield {
      prompt,
      ...(messages && { messages }),
      ...(id === undefined ? {} : { id }),
      ...(answer === undefined ? {} : { answer }),
      score: Number.isNaN(score) ? null : shortest(score),
      rewards: [...curve].map((value) => (Number.isNaN(value) ? null : value)),
      ...(counted ? { samples: [...countsOf(scored, p)] } : {}),
    };
  }
}

const countsOf = ({ epochs, samples }: Imported['matrix'], prompt: number): Uint32Array =>
  samples.subarray(prompt * epochs, (prompt + 1) * epochs);

/** The fewest digits that round to the same f32; a number that is not an f32 stays unchanged. */
function shortest(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (const digits of [6, 7, 8]) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
