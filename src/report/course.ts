// How the rewards of a prompt went over the data epochs.
import type { LimSummary, ScoredPrompt } from '../results.ts';

/** How a prompt's rewards went. */
export type Course = 'solved' | 'unsolved' | 'still' | 'moved' | 'unseen';

/** What the courses are called and mean, in the order of tables. */
export const courses: readonly {
  readonly course: Course;
  readonly name: string;
  readonly means: string;
}[] = [
  {
    course: 'solved',
    name: 'always solved',
    means: 'every answer was right, in every data epoch: nothing to learn',
  },
  {
    course: 'unsolved',
    name: 'never solved',
    means: 'no answer was right: too hard, or its key is wrong',
  },
  {
    course: 'still',
    name: 'never moved',
    means: 'the same share of right answers in every data epoch',
  },
  { course: 'moved', name: 'moved', means: 'its share of right answers changed' },
  { course: 'unseen', name: 'never rolled out', means: 'no answer' },
];

/**
 * How a prompt's rewards went. For mean rewards the ends of the scale are not known, so that a
 * prompt that does not move only never moved.
 */
export function courseOf({ rewards }: ScoredPrompt, signal: LimSummary['signal']): Course {
  const seen = rewards.filter((value) => value !== null);
  const [first] = seen;
  if (first === undefined) return 'unseen';
  if (seen.some((value) => value !== first)) return 'moved';
  if (signal === 'accuracy' && first === 1) return 'solved';
  return signal === 'accuracy' && first === 0 ? 'unsolved' : 'still';
}
