import { describe, expect, test } from 'vitest';
import { gradNormPartialCount } from '../../kernels/grad-norm-partial.ts';
import { AdamW, type ParameterPage } from '../../src/optim/adamw.ts';
import fixture from '../fixtures/optim.json';
import { expectClose, openTestGpu, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

const pageOf = (weights: Float32Array, decayEnd: number): ParameterPage => ({
  weights: tensorOf(gpu, 'weights', weights),
  gradients: tensorOf(gpu, 'gradients', new Float32Array(weights.length)),
  firstMoments: tensorOf(gpu, 'first', new Float32Array(weights.length)),
  secondMoments: tensorOf(gpu, 'second', new Float32Array(weights.length)),
  decayEnd,
});

const padded = (numbers: readonly number[], length = 64): Float32Array => {
  const array = new Float32Array(length);
  array.set(numbers);
  return array;
};

const hyper = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 };

/** Two pages, of which parts decay, and an optimizer over them. */
function twoPages() {
  const pages = [pageOf(seeded(1088, 1), 512), pageOf(seeded(64, 2), 64)];
  const losses = tensorOf(gpu, 'losses', [0.5]);
  const optimizer = new AdamW(gpu, 'actor', pages, losses, hyper);
  const plan = gpu.plan('update', optimizer.dispatches);
  const step = async (update: number) => {
    for (const [i, { gradients }] of pages.entries()) {
      gpu.upload(gradients, seeded(gradients.shape[0] ?? 0, 100 * update + i));
    }
    optimizer.advance(1e-2);
    await gpu.run(plan);
  };
  const weights = async () => [
    ...(await gpu.read(pages[0].weights, 'f32')),
    ...(await gpu.read(pages[1].weights, 'f32')),
  ];
  return { pages, losses, optimizer, step, weights };
}

describe('AdamW', () => {
  test.each(fixture.adamw)('follows the trace at rate $lr with clip $clip_norm', async (trace) => {
    const page = pageOf(padded(trace.start), 64);
    const losses = tensorOf(gpu, 'losses', [0]);
    const optimizer = new AdamW(gpu, 'trace', [page], losses, {
      beta1: trace.betas[0],
      beta2: trace.betas[1],
      epsilon: trace.eps,
      weightDecay: trace.weight_decay,
      ...(trace.clip_norm === null ? {} : { maxGradNorm: trace.clip_norm }),
    });
    const plan = gpu.plan('trace', optimizer.dispatches);
    for (const [i, gradients] of trace.grads.entries()) {
      gpu.upload(page.gradients, padded(gradients));
      optimizer.advance(trace.lr);
      await gpu.run(plan);
      const report = await optimizer.report();
      expect(report.applied).toBe(true);
      expectClose([report.gradNorm], [trace.grad_norms[i]], { abs: 0, rel: 1e-6 });
      // The trace's own float32 error is 5.5e-7.
      const want = trace.params_after_each_step[i];
      expectClose((await gpu.read(page.weights, 'f32')).slice(0, want.length), want, { abs: 2e-6 });
    }
    const { exp_avg: first, exp_avg_sq: second } = trace;
    const state = await optimizer.save();
    expect(state.updates).toBe(trace.grads.length);
    expectClose(state.moments[0].first.slice(0, first.length), first, { abs: 1e-6, rel: 1e-6 });
    expectClose(state.moments[0].second.slice(0, second.length), second, { abs: 1e-6, rel: 1e-6 });
  });

  test('goes on from a saved state bit for bit', async () => {
    const straight = twoPages();
    for (const update of [0, 1, 2, 3]) await straight.step(update);
    const first = twoPages();
    for (const update of [0, 1]) await first.step(update);
    const state = await first.optimizer.save();
    const second = twoPages();
    for (const [i, { weights }] of second.pages.entries()) {
      gpu.upload(weights, await gpu.read(first.pages[i].weights, 'f32'));
    }
    second.optimizer.restore(state);
    for (const update of [2, 3]) await second.step(update);
    expect(await second.weights()).toEqual(await straight.weights());
    expect(second.optimizer.updates).toBe(4);
  });

  test('clips by the norm over all pages together', async () => {
    const { pages, optimizer, step } = twoPages();
    await step(7);
    const squares = pages.map(({ gradients }, i) =>
      seeded(gradients.shape[0] ?? 0, 700 + i).reduce((sum, x) => sum + x ** 2, 0),
    );
    const norm = Math.sqrt(squares[0] + squares[1]);
    const report = await optimizer.report();
    expectClose([report.gradNorm, report.clipScale], [norm, 1 / norm], { abs: 0, rel: 1e-5 });
  });

  test('leaves weights and moments alone from a loss that is not finite on, and says so', async () => {
    const { losses, optimizer, step, weights } = twoPages();
    await step(0);
    const before = await weights();
    const state = await optimizer.save();
    gpu.upload(losses, Float32Array.of(NaN));
    await step(1);
    expect(await weights()).toEqual(before);
    expect((await optimizer.save()).moments).toEqual(state.moments);
    const report = await optimizer.report();
    expect([report.applied, report.skipped]).toEqual([false, 1]);
    gpu.upload(losses, Float32Array.of(1));
    await step(2);
    expect(await weights()).toEqual(before);
    // The first skipped update is told of, not the last.
    expect(await optimizer.report()).toEqual({ ...report, skipped: 2 });
    optimizer.restore(state);
    await step(1);
    expect(await weights()).not.toEqual(before);
    expect((await optimizer.report()).applied).toBe(true);
  });

  test('allocates the scratch that it announces', () => {
    const pages = [pageOf(new Float32Array(1088), 0), pageOf(new Float32Array(70_016), 0)];
    const losses = tensorOf(gpu, 'losses', [0]);
    const before = gpu.memory.byPurpose().optimizer ?? 0;
    const optimizer = new AdamW(gpu, 'sizes', pages, losses, hyper);
    const bytes = 4 * (gradNormPartialCount(1088) + gradNormPartialCount(70_016) + 8);
    expect((gpu.memory.byPurpose().optimizer ?? 0) - before).toBe(bytes);
    optimizer.destroy();
    expect(gpu.memory.byPurpose().optimizer ?? 0).toBe(before);
  });

  test('refuses a state of other pages', () => {
    const { optimizer } = twoPages();
    const moments = [{ first: new Float32Array(64), second: new Float32Array(64) }];
    expect(() => optimizer.restore({ updates: 1, moments })).toThrow(
      'adamw: the state holds pages of (64), wanted (1088, 64)',
    );
  });
});
