import type { Selection, StaticMethod } from './method.ts';

/** FULL: the whole pool. */
export const selectFull = (prompts: number): Selection => ({
  method: 'full',
  indices: Array.from({ length: prompts }, (_, i) => i),
  rule: `all ${prompts} prompts`,
  reason: () => 'the whole pool',
});

export const full = {
  name: 'full',
  code: 0,
  label: 'FULL',
  takes: () => 'every prompt of the pool; its rewards are what selections look at',
  needs: [],
  usualSize: 'all',
  samples: () => 0,
  choose: ({ prompts }) => selectFull(prompts),
} as const satisfies StaticMethod;
