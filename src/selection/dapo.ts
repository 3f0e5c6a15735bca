import type { OnlineMethod } from './method.ts';
import { type OnlinePolicy, type OnlineTraining, varies, Walk } from './online.ts';

export interface DapoSettings {
  /** Most rounds of sampling in an iteration, from 1 to 100 (released recipe: 10). */
  readonly rounds: number;
}

export const dapoDefaults: DapoSettings = { rounds: 10 };

/**
 * Dynamic sampling (DAPO, arXiv:2503.14476, section 3.2, equation 11): an update takes only groups
 * whose responses are neither all right nor all wrong,
 *
 *     0 < right < samples,
 *
 * and the rollout is refilled with the next prompts until it is full or the rounds are over.
 */
function policy(training: OnlineTraining): OnlinePolicy {
  const { rounds } = { ...dapoDefaults, ...training.settings.dapo };
  const walk = new Walk(training);
  return {
    rounds,
    choose: (place) => walk.next(place),
    keeps: varies,
    learn: (update) => {
      walk.advance(update);
    },
  };
}

export const dapo = {
  name: 'dapo',
  code: 21,
  label: 'DAPO',
  takes: () => 'groups of the pool that are neither all right nor all wrong; others are replaced',
  samples: () => 0,
  policy,
} as const satisfies OnlineMethod;
