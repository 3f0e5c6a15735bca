// A recording of a run: its events with their times, and FULL's responses, as one JSON file. A page
// plays a recording without a device, through the same reducer as a run under way.
import * as v from 'valibot';
import type { ExperimentConfig } from '../config.ts';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJson } from '../formats/json.ts';
import type { Completion, EventOf, ExperimentEvent } from '../results.ts';

/** An event and the training time before it, in milliseconds. */
export interface TimedEvent {
  readonly ms: number;
  readonly event: ExperimentEvent;
}

export interface Recording {
  /** The adapter that the run was computed on, and the program around it. */
  readonly adapter: string;
  readonly host: string;
  /** The day of the run, as `2026-11-30`. */
  readonly date: string;
  /** The commit that the run was made with. */
  readonly commit: string;
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly events: readonly TimedEvent[];
  /** FULL's responses by data epoch, then by prompt; a prompt may have none. */
  readonly answers: readonly (readonly (readonly Completion[])[])[];
}

/**
 * Events with the training time before them: the time of all updates so far. What happens between
 * updates takes none.
 */
export function timed(events: Iterable<ExperimentEvent>): TimedEvent[] {
  let ms = 0;
  return Array.from(events, (event) => {
    if (event.type === 'update') ms += event.metrics['step_ms'] ?? 0;
    return { ms: Math.round(ms), event };
  });
}

/** Significant digits of a recorded number: nobody reads more from a picture. */
const DIGITS = 6;

const short = (value: number): number | null =>
  Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;

/** An event as plain JSON. A column is recorded in the signal that LIM used alone. */
function writtenEvent(event: ExperimentEvent, signal: 'accuracy' | 'reward'): object {
  switch (event.type) {
    case 'column':
      return {
        type: event.type,
        seed: event.seed,
        epoch: event.epoch,
        values: Array.from(event[signal], short),
      };
    case 'scores':
      return { ...event, scores: Array.from(event.scores, short), files: {} };
    case 'update':
      return {
        ...event,
        metrics: Object.fromEntries(
          Object.entries(event.metrics).map(([name, value]) => [name, short(value)]),
        ),
      };
    default:
      return event;
  }
}

/** The text of a recording's file. */
export function recordingText({ events, answers, ...about }: Recording): string {
  return `${JSON.stringify({
    schema: 1,
    ...about,
    events: events.map(({ ms, event }) => [ms, writtenEvent(event, about.config.lim.signal)]),
    answers: answers.map((prompts) =>
      prompts.map((responses) =>
        responses.map(({ text, reward, correct = reward === 1, formatted = reward !== -1 }) => [
          text,
          reward,
          Number(correct),
          Number(formatted),
        ]),
      ),
    ),
  })}\n`;
}

const numbers = v.array(v.nullable(v.number()));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const bit = v.pipe(
  v.picklist([0, 1]),
  v.transform((value) => value === 1),
);
/** Events of other types hold what their run told; only the reducer of the same version reads them. */
const anyEvent = v.looseObject({
  type: v.picklist([
    'started',
    'phase',
    'pool',
    'probe',
    'answers',
    'update',
    'column',
    'scores',
    'evaluation',
    'warning',
    'state',
    'done',
  ]),
});
const written = v.object({
  schema: v.literal(1),
  adapter: v.string(),
  host: v.string(),
  date: v.pipe(v.string(), v.isoDate()),
  commit: v.pipe(v.string(), v.regex(/^[0-9a-f]{7,40}$/)),
  config: v.looseObject({ task: v.looseObject({ name: v.string() }) }),
  seeds: v.pipe(v.array(whole), v.minLength(1)),
  events: v.pipe(v.array(v.tuple([v.number(), anyEvent])), v.minLength(1)),
  answers: v.array(v.array(v.array(v.tuple([v.string(), v.number(), bit, bit])))),
});
const column = v.looseObject({ type: v.literal('column'), values: numbers });
const scores = v.looseObject({ type: v.literal('scores'), scores: numbers });

const numbersOf = (values: readonly (number | null)[]): number[] =>
  values.map((value) => value ?? NaN);

/**
 * Reads a recording.
 *
 * @param where Name of the file, for messages.
 * @throws FormatError naming the file and the field.
 */
export function readRecording(text: string, where: string): Recording {
  const found = parsed(written, parseJson(text, where), where);
  const { adapter, host, date, commit, seeds, events, answers, config } = found;
  return {
    adapter,
    host,
    date,
    commit,
    seeds,
    config: config as unknown as ExperimentConfig,
    events: events.map(([ms, event], i) => ({
      ms,
      event: readEvent(event, `${where}: events[${i}]`),
    })),
    answers: answers.map((prompts) =>
      prompts.map((responses) =>
        responses.map(([response, reward, correct, formatted]) => ({
          text: response,
          reward,
          correct,
          formatted,
        })),
      ),
    ),
  };
}

function readEvent(event: v.InferOutput<typeof anyEvent>, where: string): ExperimentEvent {
  switch (event.type) {
    case 'column': {
      const { values, ...rest } = parsed(column, event, where);
      const signal = Float32Array.from(numbersOf(values));
      return { ...rest, accuracy: signal, reward: signal } as unknown as EventOf<'column'>;
    }
    case 'scores': {
      const { scores: values, ...rest } = parsed(scores, event, where);
      return {
        ...rest,
        scores: Float64Array.from(numbersOf(values)),
      } as unknown as EventOf<'scores'>;
    }
    default:
      return event as unknown as ExperimentEvent;
  }
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw new FormatError(`${where}: ${issueText(result.issues[0])}`);
}
