import { expect } from 'vitest';

/**
 * The number that fills an output before a kernel runs, to see which elements the kernel leaves
 * alone.
 */
const MARK = 77;

export const marked = (count: number): Float32Array => new Float32Array(count).fill(MARK);

/** Fails unless every element from `first` on still has the value that `marked` gave it. */
export function expectUntouched(got: Float32Array, first: number): void {
  expect(got.length).toBeGreaterThan(first);
  expect([...new Set(got.subarray(first))]).toEqual([MARK]);
}
