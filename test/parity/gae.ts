import { gae } from '../../kernels/gae.ts';
import { momentsPartial, momentsPartialShape } from '../../kernels/moments-partial.ts';
import { moments } from '../../kernels/moments.ts';
import { rewardToGo } from '../../kernels/reward-to-go.ts';
import { whiten } from '../../kernels/whiten.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { type Context, sequencesOf, withScope } from './context.ts';
import { Fields } from './fields.ts';

const file = 'gae.json';
const allowed = { max: 1e-5, relative: 2e-6 };

interface Input {
  readonly gamma: number;
  readonly lambda: number;
  readonly values: readonly number[][];
  readonly rewards: readonly number[][];
}

const compute = (gpu: Gpu, { gamma, lambda, values, rewards }: Input) =>
  withScope(gpu, async (scope) => {
    const count = rewards.flat().length;
    const sequences = scope.tensor('sequences', sequencesOf(rewards.map((row) => row.length)), [
      rewards.length,
      2,
    ]);
    const tokenRewards = scope.tensor('rewards', rewards.flat());
    const advantages = scope.empty('advantages', [count]);
    const returns = scope.empty('returns', [count]);
    const whitened = scope.empty('whitened', [count]);
    const toGo = scope.empty('reward_to_go', [count]);
    const partials = scope.empty('partials', momentsPartialShape);
    const mean = scope.empty('moments', [4]);
    const sequenceCount = rewards.length;
    await scope.run([
      gae(
        {
          sequences,
          rewards: tokenRewards,
          values: scope.tensor('values', values.flat()),
          advantages,
          returns,
        },
        { sequenceCount, gamma, gaeLambda: lambda },
      ),
      momentsPartial({ values: advantages, partials }, { count }),
      moments({ partials, moments: mean }),
      whiten({ raw: advantages, moments: mean, whitened }, { count }),
      rewardToGo(
        { sequences, token_rewards: tokenRewards, advantages: toGo },
        { sequenceCount, gamma },
      ),
    ]);
    return {
      advantages: await gpu.read(advantages, 'f32'),
      returns: await gpu.read(returns, 'f32'),
      normalized: await gpu.read(whitened, 'f32'),
      cumulative_returns: await gpu.read(toGo, 'f32'),
    };
  });

/** Advantages, returns, whitened advantages and rewards-to-go of ragged sequences. */
export async function checkGae({ gpu, fixtures, report, memo }: Context): Promise<void> {
  if (!fixtures.has(file)) return;
  const all = new Fields(await fixtures.json(file), file);
  all.skip('note');
  for (const [i, fields] of all.objects('cases').entries()) {
    const input = {
      gamma: fields.number('gamma'),
      lambda: fields.number('lambda'),
      values: fields.table('values'),
      rewards: fields.table('rewards'),
    };
    const lengths = fields.numbers('lengths');
    report.equal(
      file,
      `case ${i}: lengths`,
      input.rewards.map((row) => row.length),
      lengths,
    );
    report.equal(
      file,
      `case ${i}: lengths of values`,
      input.values.map((row) => row.length),
      lengths,
    );
    const got = await memo.get('gae', input, () => compute(gpu, input));
    for (const name of ['advantages', 'returns', 'normalized', 'cumulative_returns'] as const) {
      report.close(file, `case ${i}: ${name}`, got[name], fields.table(name).flat(), allowed);
    }
    fields.done();
  }
  all.done();
}
