import { describe, expect, test } from 'vitest';
import { stepAfter, tourSteps } from '../../demo/state/tour.ts';

describe('the tour', () => {
  test('presses nothing that starts, stops or deletes', () => {
    const pressed = tourSteps.flatMap(({ press }) => press);
    expect(new Set(pressed.map((selector) => selector.replace(/\d/, 'N')))).toEqual(
      new Set([
        '#to-run',
        '.acts li:nth-child(N) button',
        '#to-prompts',
        '#to-compare',
        '#to-learn',
        '#to-data',
      ]),
    );
  });

  test('passes over steps that cannot be made, and ends where there is none', () => {
    const rooms = ({ press }: (typeof tourSteps)[number]) => press.length === 1;
    expect(stepAfter(0, 1, () => true)).toBe(1);
    expect(stepAfter(0, 1, rooms)).toBe(5);
    expect(stepAfter(5, -1, rooms)).toBeUndefined();
    expect(stepAfter(tourSteps.length - 1, 1, () => true)).toBeUndefined();
  });
});
