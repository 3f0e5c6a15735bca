import { RandomStream } from '../random.ts';
import type { OnlineMethod } from './method.ts';
import type { OnlinePolicy, OnlineTraining } from './online.ts';

export interface LiloSettings {
  /** Weight of earlier responses to a prompt at each new group, in [0, 1] (ours: 0.5). */
  readonly memory: number;
}

export const liloDefaults: LiloSettings = { memory: 0.5 };

/**
 * Sampling by learnability (LILO, arXiv:2502.12272, section 3: p(1 - p), the variance of success).
 * An iteration draws its prompts without replacement, with weights
 *
 *     w = p (1 - p),   p = (right + 1) / (count + 2),
 *
 * from running counts, to which a group adds by right <- memory * right + right', and likewise the
 * count. A prompt that was never sampled has p = 1/2, the greatest weight. The paper estimates p
 * from responses sampled for that alone; here the training's own responses are the estimate, and
 * none are spent. Draws without replacement: the `wanted` highest of log(u) / w (Efraimidis and
 * Spirakis 2006).
 */
function policy(training: OnlineTraining): OnlinePolicy {
  const { memory } = { ...liloDefaults, ...training.settings.lilo };
  const { seed, code, pool } = training;
  const right = new Float64Array(pool);
  const count = new Float64Array(pool);
  const weightOf = (prompt: number): number => {
    const p = ((right[prompt] ?? 0) + 1) / ((count[prompt] ?? 0) + 2);
    return p * (1 - p);
  };
  return {
    rounds: 1,
    choose({ iteration, wanted }) {
      const stream = new RandomStream(seed, 'onlineDraw', code, iteration);
      const keys = Array.from({ length: pool }, (_, prompt) => ({
        prompt,
        key: Math.log(1 - stream.float()) / weightOf(prompt),
      }));
      keys.sort((a, b) => b.key - a.key || a.prompt - b.prompt);
      return { prompts: keys.slice(0, wanted).map(({ prompt }) => prompt), turns: 0 };
    },
    keeps: () => true,
    learn({ groups }) {
      for (const group of groups) {
        right[group.prompt] = memory * (right[group.prompt] ?? 0) + group.right;
        count[group.prompt] = memory * (count[group.prompt] ?? 0) + group.samples;
      }
    },
  };
}

export const lilo = {
  name: 'lilo',
  code: 22,
  label: 'LILO',
  takes: () => 'prompts of the pool, drawn by p(1 − p) of their running accuracy p',
  samples: () => 0,
  policy,
} as const satisfies OnlineMethod;
