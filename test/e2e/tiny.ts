// A whole experiment small enough for a software adapter: an address of the page carries it.
export const tiny = {
  task: {
    modulus: 3,
    maxOperators: 2,
    skills: { easiest: 0.95, hardest: 0.4 },
    poolPrompts: 64,
    strata: {
      easy: { share: 0.1, above: -1, below: 2, minOperators: 1, maxOperators: 1 },
      learnable: { share: 0.5, above: -1, below: 2, minOperators: 2, maxOperators: 2 },
      hard: { share: 0.4, above: -1, below: 2, minOperators: 2, maxOperators: 2 },
    },
    tiers: [
      { prompts: 8, minOperators: 1, maxOperators: 1, below: 2 },
      { prompts: 24, minOperators: 2, maxOperators: 2, below: 2 },
    ],
  },
  model: {
    hiddenSize: 16,
    intermediateSize: 32,
    layers: 1,
    heads: 2,
    kvHeads: 2,
    headDim: 8,
  },
  base: {
    updates: 60,
    sequencesPerUpdate: 32,
    optimizer: { learningRate: 0.01, warmupUpdates: 5, horizonUpdates: 60 },
  },
  rollout: { prompts: 16 },
  ppo: { minibatches: 2, actor: { learningRate: 0.003, warmupUpdates: 2 } },
  lim: { theta: 0.3 },
  experiment: { epochs: 4, armLength: 8, readouts: [4, 8, 12, 16], tableReadout: 8 },
  evaluation: { samples: 2 },
};

/** The page's hash for `tiny` with some settings of its sections replaced. */
export function tinyHash(
  replaced: Partial<Record<'task' | 'base' | 'experiment', object>> = {},
): string {
  const config = {
    ...tiny,
    task: { ...tiny.task, ...replaced.task },
    base: { ...tiny.base, ...replaced.base },
    experiment: { ...tiny.experiment, ...replaced.experiment },
  };
  return `#${new URLSearchParams({ preset: 'quick', seed: '1', config: JSON.stringify(config) })}`;
}
