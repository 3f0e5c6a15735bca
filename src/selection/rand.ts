import { RandomStream } from '../random.ts';
import type { Cut } from './cut.ts';
import { type Selection, SelectionError, type StaticMethod } from './method.ts';

/**
 * RAND: draws `count` prompts without replacement; every subset is equally likely. The same seed
 * draws the same prompts from a pool of the same size.
 *
 * @throws SelectionError if `count` exceeds the pool.
 */
export function selectRandom(prompts: number, count: number, seed: number): Selection {
  if (count > prompts) {
    throw new SelectionError(`rand: ${count} prompts asked for, the pool has ${prompts}`);
  }
  const order = Uint32Array.from({ length: prompts }, (_, i) => i);
  const stream = new RandomStream(seed, 'randomSelection');
  for (let i = 0; i < count; i++) {
    const j = i + stream.below(prompts - i);
    const drawn = order[j] ?? 0;
    order[j] = order[i] ?? 0;
    order[i] = drawn;
  }
  const kept = new Set(order.subarray(0, count));
  return {
    method: 'rand',
    indices: [...order.slice(0, count).sort()],
    rule: `${count} of ${prompts} prompts drawn with seed ${seed}`,
    reason: (prompt) => (kept.has(prompt) ? 'drawn' : 'not drawn'),
  };
}

/** The number to draw. @throws SelectionError for a threshold, as nothing is scored. */
function countOf(cut: Cut): number {
  if ('count' in cut) return cut.count;
  throw new SelectionError('rand has no scores for a threshold to cut: it needs a count');
}

export const rand = {
  name: 'rand',
  code: 3,
  label: 'RAND',
  takes: () => 'as many prompts as LIM, drawn at random',
  paperAverage: 49.4,
  needs: [],
  usualSize: 'as LIM',
  samples: () => 0,
  choose: ({ prompts, seed }, cut) => selectRandom(prompts, countOf(cut), seed),
} as const satisfies StaticMethod;
