import * as v from 'valibot';
import type { UpdateRecord } from '../results.ts';
import { finite, orNaN, whole } from '../results-schema.ts';
import { DamageError } from './appended-file.ts';

export const standing = v.object({
  pretrained: whole,
  updates: whole,
  seconds: v.pipe(finite, v.minValue(0)),
  // `KernelTrust.force` checks this field, as other adapters know other variants.
  kernels: v.exactOptional(v.unknown()),
});

/**
 * The facts about a run that a checkpoint states and no event does. They do not grow with the run.
 */
export interface Standing {
  /** Pre-training updates done, until there is a base. */
  readonly pretrained: number;
  /** PPO iterations done in the whole run, which are the lines of `metrics.jsonl`. */
  readonly updates: number;
  /** Working time so far, without pauses. */
  readonly seconds: number;
  /**
   * The kernel variants that a resume forces, to compute the same bits; absent for the defaults.
   */
  readonly kernels?: unknown;
}

/**
 * Parses the facts of a checkpoint.
 *
 * @param where The checkpoint, for messages.
 * @throws DamageError naming file and field.
 */
export const readStanding = (value: unknown, where: string): Standing =>
  checked(standing, value, where);

export const recordSchema = v.object({
  seed: whole,
  method: v.string(),
  update: whole,
  epoch: whole,
  metrics: v.record(v.string(), orNaN),
  online: v.exactOptional(
    v.object({
      turns: whole,
      groups: v.array(
        v.object({ prompt: whole, samples: whole, right: whole, trained: v.boolean() }),
      ),
      narrowed: v.exactOptional(v.array(whole)),
    }),
  ),
});

/** Parses a line of `metrics.jsonl`. @throws DamageError */
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
