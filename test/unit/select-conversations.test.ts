import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limr } from '../support/command-line.ts';
import { folderOf } from '../support/rollout-import.ts';

const chat = (system: string, question: string) => [
  { role: 'system', content: system },
  { role: 'user', content: question },
];

describe('limr select', () => {
  const root = folderOf({
    'scores.json': JSON.stringify([
      { prompt: 'q', messages: chat('s', 'q'), score: 0.9 },
      { prompt: 'q', messages: chat('t', 'q'), score: 0.1 },
      { prompt: 'r', score: 0.8 },
    ]),
    'pool.jsonl': [
      { prompt: chat('s', 'q'), answer: '1', data_source: 'math' },
      { prompt: chat('t', 'q'), answer: '2' },
      { messages: chat('s', 'r'), answer: '3' },
      { prompt: 'r', answer: '4' },
    ],
  });
  const select = async (...args: string[]) => {
    const out = join(root, 'out.jsonl');
    const paths = ['select', join(root, 'scores.json'), '--prompts', join(root, 'pool.jsonl')];
    const { code, stderr } = await limr(...paths, '--out', out, ...args);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    return readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  test('keeps the conversations that were scored, not others with the same last turn', async () => {
    expect((await select()).map(({ answer }) => answer)).toEqual(['1', '3', '4']);
  });

  test.each(['trl', 'verl'])('%s gets the system text too', async (format) => {
    const [first, second, third] = await select('--export', format);
    expect(first.prompt).toEqual(chat('s', 'q'));
    expect(second.prompt).toEqual(chat('s', 'r'));
    expect(third.prompt).toEqual([{ role: 'user', content: 'r' }]);
  });

  test('openrlhf gets messages, and a text where there is no more', async () => {
    const rows = await select('--export', 'openrlhf');
    expect(rows.map(({ input }) => input)).toEqual([chat('s', 'q'), chat('s', 'r'), 'r']);
  });

  test('without a prompt file the score rows keep their conversations', async () => {
    const out = join(root, 'own.jsonl');
    await limr('select', join(root, 'scores.json'), '--export', 'trl', '--out', out);
    const rows = readFileSync(out, 'utf8').trim().split('\n');
    expect(JSON.parse(rows[0])).toMatchObject({ prompt: chat('s', 'q') });
  });
});
