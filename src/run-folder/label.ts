import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { jsonText, parseJson } from '../formats/json.ts';

/** What a user calls a run and notes of it. The texts are hostile: a run's files may come from anywhere. */
export interface RunLabel {
  /** Empty for none. */
  readonly title: string;
  readonly note: string;
}

export const noLabel: RunLabel = { title: '', note: '' };

/** Most characters of a label's texts. */
export const MOST_TITLE = 120;
export const MOST_NOTE = 2000;

const text = (most: number) => v.optional(v.pipe(v.string(), v.maxLength(most)), '');
const labelSchema = v.object({ title: text(MOST_TITLE), note: text(MOST_NOTE) });

/**
 * Parses a run's `label.json`. Fields that it does not know are left out.
 *
 * @param where The file, for messages.
 * @throws FormatError naming file and field: a text that is none, or is too long.
 */
export function parseLabel(content: string, where: string): RunLabel {
  const parsed = v.safeParse(labelSchema, parseJson(content, where), { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new FormatError(`${where}: ${issueText(parsed.issues[0])}`);
}

/** The text of `label.json`; undefined for a run without name and note. */
export const labelText = ({ title, note }: RunLabel): string | undefined =>
  title === '' && note === '' ? undefined : jsonText({ title, note });
