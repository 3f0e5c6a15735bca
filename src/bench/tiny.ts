import { configFrom, drawnConfig } from '../config.ts';

/** An experiment of a few hundred weights, which shows that a benchmark runs. */
export const tinyConfig = drawnConfig(
  configFrom(
    'quick',
    {
      preset: 'tiny',
      task: { poolPrompts: 16 },
      model: { hiddenSize: 8, intermediateSize: 8, layers: 1, heads: 1, kvHeads: 1, headDim: 8 },
      base: { sequencesPerUpdate: 4 },
      rollout: { prompts: 4, samples: 2 },
      ppo: { minibatches: 2 },
      evaluation: { prompts: 2 },
    },
    'tiny',
  ),
  'the benchmark',
);
