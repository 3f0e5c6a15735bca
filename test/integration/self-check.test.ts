import { afterEach, describe, expect, test } from 'vitest';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';
import { choicesOf, choicesWithout, variantsOf } from '../../src/variants/choices.ts';
import { families } from '../../src/variants/families.ts';
import { forwardCase } from '../../src/variants/matmul-cases.ts';
import {
  type CheckedVariant,
  checkVariants,
  isWithinRounding,
  type KernelUse,
  replaceWrongVariants,
} from '../../src/variants/self-check.ts';
import { type TuningCase, tuneVariants } from '../../src/variants/tuning.ts';
import { onceElsewhere } from '../support/host.ts';
import { plantFault } from '../support/faults.ts';
import { openTestGpu } from '../support/gpu.ts';

const use = { headDim: 16, training: true, cache: 'f32' } as const;

/** One choice for every family, of the variants that are given. */
const everyFamily = (preferred: (name: string) => readonly string[]): VariantChoices =>
  Object.fromEntries(
    families.map(({ name }) => [name, { preferred: preferred(name), measured: {} }]),
  );

const plain = everyFamily(() => ['plain']);

const nameOf = ({ family, variant }: CheckedVariant): string => `${family}/${variant}`;

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

  test('finds every variant that may be fast on this device right, to the rounding of f32', async () => {
    const gpu = await openTestGpu();
    const tuned = new Map(families.map((family) => [family.name, family.tunedOn(gpu)]));
    const found = await checkVariants(
      gpu,
      use,
      everyFamily((name) => tuned.get(name)!),
    );
    const wanted = [...tuned].flatMap(([family, ids]) => ids.map((id) => `${family}/${id}`));
    expect(found.map(nameOf).sort()).toEqual(wanted.sort());
    for (const { error } of found) expect(error).toBeLessThan(2e-6);
    expect(await replaceWrongVariants(gpu, use)).toEqual([]);
  });

  /** The variants that are wrong where every family takes `plain`, or one of them another. */
  async function wrongOf(gpu: Gpu, of: KernelUse, choices: VariantChoices = {}) {
    const found = await checkVariants(gpu, of, { ...plain, ...choices });
    return found.filter((one) => !isWithinRounding(one)).map(nameOf);
  }

  test('looks at weights in f16 where they are stored so', async () => {
    const halves = { headDim: 16, training: false, storage: 'f16', cache: 'f16' } as const;
    const right = await openTestGpu();
    for (const { error } of await checkVariants(right, halves, plain)) {
      expect(error).toBeLessThan(2e-6);
    }
    const gpu = await deviceWith(['matmul-forward', '[at & 1]', '[0]']);
    expect(await wrongOf(gpu, halves)).toEqual(['matmul-forward/plain']);
    expect(await wrongOf(gpu, { headDim: 16, training: false })).toEqual([]);
  });

  test('looks at weights in int8 and int4 where they are stored so', async () => {
    const gpu = await deviceWith(['matmul-forward', 'vec4u(0, 4, 8, 12)', 'vec4u(0, 4, 8, 8)']);
    const use = { headDim: 16, training: false, storage: 'int4' } as const;
    expect(await wrongOf(gpu, use)).toEqual(['matmul-forward/plain']);
    const right = await openTestGpu();
    for (const storage of ['int8', 'int4'] as const) {
      for (const { error } of await checkVariants(right, { ...use, storage }, plain)) {
        expect(error).toBeLessThan(2e-6);
      }
    }
  });

  test.for<[string, string, string, string?]>([
    ['matmul-forward', 'out[at] =', 'out[at] = 1.001 *'],
    ['matmul-backward-input', 'dx[at] = value', 'dx[at] = 1.001 * value'],
    ['matmul-backward-weight', '+= sum;', '+= select(sum, 0.0, column == 39);'],
    // Where outputs are no multiple of 4, and nowhere else.
    ['matmul-backward-weight/split', 'cells.z]', 'cells.y]', 'split16'],
    ['attention-forward', 'let norm = 1.0 / weight;', 'let norm = log(-weight);'],
    // Of the log-sum-exp alone.
    ['attention-forward', 'top + log(weight)', 'top - log(weight)'],
    ['attention-backward-query', 'dq[c] * params.scale', 'dq[c]'],
    ['attention-backward-key-value', 'index >= params.rows', 'index + 1 >= params.rows'],
    ['attention-decode', 'b * cosine + a * sine;', 'b * cosine - a * sine;'],
  ])(
    'sees a fault in %s, and nothing wrong in other families',
    async ([kernel, from, to, variant], { skip }) => {
      onceElsewhere(skip, kernel === 'attention-backward-query');
      const gpu = await deviceWith([kernel, from, to]);
      const [family] = kernel.split('/');
      const choices = variant ? { [family]: { preferred: [variant], measured: {} } } : {};
      expect(await wrongOf(gpu, use, choices)).toEqual([`${family}/${variant ?? 'plain'}`]);
    },
  );

  test('looks at windows where the model has them', async () => {
    const sliding = { ...use, sliding: true };
    for (const { error } of await checkVariants(await openTestGpu(), sliding, plain)) {
      expect(error).toBeLessThan(2e-6);
    }
    const gpu = await deviceWith([
      'attention-decode',
      '+ 1, WINDOW) - WINDOW',
      ', WINDOW) - WINDOW',
    ]);
    expect(await wrongOf(gpu, sliding)).toEqual(['attention-decode/plain']);
    expect(await wrongOf(gpu, use)).toEqual([]);
  });

  test('looks at what is used: without training, gradients may be wrong', async () => {
    const gpu = await deviceWith(['matmul-backward-weight', '+= sum;', '+= 2 * sum;']);
    expect(await wrongOf(gpu, { headDim: 16, training: false })).toEqual([]);
  });

  test('looks at weights in int8 and int4 where they are stored so', async () => {
    const gpu = await deviceWith(['matmul-forward', 'vec4u(0, 4, 8, 12)', 'vec4u(0, 4, 8, 8)']);
    for (const [storage, wrong] of [
      ['int8', []],
      ['int4', ['matmul-forward/plain']],
    ] as const) {
      const use = { headDim: 16, training: false, storage } as const;
      if (storage === 'int8') continue;
      expect(await wrongOf(gpu, use)).toEqual(wrong);
    }
  });

  test('replaces what is wrong, says so, and is not asked twice', async () => {
    const gpu = await deviceWith([
      'matmul-backward-input/registers',
      'dx[at] = value',
      'dx[at] = 2 * value',
    ]);
    const portable = { preferred: ['registers'], measured: {} };
    const measured = { '16x4x4': 'plain', '32x4x4': 'registers' };
    gpu.choices = {
      ...plain,
      'matmul-forward': portable,
      'matmul-backward-input': { preferred: ['registers'], measured },
    };
    const [sentence, ...more] = await replaceWrongVariants(gpu, use);
    expect(sentence).toContain("matmul-backward-input in variant 'registers' computes wrong");
    expect(sentence).toContain(`on ${gpu.name}: another is used in its place`);
    expect(more).toEqual([]);
    expect(gpu.choices).toEqual({
      ...plain,
      'matmul-forward': portable,
      'matmul-backward-input': {
        preferred: ['plain'],
        measured: { '16x4x4': 'plain' },
        wrong: ['registers'],
      },
    });
    const compiled = gpu.pipelines.size;
    expect(await replaceWrongVariants(gpu, use)).toEqual([]);
    expect(gpu.pipelines.size).toBe(compiled);
  });

  /** A fault in the variants that software adapters prefer, by kernel. */
  const faultsOfPreferred: Readonly<Record<string, readonly [string, string]>> = {
    'matmul-forward/subgroup': ['out[at] = value', 'out[at] = 2 * value'],
    'matmul-forward/quad': ['c, last_out)] =', 'c, last_out)] = 2 *'],
    'attention-forward/subgroup': ['= sum[c] * norm', '= sum[c]'],
    'attention-forward/quad': ['seen.values[0] * norm', 'seen.values[0]'],
  };

  test.for(['matmul-forward', 'attention-forward'])(
    'replaces a faulty %s and leaves every other family its variant',
    async (family, { skip }) => {
      const defaults = choicesOf(await openTestGpu());
      const [variant] = defaults[family].preferred;
      const fault = faultsOfPreferred[`${family}/${variant}`] as
        readonly [string, string] | undefined;
      if (!fault) skip(`no fault is known of ${family} in variant ${variant}`);
      const gpu = await deviceWith([`${family}/${variant}`, ...fault!]);
      expect(await replaceWrongVariants(gpu, use)).toHaveLength(1);
      const { [family]: replaced, ...others } = gpu.choices;
      expect(replaced.wrong).toEqual([variant]);
      expect(variantsOf(replaced)).not.toContain(variant);
      expect({ ...others, [family]: defaults[family] }).toEqual(defaults);
    },
  );

  test('looks at what is taken for few tiles by itself', async () => {
    // The last of 16 groups of threads is left out, none of 4.
    const fault = 'at < 256 && (GROUPS == 4 || at < 240)';
    const gpu = await deviceWith(['matmul-backward-weight/split', 'at < 256', fault]);
    const measured = { '128x40x76': 'split16' };
    const preferred = ['plain', 'split32', 'split16'];
    gpu.choices = { ...plain, 'matmul-backward-weight': { preferred, measured } };
    const sentences = await replaceWrongVariants(gpu, use);
    expect(sentences.join()).toContain(
      "matmul-backward-weight in variant 'split16' computes wrong",
    );
    expect(gpu.choices['matmul-backward-weight']).toEqual({
      preferred: ['plain', 'split32'],
      measured: {},
      wrong: ['split16'],
    });
  });

  test('refuses an adapter on which nothing is right', async () => {
    const gpu = await deviceWith(['matmul-forward', 'out[at] =', 'out[at] = 2 *']);
    gpu.choices = plain;
    await expect(replaceWrongVariants(gpu, use)).rejects.toMatchObject({
      name: 'AdapterError',
      message: expect.stringContaining('there is no other to use') as string,
    });
  });

  test('keeps a wrong variant from being chosen for its speed', async () => {
    const gpu = await deviceWith(['matmul-forward/registers', 'out[at] =', 'out[at] = 2 *']);
    const before = choicesOf(gpu);
    const cases = [forwardCase([9, 8, 4])] as readonly TuningCase[];
    const choices = await tuneVariants(gpu, cases, use, {
      rounds: 1,
      milliseconds: 0,
      includes: ({ variant }) => ['plain', 'registers'].includes(variant),
    });
    const { 'matmul-forward': forward, ...others } = choices;
    expect(Object.values(forward.measured)).toEqual(['plain']);
    expect(forward.preferred).not.toContain('registers');
    expect(forward.wrong).toEqual(['registers']);
    expect({ ...others, 'matmul-forward': before['matmul-forward'] }).toEqual(before);
  });
});

test.each<[readonly string[], readonly string[], readonly string[]]>([
  [['subgroup'], ['subgroup'], ['registers', 'ragged', 'plain']],
  [['subgroup'], ['subgroup', 'registers'], ['ragged', 'plain']],
  [['subgroup'], ['workgroup'], ['subgroup']],
  [['workgroup', 'registers'], ['workgroup'], ['registers']],
])('%j without %j is %j', (preferred, wrong, left) => {
  const measured = { a: 'workgroup', b: 'plain' };
  const other = { preferred, measured };
  const names = wrong.map((variant) => ({ family: 'matmul-forward', variant }));
  const choices = { 'matmul-forward': { preferred, measured }, 'matmul-backward-input': other };
  expect(choicesWithout(choices, names)).toEqual({
    'matmul-forward': {
      preferred: left,
      measured: wrong.includes('workgroup') ? { b: 'plain' } : measured,
      wrong,
    },
    'matmul-backward-input': other,
  });
});
