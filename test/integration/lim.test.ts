import { describe, expect, test } from 'vitest';
import { linearScores } from '../../src/entries/lim.ts';
import { fillRows } from '../../src/lim/fill.ts';
import { rowOf, unsolvedSignal, type RewardMatrix } from '../../src/lim/matrix.ts';
import { scoreMatrix } from '../../src/lim/score.ts';
import { rewardsInMemory, rewardsOnDevice } from '../../src/lim/pool-rewards.ts';
import { scoreRows } from '../../src/lim/row-scores.ts';
import { isClose, scoreTolerance } from '../../src/selection/cut.ts';
import { selectLim } from '../../src/selection/lim.ts';
import { gvar } from '../../src/selection/gvar.ts';
import { hvar } from '../../src/selection/hvar.ts';
import { limDebiased } from '../../src/selection/lim-debiased.ts';
import { limEarly2 } from '../../src/selection/lim-early.ts';
import { linear, linearScore } from '../../src/selection/linear.ts';
import { near } from '../../src/selection/near.ts';
import { select } from '../../src/selection/method.ts';
import { limMeanReference } from '../reference/lim-mean.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { watch } from '../support/device-calls.ts';
import { expectClose, openTestGpu } from '../support/gpu.ts';
import {
  forms,
  matrixOf as matrixTensors,
  rewardMatrix,
  tensorsIn,
  valuesOf,
} from '../support/reward-matrix.ts';

interface Expected {
  readonly steps_per_epoch: number;
  readonly max_epochs: number;
  readonly originals: readonly { readonly id: string; readonly prompt: string }[];
  readonly accuracy_before_fill: Readonly<Record<string, readonly number[]>>;
  readonly accuracy_after_fill: Readonly<Record<string, readonly number[]>>;
  readonly dropped_prompts: readonly string[];
  readonly average_curve: readonly number[];
  readonly scores: Readonly<Record<string, number>>;
  readonly selected_ids_by_threshold: Readonly<Record<string, readonly string[]>>;
}
type Step = readonly { readonly prompt: string; readonly reward: number }[];

const files = import.meta.glob<Expected | Step>('../fixtures/lim/*/*.json', {
  eager: true,
  import: 'default',
});
const expectedOf = (name: string): Expected =>
  files[`../fixtures/lim/${name}/expected.json`] as Expected;
const stepOf = (name: string, step: number): Step =>
  files[`../fixtures/lim/${name}/step_${step}.json`] as Step;

/** The step files of a case, counted here and not by the importers. */
function matrixOf(name: string, expected: Expected) {
  const names = Object.keys(expected.accuracy_before_fill);
  const epochs = expected.max_epochs;
  const sums = new Float32Array(names.length * epochs);
  const samples = new Uint32Array(names.length * epochs);
  for (let step = 0; step < epochs * expected.steps_per_epoch; step++) {
    for (const { prompt, reward } of stepOf(name, step + 1)) {
      const i = names.indexOf(prompt) * epochs + Math.floor(step / expected.steps_per_epoch);
      samples[i]++;
      if (reward === 1) sums[i]++;
    }
  }
  return { names, matrix: { prompts: names.length, epochs, sums, samples } };
}

const referenceScores = ({ epochs, sums, samples }: RewardMatrix): number[] => {
  const { deficits } = limMeanReference(sums, samples, epochs);
  return limScoreReference(
    sums,
    samples,
    deficits.map((deficit) => 1 - deficit),
  );
};

function expectScores(got: Float64Array, want: readonly number[]): void {
  for (const [i, score] of want.entries()) {
    const error = Math.abs((got[i] ?? NaN) - score);
    const fine = Number.isNaN(score)
      ? Number.isNaN(got[i])
      : error <= scoreTolerance * Math.max(1, Math.abs(score));
    if (!fine) expect.fail(`[${i}]: got ${got[i]}, want ${score}`);
  }
  expect(got.length).toBe(want.length);
}

describe.each(['basic', 'missing', 'one-sample'])("LIMR's script on case %s", (name) => {
  const expected = expectedOf(name);
  const { names, matrix } = matrixOf(name, expected);

  test('fills and drops exactly the same entries', () => {
    const filled = fillRows(matrix);
    const dropped: string[] = [];
    for (const [p, prompt] of names.entries()) {
      expect([...rowOf(matrix, p)].map((value) => (Number.isNaN(value) ? -1 : value))).toEqual(
        expected.accuracy_before_fill[prompt],
      );
      const want = expected.accuracy_after_fill[prompt];
      if (want) expect([...rowOf(filled, p)]).toEqual(want);
      else dropped.push(prompt);
    }
    expect(dropped.sort()).toEqual([...expected.dropped_prompts].sort());
  });

  test('has the same curve, scores and selections', async () => {
    const gpu = await openTestGpu();
    const result = await scoreMatrix(gpu, matrix, { rule: 'limr' });
    for (const [k, want] of expected.average_curve.entries()) {
      expect(Math.abs(result.meanCurve[k] - want)).toBeLessThan(1e-6);
    }
    const scored = names.flatMap((_, p) => (expected.scores[names[p]] === undefined ? [] : [p]));
    expect([...names.keys()].filter((p) => !scored.includes(p))).toEqual([...result.unscored]);
    const exact = await result.exact(scored);
    for (const [i, p] of scored.entries()) {
      const want = expected.scores[names[p]];
      expect(Math.abs(exact[i] - want)).toBeLessThan(1e-9);
      expect(Math.abs(result.scores[p] - want)).toBeLessThan(1e-5 * Math.max(1, Math.abs(want)));
    }
    for (const [theta, ids] of Object.entries(expected.selected_ids_by_threshold)) {
      const { indices } = await selectLim(result, { threshold: Number(theta) });
      const kept = new Set(indices.map((p) => names[p]));
      const originals = expected.originals.filter(({ prompt }) => kept.has(prompt));
      expect(originals.map(({ id }) => id)).toEqual(ids);
    }
  });
});

describe('scoreMatrix', () => {
  test.each([
    [1, 1, 'corrected'],
    [1, 1000, 'corrected'],
    [65, 21, 'corrected'],
    [5000, 7, 'corrected'],
    [130, 1000, 'corrected'],
    [5000, 7, 'limr'],
  ] as const)('agrees with float64 at (%i, %i), %s', async (prompts, epochs, rule) => {
    const gpu = await openTestGpu();
    const matrix = rewardMatrix(prompts, epochs, 3, rule === 'limr' ? 0.03 : 0.1);
    const { scores, exact } = await scoreMatrix(gpu, matrix, { rule });
    const want = referenceScores(rule === 'limr' ? fillRows(matrix) : matrix);
    expectScores(scores, want);
    const some = [...want.keys()].filter((p) => p % 97 === 0 && !Number.isNaN(want[p]));
    const settled = await exact(some);
    for (const [i, p] of some.entries()) expect(settled[i]).toBeCloseTo(want[p], 10);
    expect(some.length).toBeGreaterThan(0);
  });

  test.each([
    ['corrected', 'samples'],
    ['limr', 'samples'],
    ['corrected', 'values'],
    ['limr', 'values'],
  ] as const)(
    'gives the same bits in chunks, streamed, or from tensors (%s, %s)',
    async (rule, form) => {
      const gpu = await openTestGpu();
      const drawn = rewardMatrix(1000, 6, 8, 0.03);
      const tensors = matrixTensors(gpu, drawn, form);
      const matrix =
        form === 'samples' ? drawn : { prompts: 1000, epochs: 6, values: valuesOf(drawn) };
      const small = { rule, chunkBytes: 64 * 6 * 4 * 3 };
      const chunked = await scoreMatrix(gpu, matrix, small);
      const streamed = await scoreMatrix(gpu, matrix, { ...small, residentBytes: 0 });
      const onDevice = await scoreMatrix(gpu, tensors, small);
      expect(streamed.scores).toEqual(chunked.scores);
      expect(onDevice.scores).toEqual(chunked.scores);
      expect(await onDevice.exact([999, 3])).toEqual(await chunked.exact([999, 3]));
      expectScores(chunked.scores, referenceScores(rule === 'limr' ? fillRows(drawn) : drawn));
      gpu.destroy(...tensorsIn(tensors));
    },
  );

  test.each(['corrected', 'limr'] as const)(
    'a matrix of values is scored as sums and samples of the same meaning (%s)',
    async (rule) => {
      const gpu = await openTestGpu();
      for (const [prompts, epochs, seed] of [
        [1, 4, 1],
        [700, 3, 2],
        [515, 21, 3],
        [90, 300, 4],
      ] as const) {
        const matrix = rewardMatrix(prompts, epochs, seed, 0.02);
        const values = { prompts, epochs, values: valuesOf(matrix) };
        const want = await scoreMatrix(gpu, matrix, { rule });
        const got = await scoreMatrix(gpu, values, { rule });
        expectScores(got.scores, [...want.scores]);
        expect(got.entries).toEqual(want.entries);
        expectClose(got.meanCurve, want.meanCurve, { abs: 1e-6 });
        expect([got.kept, got.unscored]).toEqual([want.kept, want.unscored]);
        const scored = [...want.scores.keys()].filter((p) => !Number.isNaN(want.scores[p]));
        expect(await got.exact(scored)).toEqual(await want.exact(scored));
        expect(linearScores(values)).toEqual(linearScores(matrix));
      }
    },
  );

  test('goes past one binding: 10 million prompts of 4 epochs', async () => {
    const gpu = await openTestGpu();
    const [prompts, epochs] = [10_000_000, 4];
    const sums = new Float32Array(prompts * epochs);
    const samples = new Uint32Array(prompts * epochs).fill(8);
    // A cheap hash: the low bits of a multiplicative sequence, skewed towards solved.
    for (let i = 0, word = 1; i < sums.length; i++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      sums[i] = Math.min(8, word >>> 28);
    }
    const { scores, kept, meanCurve } = await scoreMatrix(gpu, { prompts, epochs, sums, samples });
    const curve = [0, 0, 0, 0];
    for (let i = 0; i < sums.length; i++) curve[i % 4] += sums[i] / 8;
    const means = curve.map((sum) => sum / prompts);
    for (const [k, mean] of means.entries())
      expect(Math.abs(meanCurve[k] - mean)).toBeLessThan(1e-6);
    let worst = 0;
    let keptReference = 0;
    for (let p = 0; p < prompts; p++) {
      let distance = 0;
      let scale = 0;
      for (let k = 0; k < 4; k++) {
        distance += (sums[p * 4 + k] / 8 - means[k]) ** 2;
        scale += (1 - means[k]) ** 2;
      }
      const want = 1 - distance / scale;
      worst = Math.max(worst, Math.abs(scores[p] - want) / Math.max(1, Math.abs(want)));
      if (want >= 0.6) keptReference++;
    }
    expect(worst).toBeLessThan(1e-5);
    expect(kept.length).toBe(keptReference);
  });

  test('rounding never decides who is kept: a score of exactly theta', async () => {
    const gpu = await openTestGpu();
    // Curve (1/2, 3/4) of four prompts, the first at 0.6 by the fractions 1 - 0.125 / 0.3125.
    const matrix = {
      prompts: 4,
      epochs: 2,
      sums: Float32Array.of(1, 4, 3, 2, 2, 3, 2, 3),
      samples: new Uint32Array(8).fill(4),
    };
    const result = await scoreMatrix(gpu, matrix, { theta: 0.6 });
    expect(result.decidedExactly).toBe(2);
    expect(result.scores[0]).toBe(1 - 0.125 / 0.3125);
    expect(result.kept).toEqual([0, 1, 2, 3]);
    expect(isClose(0.6 + 2e-5, 0.6)).toBe(false);
    const above = await scoreMatrix(gpu, matrix, { theta: 0.6 + 1e-9 });
    expect(above.kept).toEqual([2, 3]);
  });

  test('an all-ones curve: 0 for every prompt, nobody kept', async () => {
    const gpu = await openTestGpu();
    const matrix = {
      prompts: 3,
      epochs: 2,
      sums: new Float32Array(6).fill(8),
      samples: new Uint32Array(6).fill(8),
    };
    const { scores, kept, meanCurve, bound } = await scoreMatrix(gpu, matrix);
    expect([...scores]).toEqual([0, 0, 0]);
    expect([...meanCurve]).toEqual([1, 1]);
    expect(kept).toEqual([]);
    expect(bound.neverSolvedScore).toBe(-Infinity);
    expect(bound.curveLevel).toBe(1);
  });

  test('a single prompt is its own mean curve: score 1, or 0 when always solved', async () => {
    const gpu = await openTestGpu();
    const one = (sums: number[]) =>
      scoreMatrix(gpu, {
        prompts: 1,
        epochs: sums.length,
        sums: Float32Array.from(sums),
        samples: new Uint32Array(sums.length).fill(8),
      });
    expect([...(await one([1, 2, 5])).scores]).toEqual([1]);
    expect([...(await one([0])).scores]).toEqual([1]);
    expect([...(await one([8, 8])).scores]).toEqual([0]);
  });

  test('missing entries leave the sums, missing prompts have no score', async () => {
    const gpu = await openTestGpu();
    const matrix = {
      prompts: 3,
      epochs: 3,
      sums: Float32Array.of(1, 0, 0, 3, 2, 0, 0, 0, 0),
      samples: Uint32Array.of(4, 0, 0, 4, 4, 0, 0, 0, 0),
    };
    // Means: 1/2 over two prompts, 1/2 over one, nobody in the last epoch.
    const { scores, unscored, meanCurve, entries } = await scoreMatrix(gpu, matrix);
    expect([...meanCurve]).toEqual([0.5, 0.5, NaN]);
    expect([...entries]).toEqual([2, 1, 0]);
    expect(scores[0]).toBeCloseTo(1 - 0.0625 / 0.25, 6);
    expect(scores[1]).toBeCloseTo(1 - 0.0625 / 0.5, 6);
    expect([...unscored]).toEqual([2]);
  });

  test('reports when theta does not reject never-solved prompts', async () => {
    const gpu = await openTestGpu();
    const flat = (level: number) =>
      scoreMatrix(gpu, {
        prompts: 1,
        epochs: 2,
        sums: new Float32Array(2).fill(level * 1000),
        samples: new Uint32Array(2).fill(1000),
      });
    const below = (await flat(0.38)).bound;
    const above = (await flat(0.395)).bound;
    expect(below.rejectsNeverSolved).toBe(false);
    expect(above.rejectsNeverSolved).toBe(true);
    expect(below.requiredLevel).toBeCloseTo(0.3874, 4);
    expect(below.curveLevel).toBeCloseTo(0.38, 5);
    expect(below.neverSolvedScore).toBeCloseTo(1 - (0.38 / 0.62) ** 2, 5);
  });

  test('the raw reward scores as accuracy does where every answer is well formed', async () => {
    const gpu = await openTestGpu();
    const matrix = rewardMatrix(300, 5, 2);
    const reward = {
      ...matrix,
      sums: matrix.sums.map((right, i) => 1.5 * right - 0.5 * matrix.samples[i]),
    };
    const accuracy = await scoreMatrix(gpu, matrix);
    const raw = await scoreMatrix(gpu, reward, { unsolved: unsolvedSignal.reward });
    expectScores(raw.scores, [...accuracy.scores]);
    expect(raw.bound.curveLevel).toBeCloseTo(accuracy.bound.curveLevel, 5);
    expect(raw.bound.neverSolvedScore).toBeCloseTo(accuracy.bound.neverSolvedScore, 4);
  });

  test.each(forms)("the paper's size is one submit, and three readbacks (%s)", async (form) => {
    const gpu = await openTestGpu();
    const matrix = matrixTensors(gpu, rewardMatrix(8523, 21, 1), form);
    // The first dispatch of a pipeline goes alone. No score reaches 9: float64 reads no row again.
    await scoreMatrix(gpu, matrix, { theta: 9 });
    let submits = 0;
    const restore = watch(gpu.device.queue, ['submit'], () => submits++);
    await scoreMatrix(gpu, matrix, { theta: 9 });
    restore();
    gpu.destroy(...tensorsIn(matrix));
    expect(submits).toBe(1 + 3);
  });

  test('leaves no buffer behind and refuses what it cannot score', async () => {
    const gpu = await openTestGpu();
    const before = gpu.memory.total();
    const matrix = rewardMatrix(70, 3, 1);
    const values = { prompts: 70, epochs: 3, values: valuesOf(matrix) };
    await scoreMatrix(gpu, matrix, { rule: 'limr', chunkBytes: 1 });
    await scoreMatrix(gpu, values, { rule: 'limr', chunkBytes: 1, residentBytes: 0 });
    expect(gpu.memory.total()).toBe(before);
    const sums = new Float32Array(4);
    await expect(
      scoreMatrix(gpu, { prompts: 2, epochs: 2, sums, samples: new Uint32Array(3) }),
    ).rejects.toThrow('lim: samples must be (2, 2), got 3 numbers');
    await expect(
      scoreMatrix(gpu, { prompts: 2, epochs: 2, values: sums.subarray(1) }),
    ).rejects.toThrow('lim: values must be (2, 2), got 3 numbers');
    await expect(
      scoreMatrix(gpu, { prompts: 0, epochs: 2, sums: sums.slice(4), samples: new Uint32Array(0) }),
    ).rejects.toThrow('nothing to score');
  });
});

describe('LINEAR on the device', () => {
  const ofLinear = { kernel: 'linear-score', exact: linearScore, tolerance: 1e-4 } as const;

  test.each([
    ['samples', 3],
    ['values', 4],
  ] as const)('keeps the rows that float64 keeps, whatever the cut (%s)', async (form, seed) => {
    const gpu = await openTestGpu();
    // Few samples an entry and few epochs: most curves have a twin, and many rise by exactly 0.1.
    const drawn = rewardMatrix(600, 5, seed, 0.05);
    const tensors = matrixTensors(gpu, drawn, form);
    const host = form === 'samples' ? drawn : { prompts: 600, epochs: 5, values: valuesOf(drawn) };
    const pool = { prompts: 600, seed: 1, source: 'this test' };
    const rising = linearScores(host).filter((score) => score >= 0).length;
    expect(rising).toBeGreaterThan(100);
    const cuts = [1, 7, 40, 99, rising, rising + 20].map((count) => ({ count }));
    for (const cut of [...cuts, { threshold: 0.7 }, { threshold: 1 }]) {
      const want = await select(linear, { ...pool, rewards: rewardsInMemory(host) }, cut);
      const got = await select(linear, { ...pool, rewards: rewardsOnDevice(gpu, tensors) }, cut);
      expect(got.indices).toEqual(want.indices);
      expect([got.rule, got.shortfall]).toEqual([want.rule, want.shortfall]);
    }
    gpu.destroy(...tensorsIn(tensors));
  });

  test('settles in float64 what f32 cannot tell', async () => {
    const gpu = await openTestGpu();
    const rows = [
      ...[0, 0.125, 0, 0.125, 0.125], // a rise of 0.1 by the fractions
      ...[1000, 1000.125, 1000.25, 1000.375, 1000.5],
      ...[NaN, NaN, NaN, NaN, NaN],
    ];
    const matrix = { prompts: 3, epochs: 5, values: Float32Array.from(rows) };
    const tensors = { values: gpu.tensor('values', [3, 5], 'f32', 'rewards') };
    gpu.upload(tensors.values, matrix.values);
    const { scores } = await rewardsOnDevice(gpu, tensors).scoreCurves(ofLinear);
    expect(scores).toEqual(linearScores(matrix));
    gpu.destroy(tensors.values);
  });

  test('gives the same scores in chunks, streamed or from tensors', async () => {
    const gpu = await openTestGpu();
    const drawn = rewardMatrix(1000, 6, 8, 0.03);
    const tensors = matrixTensors(gpu, drawn, 'samples');
    const small = { chunkBytes: 64 * 6 * 4 * 3 };
    const { scores } = await scoreRows(gpu, tensors, ofLinear);
    for (const [matrix, options] of [
      [tensors, small],
      [drawn, small],
      [drawn, { ...small, residentBytes: 0 }],
    ] as const) {
      const again = await scoreRows(gpu, matrix, ofLinear, options);
      expect(again.scores).toEqual(scores);
      expect(await again.exact([999, 3])).toEqual(
        Float64Array.from([999, 3], (p) => linearScore(rowOf(drawn, p))),
      );
    }
    gpu.destroy(...tensorsIn(tensors));
    const none = { ...drawn, prompts: 0, sums: new Float32Array(), samples: new Uint32Array() };
    await expect(scoreRows(gpu, none, ofLinear)).rejects.toThrow(
      'linear-score: nothing to score in 0 prompts',
    );
  });
});

describe('kinds of LIM scores', () => {
  const kinds = [
    { epochs: 1 },
    { epochs: 3 },
    { epochs: 5 },
    { debias: true },
    { epochs: 2, debias: true },
  ] as const;

  test.each(['corrected', 'limr'] as const)(
    'on the device are those of float64 in memory, in chunks and streamed too (%s)',
    async (rule) => {
      const gpu = await openTestGpu();
      const drawn = rewardMatrix(700, 5, 9, rule === 'limr' ? 0.03 : 0.1);
      const tensors = matrixTensors(gpu, drawn, 'samples');
      for (const kind of kinds) {
        const { scores: want } = await rewardsInMemory(drawn, rule).scoreLim(kind);
        const expectNear = (got: ArrayLike<number>, tolerance: number) => {
          for (let p = 0; p < 700; p++) {
            const fine = Number.isNaN(want[p])
              ? Number.isNaN(got[p])
              : Math.abs(got[p] - want[p]) <= tolerance * Math.max(1, Math.abs(want[p]));
            if (!fine) expect.fail(`${JSON.stringify(kind)} ${p}: ${got[p]}, want ${want[p]}`);
          }
        };
        const found = await rewardsOnDevice(gpu, tensors, rule).scoreLim(kind);
        expectNear(found.scores, found.tolerance ?? 0);
        const some = [3, 0, 699].filter((p) => !Number.isNaN(want[p]));
        const exact = await found.exact!(some);
        for (const [i, p] of some.entries()) expect(exact[i]).toBeCloseTo(want[p], 10);
        const small = { ...kind, rule, chunkBytes: 64 * 5 * 4 * 3 };
        for (const options of [small, { ...small, residentBytes: 0 }]) {
          expect((await scoreMatrix(gpu, drawn, options)).scores).toEqual(found.scores);
        }
        expect((await scoreMatrix(gpu, tensors, small)).scores).toEqual(found.scores);
      }
      gpu.destroy(...tensorsIn(tensors));
    },
  );

  test('of all epochs are LIM scores, to the bit', async () => {
    const gpu = await openTestGpu();
    const drawn = rewardMatrix(300, 6, 4);
    const all = await scoreMatrix(gpu, drawn);
    expect((await scoreMatrix(gpu, drawn, { epochs: 6 })).scores).toEqual(all.scores);
  });

  test('are refused where the matrix cannot give them, and leave no buffer behind', async () => {
    const gpu = await openTestGpu();
    const before = gpu.memory.total();
    const drawn = rewardMatrix(70, 3, 1);
    const values = { prompts: 70, epochs: 3, values: valuesOf(drawn) };
    const tooMany = '4 data epochs wanted, the matrix has 3';
    await expect(scoreMatrix(gpu, drawn, { epochs: 4 })).rejects.toThrow(tooMany);
    await expect(rewardsInMemory(drawn).scoreLim({ epochs: 4 })).rejects.toThrow(tooMany);
    await expect(scoreMatrix(gpu, values, { debias: true })).rejects.toThrow('to debias');
    await expect(rewardsInMemory(values).scoreLim({ debias: true })).rejects.toThrow('to debias');
    await scoreMatrix(gpu, drawn, { epochs: 2, debias: true, rule: 'limr' });
    expect(gpu.memory.total()).toBe(before);
  });

  test('that f32 cannot tell are settled in float64', async () => {
    const gpu = await openTestGpu();
    // A mean curve of 0.995 but for one prompt: its noise is above 8 times its score.
    const prompts = 1600;
    const sums = new Float32Array(prompts * 8).fill(8);
    sums.fill(7, 0, 8);
    for (let k = 0; k < 56 * 8; k++) sums[8 + k] = 7;
    const matrix = { prompts, epochs: 8, sums, samples: new Uint32Array(prompts * 8).fill(8) };
    const { scores: want } = await rewardsInMemory(matrix).scoreLim({ debias: true });
    const { scores } = await scoreMatrix(gpu, matrix, { debias: true });
    expect(Math.abs(want[0])).toBeGreaterThan(10);
    expect(Number.isFinite(scores[0])).toBe(true);
    expect(scores[0]).toBeCloseTo(want[0], 9);
  });
});

describe('methods on the device', () => {
  const shared = { prompts: 600, seed: 1, source: 'this test', counted: true };

  test.each([limDebiased, limEarly2, hvar, gvar, near])(
    '$name keeps the prompts that float64 keeps, whatever the cut',
    async (method) => {
      const gpu = await openTestGpu();
      // Few samples an entry and few epochs: most curves have a twin.
      const drawn = rewardMatrix(600, 5, 11, 0.05);
      const tensors = matrixTensors(gpu, drawn, 'samples');
      const [host, device] = [rewardsInMemory(drawn), rewardsOnDevice(gpu, tensors)];
      const cuts = [1, 7, 40, 99, 300].map((count) => ({ count }));
      for (const cut of [...cuts, { threshold: 0.6 }, { threshold: 0.1 }]) {
        const want = await select(method, { ...shared, rewards: host, shares: host }, cut);
        const got = await select(method, { ...shared, rewards: device, shares: device }, cut);
        expect(got.indices).toEqual(want.indices);
        expect(got.rule).toBe(want.rule);
      }
      gpu.destroy(...tensorsIn(tensors));
    },
  );
});
