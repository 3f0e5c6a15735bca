import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes, type Lanes } from '../../kernels/lib/lanes.ts';
import { moments } from '../../kernels/moments.ts';
import { momentsPartial, momentsPartialShape } from '../../kernels/moments-partial.ts';
import { momentsReference } from '../reference/moments.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

async function compute(values: Float32Array, count = values.length, lanes: Lanes = serialLanes) {
  const partials = gpu.tensor('partials', momentsPartialShape, 'f32', 'activations');
  const tensors = {
    values: tensorOf(gpu, 'values', values),
    moments: tensorOf(gpu, 'moments', [NaN, NaN, NaN, NaN]),
  };
  await run(gpu, [
    momentsPartial({ values: tensors.values, partials }, { count }),
    moments({ partials, moments: tensors.moments }, { lanes }),
  ]);
  const got = await gpu.read(tensors.moments, 'f32');
  gpu.destroy(partials, ...Object.values(tensors));
  return got;
}

describe.each([
  ['one lane', serialLanes],
  ['32 lanes', parallelLanes],
  ['256 lanes', { lanes: 256, rows: 1 } as const],
])('moments with %s', (_, lanes) => {
  test.each([1, 2, 1000, 100_003, 1_000_000])(
    'match the float64 reference on %i',
    async (count) => {
      // A mean a hundred deviations from 0 would lose everything in a sum of squares.
      for (const shift of [0, 100]) {
        const values = seeded(count, 1).map((x) => shift + x);
        const want = momentsReference(values);
        const got = await compute(values, count, lanes);
        expectClose(got.slice(0, 1), [want.mean], { abs: 2e-6, rel: 1e-6 });
        expectClose(got.slice(1), [want.variance, count, 0], { abs: 1e-7, rel: 2e-5 });
      }
    },
  );
});

describe('moments', () => {
  test('leave out what lies past the count', async () => {
    const got = await compute(Float32Array.of(1, 3, 1000), 2);
    expectClose(got, [2, 1, 2, 0], { abs: 0 });
  });

  test('are all zero for no values', async () => {
    expectClose(await compute(Float32Array.of(5), 0), [0, 0, 0, 0], { abs: 0 });
  });

  test('give the same bits every time', async () => {
    const values = seeded(10_007, 2);
    expect(await compute(values)).toEqual(await compute(values));
  });

  test('refuse an output of another shape', () => {
    const partials = gpu.tensor('partials', momentsPartialShape, 'f32', 'activations');
    const three = tensorOf(gpu, 'three', [0, 0, 0]);
    expect(() => moments({ partials, moments: three })).toThrow(
      "moments: moments must be (4), got (3) from 'three'",
    );
  });
});
