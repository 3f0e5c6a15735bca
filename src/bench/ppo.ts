import { configFrom, type DrawnExperimentConfig, drawnConfig } from '../config.ts';
import { PassClock } from '../gpu/pass-clock.ts';
import { estimate } from '../scheduler/estimate.ts';
import { heldParameters } from '../model/parameter-source.ts';
import { initialParameters } from '../model/parameters.ts';
import { modelConfigOf } from '../scheduler/base.ts';
import {
  allocateExperimentBuffers,
  type ExperimentBuffers,
} from '../scheduler/experiment-buffers.ts';
import { openTask, openVerifier } from '../tasks/registry.ts';
import { givenText, type Verdict } from '../tasks/task.ts';
import { packVerdicts } from '../tasks/verification.ts';
import { type Bench, measure } from './record.ts';
import { tinyConfig } from './tiny.ts';

/**
 * One PPO iteration from random weights: rollout, verification, update. Responses are about as long
 * as they may be. The buffers live as long as the device, so this suite must be the last of a run.
 */
export async function benchPpo(bench: Bench): Promise<void> {
  const presets = ['quick', 'standard'].map((name) =>
    drawnConfig(configFrom(name, undefined, 'bench'), 'the benchmark'),
  );
  for (const config of bench.tiny ? [tinyConfig] : presets) await measurePreset(bench, config);
}

async function measurePreset(bench: Bench, config: DrawnExperimentConfig): Promise<void> {
  const { rollout } = config;
  const task = await openTask(config.task);
  const verifier = await openVerifier(config.task);
  estimate(config, bench.gpu.limits, { task, hasBase: true });
  const buffers = allocateExperimentBuffers(bench.gpu, config, task);
  const model = modelConfigOf(config, task);
  const base = initialParameters(model, 1, config.base.initialScale);
  await buffers.trainer.reset(heldParameters(base), 1);
  const pool = task.pool(1).slice(0, rollout.prompts);
  const { hiddenSize: C, layers: L, heads: H } = config.model;
  await measureIteration(bench, {
    name: `PPO iteration, ${config.preset}`,
    shapes: { prompts: rollout.prompts, samples: rollout.samples, C, L, H, V: model.vocabSize },
    buffers,
    prompts: await task.text.encode(pool.map(givenText)),
    samples: rollout.samples,
    temperature: rollout.temperature,
    stopIds: task.stopIds,
    verdictsOf: async (responses, stopped) => {
      const texts = await task.text.decode(responses);
      return Promise.all(
        texts.map(async (response, row) => {
          const { text = '', key = '' } = pool[Math.floor(row / rollout.samples)] ?? {};
          return verifier.verify(text, key, response, { finished: stopped[row] === 1 });
        }),
      );
    },
  });
  await task.text.close();
}

/** The engine and the prompts on which iterations are measured. */
export interface IterationCase {
  readonly name: string;
  readonly shapes: Readonly<Record<string, number>>;
  /** Buffers that have their weights. */
  readonly buffers: Pick<ExperimentBuffers, 'trainer' | 'decoder'>;
  readonly prompts: readonly Uint32Array[];
  readonly samples: number;
  readonly temperature: number;
  readonly stopIds: readonly number[];
  /** Verdicts on responses, prompt by prompt; `stopped` is 1 where a response ended by itself. */
  readonly verdictsOf: (
    responses: readonly Uint32Array[],
    stopped: Uint8Array,
  ) => Promise<readonly Verdict[]>;
}

/**
 * Measures whole iterations, their parts, and the time inside compute passes where the adapter
 * reports it.
 */
export async function measureIteration(bench: Bench, entry: IterationCase): Promise<void> {
  const { gpu } = bench;
  const { buffers, prompts, samples, temperature, stopIds, verdictsOf } = entry;
  let iteration = 0;
  if (gpu.features.has('timestamp-query')) gpu.passClock = new PassClock(gpu);
  await measure(bench, {
    suite: 'ppo',
    name: entry.name,
    shapes: entry.shapes,
    bound: 'matmul',
    run: async () => {
      const started = performance.now();
      // The random numbers are always the same; only the policy changes from run to run.
      const generation = await buffers.decoder.generate({
        prompts,
        samplesPerPrompt: samples,
        seed: 1,
        temperature,
        stopIds,
      });
      const sampled = performance.now();
      const groups = prompts.map((prompt, promptIndex) => ({
        promptIndex,
        prompt,
        responses: Array.from({ length: samples }, (_, s) =>
          generation.response(promptIndex * samples + s),
        ),
      }));
      const verdicts = packVerdicts(
        await verdictsOf(
          groups.flatMap(({ responses }) => responses),
          generation.stopped,
        ),
      );
      const verified = performance.now();
      await buffers.trainer.update(groups, verdicts, { seed: 1, iteration: iteration++ });
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
