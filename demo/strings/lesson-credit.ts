// Words of the lesson about credit.
import { translated } from './translated.ts';

const english = {
  intro:
    'The verifier pays once, at the end. Which tokens deserve it? A critic guesses before each token what the answer will be paid; whenever its guess jumps, something was better or worse than expected. GAE adds these surprises up.',
  responses: 'Responses',
  kinds: {
    right: 'a right answer',
    slip: 'a wrong answer',
    malformed: 'no proper answer',
    'wrong-key': 'right, but the key is wrong',
  },
  key: 'key',
  truth: 'the truth is',
  paid: (reward: string) => `paid ${reward}`,
  value: 'what the critic expects',
  advantage: 'credit of each token (advantage)',
  picture: (tokens: string) => `Credit of each token: ${tokens}`,
  hint: 'Line: the critic before each token. Bars: credit. Dashes: the surprise at that token alone.',
  lambda: 'λ: how far back a surprise reaches',
  gamma: 'γ: how much a later reward is worth',
  columns: {
    token: 'Token',
    value: 'value',
    reward: 'reward',
    delta: 'surprise δ',
    advantage: 'advantage',
  },
  update: (update: number) => `Responses, rewards and values of FULL’s update ${update}.`,
  tries: {
    zero: 'λ = 0: each token answers for its own surprise alone.',
    one: 'λ = 1: every token answers for the end.',
    slip: 'The wrong answer: does the critic notice before the verdict?',
  },
  notice: (lambda: string, gamma: string) =>
    `With λ = 0 nearly all blame falls on the last token, as that is where the verdict surprises a critic that knows little. With λ = 1 all tokens share it, the innocent too. Training takes λ = ${lambda} and γ = ${gamma}, and then moves all advantages of the rollout to mean 0. Small rewards before the end are the penalty for leaving the base.`,
  see: 'See an answer being written, step by step',
};

export type LessonCreditText = typeof english;

export const lessonCreditText = translated(english, {
  de: () => import('./de/lesson-credit.ts'),
  zh: () => import('./zh/lesson-credit.ts'),
});
