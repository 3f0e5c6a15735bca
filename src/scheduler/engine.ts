import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { PpoTrainer, type RewardMatrixTensors } from '../ppo/trainer.ts';
import { Decoder } from '../rollout/decoder.ts';
import type { Task } from '../tasks/task.ts';
import { modelConfigOf } from './base.ts';

/** All that an experiment keeps on the device, from its start to its end. */
export interface Engine {
  readonly matrix: RewardMatrixTensors;
  readonly trainer: PpoTrainer;
  /** Samples from the trainer's actor. */
  readonly decoder: Decoder;
}

/** Prompts of a config's pool: rows of its reward matrix. */
export const poolSizeOf = ({ task }: ExperimentConfig): number =>
  task.name === 'arithmetic' ? task.poolPrompts : task.prompts;

/** Allocates the engine of an experiment. */
export function createEngine(gpu: Gpu, config: ExperimentConfig, task: Task): Engine {
  const model = modelConfigOf(config, task);
  const prompts = poolSizeOf(config);
  const { epochs } = config.experiment;
  const matrix: RewardMatrixTensors = {
    accuracySums: gpu.tensor('accuracy sums', [prompts, epochs], 'f32', 'rewards'),
    rewardSums: gpu.tensor('reward sums', [prompts, epochs], 'f32', 'rewards'),
    samples: gpu.tensor('samples', [prompts, epochs], 'u32', 'rewards'),
  };
  const trainer = new PpoTrainer(gpu, model, config, task, matrix);
  const rows = config.rollout.prompts * config.rollout.samples;
  const decoder = new Decoder(gpu, model, trainer.actor.weights, {
    rows,
    // Evaluation decodes one greedy answer per prompt, so prompts may be as many as rows.
    prompts: rows,
    promptRows: rows * task.maxPromptTokens,
    promptLength: task.maxPromptTokens,
    newTokens: task.maxResponseTokens,
  });
  return { matrix, trainer, decoder };
}
