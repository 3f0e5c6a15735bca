import type { ExperimentConfig } from '../config.ts';
import { AdapterError } from '../gpu/device.ts';
import { bytesText, type MemoryLimits, type MemoryPurpose } from '../gpu/memory.ts';
import type { ModelConfig } from '../model/config.ts';
import { trainerCapacity } from '../ppo/trainer.ts';
import { MemoryError } from '../rollout/batches.ts';
import type { TaskShape } from '../tasks/task.ts';
import { estimateBuffers, type MemoryUse } from './estimate.ts';
import { type BuffersShape, type MemoryChoices, rolloutRows } from './experiment-buffers.ts';

/** What a run may take. */
export interface MemoryBudget {
  /** Bytes of GPU buffers. */
  readonly memory: number;
  readonly limits: MemoryLimits;
}

/** How training is laid out within a budget. */
export interface MemoryPlan extends MemoryUse {
  /** False if the budget is too small; the plan is then the one that takes least. */
  readonly fits: boolean;
  readonly choices: {
    readonly [Choice in keyof MemoryChoices]-?: NonNullable<MemoryChoices[Choice]>;
  };
}

/** Token rows of a pass that keep any adapter busy. */
const MICRO_ROWS = 4096;

/**
 * Finds how training fits into memory. Every layout that it looks at is built on a device that only
 * counts, so its bytes are those that a run allocates. Each layout is counted once, whatever the
 * number of budgets.
 */
export class MemoryPlanner {
  readonly #shape: BuffersShape;
  readonly #limits: MemoryLimits;
  /** Ascending. */
  readonly #rows: readonly number[];
  /** Limits on the rows of a pass: the wanted one, and the least possible if it is smaller. */
  readonly #microRows: readonly number[];
  readonly #counted = new Map<string, MemoryUse | AdapterError>();

  /** @param shape Its own choices are ignored. */
  constructor(shape: BuffersShape, limits: MemoryLimits) {
    this.#shape = shape;
    this.#limits = limits;
    const most = rolloutRows(shape.config);
    const powers = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, power) => 2 ** power);
    this.#rows = [...powers, most];
    const rowsOf = (microRows: number): number =>
      trainerCapacity(shape.config, { ...shape.lengths, microRows }).micro.rows;
    this.#microRows = [...new Set([rowsOf(MICRO_ROWS), rowsOf(1)])];
  }

  /**
   * The most rows that decode together in a budget. Gradient checkpointing is off where it costs no
   * row, unless the config asks for it. Passes are shorter than `MICRO_ROWS` only where nothing else
   * fits: unlike the other choices, they change the order of sums.
   *
   * @param memory Bytes of GPU buffers.
   * @throws AdapterError if the device cannot bind a buffer that every layout needs.
   */
  plan(memory: number): MemoryPlan {
    for (const microRows of this.#microRows) {
      const largest = this.#largest(memory, { microRows, gradientCheckpointing: true });
      if (!largest) continue;
      if (this.#shape.config.gradientCheckpointing ?? false) return largest;
      const kept = { ...largest.choices, gradientCheckpointing: false };
      return this.#within(memory, kept) ?? largest;
    }
    const choices = {
      rowsTogether: this.#rows[0] ?? 1,
      microRows: Math.min(...this.#microRows),
      gradientCheckpointing: true,
    };
    const least = this.#count(choices);
    if (least instanceof AdapterError) throw least;
    return { ...least, choices, fits: false };
  }

  #largest(
    memory: number,
    others: Omit<MemoryPlan['choices'], 'rowsTogether'>,
  ): MemoryPlan | undefined {
    let best: MemoryPlan | undefined;
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const plan = this.#within(memory, { ...others, rowsTogether: this.#rows[middle] ?? 1 });
      if (plan) [best, low] = [plan, middle + 1];
      else high = middle;
    }
    return best;
  }

  #within(memory: number, choices: MemoryPlan['choices']): MemoryPlan | undefined {
    const use = this.#count(choices);
    if (use instanceof AdapterError || use.total > memory) return undefined;
    return { ...use, choices, fits: true };
  }

  #count(choices: MemoryPlan['choices']): MemoryUse | AdapterError {
    const key = JSON.stringify(choices);
    let found = this.#counted.get(key);
    if (!found) {
      try {
        found = estimateBuffers({ ...this.#shape, ...choices }, this.#limits);
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error;
        found = error;
      }
      this.#counted.set(key, found);
    }
    return found;
  }
}

/** What an experiment is to be opened with, and a sentence about it. */
export interface PlannedRun extends MemoryPlan {
  readonly sentence: string;
}

/**
 * Lays an experiment out within a budget.
 *
 * @param model The model that the experiment trains.
 * @throws MemoryError, in bytes, if the budget is too small; AdapterError if the device cannot bind
 *   a buffer that the experiment needs.
 */
export function planRun(
  config: ExperimentConfig,
  model: ModelConfig,
  task: TaskShape,
  { memory, limits }: MemoryBudget,
): PlannedRun {
  const shape = {
    model,
    config,
    lengths: task,
    prompts: task.poolPrompts,
    epochs: config.experiment.epochs,
  };
  const plan = new MemoryPlanner(shape, limits).plan(memory);
  if (plan.fits) return { ...plan, sentence: planText(plan, memory) };
  const [first, second] = largestPurposes(plan);
  throw new MemoryError(
    `training needs ${bytesText(plan.total)} with one response decoded at a time, of which ` +
      `${first ?? ''} and ${second ?? ''}; there are ${bytesText(memory)}: ` +
      'shorter prompts or responses help, adapters instead of all parameters, or a smaller model',
  );
}

/** A plan in one sentence. @param memory The budget, in bytes. */
export function planText({ total, choices }: MemoryPlan, memory: number): string {
  const { rowsTogether, microRows, gradientCheckpointing } = choices;
  return (
    `GPU memory: ${bytesText(total)} of ${bytesText(memory)}; rows that decode together: ` +
    `${rowsTogether}, tokens of a pass: ${microRows}, gradient checkpointing ` +
    (gradientCheckpointing ? 'on' : 'off')
  );
}

/** The purposes of most bytes first, as `weights 1.20 GiB`. */
const largestPurposes = ({ byPurpose }: MemoryUse): string[] =>
  (Object.entries(byPurpose) as [MemoryPurpose, number][])
    .sort(([, a], [, b]) => b - a)
    .map(([purpose, bytes]) => `${purpose} ${bytesText(bytes)}`);
