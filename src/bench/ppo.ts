import { configFrom, type ExperimentConfig } from '../config.ts';
import { PassClock } from '../gpu/pass-clock.ts';
import { estimate } from '../scheduler/estimate.ts';
import { initialParameters } from '../model/parameters.ts';
import { modelConfigOf } from '../scheduler/base.ts';
import { createEngine } from '../scheduler/engine.ts';
import { createTask } from '../tasks/registry.ts';
import { type Bench, measure } from './record.ts';
import { tinyConfig } from './tiny.ts';

/**
 * One PPO iteration from random weights, whose responses are about as long as they may be: rollout,
 * verification, update. Its buffers live as long as the device: the last suite of a run.
 */
export async function benchPpo(bench: Bench): Promise<void> {
  const presets = ['quick', 'standard'].map((name) => configFrom(name, undefined, 'bench'));
  for (const config of bench.tiny ? [tinyConfig] : presets) await measureIteration(bench, config);
}

async function measureIteration(bench: Bench, config: ExperimentConfig): Promise<void> {
  const { gpu } = bench;
  const { rollout } = config;
  estimate(config, gpu.limits);
  const task = createTask(config.task);
  const { trainer, decoder } = createEngine(gpu, config, task);
  const model = modelConfigOf(config, task);
  trainer.reset(initialParameters(model, 1, config.base.initialScale), 1);
  const pool = task.pool(1).slice(0, rollout.prompts);
  const prompts = pool.map(({ text }) => task.tokenizer.encode(text));
  const { samples } = rollout;
  let iteration = 0;
  if (gpu.features.has('timestamp-query')) gpu.passClock = new PassClock(gpu);
  const { hiddenSize: C, layers: L, heads: H } = config.model;
  await measure(bench, {
    suite: 'ppo',
    name: `PPO iteration, ${config.preset}`,
    shapes: { prompts: rollout.prompts, samples, C, L, H, V: model.vocabSize },
    bound: 'matmul',
    run: async () => {
      const started = performance.now();
      const generation = await decoder.generate({
        prompts,
        samplesPerPrompt: samples,
        // Always the same draws; the policy alone changes from run to run.
        seed: 1,
        temperature: rollout.temperature,
        stopIds: task.endToken === undefined ? [] : [task.endToken],
      });
      const sampled = performance.now();
      const groups = prompts.map((prompt, promptIndex) => ({
        promptIndex,
        prompt,
        responses: Array.from({ length: samples }, (_, s) =>
          generation.response(promptIndex * samples + s),
        ),
      }));
      const rewards = Float32Array.from(
        groups.flatMap(({ responses, promptIndex }) => {
          const prompt = pool[promptIndex];
          return responses.map((response) =>
            prompt ? task.verify(prompt.text, prompt.key, response).reward : 0,
          );
        }),
      );
      const verified = performance.now();
      await trainer.update(groups, rewards, { seed: 1, iteration: iteration++ });
      await gpu.idle();
      const ended = performance.now();
      const passes = await gpu.passClock?.read();
      return {
        tokens: generation.lengths.reduce((sum, length) => sum + length, 0),
        parts: {
          rollout: sampled - started,
          verify: verified - sampled,
          update: ended - verified,
          ...(passes !== undefined && { 'GPU passes': passes }),
        },
      };
    },
  });
  gpu.passClock?.destroy();
  gpu.passClock = undefined;
}
