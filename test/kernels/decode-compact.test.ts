import { describe, expect, test } from 'vitest';
import { decodeCompact } from '../../kernels/decode-compact.ts';
import { decodeCompactReference } from '../reference/decode-compact.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';

const roles = [
  'status',
  'episodes',
  'current',
  'positions',
  'tokens',
  'logprobs',
  'origin',
] as const;
const widths = {
  status: 2,
  episodes: 6,
  current: 1,
  positions: 1,
  tokens: 3,
  logprobs: 3,
  origin: 1,
};

describe('decode-compact', () => {
  test.each<[string, number, number, (row: number) => boolean]>([
    ['nothing has finished', 5, 5, () => true],
    ['all have finished', 70, 70, () => false],
    ['the last one runs', 67, 67, (row) => row === 66],
    ['the first half has finished', 130, 130, (row) => row >= 65],
    ['the second half has finished', 130, 130, (row) => row < 65],
    ['here and there, in part of the rows', 300, 257, (row) => (row * 7919) % 13 < 5],
    ['one row', 1, 1, () => true],
  ])('%s', async (_, capacity, rows, isRunning) => {
    const gpu = await openTestGpu();
    const running = Array.from({ length: rows }, (_row, row) => isRunning(row));
    // Every number tells its row, role and column; behind the rows in use, any row runs.
    const data = roles.map((role, r) =>
      Array.from({ length: capacity * widths[role] }, (_entry, i) => {
        const row = Math.floor(i / widths[role]);
        if (role === 'status' && i % 2 === 1) return running[row] ? 0 : 1 + (row % 2);
        return row * 1000 + r * 10 + (i % widths[role]);
      }),
    );
    const tensors = Object.fromEntries(
      roles.map((role, r) => [
        role,
        tensorOf(
          gpu,
          role,
          data[r],
          widths[role] === 1 ? [capacity] : [capacity, widths[role]],
          role === 'logprobs' ? 'f32' : 'u32',
        ),
      ]),
    ) as Record<(typeof roles)[number], ReturnType<typeof tensorOf>>;
    const partner = tensorOf(gpu, 'partner', new Uint32Array(capacity));
    await run(gpu, [decodeCompact({ ...tensors, partner }, { rows })]);

    const places = decodeCompactReference(running);
    for (let row = rows; row < capacity; row++) places.push(row);
    for (const [r, role] of roles.entries()) {
      const width = widths[role];
      const got =
        role === 'logprobs'
          ? await gpu.read(tensors[role], 'f32')
          : await gpu.read(tensors[role], 'u32');
      const want = places.flatMap((row) => data[r].slice(row * width, (row + 1) * width));
      expect([...got], role).toEqual(want);
    }
    const count = running.filter(Boolean).length;
    expect([...(await gpu.read(partner, 'u32'))].slice(0, count)).toEqual(places.slice(0, count));
  });

  test('refuses state of other rows', async () => {
    const gpu = await openTestGpu();
    const tensors = Object.fromEntries(
      [...roles, 'partner' as const].map((role) => {
        const width = role === 'partner' ? 1 : widths[role];
        const rows = role === 'origin' ? 4 : 3;
        const dtype = role === 'logprobs' ? 'f32' : 'u32';
        return [role, gpu.tensor(role, width === 1 ? [rows] : [rows, width], dtype, 'rollout')];
      }),
    ) as Parameters<typeof decodeCompact>[0];
    expect(() => decodeCompact(tensors, { rows: 3 })).toThrow(
      "decode-compact: origin must be (3), got (4) from 'origin'",
    );
  });
});
