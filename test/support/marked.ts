import { expect } from 'vitest';

/** What an output holds before a kernel runs, to see which elements it leaves alone. */
const MARK = 77;

export const marked = (count: number): Float32Array => new Float32Array(count).fill(MARK);

/** Fails unless every element from `first` on still holds what `marked` put there. */
export function expectUntouched(got: Float32Array, first: number): void {
  expect(got.length).toBeGreaterThan(first);
  expect([...new Set(got.subarray(first))]).toEqual([MARK]);
}
