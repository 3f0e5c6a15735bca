import { type Cut, cutScores, type Scored } from './cut.ts';
import { meanScore } from './curve-statistics.ts';
import { known, type PoolRewards, type Selection, type StaticMethod, wholePass } from './method.ts';

/** The mean of the numbers that are not NaN. */
function averageOf(values: Float64Array): number {
  const held = values.filter((value) => !Number.isNaN(value));
  return held.reduce((sum, value) => sum + value, 0) / held.length;
}

const distances = (means: Float64Array, middle: number): Float64Array =>
  means.map((mean) => -Math.abs(mean - middle));

/**
 * NEAR: the prompts whose mean accuracy over the run is nearest the pool's, which is the mean over
 * its prompts. The trajectory does not count.
 */
async function selectNear(shares: PoolRewards, cut: Cut): Promise<Selection> {
  const { scores, exact, tolerance } = await shares.scoreCurves(meanScore);
  const means = Float64Array.from(scores);
  const all = [...means.keys()];
  let middle: number | undefined;
  const scored: Scored = {
    scores: distances(means, averageOf(means)),
    // A mean and the middle may both be off.
    ...(tolerance === undefined ? {} : { tolerance: 2 * tolerance }),
    ...(exact && {
      exact: async (prompts: readonly number[]) => {
        middle ??= averageOf(await exact(all));
        return distances(await exact(prompts), middle);
      },
    }),
  };
  return cutScores(
    { method: 'near', label: 'negated distance from the mean accuracy' },
    scored,
    cut,
  );
}

export const near = {
  name: 'near',
  code: 14,
  label: 'NEAR',
  takes: () =>
    'as many prompts as LIM, those whose mean accuracy over the run is nearest the pool’s',
  needs: ['shares'],
  usualSize: 'as LIM',
  samples: wholePass,
  choose: ({ shares }, cut) => selectNear(known(shares, 'near', 'shares'), cut),
} as const satisfies StaticMethod;
