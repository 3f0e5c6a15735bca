import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { judgeText, ruleVerifiers } from '../../src/tasks/rule-verifiers.ts';
import { noPython, python } from '../support/python.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'limr-kit-reward-'));
afterAll(() => rmSync(folder, { recursive: true }));
copyFileSync(join(root, 'src/kits/limr_reward.py'), join(folder, 'limr_reward.py'));

interface Case {
  readonly answer: string;
  readonly response: string;
  readonly finished?: boolean;
  readonly verifier?: 'math' | 'exact';
}

const lines = <Row>(file: string): Row[] =>
  readFileSync(join(root, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

/** Verdicts of the Python reward function. */
const inPython = (cases: readonly Case[]): unknown[] =>
  python(
    'import limr_reward; limr_reward.main()',
    folder,
    cases.map((one) => `${JSON.stringify(one)}\n`).join(''),
  )
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const inTypeScript = (cases: readonly Case[]) =>
  Promise.all(
    cases.map(async ({ answer, response, finished, verifier = 'math' }) => {
      const named = { verify: ruleVerifiers[verifier], endTokens: [] };
      const { why, ...verdict } = await judgeText(
        named,
        { prompt: '', answer, response },
        { finished },
      );
      return { ...verdict, rule: why?.rule };
    }),
  );

const boxed = (answer: string, box: string): Case => ({
  answer,
  response: `so \\boxed{${box}}`,
  finished: true,
});

/** Cases of one kind that the field cases have none of. */
const others: readonly Case[] = [
  boxed('1e400', '1e401'),
  boxed('9'.repeat(2000), `${'9'.repeat(1999)}8`),
  boxed('10^{4000}', '10^{4000}+1'),
  boxed('5000!', '5000!+1'),
  boxed(`${'('.repeat(40)}x${')'.repeat(40)}`, 'x'),
  boxed(`1${'/2'.repeat(700)}`, '0'),
  boxed(`\\sqrt{${'\\sqrt{'.repeat(30)}2${'}'.repeat(31)}`, '1'),
  boxed('\u{20000}', '\u{20000}'),
  boxed('𝟏𝟐', '12'),
  boxed('\ud800', '\ud800'),
  boxed('a\u001cb', 'a b'),
  boxed('3\u00a0000', '3000'),
  boxed('\\text{Straße}', '\\text{STRASSE}'),
  boxed('', ''),
  { answer: '4', response: `\\boxed{4} ${'ab cd '.repeat(5)}`, finished: true },
  { answer: '4', response: `\\boxed{4} ${'ab cd '.repeat(4)}`, finished: true },
  { answer: '4', response: `\\boxed{4} ${'цена '.repeat(4)}`, finished: true },
  { answer: '4', response: '\\boxed{4} </s><pad><pad>' },
  { answer: 'yes', response: ' yes </s>', verifier: 'exact' },
  { answer: 'yes', response: 'yes', verifier: 'exact' },
];

describe('the reward function in Python', () => {
  test('gives the verdicts of the TypeScript rules, by the same rules', async (context) => {
    if (noPython !== undefined) context.skip(noPython);
    const pairs = lines<{ gold: string; answer: string }>('test/field-cases/math-pairs.jsonl');
    const cases = [
      ...pairs.flatMap(({ gold, answer }) => [boxed(gold, answer), boxed(answer, gold)]),
      ...lines<Case>('test/field-cases/responses.jsonl'),
      ...others,
    ];
    expect(inPython(cases)).toEqual(await inTypeScript(cases));
  });

  test('agrees on every completion that the reference judged', async (context) => {
    if (noPython !== undefined) context.skip(noPython);
    const path = join(root, '../shared/fixtures/reward.json');
    if (!existsSync(path)) context.skip(`no ${path}: the judged completions are not at hand`);
    const { rows } = JSON.parse(readFileSync(path, 'utf8')) as {
      rows: { gold: string; completion: string }[];
    };
    const cases = rows.map(({ gold, completion }) => ({ answer: gold, response: completion }));
    expect(cases.length).toBe(591);
    expect(inPython(cases)).toEqual(await inTypeScript(cases));
  });
});
