// Numbers in the page's language; who calls these while drawing is drawn again when it changes.
import { language } from '../state/stage.ts';

/** Digits after the point, all of them written. */
export const fixed = (value: number, digits: number): string =>
  new Intl.NumberFormat(language.value, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
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
