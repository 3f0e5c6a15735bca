import { describe, expect, test } from 'vitest';
import { decodeStop } from '../../kernels/decode-stop.ts';
import { decodeStopReference } from '../reference/decode-stop.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';

describe('decode-stop', () => {
  test.each([
    [1, 1],
    [67, 67],
    [200, 131],
  ])('ends running rows by their first places: capacity %i, %i rows', async (capacity, rows) => {
    const gpu = await openTestGpu();
    // Rows have changed places: the places are a permutation.
    const origins = Array.from({ length: capacity }, (_, row) => (row * 7 + 3) % capacity);
    expect(new Set(origins).size).toBe(capacity);
    const states = origins.map((_, row) => (row % 5 === 0 ? 1 : row % 7 === 0 ? 2 : 0));
    const halts = Uint32Array.from({ length: capacity }, (_, place) => Number(place % 3 === 0));
    const tensors = {
      halts: tensorOf(gpu, 'halts', halts),
      origin: tensorOf(gpu, 'origin', Uint32Array.from(origins)),
      status: tensorOf(
        gpu,
        'status',
        states.flatMap((state, row) => [row + 1, state]),
        [capacity, 2],
        'u32',
      ),
      finished: tensorOf(gpu, 'finished', Uint32Array.of(40)),
    };
    await run(gpu, [decodeStop(tensors, { rows })]);
    const halted = new Set(origins.filter((place) => halts[place] === 1));
    const want = decodeStopReference(states.slice(0, rows), origins, halted);
    expect([...(await gpu.read(tensors.status, 'u32'))]).toEqual(
      [...want.states, ...states.slice(rows)].flatMap((state, row) => [row + 1, state]),
    );
    expect([...(await gpu.read(tensors.finished, 'u32'))]).toEqual([40 + want.ended]);
  });

  test('refuses halts of other rows', async () => {
    const gpu = await openTestGpu();
    const u32 = (name: string, shape: number[]) => gpu.tensor(name, shape, 'u32', 'rollout');
    const tensors = {
      halts: u32('halts', [3]),
      origin: u32('origin', [2]),
      status: u32('status', [2, 2]),
      finished: u32('finished', [1]),
    };
    expect(() => decodeStop(tensors, { rows: 2 })).toThrow(
      "decode-stop: halts must be (2), got (3) from 'halts'",
    );
  });
});
