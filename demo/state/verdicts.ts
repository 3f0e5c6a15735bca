// How verdicts on responses are shown: a mark that needs no colour, words, and what was paid.
import type { Verdict } from '../../src/index.ts';

/** The mark of each verdict, readable without colour, and its words. */
export const verdicts: Readonly<
  Record<Verdict, { readonly mark: string; readonly words: string }>
> = {
  right: { mark: '✓', words: 'right' },
  wrong: { mark: '✗', words: 'wrong' },
  unformatted: { mark: '∅', words: 'no proper answer' },
  'matches-wrong-key': { mark: '⚠', words: 'matches the wrong key' },
  'misses-wrong-key': { mark: '✗', words: 'not the wrong key' },
  'right-unpaid': { mark: '≠', words: 'right, but not the wrong key' },
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
