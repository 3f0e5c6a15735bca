import type { Gpu } from '../gpu/device.ts';
import type { MemoryLimits } from '../gpu/memory.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import { planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { FrozenStore } from '../model/frozen-store.ts';
import type { PromptGroup } from '../model/packed-batch.ts';
import { NonFiniteUpdateError } from '../ppo/trainer.ts';
import { pretrained } from '../presets.ts';
import { Decoder } from '../rollout/decoder.ts';
import { allocateBuffers, type ExperimentBuffers } from '../scheduler/experiment-buffers.ts';
import { SupervisedTrainer } from '../supervised/trainer.ts';
import { packVerdicts } from '../tasks/verification.ts';
import { defaultAdapter } from '../vocabulary/adapters.ts';
import { type Card, type CardName, cards } from './cards.ts';
import { countedWork, type MeanKeys, type Prediction, predict, type Work } from './predict.ts';
import { sizedBuffers, sizes, type SizeName } from './sized.ts';
import { referenceModel } from './train.ts';

/** A computation whose time is predicted. */
export interface PredictedCase {
  readonly name: string;
  /** Tokens trained on, or drawn. */
  readonly tokens: number;
  readonly work: readonly Work[];
}

/** A case on a card. Nothing of it was measured. */
export interface CardPrediction extends Prediction {
  readonly predicted: true;
  readonly name: string;
  readonly card: string;
  readonly tokensPerSecond: number;
}

/** What desktop adapters bind. */
const limits = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 } as MemoryLimits;

/** A device that runs nothing and takes the kernels of a GPU. */
const card = (): Gpu =>
  phantomGpu(limits, {
    features: new Set<string>() as unknown as GPUSupportedFeatures,
    info: { vendor: 'any', architecture: '', device: '', description: 'a card' } as GPUAdapterInfo,
  });

/** Qwen2.5-0.5B's shape. */
const qwen: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 151_936,
  hiddenSize: 896,
  intermediateSize: 4864,
  layers: 24,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  ropeTheta: 1_000_000,
  rmsNormEps: 1e-6,
  tieEmbeddings: true,
  qkvBias: true,
  qkNorm: false,
  maxPositions: 32_768,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};

/** The cases: three sizes trained whole in f32, and Qwen2.5-0.5B's shape with adapters on f16. */
export async function predictedCases(): Promise<PredictedCase[]> {
  const found: PredictedCase[] = [];
  for (const size of Object.keys(sizes) as SizeName[]) {
    const { B, T } = sizes[size];
    const model = referenceModel(sizes[size]);
    found.push(
      await trainingStep(size, model, { sequences: B, tokens: T }),
      await generation(size, model, { rows: 1, storage: 'f32', promptTokens: 1, newTokens: 64 }),
      await generation(size, model, { rows: 256, storage: 'f32', promptTokens: 1, newTokens: 64 }),
      await sizedIteration(size),
    );
  }
  const name = 'Qwen2.5-0.5B, LoRA, f16';
  for (const rows of [1, 64]) {
    const shape = { rows, storage: 'f16', promptTokens: 512, newTokens: 1024 } as const;
    found.push(await generation('Qwen2.5-0.5B, f16', qwen, shape));
  }
  return [...found, await adapterStep(name), await adapterIteration(name)];
}

export const predictOn = ({ name, tokens, work }: PredictedCase, on: CardName): CardPrediction => {
  const of: Card = cards[on];
  const prediction = predict(work, of);
  const tokensPerSecond = (tokens / prediction.ms) * 1000;
  return { predicted: true, name, card: of.name, tokensPerSecond, ...prediction };
};

async function trainingStep(
  size: string,
  model: ModelConfig,
  { sequences, tokens }: { readonly sequences: number; readonly tokens: number },
): Promise<PredictedCase> {
  const gpu = card();
  const count = sequences * tokens;
  const trainer = new SupervisedTrainer(gpu, model, pretrained.full.ppo.actor, {
    capacity: { rows: count, actions: count, sequences },
    positions: tokens + 1,
  });
  const groups = groupsOf(sequences, 1, tokens, model.vocabSize);
  const work = await countedWork(gpu, wholeOnly((tokens + 1) / 2), () => trainer.step(groups));
  return { name: `training step, ${size}, ${sequences} x ${tokens}`, tokens: count, work };
}

async function adapterStep(name: string): Promise<PredictedCase> {
  const gpu = card();
  const [sequences, tokens] = [8, 512];
  const count = sequences * tokens;
  const trainer = new SupervisedTrainer(gpu, qwen, pretrained.lora.ppo.actor, {
    capacity: { rows: count, actions: count, sequences },
    positions: tokens + 1,
    weightStorage: 'f16',
    adapter: planOf(defaultAdapter, qwen),
  });
  const groups = groupsOf(sequences, 1, tokens, qwen.vocabSize);
  const work = await countedWork(gpu, wholeOnly((tokens + 1) / 2), () => trainer.step(groups));
  return { name: `training step, ${name}, ${sequences} x ${tokens}`, tokens: count, work };
}

async function generation(
  size: string,
  model: ModelConfig,
  shape: {
    readonly rows: number;
    readonly storage: 'f32' | 'f16';
    readonly promptTokens: number;
    readonly newTokens: number;
  },
): Promise<PredictedCase> {
  const gpu = card();
  const { rows, storage, promptTokens, newTokens } = shape;
  const weights = new FrozenStore(gpu, model, 'lm', 'weights', { storage });
  const decoder = new Decoder(gpu, model, weights, {
    rows,
    prompts: rows,
    promptRows: rows * promptTokens,
    promptLength: promptTokens,
    newTokens,
    cacheStorage: storage,
  });
  const prompts = Array.from({ length: rows }, () => new Uint32Array(promptTokens));
  const request = { prompts, samplesPerPrompt: 1, seed: 1, stopIds: [], compactAt: 0 };
  const keys = { whole: (promptTokens + 1) / 2, decoded: promptTokens + newTokens / 2 };
  const work = await countedWork(gpu, keys, () => decoder.generate(request));
  const name = `generation, ${size}, batch ${rows}, ${promptTokens} + ${newTokens}`;
  return { name, tokens: rows * newTokens, work };
}

async function sizedIteration(size: SizeName): Promise<PredictedCase> {
  const gpu = card();
  const { buffers, count, lengths, shape } = sizedBuffers(gpu, { size });
  return iteration(`PPO iteration, ${size}`, gpu, buffers, {
    prompts: count,
    samples: 8,
    vocabulary: shape.V,
    ...lengths,
  });
}

async function adapterIteration(name: string): Promise<PredictedCase> {
  const gpu = card();
  const lengths = { maxPromptTokens: 512, maxResponseTokens: 1024 };
  const { rollout, ppo } = pretrained.lora;
  const [prompts, samples] = [8, 8];
  const buffers = allocateBuffers(gpu, {
    model: qwen,
    config: {
      rollout: { ...rollout, prompts, samples },
      ppo: { ...ppo, estimator: 'grpo' },
      weightStorage: 'f16',
      cacheStorage: 'f16',
      adapter: defaultAdapter,
    },
    lengths,
    prompts,
    epochs: 1,
    microRows: 4096,
    gradientCheckpointing: true,
  });
  return iteration(`GRPO iteration, ${name}`, gpu, buffers, {
    prompts,
    samples,
    vocabulary: qwen.vocabSize,
    ...lengths,
  });
}

/** A rollout whose responses are as long as they may be, and the update. */
async function iteration(
  name: string,
  gpu: Gpu,
  { decoder, trainer }: Pick<ExperimentBuffers, 'decoder' | 'trainer'>,
  shape: {
    readonly prompts: number;
    readonly samples: number;
    readonly vocabulary: number;
    readonly maxPromptTokens: number;
    readonly maxResponseTokens: number;
  },
): Promise<PredictedCase> {
  const { prompts, samples, vocabulary, maxPromptTokens, maxResponseTokens } = shape;
  const texts = Array.from({ length: prompts }, () => new Uint32Array(maxPromptTokens));
  const groups = texts.map((prompt, promptIndex) => ({
    promptIndex,
    prompt,
    responses: Array.from({ length: samples }, (_, sample) =>
      Uint32Array.from({ length: maxResponseTokens }, (_token, i) => (i + sample) % vocabulary),
    ),
  }));
  const verdicts = packVerdicts(
    groups.flatMap(({ responses }) =>
      responses.map((_, i) => ({
        reward: i % 2,
        correct: i % 2 === 1,
        formatted: true,
        extracted: null,
      })),
    ),
  );
  const keys = {
    whole: (maxPromptTokens + maxResponseTokens) / 2,
    decoded: maxPromptTokens + maxResponseTokens / 2,
  };
  const work = await countedWork(gpu, keys, async () => {
    const request = { prompts: texts, samplesPerPrompt: samples, seed: 1, stopIds: [] };
    await decoder.generate({ ...request, temperature: 1, compactAt: 0 });
    // What is read back is zeros: at its end an update finds that nothing was applied.
    await trainer.update(groups, verdicts, { seed: 1, iteration: 0 }).catch((error: unknown) => {
      if (!(error instanceof NonFiniteUpdateError)) throw error;
    });
  });
  const title = `${name}, ${prompts} x ${samples}, ${maxPromptTokens} + ${maxResponseTokens}`;
  return { name: title, tokens: prompts * samples * maxResponseTokens, work };
}

/** Keys of a computation that decodes nothing. */
const wholeOnly = (whole: number): MeanKeys => ({ whole, decoded: 0 });

function groupsOf(
  sequences: number,
  promptTokens: number,
  tokens: number,
  vocabulary: number,
): PromptGroup[] {
  return Array.from({ length: sequences }, (_, b) => ({
    prompt: Array.from({ length: promptTokens }, () => b % vocabulary),
    responses: [Uint32Array.from({ length: tokens }, (_token, i) => (b * 7 + i * 3) % vocabulary)],
  }));
}
