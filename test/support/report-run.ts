import { configFrom, type ExperimentConfig } from '../../src/config.ts';
import { updatesAt } from '../../src/readouts.ts';
import { seedFiles } from '../../src/run-folder/names.ts';
import type { RunFolder } from '../../src/run-folder/finished-run.ts';
import type {
  Accuracy,
  Evaluation,
  ExperimentResults,
  ScoredPrompt,
  SelectionSummary,
  UpdateRecord,
} from '../../src/results.ts';
import type { MethodName } from '../../src/selection/methods.ts';

/** A run's folder in memory, and the data that its files were made from. */
export interface MadeRun {
  readonly folder: RunFolder;
  readonly files: Map<string, string>;
  readonly results: ExperimentResults;
}

/** xorshift32: the same pool on every host. */
function randomOf(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * A folder like that of a real run, made without training. The chance of solving a prompt rises on
 * a logistic curve. Scores follow the paper's formula in float64.
 */
export function makeRun(
  options: {
    readonly seeds?: readonly number[];
    readonly preset?: string;
    readonly overrides?: unknown;
    /** Number added to the final accuracy of a method, which fixes the ranking. */
    readonly lift?: Partial<Record<MethodName, number>>;
    readonly theta?: number;
  } = {},
): MadeRun {
  const { seeds = [1], preset = 'standard', lift = {} } = options;
  const given = configFrom(preset, options.overrides, 'made');
  const config: ExperimentConfig =
    options.theta === undefined ? given : { ...given, lim: { ...given.lim, theta: options.theta } };
  if (config.task.name !== 'arithmetic') throw new Error('made runs are of the arithmetic task');
  const { epochs, armLength, readouts, tableReadout, budget } = config.experiment;
  const pool = config.task.poolPrompts;
  const updates = (pool / config.rollout.prompts) * epochs;
  const files = new Map<string, string>();
  const records: UpdateRecord[] = [];
  const evaluations: Partial<Record<MethodName, Evaluation[]>> = {};
  const outside =
    config.task.outOfDistribution === undefined ? {} : { outOfDistribution: { OOD: 0.125 } };
  const base = { ...accuracy(0.29, randomOf(7), true), ...outside, shipped: true };
  const seedResults = seeds.map((seed) => {
    const random = randomOf(seed);
    const scored = makePool(config, random);
    const meanCurve = Array.from(
      { length: epochs },
      (_, k) => scored.reduce((sum, { rewards }) => sum + (rewards[k] ?? 0), 0) / pool,
    );
    const scale = meanCurve.reduce((sum, m) => sum + (1 - m) ** 2, 0);
    const prompts = scored.map((prompt): ScoredPrompt => {
      const distance = prompt.rewards.reduce<number>(
        (sum, r, k) => sum + ((r ?? 0) - meanCurve[k]) ** 2,
        0,
      );
      return { ...prompt, score: 1 - distance / scale };
    });
    const { count, theta } = config.lim;
    const kept =
      count === undefined
        ? prompts.filter(({ score }) => score! >= theta)
        : [...prompts].sort((a, b) => b.score! - a.score! || a.id - b.id).slice(0, count);
    const shuffled = [...prompts].sort((a, b) => ((a.id * 7919) % 1009) - ((b.id * 7919) % 1009));
    const rise = (prompt: ScoredPrompt): number =>
      (prompt.rewards.at(-1) ?? 0) - (prompt.rewards[0] ?? 0);
    const chosen = {
      lim: kept,
      rand: shuffled.slice(0, kept.length),
      linear: [...prompts]
        .sort((a, b) => rise(b) - rise(a))
        .slice(0, Math.round(0.82 * kept.length)),
    };
    const names = seedFiles(seed, seeds);
    const selections: Partial<Record<MethodName, SelectionSummary>> = {};
    for (const method of ['lim', 'rand', 'linear'] as const) {
      selections[method] = summarize(chosen[method]);
      const rows = chosen[method].map(({ id, prompt, key }) => ({ id, prompt, answer: key }));
      files.set(names.subset(method), JSON.stringify(rows));
    }
    const neverSolved = 1 - meanCurve.reduce((sum, m) => sum + m ** 2, 0) / scale;
    const sorted = prompts.map(({ score }) => score!).sort((a, b) => a - b);
    files.set(
      names.scores,
      `[\n${prompts.map((prompt) => JSON.stringify(prompt)).join(',\n')}\n]\n`,
    );
    for (const method of ['full', 'lim', 'rand', 'linear'] as const) {
      const size = method === 'full' ? pool : selections[method]!.prompts;
      const length =
        method === 'full' ? updates : size === 0 ? 0 : updatesAt(config, armLength, size);
      const end = budget === 'updates' ? length : method === 'full' ? epochs : armLength;
      const list = (evaluations[method] ??= []);
      for (let update = 1; update <= length; update++) {
        const value = progressOf(method, update) + (lift[method] ?? 0) + 0.02 * (random() - 0.5);
        const informative = method === 'lim' ? 0.85 * Math.exp(-update / 30) + 0.1 : 0.35;
        records.push({
          seed,
          method,
          update,
          epoch: Math.floor(((update - 1) * config.rollout.prompts) / pool),
          metrics: {
            reward_mean: 1.5 * value - 0.5 + 0.05 * (random() - 0.5),
            accuracy_mean: value + 0.05 * (random() - 0.5),
            format_error_rate: 0.15 * Math.exp(-update / 8) + 0.005 * random(),
            informative_groups: informative + 0.04 * (random() - 0.5),
            response_length_mean: 5.6 + (method === 'lim' ? 0.5 : 0.1) + 0.1 * (random() - 0.5),
            kl_mean: 0.09 * (1 - Math.exp(-update / 30)) + 0.004 * (random() - 0.5),
            entropy: 0.4 * Math.exp(-update / 50),
          },
        });
        for (const readout of new Set([...readouts, end])) {
          if (readout > end || updatesAt(config, readout, size) !== update) continue;
          list.push({
            seed,
            update,
            ...(budget === 'epochs' ? { epochs: readout } : {}),
            samples: update * config.rollout.prompts * config.rollout.samples,
            ...accuracy(value, random, readout === tableReadout || readout === end),
            ...outside,
          });
        }
      }
    }
    const lim = {
      signal: config.lim.signal,
      compat: config.lim.compat,
      theta: config.lim.theta,
      ...(count === undefined ? {} : { lowestKept: Math.min(...kept.map((one) => one.score!)) }),
      kept: kept.length,
      meanCurve,
      neverSolved,
      alwaysSolved: 0,
      warning:
        neverSolved < config.lim.theta
          ? ''
          : `theta ${config.lim.theta} KEEPS never-solved and wrongly labelled prompts`,
    };
    return {
      seed,
      lim,
      pool: summarize(prompts),
      selections,
      scoreQuantiles: Array.from(
        { length: 21 },
        (_, i) => sorted[Math.round((i / 20) * (sorted.length - 1))],
      ),
    };
  });
  const results: ExperimentResults = {
    schema: 1,
    config,
    configHash: '3f9a0c'.padEnd(64, '7'),
    overrides: [
      { field: 'rollout.prompts', value: config.rollout.prompts, reference: 1024 },
      { field: 'ppo.actor.learningRate', value: 3e-4, reference: 5e-7 },
      {
        field: 'ppo.lossAggregation',
        value: 'token-mean-step',
        reference: 'token-mean-microbatch',
      },
    ],
    injected: [
      'The base model is pre-trained on solutions with slips: `+b` comes out one too high.',
      "10 % of the pool's answer keys are replaced by wrong ones.",
    ],
    adapter: 'llvmpipe (LLVM 15.0.6, 256 bits)',
    kernels: { 'matmul-forward': { preferred: ['registers'], measured: {} } },
    host: 'node',
    seconds: 1234.5,
    base,
    lim: seedResults[0].lim,
    seeds: seedResults,
    methods: Object.fromEntries(
      (['full', 'lim', 'rand', 'linear'] as const).map((method) => [
        method,
        {
          prompts: method === 'full' ? pool : seedResults[0].selections[method]!.prompts,
          evaluations: evaluations[method] ?? [],
        },
      ]),
    ),
  };
  files.set('results.json', `${JSON.stringify(results, null, 1)}\n`);
  files.set('metrics.jsonl', records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return { folder: folderOf('made', files), files, results };
}

/** A folder whose files are in a map. */
export const folderOf = (name: string, files: ReadonlyMap<string, string>): RunFolder => ({
  name,
  read: (file) => Promise.resolve(files.get(file)),
});

/** Progress of a method: fast and low for LIM, slow and high for FULL, with a peak for RAND and others. */
function progressOf(method: MethodName, update: number): number {
  switch (method) {
    case 'full':
      return 0.29 + 0.6 * (1 - Math.exp(-update / 38));
    case 'lim':
      return 0.29 + 0.45 * (1 - Math.exp(-update / 11));
    case 'linear':
      return 0.29 + 0.48 * (1 - Math.exp(-update / 14));
    default:
      return 0.29 + 0.25 * (1 - Math.exp(-update / 6)) - 0.0015 * update;
  }
}

function accuracy(mean: number, random: () => number, sampled: boolean): Accuracy {
  const tiers = (level: number): Record<string, number> => ({
    T1: Math.min(1, level + 0.18),
    T2: level - 0.04 + 0.02 * (random() - 0.5),
    T3: Math.max(0, level - 0.14),
  });
  const averaged = (values: Record<string, number>) => ({
    mean: Object.values(values).reduce((sum, value) => sum + value, 0) / 3,
    tiers: values,
  });
  return {
    ...averaged(tiers(mean)),
    ...(sampled ? { sampled: averaged(tiers(mean - 0.005)) } : {}),
  };
}

function makePool(
  { task, experiment, rollout }: ExperimentConfig,
  random: () => number,
): Omit<ScoredPrompt, 'score'>[] {
  if (task.name !== 'arithmetic') return [];
  return Array.from({ length: task.poolPrompts }, (_, id) => {
    const place = random();
    const origin = place < 0.4 ? 'easy' : place < 0.75 ? 'learnable' : 'hard';
    const wrongKey = random() < task.wrongKeyShare;
    const start = origin === 'easy' ? 3.5 : origin === 'hard' ? -7 : -0.8 + 5 * (random() - 0.5);
    const slope = origin === 'learnable' ? 0.4 + 0.9 * random() : 0.9;
    const rewards = Array.from({ length: experiment.epochs }, (_, k) => {
      const chance = wrongKey ? 0.03 : logistic(start + slope * k);
      let right = 0;
      for (let sample = 0; sample < rollout.samples; sample++) if (random() < chance) right++;
      return right / rollout.samples;
    });
    const operators = 1 + Math.floor(random() * 5);
    const digits = Array.from({ length: operators + 1 }, () => Math.floor(random() * 10));
    const answer = digits.reduce((sum, digit) => sum + digit, 0) % 10;
    const known = wrongKey
      ? { key: String((answer + 1) % 10), truth: String(answer) }
      : { key: String(answer) };
    const padding = '_'.repeat(2 * (5 - operators));
    return { prompt: `${digits.join('+')}${padding}=`, id, rewards, origin, wrongKey, ...known };
  });
}

function summarize(prompts: readonly ScoredPrompt[]): SelectionSummary {
  const of = (origin: ScoredPrompt['origin']): number =>
    prompts.filter((prompt) => prompt.origin === origin).length;
  return {
    prompts: prompts.length,
    byOrigin: { easy: of('easy'), learnable: of('learnable'), hard: of('hard') },
    wrongKeys: prompts.filter(({ wrongKey }) => wrongKey).length,
  };
}
