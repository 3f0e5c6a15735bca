// Pools whose difficulty is spread continuously: their bins, and the bands that sort their prompts.
import type { Origin } from './task.ts';

/** Steps of the integral: quantiles are then right to 1e-6 (test/unit/difficulty.test.ts). */
const STEPS = 4096;

/**
 * The quantiles of the distribution Beta(alpha, beta) at 1 / parts, 2 / parts, ...: they cut [0, 1]
 * into `parts` ranges of equal probability.
 *
 * @param alpha At least 0.5, as `beta`: the density in the angle t below is then finite.
 */
export function betaQuantiles(alpha: number, beta: number, parts: number): number[] {
  // With x = sin(t)^2 the density is sin(t)^(2 alpha - 1) cos(t)^(2 beta - 1), up to a factor.
  const step = Math.PI / 2 / STEPS;
  const masses = Array.from({ length: STEPS }, (_, i) => {
    const angle = (i + 0.5) * step;
    return Math.sin(angle) ** (2 * alpha - 1) * Math.cos(angle) ** (2 * beta - 1);
  });
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const quantiles: number[] = [];
  let below = 0;
  for (const [i, mass] of masses.entries()) {
    for (;;) {
      const wanted = ((quantiles.length + 1) / parts) * total;
      if (quantiles.length === parts - 1 || wanted > below + mass) break;
      quantiles.push(Math.sin((i + (wanted - below) / mass) * step) ** 2);
    }
    below += mass;
  }
  return quantiles;
}

/** Samples of a prompt that its band is read from: as many as LIMR draws. */
const SAMPLES = 8;

/** Corpus probability from which eight samples are more likely all right than not. */
export const easyFrom = 0.5 ** (1 / SAMPLES);
/** Corpus probability below which eight samples are more likely all wrong than not. */
export const hardBelow = 1 - easyFrom;

/**
 * The band of a prompt that was drawn from no stratum. A group of eight samples teaches GRPO
 * nothing if all are right or all are wrong: a prompt is easy or hard where that is more likely
 * than not, and learnable between.
 */
export function bandOf(probability: number): Origin {
  if (probability >= easyFrom) return 'easy';
  return probability < hardBelow ? 'hard' : 'learnable';
}
