import { expect, test } from 'vitest';
import { firstEpochs, type RewardMatrix } from '../../src/lim/matrix.ts';
import { rewardsInMemory } from '../../src/lim/pool-rewards.ts';
import { RandomStream } from '../../src/random.ts';
import { select, type SelectionPool, type StaticMethod } from '../../src/selection/method.ts';
import { near } from '../../src/selection/near.ts';
import { limDebiased } from '../../src/selection/lim-debiased.ts';
import { quickMatrix } from '../support/quick-matrix.ts';

// What is known of LIM's noise, on the matrix of a real run: chances are its shares of right
// answers, drawn a little towards one half, and matrices are sampled from these chances again.

const { prompts, epochs, samples, sums } = quickMatrix;
const resamples = 24;
const chances = Float64Array.from(sums, (right) => (right + 0.25) / 8.5);

const withSums = (next: Float64Array): RewardMatrix => ({
  prompts,
  epochs,
  samples,
  sums: next,
});

/** A matrix of 8 answers an entry, drawn with the chances. */
function resampled(draw: number): RewardMatrix {
  const stream = new RandomStream(draw, 'test');
  const drawn = chances.map((chance) => {
    let right = 0;
    for (let i = 0; i < 8; i++) right += Number(stream.float() < chance);
    return right;
  });
  return withSums(drawn);
}

const scoresOf = async (matrix: RewardMatrix, kind = {}): Promise<number[]> =>
  Array.from((await rewardsInMemory(matrix).scoreLim(kind)).scores);
const kept = (scores: readonly number[]): number => scores.filter((score) => score >= 0.6).length;
const highest = (scores: readonly number[], count: number): ReadonlySet<number> =>
  new Set([...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, count));
const jaccard = (one: ReadonlySet<number>, other: ReadonlySet<number>): number => {
  const both = [...one].filter((prompt) => other.has(prompt)).length;
  return both / (one.size + other.size - both);
};
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const chosenBy = async (
  method: StaticMethod,
  matrix: RewardMatrix,
  count: number,
): Promise<ReadonlySet<number>> => {
  const shares = rewardsInMemory(matrix);
  const pool: SelectionPool = { prompts, seed: 1, shares, counted: true, source: 'this test' };
  return new Set((await select(method, pool, { count })).indices);
};

const truth = await scoresOf(withSums(chances.map((chance) => 8 * chance)));
const matrices = Array.from({ length: resamples }, (_, draw) => resampled(draw));

test('the run itself: 39 of 160 reach theta, and 55 without the noise of 8 answers', async () => {
  expect(kept(await scoresOf(quickMatrix))).toBe(39);
  expect(kept(await scoresOf(quickMatrix, { debias: true }))).toBe(55);
});

test('debiasing repairs the share that theta keeps', async () => {
  const plain = await Promise.all(matrices.map((matrix) => scoresOf(matrix)));
  const repaired = await Promise.all(matrices.map((matrix) => scoresOf(matrix, { debias: true })));
  const [low, high] = [mean(plain.map(kept)), mean(repaired.map(kept))];
  // Chances keep 49; samples of them 36; debiased ones 54.
  expect(kept(truth)).toBe(49);
  expect(low).toBeLessThan(39);
  expect(Math.abs(high - 49)).toBeLessThan(7);
  // The noise of 8 answers lowers a score by sum q (1 - q) / 8 / sum (1 - m)^2 on average.
  const curve = Array.from({ length: epochs }, (_, k) =>
    mean([...chances].filter((_chance, i) => i % epochs === k)),
  );
  const scale = curve.reduce((sum, level) => sum + (1 - level) ** 2, 0);
  const noise = chances.reduce((sum, chance) => sum + (chance * (1 - chance)) / 8, 0);
  const expected = noise / scale / prompts;
  expect(expected).toBeGreaterThan(0.07);
  const shift = (scores: readonly number[][]) =>
    mean(scores.map((list) => mean(list.map((score, p) => score - truth[p]))));
  // Within three standard errors of 24 draws.
  expect(Math.abs(shift(plain) + expected)).toBeLessThan(0.02);
  expect(Math.abs(shift(repaired))).toBeLessThan(0.02);
});

test('the ranking stays noisy, and the first epochs tell most of it', async () => {
  const wanted = highest(truth, 49);
  // Agreement with the selection by chances, in the ranges of six such matrices.
  const ranges = [
    [0.21, 0.39],
    [0.32, 0.54],
    [0.42, 0.59],
    [0.44, 0.61],
    [0.46, 0.62],
  ];
  const nearRanges = [
    [0.21, 0.39],
    [0.34, 0.56],
    [0.46, 0.63],
    [0.47, 0.65],
    [0.48, 0.65],
  ];
  for (const [i, [low, high]] of ranges.entries()) {
    const early = matrices.map((matrix) => firstEpochs(matrix, i + 1));
    const agreement = async (of: (matrix: RewardMatrix) => Promise<ReadonlySet<number>>) =>
      mean(await Promise.all(early.map(async (matrix) => jaccard(await of(matrix), wanted))));
    const plain = await agreement(async (matrix) => highest(await scoresOf(matrix), 49));
    const debiased = await agreement((matrix) => chosenBy(limDebiased, matrix, 49));
    const byMean = await agreement((matrix) => chosenBy(near, matrix, 49));
    expect(plain).toBeGreaterThan(low);
    expect(plain).toBeLessThan(high);
    expect(Math.abs(debiased - plain)).toBeLessThan(0.02);
    expect(byMean).toBeGreaterThan(nearRanges[i][0]);
    expect(byMean).toBeLessThan(nearRanges[i][1]);
  }
});
