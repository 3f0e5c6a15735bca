import { expect, test } from 'vitest';
import { counted, duration, percent } from '../../src/look/wording.ts';

test.each([
  [0.44, '0.4 s'],
  [12.4, '12 s'],
  [59.7, '1 min 00 s'],
  [185, '3 min 05 s'],
  [4800, '1 h 20 min'],
  [NaN, 'unknown'],
])('%d seconds are told as %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, 'completion', '0 completions'],
  [1, 'completion', '1 completion'],
  [2, 'entry', '2 entries'],
  [1, 'entry', '1 entry'],
  [3, 'data epoch', '3 data epochs'],
  [3, 'wrong key', '3 wrong keys'],
])('%d of %s is told as %s', (count, noun, text) => {
  expect(counted(count, noun)).toBe(text);
});

test.each([
  [0.5, undefined, '50 %'],
  [0.5, 1, '50.0 %'],
  [0.1234, undefined, '12.3 %'],
  [-0.02, undefined, '−2 %'],
  [NaN, 1, 'none'],
])('a share of %d to %s digits is told as %s', (share, digits, text) => {
  expect(percent(share, digits)).toBe(text);
});
