import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, type JsonRecord } from './json.ts';

/**
 * Fields that may hold a row's answer key; the first field that a row has counts. The list holds
 * our own name, OpenRLHF's label, the names of data sets, and `gts`, which verl writes into its
 * rollouts.
 */
export const answerFields: readonly string[] = [
  ...['answer', 'label', 'key', 'ground_truth', 'solution', 'gold', 'gts', 'target'],
  ...['gold_answer', 'final_answer', 'expected_answer', 'reference_answer'],
];

/** The answer key of a row: a field of its own, or verl's `reward_model.ground_truth`. */
export function answerOf(record: JsonRecord): unknown {
  const name = answerFields.find((field) => (fieldOf(record, field) ?? null) !== null);
  if (name !== undefined) return record[name];
  const model = fieldOf(record, 'reward_model');
  return isRecord(model) ? (fieldOf(model, 'ground_truth') ?? undefined) : undefined;
}

/** As `answerOf`, for a text or a number; undefined for anything else. */
export function textAnswerOf(record: JsonRecord): string | undefined {
  const answer = answerOf(record);
  if (typeof answer === 'string') return answer;
  return typeof answer === 'number' || typeof answer === 'bigint' ? String(answer) : undefined;
}

/** @throws FormatError if a row has no answer that a rule can judge by. */
export function expectAnswer(record: JsonRecord, where: string): void {
  if (textAnswerOf(record) === undefined) {
    throw new FormatError(`${where}: no text in ${answerFields.join(' or ')}`);
  }
}
