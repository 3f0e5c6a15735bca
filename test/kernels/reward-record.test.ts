import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { rewardRecord, sequenceFlag } from '../../kernels/reward-record.ts';
import { RandomStream } from '../../src/random.ts';
import { rewardRecordReference } from '../reference/reward-record.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

interface Group {
  readonly prompt: number;
  readonly rewards: readonly number[];
  readonly correct: readonly boolean[];
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
    // Whether a sequence is well formed is of no account here: every other one is.
    sequence_flags: tensorOf(
      gpu,
      'flags',
      groups
        .flatMap(({ correct }) => correct)
        .map(
          (right, i) => (right ? sequenceFlag.correct : 0) | (i % 2 ? sequenceFlag.formatted : 0),
        ),
      undefined,
      'u32',
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
        const groups = Array.from({ length: count }, () => {
          const length = 1 + stream.below(8);
          return {
            prompt: stream.below(prompts),
            rewards: Array.from({ length }, () => [1, -0.5, -1][stream.below(3)]),
            correct: Array.from({ length }, () => stream.below(2) === 1),
          };
        });
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

  test('counts as right what the flags say, whatever it was paid, in its column alone', async () => {
    const matrices = matricesOf(2, 2);
    const groups = [
      { prompt: 1, rewards: [0.25, 2, 0.25, 1], correct: [true, false, true, false] },
      { prompt: 0, rewards: [1], correct: [false] },
    ];
    const column = new Variable('column', 1, 1);
    await run(gpu, [
      rewardRecord({ ...rolloutOf(groups), ...matrices }, { groupCount: 2, column }),
    ]);
    expectClose(await gpu.read(matrices.accuracy_sums, 'f32'), [0, 0, 0, 2], { abs: 0 });
    expectClose(await gpu.read(matrices.reward_sums, 'f32'), [0, 1, 0, 3.5], { abs: 0 });
    expect([...(await gpu.read(matrices.samples, 'u32'))]).toEqual([0, 1, 0, 4]);
  });

  test('leaves groups past the count out', async () => {
    const matrices = matricesOf(1, 1);
    const groups = [
      { prompt: 0, rewards: [1], correct: [true] },
      { prompt: 0, rewards: [1], correct: [true] },
    ];
    const dispatch = rewardRecord(
      { ...rolloutOf(groups), ...matrices },
      { groupCount: 1, column: 0 },
    );
    await run(gpu, [dispatch]);
    expect([...(await gpu.read(matrices.samples, 'u32'))]).toEqual([1]);
  });

  test('refuses a column past the matrix and matrices that disagree', () => {
    const tensors = {
      ...rolloutOf([{ prompt: 0, rewards: [1], correct: [true] }]),
      ...matricesOf(2, 3),
    };
    expect(() => rewardRecord(tensors, { groupCount: 1, column: 3 })).toThrow(
      'reward-record: columns may reach 4, past the 3 held',
    );
    expect(() => rewardRecord(tensors, { groupCount: 1, column: new Variable('k', 0) })).toThrow(
      'columns may reach Infinity',
    );
    const sequence_flags = tensorOf(gpu, 'flags', [1, 1], [2], 'u32');
    expect(() =>
      rewardRecord({ ...tensors, sequence_flags }, { groupCount: 1, column: 0 }),
    ).toThrow("reward-record: sequence_flags must be (1), got (2) from 'flags'");
    const { reward_sums } = matricesOf(3, 2);
    expect(() => rewardRecord({ ...tensors, reward_sums }, { groupCount: 1, column: 0 })).toThrow(
      "reward-record: reward_sums must be (2, 3), got (3, 2) from 'reward'",
    );
  });
});
