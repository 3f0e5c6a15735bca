import { expect, test } from 'vitest';
import { compareBench } from '../../src/bench/compare.ts';
import type { BenchRecord } from '../../src/bench/record.ts';

const record = (name: string, runs: readonly [number, number, number]): BenchRecord => ({
  suite: 'train',
  name,
  shapes: { B: 2, T: 8 },
  adapter: 'a',
  host: 'node 20',
  runs: 3,
  firstMs: null,
  medianMs: runs[1],
  spreadMs: [runs[0], runs[2]],
  tokensPerSecond: 1,
  flops: 1,
  bytes: 1,
  roof: null,
});
const bench = (...records: BenchRecord[]) => ({
  schema: 1 as const,
  adapter: 'a',
  host: 'node 20',
  roofs: { matmulGigaflops: 1, copyGigabytes: 1 },
  records,
});
const earlier = (...records: BenchRecord[]) => ({
  schema: 1 as const,
  records: records.map((one) => ({ ...one, spreadMs: [...one.spreadMs] as [number, number] })),
});

test('a change counts where every run is slower or faster than every earlier one', () => {
  const before = [
    record('slower', [10, 12, 14]),
    record('faster', [10, 12, 14]),
    record('within', [10, 12, 14]),
    record('gone', [10, 12, 14]),
  ];
  const now = bench(
    record('slower', [15, 18, 30]),
    record('faster', [3, 6, 9]),
    record('within', [13, 20, 30]),
    record('new', [1, 1, 1]),
  );
  const found = compareBench(now, earlier(...before));
  expect(found.compared).toBe(3);
  expect(found.slower.map(({ record: { name }, ratio }) => [name, ratio])).toEqual([
    ['slower', 1.5],
  ]);
  expect(found.faster.map(({ record: { name }, ratio }) => [name, ratio])).toEqual([
    ['faster', 0.5],
  ]);
});

test('only the same shapes on the same adapter and host are compared', () => {
  const one = record('one', [1, 1, 1]);
  const slow = bench(record('one', [9, 9, 9]));
  expect(compareBench(slow, earlier(one)).slower).toHaveLength(1);
  // The order of shapes in a file says nothing.
  expect(compareBench(slow, earlier({ ...one, shapes: { T: 8, B: 2 } })).compared).toBe(1);
  for (const other of [{ shapes: { B: 4, T: 8 } }, { adapter: 'b' }, { host: 'deno 2' }]) {
    expect(compareBench(slow, earlier({ ...one, ...other })).compared).toBe(0);
  }
});
