import { philox, unitFloat, type Words4 } from '../kernels/lib/philox.ts';

/**
 * The purposes of random streams, with their numbers. The number is part of the key: two uses of
 * one seed never share random numbers, and a new purpose leaves the others unchanged. A number is
 * never reused.
 */
export const purposes = {
  sampling: 1,
  initialWeights: 2,
  pool: 3,
  wrongKeys: 4,
  evaluationTiers: 5,
  corpus: 6,
  promptOrder: 7,
  minibatchOrder: 8,
  randomSelection: 9,
  bootstrap: 10,
  valueHead: 11,
  skills: 12,
  criticMinibatchOrder: 13,
  selfCheck: 14,
  adapters: 15,
  probe: 16,
  onlineOrder: 30,
  onlineDraw: 31,
  narrowedOrder: 32,
  stillness: 33,
  signFlip: 40,
  splitHalves: 50,
  sampledAnew: 51,
  inspection: 60,
  lesson: 61,
  test: 99,
} as const;

export type RandomPurpose = keyof typeof purposes;

/**
 * A reproducible sequence of random numbers, keyed by seed, purpose and up to two indices (an
 * epoch, an update, a prompt). The key never depends on how work is batched.
 *
 * @param seed An unsigned 32-bit integer.
 */
export class RandomStream {
  readonly #key: readonly [number, number];
  readonly #index: readonly [number, number];
  #block = 0;
  #words: Words4 = [0, 0, 0, 0];
  #used = 4;

  constructor(seed: number, purpose: RandomPurpose, index0 = 0, index1 = 0) {
    this.#key = [seed >>> 0, purposes[purpose]];
    this.#index = [index0 >>> 0, index1 >>> 0];
  }

  /** Uniform u32. */
  next(): number {
    if (this.#used === 4) {
      this.#words = philox([this.#block++, this.#index[0], this.#index[1], 0], this.#key);
      this.#used = 0;
    }
    return this.#words[this.#used++] ?? 0;
  }

  /** Uniform in [0, 1), 24 bits. */
  float(): number {
    return unitFloat(this.next());
  }

  /**
   * Uniform integer in [0, count), without modulo bias.
   *
   * @throws RangeError unless `count` is an integer from 1 to 2^32.
   */
  below(count: number): number {
    if (!Number.isInteger(count) || count < 1 || count > 0x1_0000_0000) {
      throw new RangeError(`no integer to draw below ${count}`);
    }
    const limit = Math.floor(0x1_0000_0000 / count) * count;
    for (;;) {
      const word = this.next();
      if (word < limit) return word % count;
    }
  }

  /** Standard normal by Box-Muller; uses two words. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.next() + 1) / 0x1_0000_0001));
    return radius * Math.cos(2 * Math.PI * this.float());
  }

  /** Fisher-Yates in place; returns its argument. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i] as T;
      items[i] = items[j] as T;
      items[j] = held;
    }
    return items;
  }
}
