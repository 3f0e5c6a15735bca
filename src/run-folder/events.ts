// `events.jsonl`: the events of a run, in order, for a later look. The log only refers to data in
// other files of the run: updates by their number, pools by their seed, rewards and scores by their
// files.
import * as v from 'valibot';
import type { ExperimentConfig } from '../config.ts';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJsonLine } from '../formats/json.ts';
import type { EventOf, ExperimentEvent, UpdateRecord } from '../results.ts';
import { accuracy, baseAnswers, evaluation, probe, seedResults, whole } from '../results-schema.ts';
import { trainingOrder } from '../run-plan.ts';
import { isMethodName, type MethodName } from '../selection/methods.ts';
import { methodName } from '../selection/name-schema.ts';

const mark = v.object({
  bytes: whole,
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
const unjudged = v.object({
  during: v.picklist(['training', 'evaluation']),
  responses: whole,
  reason: v.string(),
});
/** Number of updates of the run before an event, which are lines of `metrics.jsonl`. */
const after = whole;
const stored = v.variant('type', [
  v.object({
    type: v.literal('started'),
    after,
    adapter: v.string(),
    host: v.string(),
    totalUpdates: whole,
  }),
  v.object({
    type: v.literal('phase'),
    after,
    seed: whole,
    phase: v.union([v.picklist(['base', 'score', 'report']), methodName]),
    text: v.string(),
  }),
  v.object({ type: v.literal('pool'), after, seed: whole }),
  v.object({ type: v.literal('probe'), after, seed: whole, ...probe.entries }),
  v.object({ type: v.literal('answers'), after, seed: whole, ...baseAnswers.entries }),
  v.object({ type: v.literal('column'), after, seed: whole, epoch: whole }),
  v.object({
    type: v.literal('scores'),
    after,
    seed: whole,
    summary: seedResults,
    files: v.record(v.string(), mark),
  }),
  v.object({
    type: v.literal('evaluation'),
    after,
    method: v.union([v.literal('base'), methodName]),
    ...evaluation.entries,
    ...accuracy,
    shipped: v.exactOptional(v.boolean()),
  }),
  v.object({
    type: v.literal('warning'),
    after,
    text: v.string(),
    inResults: v.exactOptional(v.literal(true)),
    unjudged: v.exactOptional(unjudged),
  }),
]);

/** An event in the log. */
export type StoredEvent = v.InferOutput<typeof stored>;

/**
 * The line of an event in the log, without its line end. Undefined for events that nobody needs
 * later, and for updates, which have their own file.
 *
 * @param updates Number of updates of the run before the event.
 */
export function lineOf(event: ExperimentEvent, updates: number): string | undefined {
  const put = ({ type, ...rest }: DistributiveOmit<StoredEvent, 'after'>): string =>
    JSON.stringify({ type, after: updates, ...rest });
  switch (event.type) {
    case 'started': {
      const { type, adapter, host, totalUpdates } = event;
      return put({ type, adapter, host, totalUpdates });
    }
    case 'pool':
      return put({ type: 'pool', seed: event.seed });
    case 'column':
      return put({ type: 'column', seed: event.seed, epoch: event.epoch });
    case 'scores': {
      const { type, seed, summary, files } = event;
      return put({ type, seed, summary, files } as DistributiveOmit<StoredEvent, 'after'>);
    }
    case 'answers':
      return put({ ...event, right: [...event.right], formatted: [...event.formatted] });
    case 'phase':
    case 'probe':
    case 'evaluation':
    case 'warning':
      return put(event);
    default:
      return undefined;
  }
}

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/**
 * Parses a line of the log.
 *
 * @param where The line, for messages.
 * @throws FormatError naming line and field.
 */
export const parseEvent = (line: string, where: string): StoredEvent =>
  checkedEvent(parseJsonLine(line, where), where);

/**
 * The value of a line of the log as an event.
 *
 * @throws FormatError naming line and field.
 */
export function checkedEvent(value: unknown, where: string): StoredEvent {
  const parsed = v.safeParse(stored, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new FormatError(`${where}: ${issueText(parsed.issues[0])}`);
}

/** The data that a log refers to. Each function may be called several times. */
export interface Referred {
  /** The log, for messages. */
  readonly where: string;
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly pool: (seed: number) => Promise<PoolEvent['prompts']>;
  readonly column: (
    seed: number,
    epoch: number,
  ) => Promise<Pick<ColumnEvent, 'accuracy' | 'reward'>>;
  readonly scores: (
    seed: number,
    methods: readonly MethodName[],
  ) => Promise<Pick<ScoresEvent, 'scores' | 'selections'>>;
}

type PoolEvent = EventOf<'pool'>;
type ColumnEvent = EventOf<'column'>;
type ScoresEvent = EventOf<'scores'>;

/**
 * The events of a log with the data that they refer to, and the updates in between.
 *
 * @throws FormatError if the log refers to something that is missing.
 */
export async function* eventsOfLog(
  log: readonly StoredEvent[],
  records: readonly UpdateRecord[],
  referred: Referred,
): AsyncGenerator<ExperimentEvent, void, void> {
  let told = 0;
  for (const [i, event] of log.entries()) {
    const refuse: Refuse = (why) => {
      throw new FormatError(`${referred.where} line ${i + 1}: ${why}`);
    };
    expectOfRun(event, referred, refuse);
    if (event.after < told || event.after > records.length) {
      refuse(`an event after update ${event.after} of ${records.length}, after ${told}`);
    }
    while (told < event.after) yield updateEvent(records[told++]);
    yield await wholeEvent(event, referred, refuse);
  }
  while (told < records.length) yield updateEvent(records[told++]);
}

/** Ends with what is wrong with a line of the log. */
type Refuse = (why: string) => never;

/** Refuses an event of a seed, a method or a data epoch that its run does not have. */
function expectOfRun(event: StoredEvent, { config, seeds }: Referred, refuse: Refuse): void {
  if ('seed' in event && !seeds.includes(event.seed)) {
    refuse(`seed ${event.seed} is none of ${seeds.join(', ')}`);
  }
  const { epochs } = config.experiment;
  if (event.type === 'column' && event.epoch >= epochs) {
    refuse(`data epoch ${event.epoch} of ${epochs}, from 0`);
  }
  const method =
    event.type === 'evaluation' ? event.method : event.type === 'phase' ? event.phase : undefined;
  const methods = trainingOrder(config);
  if (method !== undefined && isMethodName(method) && !methods.includes(method)) {
    refuse(`${method} is none of ${methods.join(', ')}`);
  }
  if (event.type === 'scores') {
    const { summary } = event;
    if (summary.seed !== event.seed)
      refuse(`seed ${event.seed} and the summary of ${summary.seed}`);
  }
}

function updateEvent(record: UpdateRecord | undefined): ExperimentEvent {
  if (!record) throw new RangeError('more updates than records');
  return { type: 'update', ...record };
}

async function wholeEvent(
  { after: _after, ...event }: StoredEvent,
  referred: Referred,
  refuse: Refuse,
): Promise<ExperimentEvent> {
  switch (event.type) {
    case 'started':
      return { ...event, config: referred.config, seeds: referred.seeds };
    case 'pool':
      return { ...event, prompts: await referred.pool(event.seed) };
    case 'column':
      return { ...event, ...(await referred.column(event.seed, event.epoch)) };
    case 'scores': {
      const { seed, summary, files } = event;
      const lim = summary.lim ?? refuse(`seed ${seed} was scored without a summary`);
      const methods = Object.keys(summary.selections) as MethodName[];
      const found = await referred.scores(seed, methods);
      return { type: 'scores', seed, lim, summary: { ...summary, lim }, files, ...found };
    }
    default:
      return event;
  }
}
