import { describe, expect, test } from 'vitest';
import { workedSteps } from '../../demo/state/worked-steps.ts';

describe('a worked answer', () => {
  test('is checked step by step, each from the value before it', () => {
    // 7 - 3 = 4, 4 * 4 = 16, of which the last digit counts.
    expect(workedSteps('7-3*4=', '4,6#6;', 10)).toEqual({
      steps: [
        { text: '7 − 3', given: '4', want: '4', right: true },
        { text: '4 × 4', given: '6', want: '6', right: true },
      ],
      answer: '6',
      lucky: false,
    });
  });

  test('names a slip once: what follows it goes on from the wrong value', () => {
    const worked = workedSteps('7-3*4+8=', '5,0,8#8;', 10);
    expect(worked?.steps.map(({ right, want }) => [right, want])).toEqual([
      [false, '4'],
      [true, '0'],
      [true, '8'],
    ]);
    expect(worked?.lucky).toBe(false);
  });

  test('is lucky if a wrong step leads to the right answer', () => {
    // 3 + 1 = 4 and 4 * 0 = 0; from a wrong 5 it is 0 too.
    expect(workedSteps('3+1*0=', '5,0#0;', 10)).toMatchObject({ answer: '0', lucky: true });
    expect(workedSteps('3+1*0=', '4,0#0;', 10)).toMatchObject({ answer: '0', lucky: false });
  });

  test('counts below its modulus, also below zero', () => {
    expect(workedSteps('1-2=', '2#2;', 3)?.steps).toEqual([
      { text: '1 − 2', given: '2', want: '2', right: true },
    ]);
  });

  test('has no answer where it ends otherwise', () => {
    expect(workedSteps('7-3=', '4?4;', 10)?.answer).toBeUndefined();
    expect(workedSteps('7-3=', '4#5;', 10)?.answer).toBeUndefined();
  });

  test.each([
    ['another form of prompt', 'Once upon a time', '4#4;'],
    ['too few values', '7-3*4=', '4#4;'],
    ['no value', '7-3=', '#4;'],
    ['hostile text', '7-3=', '<b>4</b>#4;'],
    ['nothing', '', ''],
  ])('is not read from %s', (_, prompt, response) => {
    expect(workedSteps(prompt, response, 10)).toBeUndefined();
  });
});
