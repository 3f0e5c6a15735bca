import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, kindOf, textOf } from './json.ts';
import type { ChatMessage } from './tokenizer.ts';

/**
 * The whole conversation of a prompt, all turns and their further fields; undefined of a plain text.
 *
 * @param options.withoutAnswer Leaves assistant turns at the end out: they are what is asked for.
 * @throws FormatError naming the message without a role or a content.
 */
export function chatOf(
  value: unknown,
  where: string,
  options: { readonly withoutAnswer?: boolean } = {},
): readonly ChatMessage[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const found = (value as unknown[]).map((message, i): ChatMessage => {
    const at = `${where}[${i}]`;
    if (!isRecord(message)) throw new FormatError(`${at} must be a message, is ${kindOf(message)}`);
    const role = textOf(fieldOf(message, 'role'), `${at}: role`);
    const content = fieldOf(message, 'content') ?? null;
    if (typeof content === 'string') textOf(content, `${at}: content`);
    else if (content !== null && !Array.isArray(content)) {
      throw new FormatError(`${at}: content must be text or a list, is ${kindOf(content)}`);
    }
    return { ...message, role, content };
  });
  while (options.withoutAnswer && found.at(-1)?.role === 'assistant') found.pop();
  return found;
}
