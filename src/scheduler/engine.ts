import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig } from '../model/config.ts';
import {
  PpoTrainer,
  type RewardMatrixTensors,
  type TaskLimits,
  type TrainerConfig,
} from '../ppo/trainer.ts';
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

/** What an engine's buffers follow from. */
export interface EngineShape {
  readonly model: ModelConfig;
  readonly config: TrainerConfig;
  readonly lengths: TaskLimits;
  /** Rows and columns of the reward matrix. */
  readonly prompts: number;
  readonly epochs: number;
}

/** Prompts of a config's pool: rows of its reward matrix. */
export const poolSizeOf = ({ task }: ExperimentConfig): number =>
  task.name === 'arithmetic' ? task.poolPrompts : task.prompts;

/** Allocates the engine of an experiment. */
export const createEngine = (gpu: Gpu, config: ExperimentConfig, task: Task): Engine =>
  buildEngine(gpu, {
    model: modelConfigOf(config, task),
    config,
    lengths: task,
    prompts: poolSizeOf(config),
    epochs: config.experiment.epochs,
  });

/** Token rows of prompts that are prefilled together, unless those of one rollout are more. */
const PREFILL_ROWS = 8192;

/** Allocates an engine of any shape. */
export function buildEngine(gpu: Gpu, shape: EngineShape): Engine {
  const { model, config, lengths } = shape;
  const size = [shape.prompts, shape.epochs];
  const matrix: RewardMatrixTensors = {
    accuracySums: gpu.tensor('accuracy sums', size, 'f32', 'rewards'),
    rewardSums: gpu.tensor('reward sums', size, 'f32', 'rewards'),
    samples: gpu.tensor('samples', size, 'u32', 'rewards'),
  };
  const trainer = new PpoTrainer(gpu, model, config, lengths, matrix);
  const { maxPromptTokens, maxResponseTokens } = lengths;
  const rows = config.rollout.prompts * config.rollout.samples;
  // Evaluation decodes one greedy answer per prompt, so prompts may be as many as rows.
  const together = Math.min(rows, Math.floor(PREFILL_ROWS / maxPromptTokens));
  const prompts = Math.max(config.rollout.prompts, together);
  const decoder = new Decoder(gpu, model, trainer.actor.weights, {
    rows,
    prompts,
    promptRows: prompts * maxPromptTokens,
    promptLength: maxPromptTokens,
    newTokens: maxResponseTokens,
  });
  return { matrix, trainer, decoder };
}
