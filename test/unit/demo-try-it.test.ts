import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { groupAnswers } from '../../demo/state/answer-groups.ts';
import {
  agreementText,
  answerWords,
  Newest,
  offeredWeights,
  usualWeights,
  weightsAtHand,
} from '../../demo/state/try-it.ts';
import { workedSteps } from '../../demo/state/worked-steps.ts';
import { presets, type GeneratedResponse, type RunView } from '../../src/index.ts';

const response = (text: string, correct?: boolean): GeneratedResponse => ({
  text,
  ids: [1],
  tokens: [text],
  probabilities: [1],
  finished: true,
  ...(correct === undefined
    ? {}
    : { verdict: { reward: correct ? 1 : -0.5, correct, formatted: true } }),
});

describe('answers to one prompt', () => {
  test('are grouped, the most frequent first and of equals the first drawn', () => {
    const groups = groupAnswers(['b', 'a', 'c', 'a', 'c'].map((text) => response(text)));
    expect(groups.map(({ one, count, row }) => [one.text, count, row])).toEqual([
      ['a', 2, 1],
      ['c', 2, 2],
      ['b', 1, 0],
    ]);
  });

  test('agree as far as the most frequent goes, and match the key or are not judged', () => {
    const drawn = [response('a', false), response('b', true), response('a', false)];
    expect(agreementText(drawn)).toBe('2 of 3 agree · 1 of 3 matches the key');
    expect(agreementText([response('a'), response('a')])).toBe('2 of 2 agree');
    expect(agreementText([response('a', true)])).toBe('1 of 1 matches the key');
    expect(agreementText([response('a'), response('b')])).toBe('no two of 2 agree');
    expect(agreementText([])).toBe('');
  });

  test('say a slip and luck with the right value', () => {
    const slip = workedSteps('7-3*4=', '5,0#0;', 10);
    expect(answerWords('wrong', slip)).toBe('wrong, a slip: 7 − 3 is 4');
    const lucky = workedSteps('3+1*0=', '5,0#0;', 10);
    expect(answerWords('right', lucky)).toBe('right, by luck: 3 + 1 is 4');
    expect(answerWords('right', workedSteps('3+1=', '4#4;', 10))).toBe('right');
    expect(answerWords(undefined, undefined)).toBe('not judged');
  });
});

describe('the weights that can be asked', () => {
  test('of files are those that the files have, and the base with them', () => {
    const offered = ['base', 'full', 'lim'] as const;
    const kept = [
      { of: 'base', seed: 1 },
      { of: 'full', seed: 1 },
      { of: 'lim', seed: 2 },
    ] as const;
    expect(weightsAtHand(offered, undefined, 1)).toEqual(offered);
    expect(weightsAtHand(offered, kept, 1)).toEqual(['base', 'full']);
    expect(weightsAtHand(offered, kept, 2)).toEqual(['base', 'lim']);
    expect(weightsAtHand(offered, kept, 3)).toEqual([]);
    expect(weightsAtHand(offered, kept.slice(0, 1), 1)).toEqual([]);
    expect(weightsAtHand(offered, [], 1)).toEqual([]);
  });

  const { quick } = presets;
  const config = {
    ...quick,
    experiment: { ...quick.experiment, methods: ['full', 'lim', 'rand'] as const },
  };
  const view = (stage: RunView['stage'], trained: string[] = [], running = true) => ({
    config,
    stage,
    running,
    updates: Object.fromEntries(trained.map((name) => [name, [{}]])) as RunView['updates'],
  });

  test('are none before there is a base, and then those that are there', () => {
    expect(offeredWeights(view(undefined), false)).toEqual([]);
    expect(offeredWeights(view('base'), false)).toEqual([]);
    expect(offeredWeights(view('full', ['full']), false)).toEqual(['base', 'now']);
    expect(offeredWeights(view('score', ['full']), false)).toEqual(['base', 'full']);
    expect(offeredWeights(view('lim', ['full', 'lim']), false)).toEqual(['base', 'now', 'full']);
  });

  test('leave out what a stopped run was training', () => {
    expect(offeredWeights(view('lim', ['full', 'lim'], false), false)).toEqual(['base', 'full']);
  });

  test('are all of a run that is over, wherever its film stands', () => {
    expect(offeredWeights(view('full', []), true)).toEqual(['base', 'full', 'lim', 'rand']);
  });

  test('are shown as base, FULL and LIM unless others are chosen', () => {
    expect(usualWeights(['base', 'now', 'full', 'lim', 'rand'])).toEqual([
      'base',
      'now',
      'full',
      'lim',
    ]);
  });
});

describe('questions to one model', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const later = (before: number, next: number): number => Math.max(before, next);

  test('wait until no other has come, and are joined', async () => {
    const asked: number[] = [];
    const newest = new Newest<number>((question) => {
      asked.push(question);
      return Promise.resolve();
    }, later);
    for (const question of [3, 1, 2]) {
      newest.ask(question, 100);
      await vi.advanceTimersByTimeAsync(60);
    }
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(asked).toEqual([3]);
  });

  test('are one at a time, and of those that come meanwhile one is left', async () => {
    const asked: number[] = [];
    const ends: (() => void)[] = [];
    const newest = new Newest<number>((question) => {
      asked.push(question);
      return new Promise((resolve) => ends.push(resolve));
    }, later);
    newest.ask(1, 0);
    await vi.advanceTimersByTimeAsync(1);
    for (const question of [2, 4, 3]) {
      newest.ask(question, 0);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(asked).toEqual([1]);
    ends[0]();
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual([1, 4]);
    ends[1]();
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual([1, 4]);
  });

  test('are forgotten where nobody waits any more', async () => {
    const asked: number[] = [];
    const newest = new Newest<number>((question) => {
      asked.push(question);
      return Promise.resolve();
    }, later);
    newest.ask(1, 50);
    newest.close();
    await vi.advanceTimersByTimeAsync(100);
    expect(asked).toEqual([]);
  });
});
