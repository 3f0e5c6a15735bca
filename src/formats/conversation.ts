import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, jsonOf, type JsonRecord, kindOf, textOf } from './json.ts';
import type { ChatMessage } from './tokenizer.ts';

/** A prompt as it is compared and as it is kept. */
export interface Prompt {
  /** The prompt itself; of a conversation, its last user turn. */
  readonly prompt: string;
  /** The conversation whole, as the file has it; undefined where there is but the one user turn. */
  readonly messages?: readonly JsonRecord[] | undefined;
}

/** One turn as far as conversations are told apart by it. */
interface Turn {
  readonly role: string;
  readonly text: string;
}

/** Texts that differ in Unicode's composition or in blanks at their ends are one. */
export const comparable = (text: string): string => text.normalize('NFC').trim();

/**
 * What tells a prompt from every other: its text, and of a conversation the whole of it. A lone user
 * turn is the same as its text.
 */
export function identityOf({ prompt, messages }: Prompt): string {
  if (!messages) return comparable(prompt);
  const turns = messages.map(turnIdentity);
  const [first] = turns;
  if (turns.length === 1 && first?.[0] === 'user' && first.length === 2) return first[1];
  // No text begins so: blanks are taken off.
  return ` ${jsonOf(turns, 'message')}`;
}

/** Role and text of a turn, and whatever else it has: names, calls of tools, pictures. */
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
 * A prompt out of a file: a text, or a list of chat messages.
 *
 * @param answered Whether turns behind the last user's are the response, as in a row `messages`.
 * @throws FormatError when it is neither, or no turn is a user's.
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

/** A prompt as chat templates read it: every turn by its role and content, further fields kept. */
export const chatOf = ({ prompt, messages }: Prompt): readonly ChatMessage[] =>
  messages?.map((message) => {
    const { role } = turnOf(message, 'message');
    return { ...message, role, content: contentOf(message) ?? null };
  }) ?? [{ role: 'user', content: prompt }];

/**
 * The text of a prompt where there is no chat template to put a conversation into.
 *
 * @param help What the message ends with.
 * @throws FormatError of a conversation of several turns, which its last one alone is not.
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

/** A turn's text; of a list of parts, that of those which have one. A call of a tool may have none. */
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
