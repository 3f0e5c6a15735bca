// The five acts of a run's story, and in which of them a run is.
import type { RunView } from '../../src/index.ts';

export type Act = 1 | 2 | 3 | 4 | 5;

/** The acts in order. */
export const acts: readonly Act[] = [1, 2, 3, 4, 5];

export function actOf({ state, stage }: Pick<RunView, 'state' | 'stage'>): Act {
  if (state === 'done') return 5;
  switch (stage) {
    case undefined:
    case 'base':
      return 1;
    case 'full':
      return 2;
    case 'score':
      return 3;
    case 'report':
      return 5;
    default:
      return 4;
  }
}
