import { cutScores } from './cut.ts';
import { known, type StaticMethod, wholePass } from './method.ts';

/**
 * LIM by scores without sampling noise: the binomial variance of the counts is taken off the
 * squared distances, so that a score is on average that of the true chances. Formula and source:
 * `shaders/lim-debias.wgsl`. By threshold it keeps a number of its own, which is LIM's kept share
 * repaired; by count as many as LIM.
 */
export const limDebiased = {
  name: 'lim-debiased',
  code: 4,
  label: 'LIM debiased',
  takes: ({ count }) =>
    count === undefined
      ? 'a number of prompts of its own: those with a score from θ up, once the sampling noise of the ' +
        'counts is taken out of the scores'
      : `the ${count.toLocaleString('en-US')} prompts with the highest scores, once the sampling noise of the ` +
        'counts is taken out of the scores',
  needs: ['shares', 'counts'],
  usualSize: { threshold: 0.6 },
  arm: (limKept, { theta, count }) =>
    count === undefined ? { threshold: theta } : { count: limKept },
  samples: wholePass,
  choose: async ({ shares }, cut) =>
    cutScores(
      { method: 'lim-debiased', label: 'debiased LIM score' },
      await known(shares, 'lim-debiased', 'shares').scoreLim({ debias: true }),
      cut,
    ),
} as const satisfies StaticMethod;
