import type {
  BaseAnswers,
  Evaluation,
  ExperimentEvent,
  ExperimentResults,
  FileMark,
  Probe,
  SeedResults,
  UpdateRecord,
} from '../results.ts';
import { iterationsOf, promptsOf, trainingOrder } from '../run-plan.ts';
import type { ExperimentConfig } from '../config.ts';
import {
  type ByMethod,
  methodEntries,
  selectionOf,
  type MethodName,
} from '../selection/methods.ts';
import type { OnlineUpdate } from '../selection/online.ts';

export type Selections = Partial<Record<MethodName, readonly number[]>>;

type PhaseName = Extract<ExperimentEvent, { readonly type: 'phase' }>['phase'];

/** The position and the results of a run so far, as its events tell them. */
export interface Progress {
  seedIndex: number;
  /** Index into the methods in training order. */
  methodIndex: number;
  /** PPO iterations done of that method. */
  iteration: number;
  /** The iterations of the online method under way; empty for other methods. */
  online: OnlineUpdate[];
  /** The phase of the last event about a phase. */
  phase: { readonly seed: number; readonly phase: PhaseName } | null;
  /** The seed of the last event about a pool. */
  pool: number | null;
  base: ExperimentResults['base'] | null;
  probe: Probe | null;
  /** The base's answers to the prompts of the seed `pool`, once they were sampled. */
  answers: BaseAnswers | null;
  evaluations: Partial<Record<MethodName, Evaluation[]>>;
  seeds: SeedResults[];
  /** The selections for the seed `pool`, once FULL is done. */
  selections: Selections;
  /** Number of prompts of each method for the first seed. */
  sizes: Partial<Record<MethodName, number>>;
  /** PPO iterations done in the whole run, which are the lines of `metrics.jsonl`. */
  updates: number;
  /** Sentences that a reader of the results must know. */
  warnings: string[];
  /** Responses without a verdict, and why the first of them has none. */
  unjudged: { training: number; evaluation: number; updates: number; reason: string };
  /** Marks of the files of finished FULL passes. */
  written: Record<string, FileMark>;
}

export const freshProgress = (): Progress => ({
  seedIndex: 0,
  methodIndex: 0,
  iteration: 0,
  online: [],
  phase: null,
  pool: null,
  base: null,
  probe: null,
  answers: null,
  evaluations: {},
  seeds: [],
  selections: {},
  sizes: {},
  updates: 0,
  warnings: [],
  unjudged: { training: 0, evaluation: 0, updates: 0, reason: '' },
  written: {},
});

/** The run that the events belong to. */
export interface ToldRun {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** The size of its pools. */
  readonly task: { readonly poolPrompts: number };
  /** Rows that each supervised method learns. */
  readonly rows: ByMethod<number>;
}

/**
 * Updates the progress of a run by an event.
 *
 * @throws RangeError if the event cannot belong to a run of that config and those seeds.
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
        Object.assign(progress, { seedIndex, methodIndex, iteration: 0, online: [] });
      }
      return;
    }
    case 'pool':
      placeIn(run.seeds, event.seed, 'seed');
      progress.pool = event.seed;
      progress.answers = null;
      progress.selections = {};
      return;
    case 'probe':
      progress.probe = probeOf(event);
      return;
    case 'answers': {
      const { seed, samples, right, formatted } = event;
      const fits = (counts: readonly number[]): boolean =>
        counts.length === run.task.poolPrompts && counts.every((count) => count <= samples);
      if (seed !== progress.pool || !fits(right) || !fits(formatted)) {
        throw new RangeError(`answers to ${right.length} prompts of seed ${seed} were not due`);
      }
      progress.answers = { samples, right, formatted };
      return;
    }
    case 'update': {
      expectNext(progress, event, run);
      progress.iteration = event.update;
      progress.updates++;
      if (event.online) progress.online.push(event.online);
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
        progress.sizes = { full: summary.pool.prompts, ...run.rows };
        for (const [name, { length }] of methodEntries(selections)) progress.sizes[name] = length;
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

const probeOf = ({
  type: _type,
  seed: _seed,
  ...found
}: Extract<ExperimentEvent, { readonly type: 'probe' }>): Probe => found;

const baseOf = ({
  type: _type,
  method: _method,
  seed: _seed,
  update: _update,
  samples: _samples,
  shipped = false,
  ...accuracy
}: EvaluationEvent): ExperimentResults['base'] => ({ ...accuracy, shipped });

/** @throws RangeError if an update is not the next one of the current method. */
function expectNext(
  { seedIndex, methodIndex, iteration, selections }: Progress,
  { seed, method, update }: Extract<ExperimentEvent, { readonly type: 'update' }>,
  { config, seeds, task, rows }: ToldRun,
): void {
  const sizes = { [method]: rows[method] ?? (selections[method] ?? []).length };
  const prompts = promptsOf(method, task.poolPrompts, sizes) ?? 0;
  const due =
    seeds[seedIndex] === seed &&
    trainingOrder(config)[methodIndex] === method &&
    update === iteration + 1 &&
    update <= iterationsOf(config, method, prompts);
  if (!due) throw new RangeError(`update ${update} of ${method}, seed ${seed}, was not due`);
}

/** @throws RangeError unless every method that chooses before it trains has prompts of the pool. */
function expectSelections(selections: Selections, { config, task }: ToldRun): void {
  const size = task.poolPrompts;
  const wanted = trainingOrder(config).filter((method) => selectionOf(method));
  if (String(Object.keys(selections).sort()) !== String([...wanted].sort())) {
    throw new RangeError(`selections of ${Object.keys(selections).join(', ')}`);
  }
  for (const [method, prompts] of methodEntries(selections)) {
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
