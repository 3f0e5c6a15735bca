import { ConfigError, datasetTask, estimate, planRun, type TaskShape } from '../src/index.ts';
import type { Choice } from './link.ts';
import { formText } from './strings/form.ts';

/** The memory that a run will need. */
export interface NeededMemory {
  /** Bytes. */
  readonly total: number;
  readonly sentence: string;
}

/**
 * The memory that a run will need, before its start; undefined while nobody can tell.
 *
 * @param limits Limits of the adapter; undefined while they are unknown.
 * @throws AdapterError naming what does not fit, its bytes and the limit; MemoryError if a run that is
 *   given a budget does not fit into it; ConfigError if the budget is no number.
 */
export function describeMemory(
  choice: Choice,
  limits?: GPUSupportedLimits,
): NeededMemory | undefined {
  const words = formText.peek();
  const { config, given } = choice;
  const task = shapeOf(choice);
  if (given && task) {
    const { memory, model } = given;
    if (!(memory > 0)) throw new ConfigError('the memory that the run may take is no number');
    // What it takes depends on the adapter.
    if (!limits) return undefined;
    const { total, choices } = planRun(config, model.config, task, { memory, limits });
    return { total, sentence: words.ownMemory(total, memory, choices) };
  }
  const { run, pretraining } = estimate(config, limits);
  const { total } = pretraining;
  const sentence = words.memory(run.total, total > run.total ? total : undefined);
  return { total: run.total, sentence };
}

/** The sizes of a dataset before it is open: prompts that are too long may still be left out. */
function shapeOf({ config: { task }, given }: Choice): TaskShape | undefined {
  if (task.name !== datasetTask || !given) return undefined;
  const { maxPromptTokens, maxResponseTokens, stopStrings, lastBatch = 'drop' } = task;
  const { vocabSize, eosTokenIds } = given.model.config;
  return {
    vocabularySize: vocabSize,
    stopIds: eosTokenIds,
    ...(stopStrings ? { stopStrings } : {}),
    maxPromptTokens,
    maxResponseTokens,
    poolPrompts: given.prompts,
    lastBatch,
  };
}
