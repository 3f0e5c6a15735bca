import { describe, expect, test } from 'vitest';
import { epochAt, updateEnding } from '../../demo/cursor.ts';
import { curveKeys, curvesOf, usualCurves } from '../../demo/plots/curve-keys.ts';
import { readAt, readFixed, splitAt, type Points } from '../../demo/plots/readings.ts';
import { configFrom } from '../../src/config.ts';
import { metrics } from '../../src/metrics.ts';

const upTo = (last: number, slope: number): Points =>
  Array.from({ length: last }, (_, i) => [i + 1, slope * (i + 1)]);
const fixed = { updates: { full: 12, lim: 12, rand: 12 } };

describe('the values beside a chart', () => {
  test('are those of the fixed read-out for all, wherever a line has got to', () => {
    const lines = { full: upTo(25, 1), lim: upTo(12, 2), rand: upTo(7, 3) };
    // RAND is on its way: it has no value at 12 yet.
    expect(readFixed(lines, fixed)).toEqual({
      at: 'readout',
      awaits: false,
      values: { full: 12, lim: 24 },
    });
  });

  test('are of one update before it, and say where the read-out is', () => {
    expect(readFixed({ full: upTo(5, 1) }, fixed)).toEqual({
      at: 5,
      awaits: true,
      values: { full: 5 },
    });
    const held = {
      base: [
        [0, 0.2],
        [25, 0.2],
      ] as Points,
      full: [
        [0, 0.2],
        [6, 0.3],
      ] as Points,
    };
    expect(readFixed(held, fixed).values).toEqual({ base: 0.2, full: 0.3 });
    expect(readFixed({}, fixed)).toEqual({ at: undefined, awaits: false, values: {} });
    expect(readFixed({ full: upTo(5, 1) }, undefined)).toMatchObject({ at: 5, awaits: false });
  });

  test('are read where each method has trained on equally many epochs', () => {
    const epochs = { updates: { full: 15, lim: 4 } };
    expect(readFixed({ full: upTo(25, 1), lim: upTo(6, 2) }, epochs).values).toEqual({
      full: 15,
      lim: 8,
    });
  });

  test('are of one update under the cursor: a line that has ended has none', () => {
    const lines = { full: upTo(25, 1), lim: upTo(12, 2) };
    expect(readAt(lines, 7)).toEqual({ at: 7, awaits: false, values: { full: 7, lim: 14 } });
    expect(readAt(lines, 20)).toEqual({ at: 20, awaits: false, values: { full: 20 } });
    // Read-outs are few: the last one at or before the cursor, for all lines the same.
    const held = {
      full: [
        [6, 0.3],
        [12, 0.4],
        [18, 0.5],
      ] as Points,
      lim: [[6, 0.35]] as Points,
    };
    expect(readAt(held, 11)).toEqual({ at: 6, awaits: false, values: { full: 0.3, lim: 0.35 } });
    expect(readAt(held, 13)).toEqual({ at: 12, awaits: false, values: { full: 0.4 } });
    expect(readAt(held, 3)).toEqual({ at: undefined, awaits: false, values: {} });
  });
});

test('a line is dimmed from where it goes on alone, without a gap', () => {
  const [first, rest] = splitAt(upTo(5, 1), 3);
  expect([first.length, rest]).toEqual([
    3,
    [
      [3, 3],
      [4, 4],
      [5, 5],
    ],
  ]);
  expect(splitAt(upTo(3, 1), 3)).toEqual([upTo(3, 1), []]);
  expect(splitAt(upTo(3, 1), undefined)).toEqual([upTo(3, 1), []]);
  expect(splitAt([[6, 1]], 3)).toEqual([[], [[6, 1]]]);
});

describe('the cursor', () => {
  // 160 prompts in rollouts of 32: five updates an epoch, five epochs.
  const config = configFrom('quick', {}, 'test');

  test('turns updates into data epochs of FULL and back', () => {
    expect([0, 1, 5, 6, 25, 26].map((update) => epochAt(config, 160, update))).toEqual([
      undefined,
      0,
      0,
      1,
      4,
      undefined,
    ]);
    expect(epochAt(config, 160, undefined)).toBeUndefined();
    for (let epoch = 0; epoch < 5; epoch++) {
      expect(epochAt(config, 160, updateEnding(config, 160, epoch))).toBe(epoch);
    }
  });
});

describe('the curves that a browser keeps', () => {
  test('come in the order of the page, whatever else is kept there', () => {
    expect(curvesOf('entropy held nonsense entropy __proto__')).toEqual(['held', 'entropy']);
    expect(curvesOf(usualCurves.join(' '))).toEqual(usualCurves);
  });

  test('are none where nothing that is logged is named', () => {
    for (const text of [null, '', 'nonsense', 'toString']) expect(curvesOf(text)).toBeUndefined();
  });

  test('are of every scalar that is logged, and of the held-out accuracy', () => {
    expect([...curveKeys].sort()).toEqual(['held', ...metrics.map(({ key }) => key)].sort());
  });
});
