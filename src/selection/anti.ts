import { countIn, cutScores } from './cut.ts';
import { known, type StaticMethod, wholePass } from './method.ts';

/**
 * ANTI: the lowest LIM scores. As a control it says something only where the keys are known: the
 * lowest scores are those of wrong keys first.
 */
export const anti = {
  name: 'anti',
  code: 11,
  label: 'ANTI',
  takes: () => 'as many prompts as LIM, with the lowest scores',
  needs: ['scores', 'keys'],
  usualSize: 'as LIM',
  samples: wholePass,
  choose: ({ scores: given }, cut) => {
    const { scores, exact, ...rest } = known(given, 'anti', 'scores');
    const negated = {
      ...rest,
      scores: Float64Array.from(scores, (score) => -score),
      ...(exact && {
        exact: async (prompts: readonly number[]) => (await exact(prompts)).map((one) => -one),
      }),
    };
    const count = countIn(cut, 'anti');
    return cutScores({ method: 'anti', label: 'negated LIM score' }, negated, { count });
  },
} as const satisfies StaticMethod;
