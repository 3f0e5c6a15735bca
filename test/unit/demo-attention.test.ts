import { describe, expect, test } from 'vitest';
import {
  isWhole,
  mostSeen,
  partAround,
  placesOf,
  seenBefore,
  shareOf,
} from '../../demo/state/attention.ts';

/** Two heads over two tokens of an answer to a prompt of two: what is seen are three tokens. */
const small = {
  heads: 2,
  promptTokens: 2,
  seen: ['7', '=', '4'],
  tokens: ['4', ';'],
  weights: Float32Array.of(
    ...[0.25, 0.75, 0, 0.5, 0.25, 0.25],
    ...[0.75, 0.25, 0, 0.125, 0.125, 0.75],
  ),
};

/** A matrix of which the numbers do not matter. */
const sized = (promptTokens: number, tokens: number) => ({
  heads: 1,
  promptTokens,
  tokens: Array.from({ length: tokens }, () => 'a'),
  seen: Array.from({ length: promptTokens + tokens - 1 }, () => 'a'),
  weights: new Float32Array(tokens * (promptTokens + tokens - 1)),
});

describe('attention', () => {
  test('is of one head, or the mean of all', () => {
    expect(shareOf(small, 0, 1, 0)).toBe(0.5);
    expect(shareOf(small, 1, 1, 2)).toBe(0.75);
    expect(shareOf(small, undefined, 0, 0)).toBe(0.5);
    expect(shareOf(small, undefined, 1, 2)).toBe(0.5);
  });

  test('names what gets most, of what stands before the token alone', () => {
    expect(seenBefore(small, 0)).toBe(2);
    expect(mostSeen(small, 0, 0, 5)).toEqual([
      { at: 1, share: 0.75 },
      { at: 0, share: 0.25 },
    ]);
    // Of equal shares the first token comes first.
    expect(mostSeen(small, 0, 1, 2)).toEqual([
      { at: 0, share: 0.5 },
      { at: 1, share: 0.25 },
    ]);
  });

  test('is drawn whole where it is small', () => {
    const part = partAround(small, 1);
    expect(part).toEqual({ rows: [0, 2], columns: [0, 3] });
    expect(isWhole(small, part)).toBe(true);
    expect(placesOf(part.columns)).toEqual([0, 1, 2]);
  });

  test('is drawn around the token that is looked at where it is large', () => {
    const long = sized(100, 200);
    for (const token of [0, 11, 12, 100, 199]) {
      const { rows, columns } = partAround(long, token);
      expect(rows[1] - rows[0]).toBe(24);
      expect(columns[1] - columns[0]).toBe(48);
      expect(token).toBeGreaterThanOrEqual(rows[0]);
      expect(token).toBeLessThan(rows[1]);
      expect(columns[1]).toBe(seenBefore(long, rows[1] - 1));
      expect(isWhole(long, { rows, columns })).toBe(false);
    }
    // An answer of one token to a long prompt sees the prompt's end.
    expect(partAround(sized(100, 1), 0)).toEqual({ rows: [0, 1], columns: [52, 100] });
  });
});
