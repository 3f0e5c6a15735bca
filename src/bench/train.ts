import { configFrom, drawnConfig } from '../config.ts';
import type { ModelConfig } from '../model/config.ts';
import { packedSizes, type PromptGroup } from '../model/packed-batch.ts';
import { initialParameters, type WeightStorage } from '../model/parameters.ts';
import { baseTrainer, modelConfigOf, demonstration } from '../scheduler/base.ts';
import { SupervisedTrainer } from '../supervised/trainer.ts';
import { openTask } from '../tasks/registry.ts';
import { type Bench, measure } from './record.ts';
import { tinyConfig } from './tiny.ts';

/** Batch, tokens, width, layers, heads, vocabulary, MLP width. */
export interface ReferenceShape {
  readonly B: number;
  readonly T: number;
  readonly C: number;
  readonly L: number;
  readonly H: number;
  readonly V: number;
  readonly F: number;
}

/** The shape at which small training engines are compared: 857k parameters, SwiGLU, tied. */
export const referenceShape: ReferenceShape = {
  B: 16,
  T: 64,
  C: 128,
  L: 4,
  H: 4,
  V: 512,
  F: 344,
};

/** A decoder of the given shape. */
export const referenceModel = ({ T, C, L, H, V, F }: ReferenceShape): ModelConfig => ({
  architecture: 'llama',
  vocabSize: V,
  hiddenSize: C,
  intermediateSize: F,
  layers: L,
  heads: H,
  kvHeads: H,
  headDim: C / H,
  ropeTheta: 10_000,
  rmsNormEps: 1e-6,
  tieEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  maxPositions: T + 1,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
});

/**
 * A trainer of the reference shape and a batch that fills it: `B * T` predicted tokens.
 *
 * @param checkpointing Keeps only the layers' inputs, as `gradientCheckpointing` of a config.
 * @param weightStorage As `weightStorage` of a config.
 */
export function referenceTraining(
  bench: Pick<Bench, 'gpu'>,
  shape = referenceShape,
  checkpointing = false,
  weightStorage: WeightStorage = 'f32',
) {
  const { B, T, V } = shape;
  const model = referenceModel(shape);
  const { optimizer } = presetConfig('standard').base;
  const trainer = new SupervisedTrainer(bench.gpu, model, optimizer, {
    capacity: { rows: B * T, actions: B * T, sequences: B },
    positions: T + 1,
    checkpointing,
    weightStorage,
  });
  trainer.model.reset(initialParameters(model, 1, 0.02));
  const token = (at: number): number => (at * 7 + 3) % V;
  const groups: PromptGroup[] = Array.from({ length: B }, (_, b) => ({
    prompt: [token(b * T)],
    responses: [Uint32Array.from({ length: T }, (_, i) => token(b * T + i + 1))],
  }));
  return { trainer, groups };
}

const presetConfig = (preset: string) =>
  drawnConfig(configFrom(preset, undefined, 'bench'), 'the benchmark');

/** Whole training steps: forward, backward, AdamW, and the loss read back. */
export async function benchTrain(bench: Bench): Promise<void> {
  const shape = bench.tiny ? { B: 2, T: 8, C: 16, L: 1, H: 2, V: 32, F: 24 } : referenceShape;
  await measureSteps(bench, 'reference', { ...shape }, referenceTraining(bench, shape));
  const halved = referenceTraining(bench, shape, false, 'f16');
  await measureSteps(bench, 'reference, f16 weights', { ...shape }, halved);
  const configs = bench.tiny ? [tinyConfig] : ['quick', 'standard'].map(presetConfig);
  for (const config of configs) {
    const task = await openTask(config.task);
    const trainer = baseTrainer(bench.gpu, config, task);
    trainer.model.reset(initialParameters(modelConfigOf(config, task), 1, 0.08));
    const count = config.base.sequencesPerUpdate;
    const groups = (task.corpus?.(1, 0, count) ?? []).map(demonstration);
    const { hiddenSize: C, layers: L, heads: H, intermediateSize: F } = config.model;
    const { rows } = packedSizes(groups, true);
    const shapes = { sequences: count, rows, C, L, H, V: task.vocabularySize, F };
    await measureSteps(bench, `pre-training ${config.preset}`, shapes, { trainer, groups });
  }
}

/** Measures steps of one trainer, then destroys the trainer. */
export async function measureSteps(
  bench: Bench,
  name: string,
  shapes: Readonly<Record<string, number>>,
  training: { readonly trainer: SupervisedTrainer; readonly groups: readonly PromptGroup[] },
): Promise<void> {
  const { trainer, groups } = training;
  const { rows: tokens } = packedSizes(groups, true);
  try {
    await measure(bench, {
      suite: 'train',
      name: `training step, ${name}`,
      shapes,
      bound: 'matmul',
      run: async () => {
        await trainer.step(groups);
        await trainer.loss();
        return { tokens };
      },
    });
  } finally {
    await bench.gpu.idle();
    trainer.destroy();
  }
}
