import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tiny } from '../e2e/tiny.ts';
import type { Laboratory } from './laboratory.ts';

/**
 * The experiment that most faults use: two seeds, FULL and three selections, a checkpoint every
 * second update.
 */
const small = {
  ...tiny,
  task: {
    ...tiny.task,
    poolPrompts: 16,
    tiers: tiny.task.tiers.map((tier) => ({ ...tier, prompts: 8 })),
  },
  base: {
    ...tiny.base,
    updates: 100,
    sequencesPerUpdate: 32,
    optimizer: { ...tiny.base.optimizer, learningRate: 0.02, horizonUpdates: 100 },
  },
  rollout: { prompts: 8, samples: 4 },
  experiment: {
    ...tiny.experiment,
    epochs: 3,
    armLength: 3,
    readouts: [3, 6],
    tableReadout: 3,
    methods: ['full', 'lim', 'linear', 'rand'],
    checkpointEvery: 2,
  },
  lim: { count: 6 },
};

/** One seed, FULL and LIM, for faults that need hundreds of whole runs. */
export const smallest = {
  ...small,
  experiment: {
    ...small.experiment,
    epochs: 2,
    readouts: [2, 4],
    tableReadout: 2,
    armLength: 4,
    methods: ['full', 'lim'],
  },
};

/** A few minutes of updates, with a checkpoint now and then. */
export const long = {
  ...small,
  experiment: {
    ...small.experiment,
    epochs: 200,
    readouts: [200, 400],
    tableReadout: 200,
    armLength: 200,
    methods: ['full', 'lim'],
    checkpointEvery: 20,
  },
};

const variants = {
  plain: {},
  f16: { weightStorage: 'f16', cacheStorage: 'f16' },
  checkpointing: { gradientCheckpointing: true },
  both: { weightStorage: 'f16', cacheStorage: 'f16', gradientCheckpointing: true },
};

export type Variant = keyof typeof variants;

export interface Experiment {
  readonly config: string;
  readonly seeds: string;
  /** The folder of the run without faults. */
  readonly reference: string;
  readonly start: (out: string) => string[];
  readonly resume: (out: string) => string[];
}

/** GRPO of adapters: few tokens, a checkpoint every second of nine updates. */
const adapters = {
  task: {
    template: 'none',
    maxPromptTokens: 16,
    maxResponseTokens: 6,
    lastBatch: 'short',
    verifier: 'exact',
  },
  rollout: { prompts: 4, samples: 4 },
  ppo: { actor: { learningRate: 0.01, warmupUpdates: 0 } },
  adapter: { rank: 4 },
  lim: { signal: 'reward', theta: -1e6 },
  experiment: { epochs: 3, checkpointEvery: 2 },
};

/** `limr ppo` of the small model of the fixtures, whose reference its caller makes. */
export function pretrainedOf(laboratory: Laboratory, variant: Variant): Experiment {
  const config = join(laboratory.folder, `ppo-${variant}.json`);
  writeFileSync(config, JSON.stringify({ ...adapters, ...variants[variant] }));
  const prompts = join(laboratory.folder, 'prompts.jsonl');
  const row = (i: number) => JSON.stringify({ prompt: `${i}+${i % 3}=`, answer: String(i) });
  writeFileSync(prompts, `${Array.from({ length: 10 }, (_, i) => row(i)).join('\n')}\n`);
  const model = join(import.meta.dirname, '../fixtures/models/qwen2-tied');
  const options = ['--prompts', prompts, '--config', config];
  return {
    config,
    seeds: '1',
    reference: laboratory.path('reference-ppo'),
    start: (out) => ['ppo', model, ...options, '--out', out],
    resume: (out) => ['run', '--resume', out],
  };
}

const made = new WeakMap<Laboratory, Map<string, Promise<Experiment>>>();

/** An experiment and its run without faults, which is made once. */
export function experimentOf(
  laboratory: Laboratory,
  size: 'small' | 'smallest' = 'small',
  variant: Variant = 'plain',
): Promise<Experiment> {
  const known = made.get(laboratory) ?? new Map<string, Promise<Experiment>>();
  made.set(laboratory, known);
  const key = `${size}-${variant}`;
  const found = known.get(key) ?? make(laboratory, size, variant);
  known.set(key, found);
  return found;
}

async function make(
  laboratory: Laboratory,
  size: 'small' | 'smallest',
  variant: Variant,
): Promise<Experiment> {
  const config = join(laboratory.folder, `${size}-${variant}.json`);
  const sizes = { small, smallest };
  writeFileSync(config, JSON.stringify({ ...sizes[size], ...variants[variant] }));
  const seeds = size === 'small' ? '1,2' : '1';
  const reference = laboratory.path('reference');
  const start = (out: string): string[] => ['run', config, '--seed', seeds, '--out', out];
  const resume = (out: string): string[] => ['run', '--resume', out];
  const { code, stderr } = await laboratory.call(start(reference));
  if (code !== 0) throw new Error(`the reference run fails: ${stderr}`);
  return { config, seeds, reference, start, resume };
}
