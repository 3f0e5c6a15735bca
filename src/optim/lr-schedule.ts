import type { LrScheduleShape } from '../vocabulary/schedules.ts';

/** A learning rate as a function of the optimizer update; the config's optimizer is one. */
export interface LrSchedule {
  readonly schedule: LrScheduleShape;
  /** Rate at the end of the warmup. */
  readonly learningRate: number;
  /** Updates of linear rise from 0; the first update of a warmup has rate 0. */
  readonly warmupUpdates: number;
  /** Update at which `linear` and `cosine` reach 0 and `cosine_with_min_lr` its floor. */
  readonly horizonUpdates: number;
  /** Floor of `cosine_with_min_lr` as a share of `learningRate`; the others do not look at it. */
  readonly minimumShare: number;
}

/**
 * The learning rate of an optimizer update, as `transformers.get_scheduler` has it: past the
 * horizon `linear` stays at 0, the cosines rise again.
 *
 * @param update Counts from 0.
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
