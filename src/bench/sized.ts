import { configFrom } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { heldParameters } from '../model/parameter-source.ts';
import { initialParameters } from '../model/parameters.ts';
import { allocateBuffers } from '../scheduler/experiment-buffers.ts';
import { measureIteration } from './ppo.ts';
import type { Bench, SuiteName } from './record.ts';
import { generationShape, measureRollout } from './rollout.ts';
import { measureSteps, type ReferenceShape, referenceModel, referenceTraining } from './train.ts';

/** Shapes at which training engines are compared on one adapter, by number of parameters. */
export const sizes = {
  '1m': { B: 64, T: 64, C: 128, L: 4, H: 4, V: 512, F: 344 },
  '10m': { B: 32, T: 256, C: 384, L: 6, H: 6, V: 4096, F: 1024 },
  '100m': { B: 16, T: 512, C: 768, L: 12, H: 12, V: 32_000, F: 2048 },
} as const satisfies Readonly<Record<string, ReferenceShape>>;

export type SizeName = keyof typeof sizes;

export const sizeNames = Object.keys(sizes) as SizeName[];

export const isSize = (name: string): name is SizeName => Object.hasOwn(sizes, name);

/** A size, and the sequences of a batch where they differ from the size's own. */
export interface Sized {
  readonly size: SizeName;
  readonly batch?: number;
}

/** The suites that can be measured at a size. */
export const sizedSuites = {
  train: measureTraining,
  rollout: measureRollouts,
  ppo: measurePpo,
} as const satisfies Partial<Record<SuiteName, (bench: Bench, sized: Sized) => Promise<void>>>;

export const isSized = (suite: SuiteName): suite is keyof typeof sizedSuites =>
  Object.hasOwn(sizedSuites, suite);

const shapeOf = ({ size, batch }: Sized): ReferenceShape => ({
  ...sizes[size],
  B: batch ?? sizes[size].B,
});

async function measureTraining(bench: Bench, sized: Sized): Promise<void> {
  const shape = shapeOf(sized);
  for (const storage of ['f32', 'f16'] as const) {
    const name = `${sized.size}${storage === 'f16' ? ', f16 weights' : ''}`;
    await measureSteps(bench, name, { ...shape }, referenceTraining(bench, shape, false, storage));
  }
}

async function measureRollouts(bench: Bench, sized: Sized): Promise<void> {
  const model = referenceModel(shapeOf(sized));
  for (const batch of sized.batch === undefined ? [1, 256] : [sized.batch]) {
    const name = `generation, ${sized.size}, batch ${batch}`;
    await measureRollout(bench, name, model, generationShape(batch));
  }
}

/** Samples of a prompt in a PPO iteration at a size. */
const samples = 8;

/**
 * What a PPO iteration at a size keeps on the device. Responses have three quarters of the context,
 * 8 to a prompt; four minibatches have B sequences each.
 */
export function sizedBuffers(gpu: Gpu, sized: Sized) {
  const shape = shapeOf(sized);
  const { B, T } = shape;
  const model = referenceModel(shape);
  const count = Math.max(1, Math.ceil((4 * B) / samples));
  const lengths = { maxPromptTokens: T / 4, maxResponseTokens: (3 * T) / 4 };
  const { rollout, ...rest } = configFrom('standard', undefined, 'bench');
  const buffers = allocateBuffers(gpu, {
    model,
    config: { ...rest, rollout: { ...rollout, prompts: count, samples } },
    lengths,
    prompts: count,
    epochs: 1,
  });
  return { shape, model, count, lengths, temperature: rollout.temperature, buffers };
}

async function measurePpo(bench: Bench, sized: Sized): Promise<void> {
  const { shape, model, count, lengths, temperature, buffers } = sizedBuffers(bench.gpu, sized);
  await buffers.trainer.reset(heldParameters(initialParameters(model, 1, 0.02)), 1);
  await measureIteration(bench, {
    name: `PPO iteration, ${sized.size}`,
    shapes: { ...shape, prompts: count, samples },
    buffers,
    prompts: Array.from({ length: count }, (_, p) =>
      Uint32Array.from(
        { length: lengths.maxPromptTokens },
        (_token, i) => (p * 31 + i * 7) % shape.V,
      ),
    ),
    samples,
    temperature,
    stopIds: [],
    verdictsOf: (responses) =>
      Promise.resolve(
        responses.map((response) => {
          const correct = (response[0] ?? 0) % 2 === 0;
          return { reward: correct ? 1 : -0.5, correct, formatted: true, extracted: null };
        }),
      ),
  });
}
