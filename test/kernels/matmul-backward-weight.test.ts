import { describe, expect, test } from 'vitest';
import {
  matmulBackwardWeight,
  matmulBackwardWeightFamily,
} from '../../kernels/matmul-backward-weight.ts';
import type { VariantOf } from '../../kernels/lib/variants.ts';
import type { MatmulShape } from '../../kernels/lib/matmul-shape.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { matmulBackwardWeightReference } from '../reference/matmul-backward-weight.ts';
import { matmulForwardReference } from '../reference/matmul-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { isOneOfTiles, notHere, variantCases } from '../support/variants.ts';

const gpu = await openTestGpu();

interface Case {
  readonly rows?: number | Variable;
  readonly mostWork?: number;
  readonly variant?: VariantOf<typeof matmulBackwardWeightFamily>;
}

async function compute([m, k, n]: readonly [number, number, number], options: Case = {}) {
  const used = typeof options.rows === 'number' ? options.rows : (options.rows?.value ?? m);
  const dy = seeded(m * n, 1);
  const x = seeded(m * k, 2, 1 / Math.sqrt(m));
  // Rows out of use must not be read: they would turn everything to NaN.
  dy.fill(Number.NaN, used * n);
  x.fill(Number.NaN, used * k);
  const before = seeded(n * k, 3);
  const dw = tensorOf(gpu, 'dw', before, [n, k]);
  const steps = matmulBackwardWeight(
    { dy: tensorOf(gpu, 'dy', dy, [m, n]), x: tensorOf(gpu, 'x', x, [m, k]), dw },
    { rows: m, ...options },
  );
  await run(gpu, steps);
  const want = matmulBackwardWeightReference(dy, x, [used, k, n]).map(
    (sum, at) => sum + before[at],
  );
  return { got: await gpu.read(dw, 'f32'), want, before, steps, dy, x };
}

// Sums of m terms of variance 1 / m, as in the forward test.
const tolerance = { abs: 1e-5, rel: 1e-5 };

const shapes = [
  [1, 1, 1],
  [9, 3, 18],
  [300, 64, 1],
  [67, 64, 192],
  [33, 172, 64],
  [257, 130, 34],
  [6, 132, 68],
  [70, 36, 22],
  [1, 4, 4],
] as const;

/** Those that add up rows one after another, and those that share them out. */
const orders = ['plain', 'split32', 'split16'] as const;

/** Rows of dy whose width is no multiple of 4 are read in another form. */
const isCompiled = (variant: string, [, , columns]: MatmulShape): boolean =>
  isOneOfTiles(variant) || columns % 4 === 0;

describe('matmul-backward-weight', () => {
  test.for(variantCases(matmulBackwardWeightFamily, shapes, isCompiled))(
    '%s matches the float64 reference at rows %i, inner %i, columns %i',
    async ([variant, ...shape], { skip }) => {
      skip(...notHere(gpu, matmulBackwardWeightFamily, variant));
      const { got, want } = await compute(shape, { variant });
      expectClose(got, want, tolerance);
    },
  );

  test('is the derivative of the forward sum by finite differences', async () => {
    const shape = [3, 5, 4] as const;
    const { got, before, dy, x } = await compute(shape);
    const weight = Float64Array.from(seeded(20, 9));
    const loss = () =>
      matmulForwardReference(x, weight, shape).reduce((sum, y, at) => sum + y * dy[at], 0);
    const slopes = Array.from(weight, (value, at) => {
      weight[at] = value + 1e-3;
      const above = loss();
      weight[at] = value - 1e-3;
      const below = loss();
      weight[at] = value;
      return (above - below) / 2e-3;
    });
    expectClose(
      got.map((value, at) => value - before[at]),
      slopes,
      tolerance,
    );
  });

  test.for(orders)('%s reads only the rows in use, down to none', async (variant) => {
    for (const used of [0, 1, 29]) {
      const rows = new Variable('rows', used, 40);
      const { got, want } = await compute([40, 20, 12], { rows, variant });
      expectClose(got, want, tolerance);
    }
  });

  test.for(orders)('%s computes the same bits again, and when the work is cut', async (variant) => {
    const whole = await compute([50, 36, 200], { variant });
    const again = await compute([50, 36, 200], { variant });
    const cut = await compute([50, 36, 200], { variant, mostWork: 50 * 36 * 70 });
    expect(whole.steps).toHaveLength(1);
    expect(cut.steps.length).toBeGreaterThan(1);
    expect(again.got).toEqual(whole.got);
    expect(cut.got).toEqual(whole.got);
  });

  test('refuses a gradient of another shape and more rows than there are', () => {
    const dy = tensorOf(gpu, 'dy', seeded(6, 1), [2, 3]);
    const x = tensorOf(gpu, 'x', seeded(8, 1), [2, 4]);
    const dw = tensorOf(gpu, 'dw', seeded(12, 1), [4, 3]);
    expect(() => matmulBackwardWeight({ dy, x, dw }, { rows: 2 })).toThrow(/dw must be \(3, 4\)/);
    const turned = { ...dw, shape: [3, 4] };
    expect(() => matmulBackwardWeight({ dy, x, dw: turned }, { rows: 3 })).toThrow(/past the 2/);
  });
});
