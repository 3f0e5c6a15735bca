import { describe, expect, test } from 'vitest';
import { groupBaseline, type GroupBaseline } from '../../kernels/group-baseline.ts';
import { groupBaselineReference } from '../reference/group-baseline.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

async function compute(groups: readonly (readonly number[])[], baseline: GroupBaseline) {
  let first = 0;
  const spans = groups.flatMap((rewards) => {
    first += rewards.length;
    return [first - rewards.length, rewards.length];
  });
  const tensors = {
    groups: tensorOf(gpu, 'groups', spans, [groups.length, 2], 'u32'),
    sequence_rewards: tensorOf(gpu, 'rewards', groups.flat()),
    shaped_rewards: tensorOf(gpu, 'shaped', new Float32Array(first).fill(NaN)),
  };
  await run(gpu, [groupBaseline(tensors, { groupCount: groups.length, baseline })]);
  return gpu.read(tensors.shaped_rewards, 'f32');
}

const baselines = ['mean', 'mean-and-std', 'leave-one-out'] as const;

describe.each(baselines)('group-baseline %s', (baseline) => {
  test('matches the float64 reference on groups of 1 to 64', async () => {
    const sizes = Array.from({ length: 70 }, (_, i) => (i === 69 ? 64 : 1 + (i % 9)));
    const groups = sizes.map((size, i) => [...seeded(size, i, 2)]);
    const want = groups.flatMap((rewards) => groupBaselineReference(rewards, baseline));
    expectClose(await compute(groups, baseline), want, { abs: 2e-6, rel: 2e-5 });
  });

  test('gives equal rewards exactly zero, and a lone sample too', async () => {
    const got = await compute([[0.1, 0.1, 0.1], [0.7]], baseline);
    expectClose(got, [0, 0, 0, 0], { abs: 0 });
  });
});

describe('group-baseline', () => {
  // Rewards 1, 1, -0.5, -0.5 have mean 0.25; deviations +-0.75; sample variance 4 * 0.5625 / 3.
  const rewards = [1, 1, -0.5, -0.5];

  test('works by hand for Dr. GRPO: less the mean', async () => {
    expectClose(await compute([rewards], 'mean'), [0.75, 0.75, -0.75, -0.75], { abs: 0 });
  });

  test('works by hand for GRPO: over the sample deviation', async () => {
    const unit = Math.sqrt(3) / 2;
    const got = await compute([rewards], 'mean-and-std');
    expectClose(got, [unit, unit, -unit, -unit], { abs: 1e-6 });
  });

  test('works by hand for RLOO: less the mean of the others', async () => {
    // The others of a 1 sum to 0, those of a -0.5 to 1.5.
    expectClose(await compute([rewards], 'leave-one-out'), [1, 1, -1, -1], { abs: 1e-6 });
  });

  test('refuses arrays that disagree', () => {
    const one = tensorOf(gpu, 'one', [0]);
    const two = tensorOf(gpu, 'two', [0, 0]);
    const groups = tensorOf(gpu, 'groups', [0, 1], [1, 2], 'u32');
    const options = { groupCount: 1, baseline: 'mean' } as const;
    const tensors = { groups, sequence_rewards: two, shaped_rewards: one };
    expect(() => groupBaseline(tensors, options)).toThrow(
      "group-baseline: shaped_rewards must be (2), got (1) from 'one'",
    );
    expect(() =>
      groupBaseline({ ...tensors, shaped_rewards: two }, { ...options, groupCount: 2 }),
    ).toThrow('groupCount may reach 2, past the 1 held');
  });
});
