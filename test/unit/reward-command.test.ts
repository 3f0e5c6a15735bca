import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { limr } from '../support/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-reward-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const put = (name: string, rows: readonly unknown[]): string => {
  writeFileSync(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return at(name);
};
const read = (name: string): unknown[] =>
  readFileSync(at(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const rows = [
  { response: 'so \\boxed{4}</s>', answer: '4' },
  { response: 'so \\boxed{5}<|eot_id|>', answer: 4 },
  { response: 'so \\boxed{4}', answer: '4' },
  { response: 'so \\boxed{4}', answer: '4', finished: true },
  { response: 'so \\boxed{4}</s>', answer: '4', finished: false },
  { response: 'it is 4<end_of_turn>', answer: '4' },
];

describe('limr reward', () => {
  test('judges a file row by row, in its order', async () => {
    const out = at('rewards.jsonl');
    const done = await limr('reward', put('pairs.jsonl', rows), '--out', out);
    expect(done).toMatchObject({ code: 0, stdout: '' });
    expect(done.stderr).toBe(
      '6 responses by math: 2 right, 1 wrong, 3 malformed (2 unfinished, 1 boxes)\n' +
        `rewards: ${out}\n`,
    );
    expect(read('rewards.jsonl')).toEqual([
      { reward: 1, correct: true, formatted: true, extracted: '4' },
      { reward: -0.5, correct: false, formatted: true, extracted: '5' },
      { reward: -1, correct: false, formatted: false, extracted: '4' },
      { reward: 1, correct: true, formatted: true, extracted: '4' },
      { reward: -1, correct: false, formatted: false, extracted: '4' },
      { reward: -1, correct: false, formatted: false, extracted: null },
    ]);
  });

  test("judges by the user's own module, which gets prompt and answer as in the row", async () => {
    const chat = [{ role: 'user', content: 'hi' }];
    const pairs = put('module-pairs.jsonl', [
      { prompt: chat, answer: { words: 2 }, response: 'two words<|im_end|>' },
      { prompt: 'plain', response: 'x', finished: true },
      { prompt: 'plain', answer: '4', response: 'throw' },
    ]);
    const code = `export default async (prompt, answer, response, { finished }) => {
      if (response === 'throw') throw new Error('not today');
      const extracted = JSON.stringify([prompt, answer, response]);
      return { reward: 0.25, correct: answer !== null, formatted: finished, extracted };
    };`;
    writeFileSync(at('mine.mjs'), code);
    const out = at('module.jsonl');
    const done = await limr('reward', pairs, '--verifier', at('mine.mjs'), '--out', out);
    expect(done).toMatchObject({ code: 0, stdout: '' });
    expect(done.stderr).toContain(`verifier: ${at('mine.mjs')} runs `);
    expect(done.stderr).toContain(
      '1 responses could not be judged and count as wrong (the first: Error: not today)',
    );
    const [first, second, third] = read('module.jsonl') as { extracted: string }[];
    expect(first).toMatchObject({ reward: 0.25, correct: true, formatted: true });
    expect(JSON.parse(first.extracted)).toEqual([chat, { words: 2 }, 'two words']);
    expect(second).toMatchObject({ correct: false, formatted: true });
    expect(JSON.parse(second.extracted)).toEqual(['plain', null, 'x']);
    expect(third).toEqual({ reward: -1, correct: false, formatted: false, extracted: null });

    writeFileSync(at('wrong.mjs'), 'export default () => ({ reward: "1" });');
    const wrong = await limr(
      'reward',
      pairs,
      '--verifier',
      at('wrong.mjs'),
      '--out',
      at('w.jsonl'),
    );
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toContain('reward must be a finite number in float32, is "1"');
    expect(existsSync(at('w.jsonl'))).toBe(false);
    const none = await limr('reward', pairs, '--verifier', at('no.mjs'), '--out', at('w.jsonl'));
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain(`verifier ${at('no.mjs')}: no such file`);
  });

  test('explains each verdict', async () => {
    const out = at('why.jsonl');
    const pairs = put('why-pairs.jsonl', rows);
    await limr('reward', pairs, '--verifier', 'math-eval', '--explain', '--out', out);
    expect(read('why.jsonl')[1]).toEqual({
      ...{ reward: -0.5, correct: false, formatted: true, extracted: '5', key: '4', answer: '5' },
      rule: 'no rule of the evaluator makes them equal',
      explanation:
        "wrong: key '4', answer '5', by the rule: no rule of the evaluator makes them equal",
    });
    await limr('reward', pairs, '--explain', '--out', out);
    expect(read('why.jsonl')[2]).toMatchObject({
      rule: 'unfinished',
      explanation: 'malformed: it is unfinished: no end token, or cut as its row says',
    });
    expect(read('why.jsonl')[5]).toMatchObject({ key: '4', answer: null, rule: 'boxes' });
  });

  test('takes answers, responses and prompts by the names that others give them', async () => {
    const named = [
      ...['answer', 'label', 'key', 'ground_truth', 'solution', 'gold', 'gts'].map((field) => ({
        response: 'four</s>',
        [field]: 'four',
      })),
      { completion: 'four</s>', reward_model: { ground_truth: 'four' } },
      { completion: [{ role: 'assistant', content: 'four</s>' }], answer: 'four' },
      { output: 'four</s>', input: 'What?', answer: 'four' },
      { response: '4</s>', answer: 4 },
    ];
    const pairs = put('named.jsonl', named);
    const argv = ['reward', pairs, '--verifier', 'exact', '--json'];
    const { code, stdout, stderr } = await limr(...argv);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { summary: unknown; rewards: { correct: boolean }[] };
    expect(result.rewards.map(({ correct }) => correct)).toEqual(named.map(() => true));
    expect(result.summary).toEqual({ rows: 11, right: 11, wrong: 0, malformed: {} });
    expect(stderr).toContain('11 right');
  });

  test('takes end tokens as often as they are given', async () => {
    const pairs = put('ends.jsonl', [
      { response: 'four<|end|>', answer: 'four' },
      { response: 'four<\uff5cend\u2581of\u2581sentence\uff5c>', answer: 'four' },
      { response: 'four</s>', answer: 'four' },
    ]);
    const argv = ['reward', pairs, '--verifier', 'exact', '--json'];
    const ends = ['--end-token', '<|end|>', '--end-token=<\uff5cend\u2581of\u2581sentence\uff5c>'];
    expect((await limr(...argv, ...ends)).stderr).toContain('3 right');
    expect((await limr(...argv)).stderr).toContain('1 right, 0 wrong, 2 malformed (2 unfinished)');
  });

  test('says where no response ends with a token, and no row says that one ended', async () => {
    const dropped = { input: 'What?', output: 'so \\boxed{4}', gts: '4' };
    const hint = 'rows must say "finished"';
    const all = await limr('reward', put('dropped.jsonl', [dropped, dropped]), '--json');
    expect(all.stderr).toContain(hint);
    const said = put('dropped.jsonl', [dropped, { ...dropped, finished: false }]);
    expect((await limr('reward', said, '--json')).stderr).not.toContain(hint);
  });

  test('finds answers in a prompt file where rows bring none', async () => {
    const prompts = put('pool.jsonl', [
      { prompt: 'What is two and two, in words?', answer: 'four' },
      { prompt: 'What is two and three, in words?', answer: 'five' },
    ]);
    const chat = '<|im_start|>user\nWhat is two and three, in words?<|im_end|>\n';
    const pairs = put('no-answers.jsonl', [
      { prompt: 'What is two and two, in words?', response: 'four</s>' },
      { prompt: `${chat}<|im_start|>assistant\n`, response: 'five</s>' },
    ]);
    const argv = ['reward', pairs, '--verifier', 'exact', '--json'];
    expect((await limr(...argv, '--prompts', prompts)).stderr).toContain('2 right');
    const without = await limr(...argv);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain(`${pairs} line 1: no text in answer or label or`);
  });

  test.each([
    [[{ response: 'x' }], 'line 1: no text in answer or'],
    [[rows[0], { answer: '4' }], 'line 2: no field response or completion'],
    [[rows[0], { response: 5, answer: '4' }], 'line 2: response must be text, is the number 5'],
    [
      [rows[0], { response: '', answer: ['4'] }],
      'line 2: answer must be a text or a number, is an',
    ],
    [[rows[0], { response: '', answer: '', finished: 'no' }], 'line 2: finished must be true or'],
    [[rows[0], 5], 'line 2: must be an object'],
    [[], 'no rows'],
  ])('%j is refused by line, and nothing is written', async (given, message) => {
    const pairs = put('bad.jsonl', given);
    const { code, stdout, stderr } = await limr('reward', pairs, '--out', at('not/here.jsonl'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${pairs}${message === 'no rows' ? ':' : ''} ${message}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(at('not'))).toBe(false);
  });

  test('writes nothing where a late row of a large file is bad', async () => {
    const many = Array.from({ length: 30_000 }, (_, i) => ({
      response: `${'x'.repeat(40)} \\boxed{${i}}</s>`,
      answer: String(i),
    }));
    const out = at('late.jsonl');
    writeFileSync(out, 'old');
    const pairs = put('late-pairs.jsonl', [...many, { answer: 1 }]);
    const { code, stderr } = await limr('reward', pairs, '--out', out);
    expect([code, stderr]).toEqual([2, expect.stringContaining('line 30001: no field response')]);
    expect(readFileSync(out, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
    await limr('reward', put('late-pairs.jsonl', many), '--out', out);
    expect(read('late.jsonl')).toHaveLength(30_000);
  });

  test.each([
    [[], 'a file of responses or --serve is needed'],
    [['x.jsonl', '--serve', '0'], '--serve takes neither a file'],
    [['--serve', '70000'], '--serve must be a whole number at least 0 and at most 65535'],
    [['x.jsonl', '--bind', '0.0.0.0'], '--bind needs --serve'],
    [['x.jsonl', '--end-token='], '--end-token needs a value, got an empty one'],
    [
      ['x.jsonl', '--verifier', 'best'],
      "--verifier must be math, math-eval, exact, arithmetic or a module such as ./mine.js, got 'best'",
    ],
    [['/nowhere/x.jsonl', '--json'], '/nowhere/x.jsonl: no such file'],
    [['--serve', '0', '--bind', 'no such host'], 'no such host cannot be listened on'],
  ])('%j ends with one line and code 2', async (argv, message) => {
    const { code, stderr } = await limr('reward', ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('ends on responses made to keep it busy', async () => {
    const hostile = [
      'ab'.repeat(400_000),
      '</s>'.repeat(200_000),
      '\\boxed{'.repeat(100_000),
      `${'abcdefghijklmnopqrstuvw\n'.repeat(40_000)}\\boxed{1}`,
      `\\boxed{${'('.repeat(100_000)}}`,
      `\\boxed{${'9^'.repeat(100_000)}9}`,
    ].map((response) => ({ response, answer: `${'9^'.repeat(2000)}9`, finished: true }));
    for (const verifier of ['math', 'math-eval', 'exact', 'arithmetic']) {
      const pairs = put('hostile.jsonl', hostile);
      const { code } = await limr('reward', pairs, '--verifier', verifier, '--json');
      expect(code).toBe(0);
    }
  });
});
