/**
 * The `tokenizer.json` of a vocabulary of single characters, with their indices as ids. With it,
 * the small models of the experiments are ordinary model folders.
 */
export const characterTokenizerJson = (alphabet: string): Record<string, unknown> => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(Array.from(alphabet, (character, id) => [character, id])),
    merges: [],
  },
});
