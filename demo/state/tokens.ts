// What is known of each token of an answer, channel by channel, and how far a value is from nothing.
import type { InspectedToken } from '../../src/index.ts';
import { differenceSteps } from '../../src/look/tokens.ts';

/** A number of each token that cells can be coloured by. */
export interface Channel {
  readonly key: 'logprob' | 'kl' | 'entropy' | 'value' | 'reward' | 'advantage' | 'ratio';
  readonly name: string;
  readonly unit: string;
  readonly meaning: string;
  /** The value that has the colour of paper. */
  readonly middle: number;
}

/** In the order of their keys, 1 to 7. */
export const channels: readonly Channel[] = [
  {
    key: 'logprob',
    name: 'Log-probability',
    unit: 'nats',
    meaning: 'how sure the model was of the token; 0 is certain',
    middle: 0,
  },
  {
    key: 'kl',
    name: 'KL',
    unit: 'nats',
    meaning: 'estimate of how far the model has moved from the base here',
    middle: 0,
  },
  {
    key: 'entropy',
    name: 'Entropy',
    unit: 'nats',
    meaning: 'how open the choice was; 0 is none',
    middle: 0,
  },
  {
    key: 'value',
    name: 'Value',
    unit: '',
    meaning: 'the reward that the critic expects before the token',
    middle: 0,
  },
  {
    key: 'reward',
    name: 'Reward',
    unit: '',
    meaning: 'what the token itself is paid; the verdict is paid at the last one',
    middle: 0,
  },
  {
    key: 'advantage',
    name: 'Advantage',
    unit: '',
    meaning: 'better or worse than expected: which way the update pushes',
    middle: 0,
  },
  {
    key: 'ratio',
    name: 'Ratio',
    unit: '',
    meaning: 'probability after the update over that before; 1 is unmoved',
    middle: 1,
  },
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

/** A number of a token with a true minus; a dash where there is none. */
export function numberText(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–';
  const text =
    Math.abs(value) !== 0 && Math.abs(value) < 0.001 ? value.toExponential(0) : value.toFixed(3);
  return text.replace(/^-(?=0\.000$)/, '').replaceAll('-', '−');
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
