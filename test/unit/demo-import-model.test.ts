import { describe, expect, test } from 'vitest';
import {
  cellsOf,
  histogram,
  keptAt,
  odditiesOf,
  placesByScore,
  sortedScores,
  thresholdOf,
  typedNumber,
} from '../../demo/rooms/data/import-model.ts';

const scores = Float64Array.of(0.6, NaN, -3, 0.9, 0.6);

describe('scores of an import', () => {
  test('are counted from the highest, and a score at the threshold is kept', () => {
    const sorted = sortedScores(scores);
    expect([...sorted]).toEqual([0.9, 0.6, 0.6, -3]);
    for (const [threshold, kept] of [
      [1, 0],
      [0.9, 1],
      [0.6, 3],
      [0.600001, 1],
      [-3, 4],
      [-9, 4],
    ]) {
      expect(keptAt(sorted, threshold)).toBe(kept);
    }
    expect(keptAt(new Float64Array(0), 0)).toBe(0);
  });

  test('say the threshold of a number of prompts', () => {
    const sorted = sortedScores(scores);
    expect([0, 1, 2, 3, 99].map((count) => thresholdOf(sorted, count))).toEqual([
      undefined,
      0.9,
      0.6,
      0.6,
      -3,
    ]);
  });

  test('order prompts, those without a score last and equal ones by place', () => {
    expect([...placesByScore(scores)]).toEqual([3, 0, 4, 2, 1]);
  });

  test('fill a histogram whose first bin holds what is far below', () => {
    expect(histogram(sortedScores(scores), 4)).toEqual([1, 0, 0, 3]);
    expect(histogram(Float64Array.of(1), 4)).toEqual([0, 0, 0, 1]);
  });
});

describe('the map of an import', () => {
  const data = { epochs: 2, values: Float32Array.of(1, 0, 0.5, NaN, 0, 0.25, NaN, NaN) };

  test('has a column a prompt, in the order given', () => {
    const { columns, values } = cellsOf(data, Uint32Array.of(2, 0, 1, 3), 10);
    expect(columns).toBe(4);
    expect([...values]).toEqual([0, 1, 0.5, NaN, 0.25, 0, NaN, NaN]);
  });

  test('joins neighbours where there are more prompts than columns', () => {
    const { columns, values } = cellsOf(data, Uint32Array.of(0, 1, 2, 3), 2);
    expect(columns).toBe(2);
    // What is missing counts in no mean.
    expect([...values]).toEqual([0.75, 0, 0, 0.25]);
  });
});

test('what did not fit together is told in a fixed order, and nothing where all did', () => {
  expect(odditiesOf({ missingEntries: 3, unmatchedRows: 2, cutRows: 0 })).toEqual([
    ['unmatchedRows', 2],
    ['missingEntries', 3],
  ]);
  expect(odditiesOf({})).toEqual([]);
});

test('a typed number is a number in range, or none', () => {
  expect(typedNumber(' ', 1, 9)).toBeUndefined();
  expect(typedNumber(' 4 ', 1, 9)).toBe(4);
  for (const text of ['0', '10', '1e1', '4x', 'NaN', '']) {
    if (text === '') continue;
    expect(() => typedNumber(text, 1, 9)).toThrow(RangeError);
  }
});
