import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkEvaluation } from '../parity/eval-differences.ts';
import { Report } from '../parity/report.ts';

interface Row {
  readonly gold: string;
  readonly completion: string;
  readonly eval_equal: boolean;
}
const { rows } = JSON.parse(readFileSync('test/fixtures/reward.json', 'utf8')) as { rows: Row[] };

test('parity holds each verdict of the evaluator, the three that differ among them', () => {
  const failures = (turn: boolean): number => {
    const report = new Report();
    for (const [i, { gold, completion, eval_equal }] of rows.entries()) {
      const stated = eval_equal !== turn;
      checkEvaluation(report, 'reward.json', `row ${i}`, { gold, completion, stated });
    }
    return report.failed;
  };
  expect(failures(false)).toBe(0);
  expect(failures(true)).toBe(rows.length);
});
