import { ConfigError } from '../config-error.ts';
import { type DrawnExperimentConfig, drawnConfig, type ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { adapterParameters, planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import type { TrainableState } from '../optim/trainable.ts';
import type { ModelDirectory, OpenModelFile } from '../model/model-directory.ts';
import { type PromptGroup } from '../model/packed-batch.ts';
import { heldParameters, type ParameterSource } from '../model/parameter-source.ts';
import { initialParameters, parameterLayout } from '../model/parameters.ts';
import type { GivenModelFacts } from '../results.ts';
import { SupervisedTrainer } from '../supervised/trainer.ts';
import type { CorpusSequence, Task, TaskShape } from '../tasks/task.ts';

/** A pretrained model, opened. Its numbers stay in its files until a network is loaded. */
export interface GivenModel {
  readonly directory: ModelDirectory;
  readonly openFile: OpenModelFile;
  /** SHA-256 of the names and contents of its files, which says which model it is. */
  readonly digest: string;
}

/**
 * What results say of a given model.
 *
 * @param adapter The adapters that are trained beside the model, if any.
 */
export function factsOf(
  { directory: { config }, digest }: GivenModel,
  adapter?: ExperimentConfig['adapter'],
): GivenModelFacts {
  const { architecture, layers, hiddenSize, heads } = config;
  const { count } = parameterLayout(config, 'lm');
  return {
    sha256: digest,
    architecture,
    layers,
    hiddenSize,
    heads,
    parameters: count,
    ...(adapter ? { adapterParameters: adapterParameters(config, planOf(adapter, config)) } : {}),
  };
}

/** The weights that every training of an experiment starts from. */
export interface Base {
  readonly source: ParameterSource;
  /** The numbers of a drawn model, which checkpoints hold; undefined for a given model. */
  readonly numbers: ReadonlyMap<string, Float32Array> | undefined;
  /** `GivenModel.digest`; undefined for a drawn model. */
  readonly digest: string | undefined;
}

/** The base of a drawn model, in memory. */
export const drawnBase = (numbers: ReadonlyMap<string, Float32Array>): Base => ({
  source: heldParameters(numbers),
  numbers,
  digest: undefined,
});

/** The base that is a given model: read from its files whenever a network is loaded. */
export const givenBase = ({ directory, digest }: GivenModel): Base => ({
  source: directory,
  numbers: undefined,
  digest,
});

/**
 * The decoder's config in an experiment. A drawn model has its shape from the config and its
 * vocabulary from the task.
 *
 * @param given The model that the config names.
 * @throws ConfigError if the config names a model that is not given.
 */
export function modelConfigOf(
  config: ExperimentConfig,
  task: TaskShape,
  given?: ModelConfig,
): ModelConfig {
  if (given) return given;
  return {
    architecture: 'llama',
    vocabSize: task.vocabularySize,
    ...drawnConfig(config, 'the shape of the decoder').model,
    qkvBias: false,
    qkNorm: false,
    maxPositions: task.maxPromptTokens + task.maxResponseTokens,
    bosTokenId: null,
    eosTokenIds: [...task.stopIds],
    padTokenId: null,
  };
}

/** The trainer for a base's pre-training. The caller destroys it. */
export function baseTrainer(
  gpu: Gpu,
  config: DrawnExperimentConfig,
  task: TaskShape,
): SupervisedTrainer {
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

/** A sequence of a corpus as a prompt with the response that is learnt. */
export const demonstration = ({ tokens, promptLength }: CorpusSequence): PromptGroup => ({
  prompt: tokens.subarray(0, promptLength),
  responses: [tokens.subarray(promptLength)],
});

/** Called after some updates of pre-training. */
export type PretrainProgress = (update: number, of: number, loss: number) => void;

/** The state of an unfinished base. */
export interface PretrainState {
  /** Number of updates done. */
  readonly update: number;
  readonly state: TrainableState;
}

/** How pre-training survives a stop. */
export interface PretrainKeeping {
  readonly from: PretrainState | undefined;
  /** Called after every update: whether to save now. */
  readonly due: () => boolean;
  /** Saves a state. Also called when `untilMayContinue` ends the training, unless nothing was done. */
  readonly save: (state: PretrainState) => Promise<void>;
}

/** Updates between two readbacks of the loss. */
const LOSS_EVERY = 20;

/**
 * Pre-trains a base on the task's corpus, from random weights.
 *
 * @param untilMayContinue Awaited before every update. False ends the training early, with undefined as result.
 * @throws ConfigError if the task has no corpus, so that its experiments start from a given model.
 * @throws NonFiniteError if the loss or the gradient is not finite.
 */
export async function pretrainBase(
  gpu: Gpu,
  config: DrawnExperimentConfig,
  task: Task,
  progress: PretrainProgress,
  untilMayContinue: () => Promise<boolean>,
  keeping?: PretrainKeeping,
): Promise<Map<string, Float32Array> | undefined> {
  const { base } = config;
  if (!task.corpus)
    throw new ConfigError(`task: ${task.name} has no corpus to pre-train a base on`);
  const trainer = baseTrainer(gpu, config, task);
  try {
    const from = keeping?.from;
    if (from) trainer.model.restore(from.state);
    else {
      trainer.model.reset(
        initialParameters(modelConfigOf(config, task), base.seed, base.initialScale),
      );
    }
    const save = async (update: number): Promise<void> => {
      // Reading the loss first finds a non-finite step before a checkpoint hides it.
      progress(update, base.updates, await trainer.loss());
      await keeping?.save({ update, state: await trainer.model.save() });
    };
    const first = from?.update ?? 0;
    for (let update = first; update < base.updates; update++) {
      if (!(await untilMayContinue())) {
        if (update > first) await save(update);
        return undefined;
      }
      const sequences = task.corpus(base.seed, update, base.sequencesPerUpdate);
      await trainer.step(sequences.map(demonstration));
      if (update % LOSS_EVERY === 0 || update === base.updates - 1) {
        progress(update + 1, base.updates, await trainer.loss());
      }
      if (update + 1 < base.updates && keeping?.due()) await save(update + 1);
    }
    return await trainer.model.weights.read();
  } finally {
    await gpu.queue.idle();
    trainer.destroy();
  }
}
