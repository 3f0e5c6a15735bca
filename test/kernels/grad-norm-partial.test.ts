import { describe, expect, test } from 'vitest';
import { gradNormPartial, gradNormPartialCount } from '../../kernels/grad-norm-partial.ts';
import { gradNormPartialReference } from '../reference/grad-norm-partial.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

describe('grad-norm-partial', () => {
  test.each([
    [4, 1],
    [260, 1],
    [65_536, 1],
    [70_016, 2],
  ])('matches the float64 reference on %i elements, %i a thread', async (count, perThread) => {
    const values = seeded(count, 1);
    const parts = gradNormPartialCount(count);
    const gradients = tensorOf(gpu, 'gradients', values);
    const partials = tensorOf(gpu, 'partials', new Float32Array(parts).fill(-1));
    await run(gpu, [gradNormPartial({ gradients, partials }, { firstPartial: 0 })]);
    const got = await gpu.read(partials, 'f32');
    for (const part of new Set([0, 1, 63, 64 % parts, parts - 1])) {
      const want = gradNormPartialReference(values, perThread, part);
      expectClose([got[part]], [want], { abs: 1e-6, rel: 1e-6 });
    }
    const total = values.reduce((sum, value) => sum + value ** 2, 0);
    expectClose([got.reduce((sum, value) => sum + value, 0)], [total], { abs: 0, rel: 1e-6 });
  });

  test('writes only its own range', async () => {
    const gradients = tensorOf(gpu, 'gradients', [1, 2, 3, 4]);
    const partials = tensorOf(gpu, 'partials', new Float32Array(192).fill(7));
    await run(gpu, [gradNormPartial({ gradients, partials }, { firstPartial: 64 })]);
    const want = new Float32Array(192).fill(7).fill(0, 64, 128);
    want[64] = 30;
    expect(await gpu.read(partials, 'f32')).toEqual(want);
  });

  test('refuses a range past the partial sums and a ragged page', () => {
    const partials = tensorOf(gpu, 'partials', new Float32Array(64));
    const gradients = tensorOf(gpu, 'gradients', new Float32Array(4));
    expect(() => gradNormPartial({ gradients, partials }, { firstPartial: 1 })).toThrow(
      'grad-norm-partial: partials may reach 65, past the 64 held',
    );
    const ragged = tensorOf(gpu, 'ragged', new Float32Array(6));
    expect(() => gradNormPartial({ gradients: ragged, partials }, { firstPartial: 0 })).toThrow(
      'a page of 6 elements is not 4 * n',
    );
  });
});
