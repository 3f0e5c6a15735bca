import { RandomStream } from '../../src/random.ts';

/** A reward matrix as the trainer fills one. */
export interface TestMatrix {
  readonly prompts: number;
  readonly epochs: number;
  readonly sums: Float32Array;
  readonly samples: Uint32Array;
}

/**
 * Prompts of every kind: always solved, never solved, learnt on the way; some entries missing.
 *
 * @param missing Share of entries that are missing.
 */
export function rewardMatrix(
  prompts: number,
  epochs: number,
  seed: number,
  missing = 0.1,
): TestMatrix {
  const stream = new RandomStream(seed, 'test');
  const sums = new Float32Array(prompts * epochs);
  const samples = new Uint32Array(prompts * epochs);
  for (let p = 0; p < prompts; p++) {
    const kind = p % 4;
    const middle = stream.float() * epochs;
    for (let k = 0; k < epochs; k++) {
      if (stream.float() < missing) continue;
      const i = p * epochs + k;
      samples[i] = 8;
      const chance = kind === 0 ? 1 : kind === 1 ? 0 : 1 / (1 + Math.exp(middle - k));
      sums[i] = kind < 2 ? chance * 8 : Math.round(chance * 6) + stream.below(3);
    }
  }
  return { prompts, epochs, sums, samples };
}
