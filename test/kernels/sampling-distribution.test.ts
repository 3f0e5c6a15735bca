import { describe, expect, test } from 'vitest';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import { samplingDistribution } from '../../kernels/sampling-distribution.ts';
import fixture from '../fixtures/sampling.json';
import {
  noFilter,
  type ReferenceFilter,
  samplingDistributionReference,
} from '../reference/sampling-distribution.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

/** Probabilities of all rows under each of the filters. */
async function distributions(
  logits: Float32Array,
  vocabulary: number,
  filters: readonly ReferenceFilter[],
  { banned = [], lanes = 1 }: { banned?: number[]; lanes?: Lanes['lanes'] } = {},
): Promise<Float32Array[]> {
  const gpu = await openTestGpu();
  const rows = logits.length / vocabulary;
  const source = tensorOf(gpu, 'logits', logits, [rows, vocabulary]);
  const stops = tensorOf(gpu, 'stop_ids', [...banned, 0], [banned.length + 1], 'u32');
  const got: Float32Array[] = [];
  for (const filter of filters) {
    const probabilities = tensorOf(gpu, 'probabilities', new Float32Array(logits.length), [
      rows,
      vocabulary,
    ]);
    const tensors = { logits: source, stop_ids: stops, probabilities };
    const hyper = { ...filter, rows, stopCount: banned.length };
    await run(gpu, [samplingDistribution(tensors, hyper, { lanes, rows: 64 / lanes })]);
    got.push(await gpu.read(probabilities, 'f32'));
    gpu.destroy(probabilities);
  }
  gpu.destroy(source, stops);
  return got;
}

/** Filters that act alone and together. Bounds lie far from any sum that a seeded row can have. */
const filters: readonly ReferenceFilter[] = [
  noFilter,
  { ...noFilter, temperature: 0 },
  { ...noFilter, temperature: 0.3 },
  { ...noFilter, topK: 1 },
  { ...noFilter, topK: 7 },
  { ...noFilter, topP: 0.37 },
  { ...noFilter, topP: 0.953 },
  { ...noFilter, minP: 0.0513 },
  { temperature: 1.2, topK: 40, topP: 0.91, minP: 0.031 },
];

describe('sampling-distribution', () => {
  test('gives the distributions of the transformers warpers', async () => {
    expect(fixture.cases.length).toBeGreaterThan(0);
    for (const { logits, probs, temperature, top_k, top_p, min_p } of fixture.cases) {
      const filter = { temperature, topK: top_k, topP: top_p, minP: min_p };
      const [got] = await distributions(Float32Array.from(logits), logits.length, [filter]);
      expectClose(got, probs, { abs: 1e-6 });
      expect(Array.from(got, (p) => p > 0)).toEqual(probs.map((p) => p > 0));
    }
  });

  test.each<[number, number, Lanes['lanes']]>([
    [1, 1, 1],
    [67, 18, 1],
    [5, 320, 1],
    [3, 5000, 1],
    [9, 18, 32],
    [2, 5000, 32],
  ])('matches float64 at %i rows of %i, %i lanes', async (rows, vocabulary, lanes) => {
    const logits = seeded(rows * vocabulary, vocabulary, 2.5);
    const got = await distributions(logits, vocabulary, filters, { lanes });
    for (const [i, filter] of filters.entries()) {
      for (let row = 0; row < rows; row++) {
        const from = row * vocabulary;
        const want = samplingDistributionReference(
          logits.subarray(from, from + vocabulary),
          filter,
        );
        const have = got[i].subarray(from, from + vocabulary);
        expectClose(have, want, { abs: 1e-6 });
        expect(have.filter((p) => p > 0).length).toBe(want.filter((p) => p > 0).length);
      }
    }
  });

  test.each([1, 32] as const)('treats ties as a stable sort does, with %i lanes', async (lanes) => {
    // Six equal tokens and a small one. Top-k keeps every tie of the k-th; top-p 0.45 of seven
    // tokens needs three of the six ties, and cut from below in a stable order these are the last.
    const logits = Float32Array.of(1, 1, 1, -4, 1, 1, 1);
    const [topK, topP, greedy] = await distributions(
      logits,
      7,
      [
        { ...noFilter, topK: 2 },
        { ...noFilter, topP: 0.45 },
        { ...noFilter, temperature: 0 },
      ],
      { lanes },
    );
    const sixth = Math.fround(1 / 6);
    const third = Math.fround(1 / 3);
    expectClose(topK, [sixth, sixth, sixth, 0, sixth, sixth, sixth], { abs: 1e-7 });
    expectClose(topP, [0, 0, 0, 0, third, third, third], { abs: 1e-7 });
    expectClose(greedy, [1, 0, 0, 0, 0, 0, 0], { abs: 0 });
  });

  test('takes both zeros for one value', async () => {
    const logits = Float32Array.of(-0, 0, -1, -0);
    const [greedy, topK] = await distributions(logits, 4, [
      { ...noFilter, temperature: 0 },
      { ...noFilter, topK: 1 },
    ]);
    expectClose(greedy, [1, 0, 0, 0], { abs: 0 });
    expectClose(topK, [1 / 3, 1 / 3, 0, 1 / 3], { abs: 1e-6 });
  });

  test('leaves banned ids out before anything else', async () => {
    const logits = Float32Array.of(5, 1, 2, 0.5);
    const cases = [noFilter, { ...noFilter, topK: 2 }, { ...noFilter, temperature: 0 }];
    const got = await distributions(logits, 4, cases, { banned: [0, 3] });
    for (const [i, filter] of cases.entries()) {
      expectClose(got[i], samplingDistributionReference(logits, filter, [0, 3]), { abs: 1e-6 });
      expect(got[i][0]).toBe(0);
    }
  });

  test('keeps the largest token however small top-p is', async () => {
    const logits = Float32Array.of(0, 0.1, 0.2, 0.05);
    const [got] = await distributions(logits, 4, [{ ...noFilter, topP: 1e-6 }]);
    expectClose(got, [0, 0, 1, 0], { abs: 0 });
  });

  test('refuses shapes that differ', async () => {
    const gpu = await openTestGpu();
    const tensors = {
      logits: tensorOf(gpu, 'logits', new Float32Array(6), [2, 3]),
      stop_ids: tensorOf(gpu, 'stop_ids', [0], [1], 'u32'),
      probabilities: tensorOf(gpu, 'probabilities', new Float32Array(6), [3, 2]),
    };
    const hyper = { ...noFilter, rows: 2, stopCount: 0 };
    expect(() => samplingDistribution(tensors, hyper)).toThrow(
      "sampling-distribution: probabilities must be (2, 3), got (3, 2) from 'probabilities'",
    );
    const same = { ...tensors, probabilities: tensors.logits };
    expect(() => samplingDistribution(same, { ...hyper, rows: 3 })).toThrow('past the 2 held');
  });
});
