import { evalEqual } from '../../src/tasks/math-eval.ts';
import { endOf } from '../../src/tasks/end-of-response.ts';
import { lastBoxed } from '../../src/tasks/math-format.ts';
import type { Report } from './report.ts';

/** Rows on which `math-eval` and LIMR's evaluator differ, and why; those of other texts agree. */
const differences: readonly {
  /** In the fixtures of the released code. */
  readonly row: number;
  readonly gold: string;
  readonly box: string;
  readonly why: string;
}[] = [
  {
    row: 370,
    gold: '\\begin{pmatrix} -1/3 \\\\ -11/3 \\\\ -8 \\end{pmatrix}',
    box: '\\,\\begin{pmatrix} -1/3 \\\\ -11/3 \\\\ -8 \\end{pmatrix}',
    why: 'its algebra parser fails on both and falls back; the same with 1, 4, 3 (row 377) is unequal to it',
  },
  {
    row: 418,
    gold: '0.25\\,\\text{ cm}',
    box: '0.25\\ \\text{ and } \\text{ cm}',
    why: 'its parser reads 0.25 and drops the rest; a list of 0.25 and nothing is no number',
  },
  {
    row: 489,
    gold: 'x \\in [-2,7]',
    box: '\\,x \\in [-2,7]',
    why: 'its parser reads x and drops the rest: to it all sets that x lies in are equal',
  },
];

/**
 * Holds a row's verdict of LIMR's evaluator against ours.
 *
 * @param stated `eval_equal`: null where the evaluator raised.
 * @returns Whether they agree.
 */
export function checkEvaluation(
  report: Report,
  file: string,
  where: string,
  row: { readonly completion: string; readonly gold: string; readonly stated: unknown },
): boolean {
  const box = lastBoxed(endOf(row.completion).text) ?? '';
  const { same } = evalEqual(row.gold, box);
  const known = differences.some((entry) => entry.gold === row.gold && entry.box === box);
  const agrees = same === (row.stated === true);
  report.equal(file, `${where}: math-eval agrees`, agrees, !known);
  return agrees;
}
