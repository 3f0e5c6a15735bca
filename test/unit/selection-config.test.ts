import { expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { expectSelectable } from '../../src/scheduler/selection-stage.ts';
import type { MethodName } from '../../src/selection/methods.ts';
import type { PoolPrompt } from '../../src/tasks/task.ts';

const configOf = (methods: readonly MethodName[], over: object = {}) =>
  configFrom('quick', { experiment: { methods: ['full', ...methods] }, ...over }, 'my.json');

const taskOf = (facts: Partial<PoolPrompt>) => ({
  name: 'mine',
  pool: () => [{ text: 'q', key: 'a', ...facts }],
});

test.each([
  [
    { experiment: { epochs: 2, methods: ['full', 'lim-early-3'] } },
    'my.json: experiment.methods: lim-early-3 reads 3 data epochs, the run has 2',
  ],
  [
    { lim: { signal: 'reward' }, experiment: { methods: ['full', 'lim-debiased'] } },
    'my.json: lim.signal: must be accuracy for lim-debiased, whose scores are of counts of right answers',
  ],
  [
    {
      rollout: { samples: 1 },
      evaluation: { samples: 0 },
      experiment: { methods: ['full', 'lim-debiased'] },
    },
    'my.json: rollout.samples: must be at least 2 for lim-debiased: one answer tells nothing of its noise',
  ],
])('a config that a method cannot work with is refused (%#)', (over, message) => {
  expect(() => configFrom('quick', over, 'my.json')).toThrow(message);
});

test.each([
  ['clean', {}, 'to know which keys are wrong'],
  ['strat', {}, 'to know which keys are wrong'],
  ['anti', {}, 'to know which keys are wrong'],
  ['oracle', {}, 'to know which keys are wrong'],
  ['oracle', { wrongKey: false }, 'to know how hard each prompt is by design'],
] as const)(
  '%s is refused of a task that tells not enough of its prompts',
  (name, facts, words) => {
    expect(() => expectSelectable(configOf(['lim', name]), 1, taskOf(facts))).toThrow(
      `experiment.methods: ${name} needs ${words}, which the task mine does not tell`,
    );
  },
);

test('other methods need to know nothing, and known keys serve all', () => {
  expectSelectable(configOf(['lim', 'rand', 'hvar']), 1, taskOf({}));
  expectSelectable(configOf(['clean', 'strat', 'anti']), 1, taskOf({ wrongKey: true }));
  const known = { wrongKey: true, origin: 'hard' } as const;
  expectSelectable(configOf(['clean', 'oracle']), 1, taskOf(known));
});
