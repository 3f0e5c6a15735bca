// Numbers in the page's language; who calls these while drawing is drawn again when it changes.
import { language } from '../state/stage.ts';

/** Digits after the point, all of them written. */
export const fixed = (value: number, digits: number): string =>
  new Intl.NumberFormat(language.value, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: 'negative',
  })
    .format(value)
    .replace('-', '−');

/** Digits that count, for values that span decades. */
export const significant = (value: number, digits: number): string =>
  new Intl.NumberFormat(language.value, {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  })
    .format(value)
    .replace('-', '−');

/** A whole number with its thousands apart. */
export const whole = (value: number): string =>
  new Intl.NumberFormat(language.value, { maximumFractionDigits: 0 })
    .format(value)
    .replace('-', '−');

/**
 * A share in percent.
 *
 * @param digits Digits after the point.
 */
export const percent = (share: number, digits: number): string =>
  `${fixed(100 * share, digits)}${language.value === 'zh' ? '%' : ' %'}`;

/** A word for one thing, and for none or several. */
export type Noun = readonly [one: string, several: string];

/** `1 prompt`, `160 prompts`. */
export const counted = (count: number, [one, several]: Noun): string =>
  `${whole(count)} ${count === 1 ? one : several}`;

/**
 * A difference of shares in points of percent.
 *
 * @param signed Whether a positive one has its sign.
 */
export const points = (share: number, signed = false): string =>
  `${signed && share > 0 ? '+' : ''}${fixed(100 * share, 1)}`;

/** A day, given as `2026-11-30`. */
export const day = (date: string): string =>
  new Date(`${date}T12:00:00Z`).toLocaleDateString(
    language.value === 'en' ? 'en-GB' : language.value,
    { day: 'numeric', month: 'long', year: 'numeric' },
  );

/** A number as it is, with six significant digits at most. */
export const plain = (value: number): string =>
  new Intl.NumberFormat(language.value, { maximumSignificantDigits: 6 })
    .format(value)
    .replace('-', '−');
