import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig } from '../model/config.ts';
import { initialParameters } from '../model/parameters.ts';
import { SupervisedTrainer } from '../supervised/trainer.ts';
import { corpusOf } from '../tasks/registry.ts';
import type { Task } from '../tasks/task.ts';

/** The decoder of an experiment: the config's shape with the task's vocabulary. */
export function modelConfigOf(config: ExperimentConfig, task: Task): ModelConfig {
  return {
    architecture: 'llama',
    vocabSize: task.tokenizer.size,
    ...config.model,
    qkvBias: false,
    qkNorm: false,
    maxPositions: task.maxPromptTokens + task.maxResponseTokens,
    bosTokenId: null,
    eosTokenIds: task.endToken === undefined ? [] : [task.endToken],
    padTokenId: null,
  };
}

/**
 * What a base depends on, as canonical text: its model, its pre-training and the corpus, but not
 * the pool. Two experiments with the same text start from the same base.
 */
export function baseIdentity(config: ExperimentConfig): string {
  const { task, model, base } = config;
  return JSON.stringify({ corpus: corpusOf(task), model, base });
}

/** What a base is pre-trained with. Destroy it when done. */
export function baseTrainer(gpu: Gpu, config: ExperimentConfig, task: Task): SupervisedTrainer {
  const count = config.base.sequencesPerUpdate;
  const { maxPromptTokens, maxResponseTokens } = task;
  return new SupervisedTrainer(gpu, modelConfigOf(config, task), config.base.optimizer, {
    capacity: {
      rows: count * (maxPromptTokens + maxResponseTokens - 1),
      actions: count * maxResponseTokens,
      sequences: count,
    },
    positions: maxPromptTokens + maxResponseTokens,
    checkpointing: config.gradientCheckpointing ?? false,
  });
}

/** Told after some updates of pre-training. */
export type PretrainProgress = (update: number, of: number, loss: number) => void;

/** Updates between two looks at the loss: each is a readback. */
const LOSS_EVERY = 20;

/**
 * Pre-trains a base on the task's corpus from drawn weights.
 *
 * @param gate Awaited before every update; false ends the training early with undefined.
 * @throws NonFiniteError when the loss or the gradient is not finite.
 */
export async function pretrainBase(
  gpu: Gpu,
  config: ExperimentConfig,
  task: Task,
  progress: PretrainProgress,
  gate: () => Promise<boolean>,
): Promise<Map<string, Float32Array> | undefined> {
  const { base } = config;
  const trainer = baseTrainer(gpu, config, task);
  try {
    trainer.model.reset(
      initialParameters(modelConfigOf(config, task), base.seed, base.initialScale),
    );
    for (let update = 0; update < base.updates; update++) {
      if (!(await gate())) return undefined;
      const sequences = task.corpus(base.seed, update, base.sequencesPerUpdate);
      await trainer.step(
        sequences.map(({ tokens, promptLength }) => ({
          prompt: tokens.subarray(0, promptLength),
          responses: [tokens.subarray(promptLength)],
        })),
      );
      if (update % LOSS_EVERY === 0 || update === base.updates - 1) {
        progress(update + 1, base.updates, await trainer.loss());
      }
    }
    return await trainer.model.weights.read();
  } finally {
    await gpu.queue.idle();
    trainer.destroy();
  }
}
