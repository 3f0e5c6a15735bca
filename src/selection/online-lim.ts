import type { OnlineMethod } from './method.ts';
import { EndlessOrder, type OnlinePolicy, type OnlineTraining } from './online.ts';

export interface NarrowingSettings {
  /** Data epochs before the pool may be narrowed, from 2 to 1000 (ours: 2). */
  readonly leastEpochs: number;
  /** Resampled matrices that the noise of the ranking is measured on, from 1 to 1000 (ours: 20). */
  readonly resamples: number;
}

export const narrowingDefaults: NarrowingSettings = { leastEpochs: 2, resamples: 20 };

export const narrowingSettings = (given: Partial<NarrowingSettings> = {}): NarrowingSettings => ({
  ...narrowingDefaults,
  ...given,
});

/**
 * Online LIM (ours, from LIMR, arXiv:2502.11886): training goes over the whole pool as FULL does,
 * and keeps a reward matrix. Where its ranking by LIM score is stiller than its sampling noise,
 * training goes on with the prompts that LIM keeps, and with the weights as they stand. Who is kept
 * and when is decided where the matrix is: `src/lim/stillness.ts`.
 */
function policy(training: OnlineTraining): OnlinePolicy {
  const all = Array.from({ length: training.pool }, (_, i) => i);
  let prompts: readonly number[] = all;
  let order = new EndlessOrder(all, training, 'onlineOrder');
  /** Iterations in all, and before the pool was narrowed. */
  let [done, before] = [0, 0];
  return {
    rounds: 1,
    choose({ iteration }) {
      const { first, count } = training.turnsOf(prompts.length, iteration - before);
      return { prompts: Array.from({ length: count }, (_, i) => order.at(first + i)), turns: 0 };
    },
    keeps: () => true,
    learn({ narrowed }) {
      done++;
      if (!narrowed) return;
      prompts = narrowed;
      order = new EndlessOrder(prompts, training, 'narrowedOrder');
      before = done;
    },
  };
}

export const onlineLim = {
  name: 'online-lim',
  code: 20,
  label: 'ONLINE LIM',
  takes: () => 'the pool, and the prompts that LIM keeps once its ranking has come to rest',
  samples: () => 0,
  policy,
  narrows: true,
} as const satisfies OnlineMethod;
