// A task for a given model that the program lacks: texts in a JSON file, judged by how many of a
// response's characters are one letter. Tests add it to the others in place of
// `src/tasks/kinds.ts`.
import * as v from 'valibot';
import { whole } from '../../src/checked-numbers.ts';
import { type InputFiles } from '../../src/formats/input-files.ts';
import { readText } from '../../src/formats/byte-source.ts';
import { TokenizerClient } from '../../src/formats/tokenizer-client.ts';
import type { TaskKind } from '../../src/tasks/task.ts';

export interface LettersConfig {
  readonly name: 'letters';
  /** A file with a JSON list of texts. */
  readonly prompts: string;
  readonly letter: string;
  readonly maxPromptTokens: number;
  readonly maxResponseTokens: number;
}

async function readPrompts(files: InputFiles, path: string): Promise<string[]> {
  const source = await files.open(path);
  if (!source) throw new Error(`${path} does not exist`);
  return JSON.parse(await readText(source, 1 << 20)) as string[];
}

export const lettersKind: TaskKind<LettersConfig> = {
  name: 'letters',
  takesGivenModel: true,
  schema: v.strictObject({
    name: v.literal('letters'),
    prompts: v.string(),
    letter: v.string(),
    maxPromptTokens: whole(1, 1024),
    maxResponseTokens: whole(1, 1024),
  }),
  withPaths: (config, change) => ({ ...config, prompts: change(config.prompts) }),
  shape: () => undefined,
  tierSizes: () => new Map(),
  corpusIdentity: () => undefined,
  describe: ({ letter }) => ({
    what: `texts with the letter ${letter}`,
    corpus: '',
    limits: 'texts.',
    pool: '',
    hasStrata: false,
    isHeldOut: false,
    promptText: (prompt) => prompt,
    answerOf: () => undefined,
  }),
  open: async (config, { files, model }) => {
    if (!model) throw new Error('no model is given');
    const texts = await readPrompts(files, config.prompts);
    const tokenizer = await model.tokenizerTexts();
    if (!tokenizer) throw new Error('the model has no tokenizer');
    const client = await TokenizerClient.open(tokenizer);
    return {
      name: 'letters',
      vocabularySize: model.vocabularySize,
      stopIds: model.stopIds,
      maxPromptTokens: config.maxPromptTokens,
      maxResponseTokens: config.maxResponseTokens,
      poolPrompts: texts.length,
      text: {
        vocabularySize: model.vocabularySize,
        alphabet: undefined,
        encode: async (rows) => (await client.encode(rows)).map((ids) => Uint32Array.from(ids)),
        decode: (rows) => client.decode(rows.map((row) => Array.from(row))),
        close: () => client.close(),
      },
      pool: () => texts.map((text, i) => ({ text, key: config.letter, id: `text ${i}` })),
      tiers: () => [],
      corpus: undefined,
      describeInjected: () => [],
    };
  },
  verifier: () => ({
    endText: undefined,
    verify: (_prompt, key, response) => {
      const share = response.split(key).length - 1;
      const reward = share / Math.max(1, response.length);
      return { reward, correct: share > 0, formatted: true, extracted: null };
    },
  }),
};
