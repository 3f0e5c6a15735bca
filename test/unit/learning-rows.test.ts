import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { type LearningLimits, readLearningRows } from '../../src/formats/learning-rows.ts';
import { TokenizerClient } from '../../src/formats/tokenizer-client.ts';

const path = 'test/fixtures/models/qwen2-tied/tokenizer.json';
let tokenizer: TokenizerClient;
beforeAll(async () => {
  tokenizer = await TokenizerClient.open({
    tokenizer: { name: path, text: readFileSync(path, 'utf8') },
  });
});
afterAll(() => tokenizer.close());

const limits: LearningLimits = { endTokens: [317], longest: 8, vocabSize: 320 };
const rowsOf = (rows: readonly unknown[], more: Partial<LearningLimits> = {}) => {
  const lines = rows.map((row) => JSON.stringify(row)).join('\n');
  const source = bytesSource('d.jsonl', new TextEncoder().encode(lines));
  return readLearningRows(source, tokenizer, { ...limits, ...more });
};

describe('readLearningRows', () => {
  test('takes prompts with responses and plain texts, and ends each once', async () => {
    const rows = [
      { prompt: 'h', response: 'i' },
      { text: 'hi' },
      { prompt: 'hi', completion: 'h<|im_end|>' },
    ];
    const learned = [
      { where: 'd.jsonl line 1', prompt: [71], response: [72, 317] },
      { where: 'd.jsonl line 2', prompt: [71], response: [72, 317] },
      { where: 'd.jsonl line 3', prompt: [71, 72], response: [71, 317] },
    ];
    expect(await rowsOf(rows)).toEqual(learned);
    const [first] = await rowsOf(rows, { endTokens: [] });
    expect(first.response).toEqual([72]);
  });

  const good = { prompt: 'h', response: 'i' };
  test.each<[string, unknown[], Partial<LearningLimits>, string]>([
    [
      'an id that the model has not',
      [good, { prompt: 'h', response: '<|im_start|>' }],
      { vocabSize: 319 },
      "d.jsonl line 2: the tokenizer gives the id 319, the model's ids are below 319",
    ],
    [
      'such an id in a prompt',
      [good, good, { text: '<|im_start|>hi' }],
      { vocabSize: 319 },
      "d.jsonl line 3: the tokenizer gives the id 319, the model's ids are below 319",
    ],
    ['an empty prompt', [good, { prompt: '', response: 'i' }], {}, 'd.jsonl line 2: the prompt'],
    [
      'nothing to learn',
      [good, { text: 'h' }],
      { endTokens: [] },
      'd.jsonl line 2: there is nothing to learn',
    ],
    [
      'a row that is too long',
      [good, { prompt: 'hhhh', response: 'hhhh' }],
      {},
      'd.jsonl line 2: 9 tokens, more than the 8 allowed',
    ],
    [
      'no field',
      [good, { prompt: 'h' }],
      {},
      'd.jsonl line 2: no field text or messages, nor prompt and',
    ],
    [
      'a conversation, of which the last turn alone is not what was meant',
      [
        good,
        {
          prompt: [
            { role: 'system', content: 'h' },
            { role: 'user', content: 'h' },
          ],
          response: 'i',
        },
      ],
      {},
      'd.jsonl line 2: prompt: 2 messages are no plain text: rows to learn from are texts',
    ],
    ['no rows', [], {}, 'd.jsonl: no rows'],
  ])('refuses %s by its line', async (_, rows, more, message) => {
    await expect(rowsOf(rows, more)).rejects.toThrow(message);
  });
});
