import type { LrScheduleShape } from '../vocabulary/schedules.ts';

/**
 * A learning rate as a function of the optimizer update. The config's optimizer has these fields.
 */
export interface LrSchedule {
  readonly schedule: LrScheduleShape;
  /** Rate at the end of the warmup. */
  readonly learningRate: number;
  /** Updates over which the rate rises linearly from 0. The first update of a warmup has rate 0. */
  readonly warmupUpdates: number;
  /** Update at which `linear` and `cosine` reach 0 and `cosine_with_min_lr` its floor. */
  readonly horizonUpdates: number;
  /** Floor of `cosine_with_min_lr` as a share of `learningRate`; other schedules ignore it. */
  readonly minimumShare: number;
}

/**
 * The learning rate of an optimizer update, as in `transformers.get_scheduler`: past the horizon
 * `linear` stays at 0, and the cosines rise again.
 *
 * @param update The update's number, from 0.
 */
export function rateAt(settings: LrSchedule, update: number): number {
  const { schedule, learningRate, warmupUpdates, horizonUpdates, minimumShare } = settings;
  if (update < warmupUpdates) return (learningRate * update) / warmupUpdates;
  const progress = (update - warmupUpdates) / Math.max(1, horizonUpdates - warmupUpdates);
  const wave = (1 + Math.cos(Math.PI * progress)) / 2;
  switch (schedule) {
    case 'constant':
      return learningRate;
    case 'linear':
      return learningRate * Math.max(0, 1 - progress);
    case 'cosine':
      return learningRate * wave;
    case 'cosine_with_min_lr':
      return learningRate * (minimumShare + (1 - minimumShare) * wave);
  }
}
