// Schemas for numbers in a config. Bounds are inclusive.
import * as v from 'valibot';

export const within = (low: number, high: number) =>
  v.pipe(v.number(), v.minValue(low), v.maxValue(high), v.finite());
export const finite = v.pipe(v.number(), v.finite());
export const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
export const seed = whole(0, 0xffff_ffff);
/** A fraction in [0, 1]. */
export const share = within(0, 1);
