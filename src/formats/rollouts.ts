import { answerFields, answerOf } from './answer-fields.ts';
import type { ByteSource } from './byte-source.ts';
import { identityOf, type Prompt, promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import {
  countOf,
  fieldOf,
  finiteOf,
  isRecord,
  jsonOf,
  type JsonRecord,
  kindOf,
  textOf,
} from './json.ts';
import { type PlacedRecord, recordBatches, recordsOf } from './records.ts';
import {
  columnOf,
  ColumnSurvey,
  rewardNames,
  rewardOf,
  type RewardTerm,
  type Verdict,
  verdictOf,
  weightedSum,
} from './rewards.ts';

/** The engine that wrote the rollouts. `jsonl` is any JSONL with `prompt` and `reward`. */
export const rolloutFormats = ['limr', 'openrlhf', 'trl', 'verl', 'jsonl'] as const;
export type RolloutFormat = (typeof rolloutFormats)[number];

/** One sampled response, with the fields that scores need. */
export interface RolloutRow extends Prompt {
  /** File and row, for messages. */
  readonly where: string;
  readonly id: string | undefined;
  /** Undefined if the row has none: its reward function abstained, or gave no finite number. */
  readonly reward: number | undefined;
  /** The file's verdict on the sample; undefined if only the reward tells. */
  readonly verdict: Verdict;
  /** Training step, as the file gives it. */
  readonly step: number | undefined;
  /** Data epoch, as the file counts it; may be a fraction. */
  readonly epoch: number | undefined;
  /** When a reward function of ours judged the sample, in seconds, and the samples of a visit. */
  readonly judged: { readonly time: number; readonly samples: number } | undefined;
  /** The answer key, if the file has one: a text, a number, or any other value. */
  readonly answer: unknown;
  /** The response, for engines that log one generation at every step that uses it. */
  readonly completion: string | undefined;
  /** Whether the prompt's text continues with the response. */
  readonly answered: boolean;
  /** Token ids of the prompt, if the file does not have the prompt's text. */
  readonly tokens: readonly number[] | undefined;
}

/** A prompt with its mean signal in each epoch, as `limr score` writes it; null means missing. */
export interface CurveRow extends Prompt {
  readonly where: string;
  readonly id: string | undefined;
  readonly answer: unknown;
  readonly curve: readonly (number | null)[];
}

/** The columns that the files of one import were read by. */
export interface ReadSummary {
  /** Columns used as the reward, with their weights if summed. */
  readonly rewards: Set<string>;
  /** Columns used as verdicts. */
  readonly verdicts: Set<string>;
  /** Other columns of numbers that may be rewards. */
  readonly others: Set<string>;
}

export const newReadSummary = (): ReadSummary => ({
  rewards: new Set(),
  verdicts: new Set(),
  others: new Set(),
});

export interface ReadOptions {
  /** Columns of the reward, for files that do not have it under a known name. */
  readonly reward?: readonly RewardTerm[] | undefined;
  /** Collects the columns that were used; one summary for all files of an import. */
  readonly summary?: ReadSummary;
  /**
   * Called with the place of a last row that was cut while being written, instead of refusing the
   * file.
   */
  readonly onCut?: ((where: string) => void) | undefined;
}

/** The kind of a file, told by its first bytes and its first row, never by its name. */
export type Detected = RolloutFormat | 'curves' | 'safetensors' | 'empty';

/** @throws FormatError when the file is damaged, or of no known kind. */
export async function detectRollouts(
  source: ByteSource,
  options: Pick<ReadOptions, 'onCut'> & {
    /** Whether to read rows of a parquet table, which starts a worker. Default true. */
    readonly look?: boolean;
  } = {},
): Promise<Detected> {
  const head = await source.slice(0, Math.min(16, source.size));
  if (head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0)) return 'safetensors';
  const isTable = String.fromCharCode(...head).startsWith('PAR1');
  if (isTable && options.look === false) return 'trl';
  const onCut = options.onCut && (() => undefined);
  for await (const { record } of recordsOf(source, { onCut })) {
    const format = recordFormat(record, isTable);
    if (format) return format;
    throw new FormatError(
      `${source.name} row 1: no known rollout format has the fields ` +
        Object.keys(record).slice(0, 40).join(', '),
    );
  }
  return 'empty';
}

function recordFormat(record: JsonRecord, isTable: boolean): Detected | undefined {
  const has = (name: string): boolean => fieldOf(record, name) !== undefined;
  if (isCurve(record)) return 'curves';
  const hasPrompt = promptFields.jsonl.some(has) || nestedPrompt(record) !== undefined;
  const hasReward = rewardNames.some(has);
  if (has('input') && has('output') && has('score')) return 'verl';
  if (has('prompt') && has('response') && has('reward')) return 'limr';
  if (has('prompt') && has('solution') && typeof fieldOf(record, 'result') === 'boolean') {
    return 'limr';
  }
  if (hasPrompt && has('completion') && (isTable || !hasReward || has('advantage'))) return 'trl';
  if (isTable && hasPrompt) return 'trl';
  if (!has('prompt') && (has('query') || has('input')) && (has('reward') || has('rewards'))) {
    return 'openrlhf';
  }
  // Counts only unambiguous names of rewards: `result` or `scores` alone does not make a rollout.
  const hasScores = has('scores') && listOf(record, responseFields) !== undefined;
  return hasPrompt && (has('reward') || has('rewards') || has('score') || hasScores)
    ? 'jsonl'
    : undefined;
}

/**
 * Whether a row holds a curve of mean signals: a prompt with a list of rewards, and no list of
 * responses that the rewards could belong to.
 */
function isCurve(record: JsonRecord): boolean {
  if (!Array.isArray(fieldOf(record, 'rewards')) || fieldOf(record, 'prompt') === undefined) {
    return false;
  }
  return listOf(record, responseFields) === undefined;
}

/** The first of these fields that holds a list. */
const listOf = (record: JsonRecord, names: readonly string[]): string | undefined =>
  names.find((name) => Array.isArray(fieldOf(record, name)));

const anyPrompt = [
  ...['prompt', 'input', 'query', 'question', 'problem', 'messages', 'context_messages'],
  ...['prompts', 'conversation', 'conversations', 'prompt_tokens', 'content'],
];

/** Fields that may hold a prompt; the first field that a row has counts. */
const promptFields: Readonly<Record<RolloutFormat, readonly string[]>> = {
  limr: ['prompt'],
  openrlhf: ['prompt', 'query', 'input', 'context_messages'],
  trl: anyPrompt,
  verl: ['input', ...anyPrompt.filter((name) => name !== 'input')],
  jsonl: anyPrompt,
};

const responseFields = [
  ...['completion', 'completions', 'response', 'responses', 'output', 'outputs', 'generation'],
  ...['generations', 'solution', 'content', 'response_tokens', 'text'],
];

const rewardFields: Readonly<Record<RolloutFormat, readonly string[]>> = {
  limr: ['reward', 'result'],
  openrlhf: ['reward', 'rewards', 'score', 'scores'],
  trl: ['reward', 'rewards', 'score', 'scores'],
  verl: ['score', 'reward'],
  jsonl: ['reward', 'rewards', 'score', 'scores'],
};

/** Columns that are never a reward, whatever they hold. */
const otherColumns: ReadonlySet<string> = new Set([
  ...anyPrompt,
  ...responseFields,
  ...answerFields,
]);

/** Most rows, and most characters of text, that decide on a file's columns. */
const surveyRows = 64;
const surveyCharacters = 2 ** 25;

/**
 * The rollouts in a file, many at a time where the file gives them so. A row with several samples gives
 * one rollout for each.
 *
 * @throws FormatError naming file and row for every violation of the format; the rollouts before it
 *   come first.
 */
export async function* readRollouts(
  source: ByteSource,
  format: RolloutFormat,
  options: ReadOptions = {},
): AsyncGenerator<Iterable<RolloutRow>> {
  const first: PlacedRecord[] = [];
  const survey = new ColumnSurvey();
  let characters = 0;
  const summary = options.summary ?? newReadSummary();
  const planned = (): Plan => planOf(survey, format, options, summary, source.name);
  let plan: Plan | undefined;
  for await (const records of recordBatches(source, { onCut: options.onCut })) {
    const rows = records[Symbol.iterator]();
    while (!plan) {
      const next = rows.next();
      if (next.done === true) break;
      first.push(next.value);
      survey.add(next.value.record);
      for (const value of Object.values(next.value.record)) {
        if (typeof value === 'string') characters += value.length;
      }
      if (first.length < surveyRows && characters < surveyCharacters) continue;
      plan = planned();
      yield samplesIn(first.values(), format, plan);
    }
    if (plan) yield samplesIn(rows, format, plan);
  }
  if (!plan && first.length > 0) yield samplesIn(first.values(), format, planned());
}

function* samplesIn(
  rows: Iterator<PlacedRecord>,
  format: RolloutFormat,
  plan: Plan,
): Generator<RolloutRow> {
  for (;;) {
    const next = rows.next();
    if (next.done === true) return;
    yield* samplesOf(next.value, format, plan);
  }
}

/** How to read the rows of a file. */
interface Plan {
  readonly terms: readonly RewardTerm[] | undefined;
  /** Column of verdicts; undefined if the reward alone tells. */
  readonly verdict: string | undefined;
  readonly summary: ReadSummary;
}

function planOf(
  survey: ColumnSurvey,
  format: RolloutFormat,
  { reward }: ReadOptions,
  summary: ReadSummary,
  file: string,
): Plan {
  const column = survey.verdictColumn();
  const own = rewardFields[format].find((name) => survey.has(name));
  const numbers = survey.numberColumns(otherColumns);
  const [term] = reward ?? [];
  // A single reward column of the user's choice also decides which samples are right.
  const verdict = reward?.length === 1 && term?.weight === 1 ? undefined : column;
  for (const name of [...(column === undefined ? [] : [column]), ...numbers]) {
    if (name !== own && !reward?.some((one) => one.name === name)) summary.others.add(name);
  }
  if (reward) {
    for (const { name, weight } of reward) {
      summary.rewards.add(weight === 1 && reward.length === 1 ? name : `${weight} x ${name}`);
    }
    return { terms: reward, verdict, summary };
  }
  // Chosen for each row: the rows of a file may name the reward differently.
  if (own !== undefined || format !== 'trl') return { terms: undefined, verdict, summary };
  const named = numbers.filter((name) => /reward/i.test(name));
  let found = named.length > 0 ? named : numbers;
  if (found.length === 0) found = survey.emptyRewards(otherColumns);
  const known = [...summary.rewards].filter((name) => survey.has(name));
  if (found.length !== 1 && known.length === 1) found = known;
  const [only, another] = found;
  if (only === undefined) {
    throw new FormatError(
      `${file}: no column of rewards among ${survey.names.slice(0, 40).join(', ')}; ` +
        'name one with --reward',
    );
  }
  if (another !== undefined) {
    throw new FormatError(
      `${file}: several columns may be the reward (${found.join(', ')}); name one: ` +
        `--reward ${only}, or the weighted sum that was trained on: ` +
        `--reward ${found.map((name) => `${name}=1`).join(',')}`,
    );
  }
  summary.rewards.add(only);
  summary.others.delete(only);
  return { terms: [{ name: only, weight: 1 }], verdict, summary };
}

/** The samples of a row: one, or one for each entry of its list of rewards. */
function samplesOf(
  { where, record }: PlacedRecord,
  format: RolloutFormat,
  plan: Plan,
): RolloutRow[] {
  const prompt = promptPart(record, format, where);
  const fallback = plan.terms
    ? undefined
    : rewardFields[format].find((name) => fieldOf(record, name) !== undefined);
  if (!plan.terms && fallback === undefined) {
    throw new FormatError(`${where}: no field ${rewardFields[format].join(' or ')}`);
  }
  const terms = plan.terms ?? [{ name: fallback ?? '', weight: 1 }];
  if (fallback !== undefined) plan.summary.rewards.add(fallback);
  const values = terms.map(({ name }) => {
    const value = columnOf(record, name);
    if (value !== undefined) return value;
    const names = Object.keys(record).slice(0, 40).join(', ');
    throw new FormatError(`${where}: no column ${name}; there are ${names}`);
  });
  const verdict = plan.verdict === undefined ? undefined : fieldOf(record, plan.verdict);
  const count = values.find(Array.isArray)?.length;
  if (count === undefined) expectOneResponse(record, where);
  else {
    expectSamples(record, values, count, where);
    if (Array.isArray(verdict) && verdict.length !== count) {
      throw new FormatError(
        `${where}: ${plan.verdict ?? ''} has ${verdict.length} entries for ${count} rewards`,
      );
    }
  }
  const id = idOf(record, where);
  const step = stepOf(record, where);
  const epoch = epochOf(record, where);
  const judged = judgedOf(record, where);
  const answer = answerOf(record);
  const { answered, tokens } = prompt;
  if (plan.verdict !== undefined && verdict !== undefined) plan.summary.verdicts.add(plan.verdict);
  const completion = count === undefined ? fieldOf(record, 'completion') : undefined;
  /** Written out, as spreads of a million rows take longer than reading them. */
  const rowOf = (
    of: Prompt,
    said: Pick<RolloutRow, 'reward' | 'verdict' | 'completion'>,
  ): RolloutRow => ({
    where,
    id,
    step,
    epoch,
    judged,
    answer,
    answered,
    tokens,
    prompt: of.prompt,
    messages: of.messages,
    reward: said.reward,
    verdict: said.verdict,
    completion: said.completion,
  });
  // A prompt without responses still counts as a prompt.
  if (count === 0) {
    return [rowOf(prompt.one, { reward: undefined, verdict: undefined, completion: undefined })];
  }
  const samples: RolloutRow[] = [];
  for (let i = 0; i < (count ?? 1); i++) {
    const at = count === undefined ? '' : `[${i}]`;
    const part = (value: unknown): unknown =>
      count !== undefined && Array.isArray(value) ? (value as unknown[])[i] : value;
    samples.push(
      rowOf(prompt.each?.[i] ?? prompt.one, {
        reward: weightedSum(terms, (name) =>
          rewardOf(
            part(values[terms.findIndex((term) => term.name === name)]),
            `${where}: ${name}${at}`,
          ),
        ),
        verdict: verdictOf(part(verdict), `${where}: ${plan.verdict ?? ''}${at}`),
        completion:
          typeof completion === 'string' || completion === undefined
            ? completion
            : jsonOf(completion, `${where}: completion`),
      }),
    );
  }
  return samples;
}

/**
 * Checks that the lists of a row are as long as its list of rewards.
 *
 * @throws FormatError
 */
function expectSamples(
  record: JsonRecord,
  values: readonly unknown[],
  count: number,
  where: string,
): void {
  const uneven = values.find((value) => Array.isArray(value) && value.length !== count);
  if (uneven !== undefined)
    throw new FormatError(`${where}: its lists of rewards differ in length`);
  const responses = listOf(record, responseFields);
  if (responses === undefined) return;
  const given = (fieldOf(record, responses) as unknown[]).length;
  if (given !== count) {
    throw new FormatError(`${where}: ${responses} has ${given} entries for ${count} rewards`);
  }
}

/**
 * Checks that a row with one reward has one response.
 *
 * @throws FormatError
 */
function expectOneResponse(record: JsonRecord, where: string): void {
  const name = listOf(record, responseFields);
  const responses = name === undefined ? [] : (fieldOf(record, name) as unknown[]);
  if (responses.length < 2 || !responses.every((one) => typeof one === 'string')) return;
  throw new FormatError(`${where}: ${name ?? ''} has ${responses.length} entries for 1 reward`);
}

/** A row's prompt, or a prompt for each of its samples. */
interface PromptPart {
  readonly one: Prompt;
  readonly each?: readonly Prompt[];
  readonly answered: boolean;
  readonly tokens: readonly number[] | undefined;
}

function promptPart(record: JsonRecord, format: RolloutFormat, where: string): PromptPart {
  const nested = nestedPrompt(record);
  const name = promptFields[format].find((field) => fieldOf(record, field) !== undefined);
  if (nested !== undefined && (name === undefined || name === 'content')) {
    const value = nestedPromptValue(nested);
    return {
      one: promptOf(value, `${where}: responses_create_params`),
      answered: false,
      tokens: undefined,
    };
  }
  if (name === undefined) {
    const expected =
      format === 'jsonl' || format === 'trl' ? 'prompt' : promptFields[format].join(' or ');
    throw new FormatError(`${where}: no field ${expected}`);
  }
  const place = `${where}: ${name}`;
  let value = fieldOf(record, name);
  if (name === 'prompt_tokens') {
    const tokens = tokensOf(value, place);
    return { one: { prompt: JSON.stringify(tokens) }, answered: false, tokens };
  }
  // NeMo RL logs a batch of one sample; its texts and messages contain the response too.
  const isLog = name === 'content';
  if (isLog && Array.isArray(value) && value.length === 1 && !isRecord(value[0])) {
    value = (value as unknown[])[0];
  }
  const answered = isLog || /^(messages|conversations?)$/.test(name);
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) {
    const each = value.map((one, i) => promptOf(one, `${place}[${i}]`));
    const [one] = each;
    if (one && each.length === 1) return { one, answered: isLog, tokens: undefined };
    if (one && countOfRewards(record, format) === each.length) {
      return { one, each, answered: isLog, tokens: undefined };
    }
    throw new FormatError(`${place} has ${each.length} texts; a prompt is one text, or messages`);
  }
  return {
    one: withMessages(record, name, promptOf(value, place, answered)),
    answered: isLog && typeof value === 'string',
    tokens: undefined,
  };
}

const countOfRewards = (record: JsonRecord, format: RolloutFormat): number | undefined => {
  const list = rewardFields[format].map((name) => fieldOf(record, name)).find(Array.isArray);
  return list?.length;
};

/** The conversation that ends in the prompt's text, if the row has one; else the prompt itself. */
export function withMessages(record: JsonRecord, used: string, prompt: Prompt): Prompt {
  if (prompt.messages) return prompt;
  for (const name of ['messages', 'context_messages']) {
    const value = fieldOf(record, name);
    if (name === used || !Array.isArray(value)) continue;
    try {
      const whole = promptOf(value, name, true);
      if (identityOf({ prompt: whole.prompt }) === identityOf({ prompt: prompt.prompt }))
        return whole;
    } catch (error) {
      // The field was not requested, so other contents are no error.
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return prompt;
}

/** NeMo Gym's request to the model, if a row has one; NeMo RL puts it into `full_result`. */
function nestedPrompt(record: JsonRecord): JsonRecord | undefined {
  const own = fieldOf(record, 'responses_create_params');
  if (isRecord(own)) return own;
  const results = fieldOf(record, 'full_result');
  const result: unknown = Array.isArray(results) && results.length === 1 ? results[0] : results;
  const asked = isRecord(result) ? fieldOf(result, 'responses_create_params') : undefined;
  return isRecord(asked) ? asked : undefined;
}

const nestedPromptValue = (asked: JsonRecord): unknown => fieldOf(asked, 'input');

function tokensOf(value: unknown, where: string): number[] {
  if (!Array.isArray(value)) throw new FormatError(`${where} must be a list, is ${kindOf(value)}`);
  return (value as unknown[]).map((id, i) => countOf(id, `${where}[${i}]`));
}

/** Reads rows that hold whole learning curves. @throws FormatError naming file and row. */
export async function* readCurves(
  source: ByteSource,
  options: Pick<ReadOptions, 'onCut'> = {},
): AsyncGenerator<CurveRow> {
  for await (const { where, record } of recordsOf(source, options)) {
    const curve = fieldOf(record, 'rewards');
    if (!Array.isArray(curve)) throw new FormatError(`${where}: rewards must be an array`);
    const prompt = promptOf(fieldOf(record, 'prompt'), `${where}: prompt`);
    yield {
      where,
      ...withMessages(record, 'prompt', prompt),
      id: idOf(record, where),
      answer: answerOf(record),
      curve: (curve as unknown[]).map(
        (value, k) => rewardOf(value, `${where}: rewards[${k}]`) ?? null,
      ),
    };
  }
}

/** Whether a value is missing: null, or NaN in a table's column of numbers. */
const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || Number.isNaN(value);

/** The identifier of a row; undefined if the row has none. */
export function idOf(record: JsonRecord, where: string): string | undefined {
  for (const name of ['id', 'limr_id']) {
    const value = fieldOf(record, name);
    if (isNothing(value)) continue;
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    return textOf(value, `${where}: ${name}`);
  }
  return undefined;
}

function stepOf(record: JsonRecord, where: string): number | undefined {
  for (const name of ['step', 'global_step', 'training_step']) {
    const value = fieldOf(record, name);
    if (isNothing(value)) continue;
    // Wandb's tables hold the step as text.
    const isDigits = typeof value === 'string' && /^\d{1,15}$/.test(value);
    return countOf(isDigits ? Number(value) : value, `${where}: ${name}`);
  }
  return undefined;
}

function epochOf(record: JsonRecord, where: string): number | undefined {
  const value = fieldOf(record, 'epoch');
  if (isNothing(value)) return undefined;
  const epoch = finiteOf(value, `${where}: epoch`);
  if (epoch < 0 || epoch > 2 ** 31) {
    throw new FormatError(`${where}: epoch must be at least 0, is ${kindOf(value)}`);
  }
  return epoch;
}

/** What `limr_reward.py` writes beside a sample of an engine that tells it no step. */
function judgedOf(record: JsonRecord, where: string): RolloutRow['judged'] {
  const [time, samples] = [fieldOf(record, 'time'), fieldOf(record, 'samples')];
  if (typeof time !== 'number' || typeof samples !== 'number') return undefined;
  if (!Number.isFinite(time) || samples < 1) return undefined;
  return { time, samples: countOf(samples, `${where}: samples`) };
}
