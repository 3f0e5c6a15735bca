import { describe, expect, test } from 'vitest';
import { gradNorm } from '../../kernels/grad-norm.ts';
import { gradNormPartial, gradNormPartialCount } from '../../kernels/grad-norm-partial.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { noLimit } from '../../kernels/lib/no-limit.ts';
import { gradNormReference } from '../reference/grad-norm.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

async function norm(
  pages: readonly Float32Array[],
  { maxNorm = 1, lanes = serialLanes, loss = 0.5, before = [-1, -1, -1, 0] } = {},
) {
  const counts = pages.map((page) => gradNormPartialCount(page.length));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const partials = tensorOf(gpu, 'partials', new Float32Array(total).fill(NaN));
  const losses = tensorOf(gpu, 'losses', [loss, NaN]);
  const state = tensorOf(gpu, 'state', before);
  let firstPartial = 0;
  const steps = pages.map((page, i) => {
    const gradients = tensorOf(gpu, `page ${i}`, page);
    const step = gradNormPartial({ gradients, partials }, { firstPartial });
    firstPartial += counts[i];
    return step;
  });
  await run(gpu, [
    ...steps,
    gradNorm({ partials, losses, state }, { lossCount: 1, maxNorm, lanes }),
  ]);
  return gpu.read(state, 'f32');
}

describe.each([
  ['one lane', serialLanes],
  ['32 lanes', parallelLanes],
  ['256 lanes', { lanes: 256, rows: 1 } as const],
])('grad-norm with %s', (_, lanes) => {
  test.each([[[4]], [[64, 1088]], [[300_032, 64, 70_016]]])(
    'matches the float64 reference on pages of %j',
    async (sizes) => {
      const pages = sizes.map((size, i) => seeded(size, i, 0.1));
      const [got, scale, live, skipped] = await norm(pages, { lanes });
      const want = gradNormReference(pages, [0.5], 1);
      expectClose([got, scale], [want.norm, want.scale], { abs: 0, rel: 2e-6 });
      expect([live, skipped]).toEqual([1, 0]);
    },
  );

  test('finds one infinite or NaN gradient and says that the update is skipped', async () => {
    for (const bad of [Infinity, NaN]) {
      const page = seeded(70_016, 5);
      page[69_999] = bad;
      const [, , live, skipped] = await norm([page], { lanes });
      expect([live, skipped]).toEqual([0, 1]);
    }
  });

  test('skips all updates after a skipped one, and keeps what it said of the first', async () => {
    const [finite, infinite] = [seeded(70_016, 5), new Float32Array(64).fill(Infinity)];
    for (const page of [finite, infinite]) {
      expect([...(await norm([page], { lanes, before: [7, 0.5, 0, 2] }))]).toEqual([7, 0.5, 0, 3]);
    }
  });
});

describe('grad-norm', () => {
  test('scales a norm of 5 down to a limit of 2, and leaves one below it', async () => {
    const page = Float32Array.of(3, 0, -4, 0);
    // As clip_grad_norm_: limit / (norm + 1e-6).
    expectClose(await norm([page], { maxNorm: 2 }), [5, 0.4, 1, 0], { abs: 1e-6 });
    expectClose(await norm([page], { maxNorm: 6 }), [5, 1, 1, 0], { abs: 0 });
    expectClose(await norm([page], { maxNorm: noLimit }), [5, 1, 1, 0], { abs: 0 });
  });

  test('is exactly scale 1 for gradients of zero', async () => {
    expect([...(await norm([new Float32Array(64)]))]).toEqual([0, 1, 1, 0]);
  });

  test('skips the update when the loss is not finite though its gradient is', async () => {
    for (const loss of [NaN, Infinity, -Infinity]) {
      const [got, , live, skipped] = await norm([Float32Array.of(0, 3, 0, 4)], { loss });
      expect([got, live, skipped]).toEqual([5, 0, 1]);
    }
  });

  test('gives the same bits every time', async () => {
    const pages = [seeded(70_016, 3)];
    expect(await norm(pages)).toEqual(await norm(pages));
  });

  test('refuses a state of another shape and losses that are not there', () => {
    const partials = tensorOf(gpu, 'partials', new Float32Array(64));
    const losses = tensorOf(gpu, 'losses', [0]);
    const state = tensorOf(gpu, 'state', [0, 0, 0, 0]);
    const hyper = { lossCount: 1, maxNorm: 1 };
    expect(() => gradNorm({ partials, losses, state: losses }, hyper)).toThrow(
      "grad-norm: state must be (4), got (1) from 'losses'",
    );
    expect(() => gradNorm({ partials, losses, state }, { ...hyper, lossCount: 2 })).toThrow(
      'lossCount may reach 2',
    );
  });
});
