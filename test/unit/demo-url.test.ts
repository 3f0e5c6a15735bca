import { describe, expect, test } from 'vitest';
import { lessons, readAddress, rooms, writeAddress, type Address } from '../../demo/state/url.ts';
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
    ['a room and more', '#/run/../data', "no room 'run/../data'"],
    ['a prompt that is no place', '#/run?p=-1', 'p is the place of a prompt'],
    ['a prompt that is too large', '#/run?p=9999999999', 'p is the place of a prompt'],
    ['a field twice', '#/run?p=1&p=2', 'p stands in it more than once'],
    ['another version', '#/run?v=2', 'of version 2, this page reads 1'],
    ['a motion that is none', '#/run?motion=fast', "motion is 0 or 1, got 'fast'"],
    ['an unknown lesson', '#/learn/attic', "no lesson 'attic', there are paid, sampling"],
    ['a lesson elsewhere', '#/run/clip', "no room 'run/clip'"],
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
