import type { TokenizerClient } from '../formats/tokenizer-client.ts';

/**
 * Token ids of prompts, in their order.
 *
 * @param chat Each as the user's turn in the model's chat template, up to the assistant's.
 * @param where What errors call a prompt, by its index.
 * @throws FormatError when the tokenizer or its template fails, or takes too long.
 */
export async function promptIds(
  tokenizer: TokenizerClient,
  prompts: readonly string[],
  chat: boolean | undefined,
  where?: (index: number) => string,
): Promise<number[][]> {
  if (!chat) return tokenizer.encode(prompts, {}, where);
  const chats = prompts.map((content) => [{ role: 'user', content }]);
  const texts = await tokenizer.renderChats(chats, { addGenerationPrompt: true });
  return tokenizer.encode(texts, { addSpecialTokens: false }, where);
}
