import { describe, expect, test } from 'vitest';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { chooseMatmul, matmulKey } from '../../kernels/lib/matmul-variants.ts';
import { benchMatmuls } from '../../src/bench/matmul.ts';
import { defaultMatmulChoices, runnableVariants } from '../../src/gpu/matmul-choices.ts';
import { tuneMatmuls } from '../../src/gpu/tuning.ts';
import { openTestGpu, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

const use = { headDim: 16, training: false };

const quick = { rounds: 1, milliseconds: 0, variants: ['plain', 'registers'] } as const;

describe('matmul tuning', () => {
  test('chooses by measuring, as data that JSON keeps, for plans built later', async () => {
    const before = gpu.matmulChoices;
    try {
      const choices = await tuneMatmuls(gpu, [{ form: 'forward', shape: [9, 8, 4] }], use, quick);
      expect(JSON.parse(JSON.stringify(choices))).toEqual(choices);
      expect(gpu.matmulChoices).toBe(choices);
      const key = matmulKey('forward', [9, 8, 4]);
      expect(key).toBe('forward 16x8x4');
      expect(quick.variants).toContain(choices.measured[key]);
    } finally {
      gpu.matmulChoices = before;
    }
  });

  test('gives a plan what its adapter prefers, unless a variant was named', () => {
    const x = tensorOf(gpu, 'x', seeded(36, 1), [9, 4]);
    const weight = tensorOf(gpu, 'weight', seeded(16, 2), [4, 4]);
    const out = tensorOf(gpu, 'out', seeded(36, 3), [9, 4]);
    const kernels = (options: { readonly variant?: 'registers' }): string[] => {
      const plan = gpu.plan('choice', matmulForward({ x, weight, out }, { rows: 9, ...options }));
      plan.destroy();
      return plan.steps.flatMap((step) => (step.op === 'dispatch' ? step.kernel.name : []));
    };
    const before = gpu.matmulChoices;
    try {
      gpu.matmulChoices = { preferred: 'registers', measured: { 'forward 16x4x4': 'plain' } };
      expect(kernels({})).toEqual(['matmul-forward']);
      expect(kernels({ variant: 'registers' })).toEqual(['matmul-forward/registers']);
    } finally {
      gpu.matmulChoices = before;
    }
  });

  test('prefers a variant that the adapter can run', () => {
    expect(runnableVariants(gpu)).toContain(defaultMatmulChoices(gpu).preferred);
  });

  test.each([
    [0, 'registers', 'registers'],
    [4, 'quad', 'quad'],
    [8, 'subgroup', 'subgroup'],
  ] as const)('on a software adapter of %i lanes takes %s', (lanes, preferred, many) => {
    const features = new Set(lanes === 0 ? [] : ['subgroups']);
    const adapter = { kind: 'cpu', features, info: { subgroupMinSize: lanes } };
    const choices = defaultMatmulChoices(adapter as unknown as typeof gpu);
    expect(choices.preferred).toBe(preferred);
    expect(chooseMatmul('forward', [256, 128, 384], choices)).toBe(many);
    expect(chooseMatmul('backward-weight', [8, 128, 384], choices)).toBe(many);
    // A quad computes 64 rows at a time, however few there are.
    const few = chooseMatmul('forward', [8, 128, 384], choices);
    expect(few).toBe(preferred === 'quad' ? 'registers' : many);
  });

  test('benchmarks every variant that fits under the name of the adapter', async () => {
    const results = await benchMatmuls(gpu, { shapes: [[5, 3, 2]], rounds: 1, milliseconds: 0 });
    expect(results.map(({ name }) => name)).toEqual([
      'matmul-forward/plain 5x3x2',
      'matmul-backward-input/plain 5x3x2',
      'matmul-backward-weight/plain 5x3x2',
    ]);
    for (const { adapter, medianMs, gigaflops } of results) {
      expect(adapter).toBe(gpu.name);
      expect(medianMs).toBeGreaterThan(0);
      expect(gigaflops).toBeGreaterThan(0);
    }
  });
});
