import { ropeFrequencies } from '../../kernels/rope.ts';
import { ConfigError } from '../config-error.ts';
import type { ModelConfig, RopeScaling } from './config.ts';

/** The frequencies of a model's rotary embedding, and the factor on its cosines and sines. */
export interface Rope {
  /** Radians per position, headDim / 2 of them. */
  readonly frequencies: Float64Array;
  readonly scale: number;
}

/** What decides the rotary embedding of some layers. */
export interface RopeConfig extends Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'maxPositions'> {
  readonly rope?: RopeScaling | undefined;
}

/** What decides the rotary embeddings of a model's layers. */
export function ropesOf(config: ModelConfig): Readonly<Record<'full' | 'sliding', RopeConfig>> {
  const { headDim, maxPositions, ropeTheta, rope, sliding } = config;
  const full = { headDim, maxPositions, ropeTheta, rope };
  return {
    full,
    sliding: sliding
      ? { headDim, maxPositions, ropeTheta: sliding.ropeTheta, rope: sliding.rope }
      : full,
  };
}

/**
 * The rotary embedding of some layers of a model, in float64.
 *
 * @param longest Positions of the longest call; only `dynamic` depends on them.
 */
export function ropeOf(config: RopeConfig, longest = config.maxPositions): Rope {
  const { headDim, ropeTheta: theta, maxPositions, rope } = config;
  const plain = ropeFrequencies(headDim, theta);
  switch (rope?.type) {
    case undefined:
      return { frequencies: plain, scale: 1 };
    case 'linear':
      return { frequencies: plain.map((frequency) => frequency / rope.factor), scale: 1 };
    case 'llama3':
      return { frequencies: plain.map((frequency) => llama3(frequency, rope)), scale: 1 };
    case 'yarn':
      return { frequencies: yarn(plain, theta, rope), scale: rope.attentionFactor };
    case 'dynamic': {
      const { factor } = rope;
      const stretch = (factor * Math.max(longest, maxPositions)) / maxPositions - (factor - 1);
      return {
        frequencies: ropeFrequencies(headDim, theta * stretch ** (headDim / (headDim - 2))),
        scale: 1,
      };
    }
  }
}

/** Long wavelengths are divided by the factor, short ones kept, those between blended. */
function llama3(frequency: number, rope: Extract<RopeScaling, { type: 'llama3' }>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalPositions } = rope;
  const turns = (originalPositions * frequency) / (2 * Math.PI);
  if (turns > highFreqFactor) return frequency;
  if (turns < lowFreqFactor) return frequency / factor;
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** Peng et al. 2023, arXiv:2309.00071, section 3.2: a ramp over the pairs of a head. */
function yarn(
  plain: Float64Array,
  theta: number,
  rope: Extract<RopeScaling, { type: 'yarn' }>,
): Float64Array {
  const dimensions = plain.length * 2;
  /** The pair that makes `turns` turns within the original length. */
  const pairOf = (turns: number): number =>
    (dimensions * Math.log(rope.originalPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [pairOf(rope.betaFast), pairOf(rope.betaSlow)];
  const low = Math.max(rope.truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(rope.truncate ? Math.ceil(slow) : slow, dimensions - 1);
  const width = low === high ? 0.001 : high - low;
  return plain.map((frequency, pair) => {
    const share = Math.min(Math.max((pair - low) / width, 0), 1);
    return (frequency / rope.factor) * share + frequency * (1 - share);
  });
}

/**
 * Why a sequence longer than `maxPositions` is refused, where its length is not the only reason.
 */
export const pastTrainedLength = ({ rope }: Pick<RopeConfig, 'rope'>): string =>
  rope?.type === 'dynamic'
    ? '; beyond it "dynamic" rope gives a token another place by how long its whole call is, which is not implemented'
    : '';

/** @throws ConfigError when `dynamic` rope is asked for positions past the trained length. */
export function expectRopeReaches(config: RopeConfig, positions: number): void {
  if (config.rope?.type !== 'dynamic' || positions <= config.maxPositions) return;
  throw new ConfigError(
    `${positions} positions are more than max_position_embeddings ${config.maxPositions}${pastTrainedLength(config)}`,
  );
}
