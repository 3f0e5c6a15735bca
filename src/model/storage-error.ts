import type { Gpu } from '../gpu/device.ts';
import { AllLogits } from './all-logits.ts';
import type { ModelConfig } from './config.ts';
import { type FrozenStorage, FrozenStore } from './frozen-store.ts';
import type { ParameterSource } from './parameter-source.ts';

/** How far a model's predictions are from those of its weights in f32. */
export interface StorageError {
  readonly storage: FrozenStorage;
  /** Root mean square of the logits' differences, over that of the logits about their mean. */
  readonly logits: number;
  /** Mean KL divergence of the next token's distribution from that in f32, in nats. */
  readonly divergence: number;
  /** Share of positions at which another token is the likeliest. */
  readonly changed: number;
}

/**
 * Computes the logits of some tokens with the weights in f32 and in other storages, one after another:
 * the device holds one copy at a time.
 *
 * @param ids Token ids of one sequence, at least one.
 * @throws As `FrozenStore`.
 */
export async function storageErrors(
  gpu: Gpu,
  config: ModelConfig,
  source: ParameterSource,
  storages: readonly Exclude<FrozenStorage, 'f32'>[],
  ids: readonly number[],
): Promise<StorageError[]> {
  const logitsOf = async (storage: FrozenStorage): Promise<Float32Array> => {
    const weights = new FrozenStore(gpu, config, 'lm', `weights in ${storage}`, { storage });
    try {
      await weights.loadFrom(source);
      const all = new AllLogits(gpu, weights, { longest: ids.length, total: ids.length });
      try {
        for await (const logits of all.of([ids])) return logits;
        return new Float32Array(0);
      } finally {
        all.destroy();
      }
    } finally {
      weights.destroy();
    }
  };
  const exact = await logitsOf('f32');
  const found: StorageError[] = [];
  for (const storage of storages) {
    const own = await logitsOf(storage);
    found.push({ storage, ...compare(exact, own, config.vocabSize) });
  }
  return found;
}

/** @param exact f32 (T, V). */
function compare(
  exact: Float32Array,
  own: Float32Array,
  vocabulary: number,
): Omit<StorageError, 'storage'> {
  const positions = exact.length / vocabulary;
  let [difference, spread, divergence, changed] = [0, 0, 0, 0];
  for (let start = 0; start < exact.length; start += vocabulary) {
    const want = exact.subarray(start, start + vocabulary);
    const got = own.subarray(start, start + vocabulary);
    const mean = want.reduce((sum, x) => sum + x, 0) / vocabulary;
    const [a, b] = [logSumExp(want), logSumExp(got)];
    for (let i = 0; i < vocabulary; i++) {
      const [x, y] = [want[i] ?? NaN, got[i] ?? NaN];
      difference += (y - x) ** 2;
      spread += (x - mean) ** 2;
      divergence += Math.exp(x - a) * (x - a - (y - b));
    }
    if (largestAt(want) !== largestAt(got)) changed++;
  }
  return {
    logits: Math.sqrt(difference / spread),
    divergence: Math.max(0, divergence / positions),
    changed: changed / positions,
  };
}

function logSumExp(logits: Float32Array): number {
  const most = logits[largestAt(logits)] ?? 0;
  return most + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
}

function largestAt(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] ?? 0) > (logits[best] ?? 0)) best = i;
  return best;
}
