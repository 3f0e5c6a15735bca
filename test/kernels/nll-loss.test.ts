import { describe, expect, test } from 'vitest';
import { nllLoss } from '../../kernels/nll-loss.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { nllLossReference } from '../reference/nll-loss.ts';

async function compute(logprobs: Float32Array, weights: Float32Array, actionCount: number) {
  const gpu = await openTestGpu();
  const size = logprobs.length;
  const gradient = tensorOf(gpu, 'gradient', new Float32Array(size).fill(7));
  const stats = tensorOf(gpu, 'stats', new Float32Array(size * 4).fill(7), [size, 4]);
  await run(gpu, [
    nllLoss(
      {
        logprobs: tensorOf(gpu, 'logprobs', logprobs),
        action_weights: tensorOf(gpu, 'weights', weights),
        grad_logprobs: gradient,
        action_stats: stats,
      },
      { actionCount },
    ),
  ]);
  return { gradient: await gpu.read(gradient, 'f32'), stats: await gpu.read(stats, 'f32') };
}

describe('nll-loss', () => {
  test.each([1, 63, 64, 1000])('matches the float64 reference for %i actions', async (size) => {
    const logprobs = seeded(size, 1).map((value) => -Math.abs(value));
    const weights = seeded(size, 2);
    const got = await compute(logprobs, weights, size);
    const want = nllLossReference(logprobs, weights);
    expectClose(got.gradient, want.gradient, { abs: 0 });
    expectClose(
      got.stats.filter((_value, i) => i % 4 === 0),
      want.loss,
      { abs: 0 },
    );
  });

  test('has the finite difference of the weighted loss as its gradient', async () => {
    const logprobs = Float32Array.of(-0.5, -2, -1);
    const weights = Float32Array.of(0.25, 0.5, 0.25);
    const { gradient } = await compute(logprobs, weights, 3);
    const total = (shift: number, at: number): number =>
      nllLossReference(
        logprobs.map((value, i) => (i === at ? value + shift : value)),
        weights,
      ).loss.reduce((sum, loss, i) => sum + loss * weights[i], 0);
    for (let i = 0; i < 3; i++) {
      expect(gradient[i]).toBeCloseTo((total(0.25, i) - total(-0.25, i)) / 0.5, 6);
    }
  });

  test('leaves actions past the count alone', async () => {
    const got = await compute(Float32Array.of(-1, -2), Float32Array.of(1, 1), 1);
    expect([...got.gradient]).toEqual([-1, 7]);
    expect([...got.stats]).toEqual([1, 0, 0, 0, 7, 7, 7, 7]);
  });

  test('refuses weights of another length', async () => {
    await expect(compute(new Float32Array(3), new Float32Array(2), 2)).rejects.toThrow(
      'nll-loss: action_weights must be (3), got (2)',
    );
  });
});
