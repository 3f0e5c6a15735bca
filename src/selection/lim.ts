import { type Cut, cutScores, type Scored } from './cut.ts';
import { known, type Selection, type StaticMethod, wholePass } from './method.ts';

/**
 * LIM: keeps the prompts whose learning curve follows the mean curve.
 *
 * @throws SelectionError if `count` exceeds the number of prompts with a score.
 */
export const selectLim = (scored: Scored, cut: Cut): Promise<Selection> =>
  cutScores({ method: 'lim', label: 'LIM score' }, scored, cut);

export const lim = {
  name: 'lim',
  code: 1,
  label: 'LIM',
  takes: ({ count }) =>
    count === undefined
      ? 'the prompts with a score from θ up'
      : `the ${count.toLocaleString('en-US')} prompts with the highest scores`,
  needs: ['scores'],
  usualSize: { threshold: 0.6 },
  samples: wholePass,
  choose: ({ scores }, cut) => selectLim(known(scores, 'lim', 'scores'), cut),
} as const satisfies StaticMethod;
