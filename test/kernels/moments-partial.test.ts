import { describe, expect, test } from 'vitest';
import { momentsPartial, momentsPartialShape } from '../../kernels/moments-partial.ts';
import { momentsPartialReference } from '../reference/moments-partial.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

describe('moments-partial', () => {
  test.each([1, 63, 2048, 2049, 10_007])('matches the float64 reference on %i', async (count) => {
    const values = seeded(count, 1).map((x) => 100 + x);
    const padded = new Float32Array(count + 5).fill(1e9);
    padded.set(values);
    const tensors = {
      values: tensorOf(gpu, 'values', padded),
      partials: tensorOf(
        gpu,
        'partials',
        new Float32Array(2048 * 4).fill(NaN),
        momentsPartialShape,
      ),
    };
    await run(gpu, [momentsPartial(tensors, { count })]);
    const got = await gpu.read(tensors.partials, 'f32');
    for (const part of [0, 1, 62, 63, 64, 65, 1000, 2047]) {
      const want = momentsPartialReference(values, part);
      const entry = got.slice(4 * part, 4 * part + 4);
      expectClose(entry, [want.count, want.mean, want.m2, 0], { abs: 1e-4, rel: 1e-5 });
    }
  });

  test('refuses scratch of another shape', () => {
    const values = tensorOf(gpu, 'values', [1]);
    const partials = tensorOf(gpu, 'partials', new Float32Array(8), [2, 4]);
    expect(() => momentsPartial({ values, partials }, { count: 1 })).toThrow(
      "moments-partial: partials must be (2048, 4), got (2, 4) from 'partials'",
    );
  });
});
