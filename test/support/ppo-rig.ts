import type { Verifier } from '../../src/scheduler/evaluator.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import {
  drawnConfig,
  parseConfig,
  type DrawnExperimentConfig,
  type ExperimentConfig,
} from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { SharedMemory } from '../../src/gpu/shared-memory.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { heldParameters } from '../../src/model/parameter-source.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import type {
  PpoTrainer,
  RewardMatrixTensors,
  RolloutGroup,
  UpdateMetrics,
} from '../../src/ppo/trainer.ts';
import type { Sampler } from '../../src/rollout/batched-decoder.ts';
import type { Generation } from '../../src/rollout/decoder.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import {
  allocateExperimentBuffers,
  type MemoryChoices,
} from '../../src/scheduler/experiment-buffers.ts';
import {
  type ArithmeticConfig,
  arithmeticVariants,
  arithmeticVerifier,
} from '../../src/tasks/arithmetic-config.ts';
import { ArithmeticTask } from '../../src/tasks/arithmetic-task.ts';
import { BanditTask, banditVerifier } from '../../src/tasks/bandit.ts';
import { banditDefaults } from './bandit.ts';
import type { TaskConfig } from '../../src/tasks/registry.ts';
import type { PoolPrompt } from '../../src/tasks/task.ts';
import { packVerdicts, type Verdicts } from '../../src/tasks/verification.ts';

const { quick } = presets;
const all = { above: -1, below: 2, minOperators: 1, maxOperators: 2 };

/** Eight sums of one or two operators modulo 3: responses of two to eight tokens. */
export const smallArithmetic: TaskConfig = {
  ...arithmeticVariants.E,
  modulus: 3,
  maxOperators: 2,
  poolPrompts: 8,
  strata: {
    easy: { ...all, share: 0.25 },
    learnable: { ...all, share: 0.5 },
    hard: { ...all, share: 0.25 },
  },
  tiers: [{ prompts: 6, minOperators: 2, maxOperators: 2, below: 2 }],
};

/** About a thousand weights. All tests share these shapes, so they share compiled pipelines. */
const model: DrawnExperimentConfig['model'] = {
  ...quick.model,
  hiddenSize: 16,
  intermediateSize: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
};
const constantRate = { schedule: 'constant', warmupUpdates: 0 } as const;

/**
 * A checked config of a small experiment. Each given field replaces the field of its section.
 */
export function smallConfig(
  over: {
    readonly task?: TaskConfig;
    readonly rollout?: Partial<ExperimentConfig['rollout']>;
    readonly ppo?: Partial<ExperimentConfig['ppo']>;
    readonly lim?: Partial<ExperimentConfig['lim']>;
    readonly base?: Partial<DrawnExperimentConfig['base']>;
    readonly experiment?: Partial<ExperimentConfig['experiment']>;
  } = {},
): DrawnExperimentConfig {
  const { rollout, ppo, base, lim } = quick;
  const config = parseConfig(
    {
      ...quick,
      preset: 'small',
      task: over.task ?? smallArithmetic,
      model,
      base: { ...base, updates: 2, sequencesPerUpdate: 8, initialScale: 0.3, ...over.base },
      rollout: { ...rollout, prompts: 4, samples: 4, ...over.rollout },
      ppo: {
        ...ppo,
        minibatches: 2,
        actor: { ...ppo.actor, ...constantRate, learningRate: 0.01 },
        critic: { ...ppo.critic, ...constantRate, learningRate: 0.02 },
        ...over.ppo,
      },
      lim: { ...lim, ...over.lim },
      experiment: {
        epochs: 2,
        methods: ['full', 'lim', 'rand'],
        budget: 'updates',
        armLength: 2,
        readouts: [2],
        tableReadout: 2,
        checkpointEvery: 1,
        ...over.experiment,
      },
      evaluation: { ...quick.evaluation, prompts: 6, samples: 2 },
    },
    'test',
  );
  return drawnConfig(config, 'the rig');
}

/** Eight prompts with four arms each: a response is one token, and one in four is right by luck. */
export const bandit = (reward: 'match' | 'constant'): TaskConfig => ({ ...banditDefaults, reward });

/** Makes a drawn task synchronously; such a task need not be opened. */
export const drawnTask = (config: TaskConfig): ArithmeticTask | BanditTask =>
  config.name === 'bandit'
    ? new BanditTask(config)
    : new ArithmeticTask(config as ArithmeticConfig);

/** The id of the first token of a response in the arithmetic task. */
export const firstToken = (response: string): number =>
  new ArithmeticTask(arithmeticVariants.E).tokenizer.id(response.charAt(0));

/** A trainer and a decoder that share one set of weights, as in an experiment. */
export class PpoRig {
  readonly config: DrawnExperimentConfig;
  readonly task: ArithmeticTask | BanditTask;
  readonly model: ModelConfig;
  readonly base: ReadonlyMap<string, Float32Array>;
  readonly trainer: PpoTrainer;
  readonly decoder: Sampler;
  readonly pool: readonly PoolPrompt[];
  readonly matrix: RewardMatrixTensors;
  readonly memory: SharedMemory;

  private constructor(
    gpu: Gpu,
    config: DrawnExperimentConfig,
    seed: number,
    choices: MemoryChoices,
  ) {
    this.config = config;
    this.task = drawnTask(config.task);
    this.model = modelConfigOf(config, this.task);
    this.base = initialParameters(this.model, seed, config.base.initialScale);
    this.pool = this.task.pool(seed);
    const buffers = allocateExperimentBuffers(gpu, config, this.task, choices);
    this.matrix = buffers.matrix;
    this.trainer = buffers.trainer;
    this.decoder = buffers.decoder;
    this.memory = buffers.memory;
  }

  static async open(
    gpu: Gpu,
    config: DrawnExperimentConfig,
    seed = 1,
    choices: MemoryChoices = {},
  ): Promise<PpoRig> {
    const rig = new PpoRig(gpu, config, seed, choices);
    await rig.trainer.reset(heldParameters(rig.base), seed);
    return rig;
  }

  /** Samples and judges the prompts of an iteration, which cycle through the pool in order. */
  async rollout(iteration: number): Promise<{ groups: RolloutGroup[]; verdicts: Verdicts }> {
    const { rollout } = this.config;
    const indices = Array.from(
      { length: rollout.prompts },
      (_, i) => (iteration * rollout.prompts + i) % this.pool.length,
    );
    const encoded = indices.map((index) => this.task.tokenizer.encode(this.pool[index].text));
    const generation: Generation = await this.decoder.generate({
      prompts: encoded,
      promptIds: indices,
      samplesPerPrompt: rollout.samples,
      seed: 1000 + iteration,
      temperature: rollout.temperature,
      stopIds: this.task.stopIds,
    });
    const groups = indices.map((promptIndex, i) => ({
      promptIndex,
      prompt: encoded[i],
      responses: Array.from({ length: rollout.samples }, (_, s) =>
        generation.response(i * rollout.samples + s),
      ),
      logprobs: Array.from({ length: rollout.samples }, (_, s) =>
        generation.logprobs.subarray((i * rollout.samples + s) * generation.columns),
      ),
    }));
    const verdicts = groups.flatMap(({ promptIndex, responses }) =>
      responses.map((response) => {
        const { text, key } = this.pool[promptIndex];
        const { task } = this.config;
        const { verify } = task.name === 'bandit' ? banditVerifier(task) : arithmeticVerifier;
        return verify(text, key, this.task.tokenizer.decode(response));
      }),
    );
    return { groups, verdicts: packVerdicts(verdicts) };
  }

  /** One whole PPO iteration. */
  async iterate(iteration: number): Promise<UpdateMetrics> {
    const { groups, verdicts } = await this.rollout(iteration);
    return this.trainer.update(groups, verdicts, { seed: 5, iteration, column: 0 });
  }
}

/** Verdicts of LIMR's rule for rewards of 1, -0.5 and -1. */
export const paidAs = (rewards: readonly number[]): Verdicts =>
  packVerdicts(
    rewards.map((reward) => ({
      reward,
      correct: reward === 1,
      formatted: reward !== -1,
      extracted: null,
    })),
  );

/** Records the tensors that `body` makes, by name, so that a test can look into them. */
export async function captureTensors(
  gpu: Gpu,
  body: () => Promise<void>,
): Promise<ReadonlyMap<string, Tensor>> {
  const found = new Map<string, Tensor>();
  const make = gpu.tensor.bind(gpu);
  gpu.tensor = (...args) => {
    const tensor = make(...args);
    found.set(tensor.name, tensor);
    return tensor;
  };
  try {
    await body();
  } finally {
    Reflect.deleteProperty(gpu, 'tensor');
  }
  return found;
}

/**
 * Judges by a response's first token alone, three verdicts in turn: what an untrained model meets
 * often enough to learn from, so that no base need be trained for these tests.
 */
export const byFirstToken: Verifier = ({ promptOf, responses }) => {
  const kinds = Array.from(promptOf, (_, i) => firstToken(responses[i]) % 3);
  return Promise.resolve({
    rewards: Float32Array.from(kinds, (kind) => [1, -0.5, -1][kind]),
    correct: Uint8Array.from(kinds, (kind) => Number(kind === 0)),
    formatted: Uint8Array.from(kinds, (kind) => Number(kind < 2)),
    extracted: kinds.map(() => null),
    failures: [],
  });
};
