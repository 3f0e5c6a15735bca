import * as v from 'valibot';
import type { UpdateRecord } from '../results.ts';
import { finite, orNaN, whole } from '../results-schema.ts';
import { DamageError } from './appended-file.ts';

export const standing = v.object({
  pretrained: whole,
  updates: whole,
  seconds: v.pipe(finite, v.minValue(0)),
  // Looked at where they are forced: other adapters know other variants.
  kernels: v.exactOptional(v.unknown()),
});

/** What a checkpoint says of its run that no event does. It does not grow with the run. */
export interface Standing {
  /** Updates of the base's pre-training done, until there is a base. */
  readonly pretrained: number;
  /** PPO iterations of the whole run done: lines of `metrics.jsonl`. */
  readonly updates: number;
  /** Worked so far; pauses aside. */
  readonly seconds: number;
  /** Forced when the run goes on, so that it computes the same bits; absent: the defaults. */
  readonly kernels?: unknown;
}

/** @param where The checkpoint, for messages. @throws DamageError naming file and field. */
export const readStanding = (value: unknown, where: string): Standing =>
  checked(standing, value, where);

export const recordSchema = v.object({
  seed: whole,
  method: v.string(),
  update: whole,
  epoch: whole,
  metrics: v.record(v.string(), orNaN),
});

/** A line of `metrics.jsonl`. @throws DamageError */
export function readRecord(line: string, where: string): UpdateRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new DamageError(`${where} is damaged: not JSON`, { cause });
  }
  return checked(recordSchema, value, where) as unknown as UpdateRecord;
}

/** @throws DamageError naming file and field. */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  throw new DamageError(
    `${where} is damaged: ${path === null ? '' : `${path.slice(0, 100)}: `}${issue.message.slice(0, 200)}`,
  );
}
