import { describe, expect, test } from 'vitest';
import { openGpu } from '../../src/gpu/device.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { heldParameters } from '../../src/model/parameter-source.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import { allocateBuffers, type BuffersShape } from '../../src/scheduler/experiment-buffers.ts';
import { MemoryPlanner } from '../../src/scheduler/plan-memory.ts';
import { adapterTargets } from '../../src/vocabulary/adapters.ts';
import { watchPeak } from '../support/buffer-watch.ts';
import { inNodeAlone } from '../support/host.ts';
import { paidAs, smallConfig } from '../support/ppo-rig.ts';

const model = parseHfConfig(
  {
    model_type: 'qwen2',
    vocab_size: 512,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
    max_position_embeddings: 128,
  },
  'config.json',
);
const prompts = [[3, 1, 4, 1, 5, 9, 2], [6, 5], [3, 5, 8, 9], [7]];
const samples = 4;

function shapeOf(estimator: 'grpo' | 'gae'): BuffersShape {
  const { rollout, ppo } = smallConfig({
    rollout: { prompts: prompts.length, samples },
    ppo: { estimator, minibatches: 1, updateEpochs: 1 },
  });
  return {
    model,
    config: {
      rollout,
      ppo,
      weightStorage: 'f16',
      cacheStorage: 'f16',
      adapter: { rank: 4, alpha: 8, targets: adapterTargets },
    },
    lengths: { maxPromptTokens: 8, maxResponseTokens: 24 },
    prompts: 8,
    epochs: 2,
  };
}

describe('a planned run with adapters', () => {
  test.for(['grpo', 'gae'] as const)('takes what was planned: %s', async (estimator, { skip }) => {
    inNodeAlone(skip);
    const gpu = await openGpu({ limits: 'default' });
    try {
      const shape = shapeOf(estimator);
      const planner = new MemoryPlanner(shape, gpu.limits);
      // Too little for all rows together.
      const plan = planner.plan(planner.plan(Infinity).total - 1);
      const seen = watchPeak(gpu);
      const buffers = allocateBuffers(gpu, { ...shape, ...plan.choices });
      expect(gpu.memory.total()).toBe(plan.total);
      expect(gpu.memory.byPurpose()).toEqual(plan.byPurpose);
      await buffers.trainer.reset(heldParameters(initialParameters(model, 1, 0.1)), 1);
      const generation = await buffers.decoder.generate({
        prompts,
        samplesPerPrompt: samples,
        seed: 4,
        temperature: 1,
        stopIds: [0],
      });
      const rollout = prompts.map((prompt, i) => ({
        promptIndex: i,
        prompt: Uint32Array.from(prompt),
        responses: Array.from({ length: samples }, (_, s) => generation.response(i * samples + s)),
      }));
      const rewards = Array.from({ length: generation.rows }, (_, row) => (row % 3) - 1);
      const metrics = await buffers.trainer.update(rollout, paidAs(rewards), {
        seed: 1,
        iteration: 0,
        column: 0,
      });
      expect(metrics.actor_grad_norm).toBeGreaterThan(0);
      // Nothing but readbacks came after.
      expect(Math.abs(plan.total - seen().peak)).toBeLessThanOrEqual(0.05 * seen().peak);
      buffers.destroy();
      expect(gpu.memory.total()).toBe(0);
    } finally {
      await gpu.close();
    }
  });
});
