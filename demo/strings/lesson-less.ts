// Words of the lesson about less and more.
import { translated } from './translated.ts';

const english = {
  intro:
    'LIM trains on a fraction of the prompts. Whether that is better is no yes or no: it depends on how long one trains, and on whether choosing counts as training. Move the budget and see who leads.',
  data: 'Numbers of',
  thisRun: 'this run',
  wrongKeys: (share: string) => `${share} wrong keys`,
  inStudy: (condition: string) => `the study, ${condition}`,
  counting: 'What counts',
  ownUpdates: 'own updates alone',
  allUpdates: (pass: string) => `with the ${pass} updates of choosing`,
  budget: 'Budget',
  updates: (count: string) => `${count} updates`,
  axis: 'updates that count',
  picture: (budget: string, values: string) => `Right answers at ${budget} updates: ${values}`,
  hint: 'Right greedy answers to problems held out. Large marks: the last reading within the budget.',
  standings: 'Standings at this budget',
  method: 'Method',
  prompts: 'Prompts',
  own: 'Updates',
  right: 'Right',
  interval: '95 % interval',
  notYet: 'still choosing',
  study: 'What one run cannot say',
  progress: (finished: string, planned: string) =>
    `One seed is one throw of the dice. A study of ${planned} trainings was planned before its first seed; ${finished} of them are finished.`,
  covered:
    'Its numbers stay covered until the last: whoever looks earlier could stop when they please.',
  open: 'All are here: choose them above.',
  done: 'finished',
  waiting: 'to come',
  ofStudy: (name: string, preset: string) =>
    `Means over the seeds of the study ${name}, preset ${preset}.`,
  tries: {
    early: (update: number) => `At ${update} own updates: who leads, and do the intervals overlap?`,
    charged: 'Now count the updates of choosing, too: who has even begun?',
    late: 'With choosing paid for: is LIM worth its price in one use?',
  },
  notice:
    'Fewer prompts are seen more often, so a good selection rises sooner. All prompts have more to give later. And the selection was not free: FULL had to train first. It pays off where the same prompts are used again: for another model, another seed, another setting. Overlapping intervals mean: not told apart.',
  see: 'Compare the methods of this run',
};

export type LessonLessText = typeof english;

export const lessonLessText = translated(english, {
  de: () => import('./de/lesson-less.ts'),
  zh: () => import('./zh/lesson-less.ts'),
});
