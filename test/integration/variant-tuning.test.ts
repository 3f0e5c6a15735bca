import { describe, expect, test } from 'vitest';
import { attentionForward, attentionForwardFamily } from '../../kernels/attention-forward.ts';
import type { AttentionShape } from '../../kernels/lib/attention-shape.ts';
import { matmulForward, matmulForwardFamily } from '../../kernels/matmul-forward.ts';
import { benchMatmuls } from '../../src/bench/matmul.ts';
import { choicesOf, unrunnable } from '../../src/variants/choices.ts';
import { families } from '../../src/variants/families.ts';
import { backwardWeightCase, forwardCase } from '../../src/variants/matmul-cases.ts';
import { measureVariants, type TuningCase, tuneVariants } from '../../src/variants/tuning.ts';
import { halvesOf, openTestGpu, seeded, tensorOf } from '../support/gpu.ts';
import { kernelsOf } from '../support/variants.ts';

const gpu = await openTestGpu();

const use = { headDim: 16, training: false };

const quick = {
  rounds: 1,
  milliseconds: 0,
  includes: ({ variant }: { readonly variant: string }) => ['plain', 'registers'].includes(variant),
};

const casesOf = (...cases: readonly unknown[]) => cases as readonly TuningCase[];

/** Attention of one prompt of 8 tokens. */
const attentionCase: TuningCase<AttentionShape> = {
  family: attentionForwardFamily,
  shape: { headDim: 16 },
  flops: 4 * 8 * 8 * 16,
  build: (device) => {
    const spans = tensorOf(
      device,
      'spans',
      Array(8).fill([0, 8, 0, 0, 8, 8]).flat(),
      [8, 6],
      'u32',
    );
    const qkv = tensorOf(device, 'qkv', seeded(8 * 48, 1), [8, 48]);
    const out = tensorOf(device, 'out', new Float32Array(8 * 16), [8, 16]);
    const lse = tensorOf(device, 'lse', new Float32Array(8), [8, 1]);
    const options = { rows: 8, heads: 1, kvHeads: 1, headDim: 16, scale: 0.25 };
    return {
      steps: [attentionForward({ spans, qkv, out, lse }, options)],
      tensors: [spans, qkv, out, lse],
    };
  },
};

describe('tuning', () => {
  test('chooses by measuring, as data that JSON keeps, for plans built later', async () => {
    const before = gpu.choices;
    try {
      const choices = await tuneVariants(gpu, casesOf(forwardCase([9, 8, 4])), use, quick);
      expect(JSON.parse(JSON.stringify(choices))).toEqual(choices);
      expect(gpu.choices).toBe(choices);
      const { measured } = choices['matmul-forward'];
      expect(Object.keys(measured)).toEqual(['16x8x4']);
      expect(['plain', 'registers']).toContain(measured['16x8x4']);
    } finally {
      gpu.choices = before;
    }
  });

  test('measures one family and leaves the others as they were', async () => {
    const before = gpu.choices;
    const attention = { preferred: ['plain'], measured: {}, wrong: ['subgroup'] };
    const measured = { '16x8x4': 'plain' };
    try {
      gpu.choices = {
        'attention-forward': attention,
        'matmul-forward': { preferred: ['registers'], measured },
      };
      const cases = casesOf(backwardWeightCase([9, 8, 4]));
      const { 'matmul-backward-weight': tuned, ...others } = await tuneVariants(
        gpu,
        cases,
        { ...use, training: true },
        quick,
      );
      expect(Object.keys(tuned.measured)).toEqual(['16x8x4']);
      expect(others['attention-forward']).toBe(attention);
      expect(others['matmul-forward'].measured).toBe(measured);
      for (const family of families) {
        if (!family.name.startsWith('attention-backward')) continue;
        expect(others[family.name]).toEqual(family.defaultOn(gpu));
      }
    } finally {
      gpu.choices = before;
    }
  });

  test('measures whatever has variants, attention as well as matmuls', async () => {
    const before = gpu.choices;
    const one = { rounds: 1, milliseconds: 0 };
    const tuned = attentionForwardFamily.tunedOn(gpu);
    try {
      const timings = await measureVariants(gpu, [attentionCase], one);
      expect(timings.map(({ variant }) => variant)).toEqual(tuned);
      const choices = await tuneVariants(gpu, casesOf(attentionCase), use, {
        ...one,
        includes: ({ variant }) => variant === 'plain',
      });
      expect(choices['attention-forward'].measured).toEqual({ 'head 16': 'plain' });
      const { steps, tensors } = attentionCase.build(gpu);
      const plan = gpu.plan('choice', steps);
      plan.destroy();
      gpu.destroy(...tensors);
      expect(kernelsOf(plan)).toEqual(['attention-forward']);
    } finally {
      gpu.choices = before;
    }
  });

  test('gives a plan what its adapter prefers, unless a variant was named', () => {
    const x = tensorOf(gpu, 'x', seeded(36, 1), [9, 4]);
    const weight = tensorOf(gpu, 'weight', seeded(16, 2), [4, 4]);
    const out = tensorOf(gpu, 'out', seeded(36, 3), [9, 4]);
    const kernels = (options: { readonly variant?: 'registers' }): string[] => {
      const plan = gpu.plan('choice', matmulForward({ x, weight, out }, { rows: 9, ...options }));
      plan.destroy();
      return kernelsOf(plan);
    };
    const before = gpu.choices;
    try {
      const measured = { '16x4x4': 'plain' };
      gpu.choices = { 'matmul-forward': { preferred: ['registers'], measured } };
      expect(kernels({})).toEqual(['matmul-forward']);
      expect(kernels({ variant: 'registers' })).toEqual(['matmul-forward/registers']);
    } finally {
      gpu.choices = before;
    }
  });

  test('prefers variants that the adapter can run', () => {
    expect(unrunnable(gpu, choicesOf(gpu))).toBeUndefined();
    for (const { name, ids, portable } of families) {
      expect(ids, name).toContain('plain');
      expect(portable.at(-1), name).toBe('plain');
    }
  });

  test('knows weights in f16 apart, by what was measured in f32 where nothing else was', async () => {
    const choose = (measured: Readonly<Record<string, string>>, storage: 'f32' | 'f16') =>
      matmulForwardFamily.choose([9, 8, 4, storage], { preferred: ['registers'], measured });
    const measured = { '16x8x4': 'plain', '16x8x4 f16': 'workgroup' };
    expect(choose(measured, 'f32')).toBe('plain');
    expect(choose(measured, 'f16')).toBe('workgroup');
    expect(choose({ '16x8x4': 'plain' }, 'f16')).toBe('plain');
    expect(choose({ '16x8x4 f16': 'workgroup' }, 'f32')).toBe('registers');

    const before = gpu.choices;
    try {
      const cases = casesOf(forwardCase([9, 8, 4]), forwardCase([9, 8, 4], 'f16'));
      const only = {
        ...quick,
        includes: ({ variant }: { variant: string }) => variant === 'plain',
      };
      const choices = await tuneVariants(gpu, cases, use, only);
      expect(choices['matmul-forward'].measured).toEqual({
        '16x8x4': 'plain',
        '16x8x4 f16': 'plain',
      });
      gpu.choices = {
        'matmul-forward': { preferred: ['registers'], measured: { '16x8x4 f16': 'plain' } },
      };
      const x = tensorOf(gpu, 'x', seeded(72, 1), [9, 8]);
      const out = tensorOf(gpu, 'out', seeded(36, 3), [9, 4]);
      const { tensor: weight } = halvesOf(gpu, 'weight', seeded(32, 2), [4, 8]);
      const plan = gpu.plan('choice', matmulForward({ x, weight, out }, { rows: 9 }));
      plan.destroy();
      expect(kernelsOf(plan)).toEqual(['matmul-forward']);
    } finally {
      gpu.choices = before;
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
