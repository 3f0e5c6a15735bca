import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sameAnswer } from '../../src/tasks/math-answer.ts';
import { mathFormat } from '../../src/tasks/math-format.ts';

describe('sameAnswer', () => {
  test.each([
    ['24', '24.0'],
    ['1008', '1,008'],
    ['10000', '10{,}000'],
    ['\\frac{10}{3}', '\\dfrac{10}{3}'],
    ['\\frac{10}{3}', '10/3'],
    ['\\frac{10}{3}', '3\\frac{1}{3}'],
    ['\\frac12', '0.5'],
    ['2\\sqrt{2}', '\\sqrt8'],
    ['\\sqrt[3]{8}', '2'],
    ['40\\pi', '\\pi \\cdot 40'],
    ['x^2 - x - 1', '-1 - x + x^{2}'],
    ['(x+1)^2', 'x^2+2x+1'],
    ['5', 'x = 5'],
    ['y = \\frac{1}{2} x + 2', 'y=x/2+2'],
    ['x^2+y^2=13', '13 = x^2+y^2'],
    ['150^\\circ', '150'],
    ['25', '25\\text{ inches}'],
    ['\\text{(C)}', 'C'],
    ['(1, -2)', '\\left(1,-2\\right)'],
    ['1,-2', '-2, 1'],
    ['1,-2', '1 \\text{ and } -2'],
    ['[0, \\infty)', '\\left[0,\\infty\\right)'],
    ['x \\in [-2,7]', '[-2, 7]'],
    ['(-\\infty, 2) \\cup (3, \\infty)', '(3,\\infty)\\cup(-\\infty,2)'],
    ['\\begin{pmatrix} 1/3 \\\\ -2 \\end{pmatrix}', '\\begin{bmatrix}\\frac13\\\\-2\\end{bmatrix}'],
    ['0.5', '50\\%'],
  ])('%s is %s', (gold, answer) => {
    expect(sameAnswer(gold, answer)).toBe(true);
    expect(sameAnswer(answer, gold)).toBe(true);
  });

  test.each([
    ['24', '25'],
    ['24', '-24'],
    ['24', ''],
    ['\\frac{1}{6}', '0.16'],
    ['x^2 - x - 1', 'x^2 + x - 1'],
    ['(1, -2)', '(-2, 1)'],
    ['(1, -2)', '[1, -2]'],
    ['1,234', '(1,234)'],
    ['(-\\infty, 2)', '(\\infty, 2)'],
    ['[0, 5]', '[0, 5)'],
    ['1,2', '1,2,2'],
    ['\\text{(C)}', '\\text{(B)}'],
    ['x^2+y^2=13', 'x^2+y^2=12'],
    ['0', '10^{-9}+1'],
    ['2', '\\frac{2'],
  ])('%s is not %s', (gold, answer) => {
    expect(sameAnswer(gold, answer)).toBe(false);
    expect(sameAnswer(answer, gold)).toBe(false);
  });

  test.each([
    ['('.repeat(5000), ')'.repeat(5000)],
    ['9^{9^{9^{9^9}}}', '1'],
    ['{'.repeat(290), '1'],
    ['\\frac'.repeat(60), '1'],
    [','.repeat(299), ',,'.repeat(149)],
  ])('answers at once on %.20s...', (gold, answer) => {
    const start = performance.now();
    expect(sameAnswer(gold, answer)).toBe(false);
    expect(performance.now() - start).toBeLessThan(500);
  });

  test('agrees with math_verify on 95 % of the golden rows', () => {
    const { rows } = JSON.parse(readFileSync('test/fixtures/reward.json', 'utf8')) as {
      rows: { gold: string; completion: string; reward_if_both_dollar_wrapped: number }[];
    };
    const formatted = rows.filter(({ completion }) => mathFormat(completion).formatted);
    const agree = formatted.filter(
      ({ gold, completion, reward_if_both_dollar_wrapped: want }) =>
        sameAnswer(gold, mathFormat(completion).extracted ?? '') === (want === 1),
    );
    expect(agree.length / formatted.length).toBeGreaterThan(0.95);
  });
});
