// Words in pictures of the reward matrix.
import { translated } from './translated.ts';

const english = {
  epoch: (epoch: number) => `epoch ${epoch}`,
  strips: ['origin', 'wrong key', 'kept'],
  score: 'highest score',
  mean: 'highest mean',
  lowest: 'lowest',
  none: 'No prompts yet',
  unchosen: (count: number) => `${count} ${count === 1 ? 'prompt' : 'prompts'}, none chosen`,
  rank: (prompt: string, rank: number, of: number) => `${prompt}, rank ${rank} of ${of}`,
  noScore: 'no score',
  scored: (score: string) => `score ${score}`,
  averaged: (mean: string) => `mean ${mean}`,
  origins: { easy: 'easy', learnable: 'learnable', hard: 'hard' },
  wrongKey: 'wrong key on purpose',
  kept: 'kept',
  rejected: 'rejected',
};

export type MatrixText = typeof english;

export const matrixText = translated(english, {
  de: () => import('./de/matrix.ts'),
  zh: () => import('./zh/matrix.ts'),
});
