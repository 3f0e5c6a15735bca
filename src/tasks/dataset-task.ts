import { ConfigError } from '../config-error.ts';
import { expectAnswer, textAnswerOf } from '../formats/answer-fields.ts';
import { readText } from '../formats/byte-source.ts';
import { identityOf, plainText, templateDate, templateMessages } from '../formats/conversation.ts';
import { FormatError } from '../formats/format-error.ts';
import { fieldOf, jsonOf, type JsonRecord, shorten } from '../formats/json.ts';
import { baseName } from '../formats/paths.ts';
import { readLearningRows } from '../formats/learning-rows.ts';
import { type PromptRow, readPrompts } from '../formats/prompts.ts';
import { TokenizerClient, type TokenizerTexts } from '../formats/tokenizer-client.ts';
import { counted } from '../look/wording.ts';
import {
  type DatasetConfig,
  type DatasetTier,
  isModule,
  isTemplateFile,
  samplingOf,
  samplingText,
  tierNames,
  verifierOf,
} from './dataset-config.ts';
import type {
  LeftOutRow,
  PoolPrompt,
  Task,
  TaskModel,
  TaskResources,
  Tier,
  TypedPrompt,
} from './task.ts';
import type { Text } from './text.ts';

/** Largest chat template, in bytes. */
const LARGEST_TEMPLATE = 1 << 20;
/** Most rows of one file. */
const MOST_ROWS = 1_000_000;
/** Most stop ids that a decoder holds. */
const MOST_STOP_IDS = 16;
/** Longest text of a column in reports. */
const LONGEST_COLUMN = 80;

/** Fields of a row that reports show beside its prompt. */
const columnFields = [
  ...['source', 'data_source', 'dataset', 'level', 'difficulty', 'type', 'subject'],
  ...['category', 'topic', 'domain'],
];

/**
 * Opens a dataset: reads its files, puts prompts into the chat template and encodes them.
 *
 * A prompt's rows are read as follows. A text is the user's turn; a list of messages stays as it
 * is. Rows with the same conversation and the same answer are one prompt, the first; the same
 * conversation with two answers is refused. Prompts that are too long are left out, and told.
 *
 * @throws ConfigError for a setting that does not fit the model or the files.
 * @throws FormatError naming file and row.
 */
export async function openDataset(config: DatasetConfig, resources: TaskResources): Promise<Task> {
  const model = expectModel(config, resources);
  const { client, templated, dated } = await openTokenizer(config, resources, model);
  try {
    const stopIds = stopIdsOf(model, client);
    const reader = new DatasetReader(config, resources, { model, client, templated });
    const pool = await reader.pool();
    const tiers = await reader.tiers(pool);
    const notes = [
      ...reader.notes,
      ...(stopIds.length === 0 && (config.stopStrings ?? []).length === 0
        ? [
            `${model.where} names no token that ends a response, and there are no stop strings: every ` +
              `response is cut at ${config.maxResponseTokens} tokens`,
          ]
        : []),
      ...(dated ? ['the chat template asks for the date: prompts say 26 Jul 2024'] : []),
    ];
    return {
      name: 'dataset',
      vocabularySize: model.vocabularySize,
      stopIds,
      ...(config.stopStrings ? { stopStrings: config.stopStrings } : {}),
      maxPromptTokens: config.maxPromptTokens,
      maxResponseTokens: config.maxResponseTokens,
      poolPrompts: pool.length,
      lastBatch: config.lastBatch ?? 'drop',
      text: datasetText(client, model, { stopIds, templated }),
      pool: () => pool,
      tiers: () => tiers,
      typed: (text) => reader.typed(text),
      learned: (source, longest) =>
        readLearningRows(
          source,
          client,
          { endTokens: stopIds, longest, vocabSize: model.vocabularySize },
          { ...(templated ? { turns: true } : {}), system: templated ? config.system : undefined },
        ),
      corpus: undefined,
      describeInjected: () => [],
      notes,
      leftOut: reader.leftOut,
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** @throws ConfigError if the task has no model, or the lengths exceed the model's. */
function expectModel(config: DatasetConfig, { model }: TaskResources): TaskModel {
  if (!model) {
    throw new ConfigError(
      'task: a dataset needs a model with a tokenizer: model must be {"kind": "folder", "path": …}',
    );
  }
  const { maxPromptTokens, maxResponseTokens } = config;
  const positions = maxPromptTokens + maxResponseTokens;
  if (positions > model.maxPositions) {
    throw new ConfigError(
      `task.maxResponseTokens: ${maxPromptTokens} tokens of a prompt and ${maxResponseTokens} of a response ` +
        `are ${positions}, ${model.where} reads ${model.maxPositions}`,
    );
  }
  return model;
}

interface OpenedTokenizer {
  readonly client: TokenizerClient;
  /** Whether prompts go into a chat template. */
  readonly templated: boolean;
  /** Whether that template asks for the date. */
  readonly dated: boolean;
}

async function openTokenizer(
  config: DatasetConfig,
  { files }: TaskResources,
  model: TaskModel,
): Promise<OpenedTokenizer> {
  const { template = 'auto', system } = config;
  const own = await model.tokenizerTexts();
  if (!own) throw new ConfigError(`task: ${model.where} has no tokenizer.json`);
  let texts: TokenizerTexts = own;
  if (isTemplateFile(template)) {
    const source = await files.open(template);
    if (!source) throw new ConfigError(`task.template: ${template}: no such file`);
    texts = { ...own, chatTemplate: await readText(source, LARGEST_TEMPLATE) };
  }
  const client = await TokenizerClient.open(texts);
  const templated = template !== 'none' && client.facts.hasChatTemplate;
  if (system !== undefined && !templated) {
    await client.close();
    const why = template === 'none' ? 'template is none' : `${model.where} has no chat template`;
    throw new ConfigError(`task.system: there is no chat template to put it into: ${why}`);
  }
  const clock = 'strftime_now';
  const dated =
    templated &&
    (texts.chatTemplate?.includes(clock) ?? texts.config?.text.includes(clock) ?? false);
  return { client, templated, dated };
}

/** The model's end tokens and the tokenizer's. @throws ConfigError if there are too many. */
function stopIdsOf(model: TaskModel, { facts }: TokenizerClient): number[] {
  const own = facts.endTokenId === undefined ? [] : [facts.endTokenId];
  const ids = [...new Set([...model.stopIds, ...own])].filter((id) => id < model.vocabularySize);
  if (ids.length <= MOST_STOP_IDS) return ids;
  throw new ConfigError(
    `task: ${model.where} has ${ids.length} end tokens, more than ${MOST_STOP_IDS}`,
  );
}

/**
 * The text of a model with a tokenizer in its worker. A response is decoded without the end token
 * that it ends with, and without other special tokens.
 */
function datasetText(
  client: TokenizerClient,
  { vocabularySize }: TaskModel,
  { stopIds, templated }: { readonly stopIds: readonly number[]; readonly templated: boolean },
): Text {
  return {
    vocabularySize,
    alphabet: undefined,
    async encode(texts) {
      // A template writes the first token itself, if the model wants one.
      const rows = await client.encode(texts, { addSpecialTokens: !templated });
      return rows.map((ids) => Uint32Array.from(ids));
    },
    decode: (rows) =>
      client.decode(
        rows.map((row) => {
          const ids = Array.from(row);
          const last = ids.at(-1);
          return last !== undefined && stopIds.includes(last) ? ids.slice(0, -1) : ids;
        }),
        { skipSpecialTokens: true, unknown: 'replace' },
      ),
    close: () => client.close(),
  };
}

/** A prompt of a file before it is known whether it stays. */
interface EncodedRow {
  readonly row: PromptRow;
  readonly given: string;
  readonly tokens: Uint32Array;
}

/** Reads the files of a dataset, and keeps account of rows that are left out. */
class DatasetReader {
  readonly leftOut: LeftOutRow[] = [];
  readonly notes: string[] = [];
  readonly #config: DatasetConfig;
  readonly #resources: TaskResources;
  readonly #model: TaskModel;
  readonly #client: TokenizerClient;
  readonly #templated: boolean;

  constructor(
    config: DatasetConfig,
    resources: TaskResources,
    opened: {
      readonly model: TaskModel;
      readonly client: TokenizerClient;
      readonly templated: boolean;
    },
  ) {
    this.#config = config;
    this.#resources = resources;
    this.#model = opened.model;
    this.#client = opened.client;
    this.#templated = opened.templated;
  }

  /** The prompts of the pool, in the order of their rows. */
  async pool(): Promise<PoolPrompt[]> {
    const { prompts } = this.#config;
    if (prompts === undefined) {
      throw new ConfigError('task.prompts: a file of prompts must be given');
    }
    const rows = distinct(await this.#read(prompts, 'prompts'), (row, reason) => {
      this.leftOut.push(leftOutOf(row, reason));
    });
    const kept = await this.#fitting(rows, (lengths) => {
      this.notes.push(`${baseName(prompts)}: ${lengthsText(lengths)}`);
    });
    if (kept.length === 0) {
      throw new ConfigError(
        `task.prompts: no prompt of ${prompts} is left: all ${rows.length} have more than ` +
          `${this.#config.maxPromptTokens} tokens (task.maxPromptTokens)`,
      );
    }
    this.#note(prompts);
    return kept.map((one) => promptOf(one, verifierOf(this.#config)));
  }

  /** A typed text as the only turn of a conversation. */
  async typed(text: string): Promise<TypedPrompt> {
    const where = 'the prompt';
    const row = { where, id: undefined, prompt: text, answer: undefined, record: {} };
    const [given = text] = await this.#given([row], () => where);
    return { text, given, row: { prompt: text, answer: null } };
  }

  /** The held-out tiers, in the order of the config. */
  async tiers(pool: readonly PoolPrompt[]): Promise<Tier[]> {
    const names = tierNames(this.#config);
    const seen = new Set(pool.map(({ row, text }) => identity(row?.prompt, text)));
    const tiers: Tier[] = [];
    for (const [i, tier] of (this.#config.tiers ?? []).entries()) {
      const before = this.leftOut.length;
      const rows = await this.#read(tier.file, `tiers[${i}].file`);
      const kept = await this.#fitting(rows);
      if (kept.length === 0) {
        throw new ConfigError(
          `task.tiers[${i}]: no prompt of ${tier.file} is left: all ${rows.length} have more than ` +
            `${this.#config.maxPromptTokens} tokens (task.maxPromptTokens)`,
        );
      }
      this.#note(tier.file, before);
      const known = kept.filter(({ row }) => seen.has(identityOf(row))).length;
      if (known > 0) {
        this.notes.push(
          `${counted(known, 'prompt')} of the held-out ${tier.file} ${known === 1 ? 'is' : 'are'} in the pool too`,
        );
      }
      tiers.push(this.#tier(tier, names[i] ?? tier.file, kept));
    }
    return tiers;
  }

  #tier(tier: DatasetTier, name: string, kept: readonly EncodedRow[]): Tier {
    const sampling = samplingOf(tier);
    const verifier = verifierOf(this.#config, tier);
    return {
      name,
      description: `${tier.file}: ${samplingText(sampling)}`,
      prompts: kept.map((one) => promptOf(one, verifier)),
      sampling,
    };
  }

  async #read(path: string, field: string): Promise<readonly PromptRow[]> {
    const source = await this.#resources.files.open(path);
    if (!source) throw new ConfigError(`task.${field}: ${path}: no such file`);
    const { rows } = await readPrompts(source);
    if (rows.length === 0) throw new FormatError(`${path}: no rows`);
    if (rows.length > MOST_ROWS) {
      throw new FormatError(`${path}: ${rows.length} rows, more than the ${MOST_ROWS} allowed`);
    }
    return rows;
  }

  /**
   * Encodes prompts, and leaves out those that are too long.
   *
   * @param tell Receives the numbers of tokens, also of those that are left out.
   */
  async #fitting(
    rows: readonly PromptRow[],
    tell?: (lengths: readonly number[]) => void,
  ): Promise<EncodedRow[]> {
    const where = (i: number): string => rows[i]?.where ?? '';
    const givens = await this.#given(rows, where);
    const encoded = await this.#client.encode(
      givens,
      { addSpecialTokens: !this.#templated },
      where,
    );
    tell?.(encoded.map(({ length }) => length));
    const { maxPromptTokens } = this.#config;
    return rows.flatMap((row, i) => {
      const tokens = Uint32Array.from(encoded[i] ?? []);
      const stranger = tokens.find((id) => id >= this.#model.vocabularySize);
      if (stranger !== undefined) {
        throw new FormatError(
          `${row.where}: the tokenizer gives the id ${stranger}, the model's ids are below ${this.#model.vocabularySize}`,
        );
      }
      if (tokens.length === 0) throw new FormatError(`${row.where}: the prompt has no token`);
      if (tokens.length <= maxPromptTokens) return [{ row, given: givens[i] ?? '', tokens }];
      const reason = `${tokens.length} tokens, more than ${maxPromptTokens}`;
      this.leftOut.push(leftOutOf(row, reason));
      return [];
    });
  }

  /** The texts that the model receives. */
  #given(rows: readonly PromptRow[], where: (i: number) => string): Promise<string[]> {
    if (!this.#templated) {
      const help = 'there is no chat template to put them into; see task.template';
      return Promise.resolve(rows.map((row) => plainText(row, row.where, help)));
    }
    const { system } = this.#config;
    const chats = rows.map((row) => templateMessages(row, system));
    return this.#client.renderChats(chats, { addGenerationPrompt: true, now: templateDate }, where);
  }

  /** A sentence about the rows of a file that were left out. */
  #note(path: string, from = 0): void {
    const rows = this.leftOut.slice(from);
    const same = rows.filter(({ reason }) => reason.startsWith(sameAs)).length;
    const long = rows.length - same;
    const parts = [
      ...(long > 0
        ? [`${counted(long, 'prompt')} with more than ${this.#config.maxPromptTokens} tokens`]
        : []),
      ...(same > 0 ? [counted(same, 'repeated row')] : []),
    ];
    if (parts.length > 0) this.notes.push(`${baseName(path)}: left out ${parts.join(' and ')}`);
  }
}

/** The lengths of prompts by nearest rank: a reader sees what a longest prompt would leave out. */
function lengthsText(lengths: readonly number[]): string {
  const sorted = [...lengths].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return (
    `${counted(lengths.length, 'prompt')} of ${rank(0.5)} tokens in the median; 90 % have at most ${rank(0.9)}, ` +
    `99 % at most ${rank(0.99)}, the longest ${rank(1)}`
  );
}

const sameAs = 'the same prompt and answer as ';

/**
 * Merges rows with the same conversation and answer into the first of them.
 *
 * @throws FormatError naming both rows if the answers differ.
 */
function distinct(
  rows: readonly PromptRow[],
  leave: (row: PromptRow, reason: string) => void,
): PromptRow[] {
  const first = new Map<string, PromptRow>();
  return rows.filter((row) => {
    const key = identityOf(row);
    const known = first.get(key);
    if (!known) {
      first.set(key, row);
      return true;
    }
    if (answerText(row) !== answerText(known)) {
      throw new FormatError(
        `${row.where}: has the prompt of ${known.where} and another answer ` +
          `('${shorten(answerText(row))}', there '${shorten(answerText(known))}')`,
      );
    }
    leave(row, `${sameAs}${known.where}`);
    return false;
  });
}

/** A row's answer as text, to compare it and to show it; empty if there is none. */
const answerText = ({ record, answer, where }: PromptRow): string =>
  textAnswerOf(record) ?? (answer === undefined || answer === null ? '' : jsonOf(answer, where));

const identity = (prompt: unknown, text: string): string =>
  identityOf({
    prompt: text,
    ...(Array.isArray(prompt) ? { messages: prompt as readonly JsonRecord[] } : {}),
  });

/** @throws FormatError if a rule has no answer to judge by. */
function promptOf({ row, given, tokens }: EncodedRow, verifier: string): PoolPrompt {
  const { where, prompt, messages, id, answer, record } = row;
  if (!isModule(verifier)) expectAnswer(record, where);
  const columns = columnsOf(record);
  return {
    text: prompt,
    ...(given === prompt ? {} : { given }),
    tokens,
    key: answerText(row),
    row: { prompt: messages ?? prompt, answer: answer ?? null },
    ...(id === undefined ? {} : { id }),
    ...(Object.keys(columns).length > 0 ? { columns } : {}),
  };
}

function columnsOf(record: JsonRecord): Record<string, string> {
  const found = columnFields.flatMap((name): [string, string][] => {
    const value = fieldOf(record, name);
    if (typeof value === 'number' || typeof value === 'boolean') return [[name, String(value)]];
    return typeof value === 'string' && value !== ''
      ? [[name, value.length > LONGEST_COLUMN ? shorten(value) : value]]
      : [];
  });
  return Object.fromEntries(found);
}

const leftOutOf = ({ where, id, prompt }: PromptRow, reason: string): LeftOutRow => ({
  where,
  ...(id === undefined ? {} : { id }),
  prompt: shorten(prompt),
  reason,
});
