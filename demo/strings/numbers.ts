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

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size in binary units: `512 B`, `1.5 MiB`, `39 GiB`. */
export function bytes(count: number): string {
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(count || 1) / 10)));
  const value = count / 1024 ** unit;
  const format = new Intl.NumberFormat(language.value, {
    maximumFractionDigits: value < 10 ? 1 : 0,
  });
  return `${format.format(value)} ${units[unit] ?? ''}`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `1 h 20 min`. */
export function duration(seconds: number): string {
  const [unknown, h, min, s] = timeWords[language.value];
  if (!Number.isFinite(seconds)) return unknown;
  if (seconds < 10) return `${fixed(seconds, 1)} ${s}`;
  const all = Math.round(seconds);
  if (all < 60) return `${all} ${s}`;
  const pad = (value: number): string => String(value).padStart(2, '0');
  if (all < 3600) return `${Math.floor(all / 60)} ${min} ${pad(all % 60)} ${s}`;
  return `${Math.floor(all / 3600)} ${h} ${pad(Math.floor((all % 3600) / 60))} ${min}`;
}

const timeWords = {
  en: ['unknown', 'h', 'min', 's'],
  de: ['unbekannt', 'h', 'min', 's'],
  zh: ['未知', '小时', '分', '秒'],
} as const;
