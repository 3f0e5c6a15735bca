// Texts of the answers to one prompt: of each method, epoch by epoch, and what changed between two.
import { fixed } from './numbers.ts';
import { translated } from './translated.ts';

const english = {
  methods: 'Answers of',
  waiting: 'Its answers are being read …',
  failed: 'The answers cannot be read: {why}',
  first: 'What was sampled for it comes with the first epoch.',
  numbers: 'A link carries numbers alone: the answers of its run are not here.',
  unchosen: (method: string) =>
    `${method} did not train on this prompt, so it has no answers to it.`,
  unbegun: (method: string) => `${method} has not trained yet.`,
  undrawn: (method: string) => `There is no answer of ${method} to this prompt so far.`,
  own: (method: string, prompts: number) =>
    `Epochs are those of ${method} through its own ${prompts} prompts.`,

  epochs: 'Answers of epoch',
  epoch: (epoch: number) => `Epoch ${epoch}`,
  lucky: 'over a wrong step',
  against: 'Compared with epoch',
  nothing: 'none',
  nothingName: 'Compare with no epoch',

  changes: (before: number, after: number) => `From epoch ${before} to epoch ${after}`,
  right: (before: number, of: number, after: number, ofAfter: number) =>
    `Right: ${before} of ${of} → ${after} of ${ofAfter}.`,
  matched: (before: number, of: number, after: number, ofAfter: number) =>
    `Match the wrong key: ${before} of ${of} → ${after} of ${ofAfter}.`,
  chance: 'Each epoch draws anew: one or two answers more or fewer can be chance.',
  bars: (before: number, after: number) => `Upper bar: epoch ${before}; lower bar: epoch ${after}.`,
  answers: 'Answers',
  steps: 'Right steps',
  came: 'new',
  went: 'gone',
  more: 'more often',
  fewer: 'less often',
  same: 'as often',
  most: (epoch: number) => `Most frequent in epoch ${epoch}:`,
  mostInBoth: 'Most frequent in both:',
  changed: 'changed',
  values: (before: string, after: string) => `mostly ${before} → ${after}`,
  table: 'The changes as a table',
  tableName: 'Changes of answers and steps',
  answer: 'Answer',
  verdict: 'Verdict',
  change: 'Change',
  step: 'Step',
  rightIn: (epoch: number) => `Right, epoch ${epoch}`,
  mostIn: (epoch: number) => `Mostly, epoch ${epoch}`,
  of: (count: number, of: number) => `${count} of ${of}`,
  points: (share: number) => `${share > 0 ? '+' : ''}${fixed(100 * share, 1)} points`,
};

export type AnswersText = typeof english;

export const answersText = translated(english, {
  de: () => import('./de/answers.ts'),
  zh: () => import('./zh/answers.ts'),
});
