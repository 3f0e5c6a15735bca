import { RandomStream } from '../random.ts';

/** Most differences whose sign patterns are all counted: 2^20. */
export const mostExact = 20;
/** Sign patterns that are drawn where there are too many to count. */
export const drawnPatterns = 100_000;

/** The result of a sign-flip test. */
export interface SignFlip {
  /** Two-sided. */
  readonly p: number;
  /** Whether all sign patterns were counted; otherwise `drawnPatterns` were drawn. */
  readonly exact: boolean;
}

/**
 * The two-sided sign-flip test of mean 0: the share of the 2^n sign patterns whose sum is at least
 * as far from 0 as that of the differences. With more than 20 differences, patterns are drawn, and
 * p = (1 + patterns as far) / (1 + patterns).
 *
 * @param seed Keys the drawn patterns.
 * @throws RangeError without differences, or if one is not finite.
 */
export function signFlip(differences: readonly number[], seed = 0): SignFlip {
  const n = differences.length;
  if (n === 0 || !differences.every(Number.isFinite)) {
    throw new RangeError('a sign-flip test needs finite differences');
  }
  const observed = Math.abs(differences.reduce((sum, one) => sum + one, 0));
  // Sums that are equal up to rounding are equal.
  const span = differences.reduce((sum, one) => sum + Math.abs(one), 0);
  const bar = observed - 1e-10 * span;
  if (n > mostExact) {
    const random = new RandomStream(seed, 'signFlip', n);
    let far = 0;
    for (let pattern = 0; pattern < drawnPatterns; pattern++) {
      let [sum, word] = [0, 0];
      for (const [i, one] of differences.entries()) {
        if (i % 32 === 0) word = random.next();
        sum += word & 1 ? one : -one;
        word >>>= 1;
      }
      if (Math.abs(sum) >= bar) far++;
    }
    return { p: (1 + far) / (1 + drawnPatterns), exact: false };
  }
  // A pattern and its mirror image are equally far, so the last sign stays.
  const patterns = 2 ** (n - 1);
  let far = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0;
    for (let i = 0; i < n; i++)
      sum += (pattern >> i) & 1 ? -(differences[i] ?? 0) : (differences[i] ?? 0);
    if (Math.abs(sum) >= bar) far++;
  }
  return { p: far / patterns, exact: true };
}

/** The smallest p that the two-sided sign-flip test of n differences can give. */
export const leastP = (n: number): number =>
  Math.max(2 / 2 ** n, n > mostExact ? 1 / (1 + drawnPatterns) : 0);
