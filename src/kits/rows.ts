import { answerFields, textAnswerOf } from '../formats/answer-fields.ts';
import { templateMessages } from '../formats/conversation.ts';
import { FormatError } from '../formats/format-error.ts';
import { type JsonRecord, kindOf } from '../formats/json.ts';
import type { PromptRow } from '../formats/prompts.ts';
import type { KitEngine } from './engines.ts';

/** A prompt of a kit, in the terms of every engine. */
export interface KitRow {
  readonly id: string | undefined;
  readonly messages: readonly KitMessage[];
  readonly answer: string;
}

/** A turn of a conversation. */
export interface KitMessage {
  readonly role: string;
  readonly content: string;
}

/** The source of data that selects our reward function in verl. */
export const dataSource = 'limr';

/**
 * The prompts of a kit. Conversations keep their turns; a text becomes one turn of the user.
 *
 * @param system The text of a system message before prompts that have none of their own.
 * @throws FormatError naming the first row without an answer, or with content that is no text.
 */
export function kitRows(rows: readonly PromptRow[], system: string | undefined): KitRow[] {
  return rows.map((row) => {
    const answer = textAnswerOf(row.record);
    if (answer === undefined) {
      throw new FormatError(
        `${row.where}: a kit needs an answer (${answerFields.join(' or ')}); ` +
          'name a prompt file that has them: --prompts pool.jsonl',
      );
    }
    const messages = templateMessages(row, system).map(({ role, content }, i): KitMessage => {
      if (typeof content === 'string') return { role, content };
      throw new FormatError(
        `${row.where}: message ${i + 1} must be a text in a kit, is ${kindOf(content)}`,
      );
    });
    return { id: row.id, messages, answer };
  });
}

/** A row of verl's schema. Each row has every field, for readers that take types from the first. */
export interface VerlRow {
  readonly data_source: string;
  readonly prompt: readonly KitMessage[];
  readonly ability: string;
  readonly reward_model: { readonly style: string; readonly ground_truth: string };
  readonly extra_info: {
    readonly split: string;
    readonly index: number;
    readonly limr_id: string | null;
  };
}

export const verlRow = ({ id, messages, answer }: KitRow, index: number): VerlRow => ({
  data_source: dataSource,
  prompt: messages,
  ability: 'math',
  reward_model: { style: 'rule', ground_truth: answer },
  extra_info: { split: 'train', index, limr_id: id ?? null },
});

/** The rows of an engine's JSON. */
export const engineRow: Readonly<Record<KitEngine, (row: KitRow, index: number) => JsonRecord>> = {
  openrlhf: ({ id, messages, answer }) => ({ id: id ?? null, input: messages, label: answer }),
  trl: ({ id, messages, answer }) => ({
    limr_id: id ?? null,
    prompt: messages,
    answer,
    solution: answer,
  }),
  verl: (row, index) => ({ ...verlRow(row, index) }),
};
