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

const api: TokenizerApi = {
  open({ tokenizer: file, config, chatTemplate }) {
    where = file.name;
    const files = {
      tokenizer: parseJson(file.text, file.name),
      config: config ? parseJson(config.text, config.name) : {},
      chatTemplate,
    };
    tokenizer = new Tokenizer(files, where);
  },
  encode(texts, options) {
    const ids: number[][] = [];
    try {
      for (const text of texts) ids.push(opened().encode(text, options));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const failed = error instanceof FormatError ? message : `${where}: ${shorten(message)}`;
      return { ids, failed };
    }
    return { ids };
  },
  decode: (sequences, options) => sequences.map((ids) => opened().decode(ids, options)),
  renderChats: (chats, options) => chats.map((chat) => opened().renderChat(chat, options)),
  dispose() {
    tokenizer = undefined;
  },
};

exposeWorker(api);
