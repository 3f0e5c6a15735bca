import type { ExperimentConfig } from '../config.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJson } from '../formats/json.ts';
import { readJsonLines } from '../formats/json-lines.ts';
import type { Accuracy, Evaluation, TierAccuracy, UpdateRecord } from '../results.ts';
import { checkedEvent } from '../run-folder/events.ts';
import { checkedRecord, parseResults, type RunFolder } from '../run-folder/finished-run.ts';
import { readInputs } from '../run-folder/inputs.ts';
import { CONFIG, EVENTS, METRICS, RESULTS } from '../run-folder/names.ts';
import { parseRunFile } from '../run-folder/run-file.ts';
import { methodEntries, type MethodName } from '../selection/methods.ts';

/** A run's folder, finished or not, whose files may be larger than memory. */
export interface ExportFolder extends RunFolder {
  /** Opens a file; undefined if the folder lacks the file. The caller closes it. */
  readonly open: (file: string) => Promise<(ByteSource & { close(): Promise<void> }) | undefined>;
}

/** The training that a row belongs to. The base model belongs to no seed. */
export interface Training {
  readonly seed: number | undefined;
  readonly method: MethodName | 'base';
}

/** One update of a training, or one evaluation of its model. */
export type RunRow = Training & {
  /** Updates of the training up to the row, from 0. */
  readonly update: number;
  /**
   * Seconds of work on the training's updates up to the row. Evaluations and pauses take none. A
   * run records no other times.
   */
  readonly seconds: number;
} & (
    | { readonly kind: 'update'; readonly epoch: number; readonly metrics: UpdateRecord['metrics'] }
    | {
        readonly kind: 'evaluation';
        readonly accuracy: Accuracy;
        /** Responses sampled for training before the evaluation; undefined for the base. */
        readonly samples: number | undefined;
        /** As in `Evaluation`. */
        readonly samplesTrained: number | undefined;
        readonly epochs: number | undefined;
      }
  );

type EvaluationRow = Extract<RunRow, { kind: 'evaluation' }>;

/** A run to export. Its rows are read anew for each pass, so a file is never whole in memory. */
export interface ExportRun {
  /** The name that tells the run from others in an export. */
  readonly name: string;
  readonly folder: ExportFolder;
  readonly config: ExperimentConfig;
  readonly configHash: string;
  readonly finished: boolean;
  /** Files whose last line was cut while it was written; that line is left out. */
  readonly cut: readonly string[];
  /** Updates of each training, in the order of the run. */
  readonly trainings: readonly (Training & { readonly updates: number })[];
  /** Updates of FULL by seed and data epoch. */
  readonly fullUpdates: ReadonlyMap<number, readonly number[]>;
  /**
   * The rows of the run. The rows of a training follow each other, by update; an evaluation comes
   * after the update that it evaluates.
   *
   * @throws FormatError naming file and line.
   */
  readonly rows: () => AsyncGenerator<RunRow, void, void>;
}

const keyOf = ({ seed, method }: Training): string => `${seed ?? ''} ${method}`;

/**
 * Reads a run's folder through once, so that a fault of a file is found before anything is written.
 *
 * @throws FormatError or ConfigError naming file and line or field.
 */
export async function openRun(name: string, folder: ExportFolder): Promise<ExportRun> {
  const { config, configHash, evaluations, finished, cut } = await contents(folder);
  const cuts = new Set(cut);
  const rows = () => rowsOf(folder, evaluations, (file) => cuts.add(file));
  const trainings = new Map<string, Training & { updates: number }>();
  const fullUpdates = new Map<number, number[]>();
  let last: Training & { updates: number } = { seed: undefined, method: 'base', updates: 0 };
  for await (const row of rows()) {
    const { seed, method, update } = row;
    const key = keyOf(row);
    const where = `${folder.name}/${METRICS}`;
    const known = trainings.get(key);
    if (known && known !== last) {
      throw new FormatError(`${where}: updates of ${method}, seed ${seed ?? '-'}, lie apart`);
    }
    last = known ?? { seed, method, updates: 0 };
    trainings.set(key, last);
    if (row.kind === 'evaluation') continue;
    if (update !== last.updates + 1) {
      throw new FormatError(
        `${where}: update ${update} of ${method}, seed ${seed ?? '-'}, after ${last.updates}`,
      );
    }
    last.updates = update;
    if (method !== 'full' || seed === undefined) continue;
    const byEpoch = fullUpdates.get(seed) ?? [];
    byEpoch[row.epoch] = (byEpoch[row.epoch] ?? 0) + 1;
    fullUpdates.set(seed, byEpoch);
  }
  return {
    name,
    folder,
    config,
    configHash,
    finished,
    cut: [...cuts],
    trainings: [...trainings.values()],
    fullUpdates,
    rows,
  };
}

interface Contents {
  readonly config: ExperimentConfig;
  readonly configHash: string;
  readonly evaluations: readonly Omit<EvaluationRow, 'seconds'>[];
  readonly finished: boolean;
  readonly cut: readonly string[];
}

async function contents(folder: ExportFolder): Promise<Contents> {
  const text = await folder.read(RESULTS);
  if (text === undefined) return unfinished(folder);
  const results = parseResults({ text, where: `${folder.name}/${RESULTS}` });
  const evaluations = methodEntries(results.methods).flatMap(([method, { evaluations: list }]) =>
    list.map((one) => {
      const { seed, update } = one;
      return evaluationRow({ seed, method }, update, factsOf(one));
    }),
  );
  return {
    config: results.config,
    configHash: results.configHash,
    evaluations: [baseRow(results.base), ...evaluations],
    finished: true,
    cut: [],
  };
}

const evaluationRow = (
  training: Training,
  update: number,
  of: EvaluationFacts,
): Omit<EvaluationRow, 'seconds'> => ({ kind: 'evaluation', ...training, update, ...of });

type EvaluationFacts = Pick<EvaluationRow, 'accuracy' | 'samples' | 'samplesTrained' | 'epochs'>;

const factsOf = (evaluation: Evaluation): EvaluationFacts => ({
  accuracy: evaluation,
  samples: evaluation.samples,
  samplesTrained: evaluation.samplesTrained,
  epochs: evaluation.epochs,
});

const baseRow = (accuracy: Accuracy) =>
  evaluationRow({ seed: undefined, method: 'base' }, 0, {
    accuracy,
    samples: undefined,
    samplesTrained: undefined,
    epochs: undefined,
  });

/** A run that goes on, or was stopped: its config, and what its log of events holds so far. */
async function unfinished(folder: ExportFolder): Promise<Contents> {
  const where = `${folder.name}/${CONFIG}`;
  const text = await folder.read(CONFIG);
  if (text === undefined) throw new FormatError(`${where}: no such file; is this a run?`);
  const inputs = await readInputs(folder.read, `${folder.name}/`);
  const { config, configHash } = await parseRunFile(parseJson(text, where), where, inputs);
  const evaluations: Omit<EvaluationRow, 'seconds'>[] = [];
  const cut: string[] = [];
  for await (const { where: at, value } of linesOf(folder, EVENTS, (file) => cut.push(file))) {
    const event = checkedEvent(value, at);
    if (event.type !== 'evaluation') continue;
    const { seed, method, update } = event;
    // Each seed begins at the same base.
    if (method === 'base') {
      if (!evaluations.some((one) => one.method === 'base')) evaluations.push(baseRow(event));
    } else evaluations.push(evaluationRow({ seed, method }, update, factsOf(event)));
  }
  return { config, configHash, evaluations, finished: false, cut };
}

async function* linesOf(
  folder: ExportFolder,
  file: string,
  onCut: (file: string) => void,
): AsyncGenerator<{ readonly where: string; readonly value: unknown }, void, void> {
  const source = await folder.open(file);
  if (!source) return;
  try {
    const lines = readJsonLines(source, {
      limit: 1 << 20,
      onCut: () => {
        onCut(file);
      },
    });
    for await (const { line, value } of lines) {
      yield { where: `${folder.name}/${file} line ${line}`, value };
    }
  } finally {
    await source.close();
  }
}

async function* rowsOf(
  folder: ExportFolder,
  evaluations: readonly Omit<EvaluationRow, 'seconds'>[],
  onCut: (file: string) => void,
): AsyncGenerator<RunRow, void, void> {
  const waiting = new Map<string, Omit<EvaluationRow, 'seconds'>[]>();
  for (const one of evaluations) {
    const key = keyOf(one);
    const list = waiting.get(key) ?? [];
    list.push(one);
    waiting.set(key, list);
  }
  for (const list of waiting.values()) list.sort((a, b) => a.update - b.update);
  const due = function* (training: Training, update: number, seconds: number) {
    const list = waiting.get(keyOf(training));
    while (list?.[0] && list[0].update <= update) {
      const [first] = list.splice(0, 1);
      if (first) yield { ...first, seconds };
    }
  };
  yield* due({ seed: undefined, method: 'base' }, 0, 0);
  let current: Training | undefined;
  let seconds = 0;
  for await (const { where, value } of linesOf(folder, METRICS, onCut)) {
    const { seed, method, update, epoch, metrics } = checkedRecord(value, where);
    const training: Training = { seed, method };
    if (!current || keyOf(current) !== keyOf(training)) {
      if (current) yield* due(current, Infinity, seconds);
      current = training;
      seconds = 0;
    }
    yield* due(training, update - 1, seconds);
    const { step_ms: spent = NaN } = metrics;
    if (spent > 0) seconds += spent / 1000;
    yield { kind: 'update', seed, method, update, seconds, epoch, metrics };
    yield* due(training, update, seconds);
  }
  if (current) yield* due(current, Infinity, seconds);
  for (const [first] of waiting.values()) if (first) yield* due(first, Infinity, 0);
}

/** The accuracies of an evaluation by name: `mean`, `tiers/NAME`, `sampled/mean`, ... */
export function* accuraciesOf({ sampled, ...greedy }: Accuracy): Generator<[string, number]> {
  yield* tierAccuracies(greedy);
  if (!sampled) return;
  for (const [name, value] of tierAccuracies(sampled)) yield [`sampled/${name}`, value];
}

function* tierAccuracies(of: TierAccuracy): Generator<[string, number]> {
  yield ['mean', of.mean];
  for (const [tier, value] of Object.entries(of.tiers)) yield [`tiers/${tier}`, value];
  for (const [tier, value] of Object.entries(of.outOfDistribution ?? {})) {
    yield [`outOfDistribution/${tier}`, value];
  }
}

/** The scalars of a row by name. NaN is a number that does not exist. */
export function* scalarsOf(row: RunRow): Generator<[string, number]> {
  if (row.kind === 'update') {
    yield ['epoch', row.epoch];
    yield* Object.entries(row.metrics);
    return;
  }
  yield* accuraciesOf(row.accuracy);
  if (row.samples !== undefined) yield ['samples', row.samples];
  if (row.samplesTrained !== undefined) yield ['samples_trained', row.samplesTrained];
  if (row.epochs !== undefined) yield ['epochs', row.epochs];
}
