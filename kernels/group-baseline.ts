import code from '../shaders/group-baseline.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const groupBaselineKernel = defineKernel('group-baseline', code, {
  params: ['group_count', 'mode'],
  tensors: { groups: 'u32', sequence_rewards: 'f32', shaped_rewards: 'f32' },
});

/** What a sequence's reward is compared with inside its group. */
export type GroupBaseline = 'mean' | 'mean-and-std' | 'leave-one-out';

const modes: Readonly<Record<GroupBaseline, number>> = {
  mean: 1,
  'mean-and-std': 2,
  'leave-one-out': 3,
};

/**
 * Rewards relative to their group. Math and shapes: `shaders/group-baseline.wgsl`.
 *
 * @param options.groupCount Groups in use.
 * @throws ShapeError unless `shaped_rewards` has the shape of `sequence_rewards`.
 */
export function groupBaseline(
  tensors: TensorsOf<typeof groupBaselineKernel>,
  options: { readonly groupCount: Size; readonly baseline: GroupBaseline },
): Dispatch {
  const [groups] = rank2('group-baseline', 'groups', tensors.groups);
  expectShape('group-baseline', 'groups', tensors.groups, [groups, 2]);
  const sequences = rank1('group-baseline', 'sequence_rewards', tensors.sequence_rewards);
  expectShape('group-baseline', 'shaped_rewards', tensors.shaped_rewards, [sequences]);
  expectCapacity('group-baseline', 'groupCount', options.groupCount, groups);
  return groupBaselineKernel.bind(
    tensors,
    { group_count: options.groupCount, mode: modes[options.baseline] },
    () => [Math.ceil(valueOf(options.groupCount) / 64)],
  );
}
