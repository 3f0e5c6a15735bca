import { plainText, type Prompt, templateMessages } from '../formats/conversation.ts';
import type { TokenizerClient } from '../formats/tokenizer-client.ts';
import { UsageError } from './arguments.ts';

/** The options `--chat` and `--system`. */
export const chatArgs = {
  chat: { type: 'boolean', description: "put prompts into the model's chat template" },
  system: {
    type: 'string',
    valueHint: 'text',
    description: 'with --chat: a system message before prompts that have none of their own',
  },
} as const;

/**
 * Token ids of prompts, in their order.
 *
 * @param chat.chat Puts each prompt into the model's chat template, up to the assistant's turn. A
 *   text becomes the user's turn; a conversation keeps all its turns.
 * @param where The name of a prompt in errors, by its index.
 * @throws FormatError when the tokenizer or its template fails or takes too long, or when a
 *   conversation of several turns would have to be plain text.
 */
export async function promptIds(
  tokenizer: TokenizerClient,
  prompts: readonly Prompt[],
  chat: { readonly chat?: boolean | undefined; readonly system?: string | undefined },
  where: (index: number) => string = () => '--prompt',
): Promise<number[][]> {
  if (!chat.chat) {
    if (chat.system !== undefined) throw new UsageError('--system needs --chat');
    const help = "--chat puts them into the model's template";
    const texts = prompts.map((prompt, i) => plainText(prompt, where(i), help));
    return tokenizer.encode(texts, {}, where);
  }
  const chats = prompts.map((prompt) => templateMessages(prompt, chat.system));
  const texts = await tokenizer.renderChats(chats, { addGenerationPrompt: true }, where);
  return tokenizer.encode(texts, { addSpecialTokens: false }, where);
}
