import code from '../shaders/reward-record.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { maxOf, type Size, valueOf } from './lib/variable.ts';

export const rewardRecordKernel = defineKernel('reward-record', code, {
  params: ['group_count', 'column', 'columns'],
  tensors: {
    groups: 'u32',
    group_prompts: 'u32',
    sequence_rewards: 'f32',
    sequence_flags: 'u32',
    accuracy_sums: 'f32',
    reward_sums: 'f32',
    samples: 'u32',
  },
});

/**
 * A verifier's findings about a sequence beside its reward: bits of the sequence's word in
 * `sequence_flags`.
 */
export const sequenceFlag = { correct: 1, formatted: 2 } as const;

/**
 * Adds a rollout's rewards and its counts of correct sequences to a column of the reward matrix.
 * Shapes: `shaders/reward-record.wgsl`.
 *
 * @param options.groupCount Groups in use.
 * @param options.column Data epoch, from 0. The column, or its maximum as a `Variable`, is below
 *   the matrix's K.
 * @throws ShapeError unless the three matrices agree, flags and rewards are of one length, and the
 *   column lies inside them.
 */
export function rewardRecord(
  tensors: TensorsOf<typeof rewardRecordKernel>,
  options: { readonly groupCount: Size; readonly column: Size },
): Dispatch {
  const [groups] = rank2('reward-record', 'groups', tensors.groups);
  expectShape('reward-record', 'groups', tensors.groups, [groups, 2]);
  expectShape('reward-record', 'group_prompts', tensors.group_prompts, [groups]);
  const sequences = rank1('reward-record', 'sequence_rewards', tensors.sequence_rewards);
  expectShape('reward-record', 'sequence_flags', tensors.sequence_flags, [sequences]);
  const [prompts, columns] = rank2('reward-record', 'accuracy_sums', tensors.accuracy_sums);
  for (const role of ['reward_sums', 'samples'] as const) {
    expectShape('reward-record', role, tensors[role], [prompts, columns]);
  }
  expectCapacity('reward-record', 'groupCount', options.groupCount, groups);
  expectCapacity('reward-record', 'columns', maxOf(options.column) + 1, columns);
  return rewardRecordKernel.bind(
    tensors,
    { group_count: options.groupCount, column: options.column, columns },
    () => [Math.ceil(valueOf(options.groupCount) / 64)],
  );
}
