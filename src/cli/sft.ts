import { defineCommand } from 'citty';
import {
  type BaseConfig,
  drawnConfig,
  type ExperimentConfig,
  type OptimizerConfig,
} from '../config.ts';
import { bytesSource } from '../formats/byte-source.ts';
import { jsonText } from '../formats/json.ts';
import { type LearningRow, readLearningRows } from '../formats/learning-rows.ts';
import { baseName } from '../formats/paths.ts';
import { characterTokenizerJson } from '../formats/character-tokenizer.ts';
import { TokenizerClient } from '../formats/tokenizer-client.ts';
import type { Gpu } from '../gpu/device.ts';
import { AllocationError, bytesText } from '../gpu/memory.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import { adapterLayout, type AdapterPlan, freshAdapters, planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { adapterFiles, type AdapterNumbers } from '../model/hugging-face/peft.ts';
import type { OpenModelFile } from '../model/model-directory.ts';
import { modelDirectoryPieces, tensorToSave } from '../model/save-model.ts';
import { expectParameters } from '../model/load-parameters.ts';
import type { PromptGroup } from '../model/packed-batch.ts';
import { heldParameters, type ParameterSource } from '../model/parameter-source.ts';
import type { FrozenStorage } from '../model/frozen-store.ts';
import { initialParameters, parameterLayout, parameterNames } from '../model/parameters.ts';
import { RandomStream } from '../random.ts';
import { modelConfigOf, pretrainBase } from '../scheduler/base.ts';
import { SupervisedTrainer } from '../supervised/trainer.ts';
import { openTask } from '../tasks/registry.ts';
import { type AdapterSpec, adapterTargets, defaultAdapter } from '../vocabulary/adapters.ts';
import { baseStorages, isStorage } from '../vocabulary/storages.ts';
import { attentionUse } from '../variants/self-check.ts';
import { adapterDirArg, readDiskAdapter } from './adapter-files.ts';
import { withLastingGpu } from './adapter.ts';
import {
  commonArgs,
  dtypeArg,
  dtypes,
  numberOption,
  optionalNumber,
  outArg,
  UsageError,
} from './arguments.ts';
import { chosenConfig } from './chosen-config.ts';
import { KeptTraining } from './kept-training.ts';
import { openDiskModel, writeModelFiles } from './model-files.ts';
import { expectFreshRun, nextFree } from './output.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

/** The start of a training, and the source of the result's tokenizer. */
interface Start {
  readonly config: ModelConfig;
  /** Memory settings of the experiment config; the options override them. */
  readonly memory: Pick<ExperimentConfig, 'gradientCheckpointing' | 'weightStorage'>;
  /** The model's weights, one at a time. */
  readonly weights: ParameterSource;
  /** The tokenizer, in a worker that `close` ends. */
  readonly tokenizer: () => Promise<TokenizerClient>;
  readonly tokenizerFrom: OpenModelFile;
  readonly close: () => Promise<void>;
  /** Pre-training on the corpus of a config's task; undefined for a model directory. */
  readonly pretrain?: (
    gpu: Gpu,
    kept: KeptTraining,
  ) => Promise<ReadonlyMap<string, Float32Array> | undefined>;
}

/** Options of training on `--data`. Pre-training follows its config instead. */
const dataOptions = [
  'train',
  'rank',
  'alpha',
  'rslora',
  'targets',
  'adapter-dir',
  'epochs',
  'batch',
  'learning-rate',
  'warmup',
  'schedule',
  'system',
  'weight-decay',
  'max-length',
  'seed',
  'weights',
  'gradient-checkpointing',
] as const;

export const command = defineCommand({
  meta: { name: 'sft', description: 'supervised fine-tuning of a model, or pre-training' },
  args: {
    start: {
      type: 'positional',
      required: true,
      description: 'model directory, or an experiment config (JSON) to begin from drawn weights',
    },
    data: {
      type: 'string',
      valueHint: 'D.jsonl',
      description:
        'rows of prompt and response, of text, or of messages; a config may go without: its corpus',
    },
    system: {
      type: 'string',
      valueHint: 'text',
      description: 'a system message for messages that have none of their own',
    },
    // No defaults here: these options are refused without --data, which ignores them.
    train: {
      type: 'enum',
      options: ['full', 'lora'],
      description: 'all weights, or low-rank adapters beside the frozen model (default: full)',
    },
    rank: { type: 'string', valueHint: 'R', description: 'of adapters (default: 16)' },
    alpha: {
      type: 'string',
      valueHint: 'A',
      description: 'of adapters: their scale is A / R (default: 32)',
    },
    rslora: { type: 'boolean', description: 'scale adapters by A / sqrt(R) instead' },
    'adapter-dir': {
      ...adapterDirArg,
      description: "folder of an adapter in PEFT's layout, which --train lora goes on from",
    },
    targets: {
      type: 'string',
      valueHint: 'q,v',
      description: `matrices that get an adapter (default: ${adapterTargets.join(',')})`,
    },
    epochs: { type: 'string', description: 'passes over the data (default: 1)' },
    batch: { type: 'string', description: 'sequences of an update (default: 8)' },
    'learning-rate': {
      type: 'string',
      description: 'peak, after the warmup (default: 1e-5, of adapters 2e-4)',
    },
    warmup: { type: 'string', description: 'updates of linear warmup (default: 0)' },
    schedule: {
      type: 'enum',
      options: ['constant', 'linear', 'cosine'],
      description: 'of the learning rate after the warmup (default: constant)',
    },
    'weight-decay': { type: 'string', description: 'decoupled (default: 0)' },
    'max-length': { type: 'string', description: 'longest row in tokens (default: what fits)' },
    seed: { type: 'string', description: 'of the order of rows (default: 1)' },
    weights: {
      type: 'enum',
      options: [...baseStorages],
      description:
        'matrices that layers multiply by while training; f16 is a rounded copy beside f32, int8 and int4 are of a base under adapters (default: f32, or what the config says)',
    },
    'gradient-checkpointing': {
      type: 'boolean',
      description:
        "keep each layer's input alone and compute the rest again: less memory, more time, the same bits",
    },
    dtype: dtypeArg,
    out: outArg(
      "model directory to write (default: runs/sft-START); of adapters, in its adapter/, PEFT's layout",
    ),
    ...commonArgs,
  },
  async run({ args }) {
    const stem = baseName(args.start).replace(/\.json$/, '');
    const out = args.out ?? (await nextFree(`runs/sft-${stem}`));
    await expectFreshRun(out);
    const host = await system();
    const whole = { min: 1, max: 1_000_000, integer: true };
    const epochs = numberOption('epochs', args.epochs ?? '1', whole);
    const batch = numberOption('batch', args.batch ?? '8', whole);
    const seed = numberOption('seed', args.seed ?? '1', {
      min: 0,
      max: 0xffff_ffff,
      integer: true,
    });
    const warmup = numberOption('warmup', args.warmup ?? '0', { ...whole, min: 0 });
    const spec = specOf(args);
    const usualRate = spec ? '2e-4' : '1e-5';
    const learningRate = numberOption('learning-rate', args['learning-rate'] ?? usualRate, {
      min: 0,
      max: 1,
    });
    const weightDecay = numberOption('weight-decay', args['weight-decay'] ?? '0', {
      min: 0,
      max: 1,
    });
    const isDirectory = (await host.info(args.start))?.kind === 'directory';
    const idle = dataOptions.find((name) => args[name] !== undefined);
    if (!isDirectory && args.data === undefined && idle !== undefined) {
      throw new UsageError(`--${idle} needs --data: without it ${args.start} says how to train`);
    }
    if (spec && !isDirectory) {
      throw new UsageError(`--train lora needs a model directory, ${args.start} is none`);
    }
    const adapterDir = `${out}/adapter`;
    if (spec && (await host.info(`${adapterDir}/adapter_config.json`))) {
      throw new UsageError(`--out ${out} already holds an adapter`);
    }
    const begin = isDirectory ? await startOfModel(args.start) : await startOfConfig(args.start);
    try {
      const { config } = begin;
      const longest =
        optionalNumber('max-length', args['max-length'], { ...whole, max: config.maxPositions }) ??
        config.maxPositions;
      const rows =
        args.data === undefined
          ? undefined
          : await withSource(args.data, async (source) =>
              readLearningRows(
                source,
                await begin.tokenizer(),
                { endTokens: config.eosTokenIds, longest, vocabSize: config.vocabSize },
                { system: args.system },
              ),
            );
      if (!rows && !begin.pretrain) throw new UsageError('--data is needed with a model directory');
      const { memory } = begin;
      const storage = args.weights ?? memory.weightStorage ?? 'f32';
      if (!spec && !isStorage(storage)) {
        throw new UsageError(`--weights ${storage}: all weights are trained, in f32 or f16`);
      }
      const use = {
        ...attentionUse(config),
        training: true,
        // Pre-training uses f32, whatever the config says about PPO.
        storage: rows ? storage : 'f32',
      } as const;
      let adapter = '';
      const adapters = spec && (await startOfAdapters(spec, args['adapter-dir'], config, seed));
      const kept = new KeptTraining(
        adapters
          ? adapterLayout(config, adapters.plan, { head: 'lm' })
          : parameterLayout(config, 'lm'),
      );
      const trained = await withLastingGpu(args, use, async (gpu) => {
        adapter = gpu.name;
        await kept.begin();
        return rows
          ? train(gpu, begin, rows, kept, {
              epochs,
              batch,
              seed,
              storage,
              checkpointing:
                args['gradient-checkpointing'] ?? memory.gradientCheckpointing ?? false,
              adapters,
              optimizer: {
                learningRate,
                warmupUpdates: warmup,
                schedule: args.schedule ?? 'constant',
                horizonUpdates: Math.ceil(rows.length / batch) * epochs,
                minimumShare: 0,
                beta1: 0.9,
                beta2: 0.95,
                epsilon: 1e-8,
                weightDecay,
                maxGradNorm: 1,
              },
            })
          : begin.pretrain?.(gpu, kept);
      });
      if (!trained) return 1;
      if (adapters) {
        const { plan, numbers } = adapters;
        const options = { baseName: args.start, numbers };
        await writeModelFiles(adapterDir, adapterFiles(config, plan, trained, options));
        await host.stderr(`adapter: ${adapterDir}\n`);
      } else {
        const dtype = dtypes[args.dtype];
        const names = parameterNames(parameterLayout(config, 'lm'));
        const tensors = names.map(({ name, shape }) =>
          tensorToSave({ name, shape, data: trained.get(name) ?? new Float32Array(0) }, dtype),
        );
        const { tokenizerFrom } = begin;
        await writeModelFiles(
          out,
          await modelDirectoryPieces(config, tensors, { dtype, tokenizerFrom }),
        );
        await host.stderr(`model: ${out}\n`);
      }
      if (args.json) {
        const told = adapters ? { out, adapterDir, adapter } : { out, adapter };
        await host.stdout(`${JSON.stringify(told)}\n`);
      }
      return 0;
    } finally {
      await begin.close();
    }
  },
});

/**
 * The adapters that the options ask for; undefined where all weights are trained.
 *
 * @throws UsageError for options of adapters without `--train lora`, or of a model with it.
 */
function specOf(args: {
  readonly train?: 'full' | 'lora' | undefined;
  readonly rank?: string | undefined;
  readonly alpha?: string | undefined;
  readonly rslora?: boolean | undefined;
  readonly targets?: string | undefined;
  readonly 'adapter-dir'?: string | undefined;
  readonly dtype: keyof typeof dtypes;
}): AdapterSpec | undefined {
  const { rank, alpha, rslora = false, targets, dtype } = args;
  const shape = (['rank', 'alpha', 'rslora', 'targets'] as const).find(
    (name) => args[name] !== undefined,
  );
  if (args.train !== 'lora') {
    const idle = args['adapter-dir'] === undefined ? shape : 'adapter-dir';
    if (idle === undefined) return undefined;
    throw new UsageError(`--${idle} is of adapters: it needs --train lora`);
  }
  if (shape !== undefined && args['adapter-dir'] !== undefined) {
    throw new UsageError(`--${shape}: the adapter of --adapter-dir has its own`);
  }
  if (dtype !== 'f32') throw new UsageError('--dtype is of a model: adapters are written in f32');
  const whole = { min: 1, max: 65_536, integer: true };
  const usual = defaultAdapter;
  const listed = targets?.split(',').map((word) => word.trim().replace(/_proj$/, ''));
  const unknown = listed?.find((word) => !adapterTargets.some((name) => name === word));
  if (unknown !== undefined) {
    throw new UsageError(`--targets: '${unknown}' is none of ${adapterTargets.join(', ')}`);
  }
  return {
    rank: optionalNumber('rank', rank, whole) ?? usual.rank,
    alpha: optionalNumber('alpha', alpha, { min: 0 }) ?? usual.alpha,
    rslora,
    targets: listed ? adapterTargets.filter((name) => listed.includes(name)) : usual.targets,
  };
}

/** Adapters to train, and how their files describe them. */
interface AdapterStart {
  readonly plan: AdapterPlan;
  readonly numbers: AdapterNumbers;
  /** Factors to begin with, by their names in files. */
  readonly factors: ReadonlyMap<string, Float32Array>;
}

/** @param from Folder of the adapter to go on from; fresh adapters of `spec` where it is undefined. */
async function startOfAdapters(
  spec: AdapterSpec,
  from: string | undefined,
  config: ModelConfig,
  seed: number,
): Promise<AdapterStart> {
  if (from !== undefined) {
    const {
      plan,
      numbers,
      tensors: factors,
    } = await readDiskAdapter(from, config, {
      head: 'lm',
      training: true,
    });
    return { plan, numbers, factors };
  }
  const plan = planOf(spec, config);
  return { plan, numbers: spec, factors: freshAdapters(config, plan, seed, 'model') };
}

async function startOfModel(path: string): Promise<Start> {
  const model = await openDiskModel(path);
  try {
    const tokenizer = await model.tokenizer();
    if (!tokenizer) throw new UsageError(`${path}: has no tokenizer.json, which --data needs`);
    await expectParameters(model, 'lm');
    return {
      config: model.config,
      memory: {},
      weights: model,
      tokenizer: () => Promise.resolve(tokenizer),
      tokenizerFrom: model.openFile,
      close: () => model.close(),
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

async function startOfConfig(path: string): Promise<Start> {
  const host = await system();
  const config = drawnConfig(await chosenConfig('limr sft', path), 'limr sft CONFIG');
  const task = await openTask(config.task);
  const { alphabet } = task.text;
  if (alphabet === undefined)
    throw new UsageError(`${path}: a task of other than characters needs a model folder`);
  const model = modelConfigOf(config, task);
  const file = 'tokenizer.json';
  const text = jsonText(characterTokenizerJson(alphabet));
  const bytes = new TextEncoder().encode(text);
  let tokenizer: Promise<TokenizerClient> | undefined;
  return {
    config: model,
    memory: config,
    weights: drawnSource(model, config.base),
    tokenizer: () => (tokenizer ??= TokenizerClient.open({ tokenizer: { name: file, text } })),
    tokenizerFrom: (name) => Promise.resolve(name === file ? bytesSource(name, bytes) : undefined),
    close: async () => {
      await tokenizer?.then(
        (client) => client.close(),
        () => undefined,
      );
      await task.text.close();
    },
    pretrain: (gpu, kept) =>
      pretrainBase(
        gpu,
        config,
        task,
        (update, of, loss) => void host.stderr(`update ${update}/${of}, loss ${loss.toFixed(4)}\n`),
        () => Promise.resolve(true),
        kept,
      ),
  };
}

/** Fresh weights, which are drawn when the first is read. */
function drawnSource(model: ModelConfig, base: BaseConfig): ParameterSource {
  let drawn: ParameterSource | undefined;
  return {
    read: (name, range) => {
      drawn ??= heldParameters(initialParameters(model, base.seed, base.initialScale));
      return drawn.read(name, range);
    },
  };
}

/** A batch whose loss is the mean over the tokens that count. */
function groupsOf(rows: readonly LearningRow[]): PromptGroup[] {
  if (rows.every(({ counted }) => counted === undefined)) {
    return rows.map(({ prompt, response }) => ({ prompt, responses: [response] }));
  }
  const masks = rows.map(({ response, counted }) =>
    counted ? counted.map(Number) : response.map(() => 1),
  );
  const total = masks.flat().reduce((sum, one) => sum + one, 0);
  return rows.map(({ prompt, response }, i) => ({
    prompt,
    responses: [response],
    weights: [(masks[i] ?? []).map((one) => one / total)],
  }));
}

async function train(
  gpu: Gpu,
  { config, weights }: Start,
  rows: readonly LearningRow[],
  kept: KeptTraining,
  how: {
    readonly epochs: number;
    readonly batch: number;
    readonly seed: number;
    readonly storage: FrozenStorage;
    readonly checkpointing: boolean;
    readonly optimizer: OptimizerConfig;
    /** Adapters to train; undefined to train all weights. */
    readonly adapters: AdapterStart | undefined;
  },
): Promise<ReadonlyMap<string, Float32Array>> {
  const host = await system();
  const batch = Math.min(how.batch, rows.length);
  // Room for a batch of the longest rows.
  const most = (size: (row: LearningRow) => number): number =>
    rows
      .map(size)
      .sort((a, b) => b - a)
      .slice(0, batch)
      .reduce((sum, length) => sum + length, 0);
  const lengthOf = ({ prompt, response }: LearningRow) => prompt.length + response.length;
  const shape = {
    capacity: {
      rows: most((row) => lengthOf(row) - 1),
      actions: most(({ response }) => response.length),
      sequences: batch,
    },
    positions: rows.reduce((most, row) => Math.max(most, lengthOf(row)), 0),
    checkpointing: how.checkpointing,
    weightStorage: how.storage,
    adapter: how.adapters?.plan,
  };
  const build = (on: Gpu) => new SupervisedTrainer(on, config, how.optimizer, shape);
  const trainer = await gpu
    .allocating(() => build(gpu))
    .catch((error: unknown) => {
      if (!(error instanceof AllocationError)) throw error;
      const counting = phantomGpu(gpu.limits);
      build(counting);
      const needed = bytesText(counting.memory.total());
      throw new AllocationError(
        `not enough GPU memory to train ${batch} sequences together, ${needed}: ${error.message}; ` +
          'a smaller --batch or --max-length, --gradient-checkpointing or --weights f16 helps',
        { cause: error },
      );
    });
  const mebibytes = gpu.memory.total() / 2 ** 20;
  await host.stderr(`GPU memory: ${mebibytes.toFixed(2)} MiB\n`);
  const { from } = kept;
  await trainer.base?.loadFrom(weights);
  if (from) trainer.model.restore(from.state);
  else if (how.adapters) trainer.model.reset(how.adapters.factors);
  else await trainer.model.resetFrom(weights);
  await host.doing?.('training');
  const updates = Math.ceil(rows.length / batch);
  for (let epoch = 0; epoch < how.epochs; epoch++) {
    const order = new RandomStream(how.seed, 'minibatchOrder', epoch).shuffle([...rows]);
    for (let update = 0; update < updates; update++) {
      const done = epoch * updates + update + 1;
      if (done <= (from?.update ?? 0)) continue;
      const chosen = order.slice(update * batch, (update + 1) * batch);
      await trainer.step(groupsOf(chosen));
      // Every loss is checked: a loss that is not finite stops the training at its step.
      const loss = await trainer.loss();
      await host.stderr(
        `epoch ${epoch + 1}, update ${update + 1}/${updates}, loss ${loss.toFixed(4)}\n`,
      );
      if (kept.due()) await kept.save({ update: done, state: await trainer.model.save() });
    }
  }
  return trainer.model.weights.read();
}
