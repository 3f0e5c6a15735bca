import { exposeWorker } from '../threads/expose.ts';
import { FormatError } from './format-error.ts';
import { parseJson, shorten } from './json.ts';
import type { TokenizerApi } from './tokenizer-client.ts';
import { Tokenizer } from './tokenizer.ts';

let tokenizer: Tokenizer | undefined;
let where = '';

function opened(): Tokenizer {
  if (!tokenizer) throw new Error('no tokenizer is open');
  return tokenizer;
}

/** The results of items, up to the first that fails. */
function each<Item, Result>(items: readonly Item[], compute: (item: Item) => Result) {
  const done: Result[] = [];
  try {
    for (const item of items) done.push(compute(item));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const failed = error instanceof FormatError ? message : `${where}: ${shorten(message)}`;
    return { done, failed };
  }
  return { done };
}

const api: TokenizerApi = {
  open({ tokenizer: file, config, chatTemplate }) {
    where = file.name;
    const files = {
      tokenizer: parseJson(file.text, file.name),
      config: config ? parseJson(config.text, config.name) : {},
      chatTemplate,
    };
    tokenizer = new Tokenizer(files, where);
    const { hasChatTemplate, vocabSize, endTokenId } = tokenizer;
    return { hasChatTemplate, vocabSize, endTokenId };
  },
  encode: (texts, options) => each(texts, (text) => opened().encode(text, options)),
  decode: (sequences, options) => sequences.map((ids) => opened().decode(ids, options)),
  renderChats: (chats, options) => each(chats, (chat) => opened().renderChat(chat, options)),
  learnedChats: (chats, endIds, now) =>
    each(chats, (chat) => opened().learnedChat(chat, endIds, now)),
  dispose() {
    tokenizer = undefined;
  },
};

exposeWorker(api);
