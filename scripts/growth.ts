// Measures the growth of time and memory, for the tables of docs/growth.md:
//
//   node --import ./scripts/ts-hooks.mjs scripts/growth.ts [TABLE ...]
//
// Without a name, all tables are made. `memory` and `work` count allocations and operations of
// plans, without a device. `batch`, `context`, `width`, `vocabulary`, `checkpointing` and `matrix`
// measure on this machine's adapter, up to two minutes each.
import { countWork } from '../src/bench/record.ts';
import { referenceModel, referenceShape, referenceTraining } from '../src/bench/train.ts';
import { configFrom } from '../src/config.ts';
import { presets } from '../src/presets.ts';
import { type Gpu, openGpu } from '../src/gpu/device.ts';
import type { MemoryLimits } from '../src/gpu/memory.ts';
import { phantomGpu } from '../src/gpu/phantom.ts';
import { median } from '../src/median.ts';
import type { MatrixTensors, RewardMatrix, ValueMatrix } from '../src/lim/matrix.ts';
import { scoreMatrix } from '../src/lim/score.ts';
import { parameterLayout } from '../src/model/parameters.ts';
import type { TrainerConfig } from '../src/ppo/trainer.ts';
import { modelConfigOf } from '../src/scheduler/base.ts';
import { allocateBuffers, type BuffersShape } from '../src/scheduler/experiment-buffers.ts';
import { estimateBuffers } from '../src/scheduler/estimate.ts';
import { taskShapeOf } from '../src/tasks/registry.ts';

type ModelShape = typeof referenceShape;

const MiB = 2 ** 20;
/** Largest binding and allocation of common desktop adapters. */
const desktop: MemoryLimits = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 };
const standard = configFrom('standard', undefined, 'growth');

/** A number with about three significant digits and no exponent. */
const figure = (value: number): string =>
  value >= 100
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
const millions = (count: number): string => `${figure(count / 1e6)}M`;

function table(title: string, header: readonly string[], rows: readonly (readonly string[])[]) {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  console.log(`\n${title}\n`);
  console.log([header, header.map(() => '---'), ...rows].map(line).join('\n'));
}

/**
 * A family of growing models: each size is wider or deeper than the one before. Heads are 64 wide,
 * layers are as many as heads or one more, the SwiGLU is 8/3 of the width. Size 24 is the 100M of
 * the performance page.
 */
const familyShape = (size: number, vocabulary: number): ModelShape => {
  const H = Math.floor(size / 2);
  const C = 64 * H;
  return { B: 1, T: 1, C, L: size - H, H, V: vocabulary, F: Math.ceil(C / 24) * 64 };
};

/** Prompts, samples per prompt and tokens of a rollout, and sequences per optimizer update. */
interface RolloutSettings {
  readonly prompts: number;
  readonly samples: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly sequences: number;
}

function buffersShape(
  model: ModelShape,
  rollout: RolloutSettings,
  gradientCheckpointing = false,
): BuffersShape {
  const { prompts, samples, promptTokens, newTokens } = rollout;
  const config: TrainerConfig = {
    gradientCheckpointing,
    rollout: { ...standard.rollout, prompts, samples },
    ppo: {
      ...standard.ppo,
      minibatchUnit: 'sequence',
      minibatches: (prompts * samples) / rollout.sequences,
    },
  };
  return {
    model: referenceModel({ ...model, T: promptTokens + newTokens }),
    config,
    lengths: { maxPromptTokens: promptTokens, maxResponseTokens: newTokens },
    prompts: 8192,
    epochs: 21,
  };
}

const parametersOf = (model: ModelShape): number =>
  parameterLayout(referenceModel(model), 'lm').count;

const settingsOf = (rollout: RolloutSettings): string =>
  `${rollout.prompts} prompts × ${rollout.samples} responses, ${rollout.promptTokens} + ` +
  `${rollout.newTokens} tokens, ${rollout.sequences} sequences an update`;

const roomy = { prompts: 16, samples: 8, promptTokens: 128, newTokens: 384, sequences: 16 };
const lean = { prompts: 8, samples: 8, promptTokens: 64, newTokens: 192, sequences: 8 };

/** The largest model of the family that fits, found by bisection. */
function largest(bytes: number, rollout: RolloutSettings, checkpointing: boolean): ModelShape {
  const fits = (size: number): boolean =>
    estimateBuffers(buffersShape(familyShape(size, 32_000), rollout, checkpointing), desktop)
      .total <= bytes;
  let [low, high] = [2, 128];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return familyShape(low, 32_000);
}

function memoryTables(): void {
  for (const rollout of [roomy, lean]) {
    table(
      `Largest model that trains with PPO (V 32,000, tied; ${settingsOf(rollout)}; computed)`,
      ['memory', 'all activations kept', 'gradient checkpointing'],
      [4, 8, 16, 24].map((gibibytes) => [
        `${gibibytes} GiB`,
        ...[false, true].map((checkpointing) => {
          const model = largest(gibibytes * 2 ** 30, rollout, checkpointing);
          return `${millions(parametersOf(model))} (C${model.C} L${model.L} F${model.F})`;
        }),
      ]),
    );
  }
  const A = referenceShape;
  const axes: readonly (readonly [string, ModelShape, RolloutSettings])[] = [
    ...[1, 4, 16, 64, 256].map((sequences) => {
      const rollout = { prompts: 32, samples: 8, promptTokens: 16, newTokens: 48, sequences };
      return [`batch ${sequences}`, A, rollout] as const;
    }),
    ...[64, 256, 1024, 4096].map((T) => {
      const rollout = { ...lean, promptTokens: T / 4, newTokens: (T * 3) / 4 };
      return [`context ${T}`, A, rollout] as const;
    }),
    ...[64, 128, 256, 512, 1024, 2048].map((C) => {
      const model = { ...A, C, H: C / 32, F: Math.ceil(C / 12) * 32 };
      return [`width ${C}`, model, lean] as const;
    }),
    ...[512, 4096, 32_000, 151_936].map((V) => [`vocabulary ${V}`, { ...A, V }, lean] as const),
  ];
  table(
    'GPU memory of PPO in MiB (C128 L4 H4 V512 and 8 × 8 responses of 64 + 192 tokens but for what is named; computed)',
    ['', 'parameters', 'weights, gradients, moments', 'the rest', 'the rest, checkpointing'],
    axes.map(([name, model, rollout]) => {
      const [kept, again] = [false, true].map((checkpointing) =>
        estimateBuffers(buffersShape(model, rollout, checkpointing), desktop),
      );
      const { weights = 0, gradients = 0, optimizer = 0 } = kept?.byPurpose ?? {};
      const fixed = weights + gradients + optimizer;
      const rest = [kept, again].map((use) => figure(((use?.total ?? NaN) - fixed) / MiB));
      return [name, millions(parametersOf(model)), figure(fixed / MiB), ...rest];
    }),
  );
}

/** Thrown instead of waiting for a device that does nothing. */
class Waits extends Error {}

/** A device for counting plans: it runs nothing, and throws `Waits` at whoever waits for it. */
function countingGpu(): Gpu {
  const nothing = (): void => undefined;
  const gpu = phantomGpu(desktop);
  const createBuffer = gpu.device.createBuffer.bind(gpu.device);
  Object.assign(gpu.device, {
    createBuffer: (descriptor: GPUBufferDescriptor) =>
      Object.assign(createBuffer(descriptor), { mapAsync: () => Promise.reject(new Waits()) }),
    createCommandEncoder: () => ({
      copyBufferToBuffer: nothing,
      clearBuffer: nothing,
      finish: () => ({}),
    }),
  });
  gpu.run = () => Promise.resolve();
  return gpu;
}

async function untilItWaits(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Waits) return;
    throw error;
  }
  throw new Error('nothing waited for the device');
}

/** Matmul operations of one PPO iteration whose responses all have the maximal length. */
async function iterationWork(shape: BuffersShape): Promise<{ rollout: number; update: number }> {
  const gpu = countingGpu();
  const { trainer, decoder } = allocateBuffers(gpu, shape);
  const { prompts: count, samples } = shape.config.rollout;
  const { maxPromptTokens, maxResponseTokens } = shape.lengths;
  const prompts = Array.from({ length: count }, () => new Uint32Array(maxPromptTokens));
  const rollout = await countWork(gpu, () =>
    untilItWaits(decoder.generate({ prompts, samplesPerPrompt: samples, seed: 1, stopIds: [] })),
  );
  const response = new Uint32Array(maxResponseTokens);
  const groups = prompts.map((prompt, promptIndex) => ({
    promptIndex,
    prompt,
    responses: Array.from({ length: samples }, () => response),
  }));
  const verdicts = {
    rewards: new Float32Array(count * samples),
    correct: new Uint8Array(count * samples),
    formatted: new Uint8Array(count * samples),
  };
  const update = await countWork(gpu, () =>
    untilItWaits(trainer.update(groups, verdicts, { seed: 1, iteration: 0 })),
  );
  return { rollout: rollout.flops, update: update.flops };
}

/** The presets, and three sizes of the performance page. */
function workShapes(): (readonly [string, BuffersShape, number])[] {
  const named = Object.entries(presets)
    .filter(([name]) => ['quick', 'standard'].includes(name))
    .map(([name, config]) => {
      const task = taskShapeOf(config.task);
      if (!task) throw new Error(`${name}: its task has no size before it is opened`);
      const { epochs } = config.experiment;
      const prompts = task.poolPrompts;
      const model = modelConfigOf(config, task);
      const { count } = parameterLayout(model, 'lm');
      return [name, { model, config, lengths: task, prompts, epochs }, count] as const;
    });
  const sizes = [
    ['1M', { ...referenceShape, B: 64 }, 64],
    ['10M', { B: 32, T: 256, C: 384, L: 6, H: 6, V: 4096, F: 1024 }, 256],
    ['100M', { B: 16, T: 512, C: 768, L: 12, H: 12, V: 32_000, F: 2048 }, 512],
  ] as const;
  return [
    ...named,
    ...sizes.map(([name, model, T]) => {
      const rollout = { prompts: 16, samples: 8, promptTokens: T / 4, newTokens: (T * 3) / 4 };
      const shape = buffersShape(model, { ...rollout, sequences: Math.min(32, model.B) });
      return [name, shape, parametersOf(model)] as const;
    }),
  ];
}

async function workTable(): Promise<void> {
  const rows: string[][] = [];
  for (const [name, shape, count] of workShapes()) {
    const { rollout, update } = await iterationWork(shape);
    const { prompts, samples } = shape.config.rollout;
    const { maxPromptTokens, maxResponseTokens } = shape.lengths;
    const hours = (rate: number): string => {
      const taken = ((rollout + update) / rate / 3600) * 120;
      return taken < 0.01 ? 'below 0.01' : figure(taken);
    };
    rows.push([
      name,
      millions(count),
      `${prompts} × ${samples}, ${maxPromptTokens} + ${maxResponseTokens}`,
      figure(rollout / 1e9),
      figure(update / 1e9),
      ...[4e9, 100e9, 5e12].map(hours),
    ]);
  }
  table(
    'One PPO iteration with the longest responses: matmul Gflop, and hours of 120 iterations at a rate (computed)',
    [
      '',
      'parameters',
      'responses, tokens',
      'rollout',
      'scores and updates',
      'at 4 Gflop/s',
      'at 100 Gflop/s',
      'at 5 Tflop/s',
    ],
    rows,
  );
}

/** Operations of attention in a step, which plans do not count: nine products of T x T / 2 x C. */
const attentionFlops = ({ B, T, C, L }: ModelShape): number => 9 * B * T * T * C * L;

const ROUNDS = 5;

/** The reference shape, with one size changed at a time. */
const stepShapes: Readonly<Record<string, Readonly<Record<string, ModelShape>>>> = (() => {
  const A = { ...referenceShape, B: 4 };
  const each = (sizes: readonly number[], shape: (size: number) => ModelShape) =>
    Object.fromEntries(sizes.map((size) => [size, shape(size)]));
  return {
    batch: each([1, 4, 16, 64], (B) => ({ ...A, B })),
    context: each([64, 256, 1024, 4096], (T) => ({ ...A, T, B: Math.max(1, 1024 / T) })),
    width: each([64, 128, 256, 512], (C) => ({
      ...A,
      C,
      H: C / 32,
      F: Math.ceil(C / 12) * 32,
    })),
    vocabulary: each([512, 4096, 32_000, 151_936], (V) => ({ ...A, V })),
  };
})();

/** Milliseconds after which a step is not run again. */
const PATIENCE = 20_000;

async function stepTable(gpu: Gpu, axis: string): Promise<void> {
  const rows: string[][] = [];
  for (const [name, shape] of Object.entries(stepShapes[axis] ?? {})) {
    const { trainer, groups } = referenceTraining({ gpu }, shape);
    const step = async (): Promise<number> => {
      const started = performance.now();
      await trainer.step(groups);
      await trainer.loss();
      return performance.now() - started;
    };
    const first = await step();
    const times = [];
    let spent = first;
    while (times.length < ROUNDS && spent < PATIENCE) {
      const time = await step();
      times.push(time);
      spent += time;
    }
    const milliseconds = times.length > 0 ? median(times) : first;
    const attention = attentionFlops(shape);
    rows.push([
      name,
      millions(parametersOf(shape)),
      `${shape.B} × ${shape.T}`,
      figure(trainer.flops / 1e9),
      figure(attention / 1e9),
      figure(milliseconds),
      times.length > 0 ? `${times.length}` : 'first',
      figure(((shape.B * shape.T) / milliseconds) * 1000),
      figure((trainer.flops + attention) / milliseconds / 1e6),
    ]);
    await gpu.idle();
    trainer.destroy();
  }
  table(
    `Training step by ${axis}, C128 L4 H4 V512 F344 else (measured: ${gpu.name})`,
    [
      axis,
      'parameters',
      'B × T',
      'matmul Gflop',
      'attention Gflop',
      'ms',
      'runs',
      'tokens/s',
      'Gflop/s',
    ],
    rows,
  );
}

async function checkpointingTable(gpu: Gpu): Promise<void> {
  const rows: string[][] = [];
  const shapes = [referenceShape, { B: 8, T: 128, C: 192, L: 8, H: 6, V: 512, F: 512 }];
  for (const shape of shapes) {
    const pair = [false, true].map((checkpointing) => {
      const before = gpu.memory.byPurpose().activations ?? 0;
      const made = referenceTraining({ gpu }, shape, checkpointing);
      return { ...made, bytes: (gpu.memory.byPurpose().activations ?? 0) - before };
    });
    const times: number[][] = pair.map(() => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [i, { trainer, groups }] of pair.entries()) {
        const started = performance.now();
        await trainer.step(groups);
        await trainer.loss();
        if (round >= 0) times[i]?.push(performance.now() - started);
      }
    }
    const [kept = NaN, again = NaN] = times.map((list) => median(list));
    const [keptBytes = NaN, againBytes = NaN] = pair.map(({ bytes }) => bytes);
    const flops = pair.map(({ trainer }) => trainer.flops);
    rows.push([
      `B${shape.B} T${shape.T} C${shape.C} L${shape.L} V${shape.V}`,
      `${figure(keptBytes / MiB)} → ${figure(againBytes / MiB)}`,
      figure(againBytes / keptBytes),
      `${figure(kept)} → ${figure(again)}`,
      figure(median((times[1] ?? []).map((time, i) => time / (times[0]?.[i] ?? NaN)))),
      figure((flops[1] ?? NaN) / (flops[0] ?? NaN)),
    ]);
    await gpu.idle();
    for (const { trainer } of pair) trainer.destroy();
  }
  table(
    `Gradient checkpointing, training step, in turn, medians of ${ROUNDS} (measured: ${gpu.name})`,
    ['shape', 'activations in MiB', 'ratio', 'ms a step', 'ratio', 'ratio of matmul flops'],
    rows,
  );
}

/** The forms of a reward matrix, and their bytes per entry. */
const matrixForms = { 'sums, samples': 8, values: 4 } as const;
type MatrixForm = keyof typeof matrixForms;

async function matrixTable(gpu: Gpu): Promise<void> {
  const epochs = 21;
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.limits;
  const held = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const rows: string[][] = [];
  for (const prompts of [1e3, 1e4, 1e5, 1e6, 1e7]) {
    const entries = prompts * epochs;
    const onDevice = 4 * entries <= held;
    for (const [form, entryBytes] of Object.entries(matrixForms) as [MatrixForm, number][]) {
      const bytes = 2 * entryBytes * entries + 4 * prompts;
      const milliseconds = await scoreTime(gpu, form, [prompts, epochs], onDevice);
      rows.push([
        prompts.toLocaleString('en'),
        figure((12 * entries) / MiB),
        form,
        figure((entryBytes * entries) / MiB),
        figure(bytes / 1e6),
        onDevice ? 'device' : 'host, in pieces',
        figure(milliseconds),
        figure(bytes / milliseconds / 1e6),
      ]);
    }
  }
  table(
    `Reward matrix of ${epochs} data epochs (bytes computed; ms measured: ${gpu.name})`,
    [
      'prompts',
      'MiB in a run',
      'scored from',
      'MiB to score',
      'MB read twice',
      'matrix on',
      'ms to score',
      'GB/s',
    ],
    rows,
  );
}

/** Median time of scoring a matrix in device memory or in host memory. */
async function scoreTime(
  gpu: Gpu,
  form: MatrixForm,
  [prompts, epochs]: readonly [number, number],
  onDevice: boolean,
): Promise<number> {
  const rewards = new Float32Array(prompts * epochs).map((_, i) => (i * 7) % 9);
  const host: RewardMatrix | ValueMatrix =
    form === 'values'
      ? { prompts, epochs, values: rewards.map((right) => right / 8) }
      : { prompts, epochs, sums: rewards, samples: new Uint32Array(rewards.length).fill(8) };
  const made = onDevice ? tensorsOf(gpu, host) : undefined;
  const times: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const started = performance.now();
    // No score reaches 2, so no score is computed again in float64.
    await scoreMatrix(gpu, made ?? host, { theta: 2 });
    if (round >= 0) times.push(performance.now() - started);
  }
  await gpu.idle();
  if (made) gpu.destroy(...('values' in made ? [made.values] : [made.sums, made.samples]));
  return median(times);
}

function tensorsOf(gpu: Gpu, host: RewardMatrix | ValueMatrix): MatrixTensors {
  const uploaded = (name: string, dtype: 'f32' | 'u32', data: Float32Array | Uint32Array) => {
    const tensor = gpu.tensor(name, [host.prompts, host.epochs], dtype, 'rewards');
    gpu.upload(tensor, data);
    return tensor;
  };
  return 'values' in host
    ? { values: uploaded('values', 'f32', host.values) }
    : {
        sums: uploaded('sums', 'f32', Float32Array.from(host.sums)),
        samples: uploaded('samples', 'u32', host.samples),
      };
}

const onDevice = (body: (gpu: Gpu) => Promise<void>) => async (): Promise<void> => {
  const gpu = await openGpu({ limits: 'max' });
  await body(gpu);
  await gpu.close();
};

const parts: Readonly<Record<string, () => Promise<void> | void>> = {
  memory: memoryTables,
  work: workTable,
  ...Object.fromEntries(
    Object.keys(stepShapes).map((axis) => [axis, onDevice((gpu) => stepTable(gpu, axis))]),
  ),
  checkpointing: onDevice(checkpointingTable),
  matrix: onDevice(matrixTable),
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
if (unknown !== undefined) {
  console.error(`growth: '${unknown}' is none of ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) await parts[name]?.();
process.exit(0);
