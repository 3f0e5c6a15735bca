// How verdicts on responses are shown: a mark that needs no colour, and what was paid.
import type { Verdict } from '../../src/index.ts';

/** The mark of each verdict, readable without colour. */
export const marks: Readonly<Record<Verdict, string>> = {
  right: '✓',
  wrong: '✗',
  unformatted: '∅',
  'matches-wrong-key': '⚠',
  'misses-wrong-key': '✗',
  'right-unpaid': '≠',
};

/** The reward of each verdict. */
export const paid: Readonly<Record<Verdict, string>> = {
  right: '1',
  wrong: '−0.5',
  unformatted: '−1',
  'matches-wrong-key': '1',
  'misses-wrong-key': '−0.5',
  'right-unpaid': '−0.5',
};

/** Verdicts that a prompt's answers can get. */
export const possible = (wrongKey: boolean): readonly Verdict[] =>
  wrongKey
    ? ['matches-wrong-key', 'right-unpaid', 'misses-wrong-key', 'unformatted']
    : ['right', 'wrong', 'unformatted'];
