import { defineCommand } from 'citty';
import { jsonText } from '../formats/json.ts';
import { AdapterError } from '../gpu/device.ts';
import { bytesText, type MemoryLimits } from '../gpu/memory.ts';
import type { ModelConfig } from '../model/config.ts';
import { pretrained } from '../presets.ts';
import { estimateBuffers } from '../scheduler/estimate.ts';
import type { BuffersShape } from '../scheduler/experiment-buffers.ts';
import { type MemoryPlan, MemoryPlanner, planText } from '../scheduler/plan-memory.ts';
import { defaultAdapter } from '../vocabulary/adapters.ts';
import { type BaseStorage, baseStorages, isStorage, type Storage } from '../vocabulary/storages.ts';
import { expectParameters } from '../model/load-parameters.ts';
import { type StorageError, storageErrors } from '../model/storage-error.ts';
import { percent } from '../look/wording.ts';
import { RandomStream } from '../random.ts';
import { roundedStorages } from '../variants/head-errors.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, UsageError } from './arguments.ts';
import { budgetOf, budgetOfCard, memoryArg } from './memory-budget.ts';
import { openDiskDescription, openDiskModel } from './model-files.ts';
import { system } from './system.ts';

/** The largest binding and allocation of common desktop adapters, and of every adapter. */
const desktop: MemoryLimits = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 };
const everywhere: MemoryLimits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };

/** Cards of the table. */
const cards = [4, 8, 16, 24].map((gibibytes) => gibibytes * 2 ** 30);

/** Prompts and responses to each that a rollout is thought to have; more rows are not faster. */
const rollout = { prompts: 32, samples: 8 };

export const command = defineCommand({
  args: {
    model: {
      type: 'positional',
      required: true,
      description: 'model directory; without --error only its config.json is read',
    },
    memory: memoryArg,
    'prompt-tokens': {
      type: 'string',
      default: '512',
      valueHint: 'P',
      description: 'longest prompt',
    },
    'response-tokens': {
      type: 'string',
      default: '1024',
      valueHint: 'R',
      description: 'longest response',
    },
    method: {
      type: 'enum',
      options: ['grpo', 'ppo'],
      default: 'grpo',
      description: 'ppo trains a critic too',
    },
    train: {
      type: 'enum',
      options: ['lora', 'full'],
      default: 'lora',
      description: 'what is trained: adapters beside the frozen model, or the model',
    },
    rank: { type: 'string', valueHint: 'N', description: 'of the adapters (default: 16)' },
    base: {
      type: 'enum',
      options: [...baseStorages],
      description: "storage of the model's matrices (default: f16 with lora, f32 with full)",
    },
    cache: {
      type: 'enum',
      options: ['f16', 'f32'],
      default: 'f16',
      description: 'storage of keys and values while responses are made',
    },
    error: {
      type: 'boolean',
      description:
        'also compute, on an adapter of this machine, how far predictions are from those of the weights in f32, with the base in f16, int8 and int4; reads the weights',
    },
    adapter: commonArgs.adapter,
    json: { type: 'boolean', description: 'print the result as JSON on stdout' },
  },
  async run({ args }) {
    const host = await system();
    const memory = budgetOf(args);
    const tokens = { min: 1, max: 2 ** 20, integer: true };
    const asked = {
      promptTokens: numberOption('prompt-tokens', args['prompt-tokens'], tokens),
      responseTokens: numberOption('response-tokens', args['response-tokens'], tokens),
      method: args.method,
      train: args.train,
      rank: rankOf(args),
      base: storageOf(args),
      cache: args.cache,
    };
    const model = await openDiskDescription(args.model);
    try {
      const { maxPositions } = model.config;
      const longest = asked.promptTokens + asked.responseTokens;
      if (longest > maxPositions) {
        await host.stderr(
          `note: the model was made for ${maxPositions} tokens, prompts and responses have ${longest}\n`,
        );
      }
      const shape = shapeOf(model.config, asked);
      const planner = new MemoryPlanner(shape, desktop);
      const plan = planner.plan(memory);
      const errors = args.error ? await errorsOf(args) : undefined;
      if (args.json) {
        const answer = { ...answerOf(plan, asked.base), ...asked, memory, errors };
        await host.stdout(jsonText(answer));
      } else {
        await host.stdout(`${describe(plan, memory, asked)}\n${cardTable(planner)}`);
        if (errors) await host.stdout(`\n${errors.map(errorText).join('')}`);
        const refusal = refusalOfSmallest(shape);
        if (refusal !== undefined) await host.stderr(`note: ${refusal}\n`);
      }
      return 0;
    } finally {
      await model.close();
    }
  },
});

/** What a person asks about. */
export interface FitQuestion {
  readonly promptTokens: number;
  readonly responseTokens: number;
  readonly method: 'grpo' | 'ppo';
  readonly train: 'lora' | 'full';
  /** Of the adapters; undefined if all parameters are trained. */
  readonly rank: number | undefined;
  readonly base: BaseStorage;
  readonly cache: Storage;
}

/** The buffers of such a training. */
export function shapeOf(model: ModelConfig, question: FitQuestion): BuffersShape {
  const { promptTokens, responseTokens, method, rank, base, cache } = question;
  const preset = pretrained[rank === undefined ? 'full' : 'lora'];
  return {
    model,
    config: {
      rollout: { ...preset.rollout, ...rollout },
      ppo: { ...preset.ppo, estimator: method === 'ppo' ? 'gae' : 'grpo' },
      weightStorage: base,
      cacheStorage: cache,
      adapter: rank === undefined ? null : { ...defaultAdapter, rank },
    },
    lengths: { maxPromptTokens: promptTokens, maxResponseTokens: responseTokens },
    prompts: 1024,
    epochs: 8,
  };
}

/** A text that is no model's own. */
const text =
  'Each prompt of a run is asked again at every epoch, and its reward is kept. A prompt whose rewards ' +
  'rise as the mean rises teaches as much as the whole; one that is always right, or never, teaches ' +
  'nothing. If 8 samples of 12 are right at first, and 11 at last, the rate went from 2/3 to 11/12.';

/** How far the model's predictions on a text are from those in f32. */
async function errorsOf(args: {
  readonly model: string;
  readonly adapter?: string;
}): Promise<StorageError[]> {
  const model = await openDiskModel(args.model);
  try {
    const { config } = model;
    await expectParameters(model, 'lm');
    const tokenizer = await model.tokenizer();
    const [encoded] = tokenizer ? await tokenizer.encode([text]) : [];
    const stream = new RandomStream(1, 'test');
    const ids = encoded?.length
      ? Array.from(encoded)
      : Array.from({ length: 64 }, () => stream.below(config.vocabSize));
    const gpu = await openCommandGpu(args);
    try {
      const within = ids.slice(0, config.maxPositions);
      return await storageErrors(gpu, config, model, roundedStorages, within);
    } finally {
      await gpu.close();
    }
  } finally {
    await model.close();
  }
}

const errorText = ({ storage, logits, divergence, changed }: StorageError): string =>
  `${storage.padEnd(5)} logits off by ${percent(logits, 2)} of their spread, ` +
  `KL divergence ${divergence.toPrecision(2)} nats a token, ` +
  `another likeliest token at ${percent(changed)} of positions\n`;

function answerOf({ fits, choices, byPurpose, total }: MemoryPlan, base: string) {
  const { rowsTogether: rows, microRows, gradientCheckpointing } = choices;
  return { fits, base, rows, bytes: { ...byPurpose, total }, microRows, gradientCheckpointing };
}

function rankOf({ train, rank }: { readonly train: string; readonly rank?: string | undefined }) {
  if (train === 'lora') {
    if (rank === undefined) return defaultAdapter.rank;
    return numberOption('rank', rank, { min: 1, max: 1024, integer: true });
  }
  if (rank !== undefined) throw new UsageError('--rank is of adapters: --train full has none');
  return undefined;
}

function storageOf({
  train,
  base,
}: {
  readonly train: string;
  readonly base?: BaseStorage | undefined;
}): BaseStorage {
  if (train === 'full' && base !== undefined && !isStorage(base)) {
    throw new UsageError(`--base ${base}: all parameters are trained in f32 or f16`);
  }
  if (base !== undefined) return base;
  return train === 'lora' ? 'f16' : 'f32';
}

function describe(plan: MemoryPlan, memory: number, question: FitQuestion): string {
  const { promptTokens, responseTokens, method, rank, base, cache } = question;
  const what = rank === undefined ? 'all parameters' : `LoRA of rank ${rank}`;
  const lines = [
    `${method === 'ppo' ? 'PPO' : 'GRPO'}, ${what}, base in ${base}, cache in ${cache}; prompts of ${promptTokens} tokens, responses of ${responseTokens}`,
    plan.fits
      ? planText(plan, memory)
      : `does not fit: one row at a time takes ${bytesText(plan.total)}, there are ${bytesText(memory)}`,
    ...Object.entries(plan.byPurpose)
      .sort(([, a], [, b]) => b - a)
      .map(([purpose, bytes]) => `  ${purpose.padEnd(14)}${bytesText(bytes).padStart(14)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Rows that decode together on cards of several sizes. */
function cardTable(planner: MemoryPlanner): string {
  const lines = cards.map((card) => {
    const { fits, choices, total } = planner.plan(budgetOfCard(card));
    const rows = fits ? String(choices.rowsTogether) : '-';
    return `  ${bytesText(card).padEnd(12)}${rows.padStart(6)}${bytesText(total).padStart(14)}\n`;
  });
  const table = `  ${'card'.padEnd(12)}${'rows'.padStart(6)}${'takes'.padStart(14)}\n${lines.join('')}`;
  return `${table}\n${cardSentence(planner)}\n`;
}

/** Which card to have, for somebody who buys one. */
function cardSentence(planner: MemoryPlanner): string {
  const plans = cards.map((card) => ({ card, plan: planner.plan(budgetOfCard(card)) }));
  const least = plans.find(({ plan }) => plan.fits);
  if (!least) return `No card of ${cardText(cards.at(-1) ?? 0)} is enough.`;
  const rows = least.plan.choices.rowsTogether;
  const most = Math.max(...plans.map(({ plan }) => (plan.fits ? plan.choices.rowsTogether : 0)));
  const fastest = plans.find(({ plan }) => plan.fits && plan.choices.rowsTogether === most);
  const more =
    fastest && most > rows
      ? `, and ${most} on one of ${cardText(fastest.card)}, with which it is faster`
      : '';
  const responses =
    rows === 1 ? 'one response decodes at a time' : `${rows} responses decode together`;
  return `A card of ${cardText(least.card)} is enough: ${responses}${more}.`;
}

const cardText = (card: number): string => `${card / 2 ** 30} GiB`;

/**
 * Why adapters with the smallest bindings cannot do such a training; undefined where they can.
 */
function refusalOfSmallest(shape: BuffersShape): string | undefined {
  try {
    estimateBuffers({ ...shape, rowsTogether: 1, microRows: 1 }, everywhere);
    return undefined;
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return `an adapter whose bindings end at 128 MiB cannot hold it: ${error.message}`;
  }
}
