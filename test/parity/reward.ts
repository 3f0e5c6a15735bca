import { compareAnswers } from '../../src/tasks/math-answer.ts';
import { mathFormat } from '../../src/tasks/math-format.ts';
import type { Context } from './context.ts';
import { checkEvaluation } from './eval-differences.ts';
import { Fields } from './fields.ts';
import type { Report } from './report.ts';
import { rewardDifferences } from './reward-differences.ts';

const file = 'reward.json';

/** How many rows have which verdict, as far as the file counts them: then no row can turn alone. */
function checkCounts(
  report: Report,
  stats: Fields,
  rewards: ReadonlyMap<number, number>,
  evaluated: ReadonlyMap<string, number>,
): void {
  if (stats.has('rows')) {
    const rows = [...rewards.values()].reduce((sum, count) => sum + count, 0);
    report.equal(file, 'rows', rows, stats.number('rows'));
  }
  for (const [name, own] of [
    ['rewards', (key: string) => rewards.get(Number(key))],
    // Python prints True and False, and None where the check raised.
    ['eval_equal', (key: string) => evaluated.get(key === 'None' ? 'null' : key.toLowerCase())],
  ] as const) {
    if (!stats.has(name)) continue;
    const stated = stats.object(name);
    for (const key of stated.keys) {
      report.equal(file, `rows of ${name} ${key}`, own(key) ?? 0, stated.number(key));
    }
  }
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** Format verdicts and extracted answers exactly; the answers' equality as a share that agrees. */
export function checkReward({ fixtures, report }: Context): Promise<void> {
  if (!fixtures.has(file)) return Promise.resolve();
  return check({ fixtures, report });
}

async function check({ fixtures, report }: Pick<Context, 'fixtures' | 'report'>): Promise<void> {
  const all = new Fields(await fixtures.json(file), file);
  all.skip('produced_by', 'stats');
  report.equal(file, 'unknown_prompt_reward', -1, all.number('unknown_prompt_reward'));
  const agreeing = { as_run: 0, wrapped: 0, evaluation: 0 };
  const differing = new Map<string, number>();
  const rewards = new Map<number, number>();
  const evaluated = new Map<string, number>();
  let formatted = 0;
  for (const [i, row] of all.objects('rows').entries()) {
    const kind = row.text('kind');
    const verdict = mathFormat(row.text('completion'));
    const reward = row.number('reward');
    rewards.set(reward, (rewards.get(reward) ?? 0) + 1);
    report.equal(file, `row ${i} (${kind}): formatted`, verdict.formatted, reward !== -1);
    report.equal(file, `row ${i} (${kind}): extracted`, verdict.extracted, row.get('extracted'));
    const gold = row.text('gold');
    const wrapped = row.number('reward_if_both_dollar_wrapped');
    for (const [key, own] of Object.entries({ reward, wrapped })) {
      if (![1, -0.5, -1].includes(own))
        report.fail(file, `row ${i}`, `${key}: no reward is ${own}`);
    }
    // Both are -1 by the format alone, which the dollars leave as it is.
    report.equal(file, `row ${i} (${kind}): wrapped`, verdict.formatted, wrapped !== -1);
    row.skip('gold_parses');
    const equal = row.get('eval_equal');
    const printed = String(equal).toLowerCase();
    evaluated.set(printed, (evaluated.get(printed) ?? 0) + 1);
    const evaluation = { completion: row.text('completion'), gold, stated: equal };
    agreeing.evaluation += Number(checkEvaluation(report, file, `row ${i} (${kind})`, evaluation));
    row.done();
    if (!verdict.formatted) continue;
    formatted++;
    const same = compareAnswers(gold, verdict.extracted ?? '').same;
    if (same === (reward === 1)) agreeing.as_run++;
    const agrees = same === (wrapped === 1);
    const listed = rewardDifferences.some(
      (one) => one.gold === gold && one.answer === verdict.extracted,
    );
    report.equal(file, `row ${i} (${kind}): ours differs, and is listed`, !agrees, listed);
    if (agrees) agreeing.wrapped++;
    else differing.set(kind, (differing.get(kind) ?? 0) + 1);
  }
  checkCounts(report, all.object('stats'), rewards, evaluated);
  all.done();
  report.note(
    `${file}: of ${formatted} well-formed rows our answer equality agrees with ` +
      `${percent(agreeing.wrapped, formatted)} of math_verify on answers wrapped in $ (the target), ` +
      `${percent(agreeing.as_run, formatted)} of the rewards as run; math-eval with eval.py ` +
      `on ${agreeing.evaluation} rows of all`,
  );
  const kinds = [...differing].map(([kind, count]) => `${kind} ${count}`);
  if (kinds.length > 0) report.note(`${file}: differing from the target: ${kinds.join(', ')}`);
}
