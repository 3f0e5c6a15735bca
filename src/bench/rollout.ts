import { configFrom } from '../config.ts';
import type { ModelConfig } from '../model/config.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../model/parameters.ts';
import { Decoder } from '../rollout/decoder.ts';
import { modelConfigOf } from '../scheduler/base.ts';
import { createTask } from '../tasks/registry.ts';
import { type Bench, measure } from './record.ts';
import { tinyConfig } from './tiny.ts';
import { referenceModel, referenceShape } from './train.ts';

/** Sampled responses to prompts, a random model's, each as long as it may be. */
interface RolloutShape {
  readonly prompts: number;
  readonly samples: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

/** Rollouts: prefill and every decoding step, responses read back. */
export async function benchRollout(bench: Bench): Promise<void> {
  const config = bench.tiny ? tinyConfig : configFrom('quick', undefined, 'bench');
  const task = createTask(config.task);
  const { prompts, samples } = config.rollout;
  await measureRollout(bench, `rollout, ${config.preset}`, modelConfigOf(config, task), {
    prompts,
    samples,
    promptTokens: task.maxPromptTokens,
    newTokens: task.maxResponseTokens,
  });
  if (bench.tiny) return;
  await measureRollout(bench, 'rollout, reference', referenceModel(referenceShape), {
    prompts: 8,
    samples: 8,
    promptTokens: 32,
    newTokens: 32,
  });
}

async function measureRollout(
  bench: Bench,
  name: string,
  model: ModelConfig,
  shape: RolloutShape,
): Promise<void> {
  const { gpu } = bench;
  const { prompts, samples, promptTokens, newTokens } = shape;
  const layout = parameterLayout(model, 'lm', gpu.limits.maxStorageBufferBindingSize / 4);
  const weights = new ParameterStore(gpu, layout, 'model', 'weights');
  weights.load(initialParameters(model, 1, 0.02));
  const decoder = new Decoder(gpu, model, weights, {
    rows: prompts * samples,
    prompts,
    promptRows: prompts * promptTokens,
    promptLength: promptTokens,
    newTokens,
  });
  const texts = Array.from({ length: prompts }, (_, p) =>
    Uint32Array.from({ length: promptTokens }, (_, i) => (p * 5 + i) % model.vocabSize),
  );
  const { hiddenSize: C, layers: L, heads: H, vocabSize: V, intermediateSize: F } = model;
  try {
    await measure(bench, {
      suite: 'rollout',
      name,
      shapes: { ...shape, C, L, H, V, F },
      bound: 'matmul',
      run: async () => {
        const { lengths } = await decoder.generate({
          prompts: texts,
          samplesPerPrompt: samples,
          seed: 1,
          stopIds: [],
        });
        return { tokens: lengths.reduce((sum, length) => sum + length, 0) };
      },
    });
  } finally {
    await gpu.idle();
    decoder.destroy();
    weights.destroy();
  }
}
