// A task that the program lacks: sums of two digits. Tests add it to the others in place of
// `src/tasks/kinds.ts`. Its text is a tokenizer in a worker, and it has no corpus.
import * as v from 'valibot';
import { whole } from '../../src/checked-numbers.ts';
import { TokenizerClient } from '../../src/formats/tokenizer-client.ts';
import { characterTokenizerJson } from '../../src/formats/character-tokenizer.ts';
import type { PoolPrompt, TaskKind, TaskShape } from '../../src/tasks/task.ts';
import type { Text } from '../../src/tasks/text.ts';

export interface SumsConfig {
  readonly name: 'sums';
  readonly poolPrompts: number;
  /** Number of prompts in the only tier; 0 for no tier. */
  readonly heldOut: number;
  /** Whether the config tells the sizes, or only the opened task. */
  readonly sizes: 'told' | 'opened';
}

const alphabet = '0123456789+=;';

/** The task's text: a Hugging Face tokenizer in a worker. */
async function openText(): Promise<Text> {
  const text = JSON.stringify(characterTokenizerJson(alphabet));
  const client = await TokenizerClient.open({ tokenizer: { name: 'tokenizer.json', text } });
  return {
    vocabularySize: alphabet.length,
    alphabet: undefined,
    encode: async (texts) => (await client.encode(texts)).map((ids) => Uint32Array.from(ids)),
    decode: (rows) => client.decode(rows.map((row) => Array.from(row))),
    close: () => client.close(),
  };
}

const shapeOf = ({ poolPrompts }: SumsConfig): TaskShape => ({
  vocabularySize: alphabet.length,
  stopIds: [alphabet.indexOf(';')],
  maxPromptTokens: 4,
  maxResponseTokens: 3,
  poolPrompts,
});

/** The sum at a place; there are 100 different sums. */
const promptAt = (place: number): PoolPrompt => {
  const [a, b] = [Math.floor(place / 10), place % 10];
  return { text: `${a}+${b}=`, key: String(a + b) };
};
const promptsFrom = (place: number, count: number) =>
  Array.from({ length: count }, (_, i) => promptAt(place + i));

export const sumsKind: TaskKind<SumsConfig> = {
  name: 'sums',
  schema: v.strictObject({
    name: v.literal('sums'),
    poolPrompts: whole(1, 50),
    heldOut: whole(0, 50),
    sizes: v.picklist(['told', 'opened']),
  }),
  shape: (config) => (config.sizes === 'told' ? shapeOf(config) : undefined),
  tierSizes: ({ heldOut }) => new Map(heldOut === 0 ? [] : [['sums', heldOut]]),
  corpusIdentity: () => undefined,
  describe: () => ({
    what: 'sums of two digits',
    corpus: '',
    limits: 'sums, which are made up.',
    pool: '',
    hasStrata: false,
    isHeldOut: true,
    promptText: (prompt) => prompt.replace('=', ' = ?'),
    answerOf: (response) => /^\d+/.exec(response)?.[0],
  }),
  open: async (config) => ({
    name: 'sums',
    ...shapeOf(config),
    text: await openText(),
    pool: () => promptsFrom(0, config.poolPrompts),
    tiers: () =>
      config.heldOut === 0
        ? []
        : [{ name: 'sums', description: 'others', prompts: promptsFrom(50, config.heldOut) }],
    corpus: undefined,
    describeInjected: () => ['Nothing.'],
  }),
  verifier: () => ({
    endText: ';',
    verify: async (_prompt, key, response, { finished }) => {
      const extracted = /^(\d+);$/.exec(response)?.[1] ?? null;
      const correct = extracted === key && finished;
      await Promise.resolve();
      const reward = correct ? 1 : extracted === null ? -1 : -0.5;
      return { reward, correct, formatted: extracted !== null, extracted };
    },
  }),
};
