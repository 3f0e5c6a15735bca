import { RandomStream } from '../random.ts';
import { countIn } from './cut.ts';
import { drawn } from './draw.ts';
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
  const pool = Array.from({ length: prompts }, (_, i) => i);
  const indices = drawn(pool, count, new RandomStream(seed, 'randomSelection'));
  const kept = new Set(indices);
  return {
    method: 'rand',
    indices,
    rule: `${count} of ${prompts} prompts drawn with seed ${seed}`,
    reason: (prompt) => (kept.has(prompt) ? 'drawn' : 'not drawn'),
  };
}

export const rand = {
  name: 'rand',
  code: 3,
  label: 'RAND',
  takes: () => 'as many prompts as LIM, drawn at random',
  needs: [],
  usualSize: 'as LIM',
  samples: () => 0,
  choose: ({ prompts, seed }, cut) => selectRandom(prompts, countIn(cut, 'rand'), seed),
} as const satisfies StaticMethod;
