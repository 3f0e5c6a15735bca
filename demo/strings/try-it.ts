// Texts of asking the models.
import { counted, fixed, type Noun } from './numbers.ts';
import { translated } from './translated.ts';

const answer: Noun = ['answer', 'answers'];

const english = {
  title: 'Ask the models',
  noGpu: (why: string) =>
    `Without a GPU no model can answer here: ${why} The answers that were sampled in training stand with each prompt.`,
  recording:
    'A recording has no weights. Train a run here, and its base and what was trained from it answer what you ask, ' +
    'token by token, with what each one looked at.',
  train: 'Train it here',
  nobodyYet: 'There is nobody to ask yet: first comes the base.',
  elsewhere: 'Another tab holds the models of this run: ask them there.',
  nobody: 'This run ended before there was a model to ask.',
  noWeights:
    'This run came without the weights it trained, so no model of it can answer; a bundle made “with the trained weights” brings them.',
  waiting: 'Waiting for the end of this update: answers come between two updates.',
  asking: 'Asking …',
  intro: 'The base and what was trained from it answer the same prompt.',
  goesOn: 'The run goes on: answers come between two updates, and change nothing in it.',
  prompt: 'Prompt',
  type: 'Type a prompt',
  each: 'Answers each',
  temperature: 'Temperature',
  topP: 'Top-p',
  ask: 'Ask',
  who: 'Models that answer',
  models: 'Models',
  lastUpdate: 'its answers in the last update',
  enter: 'Enter asks; Shift and Enter break the line.',
  asked: 'Asked: {prompt}',
  key: 'key {key}',
  reading: 'Reading its tokens …',
  byToken: (whose: string) => `Token by token: ${whose}`,
  byTokenName: 'Token by token',
  trainedBy: (name: string, method: string, update: number) =>
    `${name}, ${method} at update ${update}`,
  training: (method: string, update: number) => `${method}, update ${update}`,
  drawn: (samples: number, temperature: number, topP: number) =>
    `${counted(samples, answer)} each, drawn at temperature ${fixed(temperature, 2)} and top-p ${fixed(topP, 2)}. ` +
    'Bars: what the first token is drawn with; the tick is its probability without the sliders.',
  answersOf: (name: string) => `Answers of ${name}`,
  others: (count: number) => `and ${counted(count, ['other', 'others'])}`,
  cut: 'cut short',
  next: 'The next token',
  now: 'Now',

  noneAgree: (of: number) => `no two of ${of} agree`,
  agree: (most: number, of: number) => `${most} of ${of} agree`,
  match: (right: number, of: number) =>
    `${right} of ${of} ${right === 1 ? 'matches' : 'match'} the key`,
  notJudged: 'not judged',
  luck: (words: string, step: string | undefined, want: string) =>
    `${words}, by luck: ${step === undefined ? 'over a wrong step' : `${step} is ${want}`}`,
  slip: (words: string, step: string, want: string) => `${words}, a slip: ${step} is ${want}`,
};

export type TryItText = typeof english;

export const tryItText = translated(english, {
  de: () => import('./de/try-it.ts'),
  zh: () => import('./zh/try-it.ts'),
});
