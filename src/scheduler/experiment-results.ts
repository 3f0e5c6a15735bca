import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { overridesOf, type ExperimentConfig } from '../config.ts';
import { limrDefaults } from '../limr-defaults.ts';
import type { ExperimentResults, GivenModelFacts } from '../results.ts';
import { promptsOf, trainingOrder } from '../run-plan.ts';
import type { Progress } from './progress.ts';

/** What results say of a run that its events do not. */
export interface FinishedRun {
  readonly config: ExperimentConfig;
  readonly configHash: string;
  readonly model: GivenModelFacts | undefined;
  /** `Experiment.layoutText`. */
  readonly memory: string | undefined;
  /** What was put into the task on purpose, in sentences. */
  readonly injected: readonly string[];
  readonly adapter: string;
  readonly host: string;
  readonly kernels: VariantChoices;
  /** Worked. */
  readonly seconds: number;
}

const notEvaluated = 'not evaluated: the task has no held-out tiers';

/** The results of a run whose last method is trained. */
export function resultsOf(run: FinishedRun, progress: Progress): ExperimentResults {
  const { config, configHash, model, memory, injected, adapter, kernels, host, seconds } = run;
  const { rollout, ppo, lim, evaluation } = config;
  if (!progress.base) throw new Error('results before the base was evaluated');
  return {
    schema: 1,
    config,
    configHash,
    overrides: overridesOf({ rollout, ppo, lim, evaluation }, { ...limrDefaults }),
    injected,
    adapter,
    kernels,
    host,
    seconds,
    warnings: [
      ...progress.warnings,
      ...unjudgedWarnings(progress),
      ...(Object.keys(progress.base.tiers).length === 0 ? [notEvaluated] : []),
    ],
    base: progress.base,
    ...(progress.probe ? { probe: progress.probe } : {}),
    ...(model ? { model } : {}),
    ...(memory === undefined ? {} : { memory }),
    lim: progress.seeds[0]?.lim ?? null,
    seeds: progress.seeds,
    methods: Object.fromEntries(
      trainingOrder(config).map((method) => [
        method,
        {
          prompts: promptsOf(method, progress.sizes.full ?? 0, progress.sizes) ?? 0,
          evaluations: progress.evaluations[method] ?? [],
        },
      ]),
    ),
  };
}

/** What responses without a verdict mean for the results; nothing where all were judged. */
function unjudgedWarnings({ unjudged }: Progress): string[] {
  const { training, evaluation, updates, reason } = unjudged;
  return [
    ...(training > 0
      ? [
          `${training} responses of ${updates} updates could not be judged and were rewarded -1: ` +
            `another run with these seeds may come out otherwise (the first: ${reason})`,
        ]
      : []),
    ...(evaluation > 0
      ? [
          `${evaluation} held-out responses could not be judged and count as wrong (the first: ${reason})`,
        ]
      : []),
  ];
}
