import { describe, expect, test } from 'vitest';
import {
  matmulBackwardInput,
  matmulBackwardInputFamily,
} from '../../kernels/matmul-backward-input.ts';
import type { VariantOf } from '../../kernels/lib/variants.ts';
import type { MatmulShape } from '../../kernels/lib/matmul-shape.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { matmulBackwardInputReference } from '../reference/matmul-backward-input.ts';
import { inPage } from '../support/host.ts';
import type { BaseStorage } from '../../src/vocabulary/storages.ts';
import { matmulForwardReference } from '../reference/matmul-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { storedWeight } from '../support/matmul.ts';
import { isOneOfTiles, notHere, variantCases } from '../support/variants.ts';

const gpu = await openTestGpu();

interface Case {
  readonly rows?: number | Variable;
  readonly accumulate?: 'before' | 'after';
  readonly mostWork?: number;
  readonly variant?: VariantOf<typeof matmulBackwardInputFamily>;
  readonly storage?: BaseStorage;
}

async function compute([m, k, n]: readonly [number, number, number], options: Case = {}) {
  const dy = seeded(m * n, 1);
  const stored = storedWeight(gpu, seeded(n * k, 2, 1 / Math.sqrt(n)), [n, k], options.storage);
  const weight = stored.numbers;
  const before = seeded(m * k, 3);
  const dx = tensorOf(gpu, 'dx', before, [m, k]);
  const steps = matmulBackwardInput(
    { dy: tensorOf(gpu, 'dy', dy, [m, n]), weight: stored.tensor, dx },
    { rows: m, ...options },
  );
  await run(gpu, steps);
  const product = matmulBackwardInputReference(dy, weight, [m, k, n]);
  const want = options.accumulate ? product.map((sum, at) => sum + before[at]) : product;
  return { got: await gpu.read(dx, 'f32'), want, before, steps, dy, weight };
}

// Sums of n terms of variance 1 / n, as in the forward test.
const tolerance = { abs: 1e-5, rel: 1e-5 };

const shapes = [
  [1, 1, 1],
  [9, 3, 18],
  [5, 64, 1],
  [67, 64, 192],
  [33, 172, 64],
  [130, 130, 344],
  [70, 132, 8],
  [3, 20, 64],
] as const;

// Past every block of each variant; an odd K for plain. Beside them the kernels are those above.
const halfShapes = [
  [9, 3, 5],
  [67, 132, 12],
] as const;

/** Rows of dy whose width is no multiple of 4 are read in another form. */
const isCompiled = (variant: string, [, , columns]: MatmulShape): boolean =>
  isOneOfTiles(variant) || columns % 4 === 0;

describe('matmul-backward-input', () => {
  test.for(variantCases(matmulBackwardInputFamily, shapes, isCompiled))(
    '%s matches the float64 reference at rows %i, inner %i, columns %i',
    async ([variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulBackwardInputFamily, variant));
      const { got, want } = await compute(shape, { variant });
      expectClose(got, want, tolerance);
      const added = await compute(shape, { variant, accumulate: 'after' });
      expectClose(added.got, added.want, tolerance);
    },
  );

  test.for(variantCases(matmulBackwardInputFamily, halfShapes, isOneOfTiles))(
    '%s reads weights stored as f16 at rows %i, inner %i, columns %i',
    async ([variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulBackwardInputFamily, variant));
      const { got, want } = await compute(shape, { variant, accumulate: 'after', storage: 'f16' });
      expectClose(got, want, tolerance);
    },
  );

  // Rows that fill their blocks and rows that do not; plain reads numbers, all others read fours.
  test.for([
    ...variantCases(matmulBackwardInputFamily, [[67, 44, 132]], isOneOfTiles).map(
      (one) => ['int8', ...one] as const,
    ),
    ...variantCases(matmulBackwardInputFamily, [[9, 64, 20]], isOneOfTiles)
      .filter(([name]) => name === 'plain' || name === 'registers')
      .map((one) => ['int4', ...one] as const),
  ])(
    '%s weights are read by %s at rows %i, inner %i, columns %i',
    async ([storage, variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulBackwardInputFamily, variant));
      skip(inPage && variant.startsWith('tiles'), 'a page compiles tiles for seconds');
      const { got, want } = await compute(shape, { variant, storage });
      expectClose(got, want, tolerance);
    },
  );

  test('is the derivative of the forward sum by finite differences', async () => {
    const shape = [3, 5, 4] as const;
    const { got, dy, weight } = await compute(shape);
    const x = Float64Array.from(seeded(15, 9));
    const loss = () =>
      matmulForwardReference(x, weight, shape).reduce((sum, y, at) => sum + y * dy[at], 0);
    const slopes = Array.from(x, (value, at) => {
      x[at] = value + 1e-3;
      const above = loss();
      x[at] = value - 1e-3;
      const below = loss();
      x[at] = value;
      return (above - below) / 2e-3;
    });
    expectClose(got, slopes, tolerance);
  });

  test.for(variantCases(matmulBackwardInputFamily, [[67, 36, 132]], isOneOfTiles))(
    '%s gives the bits of a whole sum piece by piece, at rows %i, inner %i, columns %i',
    async ([variant, m, k, n], { skip }) => {
      skip(...notHere(gpu, matmulBackwardInputFamily, variant));
      const [dy, weight] = [seeded(m * n, 1), seeded(n * k, 2, 1 / Math.sqrt(n))];
      const columns = (first: number, count: number) =>
        Float32Array.from({ length: m * count }, (_, at) => {
          return dy[Math.floor(at / count) * n + first + (at % count)];
        });
      const whole = tensorOf(gpu, 'dx', new Float32Array(m * k), [m, k]);
      const pieces = tensorOf(gpu, 'dx', seeded(m * k, 3), [m, k]);
      const part = (first: number, count: number) => ({
        dy: tensorOf(gpu, 'dy', columns(first, count), [m, count]),
        weight: tensorOf(gpu, 'w', weight.slice(first * k, (first + count) * k), [count, k]),
      });
      const cut = 64;
      await run(gpu, [
        ...matmulBackwardInput({ ...part(0, n), dx: whole }, { rows: m, variant }),
        ...matmulBackwardInput({ ...part(0, cut), dx: pieces }, { rows: m, variant }),
        ...matmulBackwardInput(
          { ...part(cut, n - cut), dx: pieces },
          { rows: m, variant, accumulate: 'before' },
        ),
      ]);
      const [want, got] = [await gpu.read(whole, 'f32'), await gpu.read(pieces, 'f32')];
      // The tiles of some sizes share a sum's terms out, and add the parts.
      if (variant.startsWith('tiles')) expectClose(got, want, tolerance);
      else expect(got).toEqual(want);
    },
  );

  test('leaves rows past the rows in use alone', async () => {
    const rows = new Variable('rows', 13, 40);
    const { got, want, before } = await compute([40, 20, 12], { rows, accumulate: 'after' });
    expectClose(got.slice(0, 13 * 20), want.slice(0, 13 * 20), tolerance);
    expect(got.slice(13 * 20)).toEqual(before.slice(13 * 20));
  });

  test('computes the same bits when the work is cut into several dispatches', async () => {
    const whole = await compute([200, 33, 20], { accumulate: 'after' });
    const cut = await compute([200, 33, 20], { accumulate: 'after', mostWork: 33 * 20 * 70 });
    expect(whole.steps).toHaveLength(1);
    expect(cut.steps.length).toBeGreaterThan(1);
    expect(cut.got).toEqual(whole.got);
  });

  test('refuses a gradient of another width and more rows than there are', () => {
    const dy = tensorOf(gpu, 'dy', seeded(6, 1), [2, 3]);
    const weight = tensorOf(gpu, 'weight', seeded(12, 1), [4, 3]);
    const dx = tensorOf(gpu, 'dx', seeded(8, 1), [2, 4]);
    expect(() => matmulBackwardInput({ dy, weight, dx }, { rows: 2 })).toThrow(
      /weight must be \(3, 3\)/,
    );
    const turned = { ...weight, shape: [3, 4] };
    expect(() => matmulBackwardInput({ dy, weight: turned, dx }, { rows: 3 })).toThrow(
      /past the 2/,
    );
  });
});
