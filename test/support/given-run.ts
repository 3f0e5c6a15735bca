import { configFrom } from '../../src/config.ts';
import { PRETRAINED } from '../../src/presets.ts';
import type {
  Evaluation,
  ExperimentResults,
  ScoredPrompt,
  UpdateRecord,
} from '../../src/results.ts';
import { isSupervised, type MethodName } from '../../src/selection/methods.ts';
import { folderOf, type MadeRun } from './report-run.ts';

/** What a made run of a given model is like. */
export interface GivenRunOptions {
  /** Methods besides FULL. */
  readonly arms?: readonly MethodName[];
  /** Held-out accuracy by tier: of the base, and of every method at each epoch. */
  readonly tiers?: Readonly<Record<string, number>>;
  /** Accuracy of FULL's samples over its updates. */
  readonly right?: readonly number[];
  readonly task?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly results?: Partial<ExperimentResults>;
  /** Changes the prompt at a place of the pool. */
  readonly prompt?: (place: number) => Partial<ScoredPrompt>;
}

const POOL = 12;
const EPOCHS = 3;

/** A folder like that of a run on a dataset with a pretrained model, made without training. */
export function makeGivenRun(options: GivenRunOptions = {}): MadeRun {
  const {
    arms = [],
    tiers,
    right = [0, 0.25, 0.25, 0.5, 0.5, 0.75],
    prompt = () => ({}),
  } = options;
  const methods: MethodName[] = ['full', ...arms];
  const config = configFrom(
    PRETRAINED,
    {
      model: { kind: 'folder', path: '/home/someone/models/small-model' },
      adapter: { rank: 4 },
      rollout: { prompts: 6, samples: 4 },
      experiment: {
        epochs: EPOCHS,
        armLength: EPOCHS,
        readouts: [1, 2, 3],
        tableReadout: 3,
        methods,
      },
      ...options.config,
      task: {
        name: 'dataset',
        prompts: '/home/someone/problems.jsonl',
        verifier: 'exact',
        maxPromptTokens: 24,
        maxResponseTokens: 16,
        stopStrings: ['\n'],
        ...(tiers
          ? {
              tiers: Object.keys(tiers).map((name, i) => ({
                file: `/home/someone/${name}.jsonl`,
                ...(i === 0 ? {} : { samples: 4, temperature: 0.4, topP: 0.95 }),
              })),
            }
          : {}),
        ...options.task,
      },
    },
    'made',
  );
  const scores = Array.from({ length: POOL }, (_, id): ScoredPrompt => {
    const rewards = [0, 0.25, 0.5].map((value) => (id % 3 === 0 ? 0 : value));
    return {
      prompt: `problem ${id}`,
      id,
      score: id / POOL,
      rewards,
      key: String(id),
      ...prompt(id),
    };
  });
  const kept = scores.filter(({ score }) => score! >= config.lim.theta).length;
  const lim = {
    signal: config.lim.signal,
    compat: config.lim.compat,
    theta: config.lim.theta,
    kept,
    meanCurve: [0, 1, 2].map((k) => scores.reduce((sum, one) => sum + one.rewards[k]!, 0) / POOL),
    neverSolved: 0.7,
    alwaysSolved: 0,
    warning: 'theta 0.6 KEEPS never-solved prompts',
  };
  const values = Object.values(tiers ?? {});
  const accuracy = {
    mean: tiers ? values.reduce((sum, one) => sum + one, 0) / values.length : NaN,
    tiers: tiers ?? {},
    ...(tiers ? { prompts: Object.fromEntries(Object.keys(tiers).map((name) => [name, 30])) } : {}),
  };
  const byColumn = { source: { books: 8, web: 4 } };
  const results: ExperimentResults = {
    schema: 1,
    config,
    configHash: '3f9a0c'.padEnd(64, '7'),
    overrides: [],
    injected: [],
    adapter: 'llvmpipe (LLVM 15.0.6, 256 bits)',
    host: 'node',
    seconds: 90,
    warnings: ['/home/someone/problems.jsonl: left out 2 prompts with more than 24 tokens'],
    base: { ...accuracy, shipped: true },
    ...(arms.length > 0
      ? {
          probe: {
            prompts: POOL,
            samples: 4,
            accuracy: 0.25,
            reward: -0.125,
            neverSolved: 0.5,
            alwaysSolved: 0,
          },
        }
      : {}),
    model: {
      sha256: 'ab'.repeat(32),
      architecture: 'llama',
      layers: 5,
      hiddenSize: 64,
      heads: 8,
      parameters: 260_032,
      adapterParameters: 23_120,
    },
    memory: 'GPU memory: 26.9 MiB of 3.1 GiB; rows that decode together: 24',
    lim,
    seeds: [
      {
        seed: 1,
        lim,
        pool: { prompts: POOL, byColumn },
        selections: Object.fromEntries(
          arms
            .filter((arm) => !isSupervised(arm))
            .map((arm) => [arm, { prompts: kept, byColumn: { source: { books: kept, web: 0 } } }]),
        ),
        scoreQuantiles: Array.from({ length: 21 }, (_, i) => i / 21),
      },
    ],
    methods: Object.fromEntries(
      methods.map((method) => [
        method,
        {
          prompts: method === 'full' ? POOL : kept,
          evaluations: (tiers ? [1, 2, 3] : []).map((epochs): Evaluation => ({
            ...accuracy,
            seed: 1,
            update: method === 'full' ? 2 * epochs : epochs,
            epochs,
            samples: 0,
          })),
        },
      ]),
    ),
    ...options.results,
  };
  const records = methods.flatMap((method) =>
    right.map((share, i): UpdateRecord => ({
      seed: 1,
      method,
      update: i + 1,
      epoch: Math.floor(i / 2),
      metrics: {
        reward_mean: 2 * share - 1,
        accuracy_mean: share,
        format_error_rate: 0,
        informative_groups: share,
        response_length_mean: 16 - i,
        cut_share: share === 0 ? 1 : 0.5 - i / 20,
        kl_mean: 0,
        actor_grad_norm: share,
      },
    })),
  );
  const files = new Map([
    ['results.json', JSON.stringify(results)],
    ['metrics.jsonl', records.map((record) => `${JSON.stringify(record)}\n`).join('')],
    [
      'scores.json',
      JSON.stringify(
        scores.map(({ id, rowId, ...row }) => ({ id: rowId ?? `row-${id}`, index: id, ...row })),
      ),
    ],
  ]);
  return { folder: folderOf('given', files), files, results };
}
