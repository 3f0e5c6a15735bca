import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { judgeText } from '../../src/tasks/rule-verifiers.ts';
import { textVerifier, type VerifierName } from '../../src/tasks/verifiers.ts';

const { task } = configFrom('quick', undefined, 'test');
const judge = async (
  name: VerifierName,
  answer: string,
  response: string,
  finished?: boolean,
  endTokens?: readonly string[],
) =>
  judgeText(
    await textVerifier(name, task),
    { prompt: '', answer, response },
    { finished, endTokens },
  );

interface Case {
  readonly verifier: VerifierName;
  readonly answer: string;
  readonly response: string;
  readonly correct: boolean;
}
const cases = readFileSync('test/field-cases/responses.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

describe('judgeText', () => {
  test.each(cases)('$verifier of $response by $answer: $correct', async (row) => {
    expect((await judge(row.verifier, row.answer, row.response)).correct).toBe(row.correct);
  });

  test.each([
    ['<|im_end|>'],
    ['<|endoftext|>'],
    ['</s>'],
    ['<|eot_id|>'],
    ['<end_of_turn>'],
    ['</s></s>'],
    ['<end_of_turn>\n'],
  ])('every verifier takes %j for the end', async (end) => {
    const right = { reward: 1, correct: true, formatted: true };
    expect(await judge('math', '\\frac{1}{2}', `so \\boxed{0.5}${end}`)).toMatchObject(right);
    expect((await judge('math-eval', '0.5', `so \\boxed{50\\%}${end}`)).formatted).toBe(true);
    expect(await judge('exact', 'four', ` four ${end}`)).toMatchObject({
      ...right,
      extracted: 'four',
    });
    expect(await judge('arithmetic', '7', `3,4#7${end}`)).toMatchObject({
      ...right,
      extracted: '7',
    });
  });

  test('without an end only math-eval finds an answer right', async () => {
    const cut = { reward: -1, correct: false, formatted: false, why: { broken: 'unfinished' } };
    expect(await judge('math', '4', '\\boxed{4}')).toMatchObject({ ...cut, extracted: '4' });
    expect(await judge('exact', 'four', 'four')).toMatchObject(cut);
    expect(await judge('arithmetic', '7', '3,4#7')).toMatchObject(cut);
    expect(await judge('math-eval', '4', '\\boxed{4}')).toMatchObject({ reward: 1, correct: true });
  });

  test('what is known of the end beats the text', async () => {
    expect((await judge('math', '4', '\\boxed{4}', true)).correct).toBe(true);
    expect((await judge('math', '4', '\\boxed{4}</s>', false)).reward).toBe(-1);
    expect((await judge('arithmetic', '7', '3,4#7;', false)).reward).toBe(-1);
    expect((await judge('arithmetic', '7', '3,4#7', true)).correct).toBe(true);
  });

  test("arithmetic ends with its task's own token", async () => {
    expect((await judge('arithmetic', '7', '3,4#7;')).correct).toBe(true);
    expect(await judge('arithmetic', '8', '3,4#7;')).toMatchObject({
      reward: -0.5,
      formatted: true,
    });
    expect(await judge('arithmetic', '7', 'seven;')).toMatchObject({ reward: -1, extracted: null });
  });

  test('a task without an end token needs none', async () => {
    const bandit = { name: 'bandit', prompts: 4, arms: 3, reward: 'match' } as const;
    const verifier = await textVerifier('arithmetic', bandit);
    const row = { prompt: '', answer: '2', response: '2' };
    expect((await judgeText(verifier, row, {})).correct).toBe(true);
  });

  test('Phi and DeepSeek end where their token is given', async () => {
    expect((await judge('math', '4', '\\boxed{4}<|end|>')).reward).toBe(-1);
    expect((await judge('math', '4', '\\boxed{4}<|end|>', undefined, ['<|end|>'])).reward).toBe(1);
    const deepSeek = '<\uff5cend\u2581of\u2581sentence\uff5c>';
    expect((await judge('exact', 'four', `four${deepSeek}`, undefined, [deepSeek])).extracted).toBe(
      'four',
    );
  });

  test('says what decided', async () => {
    expect((await judge('exact', 'a', 'b</s>')).why).toEqual({
      ...{ broken: null, rule: 'same text', key: 'a', answer: 'b' },
    });
    expect((await judge('math', '1', 'none</s>')).why).toMatchObject({
      broken: 'boxes',
      answer: null,
    });
    expect((await judge('math-eval', '100', '\\boxed{1}')).why?.rule).toBe(
      'numbers a factor of 100 apart',
    );
  });
});
