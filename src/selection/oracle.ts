import { drawOf, placesWhere } from './draw.ts';
import { known, type StaticMethod } from './method.ts';

/** ORACLE: prompts that were made learnable and have a right key, which no method can know. */
export const oracle = {
  name: 'oracle',
  code: 10,
  label: 'ORACLE',
  takes: () => 'as many prompts as LIM, drawn at random among the learnable ones with a right key',
  needs: ['keys', 'strata'],
  usualSize: 'as LIM',
  samples: () => 0,
  choose: (pool, cut) => {
    const good = placesWhere(
      known(pool.keys, 'oracle', 'keys'),
      ({ origin, wrongKey }) => origin === 'learnable' && !wrongKey,
    );
    const kind = 'learnable prompts with a right key';
    return drawOf({ method: 'oracle', code: 10, kind }, pool, good, cut);
  },
} as const satisfies StaticMethod;
