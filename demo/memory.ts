import { estimate, startsDrawn, type TaskShape } from '../src/index.ts';
import { bytes } from '../src/look/wording.ts';
import type { Choice } from './link.ts';

/**
 * The memory that a run will need, before its start.
 *
 * @param limits Limits of the adapter; undefined while they are unknown.
 * @throws AdapterError naming what does not fit, its bytes and the limit.
 */
export function describeMemory(choice: Choice, limits?: GPUSupportedLimits): string {
  const { config, given } = choice;
  const { run, pretraining } = estimate(
    config,
    limits,
    given && { task: shapeOf(choice), model: given.model.config },
  );
  const before =
    startsDrawn(config) && pretraining.total > run.total
      ? `; ${bytes(pretraining.total)} where its base has to be pre-trained first`
      : '';
  return `About ${bytes(run.total)} of GPU memory${before}.`;
}

/** The sizes of a dataset before it is open: prompts that are too long may still be left out. */
function shapeOf({ config: { task }, given }: Choice): TaskShape | undefined {
  if (task.name !== 'dataset' || !given) return undefined;
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
