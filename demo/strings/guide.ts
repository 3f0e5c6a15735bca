// Words of the tour and of the page as it is shown to others.
import { translated } from './translated.ts';

const english = {
  tour: 'Tour',
  step: (number: number, of: number) => `${number} of ${of}`,
  back: 'Back',
  next: 'Next',
  end: 'End the tour',
  leave: 'leave the tour',
  leavePresent: 'Show the controls again',
  sentences: {
    base: 'It begins with a base: a tiny language model that knows the procedure, and slips.',
    full: 'FULL trains on every prompt; a column is a prompt, a row is one pass, and brighter means more right answers.',
    score:
      'LIM puts the prompts in order: those that learn as all of them do score high, and some are kept.',
    subsets:
      'Training starts again from the same base, with those prompts only, and beside it with other choices.',
    finding:
      'What came out stands with its intervals: where they overlap, one run cannot tell who is better.',
    prompts: 'Here every prompt can be looked at: what it earned, and what the model answered.',
    compare: 'Here the methods stand side by side, with the cost of choosing.',
    learn: 'Seven lessons take the method apart, each with one thing to touch.',
    data: 'Here a run of your own begins, with other settings or your own prompts. The tour starts none.',
  },
};

export type GuideText = typeof english;

export const guideText = translated(english, {
  de: () => import('./de/guide.ts'),
  zh: () => import('./zh/guide.ts'),
});
