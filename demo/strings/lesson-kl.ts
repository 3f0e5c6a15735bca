// Words of the lesson about the KL penalty.
import { translated } from './translated.ts';

const english = {
  intro:
    'Whoever is paid for right answers alone may forget how to speak. So every token is fined for how far its probability has moved from the base: a leash. Here is the same training with three leashes.',
  measure: 'What is compared',
  measures: {
    kl: 'distance from the base (KL)',
    accuracy: 'right answers, held out',
    reward: 'reward',
    entropy: 'openness (entropy)',
  },
  coefficient: 'Leash (coefficient)',
  none: 'none',
  usual: (coefficient: string) => `${coefficient}, as usual`,
  times: (multiple: number, coefficient: string) => `${coefficient}, ${multiple} times as short`,
  short: (multiple: number) =>
    multiple === 0 ? 'none' : multiple === 1 ? 'usual' : `${multiple} ×`,
  at: 'after update',
  updates: 'updates',
  picture: (measure: string, values: string) => `${measure}, over the updates. ${values}`,
  source: (runs: number, updates: number) =>
    `${runs} trainings of FULL from the preset quick, seed 1, ${updates} updates each; KL, reward and entropy as means of five updates.`,
  zero: 'None: the coefficient is 10⁻¹², so that the distance is still measured. KL and entropy in nats a token.',
  tries: {
    distance: 'Which leash keeps the model closest to the base?',
    right: 'Early on, at a quarter of the training: what does the short leash cost?',
    entropy: 'Look at the openness: which model still varies its answers most?',
  },
  notice:
    'A shorter leash is a trade: less distance, more openness, slower learning. In so small a task there is little language to lose, so no leash does no harm, and the usual one hardly differs from none. In a large model the distance is what keeps answers readable. One seed each: small differences between the lines mean nothing.',
  see: 'See what FULL came to in the run',
};

export type LessonKlText = typeof english;

export const lessonKlText = translated(english, {
  de: () => import('./de/lesson-kl.ts'),
  zh: () => import('./zh/lesson-kl.ts'),
});
