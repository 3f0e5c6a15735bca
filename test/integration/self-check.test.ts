import { afterEach, describe, expect, test } from 'vitest';
import type { MatmulVariant } from '../../kernels/lib/matmul-variants.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';
import { runnableVariants } from '../../src/gpu/matmul-choices.ts';
import {
  checkVariants,
  choicesWithout,
  dropWrongVariants,
  isRight,
} from '../../src/gpu/self-check.ts';
import { tuneMatmuls } from '../../src/gpu/tuning.ts';
import { plantFault } from '../support/faults.ts';
import { openTestGpu } from '../support/gpu.ts';

const use = { headDim: 16, training: true, cache: 'f32' } as const;

describe('the self-check', () => {
  let faulty: Gpu | undefined;

  /** A device of its own whose driver compiles some kernels wrong. */
  async function deviceWith(...faults: readonly (readonly [string, string, string])[]) {
    faulty = await openGpu({ limits: 'default' });
    for (const [kernel, from, to] of faults) plantFault(faulty, kernel, from, to);
    return faulty;
  }

  afterEach(async () => {
    await faulty?.close();
    faulty = undefined;
  });

  test('finds every variant that this device runs right, to the rounding of f32', async () => {
    const gpu = await openTestGpu();
    const found = await checkVariants(gpu, runnableVariants(gpu), use);
    expect(found.map(({ variant }) => variant)).toEqual(runnableVariants(gpu));
    for (const { error } of found) expect(error).toBeLessThan(2e-6);
    expect(await dropWrongVariants(gpu, use)).toEqual([]);
  });

  test('looks at weights in f16 where they are stored so', async () => {
    const halves = { headDim: 16, training: false, storage: 'f16', cache: 'f16' } as const;
    const right = await openTestGpu();
    const [plain] = await checkVariants(right, ['plain'], halves);
    expect(plain.error).toBeLessThan(2e-6);
    const gpu = await deviceWith(['matmul-forward', '[at & 1]', '[0]']);
    const [found] = await checkVariants(gpu, ['plain'], halves);
    expect(isRight(found)).toBe(false);
    const [inF32] = await checkVariants(gpu, ['plain'], { headDim: 16, training: false });
    expect(isRight(inF32)).toBe(true);
  });

  test.each<[string, string, string, MatmulVariant?]>([
    ['matmul-forward', 'out[at] =', 'out[at] = 1.001 *'],
    ['matmul-backward-weight', '+= sum;', '+= select(sum, 0.0, column == 39);'],
    // Where outputs are no multiple of 4, and nowhere else.
    ['matmul-backward-weight/split', 'cells.z]', 'cells.y]', 'split16'],
    ['attention-backward-key-value', 'index >= params.rows', 'index + 1 >= params.rows'],
    ['attention-forward', 'let norm = 1.0 / weight;', 'let norm = log(-weight);'],
    ['attention-decode', 'b * cosine + a * sine;', 'b * cosine - a * sine;'],
  ])('sees a fault in %s', async (kernel, from, to, variant = 'plain') => {
    const gpu = await deviceWith([kernel, from, to]);
    const [found] = await checkVariants(gpu, [variant], use);
    // The gradients of attention are looked at together.
    expect(kernel.startsWith(found.kernel)).toBe(true);
    expect(isRight(found)).toBe(false);
  });

  test('looks at what is used: without training, gradients may be wrong', async () => {
    const gpu = await deviceWith(['matmul-backward-weight', '+= sum;', '+= 2 * sum;']);
    const [found] = await checkVariants(gpu, ['plain'], { headDim: 16, training: false });
    expect(isRight(found)).toBe(true);
  });

  test('replaces what is wrong, says so, and is not asked twice', async () => {
    const gpu = await deviceWith([
      'matmul-backward-input/registers',
      'dx[at] = value',
      'dx[at] = 2 * value',
    ]);
    gpu.matmulChoices = {
      preferred: 'registers',
      measured: { 'forward 16x4x4': 'plain', 'forward 32x4x4': 'registers' },
    };
    const [sentence, ...more] = await dropWrongVariants(gpu, use);
    expect(sentence).toContain("matmul-backward-input in variant 'registers' computes wrong");
    expect(sentence).toContain(`on ${gpu.name}: another is used in its place`);
    expect(more).toEqual([]);
    expect(gpu.matmulChoices).toEqual({
      preferred: 'plain',
      measured: { 'forward 16x4x4': 'plain' },
    });
    const compiled = gpu.pipelines.size;
    expect(await dropWrongVariants(gpu, use)).toEqual([]);
    expect(gpu.pipelines.size).toBe(compiled);
  });

  test('looks at what is taken for few tiles by itself', async () => {
    // The last of 16 groups of threads is left out, none of 4.
    const fault = 'at < 256 && (GROUPS == 4 || at < 240)';
    const gpu = await deviceWith(['matmul-backward-weight/split', 'at < 256', fault]);
    const measured = { 'backward-weight 128x40x76': 'split16' } as const;
    gpu.matmulChoices = { preferred: 'plain', fewTiles: ['split32', 'split16'], measured };
    const sentences = await dropWrongVariants(gpu, use);
    expect(sentences.join()).toContain(
      "matmul-backward-weight in variant 'split16' computes wrong",
    );
    expect(gpu.matmulChoices).toEqual({ preferred: 'plain', fewTiles: ['split32'], measured: {} });
  });

  test('refuses an adapter on which nothing is right', async () => {
    const gpu = await deviceWith(['matmul-forward', 'out[at] =', 'out[at] = 2 *']);
    gpu.matmulChoices = { preferred: 'plain', measured: {} };
    await expect(dropWrongVariants(gpu, use)).rejects.toMatchObject({
      name: 'AdapterError',
      message: expect.stringContaining('there is no other to use') as string,
    });
  });

  test('keeps a wrong variant from being chosen for its speed', async () => {
    const gpu = await deviceWith(['matmul-forward/registers', 'out[at] =', 'out[at] = 2 *']);
    const choices = await tuneMatmuls(gpu, [{ form: 'forward', shape: [9, 8, 4] }], use, {
      rounds: 1,
      milliseconds: 0,
      variants: ['plain', 'registers'],
    });
    expect(Object.values(choices.measured)).toEqual(['plain']);
    expect(choices.preferred).not.toBe('registers');
  });
});

test.each<[MatmulVariant, readonly MatmulVariant[], MatmulVariant]>([
  ['subgroup', ['subgroup'], 'registers'],
  ['subgroup', ['subgroup', 'registers'], 'plain'],
  ['subgroup', ['workgroup'], 'subgroup'],
])('%s without %j is %s', (preferred, wrong, left) => {
  const measured = { a: 'workgroup', b: 'plain' } as const;
  expect(choicesWithout({ preferred, measured }, wrong)).toEqual({
    preferred: left,
    measured: wrong.includes('workgroup') ? { b: 'plain' } : measured,
  });
});
