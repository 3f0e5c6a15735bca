import { onceElsewhere } from '../support/host.ts';
import { type FrozenStorage, FrozenStore } from '../../src/model/frozen-store.ts';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { DrawnExperimentConfig } from '../../src/config.ts';
import {
  AdaptedWeights,
  adapterGradients,
  adapterLayout,
  type AdapterPlan,
  freshAdapters,
  planOf,
} from '../../src/model/adapters.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { learnedSizes, NextTokenLoss } from '../../src/model/next-token-loss.ts';
import { heldParameters } from '../../src/model/parameter-source.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import type { Weights } from '../../src/model/weights.ts';
import type { PpoState } from '../../src/ppo/trainer.ts';
import { Decoder } from '../../src/rollout/decoder.ts';
import { SupervisedTrainer } from '../../src/supervised/trainer.ts';
import { adapterTargets } from '../../src/vocabulary/adapters.ts';
import { expectClose, openTestGpu, run, seeded } from '../support/gpu.ts';
import { bandit, PpoRig, smallConfig } from '../support/ppo-rig.ts';

const gpu = await openTestGpu();

// No two widths are the same; qkv has biases; queries are 3 heads of 4, keys and values 1 of 4.
const config: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 19,
  hiddenSize: 8,
  intermediateSize: 20,
  layers: 2,
  heads: 3,
  kvHeads: 1,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tieEmbeddings: true,
  qkvBias: true,
  qkNorm: false,
  maxPositions: 64,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};
const weights = initialParameters(config, 3, 0.3);

/** Of Gemma 3, with heads of its size; prompts and answers here are longer than the window. */
const gemma: ModelConfig = {
  ...config,
  architecture: 'gemma3_text',
  heads: 2,
  headDim: 256,
  qkvBias: false,
  qkNorm: true,
  gate: 'gelu-tanh',
  unitOffset: true,
  outputNorms: true,
  scaledEmbedding: true,
  queryScalar: 100,
  sliding: { layers: [true, false], window: 3, ropeTheta: 100 },
};
const models = [
  { config, weights },
  { config: gemma, weights: initialParameters(gemma, 3, 0.3) },
];
const sequences = [
  [1, 5, 2, 8, 11, 3],
  [7, 7, 4],
  [12, 0, 18, 9],
];

/** Ranks that differ inside a fused matrix, none a multiple of 4, one part of qkv without any. */
const unevenPlan: AdapterPlan = new Map([
  ['layers.0.q', { rank: 3, scale: 2 }],
  ['layers.0.v', { rank: 5, scale: 0.5 }],
  ['layers.0.down', { rank: 1, scale: 1 }],
  ['layers.1.up', { rank: 2, scale: -1.5 }],
  ['layers.1.o', { rank: 6, scale: 3 }],
]);

async function storeOf(
  { config: own, weights: numbers }: (typeof models)[number],
  storage?: FrozenStorage,
): Promise<FrozenStore> {
  const store = new FrozenStore(gpu, own, 'lm', 'base', { storage, floatTable: true });
  await store.loadFrom(heldParameters(numbers));
  return store;
}

/** Adapters of a plan over a base: fresh ones, or with numbers in B too. */
function adaptersOf(base: Weights, plan: AdapterPlan, trained: boolean) {
  const { config: own } = base;
  const layout = adapterLayout(own, plan, { head: 'lm' });
  const store = new ParameterStore(gpu, layout, 'adapters', 'weights');
  const numbers = freshAdapters(own, plan, 5, 'model');
  if (trained) {
    for (const [i, [name, data]] of [...numbers].entries()) {
      if (name.includes('lora_B')) numbers.set(name, seeded(data.length, i, 0.2));
    }
  }
  store.load(numbers);
  return { store, numbers, network: new AdaptedWeights(base, store, plan) };
}

async function logitsOf(network: Weights): Promise<number[]> {
  const all = new AllLogits(gpu, network, { longest: 6, total: 13 });
  const logits: number[] = [];
  for await (const own of all.of(sequences)) logits.push(...own);
  all.destroy();
  return logits;
}

const sequencesLearned = sequences.map((ids) => ({ ids, weights: ids.slice(1).map(() => 0.1) }));

/** The loss of `sequences`, and its gradients. */
async function differentiate(network: Weights, store: ParameterStore, checkpointing: boolean) {
  const gradients = new ParameterStore(gpu, store.layout, 'gradients', 'gradients');
  const loss = new NextTokenLoss(gpu, network, {
    capacity: learnedSizes(sequencesLearned),
    positions: 6,
    checkpointing,
  });
  loss.upload(sequencesLearned);
  await run(gpu, loss.forwardBackward(network, adapterGradients(gradients)));
  const logprobs = await loss.logprobs();
  const found = await gradients.read();
  loss.destroy();
  gradients.destroy();
  return { loss: logprobs.reduce((sum, value) => sum - 0.1 * value, 0), gradients: found };
}

const greedy = async (network: Weights, rows: number, cacheStorage?: 'f16') => {
  const decoder = new Decoder(gpu, network.config, network, {
    rows,
    prompts: rows,
    promptRows: 4 * rows,
    promptLength: 4,
    newTokens: 6,
    cacheStorage,
  });
  const found = await decoder.generate({
    prompts: [
      [1, 5, 2, 8],
      [7, 7, 4],
      [12, 0],
    ].slice(0, rows),
    samplesPerPrompt: 1,
    seed: 1,
    temperature: 0,
    stopIds: [],
  });
  decoder.destroy();
  return found;
};

describe.each(models)('an adapter of $config.architecture', (model) => {
  test.for(['f32', 'f16', 'int8', 'int4'] as const)(
    'that is fresh leaves the logits of a base in %s as they are, to the bit',
    async (storage, { skip }) => {
      onceElsewhere(skip, storage === 'int8');
      const base = await storeOf(model, storage);
      const plan = planOf({ rank: 3, alpha: 6, targets: adapterTargets }, model.config);
      const want = await logitsOf(base);
      const fresh = adaptersOf(base, plan, false);
      expect(await logitsOf(fresh.network)).toEqual(want);
      const moved = adaptersOf(base, plan, true);
      expect(await logitsOf(moved.network)).not.toEqual(want);
      // Switched off is the base itself.
      expect(await logitsOf(base)).toEqual(want);
    },
  );

  test.each([1, 3])('that is fresh leaves decoding as it is, to the bit, %i rows', async (rows) => {
    const base = await storeOf(model);
    const plan = planOf({ rank: 4, alpha: 6, targets: adapterTargets }, model.config);
    const want = await greedy(base, rows);
    const fresh = await greedy(adaptersOf(base, plan, false).network, rows);
    expect([...fresh.tokens]).toEqual([...want.tokens]);
    expect([...fresh.logprobs]).toEqual([...want.logprobs]);
  });

  test('computes what the merged weights compute', async () => {
    const base = await storeOf(model);
    const { network, numbers } = adaptersOf(base, unevenPlan, true);
    const merged = new ParameterStore(
      gpu,
      parameterLayout(model.config, 'lm'),
      'merged',
      'weights',
    );
    merged.load(mergedBy(model, unevenPlan, numbers));
    expectClose(await logitsOf(network), await logitsOf(merged), { abs: 5e-6 });
  });

  test.each([1, 3])('decodes as the trainer scores, %i rows', async (rows) => {
    const base = await storeOf(model);
    const { network } = adaptersOf(base, unevenPlan, true);
    const { tokens, logprobs, columns } = await greedy(network, rows);
    const prompt = [1, 5, 2, 8];
    const whole = [...prompt, ...tokens.subarray(0, columns)];
    const loss = new NextTokenLoss(gpu, network, {
      capacity: { rows: 16, actions: 16, sequences: 1 },
      positions: 16,
    });
    loss.upload([{ ids: whole, weights: whole.slice(1).map(() => 0) }]);
    await run(gpu, loss.forward(network));
    const scored = (await loss.logprobs()).subarray(prompt.length - 1);
    expectClose(logprobs.subarray(0, columns), scored, { abs: 2e-6 });
  });

  test.for(['f32', 'int8', 'int4'] as const)(
    'has the slopes of the loss as gradients, and none where it is padding, base in %s',
    async (storage, { skip }) => {
      onceElsewhere(skip, storage === 'int4');
      const base = await storeOf(model, storage);
      const { network, store, numbers } = adaptersOf(base, unevenPlan, true);
      const { gradients } = await differentiate(network, store, false);
      expect([...gradients.keys()].sort()).toEqual([...numbers.keys()].sort());
      // Central differences of f32 losses: steps large enough to rise above the rounding.
      const step = 0.02;
      for (const [name, data] of numbers) {
        const places = [0, data.length >> 1, data.length - 1];
        for (const at of places) {
          const lossAt = async (moved: number): Promise<number> => {
            store.load(new Map(numbers).set(name, data.with(at, data[at] + moved)));
            return (await differentiate(network, store, false)).loss;
          };
          const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
          expectClose([gradients.get(name)![at]], [slope], { abs: 1e-4, rel: 0.02 });
        }
      }
    },
  );

  test('has the same gradients, to the bit, where layers are computed once more', async () => {
    const { network, store } = adaptersOf(await storeOf(model), unevenPlan, true);
    const kept = await differentiate(network, store, false);
    expect(await differentiate(network, store, true)).toEqual(kept);
  });

  test('gives its numbers back as they were loaded, without padding', async () => {
    const { store, numbers } = adaptersOf(await storeOf(model), unevenPlan, true);
    const back = await store.read();
    expect([...back.keys()].sort()).toEqual([...numbers.keys()].sort());
    for (const [name, data] of numbers) expect(back.get(name), name).toEqual(data);
    const count = [...numbers.values()].reduce((sum, data) => sum + data.length, 0);
    expect(store.layout.count).toBe(count);
  });
});

/** `W + scale B A` of each part of a plan. */
function mergedBy(
  { weights: whole }: (typeof models)[number],
  plan: AdapterPlan,
  numbers: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const merged = new Map([...whole].map(([name, data]) => [name, data.slice()]));
  for (const [a, dataA] of numbers) {
    if (!a.includes('lora_A')) continue;
    const name = a.replace('base_model.model.', '').replace('lora_A.', '');
    const dataB = numbers.get(a.replace('lora_A', 'lora_B'))!;
    const weight = merged.get(name)!;
    const part = [...plan].find(([one]) => {
      const [, layer, own] = one.split('.');
      return name.includes(`layers.${layer}.`) && name.includes(`.${own}_proj`);
    });
    const { rank, scale } = part![1];
    const [outputs, inputs] = [dataB.length / rank, dataA.length / rank];
    for (let n = 0; n < outputs; n++) {
      for (let k = 0; k < inputs; k++) {
        let sum = 0;
        for (let j = 0; j < rank; j++) sum += dataB[n * rank + j] * dataA[j * inputs + k];
        weight[n * inputs + k] += scale * sum;
      }
    }
  }
  return merged;
}

describe('freshAdapters', () => {
  const plan = planOf({ rank: 8, alpha: 16, targets: adapterTargets }, config);
  const adapters = freshAdapters(config, plan, 1, 'actor');

  test('draws A within the bound of its inputs and leaves B at 0', () => {
    for (const [name, data] of adapters) {
      if (name.includes('lora_B')) {
        expect([...new Set(data)], name).toEqual([0]);
        continue;
      }
      const bound = 1 / Math.sqrt(data.length / 8);
      expect(Math.max(...data), name).toBeLessThan(bound);
      expect(Math.max(...data), name).toBeGreaterThan(0.8 * bound);
      expect(Math.min(...data), name).toBeLessThan(-0.8 * bound);
    }
  });

  test('draws each part, layer and network from the seed on its own', () => {
    expect(freshAdapters(config, plan, 1, 'actor')).toEqual(adapters);
    const drawn = [
      adapters,
      freshAdapters(config, plan, 1, 'critic'),
      freshAdapters(config, plan, 2, 'actor'),
    ];
    const first = drawn.flatMap((one) =>
      [...one].filter(([name]) => name.includes('lora_A')).map(([, data]) => data[0]),
    );
    expect(new Set(first).size).toBe(first.length);
    // Other targets beside it change nothing of a part.
    const alone = freshAdapters(
      config,
      planOf({ rank: 8, alpha: 16, targets: ['up'] }, config),
      1,
      'actor',
    );
    for (const [name, data] of alone) expect(adapters.get(name)).toEqual(data);
  });
});

describe('adapterLayout', () => {
  test('refuses parts that the model has not, and ranks that are none', () => {
    const make = (part: string, rank: number) =>
      adapterLayout(config, new Map([[part, { rank, scale: 1 }]]), { head: 'lm' });
    expect(() => make('layers.2.q', 4)).toThrow("adapter: the model has no matrix 'layers.2.q'");
    expect(() => make('layers.0.qkv', 4)).toThrow("no matrix 'layers.0.qkv'");
    expect(() => make('lm_head', 4)).toThrow("no matrix 'lm_head'");
    expect(() => make('layers.0.q', 1.5)).toThrow(
      "adapter: the rank of 'layers.0.q' must be a positive integer, is 1.5",
    );
  });
});

const adapter = { rank: 3, alpha: 6, targets: adapterTargets } as const;
const adaptedConfig = (
  ppo: Partial<DrawnExperimentConfig['ppo']>,
  more: Partial<DrawnExperimentConfig> = {},
): DrawnExperimentConfig => {
  const small = smallConfig({
    task: bandit('match'),
    rollout: { prompts: 8, samples: 8 },
    ppo: { actor: { ...smallConfig().ppo.actor, learningRate: 0.03 }, ...ppo },
  });
  return { ...small, adapter, ...more };
};

const bytesOf = ({ actor, critic }: PpoState): string[] =>
  [actor, critic].flatMap((state) =>
    !state
      ? ['none']
      : [
          ...[...state.parameters].map(([name, data]) => `${name} ${data.join()}`),
          ...state.optimizer.moments.flatMap(({ first, second }) => [first.join(), second.join()]),
        ],
  );

/** Everything that a store keeps on the device. */
async function pagesOf({ pages }: FrozenStore): Promise<string[]> {
  const found: string[] = [];
  for (const page of pages) found.push((await gpu.read(page)).join());
  return found;
}

/** The first tensor of each name that `body` makes. */
async function firstTensors(body: () => Promise<void>): Promise<ReadonlyMap<string, Tensor>> {
  const found = new Map<string, Tensor>();
  const make = gpu.tensor.bind(gpu);
  gpu.tensor = (...args) => {
    const tensor = make(...args);
    if (!found.has(tensor.name)) found.set(tensor.name, tensor);
    return tensor;
  };
  try {
    await body();
  } finally {
    Reflect.deleteProperty(gpu, 'tensor');
  }
  return found;
}

describe('PPO of adapters', () => {
  test.for([
    ['gae', 'f32'],
    ['grpo', 'f16'],
    ['grpo', 'int4'],
  ] as const)(
    '%s over a base in %s learns which arm is right, and leaves the base as it was',
    async ([estimator, weightStorage], { skip }) => {
      onceElsewhere(skip, weightStorage !== 'f16');
      const rig = await PpoRig.open(gpu, adaptedConfig({ estimator }, { weightStorage }));
      const { base, actor, critic } = rig.trainer;
      const frozen = await pagesOf(base!);
      const rewards: number[] = [];
      for (let i = 0; i < 16; i++) {
        const { reward_mean: reward, kl_mean: kl } = await rig.iterate(i);
        rewards.push(reward);
        // Adapters begin as the base, which is the reference.
        if (i === 0) expect(kl).toBe(0);
      }
      expect(rewards[0]).toBeLessThan(-0.3);
      expect((rewards[14] + rewards[15]) / 2).toBeGreaterThan(0.2);
      expect(await pagesOf(base!)).toEqual(frozen);
      const trained = [...(await actor.weights.read()).keys()];
      expect(trained.every((name) => name.includes('.lora_'))).toBe(true);
      if (estimator === 'grpo') return;
      expect((await critic!.weights.read()).has('base_model.model.score.weight')).toBe(true);
    },
  );

  test('keeps gradients and moments of adapters alone', async () => {
    const before = gpu.memory.byPurpose();
    const rig = await PpoRig.open(gpu, adaptedConfig({ estimator: 'gae' }));
    const after = gpu.memory.byPurpose();
    const grown = (purpose: 'gradients' | 'optimizer' | 'weights') =>
      (after[purpose] ?? 0) - (before[purpose] ?? 0);
    const sizeOf = (pages: readonly { readonly size: number }[]) =>
      pages.reduce((sum, { size }) => sum + 4 * size, 0);
    const { model, trainer } = rig;
    const plan = planOf(adapter, model);
    const [actor, critic] = (['lm', 'value'] as const).map((head) =>
      sizeOf(adapterLayout(model, plan, { head }).pages),
    );
    expect(grown('gradients')).toBe(Math.max(actor, critic));
    const bases = trainer.base!.pages.reduce((sum, { buffer }) => sum + buffer.size, 0);
    expect(grown('weights')).toBe(actor + critic + bases);
    const moments = 2 * (actor + critic);
    expect(grown('optimizer')).toBeGreaterThanOrEqual(moments);
    // And the scratch of two norms.
    expect(grown('optimizer')).toBeLessThan(moments + 4096);
    expect(trainer.actor.gradients.layout.count).toBeLessThan(parameterLayout(model, 'lm').count);
  });

  test('starts its first update from ratios of 1', async () => {
    let rig!: PpoRig;
    const tensors = await firstTensors(async () => {
      rig = await PpoRig.open(gpu, adaptedConfig({ estimator: 'grpo', minibatches: 1 }));
    });
    // Not the base any more, so that adapters matter.
    for (let i = 0; i < 3; i++) await rig.iterate(i);
    const { groups, verdicts } = await rig.rollout(3);
    await rig.trainer.update(groups, verdicts, { seed: 5, iteration: 3 });
    const read = async (name: string, type: 'f32' | 'u32' = 'f32') =>
      gpu.read(tensors.get(name)!, type);
    const actions = groups.flatMap(({ responses }) => responses).flatMap((one) => [...one]).length;
    const [now, old] = [await read('logprobs'), await read('old_logprobs')];
    const source = await read('action_source', 'u32');
    for (let i = 0; i < actions; i++) {
      expect(Math.abs(Math.exp(now[i] - old[source[i]]) - 1)).toBeLessThan(1e-6);
    }
  });

  test('goes on bit for bit from where it was saved, and starts anew from a seed', async () => {
    const config = adaptedConfig({ estimator: 'gae' });
    const [rig, resumed] = [await PpoRig.open(gpu, config), await PpoRig.open(gpu, config)];
    const source = heldParameters(rig.base);
    await rig.trainer.reset(source, 1);
    const start = bytesOf(await rig.trainer.save());
    expect(bytesOf(await resumed.trainer.save())).toEqual(start);
    for (let i = 0; i < 4; i++) {
      await rig.iterate(i);
      if (i === 1) await resumed.trainer.restore(source, await rig.trainer.save());
      if (i > 1) await resumed.iterate(i);
    }
    expect(bytesOf(await resumed.trainer.save())).toEqual(bytesOf(await rig.trainer.save()));
    expect(bytesOf(await rig.trainer.save())).not.toEqual(start);
    await rig.trainer.reset(source, 2);
    expect(bytesOf(await rig.trainer.save())).not.toEqual(start);
    await rig.trainer.reset(source, 1);
    expect(bytesOf(await rig.trainer.save())).toEqual(start);
  });

  test('reads its base once from a source', async () => {
    const rig = await PpoRig.open(gpu, adaptedConfig({ estimator: 'gae' }));
    const held = heldParameters(rig.base);
    let reads = 0;
    const counted = {
      read: (name: string) => {
        reads++;
        return held.read(name);
      },
    };
    for (const seed of [1, 2]) await rig.trainer.reset(counted, seed);
    expect(reads).toBe(rig.base.size);
  });

  test('learns the same, bit for bit, where layers are computed once more', async () => {
    const states: string[][] = [];
    for (const gradientCheckpointing of [false, true]) {
      const config = adaptedConfig({ estimator: 'gae' }, { gradientCheckpointing });
      const deeper = { ...config, model: { ...config.model, layers: 2 } };
      const rig = await PpoRig.open(gpu, deeper);
      for (let i = 0; i < 2; i++) await rig.iterate(i);
      states.push(bytesOf(await rig.trainer.save()));
    }
    expect(states[1]).toEqual(states[0]);
  });

  test.each([
    ['f32', 1e-5],
    ['f16', 5e-3],
  ] as const)(
    'tells how near the sampler is to the trainer, cache in %s',
    async (cacheStorage, most) => {
      const config = adaptedConfig({ estimator: 'grpo' }, { cacheStorage });
      const rollout = { ...config.rollout, logprobTemperature: 1 };
      const rig = await PpoRig.open(gpu, { ...config, rollout, task: smallConfig().task });
      let gap = 0;
      for (let i = 0; i < 3; i++) gap = (await rig.iterate(i)).sampler_gap;
      expect(gap).toBeGreaterThan(0);
      expect(gap).toBeLessThan(most);
      // Sampled as something else, the first token is that far away.
      const { groups, verdicts } = await rig.rollout(3);
      groups[0].logprobs![0][0] += 3;
      const far = await rig.trainer.update(groups, verdicts, { seed: 5, iteration: 3 });
      expect(Math.abs(far.sampler_gap - 3)).toBeLessThan(most);
      // At another temperature nothing is told, nor of whole models.
      const warm = { ...config, rollout: { ...rollout, logprobTemperature: 1.5 } };
      expect(await (await PpoRig.open(gpu, warm)).iterate(0)).not.toHaveProperty('sampler_gap');
      const whole: DrawnExperimentConfig = { ...config, rollout, adapter: null };
      expect(await (await PpoRig.open(gpu, whole)).iterate(0)).not.toHaveProperty('sampler_gap');
    },
  );

  test('computes no reference where nothing penalises the divergence from it', async () => {
    const none: DrawnExperimentConfig = { ...adaptedConfig({ klCoef: 0 }), adapter: null };
    const whole = await PpoRig.open(gpu, none);
    expect(whole.trainer.base).toBeUndefined();
    expect(await whole.iterate(0)).not.toHaveProperty('kl_mean');
    const adapted = await PpoRig.open(gpu, adaptedConfig({ klCoef: 0 }));
    expect(await adapted.iterate(0)).not.toHaveProperty('kl_mean');
    expect(await (await PpoRig.open(gpu, adaptedConfig({}))).iterate(0)).toHaveProperty('kl_mean');
  });
});

describe('supervised training of adapters', () => {
  test('lowers the loss and leaves the base as it was', async () => {
    const { actor: optimizer } = adaptedConfig({}).ppo;
    const trainer = new SupervisedTrainer(gpu, config, optimizer, {
      capacity: { rows: 16, actions: 16, sequences: 4 },
      positions: 8,
      adapter: planOf(adapter, config),
      weightStorage: 'f16',
    });
    await trainer.base!.loadFrom(heldParameters(weights));
    const frozen = await pagesOf(trainer.base!);
    trainer.model.reset(freshAdapters(config, planOf(adapter, config), 1, 'model'));
    const groups = [
      { prompt: [1, 5], responses: [[2, 8, 11]] },
      { prompt: [7], responses: [[3, 4]] },
    ];
    const losses: number[] = [];
    for (let i = 0; i < 30; i++) {
      await trainer.step(groups);
      losses.push(await trainer.loss());
    }
    expect(losses[29]).toBeLessThan(losses[0] / 2);
    expect(await pagesOf(trainer.base!)).toEqual(frozen);
    trainer.destroy();
  });
});
