import { counted as countedAs } from '../look/wording.ts';
import type { Estimate } from '../interval.ts';

/** A number with a true minus sign. */
export const fixed = (value: number, digits = 3): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : 'none';

/** As `fixed`, with a plus or minus sign. */
export const signed = (value: number, digits = 3): string =>
  value >= 0 ? `+${fixed(value, digits)}` : fixed(value, digits);

/** A whole number with separators, another number with one digit. */
export const count = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString('en-US') : fixed(value, 1);

/** `1 prompt`, `1,200 prompts`. */
export const counted = (value: number, noun: string): string =>
  countedAs(value, noun, count(value));

export const intervalText = ({ low, high }: Estimate): string => `${fixed(low)} to ${fixed(high)}`;

/** `a`, `a and b`, `a, b and c`. */
export const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;

export const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
