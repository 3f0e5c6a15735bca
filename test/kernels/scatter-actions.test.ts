import { describe, expect, test } from 'vitest';
import { scatterActions } from '../../kernels/scatter-actions.ts';
import { RandomStream } from '../../src/random.ts';
import { scatterActionsReference } from '../reference/scatter-actions.ts';
import { openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

describe('scatter-actions', () => {
  test.each([
    [1, 1],
    [63, 100],
    [1000, 1001],
  ])('puts %i numbers into %i places', async (count, places) => {
    const everywhere = Array.from({ length: places }, (_, i) => i);
    const indices = new RandomStream(1, 'test').shuffle(everywhere).slice(0, count);
    const source = seeded(count, 2);
    const before = seeded(places, 3);
    const tensors = {
      source: tensorOf(gpu, 'source', source),
      action_source: tensorOf(gpu, 'indices', indices, [count], 'u32'),
      destination: tensorOf(gpu, 'destination', before),
    };
    await run(gpu, [scatterActions(tensors, { actionCount: count })]);
    const want = scatterActionsReference(before, source, indices);
    expect([...(await gpu.read(tensors.destination, 'f32'))]).toEqual(want);
  });

  test('reaches past the 65,535 workgroups of one dimension', async () => {
    const count = 64 * 65_535 + 70;
    const indices = Uint32Array.from({ length: count }, (_, i) => count - 1 - i);
    const tensors = {
      source: tensorOf(
        gpu,
        'source',
        Float32Array.from({ length: count }, (_, i) => i),
      ),
      action_source: tensorOf(gpu, 'indices', indices),
      destination: tensorOf(gpu, 'destination', new Float32Array(count).fill(-1)),
    };
    await run(gpu, [scatterActions(tensors, { actionCount: count })]);
    const got = await gpu.read(tensors.destination, 'f32');
    expect(got.findIndex((value, i) => value !== count - 1 - i)).toBe(-1);
    gpu.destroy(...Object.values(tensors));
  });

  test('leaves actions past the count alone', async () => {
    const tensors = {
      source: tensorOf(gpu, 'source', [5, 6]),
      action_source: tensorOf(gpu, 'indices', [2, 0], [2], 'u32'),
      destination: tensorOf(gpu, 'destination', [1, 1, 1]),
    };
    await run(gpu, [scatterActions(tensors, { actionCount: 1 })]);
    expect([...(await gpu.read(tensors.destination, 'f32'))]).toEqual([1, 1, 5]);
  });

  test('refuses indices of another length', () => {
    const tensors = {
      source: tensorOf(gpu, 'source', [5, 6]),
      action_source: tensorOf(gpu, 'indices', [2], [1], 'u32'),
      destination: tensorOf(gpu, 'destination', [1, 1, 1]),
    };
    expect(() => scatterActions(tensors, { actionCount: 1 })).toThrow(
      "scatter-actions: action_source must be (2), got (1) from 'indices'",
    );
  });
});
