import { describe, expect, test } from 'vitest';
import { actionMeans, actionStats } from '../../kernels/action-stats.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { actionStatsReference } from '../reference/action-stats.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

describe.each([
  ['one lane', serialLanes],
  ['32 lanes', parallelLanes],
  ['256 lanes', { lanes: 256, rows: 1 } as const],
])('action-stats with %s', (_, lanes) => {
  test.each([0, 1, 65, 257, 20_011])('adds up %i actions', async (count) => {
    const held = count + 3; // what lies past the count must not be counted
    const stats = seeded(4 * held, 1);
    const weights = seeded(held, 2);
    const extras = seeded(held, 3);
    const before = Array.from(seeded(8, 4));
    const tensors = {
      action_stats: tensorOf(gpu, 'stats', stats, [held, 4]),
      action_weights: tensorOf(gpu, 'weights', weights),
      extras: tensorOf(gpu, 'extras', extras),
      totals: tensorOf(gpu, 'totals', before),
    };
    const dispatch = actionStats(tensors, { actionCount: count, lanes });
    await run(gpu, [dispatch, dispatch]);
    const added = actionStatsReference(stats, weights, extras, count);
    // Sums of up to 20,000 numbers of size 1 that nearly cancel: 1e-7 * sqrt(20,000) * partial sums.
    const want = added.map((sum, i) => before[i] + 2 * sum);
    expectClose(await gpu.read(tensors.totals, 'f32'), want, { abs: 5e-4, rel: 1e-6 });
  });
});

describe('action-stats', () => {
  test('gives means that a reader can check', async () => {
    const tensors = {
      action_stats: tensorOf(gpu, 'stats', [1, 0, 2, 3, 5, 1, 4, 1], [2, 4]),
      action_weights: tensorOf(gpu, 'weights', [0.75, 0.25]),
      extras: tensorOf(gpu, 'extras', [10, 20]),
      totals: tensorOf(gpu, 'totals', new Float32Array(8)),
    };
    await run(gpu, [actionStats(tensors, { actionCount: 2 })]);
    expect(actionMeans(await gpu.read(tensors.totals, 'f32'))).toEqual({
      weightedLoss: 2,
      loss: 3,
      stats: [0.5, 3, 2],
      extra: 15,
      count: 2,
      weight: 1,
    });
  });

  test('has means of zero before anything is counted', () => {
    const { loss, stats, extra, count } = actionMeans(new Float32Array(8));
    expect([loss, ...stats, extra, count]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('refuses totals of another shape', () => {
    const one = tensorOf(gpu, 'one', [0]);
    const stats = tensorOf(gpu, 'stats', [0, 0, 0, 0], [1, 4]);
    const tensors = { action_stats: stats, action_weights: one, extras: one, totals: one };
    expect(() => actionStats(tensors, { actionCount: 1 })).toThrow(
      "action-stats: totals must be (8), got (1) from 'one'",
    );
  });
});
