import * as v from 'valibot';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import type { MethodName } from '../vocabulary/methods.ts';
import type { Evaluation, ExperimentResults, SeedResults, UpdateRecord } from '../results.ts';
import {
  accuracy,
  evaluation,
  finite,
  limSummary,
  orNaN,
  selection,
  whole,
} from '../results-schema.ts';
import { DamageError, type FileMark } from './appended-file.ts';

export type Selections = Partial<Record<MethodName, number[]>>;

/** Where a run stands; plain data, saved with every checkpoint, and not growing with its updates. */
export interface Progress {
  seedIndex: number;
  /** Index into the config's methods, FULL first. */
  methodIndex: number;
  /** PPO iterations of that method done. */
  iteration: number;
  /** Updates of the base's pre-training done, until there is a base. */
  pretrained: number;
  base: { accuracy: ExperimentResults['base'] } | null;
  evaluations: Partial<Record<MethodName, Evaluation[]>>;
  seeds: SeedResults[];
  /** Of the current seed, once FULL is done. */
  selections: Selections;
  /** Prompts of each method of the first seed. */
  sizes: Partial<Record<MethodName, number>>;
  /** PPO iterations of the whole run done: lines of `metrics.jsonl`. */
  updates: number;
  /** What a reader of the results must know, in sentences. */
  warnings: string[];
  /** Responses that no verdict was found for, and what the first of them met. */
  unjudged: { training: number; evaluation: number; updates: number; reason: string };
  /** Files of finished FULL passes, as they were written. */
  written: Record<string, FileMark>;
  /** Worked so far; pauses aside. */
  seconds: number;
  /** Forced when the run goes on, so that it computes the same bits; absent: the defaults. */
  kernels?: VariantChoices;
}

export const freshProgress = (): Progress => ({
  seedIndex: 0,
  methodIndex: 0,
  iteration: 0,
  pretrained: 0,
  base: null,
  evaluations: {},
  seeds: [],
  selections: {},
  sizes: {},
  updates: 0,
  warnings: [],
  unjudged: { training: 0, evaluation: 0, updates: 0, reason: '' },
  written: {},
  seconds: 0,
});

const seed = v.object({
  seed: whole,
  lim: limSummary,
  pool: selection,
  selections: v.record(v.string(), selection),
  scoreQuantiles: v.array(finite),
});
const record = v.object({
  seed: whole,
  method: v.string(),
  update: whole,
  epoch: whole,
  metrics: v.record(v.string(), orNaN),
});
const shared = {
  seedIndex: whole,
  methodIndex: whole,
  iteration: whole,
  base: v.nullable(v.object({ accuracy: v.object({ ...accuracy, shipped: v.boolean() }) })),
  evaluations: v.record(v.string(), v.array(evaluation)),
  seeds: v.array(seed),
  sizes: v.record(v.string(), whole),
  warnings: v.array(v.string()),
  seconds: v.pipe(finite, v.minValue(0)),
  // Looked at where they are forced: other adapters know other variants.
  kernels: v.exactOptional(v.unknown()),
};
const progress = v.object({
  ...shared,
  pretrained: whole,
  updates: whole,
  unjudged: v.object({ training: whole, evaluation: whole, updates: whole, reason: v.string() }),
  written: v.record(v.string(), v.object({ bytes: whole, sha256: v.string() })),
});
/** Of version 0.1.0, which kept everything in one place. */
const firstProgress = v.object({
  ...shared,
  selections: v.record(v.string(), v.array(whole)),
  records: v.array(record),
  unjudged: v.object({ training: whole, evaluation: whole, reason: v.string() }),
});

/** What a checkpoint's numbers must stay within. */
export interface ProgressBounds {
  readonly methods: readonly MethodName[];
  readonly seeds: readonly number[];
  readonly poolSize: number;
  readonly pretraining: number;
  /** PPO iterations of a method on so many prompts. */
  readonly length: (method: MethodName, prompts: number) => number;
}

/** Progress as a checkpoint tells it, and the records that its file holds itself. */
export interface ReadProgress {
  readonly progress: Progress;
  /** Undefined where `metrics.jsonl` holds them. */
  readonly records: readonly UpdateRecord[] | undefined;
}

/**
 * Checks what a checkpoint says of where its run stands.
 *
 * @param where Its file, for messages.
 * @throws DamageError naming file and field.
 */
export function readProgress(
  value: unknown,
  selected: ReadonlyMap<string, Uint32Array>,
  bounds: ProgressBounds,
  firstLayout: boolean,
  where: string,
): ReadProgress {
  if (!firstLayout) {
    const found = checked(progress, value, where);
    const selections = Object.fromEntries([...selected].map(([name, of]) => [name, [...of]]));
    // In the order of a run's own: equal progress is equal text.
    const read = Object.assign(freshProgress(), found, { selections }) as Progress;
    expectInBounds(read, bounds, where);
    return { progress: read, records: undefined };
  }
  const { records, ...found } = checked(firstProgress, value, where);
  const unjudgedUpdates = records.filter(({ metrics }) => (metrics['verifier_failures'] ?? 0) > 0);
  const read = Object.assign(freshProgress(), found, {
    updates: records.length,
    unjudged: { ...freshProgress().unjudged, ...found.unjudged, updates: unjudgedUpdates.length },
  }) as Progress;
  expectInBounds(read, bounds, where);
  return { progress: read, records: records as unknown as UpdateRecord[] };
}

/** A line of `metrics.jsonl`. @throws DamageError */
export function readRecord(line: string, where: string): UpdateRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new DamageError(`${where} is damaged: not JSON`, { cause });
  }
  return checked(record, value, where) as unknown as UpdateRecord;
}

function checked<Schema extends v.GenericSchema>(
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

function expectInBounds(
  { seedIndex, methodIndex, iteration, pretrained, updates, selections, sizes, ...rest }: Progress,
  { methods, seeds, poolSize, pretraining, length }: ProgressBounds,
  where: string,
): void {
  const expect = (holds: boolean, field: string, value: number): void => {
    if (!holds) throw new DamageError(`${where} is damaged: ${field}: ${value} is out of range`);
  };
  expect(seedIndex < seeds.length, 'seedIndex', seedIndex);
  expect(methodIndex < methods.length, 'methodIndex', methodIndex);
  expect(pretrained <= pretraining, 'pretrained', pretrained);
  const method = methods[methodIndex];
  const prompts = method === 'full' ? poolSize : ((method && selections[method]?.length) ?? 0);
  const most = method === undefined ? 0 : length(method, prompts);
  expect(iteration <= most, 'iteration', iteration);
  expect(iteration <= updates, 'updates', updates);
  const known = new Set<string>(methods);
  for (const [field, names] of Object.entries({
    selections,
    sizes,
    evaluations: rest.evaluations,
  })) {
    const stranger = Object.keys(names).find((name) => !known.has(name));
    if (stranger !== undefined) {
      throw new DamageError(
        `${where} is damaged: ${field}: '${stranger.slice(0, 50)}' is not trained`,
      );
    }
  }
  for (const [name, of] of Object.entries(selections)) {
    for (const prompt of of) expect(prompt < poolSize, `selections.${name}`, prompt);
  }
  // The first method makes the selections that the others need, once for every seed.
  const scored = seedIndex + (methodIndex > 0 ? 1 : 0);
  expect(rest.seeds.length === scored, 'seeds', rest.seeds.length);
  const missing = methodIndex > 0 && methods.some((name) => name !== 'full' && !selections[name]);
  if (missing) throw new DamageError(`${where} is damaged: selections: not all are there`);
}
