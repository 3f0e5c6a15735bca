import { describe, expect, test } from 'vitest';
import {
  channels,
  channelsOf,
  numberText,
  placeAfter,
  reachOf,
  stepOf,
} from '../../demo/state/tokens.ts';
import type { InspectedToken } from '../../src/index.ts';

const token = (numbers: Partial<InspectedToken>): InspectedToken => ({
  id: 1,
  text: '1',
  logprob: -0.5,
  baseLogprob: -1,
  kl: 0.1,
  entropy: 0.7,
  value: null,
  reward: 0,
  advantage: null,
  return: null,
  ratio: null,
  clipped: null,
  alternatives: [],
  ...numbers,
});

const channel = (key: string) => channels.find((one) => one.key === key)!;

describe('tokens by colour', () => {
  test('have seven channels for seven keys, of which those without a value are left out', () => {
    expect(channels).toHaveLength(7);
    expect(channelsOf([token({}), token({ value: 0.3 })]).map(({ key }) => key)).toEqual([
      'logprob',
      'kl',
      'entropy',
      'value',
      'reward',
    ]);
  });

  test('are paper at zero, and at one for a ratio; the farthest has the end of the ramp', () => {
    const advantage = [token({ advantage: -2 }), token({ advantage: 0 }), token({ advantage: 1 })];
    const reach = reachOf(channel('advantage'), advantage);
    expect(reach).toBe(2);
    const steps = advantage.map((one) => stepOf(channel('advantage'), one.advantage, reach));
    expect(steps).toEqual([-4, 0, 2]);
    expect(reachOf(channel('ratio'), [token({ ratio: 0.5 }), token({ ratio: 1.1 })])).toBe(0.5);
    expect(stepOf(channel('ratio'), 1, 0.5)).toBe(0);
    expect(stepOf(channel('ratio'), 0.5, 0.5)).toBe(-4);
  });

  test('are paper where nothing differs from nothing, and never of a negative zero', () => {
    expect(stepOf(channel('kl'), 0, 0)).toBe(0);
    expect(Object.is(stepOf(channel('kl'), -0.001, 1), 0)).toBe(true);
  });

  test('have no colour without a value', () => {
    expect(stepOf(channel('value'), null, 1)).toBeUndefined();
    expect(stepOf(channel('value'), NaN, 1)).toBeUndefined();
    expect(reachOf(channel('value'), [token({ value: NaN }), token({})])).toBe(0);
  });
});

test('numbers have a true minus, small ones their size, and none a dash', () => {
  expect([-0.5, 1, 0, -0, 0.00004, -0.00004, null, NaN].map(numberText)).toEqual([
    '−0.500',
    '1.000',
    '0.000',
    '0.000',
    '4e−5',
    '−4e−5',
    '–',
    '–',
  ]);
});

test('arrows stay in the row of cells', () => {
  expect(placeAfter('ArrowLeft', 0, 3)).toBe(0);
  expect(placeAfter('ArrowRight', 1, 3)).toBe(2);
  expect(placeAfter('ArrowRight', 2, 3)).toBe(2);
  expect(placeAfter('Home', 2, 3)).toBe(0);
  expect(placeAfter('End', 0, 3)).toBe(2);
  expect(placeAfter('a', 1, 3)).toBeUndefined();
});
