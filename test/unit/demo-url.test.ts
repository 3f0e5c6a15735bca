import { describe, expect, test } from 'vitest';
import { lessons } from '../../demo/state/lessons.ts';
import {
  axes,
  languages,
  looks,
  readAddress,
  readManner,
  rooms,
  themes,
  writeAddress,
  type Address,
} from '../../demo/state/url.ts';
import { ConfigError } from '../../src/config-error.ts';
import { RandomStream } from '../../src/random.ts';

describe('the address of the page', () => {
  test('comes back as it was written', () => {
    const wish = { preset: 'study', seeds: '1,2', overrides: '{"lim":{"theta":0.5},"x":"ä&=#?"}' };
    for (const room of rooms) {
      for (const address of [
        { room, motion: true },
        { room, motion: false, prompt: 143 },
        { room, motion: true, wish, prompt: 0, epoch: 0 },
        { room, motion: true, look: 'land', language: 'zh', theme: 'dark', epoch: 4 },
        { room, motion: true, present: true },
      ] satisfies Address[]) {
        expect(readAddress(writeAddress(address))).toEqual(address);
      }
    }
  });

  test('opens a lesson in its room', () => {
    for (const lesson of lessons) {
      expect(writeAddress({ room: 'learn', lesson, motion: true })).toBe(`#/learn/${lesson}`);
      expect(readAddress(`#/learn/${lesson}`)).toEqual({ room: 'learn', lesson, motion: true });
    }
  });

  test('of any view comes back as it was written', () => {
    const random = new RandomStream(2, 'test');
    const maybe = <Value>(value: () => Value): Value | undefined =>
      random.below(2) === 0 ? undefined : value();
    const one = <Value>(list: readonly Value[]): Value => list[random.below(list.length)];
    const characters = [
      ...Array.from('a7-*=&?#%/+ \n\u00e4\u202e\u6570'),
      '\u{1f600}',
      '<b>',
      '%zz',
      '..',
    ];
    const text = (most: number): string =>
      Array.from({ length: 1 + random.below(most) }, () => one(characters)).join('');
    const names = ['recorded', 'shown', '2026-11-30T12-00-00.000Z-0a1b2c3d'];
    for (let i = 0; i < 2000; i++) {
      const room = one(rooms);
      const address: Address = {
        room,
        motion: random.below(2) === 0,
        lesson: room === 'learn' ? maybe(() => one(lessons)) : undefined,
        run: ['run', 'prompts', 'compare'].includes(room) ? maybe(() => one(names)) : undefined,
        at: maybe(() =>
          random.below(2) === 0
            ? { act: one([1, 2, 3, 4, 5] as const) }
            : { seconds: random.below(9999) / 10 },
        ),
        prompt: maybe(() => random.below(1e6)),
        epoch: maybe(() => random.below(100)),
        cursor: maybe(() => random.below(1e6)),
        typed: maybe(() => text(30)),
        compared: maybe(() => names.slice(0, random.below(4))),
        axis: maybe(() => one(axes)),
        look: maybe(() => one(looks)),
        language: maybe(() => one(languages)),
        theme: maybe(() => one(themes)),
        shared: room === 'run' ? maybe(() => text(40)) : undefined,
        wish: maybe(() => ({ preset: text(8), seeds: '1,2', overrides: text(30).trim() })),
      };
      if (address.run !== undefined && address.shared !== undefined) continue;
      const given = Object.entries(address).filter(([, value]) => value !== undefined);
      expect(readAddress(writeAddress(address))).toEqual(Object.fromEntries(given));
    }
  });

  test('of numbers that ride along opens the room of runs', () => {
    expect(readAddress('#/share?d=abc')).toEqual({ room: 'run', motion: true, shared: 'abc' });
    expect(writeAddress({ room: 'run', motion: true, shared: 'abc' })).toBe('#/share?d=abc');
    expect(writeAddress({ room: 'compare', motion: true, shared: 'abc' })).toBe('#/compare?d=abc');
  });

  test('leaves out what goes without saying', () => {
    const wish = { preset: 'quick', seeds: ' ', overrides: '' };
    expect(writeAddress({ room: 'run', motion: true, wish })).toBe('#/run');
    expect(readAddress('')).toEqual({ room: 'run', motion: true });
    expect(readAddress('#/run')).toEqual({ room: 'run', motion: true });
  });

  test('of older links opens the room where runs begin', () => {
    const config = '{"rollout":{"samples":4}}';
    expect(readAddress(`#${new URLSearchParams({ preset: 'quick', seed: '7', config })}`)).toEqual({
      room: 'data',
      motion: true,
      wish: { preset: 'quick', seeds: '7', overrides: config },
    });
  });

  test.each([
    ['too long', `#config=${'x'.repeat(8186)}`, 'at most 8192 characters'],
    ['an unknown field', '#preset=quick&start=now', "no setting 'start'"],
    ['a field of objects', '#/run?__proto__=1', "no setting '__proto__'"],
    ['an unknown room', '#/attic', "no room 'attic', there are run, prompts"],
    ['a room of objects', '#/constructor', "no room 'constructor'"],
    ['a room and more', '#/data/../run', "no room 'data/../run'"],
    ['a run that has no such name', '#/run/../data', "'../data' is no run's name"],
    ['a run of objects', '#/prompts/__proto__', "'__proto__' is no run's name"],
    ['an act that is none', '#/run?at=6', 'at is an act, from 1 to 5, or seconds of film'],
    ['a place that is none', '#/run?at=-3s', "got '-3s'"],
    ['a read-out that is none', '#/compare?cur=1.5', "cur is a read-out, got '1.5'"],
    ['runs that are none', '#/compare?runs=recorded,%3Cb%3E', "runs: '<b>' is no run's name"],
    ['a run twice', '#/compare?runs=recorded,recorded', 'runs names a run more than once'],
    [
      'too many runs',
      `#/compare?runs=${Array.from({ length: 9 }, (_, i) => `2026-11-30T0${i}`).join(',')}`,
      'runs names 9 runs, at most 8',
    ],
    ['an axis that is none', '#/compare?over=time', 'over is updates, epochs or samples'],
    ['a prompt as long as a book', `#/run?ask=${'7'.repeat(2001)}`, 'at most 2000 characters'],
    ['a prompt that is no place', '#/run?p=-1', 'p is the place of a prompt'],
    ['a prompt that is too large', '#/run?p=9999999999', 'p is the place of a prompt'],
    ['a field twice', '#/run?p=1&p=2', 'p stands in it more than once'],
    ['another version', '#/run?v=2', 'of version 2, this page reads 1'],
    ['a motion that is none', '#/run?motion=fast', "motion is 0 or 1, got 'fast'"],
    ['a presenter that is none', '#/run?present=yes', "present is 0 or 1, got 'yes'"],
    ['an unknown lesson', '#/learn/attic', "no lesson 'attic', there are paid, sampling"],
    ['a lesson elsewhere', '#/run/clip', "'clip' is no run's name"],
    ['an epoch before the first', '#/run?e=0', "e is an epoch, from 1, got '0'"],
    ['an unknown language', '#/run?lang=fr', "lang is en, de or zh, got 'fr'"],
    ['an unknown theme', '#/run?theme=sepia', "theme is light or dark, got 'sepia'"],
    ['an unknown look', '#/prompts?look=up', "look is heat, land, curves or table, got 'up'"],
  ])('is refused for %s', (_, hash, why) => {
    expect(() => readAddress(hash)).toThrow(ConfigError);
    expect(() => readAddress(hash)).toThrow(why);
  });

  test('is read or refused with a reason, whatever it is', () => {
    const random = new RandomStream(1, 'test');
    const pieces = [
      '#',
      '/',
      '?',
      '&',
      '=',
      '%',
      '%zz',
      'run',
      'p',
      'at',
      'runs',
      'ask',
      'd',
      '/recorded',
      '1',
      'preset',
      'config',
      '\u202e',
      '\ud800',
      ' ',
    ];
    for (let i = 0; i < 3000; i++) {
      const length = random.below(12);
      const hash = Array.from({ length }, () => pieces[random.below(pieces.length)]).join('');
      try {
        expect(rooms).toContain(readAddress(hash).room);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }
  });
});

test('an address that is refused still says its language, colours and motion', () => {
  const hash = '#/nowhere?lang=de&theme=dark&motion=0&x=1';
  expect(() => readAddress(hash)).toThrow('the address: ');
  expect(readManner(hash)).toEqual({ language: 'de', theme: 'dark', motion: false });
  expect(readManner('#/nowhere?lang=xx&theme=__proto__')).toEqual({
    language: undefined,
    theme: undefined,
    motion: true,
  });
  expect(readManner('')).toMatchObject({ motion: true });
});
