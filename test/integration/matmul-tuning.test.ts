import { describe, expect, test } from 'vitest';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { chooseMatmul, type MatmulChoices, matmulKey } from '../../kernels/lib/matmul-variants.ts';
import { benchMatmuls } from '../../src/bench/matmul.ts';
import {
  defaultMatmulChoices,
  runnableVariants,
  unrunnable,
} from '../../src/gpu/matmul-choices.ts';
import { tuneMatmuls } from '../../src/gpu/tuning.ts';
import { halvesOf, openTestGpu, seeded, tensorOf } from '../support/gpu.ts';

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

  test.each([
    // Enough tiles of 64 by 64, of 32 by 32, of neither.
    ['backward-weight', [8192, 384, 1152], 'workgroup'],
    ['backward-weight', [1024, 128, 512], 'split32'],
    ['backward-weight', [1024, 344, 128], 'split16'],
    ['backward-weight', [8192, 128, 1], 'split16'],
    // What no other of a GPU's variants takes.
    ['backward-weight', [512, 768, 50_257], 'split32'],
    ['backward-weight', [512, 3, 8], 'plain'],
    ['forward', [1024, 128, 128], 'workgroup'],
    ['backward-input', [1024, 128, 128], 'workgroup'],
  ] as const)('on a GPU computes %s of %j by %s', (form, shape, variant) => {
    const adapter = { kind: 'gpu', features: new Set(), info: {} } as unknown as typeof gpu;
    const choices = defaultMatmulChoices(adapter);
    expect(unrunnable(adapter, choices)).toBeUndefined();
    expect(chooseMatmul(form, shape, choices)).toBe(variant);
    const measured = { [matmulKey(form, shape)]: 'plain' } as const;
    expect(chooseMatmul(form, shape, { ...choices, measured })).toBe('plain');
  });

  test('splits no rows in a run that was recorded without', () => {
    const recorded = { preferred: 'workgroup', measured: {} } as const;
    expect(chooseMatmul('backward-weight', [1024, 344, 128], recorded)).toBe('workgroup');
  });

  test('knows weights in f16 apart, by what was measured in f32 where nothing else was', async () => {
    const shape = [9, 8, 4] as const;
    const key = matmulKey('forward', shape, 'f16');
    expect(key).toBe('forward 16x8x4 f16');
    const measured = { 'forward 16x8x4': 'plain', [key]: 'workgroup' } as const;
    const choose = (known: MatmulChoices['measured'], storage: 'f32' | 'f16') =>
      chooseMatmul('forward', shape, { preferred: 'registers', measured: known }, storage);
    expect(choose(measured, 'f32')).toBe('plain');
    expect(choose(measured, 'f16')).toBe('workgroup');
    expect(choose({ 'forward 16x8x4': 'plain' }, 'f16')).toBe('plain');
    expect(choose({ [key]: 'workgroup' }, 'f32')).toBe('registers');

    const before = gpu.matmulChoices;
    try {
      const one = { form: 'forward', shape } as const;
      const cases = [one, { ...one, storage: 'f16' as const }];
      const only = { ...quick, variants: ['plain'] as const };
      const choices = await tuneMatmuls(gpu, cases, use, only);
      expect(choices.measured).toEqual({ 'forward 16x8x4': 'plain', [key]: 'plain' });
      gpu.matmulChoices = { preferred: 'registers', measured: { [key]: 'plain' } };
      const x = tensorOf(gpu, 'x', seeded(72, 1), [9, 8]);
      const out = tensorOf(gpu, 'out', seeded(36, 3), [9, 4]);
      const { tensor: weight } = halvesOf(gpu, 'weight', seeded(32, 2), [4, 8]);
      const plan = gpu.plan('choice', matmulForward({ x, weight, out }, { rows: 9 }));
      plan.destroy();
      expect(plan.steps).toMatchObject([{ kernel: { name: 'matmul-forward' } }]);
    } finally {
      gpu.matmulChoices = before;
    }
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
