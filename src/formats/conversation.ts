import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, jsonOf, type JsonRecord, kindOf, textOf } from './json.ts';
import type { ChatMessage } from './tokenizer.ts';

/** A prompt, as a text to compare and as a conversation to keep. */
export interface Prompt {
  /** The prompt's text; for a conversation, the text of its last user turn. */
  readonly prompt: string;
  /** The whole conversation, as the file has it; undefined for a single plain user turn. */
  readonly messages?: readonly JsonRecord[] | undefined;
}

/** The parts of a turn that tell conversations apart. */
interface Turn {
  readonly role: string;
  readonly text: string;
}

/**
 * The form in which texts are compared: Unicode's composition and blanks at the ends do not count.
 */
export const comparable = (text: string): string => text.normalize('NFC').trim();

/**
 * A text that identifies a prompt: its own text, or for a conversation all of its turns. A single
 * plain user turn has the identity of its text.
 */
export function identityOf({ prompt, messages }: Prompt): string {
  if (!messages) return comparable(prompt);
  const turns = messages.map(turnIdentity);
  const [first] = turns;
  if (turns.length === 1 && first?.[0] === 'user' && first.length === 2) return first[1];
  // The leading blank keeps identities apart: a comparable text never begins with one.
  return ` ${jsonOf(turns, 'message')}`;
}

/** Role and text of a turn, then its other contents: names, tool calls, pictures. */
function turnIdentity(message: JsonRecord): [string, string, ...unknown[]] {
  const { role, text } = turnOf(message, 'message');
  const content = contentOf(message);
  const others = Array.isArray(content)
    ? (content as unknown[]).filter((part) => !isRecord(part) || !Object.hasOwn(part, 'text'))
    : [];
  const rest = Object.keys(message)
    .filter((name) => !turnFields.has(name) && (message[name] ?? null) !== null)
    .sort()
    .map((name) => [name, message[name]]);
  return [role, comparable(text), ...others.filter((part) => typeof part !== 'string'), ...rest];
}

const turnFields = new Set(['role', 'from', 'content', 'value']);

/** The turns of a conversation before its last user turn, by role. */
export function historyOf({ messages = [] }: Prompt): readonly Turn[] {
  const turns = messages.map((message) => turnOf(message, 'message'));
  const last = turns.findLastIndex(({ role }) => role === 'user');
  return turns.slice(0, last).map(({ role, text }) => ({ role, text: comparable(text) }));
}

/**
 * Reads a prompt from a file's value: a text, or a list of chat messages.
 *
 * @param answered Whether the turns after the last user turn are the response, as in a row
 *   `messages`.
 * @throws FormatError when the value is neither, or no turn is the user's.
 */
export function promptOf(value: unknown, where: string, answered = false): Prompt {
  if (!Array.isArray(value)) return { prompt: textOf(value, where) };
  const messages: JsonRecord[] = [];
  for (const [i, message] of (value as unknown[]).entries()) {
    if (!isRecord(message)) {
      throw new FormatError(`${where}: message ${i + 1} must be an object, is ${kindOf(message)}`);
    }
    messages.push(message);
  }
  const turns = messages.map((message, i) => {
    const place = `${where}: message ${i + 1}`;
    jsonOf(message, place);
    return turnOf(message, place);
  });
  const last = turns.findLastIndex(({ role }) => role === 'user');
  const prompt = turns[last]?.text;
  if (prompt === undefined) throw new FormatError(`${where} has no user message`);
  const kept = answered ? messages.slice(0, last + 1) : messages;
  const alone = kept.length === 1 && Object.keys(kept[0] ?? {}).every((key) => turnFields.has(key));
  return alone && typeof contentOf(kept[0] ?? {}) === 'string'
    ? { prompt }
    : { prompt, messages: kept };
}

/**
 * A prompt in the form that chat templates read: each turn with role and content; other fields
 * kept.
 *
 * @param system The text of a system message before a prompt that has none of its own.
 */
export function templateMessages(
  { prompt, messages }: Prompt,
  system?: string,
): readonly ChatMessage[] {
  const turns = messages?.map((message) => {
    const { role } = turnOf(message, 'message');
    return { ...message, role, content: contentOf(message) ?? null };
  }) ?? [{ role: 'user', content: prompt }];
  const hasOwn = system === undefined || turns[0]?.role === 'system';
  return hasOwn ? turns : [{ role: 'system', content: system }, ...turns];
}

/**
 * The date that chat templates are told in training. A date of today would change the prompts of a
 * training that is repeated or resumed tomorrow. It is the date that Llama 3's template takes where
 * it has no clock.
 */
export const templateDate = new Date('2024-07-26T00:00:00Z');

/**
 * The text of a prompt, for a model without a chat template.
 *
 * @param help The end of the error message.
 * @throws FormatError for a conversation of several turns: its last turn alone is not the prompt.
 */
export function plainText({ prompt, messages = [] }: Prompt, where: string, help: string): string {
  if (messages.length <= 1) return prompt;
  throw new FormatError(`${where}: ${messages.length} messages are no plain text: ${help}`);
}

const contentOf = (message: JsonRecord): unknown =>
  fieldOf(message, 'content') ?? fieldOf(message, 'value');

function turnOf(message: JsonRecord, where: string): Turn {
  const named = fieldOf(message, 'role') ?? fieldOf(message, 'from');
  const role = textOf(named, `${where}: role`);
  const text = turnText(contentOf(message), `${where}: content`);
  return { role: role === 'human' ? 'user' : role === 'gpt' ? 'assistant' : role, text };
}

/**
 * A turn's text; for a list of parts, the joined texts of its text parts. A tool call may have
 * none.
 */
function turnText(content: unknown, where: string): string {
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) return textOf(content, where);
  const texts = (content as unknown[]).flatMap((part) => {
    if (typeof part === 'string') return textOf(part, where);
    const text = isRecord(part) ? fieldOf(part, 'text') : undefined;
    return typeof text === 'string' ? textOf(text, where) : [];
  });
  return texts.join('');
}
