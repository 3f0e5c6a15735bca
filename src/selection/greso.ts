import { RandomStream } from '../random.ts';
import type { OnlineMethod } from './method.ts';
import { type OnlinePolicy, type OnlineTraining, varies, Walk } from './online.ts';

/**
 * Shares and probabilities are in [0, 1]. The numbers in brackets are those of the authors' code and
 * scripts (Infini-AI-Lab/GRESO).
 */
export interface GresoSettings {
  /** Exploration probability at the beginning (0.5), the least (0.05) and most (0.95) it becomes. */
  readonly explore: number;
  readonly exploreLeast: number;
  readonly exploreMost: number;
  /** Change of the exploration probabilities after an iteration (0.01). */
  readonly step: number;
  /** Wanted share of groups that are all right (1/12), and all wrong (1/6): a quarter in all. */
  readonly easyShare: number;
  readonly hardShare: number;
  /** Most rounds of sampling in an iteration, from 1 to 100 (as for DAPO: 10). */
  readonly rounds: number;
}

export const gresoDefaults: GresoSettings = {
  explore: 0.5,
  exploreLeast: 0.05,
  exploreMost: 0.95,
  step: 0.01,
  easyShare: 1 / 12,
  hardShare: 1 / 6,
  rounds: 10,
};

/**
 * Selective rollouts (GRESO, arXiv:2506.02177, section 4): a prompt whose last z groups had no
 * variance is skipped, before it is sampled, with probability
 *
 *     1 - p^z,
 *
 * p being the exploration probability of easy or of hard prompts, by what its last group was. After
 * an iteration p falls by a step where the share of such groups is at least the wanted one, and
 * rises where it is below; not during the first data epoch, which nothing can be skipped in. Groups without variance are dropped, and the rollout is refilled as by
 * DAPO.
 */
function policy(training: OnlineTraining): OnlinePolicy {
  const settings = { ...gresoDefaults, ...training.settings.greso };
  const { seed, code, pool } = training;
  const walk = new Walk(training);
  /** Last groups in a row without variance: above 0 if all right, below 0 if all wrong. */
  const streak = new Int32Array(pool);
  const explore = { easy: settings.explore, hard: settings.explore };
  const moved = (p: number, share: number, wanted: number): number =>
    Math.min(
      settings.exploreMost,
      Math.max(settings.exploreLeast, p + (share >= wanted ? -1 : 1) * settings.step),
    );
  return {
    rounds: settings.rounds,
    choose: (place) =>
      walk.next(place, (prompt, turn) => {
        const last = streak[prompt] ?? 0;
        if (last === 0) return true;
        const p = last > 0 ? explore.easy : explore.hard;
        return (
          new RandomStream(seed, 'onlineDraw', code, turn).float() < Math.pow(p, Math.abs(last))
        );
      }),
    keeps: varies,
    learn(update) {
      const afterFirstEpoch = walk.turns >= pool;
      walk.advance(update);
      const { groups } = update;
      if (groups.length === 0) return;
      let [easy, hard] = [0, 0];
      for (const { prompt, right, samples } of groups) {
        const last = streak[prompt] ?? 0;
        if (right === samples) {
          easy++;
          streak[prompt] = Math.max(0, last) + 1;
        } else if (right === 0) {
          hard++;
          streak[prompt] = Math.min(0, last) - 1;
        } else streak[prompt] = 0;
      }
      if (!afterFirstEpoch) return;
      explore.easy = moved(explore.easy, easy / groups.length, settings.easyShare);
      explore.hard = moved(explore.hard, hard / groups.length, settings.hardShare);
    },
  };
}

export const greso = {
  name: 'greso',
  code: 23,
  label: 'GRESO',
  takes: () => 'as DAPO, but skips most prompts whose last groups were all right or all wrong',
  samples: () => 0,
  policy,
} as const satisfies OnlineMethod;
