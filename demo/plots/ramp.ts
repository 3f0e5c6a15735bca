import { rampSteps } from '../../src/look/tokens.ts';
import { cssColor } from './canvas.ts';

/** Red, green, blue in [0, 255]. */
export type Rgb = readonly [number, number, number];

/** The ramp's colours in the current colour scheme, lowest share first. */
export const rampNow = (): Rgb[] =>
  Array.from({ length: rampSteps }, (_, i) => rgbOf(cssColor(`--ramp-${i}`)));

/** Parses `#rgb` or `#rrggbb`: a style sheet may use the short form. */
export function rgbOf(hex: string): Rgb {
  const digits = hex.length === 4 ? hex.replace(/[^#]/g, '$&$&') : hex;
  const channel = (at: number) => Number.parseInt(digits.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

/**
 * The colour of a share between a ramp's stops; shares outside [0, 1] get the colour of the end.
 */
export function rampColor(stops: readonly Rgb[], share: number): Rgb {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(place));
  const [low, high] = [stops[below], stops[below + 1]];
  if (!low || !high) return [0, 0, 0];
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(low[channel] + (high[channel] - low[channel]) * (place - below));
  return [mix(0), mix(1), mix(2)];
}

/** A colour as a style sheet writes it. */
export const hexOf = (color: Rgb): string =>
  `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
