// Words of the lesson about sampling.
import { translated } from './translated.ts';

const english = {
  intro:
    'A language model does not say one token; it gives each token a probability, and dice decide. Two knobs shape the dice before they fall.',
  prompts: 'Prompts, from the most open to the most certain',
  model: 'Model',
  base: 'the base',
  trained: 'FULL, after training',
  underWay: (method: string, update: number) => `${method}, after update ${update}`,
  first: 'the first token of the answer:',
  temperature: 'temperature',
  topP: 'top-p',
  roll: (samples: number) => `Draw ${samples} again`,
  others: 'others',
  token: 'Token',
  plain: 'the model’s own',
  drawnWith: 'drawn with',
  drawn: (samples: number) => `of ${samples}`,
  picture: (bars: string) => `Probability, and how often it was drawn: ${bars}`,
  hint: (samples: number, one: string) =>
    `Bars: probability of being drawn. Dash: the model’s own, at temperature ${one}. Dots: ${samples} draws.`,
  of: (who: string) => `What ${who} gives for the first token.`,
  tries: {
    cold: 'Temperature 0: what is left of the dice?',
    hot: 'Temperature 2.5: which tokens appear that never should?',
    cut: 'Still hot, but top-p 0.8: which of them are cut off?',
  },
  notice:
    'Training samples at a temperature above 1 on purpose: a prompt teaches only if its answers differ. If all of them are right, or all wrong, no answer is better than expected and nothing moves. Compare the base with FULL: training has moved probability to the right token, and the draws agree more.',
  see: 'With a run of your own, ask its models with these knobs',
};

export type LessonSamplingText = typeof english;

export const lessonSamplingText = translated(english, {
  de: () => import('./de/lesson-sampling.ts'),
  zh: () => import('./zh/lesson-sampling.ts'),
});
