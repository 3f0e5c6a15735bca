import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { endOf } from '../../src/tasks/end-of-response.ts';
import { evalEqual } from '../../src/tasks/math-eval.ts';
import { lastBoxed } from '../../src/tasks/math-format.ts';

interface Row {
  readonly gold: string;
  readonly completion: string;
  readonly eval_equal: boolean | null;
}
const { rows } = JSON.parse(readFileSync('test/fixtures/reward.json', 'utf8')) as { rows: Row[] };

describe('evalEqual', () => {
  test('agrees with the released evaluator on all rows but three', () => {
    const differing = [...rows.entries()].filter(([, { gold, completion, eval_equal }]) => {
      const box = lastBoxed(endOf(completion).text) ?? '';
      return evalEqual(gold, box).same !== (eval_equal === true);
    });
    expect(rows).toHaveLength(591);
    expect(differing.map(([i]) => i)).toEqual([370, 418, 489]);
  });

  test.each([
    ['Two', 'two', 'same text'],
    ['\\(5\\)', '5', 'same text'],
    ['$\\dfrac{1}{2}$', '\\frac12', 'same text'],
    ['12\\text{ square units}', '12', 'same text'],
    ['30^\\circ', '30', 'same text'],
    ['1,234,567', '1{,}234{,}567', 'same text'],
    ['C', 'the answer is (C)', 'the last letter of a choice'],
    ['B', '(A), (B)', 'the last letter of a choice'],
    ['2.50', '2.5', 'same number'],
    ['3.1415', '3.14159', 'numbers within 1e-4'],
    ['0.25', '25', 'numbers a factor of 100 apart'],
    ['25', '0.25', 'numbers a factor of 100 apart'],
    ['\\sqrt{2}', '\\sqrt2', 'same text'],
    ['(1,2)', '1,2', 'same text without brackets and braces'],
    ['x^{2}', 'x^2', 'same text without brackets and braces'],
    ['(0.5,3)', '(\\frac{1}{2},3.0)', 'the same components in order'],
    ['[0,1)', '(0.0,1]', 'the same components in order'],
    [
      '\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}',
      '\\begin{bmatrix}1.0&2\\\\3&8/2\\end{bmatrix}',
      'the same matrix, by entries',
    ],
    ['1, \\frac{1}{2}', '1, 0.5', 'the same list in order'],
    ['y=2x+1', 'y-1=2x', 'the same equation, up to a sign'],
    ['y=2x+1', '2x+1=y', 'the same equation, up to a sign'],
    ['7', 'x=7', 'same text'],
    ['x=7', '14/2', 'the same value'],
    ['\\frac{\\pi}{2}', '\\frac{2\\pi}{4}', 'the same value'],
    ['(x+1)^2', 'x^2+2x+1', 'the same expression'],
    ['2xy', '2yx', 'the same expression'],
    ['\\sin^2 x', '1-\\cos^2 x', 'the same expression'],
    ['6', '3!', 'the same value'],
    ['10', '\\binom{5}{2}', 'the same value'],
    ['3', '\\log_{2}8', 'the same value'],
    ['\\infty', '\\infty+1', 'the same value'],
  ])('%s is %s: %s', (gold, answer, rule) => {
    expect(evalEqual(gold, answer)).toMatchObject({ same: true, rule });
  });

  test.each([
    ['4', '5'],
    ['4', ''],
    ['C', 'C or D'],
    ['1', '1.001'],
    ['1', '1000'],
    ['(1,2)', '(2,1)'],
    ['(1,2)', '(1,2,3)'],
    ['1,2', '1,3'],
    ['\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}', '\\begin{pmatrix}1&2&3&4\\end{pmatrix}'],
    ['\\begin{pmatrix}1\\\\2\\end{pmatrix}', '\\begin{pmatrix}2\\\\1\\end{pmatrix}'],
    ['y=2x+1', 'y=2x-1'],
    ['xyz=7', '7'],
    ['x', '\\sqrt{x^2}'],
    ['x+1', 'y+1'],
    // No mixed numbers: 3 times a third.
    ['\\frac{10}{3}', '3\\frac{1}{3}'],
    // A word is no product of letters, nor is what cannot be read.
    ['listen', 'silent'],
    ['\\frac{1}{0}', '\\frac{2}{?}'],
    ['10^{400}', '10^{401}'],
    ['1e400', '1e401'],
    ['\\infty', '10^{400}'],
  ])('%s is not %s', (gold, answer) => {
    expect(evalEqual(gold, answer).same).toBe(false);
  });

  test('says how it read both', () => {
    expect(evalEqual('$5\\%$', '\\text{5 cm}')).toMatchObject({ key: '5\\', answer: '5' });
  });

  test('ends on texts made to keep it busy', () => {
    const units = [
      '(',
      '{',
      '\\frac',
      '\\text{',
      'a,',
      '(a,b),',
      '^',
      '1^',
      '=',
      '\\sqrt',
      '9!',
      '|',
    ];
    for (const [i, unit] of units.entries()) {
      const other = units[(i * 7 + 3) % units.length];
      const [a, b] = [(unit + other).repeat(1000), (other + unit).repeat(1000)];
      for (const length of [1990, 4000]) evalEqual(a.slice(0, length), b.slice(0, length - 1));
    }
  });
});
