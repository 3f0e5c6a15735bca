import type {
  Evaluation,
  ExperimentEvent,
  ExperimentResults,
  FileMark,
  SeedResults,
  UpdateRecord,
} from '../results.ts';
import { iterationsOf, trainingOrder } from '../run-plan.ts';
import type { ExperimentConfig } from '../config.ts';
import type { MethodName } from '../vocabulary/methods.ts';

export type Selections = Partial<Record<MethodName, readonly number[]>>;

type PhaseName = Extract<ExperimentEvent, { readonly type: 'phase' }>['phase'];

/** Where a run stands and what has come of it: nothing but what its events say. */
export interface Progress {
  seedIndex: number;
  /** Index into the methods in the order of training. */
  methodIndex: number;
  /** PPO iterations of that method done. */
  iteration: number;
  /** The phase told last. */
  phase: { readonly seed: number; readonly phase: PhaseName } | null;
  /** The seed whose pool was told last. */
  pool: number | null;
  base: ExperimentResults['base'] | null;
  evaluations: Partial<Record<MethodName, Evaluation[]>>;
  seeds: SeedResults[];
  /** Of the seed whose pool was told last, once FULL is done. */
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
}

export const freshProgress = (): Progress => ({
  seedIndex: 0,
  methodIndex: 0,
  iteration: 0,
  phase: null,
  pool: null,
  base: null,
  evaluations: {},
  seeds: [],
  selections: {},
  sizes: {},
  updates: 0,
  warnings: [],
  unjudged: { training: 0, evaluation: 0, updates: 0, reason: '' },
  written: {},
});

/** The run that events are told of. */
export interface ToldRun {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** Its pools. */
  readonly task: { readonly poolPrompts: number };
}

/**
 * Takes an event into the progress of its run.
 *
 * @throws RangeError where it is none of a run of that config and those seeds.
 */
export function advance(progress: Progress, event: ExperimentEvent, run: ToldRun): void {
  switch (event.type) {
    case 'phase': {
      const { seed, phase } = event;
      progress.phase = { seed, phase };
      if (phase === 'base' || phase === 'score' || phase === 'report') return;
      const seedIndex = placeIn(run.seeds, seed, 'seed');
      const methodIndex = placeIn(trainingOrder(run.config), phase, 'method');
      if (seedIndex !== progress.seedIndex || methodIndex !== progress.methodIndex) {
        Object.assign(progress, { seedIndex, methodIndex, iteration: 0 });
      }
      return;
    }
    case 'pool':
      placeIn(run.seeds, event.seed, 'seed');
      progress.pool = event.seed;
      progress.selections = {};
      return;
    case 'update': {
      expectNext(progress, event, run);
      progress.iteration = event.update;
      progress.updates++;
      if ((event.metrics['verifier_failures'] ?? 0) > 0) progress.unjudged.updates++;
      return;
    }
    case 'evaluation': {
      const { method } = event;
      if (method === 'base') {
        progress.base = baseOf(event);
        return;
      }
      placeIn(trainingOrder(run.config), method, 'method');
      (progress.evaluations[method] ??= []).push(evaluationOf(event));
      return;
    }
    case 'scores': {
      const { summary, selections, files } = event;
      expectSelections(selections, run);
      progress.selections = selections;
      if (progress.seeds.length === 0) {
        progress.sizes = { full: summary.pool.prompts };
        for (const [name, { length }] of Object.entries(selections)) {
          progress.sizes[name as MethodName] = length;
        }
      }
      progress.seeds.push(summary);
      Object.assign(progress.written, files);
      return;
    }
    case 'warning': {
      const { text, inResults, unjudged } = event;
      if (inResults) progress.warnings.push(text);
      if (!unjudged) return;
      progress.unjudged[unjudged.during] += unjudged.responses;
      progress.unjudged.reason ||= unjudged.reason;
      return;
    }
    default:
  }
}

/**
 * How far a run is.
 *
 * @param updates PPO iterations done, of `total`.
 * @param pace Seconds of one.
 * @param metrics Of the last one.
 */
export const progressEvent = (
  updates: number,
  total: number,
  pace: number,
  metrics: UpdateRecord['metrics'],
): ExperimentEvent => ({
  type: 'progress',
  fraction: Math.min(1, updates / total),
  eta: Math.max(0, total - updates) * pace,
  tokensPerSecond: metrics['tokens_per_second'] ?? 0,
  stepMs: metrics['step_ms'] ?? 0,
});

type EvaluationEvent = Extract<ExperimentEvent, { readonly type: 'evaluation' }>;

const evaluationOf = ({
  type: _type,
  method: _method,
  shipped: _shipped,
  ...evaluation
}: EvaluationEvent): Evaluation => evaluation;

const baseOf = ({
  type: _type,
  method: _method,
  seed: _seed,
  update: _update,
  samples: _samples,
  shipped = false,
  ...accuracy
}: EvaluationEvent): ExperimentResults['base'] => ({ ...accuracy, shipped });

/** @throws RangeError where an update is not the next one of the method that is being trained. */
function expectNext(
  { seedIndex, methodIndex, iteration, selections }: Progress,
  { seed, method, update }: Extract<ExperimentEvent, { readonly type: 'update' }>,
  { config, seeds, task }: ToldRun,
): void {
  const prompts = method === 'full' ? task.poolPrompts : (selections[method] ?? []).length;
  const due =
    seeds[seedIndex] === seed &&
    trainingOrder(config)[methodIndex] === method &&
    update === iteration + 1 &&
    update <= iterationsOf(config, method, prompts);
  if (!due) throw new RangeError(`update ${update} of ${method}, seed ${seed}, was not due`);
}

/** @throws RangeError unless every method but FULL has prompts of the pool. */
function expectSelections(selections: Selections, { config, task }: ToldRun): void {
  const size = task.poolPrompts;
  const wanted = trainingOrder(config).filter((method) => method !== 'full');
  if (String(Object.keys(selections).sort()) !== String([...wanted].sort())) {
    throw new RangeError(`selections of ${Object.keys(selections).join(', ')}`);
  }
  for (const [method, prompts] of Object.entries(selections)) {
    const stranger = prompts.find((prompt) => prompt >= size);
    if (stranger !== undefined) {
      throw new RangeError(`${method}: prompt ${stranger} is not in the pool of ${size}`);
    }
  }
}

function placeIn<Item extends string | number>(
  list: readonly Item[],
  item: Item,
  what: string,
): number {
  const place = list.indexOf(item);
  if (place < 0) throw new RangeError(`${what} ${item} is none of ${list.join(', ')}`);
  return place;
}
