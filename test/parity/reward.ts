import { sameAnswer } from '../../src/tasks/math-answer.ts';
import { mathFormat } from '../../src/tasks/math-format.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';

const file = 'reward.json';

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
  let formatted = 0;
  for (const [i, row] of all.objects('rows').entries()) {
    const kind = row.text('kind');
    const verdict = mathFormat(row.text('completion'));
    const reward = row.number('reward');
    rewards.set(reward, (rewards.get(reward) ?? 0) + 1);
    if (![1, -0.5, -1].includes(reward)) report.fail(file, `row ${i}`, `no reward is ${reward}`);
    report.equal(file, `row ${i} (${kind}): formatted`, verdict.formatted, reward !== -1);
    report.equal(file, `row ${i} (${kind}): extracted`, verdict.extracted, row.get('extracted'));
    const gold = row.text('gold');
    const wrapped = row.number('reward_if_both_dollar_wrapped');
    row.skip('gold_parses');
    const equal = row.get('eval_equal');
    row.done();
    if (!verdict.formatted) continue;
    formatted++;
    const same = sameAnswer(gold, verdict.extracted ?? '');
    if (same === (reward === 1)) agreeing.as_run++;
    if (same === equal) agreeing.evaluation++;
    if (same === (wrapped === 1)) agreeing.wrapped++;
    else differing.set(kind, (differing.get(kind) ?? 0) + 1);
  }
  const counted = new Fields(all.get('stats'), `${file}: stats`);
  if (counted.has('rewards')) {
    const stated = counted.object('rewards');
    for (const key of stated.keys) {
      report.equal(
        file,
        `rows of reward ${key}`,
        rewards.get(Number(key)) ?? 0,
        stated.number(key),
      );
    }
  }
  all.done();
  report.note(
    `${file}: of ${formatted} well-formed rows our answer equality agrees with ` +
      `${percent(agreeing.wrapped, formatted)} of math_verify on answers wrapped in $ (the target), ` +
      `${percent(agreeing.as_run, formatted)} of the rewards as run, ` +
      `${percent(agreeing.evaluation, formatted)} of eval.py`,
  );
  const kinds = [...differing].map(([kind, count]) => `${kind} ${count}`);
  if (kinds.length > 0) report.note(`${file}: differing from the target: ${kinds.join(', ')}`);
}
