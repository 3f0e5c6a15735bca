import { describe, expect, test } from 'vitest';
import {
  areaDifference,
  areaMean,
  conditionsOf,
  conditionText,
  crossingOf,
  differencesAtSamples,
  differencesOf,
  factorValue,
  pointsOf,
  selectionSamples,
  sideOf,
  type DifferencePoint,
} from '../../src/sweep/readings.ts';
import {
  chosenBy,
  jaccard,
  rocOf,
  sampledAnew,
  selectionReadings,
  thresholdOf,
} from '../../src/sweep/selection-readings.ts';
import { fullGain, makeSweep, trueLead } from '../support/made-sweep.ts';
import { quickMatrix } from '../support/quick-matrix.ts';

const one = { 'task.wrongKeyShare': [0.1] };
const only = (sweep: ReturnType<typeof makeSweep>) => conditionsOf(sweep)[0];

describe('conditions', () => {
  test('are the product of the factors, the last one fastest, with their cells by seed', () => {
    const sweep = makeSweep({
      factors: { 'task.wrongKeyShare': [0, 0.1], 'lim.count': [13, 38] },
      seeds: [9, 3],
      missing: (factors, seed) => factors['lim.count'] === 38 && seed === 9,
    });
    const conditions = conditionsOf(sweep);
    expect(conditions.map((condition) => conditionText(condition))).toEqual([
      'wrong keys 0 %, subset 5.1 % (13)',
      'wrong keys 0 %, subset 14.8 % (38)',
      'wrong keys 10 %, subset 5.1 % (13)',
      'wrong keys 10 %, subset 14.8 % (38)',
    ]);
    expect(conditions.map(({ cells }) => cells.map(({ seed }) => seed))).toEqual([
      [3, 9],
      [3],
      [3, 9],
      [3],
    ]);
  });

  test('without a finished cell are conditions too', () => {
    const sweep = makeSweep({ missing: (factors) => factors['task.wrongKeyShare'] === 0.3 });
    expect(conditionsOf(sweep).map(({ cells }) => cells.length)).toEqual([10, 10, 0]);
  });

  test('say values of other settings as they are', () => {
    expect(factorValue('ppo.estimator', 'grpo')).toBe('grpo');
    expect(factorValue('rollout.samples', 16)).toBe('16');
    expect(factorValue('lim.count', 64)).toBe('64');
  });
});

describe('points', () => {
  test('give the mean over seeds, the interval of Student’s t and every seed', () => {
    const condition = only(makeSweep({ factors: one, seeds: [1, 2, 3] }));
    const [point] = pointsOf(condition, 'lim');
    const values = point.accuracy.bySeed.map(({ value }) => value);
    const mean = (values[0] + values[1] + values[2]) / 3;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
    // 97.5 % point of Student's t with two degrees of freedom: 4.3027.
    expect(point.accuracy.mean).toBeCloseTo(mean, 12);
    expect(point.accuracy.interval![1]).toBeCloseTo(mean + (4.3027 * deviation) / Math.sqrt(3), 4);
    expect(point.accuracy.bySeed.map(({ seed }) => seed)).toEqual([1, 2, 3]);
  });

  test('charge LIM with the whole pass, early LIM with two epochs, and RAND with nothing', () => {
    const condition = only(
      makeSweep({ factors: one, methods: ['full', 'lim', 'lim-early-2', 'rand'] }),
    );
    const [cell] = condition.cells;
    const { experiment, rollout } = cell.results.config;
    const epoch = 256 * rollout.samples;
    expect(selectionSamples(cell, 'lim')).toBe(epoch * experiment.epochs);
    expect(selectionSamples(cell, 'lim-early-2')).toBe(2 * epoch);
    expect(selectionSamples(cell, 'rand')).toBe(0);
    const last = pointsOf(condition, 'lim').at(-1)!;
    expect(last.at.samples).toBe(last.trained + epoch * experiment.epochs);
    // 40 updates of 64 prompts over a subset of 38 prompts.
    expect(last.at.epochs).toBeCloseTo((40 * rollout.prompts) / 38, 12);
  });
});

describe('differences', () => {
  test('are paired by seed: what both methods share falls out', () => {
    const condition = only(makeSweep({ factors: one, noise: 0 }));
    for (const { readout, mean, bySeed } of differencesOf(condition, 'lim', 'full')) {
      expect(mean).toBeCloseTo(trueLead('lim', readout, 0.1), 10);
      expect(bySeed).toHaveLength(10);
    }
  });

  test('leave out seeds and read-outs that one of the two lacks', () => {
    const condition = only(makeSweep({ factors: one, seeds: [1, 2, 3] }));
    const [first, ...rest] = condition.cells;
    const { results } = first;
    const without = {
      ...condition,
      cells: [
        { ...first, results: { ...results, methods: { ...results.methods, lim: undefined } } },
        ...rest,
      ],
    } as typeof condition;
    const points = differencesOf(without, 'lim', 'full');
    expect(points.map(({ readout }) => readout)).toEqual([5, 10, 20, 40]);
    expect(points[0].bySeed.map(({ seed }) => seed)).toEqual([2, 3]);
    // Two seeds have no interval, and without one nothing is decided.
    expect(points[0].interval).toBeUndefined();
    expect(sideOf(points[0])).toBe(0);
  });

  test('at equal total samples compare with FULL where it has used as many', () => {
    const condition = only(makeSweep({ factors: one, noise: 0 }));
    // The pass is 24 updates' worth: LIM at 5 stands beside FULL at 29, between 24 and 40 …
    const [first, ...others] = differencesAtSamples(condition, 'lim', 'full');
    const lim = 0.26 + fullGain(5) + trueLead('lim', 5, 0.1);
    const full = 0.26 + fullGain(24) + ((fullGain(40) - fullGain(24)) * 5) / 16;
    expect(first.mean).toBeCloseTo(lim - full, 10);
    // … and at 40 beside FULL at 64, which was not trained.
    expect(others.map(({ readout }) => readout)).toEqual([10, 20]);
    // RAND costs nothing, so that both comparisons agree.
    expect(differencesAtSamples(condition, 'rand', 'full').map(({ mean }) => mean)).toEqual(
      differencesOf(condition, 'rand', 'full').map(({ mean }) => mean),
    );
  });
});

describe('areas', () => {
  test('are the mean of a curve up to the end of the selections’ trainings', () => {
    const condition = only(makeSweep({ factors: one, noise: 0, seeds: [1, 2, 3] }));
    // Read-outs at 5, 10, 20 and 40, from the base of .26 on.
    const heights = [0.26, ...[5, 10, 20, 40].map((u) => 0.26 + fullGain(u))];
    const sums = [5, 5, 10, 20].map((step, i) => (step * (heights[i] + heights[i + 1])) / 2);
    const full = areaMean(condition, 'full')!;
    // FULL is read out at 24 too, and behind 40.
    const between = 0.26 + fullGain(24);
    const last = (4 * (heights[3] + between) + 16 * (between + heights[4])) / 2;
    expect(full.mean).toBeCloseTo((sums[0] + sums[1] + sums[2] + last) / 40, 12);
    const lim = areaMean(condition, 'lim')!;
    const leads = [0, ...[5, 10, 20, 40].map((u) => trueLead('lim', u, 0.1))];
    const lead = [5, 5, 10, 20].map((step, i) => (step * (leads[i] + leads[i + 1])) / 2);
    const own = [...sums, ...lead].reduce((sum, part) => sum + part, 0) / 40;
    expect(lim.mean).toBeCloseTo(own, 12);
    expect(areaDifference(condition, 'lim', 'full')!.mean).toBeCloseTo(own - full.mean, 12);
  });

  test('are missing where a training was not read out at that end', () => {
    const condition = only(makeSweep({ factors: one, seeds: [1, 2, 3], methods: ['full', 'lim'] }));
    const cut = {
      ...condition,
      cells: condition.cells.map((cell) => ({
        ...cell,
        results: {
          ...cell.results,
          methods: {
            ...cell.results.methods,
            lim: {
              prompts: 1,
              evaluations: cell.results.methods.lim!.evaluations.filter(
                ({ update }) => update < 40,
              ),
            },
          },
        },
      })),
    };
    expect(areaMean(cut, 'lim')).toBeUndefined();
    expect(areaDifference(cut, 'lim', 'full')).toBeUndefined();
    expect(areaMean(cut, 'full')).toBeDefined();
  });
});

describe('the crossing', () => {
  const point = (readout: number, low: number, mean: number, high: number): DifferencePoint => ({
    readout,
    mean,
    interval: [low, high],
    bySeed: [
      { seed: 1, value: mean + 0.01 },
      { seed: 2, value: mean - 0.01 },
    ],
  });

  test('of made curves is where they were made to cross', () => {
    const condition = only(makeSweep({ factors: one, noise: 0 }));
    // LIM leads by .12 - .004 u, which is 0 at 30.
    const { at, open } = crossingOf(differencesOf(condition, 'lim', 'full'));
    expect(at).toBeCloseTo(30, 6);
    expect(open).toBe(false);
  });

  test('is the last change of sign, with what is sure on both sides', () => {
    const crossing = crossingOf([
      point(10, 0.01, 0.03, 0.05),
      point(20, -0.03, -0.01, 0.01),
      point(40, -0.01, 0.02, 0.05),
      point(80, -0.08, -0.06, -0.04),
    ]);
    // From .02 at 40 to -.06 at 80: a quarter of the way.
    expect(crossing.at).toBeCloseTo(50, 10);
    expect(crossing).toMatchObject({ open: false, aheadUntil: 10, behindFrom: 80 });
    expect(crossing.bySeed.map(({ at }) => at)).toEqual([
      expect.closeTo(40 + (0.03 / 0.08) * 40, 8),
      expect.closeTo(40 + (0.01 / 0.08) * 40, 8),
    ]);
  });

  test('is open where the lead lasts, and missing where there is none', () => {
    expect(crossingOf([point(10, 0.01, 0.03, 0.05)])).toMatchObject({ at: 10, open: true });
    const never = crossingOf([point(10, -0.05, -0.03, -0.01)]);
    expect(never.at).toBeUndefined();
    expect(never).toMatchObject({ open: false, behindFrom: 10 });
    expect(never.aheadUntil).toBeUndefined();
  });
});

describe('selections', () => {
  test('agree by intersection over union', () => {
    expect(jaccard([1, 2, 3], [2, 3, 4])).toBe(0.5);
    expect(jaccard([], [])).toBe(1);
    expect(jaccard([1], [])).toBe(0);
  });

  test('by each rule are those of a matrix worked by hand', () => {
    // Mean curve (.5, .75). Prompt 0 follows it exactly; 1 is always right, 2 rises from 0 to 1,
    // 3 stays at .5.
    const shares = Float64Array.from([0.5, 0.75, 1, 1, 0, 1, 0.5, 0.25]);
    expect(chosenBy('lim', shares, 2, 1)).toEqual([0]);
    // Pool mean .625: prompt 0 lies on it.
    expect(chosenBy('near', shares, 2, 1)).toEqual([0]);
    expect(chosenBy('hvar', shares, 2, 1)).toEqual([2]);
    // p (1 - p): prompt 3 has .25 and .1875, prompt 0 the same; the lower number comes first.
    expect(chosenBy('gvar', shares, 2, 1)).toEqual([0]);
    expect(chosenBy('gvar', shares, 2, 2)).toEqual([0, 3]);
  });

  test('leave out prompts that no epoch has', () => {
    const shares = Float64Array.from([NaN, NaN, 0.5, NaN]);
    for (const rule of ['lim', 'near', 'hvar', 'gvar'] as const) {
      expect(chosenBy(rule, shares, 2, 2)).not.toContain(0);
    }
  });

  test('of two halves agree better than chance, the same way each time', async () => {
    const condition = only(makeSweep({ factors: one, seeds: [1, 2, 3] }));
    const readings = (await selectionReadings(condition, ['full', 'lim', 'rand']))!;
    // 38 of 256: two random subsets share 38 / (512 - 38).
    expect(readings.chance).toBeCloseTo(38 / 474, 10);
    for (const { jaccard: found } of readings.halves) {
      expect(found.mean).toBeGreaterThan(readings.chance);
      expect(found.mean).toBeLessThan(1);
    }
    expect(await selectionReadings(condition, ['full', 'lim', 'rand'])).toEqual(readings);
    // Each seed draws its own pool.
    expect(readings.betweenSeeds).toBeUndefined();
  });
});

describe('a pool that is sampled anew', () => {
  const { prompts, epochs, sums } = quickMatrix;
  const accuracy = Float32Array.from(sums, (right) => right / 8);
  const anew = sampledAnew({ accuracy }, 8, 1);
  const theta = thresholdOf(
    { epochs, selections: { lim: Array.from({ length: 39 }, (_, i) => i) } },
    anew,
    8,
    0.6,
  );

  test('has other samples of the same chances, the same way each time', () => {
    expect(sampledAnew({ accuracy }, 8, 1)).toEqual(anew);
    expect(sampledAnew({ accuracy }, 8, 2).matrices).not.toEqual(anew.matrices);
    for (const shares of anew.matrices) {
      expect(shares).toHaveLength(prompts * epochs);
      expect(shares.every((share) => share >= 0 && share <= 1 && Number.isInteger(share * 8))).toBe(
        true,
      );
    }
    const mean = (values: Float64Array): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const drawn = anew.matrices.map(mean).reduce((sum, one) => sum + one, 0) / anew.matrices.length;
    // 12 matrices of 800 entries of 8 samples: a standard error of at most .5 / sqrt(76,800).
    expect(Math.abs(drawn - mean(anew.chances))).toBeLessThan(0.008);
    const gap = sampledAnew({ accuracy: Float32Array.of(NaN, 0.5) }, 8, 1);
    expect(gap.matrices.every(([first, second]) => Number.isNaN(first) && second >= 0)).toBe(true);
  });

  test('gives LIM’s selections the agreement that was found on six such pools', () => {
    const chosen = anew.matrices.map((shares) => chosenBy('lim', shares, epochs, 49));
    const pairs = [0, 2, 4, 6, 8, 10].map((i) => jaccard(chosen[i], chosen[i + 1]));
    const mean = pairs.reduce((sum, one) => sum + one, 0) / pairs.length;
    // Two selections of the same curves overlap at .37 to .48; chance is 49 / (320 - 49) = .18.
    expect(mean).toBeGreaterThan(0.37);
    expect(mean).toBeLessThan(0.48);
  });

  test('keeps fewer prompts at the threshold than its chances would, and as many once debiased', () => {
    // As test/unit/selection-resampling.test.ts finds by the kernels: 49 by chances, 36 by samples.
    expect(theta.noiseless).toBe(49);
    expect(theta.kept).toBe(39);
    expect(Math.abs(theta.resampled - 36)).toBeLessThan(3);
    expect(Math.abs(theta.debiased - 54)).toBeLessThan(4);
  });

  test('knows what a prompt on the mean curve scores', () => {
    // One epoch, mean curve .7, eight samples: 1 - .7 × .3 / 8 / .09 = .708; without noise 1.
    const shares = Float32Array.from({ length: 4 }, () => 0.7);
    const chances = Float64Array.from(shares);
    const read = { epochs: 1, selections: {} };
    expect(thresholdOf(read, { chances, matrices: [chances] }, 8, 0.6)).toMatchObject({
      onCurve: expect.closeTo(1 - 0.21 / 8 / 0.09, 6) as number,
      noiseless: 4,
    });
  });

  test('stands beside the halves, and LIM’s threshold where it is one', async () => {
    const condition = only(makeSweep({ factors: one, seeds: [1, 2, 3] }));
    const readings = (await selectionReadings(condition, ['full', 'lim', 'rand']))!;
    expect(readings.resampled.map(({ rule }) => rule)).toEqual(['lim', 'near', 'hvar', 'gvar']);
    for (const [i, { jaccard: found }] of readings.resampled.entries()) {
      // Half of the samples tell less than all of them.
      expect(found.mean).toBeGreaterThan(readings.halves[i].jaccard.mean);
      expect(found.mean).toBeLessThan(1);
    }
    expect(readings.threshold).toMatchObject({ theta: 0.6 });
    expect(readings.threshold!.kept.mean).toBe(38);
  });
});

describe('ROC of wrong keys', () => {
  const pass = (scores: number[], wrongKeys: boolean[]) => ({
    prompts: scores.length,
    epochs: 1,
    accuracy: Float32Array.from(scores),
    scores: Float64Array.from(scores),
    wrongKeys,
    selections: {},
  });

  test('has the area of the pairs that are in order, ties counting half', () => {
    // Wrong .1 and .3, right .3 and .9: three pairs in order, one tie.
    const roc = rocOf(pass([0.1, 0.3, 0.3, 0.9], [true, true, false, false]), 'lim')!;
    expect(roc.area).toBeCloseTo(3.5 / 4, 12);
    expect(roc.curve[0]).toBe(0.5);
    expect(roc.curve.at(-1)).toBe(1);
    // The tie rises from (0, .5) to (.5, 1).
    expect(roc.curve[25]).toBeCloseTo(1, 12);
  });

  test('is that of mean accuracy beside that of scores', () => {
    const both = { ...pass([0.1, 0.9], [true, false]), accuracy: Float32Array.from([0.9, 0.1]) };
    expect(rocOf(both, 'lim')!.area).toBe(1);
    expect(rocOf(both, 'accuracy')!.area).toBe(0);
  });

  test('needs keys of both kinds, and leaves out prompts without a score', () => {
    expect(rocOf(pass([0.1, 0.2], [false, false]), 'lim')).toBeUndefined();
    const { area } = rocOf(pass([NaN, 0.1, 0.2], [true, true, false]), 'lim')!;
    expect(area).toBe(1);
  });
});
