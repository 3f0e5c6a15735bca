// What is known of each token of an answer, channel by channel, and how far a value is from nothing.
import type { InspectedToken } from '../../src/index.ts';
import { differenceSteps } from '../../src/look/tokens.ts';
import { fixed } from '../strings/numbers.ts';

/** A number of each token that cells can be coloured by. */
export interface Channel {
  readonly key: 'logprob' | 'kl' | 'entropy' | 'value' | 'reward' | 'advantage' | 'ratio';
  readonly inNats: boolean;
  /** The value that has the colour of paper. */
  readonly middle: number;
}

/** In the order of their keys, 1 to 7. */
export const channels: readonly Channel[] = [
  { key: 'logprob', inNats: true, middle: 0 },
  { key: 'kl', inNats: true, middle: 0 },
  { key: 'entropy', inNats: true, middle: 0 },
  { key: 'value', inNats: false, middle: 0 },
  { key: 'reward', inNats: false, middle: 0 },
  { key: 'advantage', inNats: false, middle: 0 },
  { key: 'ratio', inNats: false, middle: 1 },
];

/** The channels that some token has a value in. */
export const channelsOf = (tokens: readonly InspectedToken[]): Channel[] =>
  channels.filter(({ key }) => tokens.some((token) => token[key] !== null));

/** The largest distance of a token's value from the channel's middle; 0 where all are there. */
export const reachOf = (channel: Channel, tokens: readonly InspectedToken[]): number =>
  tokens.reduce((most, token) => {
    const value = token[channel.key];
    return value === null || Number.isNaN(value)
      ? most
      : Math.max(most, Math.abs(value - channel.middle));
  }, 0);

/**
 * The step of the diverging ramp of a value, from `-differenceSteps` to `differenceSteps`; 0 is paper.
 * Undefined where there is no value.
 *
 * @param reach The distance from the middle that has the ramp's ends.
 */
export function stepOf(channel: Channel, value: number | null, reach: number): number | undefined {
  if (value === null || Number.isNaN(value)) return undefined;
  if (reach === 0) return 0;
  const step = Math.round((differenceSteps * (value - channel.middle)) / reach);
  // Adding 0 makes 0 of −0, which the name of a colour would have to tell.
  return Math.max(-differenceSteps, Math.min(differenceSteps, step)) + 0;
}

/** A number of a token; a dash where there is none. */
export function numberText(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–';
  return Math.abs(value) !== 0 && Math.abs(value) < 0.001
    ? value.toExponential(0).replaceAll('-', '−')
    : fixed(value, 3).replace(/^−(?=0.000$)/, '');
}

/** The place that a key leads to in a row of cells; undefined for other keys. */
export function placeAfter(key: string, place: number, cells: number): number | undefined {
  switch (key) {
    case 'ArrowLeft':
      return Math.max(0, place - 1);
    case 'ArrowRight':
      return Math.min(cells - 1, place + 1);
    case 'Home':
      return 0;
    case 'End':
      return cells - 1;
    default:
      return undefined;
  }
}
