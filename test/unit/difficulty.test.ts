import { expect, test } from 'vitest';
import { bandOf, betaQuantiles, easyFrom, hardBelow } from '../../src/tasks/difficulty.ts';

// scipy.stats.beta.ppf([.25, .5, .75], alpha, beta), SciPy 1.17.
test.each([
  [1, 1, [0.25, 0.5, 0.75]],
  [0.5, 0.5, [0.14644661, 0.5, 0.85355339]],
  [2, 5, [0.16116292, 0.26444998, 0.38947949]],
  [10, 10, [0.42408653, 0.5, 0.57591347]],
  [0.5, 3, [0.01821509, 0.07903277, 0.21274497]],
])('the quartiles of Beta(%d, %d)', (alpha, beta, wanted) => {
  const found = betaQuantiles(alpha, beta, 4);
  expect(found).toHaveLength(3);
  for (const [i, quantile] of found.entries()) {
    expect(Math.abs(quantile - wanted[i])).toBeLessThan(1e-6);
  }
});

test('one part needs no cut, and cuts ascend', () => {
  expect(betaQuantiles(2, 5, 1)).toEqual([]);
  const cuts = betaQuantiles(0.5, 10, 20);
  expect(cuts).toHaveLength(19);
  expect([...cuts].sort((a, b) => a - b)).toEqual(cuts);
});

test('bands begin where eight samples are as likely alike as not', () => {
  expect(easyFrom ** 8).toBeCloseTo(0.5, 12);
  expect((1 - hardBelow) ** 8).toBeCloseTo(0.5, 12);
  expect([1, easyFrom, 0.9, 0.5, hardBelow, 0.08, 0].map(bandOf)).toEqual([
    ...['easy', 'easy', 'learnable', 'learnable', 'learnable', 'hard', 'hard'],
  ]);
});
