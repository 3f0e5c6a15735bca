// What tabs of this page tell each other about a run under way. Another tab may hold an older or a newer
// version of the page, so every message says the version of its form, and is checked before it is used.
import * as v from 'valibot';
import {
  FormatError,
  isMethodName,
  parseConfig,
  type ExperimentConfig,
  type Keeping,
  type MethodName,
} from '../../src/index.ts';
import type { Answers } from '../state/stage.ts';

/** The channel of all tabs of this origin. */
export const CHANNEL = 'limr-lab';
/** The version of the messages, and of the events in them. */
export const VERSION = 2;

/** The lock that a tab holds for as long as it tells of a run: whoever gets it knows that it is over. */
export const lockOf = (run: string): string => `limr-lab-run-${run}`;

/** The run that a tab tells of. */
export interface ToldRun {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly keeping: Keeping;
  /** Its name among the runs of this browser; undefined for one in memory alone. */
  readonly name: string | undefined;
}

/** `run` names the run among those that tabs tell of now. */
export type TabMessage =
  /** A tab would like to see what is under way. */
  | { readonly type: 'ask' }
  /** A run is under way: it has begun, or somebody asked. */
  | { readonly type: 'under-way'; readonly run: string }
  /** A tab wants to follow a run: it asks for all that was, and for what comes. */
  | { readonly type: 'follow'; readonly run: string }
  /** The run so far. Events are texts, as `toldText` writes them. */
  | ({
      readonly type: 'so-far';
      readonly run: string;
      readonly events: readonly string[];
    } & ToldRun)
  | { readonly type: 'events'; readonly run: string; readonly events: readonly string[] }
  /**
   * A tab that follows a run wants a method's answers to a prompt of the pool; `question` is its own
   * word.
   */
  | {
      readonly type: 'question';
      readonly run: string;
      readonly question: string;
      readonly prompt: number;
      readonly method: MethodName;
    }
  /** Undefined where the tab that trains cannot tell. */
  | {
      readonly type: 'answers';
      readonly run: string;
      readonly question: string;
      readonly answers: Answers | undefined;
    };

const run = v.pipe(v.string(), v.regex(/^[\w-]{8,64}$/));
const events = v.pipe(v.array(v.string()), v.maxLength(1_000_000));
const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const question = v.pipe(v.string(), v.regex(/^[\w-]{8,64}$/));
const place = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000));
const method = v.custom<MethodName>(isMethodName, 'no method has this name');
const completion = v.object({
  text: v.string(),
  reward: v.pipe(v.number(), v.finite()),
  correct: v.exactOptional(v.boolean()),
  formatted: v.exactOptional(v.boolean()),
});
const answers = v.object({
  key: v.exactOptional(v.string()),
  epochs: v.array(v.object({ epoch: place, completions: v.array(completion) })),
});
const message = v.variant('type', [
  v.object({ type: v.literal('ask') }),
  v.object({ type: v.literal('under-way'), run }),
  v.object({ type: v.literal('follow'), run }),
  v.object({
    type: v.literal('so-far'),
    run,
    events,
    config: v.unknown(),
    seeds: v.pipe(v.array(seed), v.minLength(1), v.maxLength(1000)),
    keeping: v.object({
      stored: v.boolean(),
      past: v.exactOptional(v.picklist(['resumed', 'reopened'])),
    }),
    name: v.optional(v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT[\w.-]{1,48}$/))),
  }),
  v.object({ type: v.literal('events'), run, events }),
  v.object({ type: v.literal('question'), run, question, prompt: place, method }),
  v.object({ type: v.literal('answers'), run, question, answers: v.optional(answers) }),
]);

/** A message that another tab of this version can read. */
export const messageOf = (content: TabMessage): object => ({ version: VERSION, ...content });

/** A message of a tab whose version of the page tells in another form. */
export class OtherVersionError extends Error {
  override readonly name = 'OtherVersionError';
}

/**
 * Reads what another tab sent.
 *
 * @throws OtherVersionError, or FormatError or ConfigError naming the field.
 */
export function readMessage(data: unknown): TabMessage {
  const where = 'another tab';
  const version = v.safeParse(v.looseObject({ version: v.number() }), data);
  if (!version.success) throw new FormatError(`${where}: a message without a version`);
  if (version.output.version !== VERSION) {
    throw new OtherVersionError(`${where}: messages of version ${version.output.version}`);
  }
  const found = v.safeParse(message, data, { abortEarly: true });
  if (!found.success) {
    const [issue] = found.issues;
    throw new FormatError(`${where}: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  }
  const content = found.output;
  if (content.type === 'answers') return { ...content, answers: content.answers };
  if (content.type !== 'so-far') return content;
  return { ...content, config: parseConfig(content.config, where), name: content.name };
}
