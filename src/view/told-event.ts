// Events of a run under way on their way to another program that shows the run: an event as text, and
// the event that a text is. The other program may be of another version, so a text is checked whole.
import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { parseConfig } from '../config.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJson } from '../formats/json.ts';
import type { ExperimentEvent, LimSummary } from '../results.ts';
import {
  baseAnswers,
  evaluation,
  finite,
  limSummary,
  orNaN,
  probe,
  seedResults,
  whole,
} from '../results-schema.ts';
import { parseResults } from '../run-folder/finished-run.ts';
import { methodName } from '../selection/name-schema.ts';

/** Most characters of an event: a pool of 10^5 prompts has fewer. */
const MOST_CHARACTERS = 2 ** 26;

/** Arrays are read as lists, and NaN as null: JSON has neither. */
export const toldText = (event: ExperimentEvent): string =>
  JSON.stringify(event, (_, value: unknown) =>
    value instanceof Float32Array || value instanceof Float64Array ? Array.from(value) : value,
  );

const text = v.string();
const share = v.pipe(finite, v.minValue(0), v.maxValue(1));
const mark = v.object({ bytes: whole, sha256: text });
const runState = v.picklist([
  'running',
  'pausing',
  'stepping',
  'paused',
  'stopping',
  'stopped',
  'done',
  'failed',
]);
const prompt = v.object({
  text,
  origin: v.exactOptional(v.picklist(['easy', 'learnable', 'hard'])),
  wrongKey: v.exactOptional(v.boolean()),
  key: v.exactOptional(text),
  truth: v.exactOptional(text),
  id: v.exactOptional(text),
  columns: v.exactOptional(v.record(text, text)),
});
const numbers = v.array(orNaN);
/** The run's config is checked by itself, as are its results. */
const told = v.variant('type', [
  v.object({
    type: v.literal('started'),
    adapter: text,
    host: text,
    config: v.unknown(),
    seeds: v.pipe(v.array(whole), v.minLength(1)),
    totalUpdates: whole,
  }),
  v.object({
    type: v.literal('resumed'),
    adapter: text,
    host: text,
    reason: v.exactOptional(text),
  }),
  v.object({
    type: v.literal('loading'),
    stage: v.picklist(['check', 'weights']),
    bytes: whole,
    of: whole,
  }),
  v.object({ type: v.literal('compiling'), label: text, compiled: whole, of: whole }),
  v.object({
    type: v.literal('phase'),
    seed: whole,
    phase: v.union([v.picklist(['base', 'score', 'report']), methodName]),
    text,
  }),
  v.object({ type: v.literal('probe'), seed: whole, ...probe.entries }),
  v.object({ type: v.literal('answers'), seed: whole, ...baseAnswers.entries }),
  v.object({ type: v.literal('pool'), seed: whole, prompts: v.array(prompt) }),
  v.object({ type: v.literal('pretraining'), update: whole, of: whole, loss: orNaN }),
  v.object({
    type: v.literal('update'),
    seed: whole,
    method: methodName,
    update: whole,
    epoch: whole,
    metrics: v.record(text, orNaN),
  }),
  v.object({
    type: v.literal('progress'),
    fraction: share,
    eta: orNaN,
    tokensPerSecond: orNaN,
    stepMs: orNaN,
  }),
  v.object({
    type: v.literal('column'),
    seed: whole,
    epoch: v.pipe(whole, v.maxValue(10_000)),
    accuracy: numbers,
    reward: numbers,
  }),
  v.object({
    type: v.literal('evaluation'),
    method: v.union([v.literal('base'), methodName]),
    shipped: v.exactOptional(v.boolean()),
    ...evaluation.entries,
  }),
  v.object({
    type: v.literal('scores'),
    seed: whole,
    lim: limSummary,
    summary: seedResults,
    files: v.record(text, mark),
    scores: numbers,
    selections: v.record(methodName, v.array(whole)),
  }),
  v.object({ type: v.literal('checkpoint'), update: whole }),
  v.object({
    type: v.literal('recovery'),
    reason: text,
    seconds: v.pipe(finite, v.minValue(0)),
    attempt: whole,
    most: whole,
  }),
  v.object({
    type: v.literal('warning'),
    text,
    inResults: v.exactOptional(v.literal(true)),
    unjudged: v.exactOptional(
      v.object({ during: v.picklist(['training', 'evaluation']), responses: whole, reason: text }),
    ),
  }),
  v.object({ type: v.literal('state'), state: runState, message: text }),
  v.object({ type: v.literal('done'), results: v.unknown() }),
]);

/**
 * Reads an event that was told as `toldText` tells it. What a method sampled beside its updates is
 * left out: no view shows it.
 *
 * @param where Who told it, for messages.
 * @throws FormatError, or ConfigError for a config, naming the field.
 */
export function readTold(content: string, where: string): ExperimentEvent {
  if (content.length > MOST_CHARACTERS) {
    throw new FormatError(`${where}: an event of ${content.length} characters`);
  }
  const found = v.safeParse(told, parseJson(content, where), { abortEarly: true });
  if (!found.success) throw new FormatError(`${where}: ${issueText(found.issues[0])}`);
  const event = found.output;
  switch (event.type) {
    case 'started':
      return { ...event, config: parseConfig(event.config, where) };
    case 'column':
      return {
        ...event,
        accuracy: Float32Array.from(event.accuracy),
        reward: Float32Array.from(event.reward),
      };
    case 'scores':
      return scoresOf(event, where);
    case 'done':
      return {
        type: 'done',
        results: parseResults({ text: JSON.stringify(event.results ?? null), where }),
      };
    default:
      return event;
  }
}

function scoresOf(
  event: Extract<v.InferOutput<typeof told>, { readonly type: 'scores' }>,
  where: string,
): ExperimentEvent {
  const lim: LimSummary | null = event.lim;
  if (!lim) throw new FormatError(`${where}: scores without a summary`);
  return { ...event, lim, scores: Float64Array.from(event.scores) };
}
