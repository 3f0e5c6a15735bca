import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRecording, type ExperimentEvent } from '../../src/index.ts';
import { readTold, toldText } from '../../src/view/told-event.ts';

const file = join(import.meta.dirname, '../../demo/public/replays/quick.json');
const { events } = readRecording(readFileSync(file, 'utf8'), 'quick.json');

describe('an event that is told to another program', () => {
  test('is the same event there, for every event of a run', () => {
    const types = new Set(events.map(({ event }) => event.type));
    for (const type of ['pool', 'update', 'column', 'scores', 'evaluation', 'done'] as const) {
      expect(types).toContain(type);
    }
    for (const { event } of events) {
      // A recording has one signal for both; what it lacks is no part of the form.
      const read = readTold(toldText(event), 'a tab');
      expect(read).toEqual(event);
    }
  });

  test('keeps every digit, and a number that is none', () => {
    const column: ExperimentEvent = {
      type: 'column',
      seed: 1,
      epoch: 0,
      accuracy: Float32Array.of(0.1, NaN, 1 / 3),
      reward: Float32Array.of(-0.5, 1, NaN),
    };
    expect(readTold(toldText(column), 'a tab')).toEqual(column);
  });

  test.each<[string, unknown, RegExp]>([
    ['no event', [], /a tab: /],
    ['an unknown type', { type: 'attack' }, /a tab: type/],
    ['a seed that is a text', { type: 'column', seed: '1', epoch: 0 }, /seed/],
    [
      'an epoch that would fill the memory',
      { type: 'column', seed: 1, epoch: 4e9, accuracy: [], reward: [] },
      /epoch/,
    ],
    ['a text for a list', { type: 'pool', seed: 1, prompts: 'all' }, /prompts/],
    ['a method that nobody knows', { type: 'phase', seed: 1, phase: 'x', text: '' }, /phase/],
    ['results that are none', { type: 'done', results: { schema: 2 } }, /schema/],
    [
      'a config that is none',
      { type: 'started', adapter: '', host: '', config: {}, seeds: [1], totalUpdates: 1 },
      /a tab/,
    ],
    ['a state that nobody knows', { type: 'state', state: 'won', message: '' }, /state/],
  ])('is refused with its place: %s', (_, value, why) => {
    expect(() => readTold(JSON.stringify(value), 'a tab')).toThrow(why);
  });

  test('is refused where it is no JSON', () => {
    expect(() => readTold('{', 'a tab')).toThrow(/a tab/);
  });
});
