// The events of runs whose version kept no log, rebuilt from their other files.
import type { ExperimentConfig } from '../config.ts';
import type { Accuracy, Evaluation, SeedResults, UpdateRecord } from '../results.ts';
import {
  iterationsOf,
  plannedUpdates,
  trainingOrder,
  trainingText,
  updatesPerEpoch,
} from '../run-plan.ts';
import type { MethodName } from '../selection/methods.ts';
import type { StoredEvent } from './events.ts';
import { seedFiles } from './names.ts';

/** The facts about a run in results or a checkpoint of an older version. */
export interface OlderRun {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** Number of prompts in a pool. */
  readonly poolSize: number;
  readonly adapter: string;
  readonly host: string;
  readonly base: (Accuracy & { readonly shipped: boolean }) | null;
  readonly evaluations: Readonly<Partial<Record<MethodName, readonly Evaluation[]>>>;
  /** The results of the seeds that were scored. */
  readonly summaries: readonly SeedResults[];
  readonly records: readonly UpdateRecord[];
  readonly warnings: readonly string[];
  readonly unjudged: readonly {
    readonly during: 'training' | 'evaluation';
    readonly responses: number;
    readonly reason: string;
  }[];
  readonly written: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  /** The position of the run, as indices of seed and method; undefined once the run is done. */
  readonly place: { readonly seedIndex: number; readonly methodIndex: number } | undefined;
}

/**
 * The log that the run would have written. Only the texts of warnings are known, not their moments:
 * all warnings follow the base.
 */
export function logOfOlderRun(run: OlderRun): StoredEvent[] {
  const { config, seeds, adapter, host, base, evaluations, summaries, records, place } = run;
  const log: StoredEvent[] = [];
  let after = 0;
  const [first] = seeds;
  if (first === undefined) throw new RangeError('a run without seeds');
  const phase = (seed: number, name: PhaseName, text: string): void => {
    log.push({ type: 'phase', after, seed, phase: name, text });
  };
  const totalUpdates = plannedUpdates(config, run.poolSize, seeds.length, {});
  log.push({ type: 'started', after, adapter, host, totalUpdates });
  phase(first, 'base', 'The base model');
  if (base) {
    const none = { seed: first, update: 0, samples: 0 };
    log.push({ type: 'evaluation', after, method: 'base', ...none, ...base });
  }
  for (const text of run.warnings) log.push({ type: 'warning', after, text, inResults: true });
  for (const unjudged of run.unjudged) {
    if (unjudged.responses === 0) continue;
    const text = `${unjudged.responses} responses could not be judged: ${unjudged.reason}`;
    log.push({ type: 'warning', after, text, unjudged });
  }
  const begun = base !== null && (records.length > 0 || place === undefined || placed(place) > 0);
  if (!begun) return log;
  const perEpoch = updatesPerEpoch(config, run.poolSize);
  for (const [s, seed] of seeds.entries()) {
    if (place && s > place.seedIndex) break;
    log.push({ type: 'pool', after, seed });
    const summary = summaries.find((one) => one.seed === seed);
    for (const [m, method] of trainingOrder(config).entries()) {
      if (place?.seedIndex === s && m > place.methodIndex) break;
      const prompts =
        method === 'full' ? run.poolSize : (summary?.selections[method]?.prompts ?? 0);
      phase(seed, method, trainingText(config, method, iterationsOf(config, method, prompts)));
      for (const { update } of records.filter(
        (one) => one.seed === seed && one.method === method,
      )) {
        after++;
        if (method === 'full' && update % perEpoch === 0 && (place || summary?.lim)) {
          log.push({ type: 'column', after, seed, epoch: update / perEpoch - 1 });
        }
        for (const one of evaluations[method] ?? []) {
          if (one.seed !== seed || one.update !== update) continue;
          log.push({ type: 'evaluation', after, method, ...one });
        }
      }
      if (method !== 'full' || !summary?.lim) continue;
      phase(seed, 'score', 'Learning impact scores');
      const files = seedMarks(run, seed);
      log.push({ type: 'scores', after, seed, summary, files } as StoredEvent);
    }
  }
  if (!place) phase(first, 'report', 'Writing results');
  return log;
}

type PhaseName = Extract<StoredEvent, { type: 'phase' }>['phase'];

const placed = ({ seedIndex, methodIndex }: NonNullable<OlderRun['place']>): number =>
  seedIndex + methodIndex;

/** The marks of one seed's files; empty if the version kept no marks. */
function seedMarks({ written, seeds, summaries, config }: OlderRun, seed: number) {
  const names = seedFiles(seed, seeds);
  const methods = summaries.find((one) => one.seed === seed)?.selections ?? {};
  const own = [
    names.rewards,
    names.scores,
    ...trainingOrder(config)
      .filter((method) => methods[method])
      .map((method) => names.subset(method)),
  ];
  return Object.fromEntries(Object.entries(written).filter(([path]) => own.includes(path)));
}
