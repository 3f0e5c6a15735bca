import { describe, expect, test } from 'vitest';
import { moments } from '../../kernels/moments.ts';
import { momentsPartial, momentsPartialShape } from '../../kernels/moments-partial.ts';
import { whiten } from '../../kernels/whiten.ts';
import gaeFixture from '../fixtures/gae.json';
import { whitenReference } from '../reference/whiten.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import fixture from '../support/ppo-fixture.json';

const gpu = await openTestGpu();

async function compute(
  values: ArrayLike<number>,
  options: { centre?: boolean; scale?: boolean; count?: number } = {},
) {
  const raw = tensorOf(gpu, 'raw', Float32Array.from(values));
  const partials = gpu.tensor('partials', momentsPartialShape, 'f32', 'activations');
  const statistics = gpu.tensor('moments', [4], 'f32', 'activations');
  const whitened = tensorOf(gpu, 'whitened', new Float32Array(values.length).fill(NaN));
  const count = options.count ?? values.length;
  await run(gpu, [
    momentsPartial({ values: raw, partials }, { count }),
    moments({ partials, moments: statistics }),
    whiten({ raw, moments: statistics, whitened }, { ...options, count }),
  ]);
  const got = await gpu.read(whitened, 'f32');
  gpu.destroy(raw, partials, statistics, whitened);
  return got;
}

describe('whiten', () => {
  test.each([1, 3, 65, 10_007, 1_000_000])('matches the float64 reference on %i', async (count) => {
    const values = seeded(count, 1, 3).map((x) => 2 + x);
    expectClose(await compute(values), whitenReference(values), { abs: 1e-5, rel: 1e-5 });
  });

  test('can leave out the mean, the deviation or both', async () => {
    const values = seeded(100, 2, 3).map((x) => 2 + x);
    for (const centre of [true, false]) {
      for (const scale of [true, false]) {
        const got = await compute(values, { centre, scale });
        expectClose(got, whitenReference(values, { centre, scale }), { abs: 1e-5, rel: 1e-5 });
      }
    }
  });

  test('works by hand: 1, 3, 5 have mean 3 and population variance 8/3', async () => {
    const unit = 2 / Math.sqrt(8 / 3);
    expectClose(await compute([1, 3, 5]), [-unit, 0, unit], { abs: 1e-6 });
  });

  test('turns equal values, and one alone, into zeros', async () => {
    expectClose(await compute([0.1, 0.1, 0.1, 0.1, 0.1]), [0, 0, 0, 0, 0], { abs: 0 });
    expectClose(await compute([7]), [0], { abs: 0 });
  });

  test('takes a deviation of at least 1e-4, the root of 1e-8', async () => {
    // Deviation 2e-5: without the floor these would be -1 and 1.
    expectClose(await compute([-2e-5, 2e-5]), [-0.2, 0.2], { abs: 1e-6 });
  });

  test('writes nothing past the count and reads nothing there', async () => {
    const got = await compute([1, 3, 1e9], { count: 2 });
    expectClose(got.slice(0, 2), [-1, 1], { abs: 1e-6 });
    expect(got[2]).toBeNaN();
  });

  test('matches the reference software', async () => {
    const ppo = await compute(fixture.advantages);
    expectClose(ppo, fixture.normalizedAdvantages, { abs: 5e-6 });
    for (const { advantages, normalized } of gaeFixture.cases) {
      expectClose(await compute(advantages.flat()), normalized.flat(), { abs: 1e-5 });
    }
  });

  test('refuses an output of another shape', () => {
    const two = tensorOf(gpu, 'two', [0, 0]);
    const statistics = gpu.tensor('moments', [4], 'f32', 'activations');
    expect(() =>
      whiten({ raw: two, moments: statistics, whitened: statistics }, { count: 2 }),
    ).toThrow("whiten: whitened must be (2), got (4) from 'moments'");
  });
});
