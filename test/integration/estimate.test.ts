import { describe, expect, test } from 'vitest';
import { configFrom, drawnConfig, type ExperimentConfig } from '../../src/config.ts';
import { AdapterError, type Gpu, openGpu } from '../../src/gpu/device.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import { baseTrainer, modelConfigOf } from '../../src/scheduler/base.ts';
import { allocateExperimentBuffers } from '../../src/scheduler/experiment-buffers.ts';
import { estimate } from '../../src/scheduler/estimate.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { taskShapeOf } from '../../src/tasks/registry.ts';
import { inNodeAlone } from '../support/host.ts';
import { watchBuffers, watchPeak } from '../support/buffer-watch.ts';
import { smallConfig } from '../support/ppo-rig.ts';

const open = (
  gpu: Gpu,
  config: ExperimentConfig,
  onUpdate = () => undefined as unknown,
  base?: ReadonlyMap<string, Float32Array>,
) =>
  Experiment.open(
    {
      gpu,
      hostName: 'test',
      store: new MemoryStore(),
      verify: ({ promptOf }) =>
        Promise.resolve({
          rewards: new Float32Array(promptOf.length).fill(1),
          correct: new Uint8Array(promptOf.length).fill(1),
          formatted: new Uint8Array(promptOf.length).fill(1),
          extracted: Array.from(promptOf, () => null),
          failures: [],
        }),
      shippedBase: () => Promise.resolve(base),
      emit: ({ type }) => {
        if (type === 'update') onUpdate();
      },
    },
    config,
    [1],
  );

async function withDevice(body: (gpu: Gpu) => Promise<void> | void): Promise<void> {
  const gpu = await openGpu({ limits: 'default' });
  try {
    await body(gpu);
  } finally {
    await gpu.close();
  }
}

const cases: readonly [string, ExperimentConfig][] = [
  ['the quick preset', configFrom('quick', undefined, 'test')],
  [
    'grouped queries, an output layer of its own and no critic',
    configFrom(
      'quick',
      {
        model: { hiddenSize: 48, layers: 3, kvHeads: 2, tieEmbeddings: false },
        rollout: { prompts: 16 },
        ppo: { estimator: 'grpo', minibatches: 16, minibatchUnit: 'sequence' },
      },
      'test',
    ),
  ],
  [
    'gradient checkpointing',
    configFrom('quick', { gradientCheckpointing: true, model: { layers: 4 } }, 'test'),
  ],
  [
    'weights and cache in f16',
    configFrom(
      'quick',
      { weightStorage: 'f16', cacheStorage: 'f16', model: { tieEmbeddings: false } },
      'test',
    ),
  ],
];

describe('estimate', () => {
  test.each(cases)('tells what a device is asked for: %s', async (_, config) => {
    const { run, pretraining } = estimate(config);
    await withDevice((gpu) => {
      const bytes = watchBuffers(gpu);
      allocateExperimentBuffers(gpu, config, taskShapeOf(config.task)!);
      expect(Math.abs(run.total - bytes())).toBeLessThanOrEqual(0.05 * bytes());
      expect(run.byPurpose).toEqual(gpu.memory.byPurpose());
      const before = bytes();
      const drawn = drawnConfig(config, 'a base');
      baseTrainer(gpu, drawn, taskShapeOf(config.task)!).destroy();
      const trainer = bytes() - before;
      expect(Math.abs(pretraining.total - trainer)).toBeLessThanOrEqual(0.05 * trainer);
    });
  });

  test.for([
    ['pre-training', 128],
    ['PPO', 4],
  ] as const)(
    'tells the most that a run holds at once: in %s',
    async ([where, sequencesPerUpdate], { skip }) => {
      inNodeAlone(skip);
      const config = smallConfig({ base: { sequencesPerUpdate, updates: 1 } });
      const { run, pretraining, peak } = estimate(config);
      expect(peak).toBe((where === 'PPO' ? run : pretraining).total);
      await withDevice(async (gpu) => {
        const seen = watchPeak(gpu);
        const control = new RunControl();
        let during = NaN;
        const experiment = await open(gpu, config, () => {
          during = seen().live;
          control.stop();
        });
        expect(seen().peak).toBe(0);
        await experiment.run(control);
        expect(Math.abs(peak - seen().peak)).toBeLessThanOrEqual(0.05 * seen().peak);
        expect(Math.abs(run.total - during)).toBeLessThanOrEqual(0.05 * during);
      });
    },
  );

  test('counts no pre-training where there is a base, and a run asks for none', async () => {
    const config = smallConfig({ base: { sequencesPerUpdate: 128 } });
    const hasBase = { hasBase: true };
    const { run, pretraining, peak } = estimate(config, undefined, hasBase);
    expect(run).toEqual(estimate(config).run);
    expect(pretraining).toEqual({ byPurpose: {}, total: 0 });
    expect(peak).toBe(run.total);
    // Holds the buffers of the run, but not those of pre-training.
    const limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 15 };
    expect(estimate(config, limits, hasBase).peak).toBe(peak);
    expect(() => estimate(config, limits)).toThrow(AdapterError);
    const base = initialParameters(modelConfigOf(config, taskShapeOf(config.task)!), 1);
    await withDevice(async (gpu) => {
      Object.defineProperty(gpu, 'limits', { value: limits });
      await expect(open(gpu, config)).rejects.toMatchObject({ name: 'AdapterError' });
      const opened = await open(gpu, config, undefined, base);
      await opened.task.text.close();
    });
  });

  test('adds up, and grows with what is asked', () => {
    const small = estimate(configFrom('quick', undefined, 'test'));
    const large = estimate(configFrom('quick', { model: { layers: 8 } }, 'test'));
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    expect(sum(Object.values(small.run.byPurpose))).toBe(small.run.total);
    const weights = [small, large].map(({ run }) => run.byPurpose.weights ?? 0);
    expect(weights[1]).toBeGreaterThan(3 * (weights[0] ?? NaN));
    expect(small.run.byPurpose.optimizer).toBeGreaterThan(small.run.byPurpose.gradients ?? NaN);
  });

  test('keeps one layer and the inputs of the others with gradient checkpointing', () => {
    const activations = (layers: number, gradientCheckpointing: boolean): number => {
      const config = configFrom('quick', { gradientCheckpointing, model: { layers } }, 'test');
      return estimate(config).pretraining.byPurpose.activations ?? NaN;
    };
    expect(activations(1, true)).toBe(activations(1, false));
    const perLayer = activations(2, false) - activations(1, false);
    const perInput = activations(2, true) - activations(1, true);
    expect(activations(9, true)).toBe(activations(1, true) + 8 * perInput);
    // A layer holds its input, its norms, queries, keys and values, and three times an MLP's width.
    expect(perLayer).toBeGreaterThan(8 * perInput);
  });

  test('counts halves beside what is trained, and in place of what is not', () => {
    const weights = (weightStorage: 'f32' | 'f16', estimator: 'gae' | 'grpo'): number => {
      const config = configFrom(
        'quick',
        {
          weightStorage,
          model: { hiddenSize: 256, intermediateSize: 1024, layers: 4 },
          ppo: { estimator },
        },
        'test',
      );
      return estimate(config).run.byPurpose.weights ?? NaN;
    };
    const [withCritic, without] = [weights('f32', 'gae'), weights('f32', 'grpo')];
    // Beside their norms and 18 tokens these models are all matrices: 4 bytes each become 6, and
    // those of the reference 2.
    expect(weights('f16', 'gae') / withCritic).toBeCloseTo((6 + 6 + 2) / 12, 2);
    expect(weights('f16', 'grpo') / without).toBeCloseTo((6 + 2) / 8, 2);
  });

  test('costs no memory where a run would not fit', () => {
    const config = configFrom(
      'standard',
      { model: { hiddenSize: 4096, intermediateSize: 16_384, layers: 64 } },
      'test',
    );
    expect(estimate(config).peak).toBeGreaterThan(2 ** 35);
  });

  test('refuses a pool whose rewards no binding holds', () => {
    const config = configFrom(
      'standard',
      { task: { poolPrompts: 1_000_000 }, experiment: { epochs: 40 } },
      'test',
    );
    const limits = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 27 };
    expect(() => estimate(config, limits)).toThrow(
      'accuracy sums needs 160000000 bytes in one binding, this device has 134217728',
    );
    expect(() => estimate(config, limits)).toThrow(AdapterError);
  });

  test.each([
    ['a tensor', { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 20 }],
    ['a parameter', { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 14 }],
  ])('refuses with the number, and an experiment before it allocates: %s', async (_, limits) => {
    const config = configFrom('quick', undefined, 'test');
    const numbers = new RegExp(
      `\\d+ (bytes|elements).* (${limits.maxStorageBufferBindingSize}|${limits.maxStorageBufferBindingSize / 4})`,
    );
    expect(() => estimate(config, limits)).toThrow(numbers);
    await withDevice(async (gpu) => {
      const bytes = watchBuffers(gpu);
      Object.defineProperty(gpu, 'limits', { value: limits });
      await expect(open(gpu, config)).rejects.toThrow(numbers);
      await expect(open(gpu, config)).rejects.toMatchObject({ name: 'AdapterError' });
      expect(bytes()).toBe(0);
    });
  });
});
