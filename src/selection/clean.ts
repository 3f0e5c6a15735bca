import { drawOf, placesWhere } from './draw.ts';
import { known, type StaticMethod } from './method.ts';

/** CLEAN: RAND without the wrong keys. What LIM is ahead of it by is more than the removal of noise. */
export const clean = {
  name: 'clean',
  code: 8,
  label: 'CLEAN',
  takes: () => 'as many prompts as LIM, drawn at random among those with a right key',
  needs: ['keys'],
  usualSize: 'as LIM',
  samples: () => 0,
  choose: (pool, cut) => {
    const right = placesWhere(known(pool.keys, 'clean', 'keys'), ({ wrongKey }) => !wrongKey);
    return drawOf({ method: 'clean', code: 8, kind: 'prompts with a right key' }, pool, right, cut);
  },
} as const satisfies StaticMethod;
