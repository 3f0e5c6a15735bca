// Words of what the page says about the run that it shows.
import { translated } from './translated.ts';

const english = {
  title: 'What you are looking at',
  given: (estimator: string, adapters: boolean) =>
    `Your model answers the prompts of your file. Reinforcement learning (${estimator}) samples several responses to each, your verifier pays each of them, and ${
      adapters ? 'adapters beside the model, which stays as it is, move' : 'the model moves'
    } towards what was paid.`,
  drawn: 'A tiny language model answers digit arithmetic, worked from left to right, such as',
  base: 'A base was taught the procedure with mistakes; reinforcement learning (PPO) then samples answers, a verifier pays 1 for one that matches the prompt’s key, −0.5 for another and −1 for no proper answer, and the model moves towards what was paid.',
  full: (pool: number | undefined, epochs: number) =>
    `trains on ${pool === undefined ? 'all prompts' : `all ${pool} prompts`}, ${epochs} epochs. Meanwhile every prompt’s reward is recorded, epoch by epoch. A prompt whose curve runs close to the mean curve of all prompts has learning impact, says the`,
  paper: 'LIMR paper',
  score: 'Its score is',
  formula:
    'score of prompt i is 1 minus the sum over epochs k of (reward of i at k minus mean reward at k) squared, divided by the sum over k of (1 minus mean reward at k) squared',
  again: 'Then training starts again from the same base on:',
  reach: (theta: string) => `the prompts with a score of at least θ = ${theta};`,
  highest: (count: number) => `the ${count} prompts with the highest scores;`,
  kept: (kept: number, of: number) => `here ${kept} of ${of}.`,
  rand: 'as many prompts drawn at random;',
  linear:
    'prompts whose curve is closest to a rising straight line (our definition: the paper gives none).',
  tested:
    'All are tested on the same held-out prompts after the same number of updates. LIM needs FULL’s pass first; that cost is not in its curve.',
  injected: 'Put into the data by design:',
  injections: [
    'The base’s slips: how often a step is right depends on its operator and operand.',
    'Three kinds of prompts: easy, learnable and too hard for the base, with nothing between unless the settings say otherwise.',
    'A share of the answer keys is wrong on purpose, to see whether LIM rejects them.',
  ],
  alone:
    'This run trains FULL alone. Its scores say which prompts LIM would keep. To train again from the same model on selections too, put this into the settings:',
};

export type OverviewText = typeof english;

export const overviewText = translated(english, {
  de: () => import('./de/overview.ts'),
  zh: () => import('./zh/overview.ts'),
});
