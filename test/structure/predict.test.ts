import { beforeAll, describe, expect, test } from 'vitest';
import { cardNames } from '../../src/bench/cards.ts';
import { predict, predictDispatch, type Work } from '../../src/bench/predict.ts';
import { type PredictedCase, predictedCases, predictOn } from '../../src/bench/predicted.ts';
import { limr } from '../support/command-line.ts';

/** A card of 10 TFLOP/s, 100 GB/s and 10 units. */
const card = { name: 'a card', teraflops: 10, gigabytes: 100, units: 10 };
const work = (of: Partial<Work>): Work => ({
  kernel: 'k',
  flops: 0,
  bytes: 0,
  workgroups: 10,
  share: 0.5,
  ...of,
});

describe('predictDispatch', () => {
  test.each([
    // 10^10 operations at half of 10^13 a second: 2 ms.
    ['compute', { flops: 1e10, bytes: 1e6 }, 2],
    // 11 workgroups on 10 units take two rounds, of which 11 of 20 places are used.
    ['compute', { flops: 1e10, workgroups: 11 }, (2 * 20) / 11],
    // One workgroup has one unit.
    ['compute', { flops: 1e10, workgroups: 1 }, 20],
    // 8 * 10^7 bytes at 0.8 of 10^11 a second: 1 ms.
    ['memory', { flops: 1e9, bytes: 8e7 }, 1],
    ['launch', { flops: 1e3, bytes: 1e3 }, 0.0000125],
  ] as const)('worked by hand: bound by %s, %j', (bound, of, busy) => {
    const found = predictDispatch(work(of), card);
    expect(found.bound).toBe(bound);
    expect(found.ms).toBeCloseTo(busy + 0.004, 9);
  });
});

test('predict adds up dispatches, and tells what bounds them', () => {
  const found = predict(
    [work({ flops: 1e10 }), work({ kernel: 'm', bytes: 8e7 }), work({ flops: 1e10 })],
    card,
  );
  expect(found.ms).toBeCloseTo(5.012, 9);
  expect(found).toMatchObject({ dispatches: 3, flops: 2e10, bytes: 8e7 });
  expect(found.kernels.map(({ kernel, bound, dispatches }) => [kernel, bound, dispatches])).toEqual(
    [
      ['k', 'compute', 2],
      ['m', 'memory', 1],
    ],
  );
  const { compute, memory, launch } = found.bounds;
  expect(compute + memory + launch).toBeCloseTo(1, 9);
  expect(launch).toBeCloseTo(0.012 / 5.012, 9);
});

describe('predictedCases', () => {
  let cases: readonly PredictedCase[];
  beforeAll(async () => {
    cases = await predictedCases();
  }, 60_000);

  const named = (start: string) => {
    const found = cases.find(({ name }) => name.startsWith(start));
    if (!found) throw new Error(`no case ${start}`);
    return { found, own: predictOn(found, 't4') };
  };

  test('count what a training step computes: six operations a parameter and token', () => {
    const { found, own } = named('training step, 100m');
    expect(found.tokens).toBe(16 * 512);
    // V C + L (4 C^2 + 3 C F) matrices' numbers.
    const parameters = 32_000 * 768 + 12 * (4 * 768 ** 2 + 3 * 768 * 2048);
    // Attention: 18 products of C by the keys that a row sees, on average 256.5, in each layer.
    const attention = 12 * 18 * 768 * 256.5;
    const operations = found.tokens * (6 * parameters + attention);
    expect(own.flops / operations).toBeCloseTo(1, 1);
  });

  test('count the weights once a token where one row decodes', () => {
    const { found, own } = named('generation, Qwen2.5-0.5B, f16, batch 1,');
    const weights = 2 * 493_961_216;
    const cache = 12 * 1024 * 1024;
    expect(own.bytes / found.tokens).toBeGreaterThan(weights);
    expect(own.bytes / found.tokens).toBeLessThan(weights + 4 * cache);
    expect(own.bounds.memory).toBeGreaterThan(0.5);
  });

  test('name every computation at every size, and say of each number that it is predicted', () => {
    const kinds = cases.map(({ name }) => name.split(',')[0]);
    expect(kinds.filter((kind) => kind === 'training step')).toHaveLength(4);
    expect(kinds.filter((kind) => kind === 'generation')).toHaveLength(8);
    expect(kinds.filter((kind) => /iteration/.test(kind))).toHaveLength(4);
    for (const name of cardNames) {
      for (const one of cases) {
        const own = predictOn(one, name);
        expect(own.predicted).toBe(true);
        expect(own.ms).toBeGreaterThan(0);
        expect(Number.isFinite(own.tokensPerSecond)).toBe(true);
      }
    }
  });

  test('faster cards are faster', () => {
    for (const one of cases) {
      expect(predictOn(one, 'h200').ms).toBeLessThan(predictOn(one, 't4').ms);
    }
  });
});

test('limr bench --predict says that nothing was measured', async () => {
  const { code, stdout } = await limr('bench', '--predict', 'rtx3060');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^predicted, not measured: NVIDIA GeForce RTX 3060\n/);
  expect(stdout).toMatch(
    /GRPO iteration, Qwen2\.5-0\.5B, LoRA, f16, .* tokens\/s; bound by compute/,
  );
  const refused = await limr('bench', '--predict', 'abacus');
  expect(refused.code).toBe(2);
});
