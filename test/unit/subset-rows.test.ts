import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { type NamedPrompt, placesOf, readSubset } from '../../src/formats/subset-rows.ts';

const read = (text: string) =>
  readSubset(bytesSource('subset.json', new TextEncoder().encode(text)));
const pool: readonly NamedPrompt[] = [
  { prompt: '1+1=', id: 'a' },
  { prompt: '1+2=', id: 'b' },
  { prompt: '1+3=', id: '7' },
  {
    prompt: 'what?',
    messages: [
      { role: 'system', content: 'x' },
      { role: 'user', content: 'what?' },
    ],
  },
];
const places = async (text: string) => placesOf(await read(text), pool, 'the pool');

describe('a subset file', () => {
  test.each([
    ['the ids alone', '["b", 7]', [1, 2]],
    ['rows with ids', '[{"id": "b"}, {"limr_id": 7}]', [1, 2]],
    ['rows with places', '{"index": 2}\n{"index": 0, "id": "a"}\n', [2, 0]],
    ['prompts alone', '{"prompt": "1+2="}\n{"question": " 1+3= "}\n', [1, 2]],
    ['ids of another program, with prompts', '[{"id": "x1", "prompt": "1+2="}]', [1]],
    ['a conversation by its last turn', '[{"index": 3, "prompt": "what?"}]', [3]],
    ['no prompt at all', '[]', []],
  ])('names prompts by %s', async (_, text, want) => {
    expect(await places(text)).toEqual(want);
  });

  test.each([
    ['[{"id": "c"}]', 'subset.json row 1: prompt the string "c" is not in the pool'],
    ['{"index": 4}', 'subset.json line 1: prompt the number 4 is not in the pool'],
    ['{"prompt": "9"}', 'subset.json line 1: its prompt is not in the pool'],
    [
      '[{"id": "a", "prompt": "1+2="}]',
      'subset.json row 1: prompt 0 of the pool is another prompt',
    ],
    ['["a", "b", "a"]', 'subset.json row 3: the same prompt as in subset.json row 1'],
    ['[{"score": 1}]', 'subset.json row 1: names no prompt by id, index or prompt, input'],
    ['["a", null]', 'subset.json row 2: must be an id, is null'],
    ['["a", ["b"]]', 'subset.json row 2'],
    ['{"index": -1}', 'subset.json line 1: index must be a whole number'],
    ['{"index": 1.5}', 'subset.json line 1: index must be a whole number'],
    ['["a"', 'subset.json'],
    ['{', 'subset.json'],
  ])('is refused where it says %s', async (text, message) => {
    await expect(places(text)).rejects.toMatchObject({
      name: 'FormatError',
      message: expect.stringContaining(message) as string,
    });
  });
});
