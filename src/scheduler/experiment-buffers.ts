import { bytesPerElement } from '../../kernels/lib/tensor.ts';
import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingElements, type MemoryLedger, type MemoryLimits } from '../gpu/memory.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import { type MemoryBlock, SharedMemory } from '../gpu/shared-memory.ts';
import { planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { FrozenStore } from '../model/frozen-store.ts';
import { adaptedOn } from '../model/load-parameters.ts';
import { parameterLayout, ParameterStore, trainedStorage } from '../model/parameters.ts';
import type { Weights } from '../model/weights.ts';
import { RewardRecorder } from '../ppo/reward-recorder.ts';
import {
  PpoTrainer,
  type RewardMatrixTensors,
  type TaskLimits,
  type TrainerConfig,
} from '../ppo/trainer.ts';
import { atMost, BatchedDecoder } from '../rollout/batched-decoder.ts';
import { Decoder, type DecoderCapacity } from '../rollout/decoder.ts';
import { longestTaught, onlineEpochs } from '../run-plan.ts';
import { isSupervised } from '../selection/methods.ts';
import { SupervisedUpdates } from '../supervised/updates.ts';
import type { TaskShape } from '../tasks/task.ts';
import { modelConfigOf } from './base.ts';

/** Everything that an experiment keeps on the device from start to end. */
export interface ExperimentBuffers {
  readonly matrix: RewardMatrixTensors;
  /** The matrix of the online method under way; undefined if no method is online. */
  readonly online:
    { readonly matrix: RewardMatrixTensors; readonly recorder: RewardRecorder } | undefined;
  readonly trainer: PpoTrainer;
  /** Supervised updates of the trainer's actor; undefined if no method is supervised. */
  readonly supervised: SupervisedUpdates | undefined;
  /** Samples responses with the trainer's actor. */
  readonly decoder: BatchedDecoder;
  /**
   * Memory that updates and rollouts use in turn. Neither needs the content that the other left.
   */
  readonly memory: SharedMemory;
  /** Frees all of them. */
  readonly destroy: () => void;
}

/** What the memory of a device decides about an experiment. */
export interface MemoryChoices {
  /**
   * Limit on the rows that decode together; it changes no result. Default: the rows of a rollout.
   */
  readonly rowsTogether?: number | undefined;
  /** Limit on the token rows of one pass of an update, as `TaskLimits` has it. */
  readonly microRows?: number | undefined;
  /** Replaces the config's; it changes no result. */
  readonly gradientCheckpointing?: boolean | undefined;
}

/** The sizes that determine an experiment's buffers. */
export interface BuffersShape extends MemoryChoices {
  readonly model: ModelConfig;
  readonly config: TrainerConfig &
    Pick<ExperimentConfig, 'cacheStorage'> &
    Partial<Pick<ExperimentConfig, 'sft' | 'experiment'>>;
  readonly lengths: TaskLimits & Pick<TaskShape, 'stopStrings'>;
  /** Rows and columns of the reward matrix. */
  readonly prompts: number;
  readonly epochs: number;
  /** Columns of the matrix of online methods; 0, the default, if there are none. */
  readonly onlineEpochs?: number;
}

/** What decides about an experiment's buffers beside its config. */
export interface BuffersOptions extends MemoryChoices {
  /** The model that the config names; a drawn model when left out. */
  readonly model?: ModelConfig | undefined;
}

/** Allocates the buffers of an experiment. */
export const allocateExperimentBuffers = (
  gpu: Gpu,
  config: ExperimentConfig,
  task: TaskShape,
  { model, ...choices }: BuffersOptions = {},
): ExperimentBuffers =>
  allocateBuffers(gpu, {
    ...choices,
    model: modelConfigOf(config, task, model),
    config,
    lengths: task,
    prompts: task.poolPrompts,
    epochs: config.experiment.epochs,
    onlineEpochs: onlineEpochs(config, task.poolPrompts),
  });

/** Number of responses in a rollout. As many rows decode together, if there is enough memory. */
export const rolloutRows = ({ rollout }: Pick<ExperimentConfig, 'rollout'>): number =>
  rollout.prompts * rollout.samples;

/** Most bytes of keys and values of prompts of one batch, unless a rollout needs more. */
const PROMPT_BYTES = 2 ** 28;

/** The largest batch of an experiment, and the capacity that the decoder is built with. */
function capacities({ model, config, lengths, rowsTogether }: BuffersShape): {
  readonly whole: DecoderCapacity;
  readonly capacity: DecoderCapacity;
} {
  const { maxPromptTokens, maxResponseTokens } = lengths;
  const rows = rolloutRows(config);
  const storedBytes = bytesPerElement[config.cacheStorage ?? 'f32'];
  const promptBytes =
    storedBytes * model.layers * 2 * model.kvHeads * model.headDim * maxPromptTokens;
  // Evaluation decodes one greedy answer per prompt, so a batch may have as many prompts as rows.
  const most = Math.floor(PROMPT_BYTES / promptBytes);
  const prompts = Math.max(config.rollout.prompts, Math.min(rows, most));
  const whole = {
    rows,
    prompts,
    promptRows: prompts * maxPromptTokens,
    promptLength: maxPromptTokens,
    newTokens: maxResponseTokens,
    cacheStorage: config.cacheStorage,
    ...((lengths.stopStrings ?? []).length > 0 ? { stopStrings: true } : {}),
  };
  if (rowsTogether === undefined || rowsTogether >= rows) return { whole, capacity: whole };
  const fewer = atMost(whole, rowsTogether);
  const groups = Math.max(1, Math.floor(rowsTogether / config.rollout.samples));
  const own = Math.min(fewer.prompts, Math.max(groups, most));
  return { whole, capacity: { ...fewer, prompts: own, promptRows: own * maxPromptTokens } };
}

/** Allocates buffers of any shape. */
export const allocateBuffers = (gpu: Gpu, shape: BuffersShape): ExperimentBuffers =>
  assemble(gpu, shape, counted(gpu.limits, shape).begin);

/**
 * Counts the buffers of any shape, and allocates none. @throws As `allocateBuffers` would.
 */
export const countBuffers = (limits: MemoryLimits, shape: BuffersShape): MemoryLedger =>
  counted(limits, shape).memory;

/** The buffers that shared memory is to begin with, and all buffers with them. */
function counted(
  limits: MemoryLimits,
  shape: BuffersShape,
): { readonly begin: readonly MemoryBlock[]; readonly memory: MemoryLedger } {
  const count = (begin: readonly MemoryBlock[]) => {
    const counting = phantomGpu(limits);
    assemble(counting, shape, begin);
    return { begin, memory: counting.memory };
  };
  // Turns reuse buffers of earlier turns, so the order of allocation changes the total. Take the
  // smaller total.
  const ofRollouts = count(rolloutBlocks(limits, shape));
  const ofUpdates = count([]);
  return ofRollouts.memory.total() < ofUpdates.memory.total() ? ofRollouts : ofUpdates;
}

/** The buffers that rollouts would allocate in memory of their own. */
function rolloutBlocks(limits: MemoryLimits, shape: BuffersShape): readonly MemoryBlock[] {
  const gpu = phantomGpu(limits);
  const { model, config } = shape;
  const memory = new SharedMemory(gpu, { alone: true });
  const { capacity } = capacities(shape);
  new Decoder(gpu, model, actorOf(gpu, model, config), capacity, memory.nextTurn());
  return memory.blocks;
}

/** A network of no particular numbers, as a config trains it: whole, or a base under adapters. */
function actorOf(
  gpu: Gpu,
  model: ModelConfig,
  { adapter, weightStorage: storage }: TrainerConfig,
): Weights {
  if (adapter) {
    const base = new FrozenStore(gpu, model, 'lm', 'base', { storage });
    return adaptedOn(gpu, base, planOf(adapter, model)).weights;
  }
  const layout = parameterLayout(model, 'lm', bindingElements(gpu.limits), trainedStorage(storage));
  return new ParameterStore(gpu, layout, 'actor', 'weights');
}

function matrixTensors(
  gpu: Gpu,
  prefix: string,
  size: readonly [number, number],
): RewardMatrixTensors {
  return {
    accuracySums: gpu.tensor(`${prefix}accuracy sums`, size, 'f32', 'rewards'),
    rewardSums: gpu.tensor(`${prefix}reward sums`, size, 'f32', 'rewards'),
    samples: gpu.tensor(`${prefix}samples`, size, 'u32', 'rewards'),
  };
}

function onlineBuffers(
  gpu: Gpu,
  { prompts, onlineEpochs: columns = 0, config: { rollout } }: BuffersShape,
): ExperimentBuffers['online'] {
  if (columns === 0) return undefined;
  const matrix = matrixTensors(gpu, 'online ', [prompts, columns]);
  return { matrix, recorder: new RewardRecorder(gpu, matrix, rollout) };
}

function supervisedUpdates(
  gpu: Gpu,
  { config, lengths }: BuffersShape,
  { actor }: PpoTrainer,
  checkpointing: boolean,
): SupervisedUpdates | undefined {
  if (!(config.experiment?.methods ?? []).some(isSupervised)) return undefined;
  return new SupervisedUpdates(gpu, actor, {
    longest: longestTaught(config, lengths),
    checkpointing,
  });
}

function assemble(gpu: Gpu, shape: BuffersShape, begin: readonly MemoryBlock[]): ExperimentBuffers {
  const { model, microRows } = shape;
  const lengths = { ...shape.lengths, microRows };
  const checkpointing = shape.gradientCheckpointing ?? shape.config.gradientCheckpointing ?? false;
  const config = { ...shape.config, gradientCheckpointing: checkpointing };
  const before = new Set(gpu.memory.buffers);
  const matrix = matrixTensors(gpu, '', [shape.prompts, shape.epochs]);
  const memory = new SharedMemory(gpu, { begin });
  const online = onlineBuffers(gpu, shape);
  const trainer = new PpoTrainer(gpu, model, config, lengths, matrix, memory.nextTurn());
  const supervised = supervisedUpdates(gpu, shape, trainer, checkpointing);
  const { network } = trainer.actor;
  // Rollouts come before updates, so their kernels are compiled first.
  const { whole, capacity } = capacities(shape);
  const decoder = gpu.pipelines.queueAhead(
    () => new Decoder(gpu, model, network, capacity, memory.nextTurn()),
  );
  const own = gpu.memory.buffers.filter((buffer) => !before.has(buffer));
  const destroy = (): void => {
    for (const buffer of own) {
      gpu.memory.remove(buffer);
      buffer.destroy();
    }
  };
  return {
    ...{ matrix, online, trainer, supervised, memory, destroy },
    decoder: new BatchedDecoder(decoder, whole),
  };
}
