import { RandomStream } from '../random.ts';
import { rowOf, type RewardMatrix, type ValueMatrix } from './matrix.ts';
import { isClose, scoreTolerance } from './score.ts';

export type SelectionMethod = 'full' | 'lim' | 'linear' | 'rand';

/** A selection that cannot be made: more prompts asked for than there are. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/** Prompts chosen from a pool. */
export interface Selection {
  readonly method: SelectionMethod;
  /** Prompts kept, ascending: the input's order. */
  readonly indices: readonly number[];
  /** The rule that was applied, in a sentence. */
  readonly rule: string;
  /** Why one prompt was kept or not. */
  readonly reason: (prompt: number) => string;
  /** Scores as they were compared, those near the cut in float64; absent where nothing is scored. */
  readonly scores?: Float64Array;
  /** Why it holds fewer prompts than were asked for, in words; absent where it holds as many. */
  readonly shortfall?: string;
}

/** Keep what scores at least `threshold`, or the `count` highest (ties: first come). */
export type Cut = { readonly threshold: number } | { readonly count: number };

/** Scores to cut, and what settles those that rounding might decide. */
export interface Scored {
  /** NaN where a prompt has no score: it is never kept. */
  readonly scores: ArrayLike<number>;
  /** Float64 scores of some prompts. Left out where `scores` are as exact as they will get. */
  readonly exact?: (prompts: readonly number[]) => Promise<Float64Array>;
}

/**
 * LIM: the prompts whose learning curve follows the mean curve.
 *
 * @throws SelectionError when `count` exceeds the prompts that have a score.
 */
export const selectLim = (scored: Scored, cut: Cut): Promise<Selection> =>
  cutScores('lim', 'LIM score', scored, cut);

/**
 * LINEAR, by our definition (LIMR's authors published none): prompts whose learning curve is close
 * to a rising straight line, by `linearScores`. One that does not rise is never kept: where `count`
 * asks for more than do, the selection is shorter, and says so.
 *
 * @throws SelectionError when `count` exceeds the prompts that have a score.
 */
export const selectLinear = (matrix: RewardMatrix | ValueMatrix, cut: Cut): Promise<Selection> =>
  cutScores('linear', 'LINEAR score (our definition)', { scores: linearScores(matrix) }, cut);

/**
 * RAND: `count` prompts drawn without replacement, each subset equally likely. The same seed draws
 * the same prompts from a pool of the same size.
 *
 * @throws SelectionError when `count` exceeds the pool.
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

/** FULL: the whole pool. */
export const selectFull = (prompts: number): Selection => ({
  method: 'full',
  indices: Array.from({ length: prompts }, (_, i) => i),
  rule: `all ${prompts} prompts`,
  reason: () => 'the whole pool',
});

/** Rise of the fitted line over the run above which LINEAR counts a curve as rising. */
export const linearRise = 0.1;

/** LINEAR score of a curve that does not rise; those of others are in [0, 1]. */
const notRising = -1;

/**
 * Our LINEAR score: R^2 of the least-squares line through a prompt's mean signals over the epochs
 * in which it is present, if that line rises by more than 0.1 over the whole run, else -1. NaN for
 * a prompt that is nowhere present.
 */
export function linearScores(matrix: RewardMatrix | ValueMatrix): Float64Array {
  return Float64Array.from({ length: matrix.prompts }, (_, p) => linearScore(rowOf(matrix, p)));
}

/** `linearScores` of one curve, NaN where it is missing. */
export function linearScore(curve: ArrayLike<number>): number {
  let n = 0;
  let meanX = 0;
  let meanY = 0;
  for (let k = 0; k < curve.length; k++) {
    const y = curve[k] ?? NaN;
    if (Number.isNaN(y)) continue;
    n++;
    meanX += k;
    meanY += y;
  }
  if (n === 0) return NaN;
  meanX /= n;
  meanY /= n;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let k = 0; k < curve.length; k++) {
    const y = curve[k] ?? NaN;
    if (Number.isNaN(y)) continue;
    xx += (k - meanX) ** 2;
    xy += (k - meanX) * (y - meanY);
    yy += (y - meanY) ** 2;
  }
  if (xx === 0) return notRising; // one point is no line
  const rise = (xy / xx) * (curve.length - 1);
  return rise > linearRise ? (xy * xy) / (xx * yy) : notRising;
}

async function cutScores(
  method: 'lim' | 'linear',
  name: string,
  { scores: given, exact }: Scored,
  cut: Cut,
): Promise<Selection> {
  const scores = Float64Array.from(given);
  const settle = async (isOpen: (score: number) => boolean): Promise<void> => {
    if (!exact) return;
    const open: number[] = [];
    for (const [prompt, score] of scores.entries()) if (isOpen(score)) open.push(prompt);
    const settled = await exact(open);
    for (const [i, prompt] of open.entries()) scores[prompt] = settled[i] ?? NaN;
  };
  /** Whether the method's definition leaves a prompt out, wherever the cut lies. */
  const isOut = (score: number): boolean => method === 'linear' && score === notRising;
  let indices: number[];
  let rule: string;
  let shortfall: string | undefined;
  if ('threshold' in cut) {
    await settle((score) => isClose(score, cut.threshold));
    indices = [];
    for (const [prompt, score] of scores.entries())
      if (score >= cut.threshold && !isOut(score)) indices.push(prompt);
    rule = `${name} >= ${cut.threshold}`;
  } else {
    const scored = scores.reduce((sum, score) => sum + Number(!Number.isNaN(score)), 0);
    if (cut.count > scored) {
      throw new SelectionError(
        `${method}: ${cut.count} prompts asked for, ${scored} of ${scores.length} have a score`,
      );
    }
    const ranked = () =>
      [...scores.keys()]
        .filter((prompt) => !Number.isNaN(scores[prompt]) && !isOut(scores[prompt] ?? NaN))
        .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    const before = ranked();
    const count = Math.min(cut.count, before.length);
    const last = scores[before[count - 1] ?? -1] ?? NaN;
    // Both the score and the cut may be off by the tolerance.
    await settle(
      (score) => Math.abs(score - last) <= 2 * scoreTolerance * Math.max(1, Math.abs(last)),
    );
    indices = ranked()
      .slice(0, count)
      .sort((a, b) => a - b);
    rule = `the ${count} highest by ${name}, ties in the input's order`;
    if (count < cut.count) {
      shortfall = `${count === 0 ? 'none' : 'no other'} has a line that rises by more than ${linearRise}`;
      rule += `; ${cut.count} were asked for, but ${shortfall}`;
    }
  }
  const kept = new Set(indices);
  return {
    method,
    indices,
    rule,
    scores,
    ...(shortfall === undefined ? {} : { shortfall }),
    reason(prompt) {
      const score = scores[prompt] ?? NaN;
      if (Number.isNaN(score)) return `no ${name}: not rolled out, or dropped`;
      if (isOut(score))
        return `${name} ${score}: its line does not rise by more than ${linearRise}`;
      if ('count' in cut) return `${name} ${score}${kept.has(prompt) ? '' : ', below the cut'}`;
      return `${name} ${score} ${kept.has(prompt) ? '>=' : '<'} ${cut.threshold}`;
    },
  };
}
