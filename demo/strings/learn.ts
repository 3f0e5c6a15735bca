// Words of the room of lessons, and of what is around every lesson.
import { translated } from './translated.ts';

const english = {
  title: 'Learn: seven questions, two minutes each',
  lead: 'Each lesson has one thing to touch. The numbers are those of the run that this page shows, or were recorded for the lesson; each lesson says which.',
  tour: 'Take the tour: nine sentences',
  present: 'Show it to others',
  lessons: 'Lessons',
  all: 'All lessons',
  previous: 'Previous lesson',
  next: 'Next lesson',
  coming: 'This lesson is on its way.',
  failed: (why: string) => `This lesson did not come: ${why}.`,
  titles: {
    paid: 'What is paid?',
    sampling: 'How is a token drawn?',
    credit: 'Which token earned it?',
    clip: 'Why not a bigger step?',
    kl: 'Why stay close to the base?',
    lim: 'Which prompts teach?',
    less: 'Is less more?',
  },
  teasers: {
    paid: 'Type an answer; the verifier of the run pays.',
    sampling: 'Temperature and top-p, and 32 tokens that fall.',
    credit: 'One reward at the end, shared out by GAE.',
    clip: 'The tokens of one update, and those that the clip holds.',
    kl: 'The same training, with three leashes.',
    lim: 'Draw a learning curve and see its score.',
    less: 'Some prompts, or all: at which budget?',
  },
  tries: 'Three things to try',
  notice: 'What to notice',
  numbers: 'The numbers',
  byKernel: (kernel: string) => `Computed by the kernel ${kernel}, which trains too, on`,
  byFloat64: 'Computed in float64 by this page.',
  asleep: 'Touch it, and the kernels that train compute it.',
  opening: 'The kernels that train are being compiled.',
  refused: 'The kernels that train cannot compute it here:',
  ofRecording: (date: string) => `Numbers of the recorded run of ${date}.`,
  ofRun: 'Numbers of the run of this browser.',
  ofLive: 'Numbers of the run under way.',
  takeOwn: 'Take the numbers of the run under way',
  takeNewer: 'Take those of its newest update',
  takeRecorded: 'Take the recorded ones',
  ownAsked: 'The run under way is asked, between two of its updates.',
  ownRefused: 'The run under way could not be asked:',
  ownLacks: 'The run under way has no such numbers: no critic shares its rewards out.',
  ofUpdate: (method: string, update: number) =>
    `Numbers of the run under way, at update ${update} of ${method}.`,
  noRun: 'There is no run yet, and the recording did not come.',
  recorded: (date: string) => `Recorded on ${date}, on`,
  recordedMissing: (why: string) => `What was recorded for this lesson did not come: ${why}.`,
  recordedComing: 'What was recorded for this lesson is on its way.',
};

export type LearnText = typeof english;

export const learnText = translated(english, {
  de: () => import('./de/learn.ts'),
  zh: () => import('./zh/learn.ts'),
});
