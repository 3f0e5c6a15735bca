import { describe, expect, test } from 'vitest';
import { limMean, stripesOf } from '../../kernels/lim-mean.ts';
import { limReduce } from '../../kernels/lim-reduce.ts';
import { limMeanReference } from '../reference/lim-mean.ts';
import { expectClose, openTestGpu, run } from '../support/gpu.ts';
import {
  type Form,
  forms,
  matrixOf,
  rewardMatrix,
  tensorsIn,
  type TestMatrix,
} from '../support/reward-matrix.ts';

/** lim-mean over the matrix, then lim-reduce to one row. */
async function meanOf(matrix: TestMatrix, form: Form) {
  const gpu = await openTestGpu();
  const { prompts, epochs } = matrix;
  const stripes = stripesOf(prompts, epochs);
  const partials = gpu.tensor('partials', [stripes, epochs], 'f32', 'rewards');
  const entries = gpu.tensor('entries', [stripes, epochs], 'u32', 'rewards');
  const out_partials = gpu.tensor('deficits', [1, epochs], 'f32', 'rewards');
  const out_entries = gpu.tensor('counts', [1, epochs], 'u32', 'rewards');
  const tensors = matrixOf(gpu, matrix, form);
  await run(gpu, [
    limMean({ ...tensors, partials, entries }, { firstStripe: 0 }),
    limReduce({ partials, entries, out_partials, out_entries }, { divide: true }),
  ]);
  const got = {
    deficits: await gpu.read(out_partials, 'f32'),
    entries: await gpu.read(out_entries, 'u32'),
  };
  gpu.destroy(partials, entries, out_partials, out_entries, ...tensorsIn(tensors));
  return got;
}

describe.each(forms)('lim-mean of %s', (form) => {
  test.each([
    [1, 1],
    [1, 1000],
    [63, 3],
    [64, 21],
    [65, 1],
    [129, 7],
    [1000, 33],
    [4097, 5],
  ])('matches the float64 reference at (%i, %i)', async (prompts, epochs) => {
    const matrix = rewardMatrix(prompts, epochs, prompts + epochs);
    const got = await meanOf(matrix, form);
    const want = limMeanReference(matrix.sums, matrix.samples, epochs);
    expectClose(got.deficits, want.deficits, { abs: 0, rel: 1e-6 });
    expect([...got.entries]).toEqual(want.entries);
  });

  test('averages over the prompts present, by hand', async () => {
    // Epoch 0: 4/8 and 2/2; epoch 1: missing and 1/4.
    const got = await meanOf(
      {
        prompts: 2,
        epochs: 2,
        sums: Float32Array.of(4, 0, 2, 1),
        samples: Uint32Array.of(8, 0, 2, 4),
      },
      form,
    );
    expect([...got.deficits]).toEqual([0.25, 0.75]);
    expect([...got.entries]).toEqual([2, 1]);
  });

  test('an all-ones curve has deficits of exactly 0', async () => {
    const prompts = 3001;
    const got = await meanOf(
      {
        prompts,
        epochs: 3,
        sums: new Float32Array(prompts * 3).fill(7),
        samples: new Uint32Array(prompts * 3).fill(7),
      },
      form,
    );
    expect([...got.deficits]).toEqual([0, 0, 0]);
  });

  test('keeps the digits of a curve that is nearly 1', async () => {
    // One failure in 50,000 prompts of 8 samples: the deficit is 1 / 400,000.
    const prompts = 50_000;
    const sums = new Float32Array(prompts).fill(8);
    sums[12_345] = 7;
    const got = await meanOf(
      {
        prompts,
        epochs: 1,
        sums,
        samples: new Uint32Array(prompts).fill(8),
      },
      form,
    );
    expectClose(got.deficits, [1 / 400_000], { abs: 0, rel: 1e-6 });
  });

  test('an epoch that nobody has reached has no entries and deficit 0', async () => {
    const got = await meanOf(
      {
        prompts: 2,
        epochs: 2,
        sums: Float32Array.of(1, 0, 0, 0),
        samples: Uint32Array.of(1, 0, 1, 0),
      },
      form,
    );
    expect([...got.deficits]).toEqual([0.5, 0]);
    expect([...got.entries]).toEqual([2, 0]);
  });

  test('chunks write their own stripes and add up to the whole', async () => {
    const gpu = await openTestGpu();
    const { epochs, sums, samples } = rewardMatrix(300, 5, 9);
    const [first, second] = [stripesOf(130, epochs), stripesOf(170, epochs)];
    const partials = gpu.tensor('partials', [first + second, epochs], 'f32', 'rewards');
    const entries = gpu.tensor('entries', [first + second, epochs], 'u32', 'rewards');
    const chunk = (from: number, to: number) => {
      const [first, end] = [from * epochs, to * epochs];
      const rows = { sums: sums.slice(first, end), samples: samples.slice(first, end) };
      return matrixOf(gpu, { prompts: to - from, epochs, ...rows }, form);
    };
    await run(gpu, [
      limMean({ ...chunk(0, 130), partials, entries }, { firstStripe: 0 }),
      limMean({ ...chunk(130, 300), partials, entries }, { firstStripe: first }),
    ]);
    const got = await gpu.read(partials, 'f32');
    const want = limMeanReference(sums, samples, epochs);
    const totals = want.deficits.map((deficit, k) => deficit * want.entries[k]);
    const added = totals.map((_, k) =>
      got.filter((_, at) => at % epochs === k).reduce((total, partial) => total + partial, 0),
    );
    expectClose(added, totals, { abs: 0, rel: 1e-6 });
  });
});

describe('lim-mean', () => {
  test('refuses samples of another shape, and outputs too small', async () => {
    const gpu = await openTestGpu();
    const sums = gpu.tensor('sums', [65, 2], 'f32', 'rewards');
    const samples = gpu.tensor('samples', [65, 2], 'u32', 'rewards');
    const partials = gpu.tensor('partials', [1, 2], 'f32', 'rewards');
    const entries = gpu.tensor('entries', [1, 2], 'u32', 'rewards');
    const short = gpu.tensor('samples', [64, 2], 'u32', 'rewards');
    expect(() => limMean({ sums, samples: short, partials, entries }, { firstStripe: 0 })).toThrow(
      "lim-mean: samples must be (65, 2), got (64, 2) from 'samples'",
    );
    expect(() => limMean({ sums, samples, partials, entries }, { firstStripe: 0 })).toThrow(
      'past the 1 held',
    );
  });
});
