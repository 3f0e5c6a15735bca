import type { Selection, SelectionMethod } from './method.ts';

/** FULL: the whole pool. */
export const selectFull = (prompts: number): Selection => ({
  method: 'full',
  indices: Array.from({ length: prompts }, (_, i) => i),
  rule: `all ${prompts} prompts`,
  reason: () => 'the whole pool',
});

export const full: SelectionMethod = {
  name: 'full',
  needs: [],
  usualSize: 'all',
  samples: () => 0,
  choose: ({ prompts }) => selectFull(prompts),
};
