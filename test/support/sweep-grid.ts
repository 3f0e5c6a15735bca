import { tiny } from '../e2e/tiny.ts';

/** A grid of four cells and two FULL passes, each a matter of seconds. FULL goes on after its scores. */
export const fourCells = {
  preset: 'quick',
  config: {
    ...tiny,
    task: {
      ...tiny.task,
      poolPrompts: 16,
      tiers: tiny.task.tiers.map((tier) => ({ ...tier, prompts: 8 })),
    },
    base: {
      ...tiny.base,
      updates: 20,
      optimizer: { ...tiny.base.optimizer, learningRate: 0.02, horizonUpdates: 20 },
    },
    rollout: { prompts: 8, samples: 4 },
    lim: { theta: 0.3 },
    experiment: {
      epochs: 2,
      fullLength: 6,
      armLength: 3,
      readouts: [2, 4],
      tableReadout: 2,
      checkpointEvery: 2,
    },
  },
  factors: { 'lim.count': [4, 8] },
  methods: ['lim', 'rand'],
  seeds: [1, 2],
};
