import type { OnlineMethod } from './method.ts';
import { type OnlinePolicy, type OnlineTraining, Walk } from './online.ts';

export interface RetireSettings {
  /** Running accuracy from which a prompt is left out for good, in (0, 1] (paper: 0.9). */
  readonly accuracy: number;
}

export const retireDefaults: RetireSettings = { accuracy: 0.9 };

/**
 * Retiring solved prompts (ScaleRL, arXiv:2510.13786, section 3.2, "no positive resampling"): a
 * prompt leaves the pool for good once the share of right responses, over all that it got,
 *
 *     right / count >= accuracy.
 *
 * A rollout is smaller where fewer prompts are left.
 */
function policy(training: OnlineTraining): OnlinePolicy {
  const { accuracy } = { ...retireDefaults, ...training.settings.retire };
  const walk = new Walk(training);
  const right = new Float64Array(training.pool);
  const count = new Float64Array(training.pool);
  return {
    rounds: 1,
    choose: (place) =>
      walk.next(place, (prompt) => {
        const sampled = count[prompt] ?? 0;
        return sampled === 0 || (right[prompt] ?? 0) < accuracy * sampled;
      }),
    keeps: () => true,
    learn(update) {
      walk.advance(update);
      for (const group of update.groups) {
        right[group.prompt] = (right[group.prompt] ?? 0) + group.right;
        count[group.prompt] = (count[group.prompt] ?? 0) + group.samples;
      }
    },
  };
}

export const retire = {
  name: 'retire',
  code: 24,
  label: 'RETIRE',
  takes: () => 'the pool, without prompts that it has come to solve nearly always',
  samples: () => 0,
  policy,
} as const satisfies OnlineMethod;
