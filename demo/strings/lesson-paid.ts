// Words of the lesson about what is paid.
import { translated } from './translated.ts';

const english = {
  intro:
    'Reinforcement learning only ever sees one number for an answer. A verifier gives it: a program, not a person. Type an answer and see what it pays.',
  rules: 'Verifiers',
  arithmetic: 'digit arithmetic, as in this run',
  maths: 'mathematics, as for large models',
  prompts: 'Prompts',
  wrongKey: '(wrong key)',
  mathsProblem: 'What is 3 ⁄ 6 in lowest terms?',
  key: 'key',
  truth: 'the truth is',
  answer: 'Your answer',
  examples: 'Answers to try',
  example: {
    right: 'right',
    slip: 'a slip in the last step',
    malformed: 'with ? in place of #',
    open: 'without its end',
    key: 'what the wrong key says',
  },
  matches: 'The answer matches the key.',
  other: 'The form is proper, but the answer does not match the key.',
  matchesWrongKey: 'It matches the key, which is wrong: a false answer is paid in full.',
  rightUnpaid: (key: string) =>
    `It is right, and yet not paid: the key says ${key}. The verifier knows nothing else.`,
  broken: {
    unfinished: 'No proper answer: it does not come to its end.',
    boxes: 'No proper answer: it needs \\boxed{…}, one to four times.',
    garbled: 'No proper answer: too many unusual characters.',
    repetition: 'No proper answer: it repeats itself.',
    'no answer': 'No proper answer: its form cannot be read.',
  },
  unreadable: 'Its steps cannot be read.',
  itIs: (want: string) => `it is ${want}`,
  leftToRight: (modulus: number) =>
    modulus === 10
      ? 'From left to right, last digits alone.'
      : `From left to right, modulo ${modulus}.`,
  tries: {
    slip: 'Make one slip: what is left of the reward?',
    malformed: 'Right digits in the wrong form: worse than a wrong answer?',
    wrongKey: 'Answer correctly where the key is wrong.',
  },
  notice:
    'The steps earn nothing by themselves: only the end is compared. A right answer over a wrong step is paid in full, and a wrong key teaches its error. LIM gets no list of wrong keys; it sees that such prompts do not learn as the others do.',
  see: 'See what the model answered to a prompt with a wrong key',
};

export type LessonPaidText = typeof english;

export const lessonPaidText = translated(english, {
  de: () => import('./de/lesson-paid.ts'),
  zh: () => import('./zh/lesson-paid.ts'),
});
