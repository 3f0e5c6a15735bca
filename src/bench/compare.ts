import * as v from 'valibot';
import type { BenchRecord } from './record.ts';
import type { BenchResult } from './run.ts';

const time = v.pipe(v.number(), v.minValue(0));

const recordSchema = v.object({
  suite: v.string(),
  name: v.string(),
  shapes: v.record(v.string(), v.number()),
  adapter: v.string(),
  host: v.string(),
  medianMs: time,
  spreadMs: v.tuple([time, time]),
});

/** The parts of an earlier `bench.json` that a comparison reads. */
export const earlierSchema = v.object({ schema: v.literal(1), records: v.array(recordSchema) });
export type EarlierBench = v.InferOutput<typeof earlierSchema>;

/** A benchmark whose runs were all slower, or all faster, than all runs of the earlier one. */
export interface Change {
  readonly record: BenchRecord;
  readonly earlierMs: number;
  /** New median over old. */
  readonly ratio: number;
}

export interface Comparison {
  /** Benchmarks found in both, with the same adapter and host. */
  readonly compared: number;
  readonly slower: readonly Change[];
  readonly faster: readonly Change[];
}

/**
 * Compares the benchmarks that both have. A change counts only if it is larger than the spread of
 * either.
 */
export function compareBench(now: BenchResult, earlier: EarlierBench): Comparison {
  const key = ({ suite, name, shapes, adapter, host }: EarlierBench['records'][number]): string =>
    JSON.stringify([suite, name, Object.entries(shapes).sort(), adapter, host]);
  const before = new Map(earlier.records.map((record) => [key(record), record]));
  const changes = now.records.flatMap((record) => {
    const old = before.get(
      key({ ...record, shapes: { ...record.shapes }, spreadMs: [...record.spreadMs] }),
    );
    if (!old) return [];
    return { record, old, earlierMs: old.medianMs, ratio: record.medianMs / old.medianMs };
  });
  return {
    compared: changes.length,
    slower: changes.filter(({ record, old }) => record.spreadMs[0] > old.spreadMs[1]),
    faster: changes.filter(({ record, old }) => record.spreadMs[1] < old.spreadMs[0]),
  };
}
