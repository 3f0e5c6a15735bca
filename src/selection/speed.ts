import type { OnlineMethod } from './method.ts';
import { type OnlinePolicy, type OnlineTraining, Walk } from './online.ts';

export interface SpeedSettings {
  /** Share of a group's responses that screen it, in (0, 1) (paper: 8 of 24). */
  readonly screenShare: number;
  /** The band that a pass rate must lie in, its ends left out, in [0, 1] (paper: 0 to 1). */
  readonly low: number;
  readonly high: number;
  /** Most rounds of screening in an iteration, from 1 to 100 (ours: 10). */
  readonly rounds: number;
}

export const speedDefaults: SpeedSettings = { screenShare: 1 / 3, low: 0, high: 1, rounds: 10 };

/**
 * Screening (SPEED, arXiv:2506.09016, section 4): the first responses of a group,
 *
 *     s = screenShare * samples, rounded, from 1 to samples - 1,
 *
 * tell its pass rate; only where that lies in the band, low < right / s < high, are the others
 * sampled. An update takes these groups whole. Screened responses count as generated, those of
 * other groups not as trained on. Further prompts are screened until the rollout is full.
 */
function policy(training: OnlineTraining): OnlinePolicy {
  const { screenShare, low, high, rounds } = { ...speedDefaults, ...training.settings.speed };
  const walk = new Walk(training);
  const most = training.samples - 1;
  const samples = Math.min(most, Math.max(1, Math.round(screenShare * training.samples)));
  return {
    rounds,
    screening: {
      samples,
      passes: (right, of) => right > low * of && right < high * of,
    },
    choose: (place) => walk.next(place),
    keeps: () => true,
    learn: (update) => {
      walk.advance(update);
    },
  };
}

export const speed = {
  name: 'speed',
  code: 25,
  label: 'SPEED',
  takes: () => 'prompts of the pool that a few samples find neither solved nor hopeless',
  samples: () => 0,
  policy,
} as const satisfies OnlineMethod;
