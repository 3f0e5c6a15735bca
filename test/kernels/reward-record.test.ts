import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { rewardRecord } from '../../kernels/reward-record.ts';
import { RandomStream } from '../../src/random.ts';
import { rewardRecordReference } from '../reference/reward-record.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

interface Group {
  readonly prompt: number;
  readonly rewards: readonly number[];
}

function matricesOf(prompts: number, columns: number) {
  const size = prompts * columns;
  return {
    accuracy_sums: tensorOf(gpu, 'accuracy', new Float32Array(size), [prompts, columns]),
    reward_sums: tensorOf(gpu, 'reward', new Float32Array(size), [prompts, columns]),
    samples: tensorOf(gpu, 'counts', new Uint32Array(size), [prompts, columns]),
  };
}

function rolloutOf(groups: readonly Group[]) {
  let first = 0;
  const spans = groups.flatMap(({ rewards }) => {
    first += rewards.length;
    return [first - rewards.length, rewards.length];
  });
  const prompts = groups.map(({ prompt }) => prompt);
  return {
    groups: tensorOf(gpu, 'groups', spans, [groups.length, 2], 'u32'),
    group_prompts: tensorOf(gpu, 'prompts', prompts, [groups.length], 'u32'),
    sequence_rewards: tensorOf(
      gpu,
      'rewards',
      groups.flatMap(({ rewards }) => rewards),
    ),
  };
}

describe('reward-record', () => {
  test.each([
    [1, 1, 1],
    [5, 3, 40],
    [300, 4, 130],
  ])(
    'matches the reference on %i prompts, %i epochs, %i groups',
    async (prompts, columns, count) => {
      const stream = new RandomStream(1, 'test', prompts);
      const matrices = matricesOf(prompts, columns);
      const want = {
        accuracy: new Float64Array(prompts * columns),
        reward: new Float64Array(prompts * columns),
        counts: new Float64Array(prompts * columns),
      };
      // Two rollouts a column; prompts repeat inside a rollout.
      for (let k = 0; k < 2 * columns; k++) {
        const column = k % columns;
        const groups = Array.from({ length: count }, () => ({
          prompt: stream.below(prompts),
          rewards: Array.from(
            { length: 1 + stream.below(8) },
            () => [1, -0.5, -1][stream.below(3)],
          ),
        }));
        rewardRecordReference(want, columns, column, groups);
        await run(gpu, [
          rewardRecord({ ...rolloutOf(groups), ...matrices }, { groupCount: count, column }),
        ]);
      }
      // Sums of halves: exact in f32.
      expectClose(await gpu.read(matrices.accuracy_sums, 'f32'), want.accuracy, { abs: 0 });
      expectClose(await gpu.read(matrices.reward_sums, 'f32'), want.reward, { abs: 0 });
      expectClose(await gpu.read(matrices.samples, 'u32'), want.counts, { abs: 0 });
    },
  );

  test('counts only a reward of exactly 1 as right, in its column alone', async () => {
    const matrices = matricesOf(2, 2);
    const groups = [
      { prompt: 1, rewards: [1, -0.5, 1, -1] },
      { prompt: 0, rewards: [0.999] },
    ];
    const column = new Variable('column', 1, 1);
    await run(gpu, [
      rewardRecord({ ...rolloutOf(groups), ...matrices }, { groupCount: 2, column }),
    ]);
    expectClose(await gpu.read(matrices.accuracy_sums, 'f32'), [0, 0, 0, 2], { abs: 0 });
    expectClose(await gpu.read(matrices.reward_sums, 'f32'), [0, 0.999, 0, 0.5], { abs: 1e-7 });
    expect([...(await gpu.read(matrices.samples, 'u32'))]).toEqual([0, 1, 0, 4]);
  });

  test('leaves groups past the count out', async () => {
    const matrices = matricesOf(1, 1);
    const groups = [
      { prompt: 0, rewards: [1] },
      { prompt: 0, rewards: [1] },
    ];
    const dispatch = rewardRecord(
      { ...rolloutOf(groups), ...matrices },
      { groupCount: 1, column: 0 },
    );
    await run(gpu, [dispatch]);
    expect([...(await gpu.read(matrices.samples, 'u32'))]).toEqual([1]);
  });

  test('refuses a column past the matrix and matrices that disagree', () => {
    const tensors = { ...rolloutOf([{ prompt: 0, rewards: [1] }]), ...matricesOf(2, 3) };
    expect(() => rewardRecord(tensors, { groupCount: 1, column: 3 })).toThrow(
      'reward-record: columns may reach 4, past the 3 held',
    );
    expect(() => rewardRecord(tensors, { groupCount: 1, column: new Variable('k', 0) })).toThrow(
      'columns may reach Infinity',
    );
    const { reward_sums } = matricesOf(3, 2);
    expect(() => rewardRecord({ ...tensors, reward_sums }, { groupCount: 1, column: 0 })).toThrow(
      "reward-record: reward_sums must be (2, 3), got (3, 2) from 'reward'",
    );
  });
});
