import code from '../shaders/action-stats.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const actionStatsKernel = defineKernel('action-stats', code, {
  params: ['action_count'],
  tensors: { action_stats: 'f32', action_weights: 'f32', extras: 'f32', totals: 'f32' },
});

/**
 * Adds a micro-batch's per-action numbers to running totals. Shapes: `shaders/action-stats.wgsl`.
 *
 * @param options.actionCount Actions of the micro-batch in use.
 * @throws ShapeError unless the arrays agree and `totals` is (8).
 */
export function actionStats(
  tensors: TensorsOf<typeof actionStatsKernel>,
  options: { readonly actionCount: Size; readonly lanes?: Lanes },
): Dispatch {
  const actions = rank1('action-stats', 'action_weights', tensors.action_weights);
  expectShape('action-stats', 'action_stats', tensors.action_stats, [actions, 4]);
  expectShape('action-stats', 'extras', tensors.extras, [actions]);
  expectShape('action-stats', 'totals', tensors.totals, [8]);
  expectCapacity('action-stats', 'actionCount', options.actionCount, actions);
  return actionStatsKernel.bind(tensors, { action_count: options.actionCount }, [1], {
    constants: { LANES: (options.lanes ?? serialLanes).lanes },
  });
}

/** Means over the actions counted so far, read from a totals buffer. */
export interface ActionMeans {
  /** Sum of weight times loss: what the update minimises. */
  readonly weightedLoss: number;
  /** Plain mean of the loss over actions. */
  readonly loss: number;
  /** Means of the second to fourth per-action statistic, as the loss's shader defines them. */
  readonly stats: readonly [number, number, number];
  readonly extra: number;
  readonly count: number;
  /** Sum of the weights: 1 after a whole update. */
  readonly weight: number;
}

/** Means from the eight totals of `shaders/action-stats.wgsl`; 0 where nothing was counted. */
export function actionMeans(totals: ArrayLike<number>): ActionMeans {
  const at = (i: number): number => totals[i] ?? 0;
  const count = at(5);
  const mean = (i: number): number => (count === 0 ? 0 : at(i) / count);
  return {
    weightedLoss: at(0),
    loss: mean(6),
    stats: [mean(1), mean(2), mean(3)],
    extra: mean(4),
    count,
    weight: at(7),
  };
}
