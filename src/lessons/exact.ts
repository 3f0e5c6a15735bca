// What the lessons compute, in float64 and without a device.
import { thetaBound } from '../lim/bound.ts';
import { exactScore } from '../lim/exact.ts';
import type { RewardMatrix } from '../lim/matrix.ts';
import { RandomStream } from '../random.ts';

/** A response as GAE takes it: one number for each token, in order. */
export interface CreditCase {
  readonly rewards: readonly number[];
  /** The critic's value before each token. */
  readonly values: readonly number[];
  readonly gamma: number;
  readonly gaeLambda: number;
}

/** One number for each token. */
export interface Credit {
  /** reward + gamma * next value - value: the surprise at the token. */
  readonly deltas: readonly number[];
  /** Before whitening. */
  readonly advantages: readonly number[];
}

/** Math: `shaders/gae.wgsl`. */
export function exactCredit({ rewards, values, gamma, gaeLambda }: CreditCase): Credit {
  const deltas = rewards.map(
    (reward, t) => reward + gamma * (values[t + 1] ?? 0) - (values[t] ?? 0),
  );
  let next = 0;
  const advantages = deltas
    .toReversed()
    .map((delta) => (next = delta + gamma * gaeLambda * next))
    .reverse();
  return { deltas, advantages };
}

/** Tokens as the policy's loss takes them, one number of each. */
export interface ClipCase {
  /** Probability now over probability before the update. */
  readonly ratios: readonly number[];
  readonly advantages: readonly number[];
  /** The ratio is clipped at 1 - clip and 1 + clip. */
  readonly clip: number;
}

export interface Clip {
  /** What the update gains from each token: minus its loss. */
  readonly gains: readonly number[];
  /** Whether the clip decides the gain: then the token pushes no more. */
  readonly held: readonly boolean[];
}

/** Math: `shaders/policy-loss.wgsl`. */
export function exactClip({ ratios, advantages, clip }: ClipCase): Clip {
  const both = ratios.map((ratio, i) => {
    const advantage = advantages[i] ?? 0;
    const free = ratio * advantage;
    const clipped = Math.min(1 + clip, Math.max(1 - clip, ratio)) * advantage;
    return { gain: Math.min(free, clipped), held: clipped < free };
  });
  return { gains: both.map(({ gain }) => gain), held: both.map(({ held }) => held) };
}

/** A row of logits and how a token is drawn from it. */
export interface DrawCase {
  readonly logits: readonly number[];
  /** Divides the logits; 0 takes the largest. */
  readonly temperature: number;
  /** Probability mass kept, in (0, 1]. */
  readonly topP: number;
}

/** Which tokens are drawn: those of one roll are the same for the same case. */
export interface Roll {
  readonly number: number;
  readonly samples: number;
}

/** Probabilities that tokens are drawn with. Math: `shaders/lib/sampling.wgsl`. */
export function exactDistribution({ logits, temperature, topP }: DrawCase): number[] {
  const top = Math.max(...logits);
  if (temperature === 0) {
    const best = logits.indexOf(top);
    return logits.map((_, id) => Number(id === best));
  }
  const weights = logits.map((logit) => Math.exp((logit - top) / temperature));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  // From the most probable down; of equals the higher id first.
  const order = weights.map((_, id) => id);
  order.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || b - a);
  const kept = new Set<number>();
  let above = 0;
  for (const id of order) {
    if (above >= topP * all && kept.size > 0) break;
    kept.add(id);
    above += weights[id] ?? 0;
  }
  return weights.map((weight, id) => (kept.has(id) ? weight / above : 0));
}

/** The ids that a roll draws: the inverse of the cumulative distribution at each sample's number. */
export function exactDraws(probabilities: readonly number[], { number, samples }: Roll): number[] {
  return Array.from({ length: samples }, (_, sample) => {
    const wanted = 1 - new RandomStream(0, 'lesson', number, sample).float();
    let weight = 0;
    for (let id = probabilities.length - 1; id > 0; id--) {
      weight += probabilities[id] ?? 0;
      if (weight >= wanted && weight > 0) return id;
    }
    return probabilities.findIndex((probability) => probability > 0);
  });
}

/** Rows that are scored against one mean curve, which does not change with them. */
export interface ScoreCase {
  /** The pool's mean signal in each epoch. */
  readonly mean: readonly number[];
  /** Samples of a row in each epoch. */
  readonly samples: number;
  /** Sums of the signal over these samples, row after row. */
  readonly sums: Float32Array<ArrayBuffer>;
}

/** Rows of a case. */
export const rowsIn = ({ mean, sums }: ScoreCase): number => sums.length / mean.length;

/** A score for each row; NaN for none. Math: `shaders/lim-score.wgsl`. */
export function exactScores(given: ScoreCase): number[] {
  const { mean, samples, sums } = given;
  const matrix: RewardMatrix = {
    prompts: rowsIn(given),
    epochs: mean.length,
    sums,
    samples: new Uint32Array(sums.length).fill(samples),
  };
  const deficits = Float64Array.from(mean, (value) => 1 - value);
  return Array.from({ length: matrix.prompts }, (_, row) => exactScore(matrix, row, deficits));
}

/** Sums of a curve that is sampled again and again. */
export interface Redraws {
  /** Share of right answers in each epoch, in [0, 1]. */
  readonly curve: readonly number[];
  /** Answers in each epoch. */
  readonly samples: number;
  readonly count: number;
}

/** Random numbers of redraws by their shape: the same for every curve, so that a cloud moves with it. */
const uniforms = new Map<string, Float32Array>();

/** The curve itself in the first row, as a sum of `samples`; then `count` rows of right answers drawn anew. */
export function redrawnSums({ curve, samples, count }: Redraws): Float32Array<ArrayBuffer> {
  const epochs = curve.length;
  const shape = `${count} x ${epochs} x ${samples}`;
  let drawn = uniforms.get(shape);
  if (!drawn) {
    const stream = new RandomStream(0, 'lesson');
    drawn = Float32Array.from({ length: count * epochs * samples }, () => stream.float());
    uniforms.set(shape, drawn);
  }
  const sums = new Float32Array((1 + count) * epochs);
  sums.set(curve.map((value) => value * samples));
  for (let i = 0; i < count * epochs; i++) {
    const chance = curve[i % epochs] ?? 0;
    let right = 0;
    for (let sample = 0; sample < samples; sample++) {
      if ((drawn[i * samples + sample] ?? 1) < chance) right++;
    }
    sums[epochs + i] = right;
  }
  return sums;
}

/**
 * The score of a prompt that is never solved, against the mean curve; and the mean level above which a
 * threshold rejects it: 0.387 at 0.6.
 */
export function neverSolved(
  mean: readonly number[],
  theta: number,
): { readonly score: number; readonly level: number; readonly requiredLevel: number } {
  const { neverSolvedScore, curveLevel, requiredLevel } = thetaBound(
    mean.map((value) => 1 - value),
    theta,
    0,
  );
  return { score: neverSolvedScore, level: curveLevel, requiredLevel };
}
