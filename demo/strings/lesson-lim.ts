// Words of the lesson about LIM.
import { translated } from './translated.ts';

const english = {
  intro:
    'LIM keeps prompts whose learning curve follows the mean curve of all prompts. Draw the curve of a prompt, and see whether it would be kept.',
  rewards:
    'This run scores mean rewards. The lesson draws shares of right answers: open the recording to see it.',
  curves: 'Curves to begin with',
  presets: {
    late: 'late bloomer',
    always: 'always right',
    never: 'never right',
    lucky: 'lucky guesses',
    mean: 'on the mean',
  },
  plot: 'The learning curve of one prompt; each epoch is a slider',
  plotHint:
    'Drag the points, or use Tab and the arrow keys. Bars: how far the curve is from the mean.',
  meanLabel: 'mean of all prompts',
  epochs: 'Epoch',
  epoch: (number: number) => `epoch ${number}`,
  right: (count: number, of: number) => `${count} of ${of} answers right`,
  scoreIs: 'is its LIM score',
  kept: (theta: string) => `kept: at least ${theta}`,
  rejected: (theta: string) => `not kept: below ${theta}`,
  strip: (score: string) => `Score ${score}, among the scores of 200 redraws`,
  cloud: (samples: number, low: string, high: string, kept: string) =>
    `Each point is only ${samples} answers. Drawn again 200 times from the same curve, nine of ten scores lie between ${low} and ${high}, and ${kept} of them would be kept.`,
  sum: 'The sum behind the score',
  promptCurve: 'Take the curve of this prompt:',
  tries: {
    late: 'The late bloomer: it learns, but against the mean. Is it kept?',
    mean: 'Exactly on the mean: how many of its redraws are still kept?',
    never: 'Never right: where does its score fall?',
  },
  noticeRejected: (level: string, needed: string, theta: string) =>
    `Always right scores 0, whatever the others do: such a prompt teaches nothing. Never right is rejected only because the pool as a whole does well: its mean curve averages ${level}, and with θ = ${theta} it must exceed ${needed}. In a run whose curve stays lower, LIM keeps hopeless prompts.`,
  noticeKept: (level: string, needed: string, theta: string) =>
    `Always right scores 0, whatever the others do: such a prompt teaches nothing. Never right is kept here: the mean curve averages only ${level}, and with θ = ${theta} it must exceed ${needed} to reject hopeless prompts. In a run that learns more, they fall below θ.`,
  see: 'See every prompt fall into place by its score',
};

export type LessonLimText = typeof english;

export const lessonLimText = translated(english, {
  de: () => import('./de/lesson-lim.ts'),
  zh: () => import('./zh/lesson-lim.ts'),
});
