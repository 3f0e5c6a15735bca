// Reads where a run stands from checkpoints of versions without an event log.
import * as v from 'valibot';
import type { ExperimentConfig } from '../config.ts';
import type { UpdateRecord } from '../results.ts';
import { accuracy, evaluation, seedResults, whole } from '../results-schema.ts';
import type { OlderRun } from '../run-folder/older-events.ts';
import { DamageError } from './appended-file.ts';
import { checked, recordSchema, standing, type Standing } from './standing.ts';

const shared = {
  seedIndex: whole,
  methodIndex: whole,
  iteration: whole,
  base: v.nullable(v.object({ accuracy: v.object({ ...accuracy, shipped: v.boolean() }) })),
  evaluations: v.record(v.string(), v.array(evaluation)),
  seeds: v.array(seedResults),
  warnings: v.array(v.string()),
  seconds: standing.entries.seconds,
  kernels: v.exactOptional(v.unknown()),
};
const second = v.object({
  ...shared,
  pretrained: whole,
  updates: whole,
  unjudged: v.object({ training: whole, evaluation: whole, updates: whole, reason: v.string() }),
  written: v.record(v.string(), v.object({ bytes: whole, sha256: v.string() })),
});
/** The progress of version 0.1.0, which kept everything in one place. */
const first = v.object({
  ...shared,
  records: v.array(recordSchema),
  unjudged: v.object({ training: whole, evaluation: whole, reason: v.string() }),
});

/** An older run without its records. The newer of the two layouts keeps the records in a file. */
export interface OlderProgress {
  readonly standing: Standing;
  readonly run: Omit<OlderRun, 'records'>;
  /** Undefined if `metrics.jsonl` holds the records. */
  readonly records: readonly UpdateRecord[] | undefined;
  /** PPO iterations done of the current method. */
  readonly iteration: number;
}

/**
 * @param where The checkpoint, for messages.
 * @throws DamageError naming file and field.
 */
export function readOlderProgress(
  value: unknown,
  layout: 1 | 2,
  of: {
    readonly config: ExperimentConfig;
    readonly seeds: readonly number[];
    readonly adapter: string;
    readonly host: string;
    readonly poolSize: number;
  },
  where: string,
): OlderProgress {
  const found = layout === 1 ? checked(first, value, where) : checked(second, value, where);
  const { seedIndex, methodIndex, iteration, unjudged } = found;
  const records = 'records' in found ? (found.records as unknown as UpdateRecord[]) : undefined;
  const { pretrained, written, updates } =
    'written' in found ? found : { pretrained: 0, written: {}, updates: found.records.length };
  if (iteration > updates) {
    throw new DamageError(`${where} is damaged: updates: ${updates} is out of range`);
  }
  const { reason } = unjudged;
  return {
    standing: {
      pretrained,
      updates,
      seconds: found.seconds,
      ...(found.kernels === undefined ? {} : { kernels: found.kernels }),
    },
    run: {
      ...of,
      base: found.base?.accuracy ?? null,
      evaluations: found.evaluations,
      summaries: found.seeds,
      warnings: found.warnings,
      unjudged: [
        { during: 'training', responses: unjudged.training, reason },
        { during: 'evaluation', responses: unjudged.evaluation, reason },
      ],
      written,
      place: { seedIndex, methodIndex },
    },
    records,
    iteration,
  };
}
