// Texts of the inspector and of worked answers.
import { fixed } from './numbers.ts';
import { translated } from './translated.ts';

const english = {
  howRead: 'How an answer is read',
  one: 'One prompt',
  featured: 'A prompt that learned much',
  choose:
    'Choose a column, once there are some, to read what it is, what it earned and what was answered.',
  closeName: 'Close this prompt',
  close: 'close',
  key: 'key {key}',
  wrongKey: 'key wrong on purpose',
  truth: 'the truth is {truth}',
  ask: 'ask the models this',

  notation: (modulus: number) =>
    'The model works {prompt} from left to right and writes {answer}: the value after each operator' +
    `${modulus === 10 ? ', its last digit alone' : `, modulo ${modulus}`}, then {mark}, the answer and {end}.`,
  paid: [
    ['1', 'is paid for an answer that matches the prompt’s key,'],
    ['−0.5', 'for another one,'],
    ['−1', 'for none of this form, as with {query} in place of {mark}.'],
  ] as readonly (readonly [reward: string, what: string])[],

  kept: 'kept by LIM',
  rejected: 'rejected by LIM',
  heldBy: (methods: string) => `in ${methods}`,

  earned: (rounds: string) => `What it earned, ${rounds}`,
  earnedIn: (epoch: number, value: number) => `epoch ${epoch}: ${fixed(value, 2)}`,
  shareHint:
    'Share of its answers that match the key, epoch by epoch; red: the mean of all prompts.',
  rewardHint: 'Its mean reward, epoch by epoch; red: the mean of all prompts.',

  noScore: 'It has no score: some epoch gave it no answer.',
  score: 'LIM score {score}',
  keptBy: (cut: string) => `kept: ${cut}`,
  notKeptBy: (cut: string) => `not kept: ${cut}`,
  formula: (apart: number, most: number, score: number) =>
    `1 − ${fixed(apart, 2)} ⁄ ${fixed(most, 2)} = ${fixed(score, 2)}: how far its curve is from the mean ` +
    'curve, against how far the mean curve is from 1.',
  sums: 'Its sums, epoch by epoch',
  epoch: 'Epoch',
  mean: 'mean r̄',

  alike: 'Learned alike:',

  unreadable: 'No proper answer: its form cannot be read.',
  itIs: (want: string) => `it is ${want}`,
  noAnswer: 'no proper answer',
  answer: (answer: string) => `answer ${answer}`,
  byLuck: 'right by luck',
  lastDigits: 'From left to right, last digits alone.',
};

export type InspectorText = typeof english;

export const inspectorText = translated(english, {
  de: () => import('./de/inspector.ts'),
  zh: () => import('./zh/inspector.ts'),
});
