import { describe, expect, test } from 'vitest';
import { matmulForward, matmulForwardFamily } from '../../kernels/matmul-forward.ts';
import type { VariantOf } from '../../kernels/lib/variants.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { inPage } from '../support/host.ts';
import type { BaseStorage } from '../../src/vocabulary/storages.ts';
import { matmulForwardReference } from '../reference/matmul-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { storedWeight } from '../support/matmul.ts';
import { isOneOfTiles, notHere, variantCases } from '../support/variants.ts';

const gpu = await openTestGpu();

interface Case {
  readonly rows?: number | Variable;
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly mostWork?: number;
  readonly variant?: VariantOf<typeof matmulForwardFamily>;
  readonly storage?: BaseStorage;
}

async function compute([m, k, n]: readonly [number, number, number], options: Case = {}) {
  const x = seeded(m * k, 1);
  const stored = storedWeight(gpu, seeded(n * k, 2, 1 / Math.sqrt(k)), [n, k], options.storage);
  const bias = options.bias ? seeded(n, 3) : undefined;
  const residual = options.residual ? seeded(m * n, 4) : undefined;
  const out = tensorOf(gpu, 'out', new Float32Array(m * n).fill(77), [m, n]);
  const steps = matmulForward(
    {
      x: tensorOf(gpu, 'x', x, [m, k]),
      weight: stored.tensor,
      bias: bias && tensorOf(gpu, 'bias', bias),
      residual: residual && tensorOf(gpu, 'residual', residual, [m, n]),
      out,
    },
    {
      rows: options.rows ?? m,
      mostWork: options.mostWork,
      variant: options.variant,
    },
  );
  await run(gpu, steps);
  const want = matmulForwardReference(x, stored.numbers, [m, k, n], {
    ...(bias && { bias }),
    ...(residual && { residual }),
  });
  return { got: await gpu.read(out, 'f32'), want, steps };
}

// Sums of k terms of variance 1 / k: f32 rounding grows like sqrt(k) * 6e-8, far below 1e-5.
const tolerance = { abs: 1e-5, rel: 1e-5 };

const shapes = [
  [1, 1, 1],
  [9, 3, 18],
  [5, 64, 1],
  [67, 64, 192],
  [33, 172, 64],
  [130, 344, 130],
  [70, 8, 132],
  [3, 64, 20],
] as const;

// Past every block of each variant; an odd K for plain. Beside them the kernels are those above.
const halfShapes = [
  [9, 3, 5],
  [67, 12, 132],
] as const;

describe('matmul-forward', () => {
  test.for(variantCases(matmulForwardFamily, shapes))(
    '%s matches the float64 reference at rows %i, inner %i, columns %i',
    async ([variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulForwardFamily, variant));
      const { got, want } = await compute(shape, { variant });
      expectClose(got, want, tolerance);
      const full = await compute(shape, { variant, bias: true, residual: true });
      expectClose(full.got, full.want, tolerance);
    },
  );

  test.for(variantCases(matmulForwardFamily, halfShapes, isOneOfTiles))(
    '%s reads weights stored as f16 at rows %i, inner %i, columns %i',
    async ([variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulForwardFamily, variant));
      const { got, want } = await compute(shape, {
        variant,
        bias: true,
        residual: true,
        storage: 'f16',
      });
      expectClose(got, want, tolerance);
    },
  );

  // Rows that fill their blocks and rows that do not; plain reads numbers, all others read fours.
  test.for([
    ...variantCases(matmulForwardFamily, [[67, 44, 132]], isOneOfTiles).map(
      (one) => ['int8', ...one] as const,
    ),
    ...variantCases(matmulForwardFamily, [[9, 64, 20]], isOneOfTiles)
      .filter(([name]) => name === 'plain' || name === 'registers')
      .map((one) => ['int4', ...one] as const),
  ])(
    '%s weights are read by %s at rows %i, inner %i, columns %i',
    async ([storage, variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulForwardFamily, variant));
      skip(inPage && variant.startsWith('tiles'), 'a page compiles tiles for seconds');
      const { got, want } = await compute(shape, { variant, storage });
      expectClose(got, want, tolerance);
    },
  );

  test('computes out = x weight^T + bias + residual on numbers worked by hand', async () => {
    const out = tensorOf(gpu, 'out', [0, 0], [1, 2]);
    await run(
      gpu,
      matmulForward(
        {
          x: tensorOf(gpu, 'x', [1, 2], [1, 2]),
          weight: tensorOf(gpu, 'weight', [3, 4, 5, 6], [2, 2]),
          bias: tensorOf(gpu, 'bias', [100, 200]),
          residual: tensorOf(gpu, 'residual', [1000, 2000], [1, 2]),
          out,
        },
        { rows: 1 },
      ),
    );
    // 1*3 + 2*4 and 1*5 + 2*6
    expect([...(await gpu.read(out, 'f32'))]).toEqual([1111, 2217]);
  });

  test('leaves rows past the rows in use alone', async () => {
    const rows = new Variable('rows', 13, 40);
    const { got, want } = await compute([40, 20, 12], { rows, bias: true });
    expectClose(got.slice(0, 13 * 12), want.slice(0, 13 * 12), tolerance);
    expect([...new Set(got.slice(13 * 12))]).toEqual([77]);
  });

  test('computes the same bits when the work is cut into several dispatches', async () => {
    const whole = await compute([200, 33, 20], { residual: true });
    const cut = await compute([200, 33, 20], { residual: true, mostWork: 33 * 20 * 70 });
    expect(whole.steps).toHaveLength(1);
    expect(cut.steps.length).toBeGreaterThan(1);
    expect(cut.got).toEqual(whole.got);
    const rows = new Variable('rows', 150, 200);
    const some = await compute([200, 33, 20], { residual: true, rows, mostWork: 33 * 20 * 70 });
    expect(some.got.slice(0, 150 * 20)).toEqual(whole.got.slice(0, 150 * 20));
    expect([...new Set(some.got.slice(150 * 20))]).toEqual([77]);
  });

  test('counts two operations per multiply-add of the rows in use', async () => {
    const rows = new Variable('rows', 13, 40);
    const { steps } = await compute([40, 20, 12], { rows });
    expect(steps.map((step) => step.flops())).toEqual([2 * 13 * 20 * 12]);
  });

  test('refuses a weight stored the other way round, and more rows than there are', () => {
    const x = tensorOf(gpu, 'x', seeded(6, 1), [2, 3]);
    const weight = tensorOf(gpu, 'weight', seeded(12, 1), [3, 4]);
    const out = tensorOf(gpu, 'out', seeded(8, 1), [2, 4]);
    expect(() => matmulForward({ x, weight, out }, { rows: 2 })).toThrow(/weight must be \(3, 3\)/);
    const turned = { ...weight, shape: [4, 3] };
    expect(() => matmulForward({ x, weight: turned, out }, { rows: 3 })).toThrow(/past the 2/);
    expect(() => matmulForward({ x, weight: turned, out: x }, { rows: 2 })).toThrow(/out must be/);
  });
});
