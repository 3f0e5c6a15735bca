import { existsSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { compareAnswers } from '../../src/tasks/math-answer.ts';
import { Comparer } from '../../src/tasks/math/compare.ts';
import { NotRead, tokensOf } from '../../src/tasks/math/lexer.ts';
import { parseAnswer } from '../../src/tasks/math/parser.ts';
import { TooCostly, Work } from '../../src/tasks/math/work.ts';
import { mathFormat } from '../../src/tasks/math-format.ts';
import { rewardDifferences } from '../parity/reward-differences.ts';
import { differentPairs, samePairs } from '../support/math-pairs.ts';

interface Case {
  readonly class: string;
  readonly gold: string;
  readonly answer: string;
  readonly same: boolean;
}

const cases = readFileSync('test/field-cases/math-pairs.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

describe('compareAnswers', () => {
  test.each(cases)('$class: $gold and $answer: $same', ({ gold, answer, same }) => {
    expect(compareAnswers(gold, answer)).toMatchObject({ same });
    expect(compareAnswers(answer, gold)).toMatchObject({ same });
  });

  describe.each(Object.entries(samePairs))('%s', (_, pairs) => {
    test.each(pairs)('%s is %s', (gold, answer) => {
      expect(compareAnswers(gold, answer)).toMatchObject({ same: true });
      expect(compareAnswers(answer, gold)).toMatchObject({ same: true });
    });
  });

  describe.each(Object.entries(differentPairs))('%s', (_, pairs) => {
    test.each(pairs)('%s is not %s', (gold, answer) => {
      expect(compareAnswers(gold, answer)).toMatchObject({ same: false });
      expect(compareAnswers(answer, gold)).toMatchObject({ same: false });
    });
  });

  test.each([
    ['24', '24', 'the same expression'],
    ['24', '\\frac{48}{2}', 'exact number'],
    ['24', '25', 'numbers that differ'],
    ['\\sqrt8', '2\\sqrt2', 'value to 150 digits'],
    ['\\frac13', '0.3333333333', 'decimal within 1e-6'],
    ['10', '10.0001', 'decimals further apart than 1e-6'],
    ['9^{9^9}', '1', 'too large to compute: not known to be equal'],
    ['x+x', '2x', 'equal wherever its letters were tried'],
    ['1,2', '2,1', 'a list in any order'],
    ['5', 'x=5', 'the same expression, the name on one side dropped'],
    ['5', '5\\text{ cm}', 'the same expression, the unit on one side dropped'],
    ['5\\text{ s}', '5\\text{ cm}', 'units: "s" is not "cm"'],
    ['2x>6', '3<x', 'sets of numbers'],
    ['2x+4y=6', 'x+2y=3', 'equations up to a factor'],
    [
      '\\begin{pmatrix}1\\\\2\\end{pmatrix}',
      '\\begin{pmatrix}1&2\\end{pmatrix}',
      'a matrix of another shape',
    ],
    ['\\text{north}', '\\text{thorn}', 'words that differ'],
    ['\\frac{1', '1', 'not read as mathematics: compared as text'],
    ['1', '1'.repeat(5000), 'too long: compared as text'],
    ['1', '1+'.repeat(1900) + '1', 'too many signs: compared as text'],
  ])('%s and %s are decided by "%s"', (gold, answer, rule) => {
    expect(compareAnswers(gold, answer).rule).toBe(rule);
  });

  test('shows how both sides were read', () => {
    expect(compareAnswers('x=1{,}250', '3\\frac13\\text{ cm}')).toMatchObject({
      key: 'x = 1250',
      answer: '10/3 "cm"',
    });
  });

  test('differs from the wrapped check of the golden rows in the listed rows alone', () => {
    const { rows } = JSON.parse(readFileSync('test/fixtures/reward.json', 'utf8')) as {
      rows: { gold: string; completion: string; reward_if_both_dollar_wrapped: number }[];
    };
    const differing = rows.flatMap(({ gold, completion, reward_if_both_dollar_wrapped }, row) => {
      const { formatted, extracted } = mathFormat(completion);
      const same = compareAnswers(gold, extracted ?? '').same;
      const reward = !formatted ? -1 : same ? 1 : -0.5;
      return reward === reward_if_both_dollar_wrapped ? [] : [{ row, gold, answer: extracted }];
    });
    expect(differing).toEqual(
      rewardDifferences.map(({ row, gold, answer }) => ({ row, gold, answer })),
    );
    expect(rows.length - differing.length).toBeGreaterThanOrEqual(580);
  });
});

/** Texts of up to 4,000 characters that cost the most, each by another part of the reading. */
const worst = [
  ...[
    '(',
    ')',
    '[',
    '{',
    '}',
    '^',
    '_',
    ' ',
    '-',
    ',',
    '9',
    '9^',
    '2^{',
    '9!',
    'x^',
    '|',
    '=',
    '\\sqrt',
    '\\sqrt{',
    '\\frac',
    '\\frac{1}{',
    '1\\frac{1',
    '\\boxed{',
    '\\boxed{1',
    '\\text{',
    '\\text{(A)}',
    '\\pm 1,',
    '(1,',
    '{1,',
    '\\{1,',
    '\\begin{pmatrix}',
    '1&',
    '\\\\',
    '\\sin(',
    '\\sin x+',
    '\\arctan x+',
    '\\tan 9999+',
    'e^{9999}+',
    'e^{',
    '1/',
    '1/x+',
    'x^{999}+',
    '(x+1)',
    '½',
    'x²',
    '√',
    'π',
    '\\cup(1,2)',
    '(1,2)\\cup ',
    'x<1 or ',
    '1e999+',
    '2^{99999}+',
    '3^{99999}*',
    '5999!+',
    '\\binom{99}{9}+',
    '2^{1/97}+',
    '101_2,',
    '1:2:',
    'north ',
    '5 cm ',
    '\\left(',
    '0.',
    '\\',
    '\\ldots',
    'f(x)+',
  ].map((unit) => unit.repeat(Math.floor(4000 / unit.length))),
  '9^{9^{9}}',
  '9^9^9^9^9',
  '1000000!',
  '2^{131071}',
  '(((5!)!)!)',
  'x^{x^{x^{x}}}',
  '(x+\\sqrt2)^{99999}',
  '\\binom{x}{2999}',
  '('.repeat(1999) + '1' + ')'.repeat(1999),
  '{'.repeat(1999) + '1' + '}'.repeat(1999),
  '\\sqrt{'.repeat(50) + '2' + '}'.repeat(50),
  '\\sin('.repeat(50) + 'x' + ')'.repeat(50),
  '9'.repeat(2000) + '/' + '7'.repeat(1999),
  Array.from({ length: 1900 }, (_, i) => i % 10).join(','),
  Array.from({ length: 190 }, (_, i) => `\\ln ${i + 2}`).join(','),
  Array.from({ length: 190 }, (_, i) => `(${i},${i + 1})`).join('\\cup'),
  Array.from({ length: 260 }, (_, i) => `x<${i}`).join(' or '),
];

describe('hostile answers', () => {
  test.each(worst)('%.30s... is read and compared within what is given', (text) => {
    const given = 15_000;
    const ended = (run: () => void): boolean => {
      try {
        run();
        return true;
      } catch (error) {
        return error instanceof NotRead || error instanceof TooCostly;
      }
    };
    expect(
      ended(() => {
        const tokens = tokensOf(text);
        expect(tokens.length).toBeLessThanOrEqual(1501);
        const work = new Work(given);
        new Comparer(work).compare(
          parseAnswer(tokens),
          parseAnswer(tokensOf(`1+${text.slice(2)}`)),
        );
        expect(work.left).toBeGreaterThanOrEqual(0);
      }),
    ).toBe(true);
  });

  test.each(worst)(
    '%.30s... ends',
    (text) => {
      for (const other of ['1', 'x', text, text + '1', text.slice(0, -1), worst[7] ?? '']) {
        for (const [gold, answer] of [
          [text, other],
          [other, text],
        ] as const) {
          const { same } = compareAnswers(gold, answer);
          if (gold === answer && gold.trim() !== '') expect(same).toBe(true);
          else if (other === '1' || other === 'x') expect(same).toBe(false);
        }
      }
      // A pair takes milliseconds; ten of them in so long a time are far from a hang.
    },
    20_000,
  );
});

const limr = '../shared/data/limr/math.8k.json';

describe(`gold answers of LIMR (${limr})`, () => {
  beforeEach((context) => {
    if (!existsSync(limr)) context.skip(`no ${limr} here`);
  });
  const golds = existsSync(limr)
    ? (JSON.parse(readFileSync(limr, 'utf8')) as { answer: string }[])
        .map(({ answer }) => answer)
        .filter((answer) => answer.trim() !== '')
    : [];

  test.each([
    ['as they are', (gold: string) => gold],
    [
      'with \\left( and \\right)',
      (gold: string) => gold.replaceAll('(', '\\left(').replaceAll(')', '\\right)'),
    ],
    ['in dollars', (gold: string) => `$${gold}$`],
    ['in \\[ \\]', (gold: string) => `\\[${gold}\\]`],
    ['with \\dfrac', (gold: string) => gold.replaceAll('\\frac', '\\dfrac')],
    ['in a box', (gold: string) => `\\boxed{${gold}}`],
  ])('are themselves %s', { timeout: 120_000 }, (_, spell) => {
    expect(golds).toHaveLength(8521);
    expect(golds.filter((gold) => !compareAnswers(gold, spell(gold)).same)).toEqual([]);
    expect(golds.filter((gold) => !compareAnswers(spell(gold), gold).same)).toEqual([]);
  });

  test('are themselves in the last box of a response', { timeout: 120_000 }, () => {
    const refused = new Set<string>();
    const wrong: string[] = [];
    for (const gold of golds) {
      const { formatted, extracted } = mathFormat(`so \\boxed{${gold}}<|im_end|>`);
      if (!formatted) refused.add(gold);
      else if (!compareAnswers(gold, extracted ?? '').same) wrong.push(gold);
    }
    expect(wrong).toEqual([]);
    // Boxes that nest braces deeper than the format rule allows; none does.
    expect([...refused]).toEqual([]);
  });
});
