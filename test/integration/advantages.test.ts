import { describe, expect, test } from 'vitest';
import type { KlTerm } from '../../kernels/lib/kl-estimator.ts';
import { parallelLanes } from '../../kernels/lib/lanes.ts';
import { momentsPartialShape } from '../../kernels/moments-partial.ts';
import { policyLoss } from '../../kernels/policy-loss.ts';
import {
  advantageEstimators,
  needsCritic,
  needsGroups,
  type AdvantageEstimator,
} from '../../src/vocabulary/estimators.ts';
import {
  advantageDispatches,
  type AdvantageHyper,
  type AdvantageTensors,
} from '../../src/ppo/advantages.ts';
import { RandomStream } from '../../src/random.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';
import fixture from '../support/ppo-fixture.json';

const gpu = await openTestGpu();

interface Rollout {
  readonly lengths: readonly number[];
  readonly groupSizes: readonly number[];
  readonly rewards: readonly number[];
  readonly old?: readonly number[];
  readonly ref?: readonly number[];
  readonly values?: readonly number[];
}

const spansOf = (counts: readonly number[]): number[] => {
  let first = 0;
  return counts.flatMap((count) => {
    first += count;
    return [first - count, count];
  });
};

function tensorsOf(rollout: Rollout) {
  const { lengths, groupSizes, rewards } = rollout;
  const actions = lengths.reduce((sum, length) => sum + length, 0);
  const zeros = new Float32Array(actions);
  const fresh = (name: string, size: number) =>
    tensorOf(gpu, name, new Float32Array(size).fill(NaN));
  return {
    sequences: tensorOf(gpu, 'sequences', spansOf(lengths), [lengths.length, 2], 'u32'),
    groups: tensorOf(gpu, 'groups', spansOf(groupSizes), [groupSizes.length, 2], 'u32'),
    sequenceRewards: tensorOf(gpu, 'R', rewards),
    oldLogprobs: tensorOf(gpu, 'old', rollout.old ?? zeros),
    refLogprobs: tensorOf(gpu, 'ref', rollout.ref ?? zeros),
    values: tensorOf(gpu, 'values', rollout.values ?? zeros),
    shapedRewards: fresh('shaped', lengths.length),
    tokenRewards: fresh('token rewards', actions),
    meanKl: fresh('mean kl', lengths.length),
    rawAdvantages: fresh('raw', actions),
    momentPartials: gpu.tensor('partials', momentsPartialShape, 'f32', 'rollout'),
    moments: fresh('moments', 4),
    advantages: fresh('advantages', actions),
    returns: fresh('returns', actions),
  } satisfies AdvantageTensors;
}

const noKl: KlTerm = { estimator: 'k1', coef: 0 };

function hyperOf(rollout: Rollout, overrides: Partial<AdvantageHyper> = {}): AdvantageHyper {
  return {
    sequenceCount: rollout.lengths.length,
    groupCount: rollout.groupSizes.length,
    actionCount: rollout.lengths.reduce((sum, length) => sum + length, 0),
    kl: noKl,
    gamma: 1,
    gaeLambda: 0.95,
    ...overrides,
  };
}

async function compute(
  estimator: AdvantageEstimator,
  rollout: Rollout,
  overrides: Partial<AdvantageHyper> = {},
) {
  const tensors = tensorsOf(rollout);
  await run(gpu, advantageDispatches(estimator, tensors, hyperOf(rollout, overrides)));
  return { advantages: await gpu.read(tensors.advantages, 'f32'), tensors };
}

describe('advantages', () => {
  // Two prompts of two samples; responses of 2, 1, 1 and 3 actions.
  const rollout: Rollout = { lengths: [2, 1, 1, 3], groupSizes: [2, 2], rewards: [1, -0.5, 1, 1] };

  test('of Dr. GRPO are the reward less the mean of its group', async () => {
    const { advantages, tensors } = await compute('dr_grpo', rollout);
    expectClose(advantages, [0.75, 0.75, -0.75, 0, 0, 0, 0], { abs: 0 });
    expectClose(await gpu.read(tensors.moments, 'f32'), [3 / 28, 180 / 784, 7, 0], { abs: 1e-6 });
  });

  test('of GRPO are that over the sample deviation of the group', async () => {
    // Deviations +-0.75 of two samples: deviation 0.75 * sqrt(2).
    const { advantages } = await compute('grpo', rollout);
    const unit = Math.SQRT1_2;
    expectClose(advantages, [unit, unit, -unit, 0, 0, 0, 0], { abs: 1e-6 });
  });

  test('of RLOO are the reward less the mean of the others', async () => {
    const { advantages } = await compute('rloo', rollout);
    expectClose(advantages, [1.5, 1.5, -1.5, 0, 0, 0, 0], { abs: 1e-6 });
  });

  test('of REINFORCE++ are the reward to go, whitened over all actions', async () => {
    // Gamma 1/2: 1/2 1 | -1/2 | 1 | 1/4 1/2 1, of mean 15/28 and variance 202/784.
    const { advantages, tensors } = await compute('reinforce++', rollout, { gamma: 0.5 });
    const raw = [0.5, 1, -0.5, 1, 0.25, 0.5, 1];
    expectClose(await gpu.read(tensors.rawAdvantages, 'f32'), raw, { abs: 0 });
    const want = raw.map((x) => (28 * x - 15) / Math.sqrt(202));
    expectClose(advantages, want, { abs: 1e-6 });
    expectClose(await gpu.read(tensors.moments, 'f32'), [15 / 28, 202 / 784, 7, 0], { abs: 1e-6 });
  });

  test('of the REINFORCE++ baseline are less the group mean, then whitened', async () => {
    // Raw 3/4 3/4 | -3/4 | 0 | 0 0 0, of mean 3/28 and variance 180/784.
    const { advantages } = await compute('reinforce++-baseline', rollout);
    const want = [18, 18, -24, -3, -3, -3, -3].map((x) => x / Math.sqrt(180));
    expectClose(advantages, want, { abs: 1e-6 });
    const { advantages: centred } = await compute('reinforce++-baseline', rollout, {
      whitenScale: false,
    });
    expectClose(
      centred,
      [18, 18, -24, -3, -3, -3, -3].map((x) => x / 28),
      { abs: 1e-6 },
    );
  });

  test('carry the KL of later actions back, after the baseline', async () => {
    const old = [-1, -2, -1, -1, -1, -1, -1];
    const ref = [-2, -4, -1, -1, -1, -1, -1];
    const kl = { estimator: 'k1', coef: 0.125 } as const;
    const { advantages, tensors } = await compute('dr_grpo', { ...rollout, old, ref }, { kl });
    // KL 1 and 2: the second action's 0.25 and the first's 0.125 come off the first.
    expectClose(advantages, [0.375, 0.5, -0.75, 0, 0, 0, 0], { abs: 0 });
    expectClose(await gpu.read(tensors.meanKl, 'f32'), [1.5, 0, 0, 0], { abs: 0 });
  });

  test('of GAE match the reference software from rewards to normalised advantages', async () => {
    const golden: Rollout = {
      lengths: fixture.lengths,
      groupSizes: [4],
      rewards: fixture.sequenceRewards,
      old: fixture.oldLogprobs,
      ref: fixture.refLogprobs,
      values: fixture.oldValues,
    };
    const kl = { estimator: 'k1', coef: 0.01 } as const;
    for (const options of [{ kl }, { kl, lanes: parallelLanes }]) {
      const { advantages, tensors } = await compute('gae', golden, options);
      // The fixture's tolerance for advantages.
      expectClose(await gpu.read(tensors.rawAdvantages, 'f32'), fixture.advantages, { abs: 5e-6 });
      expectClose(await gpu.read(tensors.returns, 'f32'), fixture.returns, { abs: 5e-6 });
      expectClose(advantages, fixture.normalizedAdvantages, { abs: 5e-6 });
    }
  });

  test('refuse a discount with a group baseline, and GAE without a critic', () => {
    const tensors = tensorsOf(rollout);
    for (const estimator of advantageEstimators) {
      const build = () => advantageDispatches(estimator, tensors, hyperOf(rollout, { gamma: 0.9 }));
      if (needsGroups(estimator)) expect(build).toThrow(`${estimator}: gamma must be 1, got 0.9`);
      else expect(build).not.toThrow();
    }
    const { values, ...rest } = tensors;
    for (const estimator of advantageEstimators) {
      const build = (given: AdvantageTensors) => () =>
        advantageDispatches(estimator, given, hyperOf(rollout));
      expect(build({ ...rest, values })).not.toThrow();
      if (needsCritic(estimator)) {
        expect(build(rest)).toThrow(`${estimator}: needs a critic's values`);
      } else {
        expect(build(rest)).not.toThrow();
      }
    }
  });
});

/** Softmax policies over three arms, one per prompt, trained through the kernels alone. */
async function bandit(
  estimator: AdvantageEstimator,
  rewardOf: (prompt: number, arm: number) => number,
) {
  const prompts = 2;
  const samples = 8;
  const arms = 3;
  const count = prompts * samples;
  const rollout: Rollout = {
    lengths: Array<number>(count).fill(1),
    groupSizes: Array<number>(prompts).fill(samples),
    rewards: Array<number>(count).fill(0),
  };
  const tensors = tensorsOf(rollout);
  const gradient = tensorOf(gpu, 'gradient', new Float32Array(count));
  const sources = Array.from({ length: count }, (_, i) => i);
  const loss = policyLoss(
    {
      logprobs: tensors.oldLogprobs,
      action_source: tensorOf(gpu, 'source', sources, [count], 'u32'),
      action_weights: tensorOf(gpu, 'weights', new Float32Array(count).fill(1 / count)),
      old_logprobs: tensors.oldLogprobs,
      advantages: tensors.advantages,
      ref_logprobs: tensors.oldLogprobs,
      grad_logprobs: gradient,
      action_stats: tensorOf(gpu, 'stats', new Float32Array(4 * count), [count, 4]),
    },
    { actionCount: count, clipLow: 0.2, clipHigh: 0.2 },
  );
  const plan = gpu.plan('bandit', [
    ...advantageDispatches(estimator, tensors, hyperOf(rollout)),
    loss,
  ]);
  const logits = Array.from({ length: prompts }, () => Array<number>(arms).fill(0));
  const policy = (prompt: number): number[] => {
    const odds = logits[prompt].map((logit) => Math.exp(logit));
    const total = odds.reduce((sum, x) => sum + x, 0);
    return odds.map((x) => x / total);
  };
  const stream = new RandomStream(3, 'test');
  for (let update = 0; update < 25; update++) {
    const draws = sources.map((i) => {
      const prompt = Math.floor(i / samples);
      const shares = policy(prompt);
      const draw = stream.float();
      const arm = draw < shares[0] ? 0 : draw < shares[0] + shares[1] ? 1 : 2;
      return { prompt, arm, shares };
    });
    const logprobs = draws.map(({ arm, shares }) => Math.log(shares[arm]));
    gpu.upload(tensors.oldLogprobs, Float32Array.from(logprobs));
    const rewards = draws.map(({ prompt, arm }) => rewardOf(prompt, arm));
    gpu.upload(tensors.sequenceRewards, Float32Array.from(rewards));
    await gpu.run(plan);
    const slopes = await gpu.read(gradient, 'f32');
    for (const [i, { prompt, arm, shares }] of draws.entries()) {
      for (let k = 0; k < arms; k++) {
        logits[prompt][k] -= 2 * slopes[i] * ((k === arm ? 1 : 0) - shares[k]);
      }
    }
  }
  return { logits, shares: [policy(0), policy(1)] };
}

describe.each(advantageEstimators)('a bandit with %s', (estimator) => {
  test('learns the right arm of each prompt', async () => {
    const { shares } = await bandit(estimator, (prompt, arm) => (arm === prompt ? 1 : -0.5));
    expect(shares[0][0]).toBeGreaterThan(0.8);
    expect(shares[1][1]).toBeGreaterThan(0.8);
  });

  test('changes nothing when every arm is worth the same', async () => {
    const { logits } = await bandit(estimator, () => 0.7);
    expect(logits.flat().every((logit) => logit === 0)).toBe(true);
  });
});
